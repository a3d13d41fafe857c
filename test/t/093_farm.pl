# The monitor visits a farm of relays, dead and alive in many ways, and finds each to be what it is.
# BIGBROTR_TEST_SEED: which.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use RelayFarm;
use Test::More;

chomp(my $libraries = `pg_config --pkglibdir`);
my $farm = RelayFarm->start(RelayFarm::folder_of('bigbrotr-farm'), relays => 300, seed => $ENV{BIGBROTR_TEST_SEED} // 1);
my $node = archive_server('farm',
	'bigbrotr.services' => 'initializer, monitor',
	'bigbrotr.politeness' => 'sweep',
	# A busy machine must not look like a dead relay.
	'bigbrotr.connect_timeout' => '10s',
	$farm->settings($libraries));
$node->safe_psql('postgres', $farm->load_truth);
$node->safe_psql('postgres', 'SELECT count(bigbrotr.add_relay(url)) FROM public.truth');
wait_for($node, q{count(*) = 300 FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL});
is($node->safe_psql('postgres', RelayFarm::mistakes()), '', 'each relay is found to be what it is');
is($node->safe_psql('postgres', q{SELECT count(*) FROM public.truth AS t JOIN bigbrotr.relay_status AS s ON s.relay_url = t.url WHERE t.status = 'candidate' AND s.status = 'online'}),
	0, 'no dead one is called online');
is($node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('monitor') -> 'custom' ->> 'net_restarts'}), '0', 'one net process did it all');

sub document_of
{
	my ($kind) = @_;
	return $node->safe_psql('postgres', qq{
		SELECT DISTINCT step ->> 'error' FROM _bigbrotr.relay_stories JOIN bigbrotr.relays USING (relay_id) JOIN public.truth USING (url), jsonb_array_elements(story) AS step
		WHERE kind = '$kind' AND step ->> 'step' = 'document'});
}
my %documents = (healthy => '', document_only => '', no_document => 'http_error', huge_document => 'too_large', gzip_bomb => 'too_large',
	endless_document => 'document_timeout', web_page => 'web_page', redirect => 'too_many_redirects');
is(document_of($_), $documents{$_}, "the document of $_") for sort keys %documents;

is($node->safe_psql('postgres', q{
	SELECT DISTINCT s.outcome, s.facts -> 'tls' ->> 'valid', s.facts -> 'tls' ->> 'fault', s.facts -> 'tls' ->> 'issuer' <> '',
	       (s.facts -> 'tls' ->> 'not_after')::bigint < bigbrotr.unix_now(), jsonb_array_length(s.facts -> 'addresses')
	FROM _bigbrotr.relay_stories AS s JOIN bigbrotr.relays USING (relay_id) JOIN public.truth USING (url) WHERE kind = 'tls_expired'}),
	'failed|false|certificate has expired|t|t|1', 'a certificate that is not valid is kept');
is($node->safe_psql('postgres', q{
	SELECT string_agg(DISTINCT kind || ' ' || (step ->> 'step'), ', ')
	FROM (SELECT kind, jsonb_array_elements(story) AS step FROM _bigbrotr.relay_stories JOIN bigbrotr.relays USING (relay_id) JOIN public.truth USING (url)) AS s
	WHERE NOT step ? 'ms' AND step ->> 'run' IS NULL AND step ->> 'step' <> 'challenge' AND step ->> 'step' <> 'finish'}), '', 'each step has its time, also one that failed');

is($node->safe_psql('postgres', q{
	SELECT string_agg(DISTINCT kind || ': ' || (step ->> 'detail'), E'\n' ORDER BY kind || ': ' || (step ->> 'detail'))
	FROM (SELECT kind, jsonb_array_elements(story) AS step FROM _bigbrotr.relay_stories JOIN bigbrotr.relays USING (relay_id) JOIN public.truth USING (url)) AS s
	WHERE step ->> 'step' = 'tls' AND step ->> 'error' = 'bad_certificate'}),
	"tls_expired: certificate has expired\ntls_self_signed: self-signed certificate\ntls_wrong_name: IP address mismatch", 'what is wrong with each certificate');
$node->stop;

# Where local relays are not allowed, names that lead to this machine are not followed.
my $inside = RelayFarm->start(RelayFarm::folder_of('bigbrotr-farm'), relays => 20, kinds => 'named');
my $strict = archive_server('strict',
	'bigbrotr.services' => 'initializer, monitor',
	$inside->settings($libraries),
	'bigbrotr.allow_local_relays' => 'off');
$strict->safe_psql('postgres', $inside->load_truth);
$strict->safe_psql('postgres', 'SELECT count(bigbrotr.add_relay(url)) FROM public.truth');
wait_for($strict, q{count(*) = 20 FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL});
is($strict->safe_psql('postgres', 'SELECT DISTINCT network, status, reason FROM bigbrotr.relay_status'), 'clearnet|candidate|local_address', 'names of private addresses');
$strict->safe_psql('postgres', $inside->load_truth);
is($strict->safe_psql('postgres', 'SELECT max(open_us) FROM public.truth'), -1, 'no connection is made');
my ($url) = $inside->urls;
like($strict->safe_psql('postgres', "SELECT * FROM bigbrotr.explain_relay('$url')"),
	qr/^  names: its name has an address that is not public, \d+ ms, to be kept for 60 s \(127\.64\.0\.1\)$/m, 'and it is recorded why');
$strict->stop;
done_testing();
