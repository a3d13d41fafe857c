# The monitor's worker: what it makes of what its net process tells of visits, what it keeps, and that it believes no lie.
# The net process is a double, so that each visit is as told.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use File::Copy qw(copy);
use PostgreSQL::Test::Utils;
use Test::More;

chomp(my $installed = `pg_config --pkglibdir`);
my $folder = PostgreSQL::Test::Utils::tempdir();
symlink "$installed/$_", "$folder/$_" or die "symlink: $!" for qw(bigbrotr.so bigbrotr_core.so);
symlink "$installed/bigbrotr-net", "$folder/bigbrotr-net.true" or die "symlink: $!";
copy("$FindBin::RealBin/../lib/told_visits", "$folder/bigbrotr-net") or die "copy: $!";
chmod 0755, "$folder/bigbrotr-net";

my $node = archive_server('monitor', 'shared_preload_libraries' => "$folder/bigbrotr", 'bigbrotr.services' => 'initializer, monitor',
	'bigbrotr.log_level' => 'debug');
my @paths = qw(good refused page expired local blind silent);
add_relays($node, map { "ws://$_.example.com/$_" } @paths);
wait_for($node, q{count(*) = 6 FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL});

sub status_of
{
	my ($path) = @_;
	return $node->safe_psql('postgres', "SELECT status, reason FROM bigbrotr.relay_status WHERE relay_url ~ '/$path\$'");
}
is(status_of('good'), 'online|', 'a relay that answers is online');
is(status_of('refused'), 'candidate|connection_refused', 'one that refuses connections is not');
is(status_of('page'), 'candidate|handshake_failed', 'nor is a web page');
is(status_of('local'), 'candidate|local_address', 'nor one to which our rules forbid a connection');
is(status_of('blind'), 'candidate|network_unreachable', 'of one that could not be visited nothing is known');
is($node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.relay_metadata WHERE relay_url ~ '/blind$'}), 0, 'and nothing was measured');
wait_for($node, q{EXISTS (SELECT FROM _bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/silent$' AND owner IS NOT NULL)});
is($node->safe_psql('postgres', q{SELECT owner IS NOT NULL, checked_at FROM _bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/silent$'}), 't|',
	'a visit that is under way is leased');

my $relay = q{relay_url = 'ws://good.example.com/good'};
is($node->safe_psql('postgres', "SELECT nip66_openable, nip66_readable, nip66_writable, nip66_rtt_open, nip66_rtt_read, nip11_name, nip11_supported_nips FROM bigbrotr.relay_metadata WHERE $relay"),
	't|t||30|15|told|[1, 11, 50]', 'round trips and document are kept');
is($node->safe_psql('postgres', "SELECT string_agg(concat_ws(' ', nip, claimed, observed), ', ' ORDER BY nip) FROM bigbrotr.nip_support WHERE $relay"),
	'1 t t, 11 t t, 45 f t, 50 t f', 'NIPs claimed and observed');
is($node->safe_psql('postgres', q{SELECT facts ->> 'addresses', facts ->> 'server' FROM bigbrotr.relay_at('ws://good.example.com/good', now())}), '["192.0.2.1", "192.0.2.2"]|told', 'facts');
is($node->safe_psql('postgres', q{SELECT facts ->> 'cname', facts -> 'nip11' ->> 'cors', facts -> 'nip11' ->> 'faults' FROM bigbrotr.relay_at('ws://good.example.com/good', now())}),
	'host.example.net|true|{"limitation": "not_an_object"}', 'facts about name and document');
is($node->safe_psql('postgres', q{SELECT facts FROM bigbrotr.relay_at('ws://expired.example.com/expired', now())}), '', 'of a relay that did not answer there are none');
is($node->safe_psql('postgres', q{SELECT outcome, s.facts ->> 'addresses', s.facts -> 'tls' FROM _bigbrotr.relay_stories AS s JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/expired$'}),
	'failed|["192.0.2.1", "192.0.2.2"]|{"fault": "certificate has expired", "names": ["a.example.com", "b.example.com"], "valid": false, "issuer": "CN=ca", "subject": "CN=told", '
	. '"protocol": "TLSv1.3", "not_after": 2000, "not_before": 1000, "fingerprint": "' . '66' x 32 . '"}', 'what was measured of it is in the story of the visit');
like($node->safe_psql('postgres', q{SELECT * FROM bigbrotr.explain_relay('ws://refused.example.com/refused')}),
	qr/^\S+ is candidate since .*: nothing listens on its port\nThe last visit that failed, .*:\n  connect \(192.0.2.1 port 443\): nothing listens on its port \(told of connect\)\n  addresses: 192.0.2.1, 192.0.2.2\n/, 'the story of a visit that failed');
like($node->safe_psql('postgres', q{SELECT * FROM bigbrotr.explain_relay('ws://expired.example.com/expired')}),
	qr/\n  tls: its certificate is not valid \(told of tls\)\n.*\n  certificate: not valid, certificate has expired, of CN=told, issued by CN=ca, for a.example.com, b.example.com, 1970-01-01 00:16:40 UTC to 1970-01-01 00:33:20 UTC, TLSv1.3\n/s,
	'with the certificate that it showed');
like($node->safe_psql('postgres', q{SELECT line FROM bigbrotr.explain_relay('ws://good.example.com/good') AS line WHERE line ~ 'document'}),
	qr/^  document: well, 5 ms, 42 bytes\n  document: HTTP status 200; web pages of other origins may read it; limitation is not an object$/, 'and the document');
like($node->safe_psql('postgres', q{SELECT * FROM bigbrotr.explain_relay('ws://good.example.com/good')}),
	qr/\nThe last visit that went well, .*:\n  connect \(192.0.2.1 port 443\): well, 10 ms\n  upgrade: well, 20 ms\n  read: well, 15 ms\n/, 'the story of one that went well');

# Each reason that the program of the network can give for a step, as its sources have it, has its words; so have the prefixes of NIP-01.
my %reasons = map { $_ => 1 } qw(duplicate pow blocked rate_limited invalid restricted mute error auth_required unsupported);
my $sources = "$FindBin::RealBin/../../src/net";
for my $file ("$sources/job/relay_document.cpp", glob("$sources/job/{arrival,json_text,probe_*}.cpp"), glob("$sources/transport/*.{h,cpp}"))
{
	my $text = slurp_file($file) =~ s{//[^\n]*|/\*.*?\*/}{}gsr;
	$reasons{$1} = 1 while $text =~ /(?:reason =|\bfail(?:ed)?\(|\bcut\(|\bfinish\(|\brefused\(|\bFailed,|\bFault\{|\breturn \{?|\bskip\([^,]*,|[?:]|Step::\w+,|\bk\w+ =)\s*"([a-z]+(?:_[a-z]+)*)"/g;
}
# Faults of fields of a document; names of other things.
delete @reasons{qw(null not_a_boolean not_a_key not_a_string not_an_array not_an_integer tls_ca_file)};
cmp_ok(scalar keys %reasons, '>', 50, 'reasons are found in the sources');
ok($reasons{$_}, "$_ is one") for qw(flood no_hint none_sent too_many_redirects not_an_object proxy_failed address_full frame_too_large bad_certificate);
is($node->safe_psql('postgres', "SELECT string_agg(r, ' ' ORDER BY r) FROM unnest('{" . join(',', sort keys %reasons) . "}'::text[]) AS r WHERE _bigbrotr.error_words(r) = replace(r, '_', ' ')"), '',
	'and each of them has words');

# Visits that find nothing new leave nothing behind but their round trips.
sub visit_again
{
	my ($path) = @_;
	my $visits = "_bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/$path\$'";
	# Of each second there is one measurement.
	wait_for($node, "checked_at < floor(extract(epoch FROM clock_timestamp())) FROM $visits");
	$node->safe_psql('postgres', "UPDATE _bigbrotr.relay_visits SET next_visit = 0 WHERE relay_id = (SELECT relay_id FROM $visits)");
	wait_for($node, "owner IS NULL AND next_visit > 0 FROM $visits");
	return;
}
visit_again('good') for 1 .. 2;
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM _bigbrotr.relay_checks JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/good$'), (SELECT count(*) FROM _bigbrotr.nip11_documents),
	(SELECT count(*) FROM _bigbrotr.nip66_facts), (SELECT count(*) FROM _bigbrotr.relay_history JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/good$')}), '3|1|1|3',
	'three visits, one document, one set of facts, the first changes');
append_to_file("$folder/good.is", "refused\n");
visit_again('good');
is(status_of('good'), 'online|connection_refused', 'one failure decides nothing');
is($node->safe_psql('postgres', q{SELECT count(*) FROM _bigbrotr.relay_outages JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/good$' AND ended IS NULL}), 1, 'an outage has begun');
unlink "$folder/good.is";
visit_again('good');
is($node->safe_psql('postgres', q{SELECT count(*) FROM _bigbrotr.relay_outages JOIN bigbrotr.relays USING (relay_id) WHERE url ~ '/good$' AND ended IS NULL}), 0, 'and has ended');

# A net process that lies is replaced, and nothing of what it told is stored.
is($node->safe_psql('postgres', q{SELECT bigbrotr.service_stats('monitor') -> 'custom' ->> 'net_lies'}), '0', 'no lie so far');
my %lies = (
	lie     => qr/relay \d+: a relay answered without a WebSocket/,
	foreign => qr/it spoke of visit \d+, which was not handed out to it/);
for my $lie (sort keys %lies)
{
	add_relays($node, "ws://$lie.example.com/$lie");
	$node->wait_for_log($lies{$lie});
	ok(1, "$lie: caught");
	is($node->safe_psql('postgres', "SELECT count(*) FROM bigbrotr.relay_metadata WHERE relay_url ~ '/$lie\$'"), 0, "$lie: nothing is stored");
	is(status_of($lie), 'candidate|', "$lie: nor believed");
	$node->safe_psql('postgres', "SELECT bigbrotr.disable_relay('ws://$lie.example.com/$lie')");
}
# The next net process is honest and goes on.
visit_again('good');
is(status_of('good'), 'online|', 'visits go on');

# A relay that is disabled is left alone.
is(status_of('lie'), 'ignored|', 'a relay that is disabled is ignored');
$node->safe_psql('postgres', q{UPDATE _bigbrotr.relay_visits SET next_visit = 0});
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_visits JOIN bigbrotr.relays USING (relay_id) WHERE status = 'ignored' AND next_visit > 0 AND owner IS NULL});

# Changes of status are lines of the log, and notifications where they are wanted.
like(slurp_file($node->logfile), qr{LOG:  relay ws://good\.example\.com/good: online, was candidate$}m, 'a change of status is a line of the log');
sub told_of
{
	my ($path, $outcome, $reason, $observer) = @_;
	$observer //= 'test';
	$reason //= '';
	return $node->safe_psql('postgres', qq{
		LISTEN bigbrotr_relay_status;
		SELECT _bigbrotr.observe_relay(r.relay_id, '$observer', '$outcome', '$reason', greatest(h.observed_at + 60, bigbrotr.unix_now()))
		FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_health AS h USING (relay_id) WHERE r.url ~ '/$path\$'});
}
is($node->safe_psql('postgres', q{SELECT bigbrotr.watch_relay(u) > 0 FROM unnest('{WS://page.example.com/page,ws://page.example.com/page}'::text[]) AS u}), "t\nt", 'a relay is watched');
is($node->safe_psql('postgres', 'SELECT relay_url, status FROM bigbrotr.watched_relays'), 'ws://page.example.com/page|candidate', 'once');
like(told_of('page', 'answered'), qr{^online\nAsynchronous notification "bigbrotr_relay_status" with payload "\{"relay_url" : "ws://page\.example\.com/page", "status" : "online", "before" : "candidate", "reason" : null, "changed_at" : \d+\}" received}, 'who listens is told of its change');
is(told_of('page', 'answered'), 'online', 'not of what stays as it is');
told_of('page', 'failed', 'web_server', 'monitor');
like(told_of('page', 'failed', 'handshake_failed', 'synchronizer'), qr/"status" : "unstable", "before" : "online", "reason" : "web_server"/, 'the finer reason is told');
is(told_of('refused', 'answered'), 'online', 'nor of another relay');
like(slurp_file($node->logfile), qr{LOG:  relay ws://refused\.example\.com/refused: online, was candidate$}m, 'which is in the log');
is($node->safe_psql('postgres', q{SELECT bigbrotr.unwatch_relay('ws://page.example.com/page'), bigbrotr.unwatch_relay('ws://page.example.com/page')}), 't|f', 'it is watched no more');
like(told_of('page', 'ignored'), qr/^ignored$/, 'and nobody is told');
my ($code, $out, $error) = $node->psql('postgres', q{SELECT bigbrotr.add_relay(u), bigbrotr.watch_relay(u) FROM (SELECT format('wss://w%s.example.com', n) AS u FROM generate_series(1, 101) AS n) AS s});
like($error, qr/more than 100 relays are watched.*bigbrotr\.relay_changes shows the changes of all relays/s, 'a hundred are enough');
$node->stop;
done_testing();
