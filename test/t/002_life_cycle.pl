# The life of services: commands, databases and extensions that come and go under them, a stop.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use ArchiveTest qw(session);
use Bigbrotr;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = new_node('life');
$node->start;

# Without the extension a service waits, and starts as soon as it is there.
$node->wait_for_log(qr/role "bigbrotr_worker" does not exist/);
ask($node, 'CREATE EXTENSION bigbrotr');
wait_for_service($node, 'initializer', 'done');
wait_for_service($node, 'synchronizer', 'running');

# Commands.
my $log_end;
my $pid = worker_pid($node, 'synchronizer');
my $child = net_pid($node, 'synchronizer');
ask($node, "SELECT bigbrotr.stop_service('synchronizer')");
is(services_of($node), 'initializer done, synchronizer disabled', 'stopped');
wait_gone($pid, 'the worker');
wait_gone($child, 'its net process');
is(ask($node, "SELECT bigbrotr.wait_for_service('synchronizer', 'running', '10 ms')"),
	'f', 'wait_for_service gives up');
is(ask($node, "SELECT bigbrotr.wait_for_service('synchronizer', 'running', '-300000 years')"),
	'f', 'however short the interval is');
is(ask($node, "SELECT bigbrotr.health_check('synchronizer')"), 'f', 'nobody is not healthy');
ask($node, "SELECT bigbrotr.start_service('synchronizer')");
wait_for_service($node, 'synchronizer', 'running');

$pid = worker_pid($node, 'synchronizer');
ask($node, "SELECT bigbrotr.restart_service('synchronizer')");
is(ask($node, "SELECT bigbrotr.wait_for_service('synchronizer', 'running', '170000000 years')"),
	't', 'wait_for_service takes a long interval');
isnt(worker_pid($node, 'synchronizer'), $pid, 'a restart makes a new worker');

$pid = worker_pid($node, 'synchronizer');
$child = net_pid($node, 'synchronizer');
ask($node, "SELECT bigbrotr.pause_service('synchronizer')");
wait_for_service($node, 'synchronizer', 'paused');
my $cycles = "SELECT cycle_count FROM bigbrotr.services WHERE service = 'synchronizer'";
my $before = ask($node, $cycles);
is(ask($node, "SELECT bigbrotr.health_check('synchronizer')"), 't', 'healthy while paused');
is(ask($node, $cycles), $before, 'no cycle while paused');
ask($node, "SELECT bigbrotr.resume_service('synchronizer')");
wait_for_service($node, 'synchronizer', 'running');
is(worker_pid($node, 'synchronizer'), $pid, 'a pause keeps the worker');
is(net_pid($node, 'synchronizer'), $child, 'and its net process');
ok($node->poll_query_until('postgres', "SELECT ($cycles) > $before"), 'cycles go on');

ask($node, 'SELECT bigbrotr.stop_services()');
is(services_of($node), 'initializer disabled, synchronizer disabled', 'all stopped');
ask($node, 'SELECT bigbrotr.start_services()');
wait_for_service($node, 'synchronizer', 'running');
is(services_of($node), 'initializer done, synchronizer running', 'all started, in order');
# The launcher has nothing to do for what runs, but to say so: whoever misses that waits for 30 s.
is(ask($node, q{SET statement_timeout = '20s';
	SELECT count(*) FROM generate_series(1, 20) AS n, bigbrotr.start_service(left('synchronizer', 100 + n))}),
	20, 'what runs need not be started');

for my $case (
	[ "start_service('nothing')", qr/there is no service "nothing".*Services are: initializer/s ],
	[ "service_stats('synchronizer', 2)", qr/has no instance 2.*bigbrotr\.services/s ],
	[ "wait_for_service('synchronizer', 'happy')", qr/there is no state "happy".*States are/s ])
{
	my (undef, undef, $error) =
	  $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT bigbrotr.$case->[0]");
	like($error, qr/22023/, "$case->[0] is refused");
	like($error, $case->[1], '… with the choices');
}

