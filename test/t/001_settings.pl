# Settings: bad values are refused with the reason, good ones take effect on reload. What needs
# workers says so where there are none.
use strict;
use warnings;

use FindBin;
use lib "$FindBin::RealBin/../lib";

use ArchiveTest qw(wait_for);
use Bigbrotr;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Not preloaded: everything but the services works, and they say what is missing.
my $node = PostgreSQL::Test::Cluster->new('plain');
$node->init;
$node->start;
my (undef, undef, $warning) = $node->psql('postgres', 'CREATE EXTENSION bigbrotr');
like($warning, qr/WARNING:  no background worker runs.*HINT:.*shared_preload_libraries/s, 'CREATE EXTENSION says that no worker will run');
is(ask($node, 'SELECT count(*) FROM bigbrotr.events'), '0', 'tables without preload');
for my $query (
	'SELECT * FROM bigbrotr.services',
	"SELECT bigbrotr.start_service('synchronizer')",
	"SELECT bigbrotr.stop_service('synchronizer')",
	"SELECT bigbrotr.service_stats('synchronizer')",
	'SELECT bigbrotr.stop_services()')
{
	my ($code, undef, $error) =
	  $node->psql('postgres', "\\set VERBOSITY verbose\n$query", on_error_stop => 0);
	like($error, qr/55000.*HINT:.*shared_preload_libraries/s, "hint to preload: $query");
}
$node->stop;

# Preloaded, but nothing to serve.
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'");
$node->start;
$node->wait_for_log(qr/LOG:  bigbrotr serves no database/);
my (undef, undef, $notice) = $node->psql('postgres', 'SELECT * FROM bigbrotr.services');
like($notice, qr/NOTICE:  bigbrotr serves no database.*bigbrotr\.databases/s, 'view says that nothing is served');
(undef, undef, my $error) =
  $node->psql('postgres', "SELECT bigbrotr.start_service('synchronizer')");
like($error, qr/does not serve database "postgres".*HINT:.*bigbrotr\.databases/s,
	'function says that the database is not served');

