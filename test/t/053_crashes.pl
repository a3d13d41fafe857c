# kill -9 of the worker and immediate stops of the server at random moments of a backfill. After each the
# archive claims nothing that is not there, and in the end it is what an undisturbed run gives.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $crashes = 20;
my $seed    = $ENV{BIGBROTR_TEST_SEED} // time;
srand $seed;
note "moments by BIGBROTR_TEST_SEED=$seed";

# So slow that the backfill outlasts the crashes, at least half of them however busy the machine is.
my %corpus = (relays => 3, events => 8000, overlap => 50);
my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $slow = relay_stub(%corpus, rate => 400, list => $list);

my $node = archive_server('crashes');
load_truth($node, $slow);
my $distinct = $node->safe_psql('postgres', 'SELECT count(DISTINCT event_id) FROM truth');
add_relays($node, @{ $slow->{urls} });

my $archived = 0;
my $amid = 0;    # crashes in the middle
my @unfounded;
for my $crash (1 .. $crashes)
{
	# At work again, then a random moment later.
	wait_for($node, "count(*) > $archived FROM bigbrotr.events");
	my $worker = service_pid($node);
	select undef, undef, undef, rand 0.5;
	if ($crash % 2)
	{
		kill 'KILL', $worker or note "worker $worker was not there";
		# The server restarts itself; then the launcher wants to be told that this was no bug of ours.
		$node->poll_query_until('postgres', "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $worker)")
		  or die 'the server did not come back';
		$node->safe_psql('postgres', 'SELECT bigbrotr.start_workers()');
	}
	else
	{
		$node->stop('immediate');
		$node->start;
	}
	$archived = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events');
	my $unfounded = unfounded_claims($node);
	push @unfounded, "crash $crash at $archived events: $unfounded" if $unfounded;
	last if $archived == $distinct;
	$amid = $crash;
}
note "$archived of $distinct events were archived at the last crash, $amid were in the middle of the backfill";
cmp_ok($amid, '>=', $crashes / 2, 'crashes were in the middle of the backfill');
is("@unfounded", '', 'nothing was claimed after them that was not there');

wait_for($node, q{count(*) = 3 FROM bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($node, 'the archive is whole');
is(unfounded_claims($node), 0, 'its coverage is true');

# The same relays, undisturbed.
my $calm = archive_server('undisturbed');
load_truth($calm, $slow);
my $fast = relay_stub(%corpus);
$calm->safe_psql('postgres', "UPDATE truth SET url = replace(url, '$slow->{port}', '$fast->{port}')");
add_relays($calm, @{ $fast->{urls} });
wait_for($calm, q{count(*) = 3 FROM bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($calm, 'so is that of an undisturbed run');

my %content;
for my $server ($node, $calm)
{
	$content{ $server->name } = $server->safe_psql('postgres', q{
		SELECT 'events', md5(string_agg(bigbrotr.event_json(e), ',' ORDER BY event_id)) FROM bigbrotr.events AS e
		UNION ALL
		SELECT 'sightings', md5(string_agg(encode(event_id, 'hex') || regexp_replace(relay_url, '.*/', ''), ','
			ORDER BY event_id, regexp_replace(relay_url, '.*/', ''))) FROM bigbrotr.event_relay
		UNION ALL
		SELECT 'covered to the beginning', string_agg(relay_id::text, ',' ORDER BY relay_id)
		FROM bigbrotr.coverage WHERE lower = 0 AND evidence = 'exhausted'
		      AND upper >= (SELECT max(created_at) FROM truth)});
}
is($content{crashes}, $content{undisturbed}, 'both archives are the same');

$_->stop for $node, $calm;
done_testing();