# What a service says of itself.
is(ask($node, "SELECT bigbrotr.health_check('synchronizer')"), 't', 'healthy');
is( ask($node,
		"SELECT s ->> 'name', (s ->> 'uptime_seconds')::float8 > 0,
			(s #>> '{health_checks,total}')::int > 0, s #>> '{health_checks,failed}',
			(s #>> '{health_checks,success_rate}')::float8, s #> '{custom,net_pid}' IS NOT NULL
		FROM bigbrotr.service_stats('synchronizer') AS s"),
	'synchronizer|t|t|0|100|t',
	'statistics');
is( ask($node,
		"SELECT health, cycle_count > 0, cycle_max_ms >= cycle_mean_ms, last_success IS NOT NULL,
			last_error IS NULL FROM bigbrotr.services WHERE service = 'synchronizer'"),
	'healthy|t|t|t|t',
	'view');
is( ask($node,
		"SELECT usename, application_name FROM pg_stat_activity
		WHERE backend_type = 'bigbrotr synchronizer'"),
	'bigbrotr_worker|bigbrotr synchronizer',
	'in pg_stat_activity');
my ($code, undef, $error) =
  $node->psql('postgres', "CREATE ROLE somebody; SET ROLE somebody; SELECT bigbrotr.stop_services()");
like($error, qr/permission denied/, 'not for everybody');

# A wish to stop outlives a crash and a restart of the server, until the service is started again;
# so does a wish to pause. What the file has besides is passed over.
ask($node, "SELECT bigbrotr.stop_service('synchronizer')");
$node->stop('immediate');
append_to_file($node->data_dir . '/bigbrotr_wishes', "garbage\n%zz synchronizer stopped\n" . ('x' x 2000) . "\n");
$log_end = -s $node->logfile;
$node->start;
wait_for_service($node, 'initializer', 'done');
is(services_of($node), 'initializer done, synchronizer disabled', 'stopped over a crash');
$node->wait_for_log(qr/file "bigbrotr_wishes" has lines that are not understood/, $log_end);
ask($node, "SELECT bigbrotr.start_service('synchronizer'), bigbrotr.pause_service('synchronizer')");
$node->restart;
wait_for_service($node, 'synchronizer', 'paused');
ask($node, "SELECT bigbrotr.resume_service('synchronizer')");
is(slurp_file($node->data_dir . '/bigbrotr_wishes'), '', 'no wish is left');
$node->restart;
wait_for_service($node, 'synchronizer', 'running');

# Other databases come and go beside a running service.
ask($node, 'CREATE DATABASE other');
ask($node, 'DROP DATABASE other');
is(worker_pid($node, 'synchronizer') > 0, 1, 'the service did not mind');

# Each database has its own wishes, whatever its name is; and its own errors.
ask($node, 'CREATE DATABASE "my %base"');
ask($node, 'CREATE EXTENSION bigbrotr', 'my %base');
$node->append_conf('postgresql.conf', qq{bigbrotr.databases = 'postgres, "my %base"'\n});
$node->reload;
wait_for_service($node, 'synchronizer', 'running', 'my %base');
$pid = ask($node, "SELECT pid FROM bigbrotr.services WHERE database = 'my %base' AND service = 'synchronizer'");
ask($node, "SELECT pg_terminate_backend($pid, 10000)");
wait_for_next_worker($node, 'synchronizer', $pid, 'my %base');
my $last_error = "SELECT last_error, sqlstate FROM bigbrotr.services
	WHERE database = 'my %base' AND service = 'synchronizer'";
is(ask($node, $last_error, 'my %base'), 'terminated by a signal|57P01', 'the error of a service');
is(ask($node, $last_error), '|57P01', 'without its text in another database');
ask($node, "SELECT bigbrotr.stop_service('synchronizer')", 'my %base');
$node->restart;
wait_for_service($node, 'synchronizer', 'running');
wait_for_service($node, 'initializer', 'done', 'my %base');
is(services_of($node, 'my %base'), 'initializer done, synchronizer disabled', 'stopped there only');

# The served one is dropped, copied and renamed at once: its services step aside and come back.
ask($node, 'CREATE DATABASE served');
ask($node, 'CREATE EXTENSION bigbrotr', 'served');
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, served'\n");
$node->reload;
wait_for_service($node, 'synchronizer', 'running', 'served');
ask($node, 'CREATE DATABASE copy TEMPLATE served');
wait_for_service($node, 'synchronizer', 'running', 'served');
ask($node, 'ALTER DATABASE served RENAME TO renamed');
is(services_of($node, 'served') =~ /running/, '', 'no service of the old name runs');
ask($node, 'ALTER DATABASE renamed RENAME TO served');
wait_for_service($node, 'synchronizer', 'running', 'served');
ask($node, "SELECT bigbrotr.stop_service('synchronizer'), bigbrotr.pause_service('initializer')", 'served');
$log_end = -s $node->logfile;
ask($node, 'DROP DATABASE served');
is(services_of($node, 'served') =~ /running/, '', 'none runs after DROP DATABASE');
$node->wait_for_log(qr/cannot start yet: database "served" does not exist/, $log_end);
ask($node, 'CREATE DATABASE served');
$log_end = -s $node->logfile;
ask($node, 'CREATE EXTENSION bigbrotr', 'served');
wait_for_service($node, 'synchronizer', 'running', 'served');
$node->wait_for_log(qr/"initializer" of database "served" is done/, $log_end);
is(slurp_file($node->data_dir . '/bigbrotr_wishes') =~ /served/, '', 'the wishes went with the database');
(undef, undef, $error) =
  $node->psql('postgres', 'SET ROLE somebody; DROP DATABASE served');
like($error, qr/must be owner/, 'not for everybody, either');
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres'\n");
$node->reload;
ok( $node->poll_query_until('postgres',
		"SELECT count(*) = 0 FROM bigbrotr.services WHERE database = 'served'"),
	'a database taken off the list is left');

# The extension goes, comes back, has another version.
$log_end = -s $node->logfile;
ask($node, 'DROP EXTENSION bigbrotr');
ok(!defined ask_worker(), 'no worker after DROP EXTENSION');
$node->wait_for_log(qr/Reason: extension "bigbrotr" is not installed in database "postgres"/, $log_end);
$log_end = -s $node->logfile;
ask($node, 'CREATE EXTENSION bigbrotr');
wait_for_service($node, 'synchronizer', 'running');
$node->wait_for_log(qr/"initializer" of database "postgres" is done/, $log_end);
ask($node, 'BEGIN; DROP EXTENSION bigbrotr; ROLLBACK');
wait_for_service($node, 'synchronizer', 'running');
ask($node, "SELECT bigbrotr.stop_services();
	UPDATE pg_extension SET extversion = '0.0.0' WHERE extname = 'bigbrotr';
	SELECT bigbrotr.start_services()");
$node->poll_query_until('postgres',
	"SELECT last_error LIKE '%Run ALTER EXTENSION bigbrotr UPDATE' AND sqlstate = '55000' AND state = 'enabled'
	FROM bigbrotr.services WHERE service = 'initializer'")
  or fail('another version is told');
is( ask($node, "SELECT state, instance, waiting_for FROM bigbrotr.services WHERE service = 'synchronizer'"),
	'enabled|1|service "initializer"',
	'what a service waits for');
ask($node, "UPDATE pg_extension SET extversion = default_version FROM pg_available_extensions AS a
	WHERE extname = a.name AND extname = 'bigbrotr'");
ask($node, 'SELECT bigbrotr.start_services()');
wait_for_service($node, 'synchronizer', 'running');

# A transaction can need several databases.
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, one, two'\n");
$node->reload;
for my $database (qw(one two))
{
	ask($node, "CREATE DATABASE $database");
	ask($node, 'SET client_min_messages = warning; CREATE EXTENSION bigbrotr', $database);
	wait_for_service($node, 'synchronizer', 'running', $database);
}
ask($node, 'BEGIN; ALTER DATABASE one RENAME TO three; ALTER DATABASE two RENAME TO one; ALTER DATABASE three RENAME TO two; COMMIT');
wait_for_service($node, 'synchronizer', 'running', $_) for qw(one two);
ask($node, "DROP DATABASE $_") for qw(one two);

# All slots are used by databases that are replaced by others: these get the slots as soon as they are free.
my @many = map { "many$_" } 1 .. 40;
for my $set ("@many", "@many[0 .. 9]" =~ s/many/other/gr)
{
	$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres, " . join(', ', split / /, $set) . "'\n");
	$node->reload;
	my ($first) = $set =~ /^(\w+)/;
	ok($node->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM bigbrotr.services WHERE database = '$first')"), "$first has services");
}
$node->append_conf('postgresql.conf', "bigbrotr.databases = 'postgres'\n");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT count(DISTINCT database) = 1 FROM bigbrotr.services}), 'one database again');

# A statement that needs the database comes between the launcher's decision to start a worker and the start: the
# launcher looks at the catalog of databases in between, which is locked here.
my $launcher = ask($node, "SELECT pid FROM pg_stat_activity WHERE backend_type = 'bigbrotr launcher'");
my $restarts = "SELECT restart_count FROM bigbrotr.services WHERE service = 'synchronizer'";
my ($catalog, $starter, $statement) = map { session($node) } 1 .. 3;
$statement->query_safe('SET client_min_messages = warning; BEGIN; ALTER EXTENSION bigbrotr UPDATE; ROLLBACK'); # fills its caches
wait_for_service($node, 'synchronizer', 'running');
$starter->query_safe("SELECT bigbrotr.stop_service('synchronizer')");
my $restarts_before = ask($node, $restarts);
$catalog->query_safe('BEGIN; LOCK TABLE pg_database IN ACCESS EXCLUSIVE MODE');
$starter->query_until(qr/asked/, "\\echo asked\nSELECT bigbrotr.start_service('synchronizer');\n");
for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
{
	last if $catalog->query_safe("SELECT count(*) FROM pg_locks WHERE pid = $launcher AND NOT granted") eq '1';
	select undef, undef, undef, 0.1;
}
$statement->query_safe('BEGIN; ALTER EXTENSION bigbrotr UPDATE');
$catalog->query_safe('COMMIT');
wait_for_service($node, 'synchronizer', 'draining');
is(ask($node, $restarts), $restarts_before, 'no worker was started into the statement');
$statement->query_safe('COMMIT');
wait_for_service($node, 'synchronizer', 'running');
$_->quit for $catalog, $starter, $statement;

# Processes that the server does not allow: one warning, and they start when there are.
$node->append_conf('postgresql.conf', "max_worker_processes = 2\n");
$log_end = -s $node->logfile;
$node->restart;
wait_for_service($node, 'synchronizer', 'enabled');
$node->wait_for_log(
	qr/needs 3 background workers, none is free.*HINT:.*max_worker_processes/s, $log_end);
my $warnings = () = slurp_file($node->logfile, $log_end) =~ /WARNING:.*none is free/g;
is($warnings, 1, 'one warning');
$node->append_conf('postgresql.conf', "max_worker_processes = 20\n");

# A fast stop leaves nobody behind.
$node->restart;
wait_for_service($node, 'synchronizer', 'running');
$child = net_pid($node, 'synchronizer');
my $started = time;
command_ok([ 'pg_ctl', '-D', $node->data_dir, '-m', 'fast', '-t', '60', 'stop' ], 'a fast stop');
diag('stopped within ' . (time - $started) . ' s');
$node->_update_pid(0);
wait_gone($child, 'the net process');

# Nor does an immediate one, or the death of the postmaster.
$node->start;
wait_for_service($node, 'synchronizer', 'running');
$child = net_pid($node, 'synchronizer');
$node->stop('immediate');
wait_gone($child, 'the net process after an immediate stop');
$node->start;
wait_for_service($node, 'synchronizer', 'running');
$child = net_pid($node, 'synchronizer');
$node->kill9;
wait_gone($child, 'the net process after the death of the postmaster');

done_testing();

# The worker of the synchronizer, without asking the extension.
sub ask_worker
{
	my $pids = ask($node,
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'bigbrotr synchronizer'");
	return $pids eq '' ? undef : $pids;
}
