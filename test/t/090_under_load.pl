# Long commands of administrators while new events come in: connections stay, nothing is lost, the archive goes on
# when they are done, and what makes it wait can be seen.
#
# By hand, with a relay of many sightings: BIGBROTR_SIGHTINGS=1000000 ./check tap 090_under_load
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $many = $ENV{BIGBROTR_SIGHTINGS} // 20_000;
my $relays = 100;
my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => $relays, events => 20, overlap => 90, publish => 40, copies => 5, list => $list);
my $node = archive_server('load');
add_relays($node, @{ $stub->{urls} });
my $all_live = "count(*) = $relays FROM _bigbrotr.relay_sync WHERE phase = 'live'";
wait_for($node, $all_live);

# A relay that is not there, and what it has delivered long ago.
my $gone = 'wss://gone.example.com';
$node->safe_psql('postgres', qq{
	SELECT bigbrotr.add_relay('$gone');
	UPDATE _bigbrotr.relay_sync SET enabled = false WHERE relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url = '$gone');
	INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
		SELECT sha256(n::text::bytea), sha256('author'), 1700000000 + n, 1, '[]', '', sha256('x') || sha256('y'), 0 FROM generate_series(1, $many) AS n;
	INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at)
		SELECT e.eid, r.relay_id, 0 FROM bigbrotr.events AS e, bigbrotr.relays AS r WHERE e.pubkey = sha256('author') AND r.url = '$gone'});
my $long_ago = qq{count(*) = 0 FROM bigbrotr.events WHERE pubkey = sha256('author')};

$node->safe_psql('postgres', 'DROP INDEX bigbrotr.events_tags_idx');

my $net = net_pid($node);
my $worker = service_pid($node);

my $session = session($node);

# Notices of theirs are no errors.
$session->query_safe('SET client_min_messages = warning');
while_held('create_tag_index', 'SELECT bigbrotr.create_tag_index()');
while_held('create_search_index', 'SELECT bigbrotr.create_search_index()');
while_held('a writer that is idle in its transaction', 'LOCK TABLE bigbrotr.sightings IN SHARE MODE');

meanwhile('a deletion that is not committed', sub {
	$session->query_safe(q{BEGIN; SELECT bigbrotr.delete_events(ARRAY[sha256('1'), sha256('2')])});
	flows();
	$session->query_safe('COMMIT');
});

meanwhile('VACUUM FREEZE and a deletion', sub {
	# So slow that it lasts until it is cancelled.
	my $vacuum = session($node, on_error_stop => 0);
	# Autovacuum may be at work as well.
	my $progress = 'pg_stat_progress_vacuum WHERE pid = ' . $vacuum->query_safe('SELECT pg_backend_pid()');
	$vacuum->query_until(qr/^begun$/m, "\\echo begun\nSET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM FREEZE bigbrotr.sightings;\n");
	wait_for($node, "EXISTS (SELECT FROM $progress)");
	flows();
	$node->safe_psql('postgres', "SELECT bigbrotr.delete_events(ARRAY[sha256('3'), sha256('4')])");
	flows();
	is($node->safe_psql('postgres', "SELECT count(*) FROM $progress"), 1, 'while VACUUM is at work');
	$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM $progress");
	$vacuum->quit;
});

meanwhile("delete_relay of $many sightings", sub {
	my $deleted = session($node);
	$deleted->query_until(qr/^begun$/m, "\\echo begun\n" . "CALL bigbrotr.delete_relay('$gone');\n");
	flows();
	wait_for($node, "NOT EXISTS (SELECT FROM bigbrotr.relays WHERE url = '$gone')");
	$deleted->quit;
});
meanwhile('cleanup_orphans', sub { $node->safe_psql('postgres', 'CALL bigbrotr.cleanup_orphans()') });
wait_for($node, $long_ago);

# ---- after all that
$session->quit;
stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, q{count(*) = (SELECT count(*) FROM truth) FROM bigbrotr.sightings});
archive_matches($node, 'nothing is lost');
is(unfounded_claims($node), 0, 'and no claim is false');
$node->stop;
done_testing();

# New events are being archived.
sub flows
{
	my $sightings = q{(bigbrotr.service_stats('synchronizer') #>> '{custom,sightings_new}')::bigint};
	my $before = $node->safe_psql('postgres', "SELECT $sightings");
	wait_for($node, "$sightings > $before");
	return;
}

# Subtest: connections outlive a disturbance, and the archive goes on after it.
sub meanwhile
{
	my ($what, $disturb) = @_;
	subtest $what => sub {
		flows();
		$disturb->();
		my $end = time;
		flows();
		note sprintf 'the archive went on %.1f s after it', time - $end;
		is(service_pid($node), $worker, 'the worker stays');
		is(net_pid($node), $net, 'and its net process');
		is($node->safe_psql('postgres', "SELECT $all_live"), 't', 'and all connections');
	};
	return;
}

# The same while a transaction that has done something stays open: longer than the worker waits for a lock at once.
sub while_held
{
	my ($what, $statement) = @_;
	meanwhile($what, sub {
		$session->query_safe("BEGIN; $statement");
		wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'synchronizer' AND waiting_for IS NOT NULL)});
		note 'it waits for ', $node->safe_psql('postgres', q{SELECT waiting_for FROM bigbrotr.services WHERE service = 'synchronizer'});
		$session->query_safe('ROLLBACK');
		wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'synchronizer' AND waiting_for IS NULL)});
	});
	return;
}