# The documentation's tables are the rows of the view: under the heading of each part its settings.
my ($part, @documented) = ('');
for my $line (split /\n/, slurp_file("$FindBin::Bin/../../docs/settings.md"))
{
	$part = lc $1 if $line =~ /^## (\w+)$/;
	push @documented, "$part: $line" if $line =~ /^\| `bigbrotr/;
}
my @declared = split /\n/, ask($node, q{SELECT d.part || ': ' || concat_ws(' | ', '| `' || name || '`',
		'`' || coalesce(nullif(s.default_value, ''), $$''$$) || '`',
		coalesce('`' || s.minimum || '` …' || coalesce(' `' || s.maximum || '`', ''), ''),
		s.context, s.meaning || ' |')
	FROM _bigbrotr.setting_declarations() WITH ORDINALITY AS d JOIN bigbrotr.settings AS s USING (name)
	ORDER BY d.ordinality});
is_deeply(\@documented, \@declared, 'the documentation says what the view shows') or diag(join("\n", @declared));
is(ask($node, q{SET bigbrotr.query_timeout = 90000; SELECT value, source FROM bigbrotr.settings WHERE name = 'bigbrotr.query_timeout'}),
	'90s|session', 'with their values and sources');

# Each bad value is refused with its reason.
my @bad = (
	[ 'databases', "'a, a'", qr/"a" is listed twice/ ],
	[ 'databases', "'a b'", qr/not a comma-separated list/ ],
	[ 'databases', "'template0'", qr/takes no connections/ ],
	[ 'services', "'synchronizer, nothing'", qr/no service "nothing".*Services are: .*initializer/s ],
	[ 'log_level', "'loud'", qr/"loud" is not a level.*Levels are/s ],
	[ 'log_level', "'info, nothing=debug'", qr/no service "nothing"/ ],
	[ 'log_level', "'info,'", qr/is not a level/ ],
	[ 'seed_file', "'seeds.txt'", qr/not an absolute path/ ],
	[ 'tls_ca_file', "'ca.pem'", qr/not an absolute path/ ],
	[ 'contact', "E'me\\r\\nX: y'", qr/printable ASCII.*HINT:.*address/s ],
	[ 'contact', "'(me)'", qr/without parentheses/ ],
	[ 'contact', "'" . 'x' x 101 . "'", qr/has 101 characters and may have 100/ ],
	[ 'batch_timeout', "'10ms'", qr/outside the valid range/ ],
	[ 'sync_connections', "'0'", qr/outside the valid range/ ],
	[ 'sync_buffer', "'3 apples'", qr/Valid units/ ],
	[ 'no_such_setting', "'1'", qr/(unrecognized configuration parameter|invalid configuration parameter name) "bigbrotr\.no_such_setting"/ ]);
for my $case (@bad)
{
	my ($name, $value, $reason) = @$case;
	my ($code, undef, $text) =
	  $node->psql('postgres', "ALTER SYSTEM SET bigbrotr.$name = $value");
	isnt($code, 0, "$name = $value is refused");
	like($text, $reason, "… with the reason");
}

# The same in the file: the old value stays, the log has the reason.
my $log_end = -s $node->logfile;
$node->append_conf('postgresql.conf', "bigbrotr.services = 'nothing'\n");
$node->reload;
$node->wait_for_log(qr/invalid value for parameter "bigbrotr\.services".*no service "nothing"/s,
	$log_end);
is(ask($node, 'SHOW bigbrotr.services'), 'initializer, synchronizer, priority_synchronizer, refresher', 'the old value stays');
$node->adjust_conf('postgresql.conf', 'bigbrotr.services', undef);

# A file that is not there is no error, since a server that starts without it would take the default; the log says it.
$log_end = -s $node->logfile;
$node->append_conf('postgresql.conf', "bigbrotr.tls_ca_file = '/nowhere/ca.pem'\n");
$node->reload;
$node->wait_for_log(qr{WARNING:  could not read file "/nowhere/ca\.pem"}, $log_end);
is(ask($node, 'SHOW bigbrotr.tls_ca_file'), '/nowhere/ca.pem', 'and the value counts');
is(() = slurp_file($node->logfile, $log_end) =~ /could not read file/g, 1, 'once, not for every process');
$node->adjust_conf('postgresql.conf', 'bigbrotr.tls_ca_file', undef);

# Not for everybody's eyes.
ask($node, 'CREATE ROLE somebody');
(undef, undef, $error) =
  $node->psql('postgres', 'SET ROLE somebody; SHOW bigbrotr.seed_file');
like($error, qr/must be superuser|permission denied/, 'seed_file is not shown to everybody');

# A reload is enough for everything.
my $seeds = $node->basedir . '/seeds.txt';
append_to_file($seeds, "# no relay\n");
$node->append_conf('postgresql.conf', <<"END");
bigbrotr.seed_file = '$seeds'
bigbrotr.databases = 'postgres'
END
$node->reload;
wait_for_service($node, 'synchronizer', 'running');
my $pid = worker_pid($node, 'synchronizer');

$node->append_conf('postgresql.conf', "bigbrotr.services = 'initializer'\n");
$node->reload;
wait_for_service($node, 'synchronizer', 'disabled');
(undef, undef, $error) =
  $node->psql('postgres', "SELECT bigbrotr.start_service('synchronizer')");
like($error, qr/not to run here.*HINT:.*bigbrotr\.services/s, 'not listed, not started');
$node->adjust_conf('postgresql.conf', 'bigbrotr.services', undef);
$node->reload;
wait_for_service($node, 'synchronizer', 'running');

# Threads are read at the start of the net process: it is replaced, the worker stays.
$pid = worker_pid($node, 'synchronizer');
my $child = net_pid($node, 'synchronizer');
$node->append_conf('postgresql.conf', "bigbrotr.sync_verifier_threads = 3\n");
$node->reload;
wait_gone($child, 'the net process with the old number of threads');
isnt(net_pid($node, 'synchronizer'), $child, 'a new one is there');
# It is heard although its socket may have the number of the old one.
ok($node->poll_query_until('postgres', q{SELECT (bigbrotr.service_stats('synchronizer') #>> '{custom,net_rss_bytes}')::bigint > 0}),
	'it is heard');
is(ask($node, q{SELECT bigbrotr.service_stats('synchronizer') #>> '{custom,net_restarts}'}), '0', 'and none was lost');
is(worker_pid($node, 'synchronizer'), $pid, 'in the same worker');

$node->append_conf('postgresql.conf', "bigbrotr.enabled = off\n");
$node->reload;
wait_for_service($node, 'synchronizer', 'disabled');
wait_for_service($node, 'initializer', 'disabled');
(undef, undef, $error) =
  $node->psql('postgres', "SELECT bigbrotr.start_service('synchronizer')");
like($error, qr/switched off.*HINT:.*bigbrotr\.enabled/s, 'switched off, not started');

# The libraries and the net process may be anywhere: they are looked for where the preloaded one is.
my $installed = $node->config_data('--pkglibdir');
my $directory = $node->basedir . '/libraries';
mkdir $directory or die "$directory: $!";
my $copy = sub { system_or_bail('cp', map({ "$installed/$_" } @_), $directory) };
$copy->('bigbrotr.so', 'bigbrotr_core.so');
$node->append_conf('postgresql.conf', "shared_preload_libraries = '$directory/bigbrotr'\nbigbrotr.enabled = on\n");
$log_end = -s $node->logfile;
$node->restart;
wait_for_service($node, 'synchronizer', 'running');
$pid = worker_pid($node, 'synchronizer');
like(slurp_file("/proc/$pid/maps"), qr{\Q$directory\E/bigbrotr_core\.so}, 'a worker runs the library of that directory');
is(ask($node, 'SELECT count(*) FROM bigbrotr.services'), 9, 'and the SQL functions know it');
$node->wait_for_log(qr{could not start ".*/libraries/bigbrotr-net": No such file}, $log_end);
# A service without its net process does nothing: it says so, and is not taken for healthy.
my $synchronizer = q{FROM bigbrotr.services WHERE service = 'synchronizer'};
wait_for($node, qq{waiting_for ~ '^bigbrotr-net: could not start ".*/bigbrotr-net": No such file' $synchronizer});
wait_for($node, "health = 'unhealthy' $synchronizer");
like(ask($node, q{SELECT good, detail FROM bigbrotr.health_report WHERE item = 'service synchronizer'}),
	qr/^f\|running, unhealthy, waits for bigbrotr-net: could not start/, 'so does the report of the archive');
ok($node->wait_for_log(qr/unhealthy: bigbrotr-net: could not start/, $log_end), 'the log says why it is unhealthy');
is(() = slurp_file($node->logfile, $log_end) =~ /\[$pid\] .*the net process is lost/g, 1, 'and names the missing program once');
$copy->('bigbrotr-net');
net_pid($node, 'synchronizer');
wait_for($node, "waiting_for IS NULL AND health = 'healthy' $synchronizer");

# A core library of another build than the one that is preloaded is refused.
my $other = slurp_file("$installed/bigbrotr_core.so") =~ s/(\d+\.\d+\.\d+-)(\d+)\0/$1 . "0" x length($2) . "\0"/ger;
append_to_file("$directory/other.so", $other);
(undef, undef, $error) = $node->psql('postgres', "LOAD '$directory/other.so'");
like($error, qr/bigbrotr and bigbrotr_core are libraries of different builds.*DETAIL.*HINT:  Restart the server/s, 'two builds do not mix');

# New files, and the server was not restarted: a service that starts again says what to do, and no worker is tried in vain.
my $state = q{FROM bigbrotr.services WHERE service = 'refresher'};
my $restarts = ask($node, "SELECT restart_count $state");
rename("$directory/bigbrotr_core.so", "$directory/kept.so") && rename("$directory/other.so", "$directory/bigbrotr_core.so") or die "$directory: $!";
$log_end = -s $node->logfile;
ok(kill('TERM', worker_pid($node, 'refresher')), 'a worker ends after its library was replaced');
wait_for($node, "state = 'enabled' AND last_error LIKE '%another build%restart the server' $state");
ok($node->wait_for_log(qr/"refresher" of database "postgres" cannot start yet: .* restart the server/, $log_end), 'the log says it, too');
is(ask($node, "SELECT restart_count $state"), $restarts, 'no worker was tried');
unlike(slurp_file($node->logfile, $log_end), qr/different builds/, 'none has failed');
rename("$directory/kept.so", "$directory/bigbrotr_core.so") or die "$directory: $!";
wait_for_service($node, 'refresher', 'running');

$node->stop;
done_testing();
