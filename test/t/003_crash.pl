# Processes that die are replaced: a net process without disturbing others, a worker after the restart of the server
# that the crash of any backend causes. A service that crashes again and again stays disabled.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use ArchiveTest qw(session);
use Bigbrotr;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('crash', "restart_after_crash = on\n");
$node->start;
ask($node, 'CREATE EXTENSION bigbrotr');
wait_for_service($node, 'synchronizer', 'running');

# The net process. Nobody else notices.
my $server_start = ask($node, 'SELECT pg_postmaster_start_time()');
my $pid = worker_pid($node, 'synchronizer');
my $session = session($node);
my $session_pid = $session->query('SELECT pg_backend_pid()');
for my $signal ('KILL', 'SEGV', 'STOP')
{
	my $child = net_pid($node, 'synchronizer');
	kill $signal, $child;
	ok( $node->poll_query_until('postgres',
			"SELECT (bigbrotr.service_stats('synchronizer') #>> '{custom,net_pid}')::int NOT IN (0, $child)"),
		"after SIG$signal there is another one");
	is(worker_pid($node, 'synchronizer'), $pid, 'in the same worker');
}
is(ask($node, "SELECT bigbrotr.service_stats('synchronizer') #>> '{custom,net_restarts}'"),
	'3', 'they were counted');
# The worker may notice it by a message that it cannot send.
$node->wait_for_log(qr/the net process is lost: it (was ended by signal 9|closed its link)/);

# One that hangs is no obstacle to a restart of its service.
my $hanging = net_pid($node, 'synchronizer');
kill 'STOP', $hanging;
ask($node, "SELECT bigbrotr.restart_service('synchronizer')");
wait_for_service($node, 'synchronizer', 'running');
wait_gone($hanging, 'the net process that hangs');

is(ask($node, 'SELECT pg_postmaster_start_time()'), $server_start, 'the server went on');
is($session->query('SELECT pg_backend_pid()'), $session_pid, 'so did a session');
$session->quit;

# A batch has its time. What is in its way is shown, and the batch is repeated when that is gone.
$node->append_conf('postgresql.conf', "bigbrotr.batch_timeout = 1s\n");
$node->reload;
$pid = worker_pid($node, 'synchronizer');
my $locks = session($node);
$locks->query_safe('BEGIN; LOCK TABLE bigbrotr.relays, _bigbrotr.relay_sync');
my $waiting = "FROM bigbrotr.services WHERE service = 'synchronizer' AND state = 'running' AND waiting_for";
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting IS NOT NULL"), 'a batch that takes too long waits');
$locks->query_safe('ROLLBACK');
$locks->quit;
ok($node->poll_query_until('postgres', "SELECT count(*) = 1 $waiting IS NULL"), 'and goes on');
is(worker_pid($node, 'synchronizer'), $pid, 'in the same worker');
$node->adjust_conf('postgresql.conf', 'bigbrotr.batch_timeout', undef);
$node->reload;

# A worker told to end by somebody else starts again, that is no crash.
$pid = worker_pid($node, 'synchronizer');
ask($node, "SELECT pg_terminate_backend($pid, 10000)");
wait_for_next_worker($node, 'synchronizer', $pid);
isnt(worker_pid($node, 'synchronizer'), $pid, 'a terminated worker starts again');
is(ask($node, "SELECT last_error, sqlstate FROM bigbrotr.services WHERE service = 'synchronizer'"),
	'terminated by a signal|57P01', 'and the view says why it ended');

# The launcher likewise; it ends what its predecessor started.
$pid = worker_pid($node, 'synchronizer');
my $child = net_pid($node, 'synchronizer');
my $launcher = "SELECT pid FROM pg_stat_activity WHERE backend_type = 'bigbrotr launcher'";
ask($node, "SELECT pg_terminate_backend(pid, 10000) FROM ($launcher) AS l");
$node->poll_query_until('postgres', "SELECT EXISTS ($launcher)") or die 'no launcher';
wait_gone($pid, 'the worker of the old launcher');
wait_gone($child, 'its net process');
wait_for_next_worker($node, 'synchronizer', $pid);

