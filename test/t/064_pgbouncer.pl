# Through a real pgbouncer in transaction mode, where every transaction may meet another server process:
# every function answers as it does directly, none leaves anything behind in a session, and several clients
# at once find what they wrote.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use EveryFunction qw(every_call);
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($pgbouncer) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin';
plan skip_all => 'pgbouncer is not installed' unless $pgbouncer;

my $node = PostgreSQL::Test::Cluster->new('behind');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'bigbrotr'\nbigbrotr.databases = ''\nlog_statement = none\n");
$node->start;
my @databases = qw(direct pooled crowd);
for my $database (@databases)
{
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	create_archive($node, $database);
}

my $user = $node->safe_psql('postgres', 'SELECT current_user');
my ($port, $bouncer) = start_pgbouncer();

shifting_servers();
every_function();
nothing_left_behind();
crowd();

$bouncer->signal('INT');
$bouncer->finish;
$node->stop;
done_testing();

sub start_pgbouncer
{
	my $port = PostgreSQL::Test::Cluster::get_free_port();
	my $directory = PostgreSQL::Test::Utils::tempdir_short();
	append_to_file("$directory/users", qq("$user" ""\n));
	append_to_file("$directory/ini", <<"	END" =~ s/^\t+//gmr);
		[databases]
		* = host=${\$node->host} port=${\$node->port} user=$user
		[pgbouncer]
		listen_addr =
		listen_port = $port
		unix_socket_dir = $directory
		auth_type = trust
		auth_file = $directory/users
		pool_mode = transaction
		default_pool_size = 3
		min_pool_size = 3
		server_round_robin = 1
		logfile = $directory/log
	END
	my $process = IPC::Run::start([ $pgbouncer, '-q', "$directory/ini" ], '>', '/dev/null', '2>', '/dev/null');
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return ("host=$directory port=$port", $process) if psql("host=$directory port=$port dbname=direct", 'SELECT 1') eq '1';
		select undef, undef, undef, 0.1;
	}
	die 'pgbouncer did not start: ', slurp_file("$directory/log");
}

sub psql
{
	my ($connection, $script) = @_;
	IPC::Run::run([ psql_command($connection, $script) ], '>', \my $out, '2>', \my $errors);
	chomp $out;
	return $out;
}

my $scripts = 0;

sub psql_command
{
	my ($connection, $script, @options) = @_;
	my $file = $node->basedir . '/script' . ++$scripts;
	append_to_file($file, $script);
	return ('psql', qw(-XAtq -d), "$connection user=$user", '-f', $file, @options);
}

# One client connection, more than one server process: else this test shows nothing.
sub shifting_servers
{
	my %pids;
	# pgbouncer fills its pool in the background, as long as it sees a client.
	my $client = IPC::Run::start([ 'psql', '-XAtqd', "$port dbname=pooled user=$user" ], '<pipe', \*CLIENT, '>', '/dev/null');
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		%pids = map { $_ => 1 } split /\n/, psql("$port dbname=pooled", "SELECT pg_backend_pid();\n" x 6);
		last if keys %pids == 3;
		select undef, undef, undef, 0.1;
	}
	close CLIENT;
	$client->finish;
	is(scalar keys %pids, 3, 'the transactions of one client go to all server processes in turn');
	return;
}

# SQLSTATE and number of rows of each call, in one session, in the same order: also what one call does to
# the next must be the same.
sub every_function
{
	my ($calls, $skipped) = every_call($node, 'direct');
	cmp_ok(scalar @$calls, '>', 50, 'functions found');
	note "not called: $_ ($skipped->{$_})" for sort keys %$skipped;
	is_deeply([ grep { $skipped->{$_} !~ /^(a trigger|for the server alone)$/ } keys %$skipped ], [], 'nothing is left out that SQL could call');
	my $script = join '', map { "\\o /dev/null\n$_->{sql};\n\\o\n\\echo $_->{name} :SQLSTATE :ROW_COUNT\n" } @$calls;
	my $direct = psql($node->connstr('direct'), $script);
	my $pooled = psql("$port dbname=pooled", $script);
	is($pooled, $direct, 'every function answers as it does directly');
	my @outcomes = $pooled =~ /^\w+ (\w{5}) \d+$/mg;
	is(scalar @outcomes, scalar @$calls, 'every call was answered');
	is_deeply([ grep { /^(08|26|34|57|58000|58030|XX)/ } @outcomes ], [], 'none failed for want of its session, or in ways it must not');
	cmp_ok(scalar(grep { $_ eq '00000' } @outcomes), '>', @$calls / 2, 'most of them succeeded');
	return;
}

