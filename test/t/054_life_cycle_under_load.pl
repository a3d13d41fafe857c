# What database administrators do, while the archive is under full load: nothing waits for the workers,
# nothing of them stays behind.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

# About 20 s of load at 4000 deliveries a second; after that, for as long as the test takes, that of new events.
my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 20, events => 4000, overlap => 90, rate => 200, publish => 20, copies => 3, list => $list);
my $node = archive_server('load', max_prepared_transactions => 1);
load_truth($node, $stub);
add_relays($node, @{ $stub->{urls} });

# Waits for further progress: the load is there.
sub under_load
{
	my ($database) = @_;
	my $deliveries = q{SELECT sighting_count FROM bigbrotr.total_statistics};
	my $before = $node->safe_psql($database // 'postgres', $deliveries);
	wait_for($node, "(($deliveries) > $before)", $database);
	return;
}

# Processes of ours, but for the launcher, that serve a database. Without the extension the launcher starts the initializer again
# and again, which ends as soon as it has looked.
sub workers
{
	my ($database) = @_;
	return $node->safe_psql('template1', qq{SELECT count(*) FROM pg_stat_activity
		WHERE datname = '$database' AND backend_type LIKE 'bigbrotr %' AND backend_type <> 'bigbrotr initializer'});
}

# The synchronizer with a transaction that cannot end: the table it writes is locked by one that outlives its
# session, and even the server.
sub hold_writers
{
	under_load();
	$node->safe_psql('postgres', q{BEGIN; LOCK TABLE bigbrotr.sightings IN SHARE MODE; PREPARE TRANSACTION 'hold'});
	my $pid = service_pid($node);
	wait_for($node, writer() . " = $pid");
	return $pid;
}

sub release_writers { $node->safe_psql('postgres', q{ROLLBACK PREPARED 'hold'}); return; }

# Its process, while it is held up.
sub writer
{
	return q{(SELECT pid FROM bigbrotr.services WHERE service = 'synchronizer' AND waiting_for LIKE '%bigbrotr.sightings%')};
}

# ---- CREATE and DROP DATABASE: both wait until every process has seen a barrier
for my $round (1 .. 3)
{
	under_load();
	$node->safe_psql('template1', $_) for 'CREATE DATABASE x', 'DROP DATABASE x';
	pass("CREATE and DROP DATABASE under load, $round");
}
my $writer = hold_writers();
$node->safe_psql('template1', $_) for 'CREATE DATABASE x', 'DROP DATABASE x';
# Between two attempts it waits for nothing.
wait_for($node, writer() . " = $writer");
pass('CREATE and DROP DATABASE wait for no work of ours to end');
release_writers();

# ---- a reload takes effect without a restart
my $worker = service_pid($node);
$node->append_conf('postgresql.conf', 'bigbrotr.allow_local_relays = off');
$node->reload;
wait_for($node, q{NOT EXISTS (SELECT FROM _bigbrotr.relay_sync WHERE phase IN ('connecting', 'backfill', 'live'))});
pass('after a reload relays that are no longer allowed are left alone');
$node->append_conf('postgresql.conf', 'bigbrotr.allow_local_relays = on');
$node->reload;
under_load();
is(service_pid($node), $worker, 'and go on after another one, by the same worker');

# ---- fast stop
for (1 .. 3)
{
	under_load();
	my $net = net_pid($node);
	$node->stop('fast');
	ok(!kill(0, $net), 'a fast stop leaves no net process');
	$node->start;
}
hold_writers();
my $counts = q{SELECT count(*) FROM bigbrotr.sightings};
my $before = $node->safe_psql('postgres', $counts);
$node->stop('fast');
$node->start;
is($node->safe_psql('postgres', $counts), $before, 'a fast stop waits for no work of ours to end');
release_writers();
under_load();

# ---- DROP EXTENSION
under_load();
my $net = net_pid($node);
my $mark = -s $node->logfile;
$node->safe_psql('postgres', 'SET bigbrotr.allow_drop_extension = on; DROP EXTENSION bigbrotr CASCADE');
$node->poll_query_until('postgres', q{SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'bigbrotr synchronizer')})
  or die 'the worker stays';
ok(gone($net), 'DROP EXTENSION leaves no worker and no net process');
# A loop would be fast here: the delay of restarts is 50 ms.
select undef, undef, undef, 2;
# A worker that is told to end inside a transaction says so once, as does an autovacuum that stands in the way of DROP.
my @complaints = grep { /(WARNING|ERROR|FATAL): / && !/terminating background worker|canceling autovacuum task/ }
  split /\n/, slurp_file($node->logfile, $mark);
cmp_ok(scalar(@complaints), '<=', 2, 'and no loop of errors') or diag map { "$_\n" } @complaints;
is(workers('postgres'), 0, 'no worker came back');

create_archive($node);
load_truth($node, $stub);
add_relays($node, @{ $stub->{urls} });
under_load();
pass('CREATE EXTENSION starts again');

# ---- DROP DATABASE of a served one
$node->append_conf('postgresql.conf', q{bigbrotr.databases = 'postgres, served'});
$node->reload;
$node->safe_psql('postgres', 'CREATE DATABASE served');
create_archive($node, 'served');
$node->safe_psql('served', join ';', map { "SELECT bigbrotr.add_relay('$_')" } @{ $stub->{urls} });
under_load('served');
$node->safe_psql('postgres', 'DROP DATABASE served');
pass('a served database can be dropped under load');
is(workers('served'), 0, 'and no worker of it stays');
$node->safe_psql('postgres', 'CREATE DATABASE served');
create_archive($node, 'served');
$node->safe_psql('served', join ';', map { "SELECT bigbrotr.add_relay('$_')" } @{ $stub->{urls} });
under_load('served');
$node->safe_psql('postgres', 'SELECT bigbrotr.stop_services()');
$node->safe_psql('postgres', 'DROP DATABASE served WITH (FORCE)');
pass('and after draining by hand');
$node->safe_psql('postgres', 'SELECT bigbrotr.start_services()');

# ---- a relay is forgotten in the middle of its backfill
under_load();
my ($forgotten) = pop @{ $stub->{urls} };
$node->safe_psql('postgres', "CALL bigbrotr.delete_relay('$forgotten')");

# ---- the postmaster is killed: nobody is left to tell the others
under_load();
ok(kill_server($node), 'all processes end with a killed postmaster');

# ---- after all that
stop_publishing($stub);
load_truth($node, $stub);
$node->safe_psql('postgres', "DELETE FROM truth WHERE url = '$forgotten'");
wait_for($node, q{count(*) = (SELECT count(*) FROM truth) FROM bigbrotr.sightings});
wait_for($node, q{count(*) = 19 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
# What only the forgotten relay had may have come before it was forgotten: nobody saw it elsewhere.
$node->safe_psql('postgres', q{
	SELECT bigbrotr.delete_events(array_agg(event_id)) FROM bigbrotr.events AS e
	WHERE NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid)});
archive_matches($node, 'the archive is whole');
is(unfounded_claims($node), 0, 'and its coverage is true');

$node->stop;
done_testing();