# Crashes of a worker.
for my $crash (1 .. 3)
{
	wait_for_service($node, 'synchronizer', 'running');
	$child = net_pid($node, 'synchronizer');
	my $log_end = -s $node->logfile;
	kill 'KILL', worker_pid($node, 'synchronizer');
	$node->wait_for_log(qr/all server processes terminated; reinitializing.*ready to accept connections/s,
		$log_end);
	wait_gone($child, "the net process of crash $crash");
	$node->poll_query_until('postgres',
		"SELECT count(*) = 9 FROM bigbrotr.services WHERE restart_count >= $crash")
	  or die 'no services';
}
$node->wait_for_log(qr/bigbrotr starts no service: the server crashed 3 times.*HINT:.*start_services/s);
is(services_of($node), 'initializer disabled, synchronizer disabled', 'given up after three');
is( ask($node, "SELECT DISTINCT last_error, sqlstate FROM bigbrotr.services"),
	'the server crashed 3 times within the last hour|57P02',
	'the view says why');
is(ask($node, 'SELECT DISTINCT next_start > now() FROM bigbrotr.services'), 't', 'and for how long');

# When the crashes are more than an hour ago, services start again. Here the oldest becomes almost an hour
# old, however long ago it was, and the others with it.
my $file = $node->data_dir . '/bigbrotr_crashes';
my ($run, @crashes) = split /\n/, slurp_file($file);
my $now = ask($node, 'SELECT ((extract(epoch FROM clock_timestamp()) - 946684800) * 1000000)::bigint');
my $earlier = $crashes[0] - $now + (3600 - 30) * 1000000;
open my $out, '>', $file or die "$file: $!";
print $out join("\n", $run, map { $_ - $earlier } @crashes), "\n";
close $out;
my $log_end = -s $node->logfile;
kill 'KILL', ask($node, $launcher);
$node->wait_for_log(qr/bigbrotr starts no service: the server crashed 4 times/, $log_end);
$node->wait_for_log(qr/service "synchronizer" of database "postgres" may run again/, $log_end);
wait_for_service($node, 'synchronizer', 'running');

# Three crashes again; this time services are started by hand.
for my $crash (1 .. 3)
{
	$log_end = -s $node->logfile;
	kill 'KILL', ask($node, $launcher);
	$node->wait_for_log(qr/all server processes terminated; reinitializing.*ready to accept connections/s,
		$log_end);
	$node->poll_query_until('postgres', "SELECT EXISTS ($launcher)") or die 'no launcher';
}
$node->wait_for_log(qr/bigbrotr starts no service/, $log_end);
ask($node, "SELECT bigbrotr.start_service('synchronizer')");
wait_for_service($node, 'synchronizer', 'running');
is(services_of($node), 'initializer disabled, synchronizer running', 'started by hand');

# That has also reset the count.
$log_end = -s $node->logfile;
kill 'KILL', worker_pid($node, 'synchronizer');
$node->wait_for_log(qr/all server processes terminated; reinitializing.*ready to accept connections/s,
	$log_end);
$node->poll_query_until('postgres', 'SELECT count(*) = 9 FROM bigbrotr.services')
  or die 'no services';
wait_for_service($node, 'synchronizer', 'running');

# A database that is listed later than an hour after the crash has not met it.
($run, @crashes) = split /\n/, slurp_file($file);
is(scalar @crashes, 1, 'a crash is known');
open $out, '>', $file or die "$file: $!";
print $out join("\n", $run, map { $_ - 2 * 3600 * 1000000 } @crashes), "\n";
close $out;
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, later'\n");
$node->reload;
$node->poll_query_until('postgres', q{SELECT bool_or(sqlstate = '55000') FROM bigbrotr.services WHERE database = 'later'}) or die 'no error';
is(ask($node, q{SELECT count(*) FROM bigbrotr.services WHERE database = 'later' AND sqlstate = '57P02'}), '0', 'old crashes delay no new database');

# So does a restart of the server.
$node->restart;
wait_for_service($node, 'synchronizer', 'running');
is(ask($node, 'SELECT sum(restart_count) FROM bigbrotr.services'), '0', 'a restart begins afresh');

$node->stop;
done_testing();