# What would follow a client to the next one, or would not follow where it should.
sub nothing_left_behind
{
	my ($calls) = every_call($node, 'direct');
	my $state = q{
		SELECT 'setting', name, setting FROM pg_settings WHERE source = 'session' AND name <> 'application_name'
		UNION ALL SELECT 'prepared', name, statement FROM pg_prepared_statements
		UNION ALL SELECT 'cursor', name, statement FROM pg_cursors WHERE is_holdable
		UNION ALL SELECT 'lock', locktype, objid::text FROM pg_locks WHERE pid = pg_backend_pid() AND locktype = 'advisory'
		UNION ALL SELECT 'channel', c, '' FROM pg_listening_channels() AS c
		UNION ALL SELECT 'temporary', relname, '' FROM pg_class WHERE relnamespace = pg_my_temp_schema()
		ORDER BY 1, 2;
	};
	my $script = join '', "\\set ON_ERROR_STOP off\n", (map { "\\o /dev/null\n$_->{sql};\n\\o\n" } @$calls), $state;
	is(psql($node->connstr('direct'), $script), '', 'no function leaves anything in the session');
	return;
}

# Each event in a transaction of its own, looked for in the next: both in different server processes. Every
# event comes from two of the clients.
sub crowd
{
	my @events = split /\n/, corpus(qw(--seed 64 200));
	my @clients;
	for my $number (0 .. 3)
	{
		my @share = @events[ grep { ($_ + $number) % 2 } 0 .. $#events ];
		my $script = join '', map { insert_and_find($_, $number) } @share;
		my $client = { out => '', expected => scalar @share };
		$client->{run} = IPC::Run::start([ psql_command("$port dbname=crowd", $script, qw(-v ON_ERROR_STOP=1)) ],
			'>', \$client->{out}, '2>', \$client->{errors});
		push @clients, $client;
	}
	for my $client (@clients)
	{
		$client->{run}->finish;
		is($client->{errors}, '', 'a client of several at once sees no error');
		is(() = $client->{out} =~ /^1$/mg, $client->{expected}, 'and finds each of its events in the next transaction');
	}
	my $connection = "$port dbname=crowd";
	is(psql($connection, 'SELECT event_count, sighting_count FROM bigbrotr.total_statistics'), '200|400', 'all events and sightings are there, none twice');
	is(psql($connection, 'SELECT * FROM bigbrotr.verify_statistics(); SELECT * FROM bigbrotr.verify_references()'), '', 'all counts and references hold');
	is(psql($connection, 'CALL bigbrotr.cleanup_orphans()'), '0|0|0', 'a procedure that commits as it goes');
	my $file = $node->basedir . '/more.jsonl';
	append_to_file($file, corpus(qw(--seed 65 300)));
	psql($connection, "CALL bigbrotr.import_events('$file')");
	is(psql($connection, 'SELECT new_count FROM bigbrotr.import_progress WHERE finished'), '300', 'and an import');
	return;
}

sub insert_and_find
{
	my ($event, $number) = @_;
	my ($id) = $event =~ /"id":"(\w+)"/;
	my $literal = q{'} . ($event =~ s/'/''/gr) . q{'};
	return qq{
		SELECT bigbrotr.insert_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig,
			'wss://relay$number.example.com', 'clearnet', 1, 2) FROM bigbrotr.parse_event($literal) AS e \\g /dev/null
		SELECT count(*) FROM bigbrotr.query_events('{"ids":["$id"]}', true);
	};
}
