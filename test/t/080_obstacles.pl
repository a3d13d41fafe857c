# Obstacles that pass by themselves: locks, a full disk, a time-out. The worker waits in place, says
# what it waits for, obeys meanwhile, and goes on; no connection is lost, no event.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 4, events => 3000, overlap => 50, rate => 300, publish => 20, list => $list);
my $node = archive_server('obstacles', max_prepared_transactions => 1);
my $worker = service_pid($node);
my $net;
add_relays($node, @{ $stub->{urls} });

my $events = 'SELECT count(*) FROM bigbrotr.events';
my $service = q{FROM bigbrotr.services WHERE service = 'synchronizer'};

# More events than now: the load is there.
sub under_load
{
	my $before = $node->safe_psql('postgres', $events);
	wait_for($node, "($events) > $before");
	return;
}

# The worker and its net process, with its connections, are those of the beginning.
sub is_undisturbed
{
	my ($name) = @_;
	is(service_pid($node), $worker, "$name: the worker stays");
	is(net_pid($node), $net, "$name: so does its net process");
	is($node->safe_psql('postgres', "SELECT bigbrotr.service_stats('synchronizer') #>> '{custom,net_restarts}'"),
		'0', "$name: none was lost");
	return;
}

# Leases that are not renewed while the worker waits would be taken away by another worker or by delete_relay.
sub leases_are_renewed
{
	my ($name) = @_;
	my $from = q{FROM _bigbrotr.sync_workers WHERE owner LIKE '%/synchronizer'};
	my $expires = $node->safe_psql('postgres', "SELECT expires $from");
	wait_for($node, "expires > $expires $from");
	is($node->safe_psql('postgres', 'SELECT count(*) FROM _bigbrotr.relay_leases'), 4, "$name: leases are renewed, and stay");
	return;
}

under_load();
$net = net_pid($node);

# ---- a lock on a table, for longer than any patience
my $session = session($node);
my $holder = $session->query_safe('SELECT pg_backend_pid()');
$session->query_safe('BEGIN; LOCK TABLE bigbrotr.sightings IN SHARE MODE');
wait_for($node, "waiting_for = 'a lock on bigbrotr.sightings, held by process $holder' $service");
pass('it says for which lock of which process it waits');
wait_for($node, "health = 'unhealthy' $service");
is($node->safe_psql('postgres', q{SELECT bigbrotr.health_check('synchronizer')}), 'f', 'and is not healthy');
like(slurp_file($node->logfile), qr/unhealthy: storing a batch waits for a lock on bigbrotr\.sightings/, 'the log says why');

leases_are_renewed('held up by a lock');

# It obeys while it waits.
$node->safe_psql('postgres', q{SELECT bigbrotr.pause_service('synchronizer')});
wait_for($node, "state = 'paused' $service");
$node->safe_psql('postgres', q{SELECT bigbrotr.resume_service('synchronizer')});
wait_for($node, "state = 'running' $service");
$node->append_conf('postgresql.conf', 'bigbrotr.batch_timeout = 60s');
$node->reload;
wait_for($node, "waiting_for IS NOT NULL $service");

# Somebody cancels what the worker does, instead of what holds it up.
wait_for($node, "coalesce(waiting_for, '') = 'another attempt after a request to cancel' OR NOT pg_cancel_backend($worker) $service");
wait_for($node, "waiting_for = 'a lock on bigbrotr.sightings, held by process $holder' $service");
pass('a cancelled transaction is tried again');

$session->query_safe('COMMIT');
under_load();
wait_for($node, "waiting_for IS NULL AND health = 'healthy' $service");
is_undisturbed('a table lock');

# ---- locks on rows that every batch touches
$session->query_safe('BEGIN; SELECT count(*) FROM (SELECT FROM bigbrotr.relays FOR UPDATE) AS r');
wait_for($node, "waiting_for LIKE '%process $holder%' $service");
$session->query_safe('ROLLBACK');
under_load();
is_undisturbed('row locks');

# ---- a prepared transaction
$node->safe_psql('postgres', q{BEGIN; LOCK TABLE bigbrotr.events IN SHARE MODE; PREPARE TRANSACTION 'hold'});
wait_for($node, "waiting_for = 'a lock on bigbrotr.events, held by a prepared transaction' $service");
$node->safe_psql('postgres', q{ROLLBACK PREPARED 'hold'});
under_load();
is_undisturbed('a prepared transaction');

# ---- a full disk, as a trigger plays it
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.disk_is_full() RETURNS trigger LANGUAGE plpgsql AS $$
	BEGIN
		RAISE disk_full USING MESSAGE = 'could not extend file "base/1/2": No space left on device';
	END$$;
	GRANT EXECUTE ON FUNCTION public.disk_is_full() TO PUBLIC;
	CREATE TRIGGER disk_is_full BEFORE INSERT ON bigbrotr.sightings EXECUTE FUNCTION public.disk_is_full()});
wait_for($node, "waiting_for LIKE 'space on disk: could not extend file %' $service");
pass('it says that the disk is full');
$node->safe_psql('postgres', 'DROP TRIGGER disk_is_full ON bigbrotr.sightings');
under_load();
is_undisturbed('a full disk');

# ---- a request to cancel concerns a transaction, or nobody
$node->safe_psql('postgres', q{SELECT bigbrotr.pause_service('synchronizer')});
wait_for($node, "state = 'paused' $service");
leases_are_renewed('paused');
for (1 .. 3)
{
	$node->safe_psql('postgres', "SELECT pg_cancel_backend($worker)");
	is($node->safe_psql('postgres', q{SELECT bigbrotr.health_check('synchronizer')}), 't', 'cancelled between transactions, and healthy');
}
$node->safe_psql('postgres', q{SELECT bigbrotr.resume_service('synchronizer')});
under_load();
is_undisturbed('a request to cancel');

# ---- told to end in the middle of a transaction
$session->query_safe('BEGIN; LOCK TABLE bigbrotr.sightings IN SHARE MODE');
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'bigbrotr synchronizer' AND wait_event = 'relation')});
$node->safe_psql('postgres', "SELECT pg_terminate_backend($worker, 10000)");
wait_for($node, "last_error = 'terminated by a signal' AND sqlstate = '57P01' $service");
$session->query_safe('COMMIT');
$session->quit;
wait_for($node, "state = 'running' $service");

# ---- after all that
stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, '(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)');
wait_for($node, q{count(*) = 4 FROM _bigbrotr.relay_sync WHERE phase = 'live'});
archive_matches($node, 'the archive is whole');
is(unfounded_claims($node), 0, 'and its coverage is true');

# A paused service holds its relays: a deletion waits for it, and says so.
$node->safe_psql('postgres', q{SELECT bigbrotr.pause_service('synchronizer')});
wait_for($node, "state = 'paused' $service");
my ($out, $told);
$node->psql('postgres', "SET statement_timeout = '5s'; CALL bigbrotr.delete_relay('$stub->{urls}[0]')", stderr => \$told);
like($told, qr/is deleted when the service "synchronizer" goes on.*canceling statement/s, 'delete_relay waits for a paused service, and says so');
$node->safe_psql('postgres', q{SELECT bigbrotr.resume_service('synchronizer')});
wait_for($node, "state = 'running' $service");
$node->psql('postgres', "CALL bigbrotr.delete_relay('$stub->{urls}[0]')", stdout => \$out, stderr => \$told);
unlike($told, qr/goes on/, 'a service that runs is not waited for');

$node->stop;
done_testing();
