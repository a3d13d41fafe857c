# The synchronizer's decisions: events the database refuses, relays switched off, deleted, waiting for a place.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(events => 1500, relays => 4, overlap => 30, list => $list);
my $node = archive_server('synchronizer');
load_truth($node, $stub);

# A user's own constraint refuses some events: only these are not archived, each is kept with the reason.
$node->safe_psql('postgres', 'ALTER TABLE bigbrotr.events ADD CONSTRAINT no_reposts CHECK (kind <> 6)');
add_relays($node, $stub->{urls}[0]);
wait_for($node, q{count(*) = 1 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM truth WHERE url ~ '/0$' AND event_id NOT IN (SELECT event_id FROM bigbrotr.events)
		       AND event_id NOT IN (SELECT event_id FROM bigbrotr.event_rejects)}),
	0, 'every event is archived or kept as a reject');
cmp_ok($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_rejects'), '>', 0, 'some are rejects');
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM bigbrotr.event_rejects
		WHERE sqlstate <> '23514' OR message !~ 'no_reposts' OR convert_from(raw, 'UTF8')::json->>'kind' <> '6' OR relay_id IS NULL}),
	0, 'rejects are the right ones, with reason and relay');
is($node->safe_psql('postgres', q{
		SELECT count(*) = (SELECT sum(refusal_count) FROM bigbrotr.refusals WHERE source = 'database' AND reason = '23514')
		FROM bigbrotr.event_rejects}), 't', 'and counted');
is($node->safe_psql('postgres', q{SELECT event_count + (SELECT count(*) FROM bigbrotr.event_rejects) FROM bigbrotr.sync_totals}),
	$node->safe_psql('postgres', q{SELECT count(*) FROM truth WHERE url ~ '/0$'}), 'the counters agree');
my $worker = service_pid($node);

# Known rejects do not come up again with the next relay.
my $rejects = $node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.event_rejects');
$node->safe_psql('postgres', 'ALTER TABLE bigbrotr.events DROP CONSTRAINT no_reposts');
add_relays($node, $stub->{urls}[1]);
wait_for($node, q{count(*) = 2 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.events JOIN bigbrotr.event_rejects USING (event_id)'), 0, 'a reject stays a reject');
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM truth WHERE url ~ '/1$' AND event_id NOT IN (SELECT event_id FROM bigbrotr.events)
		       AND event_id NOT IN (SELECT event_id FROM bigbrotr.event_rejects)}),
	0, 'the next relay is archived whole');

# Switched off: the connection is closed. On again: it comes back. Deleted: nothing is left, nothing breaks.
my $second = "relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url = '$stub->{urls}[1]')";
$node->safe_psql('postgres', "UPDATE _bigbrotr.relay_sync SET enabled = false WHERE $second");
wait_for($node, "phase = 'waiting' FROM _bigbrotr.relay_sync WHERE $second");
$node->safe_psql('postgres', "UPDATE _bigbrotr.relay_sync SET enabled = true WHERE $second");
wait_for($node, "phase = 'live' FROM _bigbrotr.relay_sync WHERE $second");
$node->safe_psql('postgres', "CALL bigbrotr.delete_relay('$stub->{urls}[1]')");
wait_for($node, q{(bigbrotr.service_stats('synchronizer')->'custom'->>'relays_open')::integer = 1});
is($node->safe_psql('postgres', 'SELECT * FROM bigbrotr.verify_references()'), '', 'all references hold');

# More relays than places: those that are caught up give way, everyone gets a turn.
$node->append_conf('postgresql.conf', "bigbrotr.sync_connections = 1\nbigbrotr.sync_interval = '1s'\n");
$node->reload;
add_relays($node, @{ $stub->{urls} }[1 .. 3]);
wait_for($node, q{count(*) = 4 FROM bigbrotr.sync_status WHERE read_from = to_timestamp(0)});
is($node->safe_psql('postgres', q{
		SELECT count(*) FROM truth WHERE event_id NOT IN (SELECT event_id FROM bigbrotr.events)
		       AND event_id NOT IN (SELECT event_id FROM bigbrotr.event_rejects)}),
	0, 'all four relays are archived through one place');
is($node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.relay_sync WHERE failures > 0'), 0, 'giving way is no failure');

# Local relays forbidden: all connections are closed, nobody is due.
$node->append_conf('postgresql.conf', "bigbrotr.allow_local_relays = off\n");
$node->reload;
wait_for($node, q{count(*) = 4 FROM _bigbrotr.relay_sync WHERE phase = 'waiting'});
wait_for($node, q{count(*) = 4 FROM bigbrotr.sync_status WHERE waiting_for ~ 'allow_local_relays' AND owner IS NULL});
pass('nobody is due');

is(service_pid($node), $worker, 'one worker did all of this');
$node->stop;
done_testing();
