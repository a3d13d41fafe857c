# Servers with bigbrotr for the TAP tests, and queries that several tests need.
package Bigbrotr;

use strict;
use warnings;

use Exporter 'import';
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

our @EXPORT = qw(new_node ask services_of wait_for_service wait_for_next_worker worker_pid net_pid wait_gone same_objects);

# A server that serves database "postgres" and knows no relay, so that nothing leaves the machine. Its
# services: one that runs once, one that has a net process.
# $settings: lines for postgresql.conf, which override those set here.
sub new_node
{
	my ($name, $settings, %init) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(%init);
	my $seeds = $node->basedir . '/seeds.txt';
	append_to_file($seeds, "# no relay\n");
	$node->append_conf('postgresql.conf', <<"END");
shared_preload_libraries = 'bigbrotr'
bigbrotr.databases = 'postgres'
bigbrotr.services = 'initializer, synchronizer'
bigbrotr.seed_file = '$seeds'
bigbrotr.restart_delay = 100ms
max_worker_processes = 20
log_line_prefix = '%m [%p] %b '
END
	$node->append_conf('postgresql.conf', $settings) if defined $settings;
	return $node;
}

# Result of a query in database "postgres" unless named.
sub ask
{
	my ($node, $sql, $database) = @_;
	return $node->safe_psql($database // 'postgres', $sql);
}

# The states of the listed services: "initializer done, synchronizer running"
sub services_of
{
	my ($node, $database) = @_;
	$database //= 'postgres';
	return ask($node, "SELECT string_agg(service || ' ' || state, ', ' ORDER BY service)
		FROM bigbrotr.services
		WHERE database = '$database' AND service = ANY (string_to_array(current_setting('bigbrotr.services'), ', '))");
}

sub wait_for_service
{
	my ($node, $service, $state, $database) = @_;
	my $timeout = $PostgreSQL::Test::Utils::timeout_default;
	my $reached = ask($node,
		"SELECT bigbrotr.wait_for_service('$service', '$state', '$timeout s')", $database);
	is($reached, 't', "$service is $state" . ($database ? " in $database" : ''));
	return;
}

# The same after a worker has ended: until the launcher looks at it, the service is still shown as running.
sub wait_for_next_worker
{
	my ($node, $service, $ended, $database) = @_;
	my $listed = $database // 'postgres';
	$node->poll_query_until('postgres',
		"SELECT pid <> $ended FROM bigbrotr.services WHERE database = '$listed' AND service = '$service'")
	  or die "$service has no worker after process $ended";
	wait_for_service($node, $service, 'running', $database);
	return;
}

sub worker_pid
{
	my ($node, $service) = @_;
	return ask($node,
		"SELECT pid FROM bigbrotr.services WHERE database = 'postgres' AND service = '$service'");
}

# The child of a service; waits until one has been started. That it has greeted its worker is not known.
sub net_pid
{
	my ($node, $service) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my (undef, $pid) = $node->psql('postgres', "SELECT bigbrotr.service_stats('$service') #>> '{custom,net_pid}'");
		return $pid if ($pid // '') =~ /^[1-9]/;
		select undef, undef, undef, 0.1;
	}
	die "$service has no net process";
}

# Waits until a process does not exist any more.
sub wait_gone
{
	my ($pid, $what) = @_;
	my $tries = 10 * $PostgreSQL::Test::Utils::timeout_default;
	while (kill(0, $pid) && $tries-- > 0)
	{
		select(undef, undef, undef, 0.1);
	}
	ok(!kill(0, $pid), "$what is gone");
	return;
}

# Test: two databases of a server have the same objects: names, columns, defaults, owners, privileges, comments.
sub same_objects
{
	my ($node, $found, $expected, $name) = @_;
	my $directory = PostgreSQL::Test::Utils::tempdir();
	append_to_file("$directory/$_", objects($node, $_)) for $found, $expected;
	cmp_ok(-s "$directory/$expected", '>', 100_000, 'there are objects to compare');
	is(substr(`diff $directory/$expected $directory/$found`, 0, 4000), '', $name);
	return;
}

# All that pg_dump knows of every object, statement by statement.
sub objects
{
	my ($node, $database) = @_;
	my ($out) = run_command([ 'pg_dump', '--schema-only', '--binary-upgrade', $node->connstr($database) ]);
	$out =~ s/^--.*\n//mg;
	# A view from a dump has names for the constants that its author left without.
	$out =~ s/(::\w+) AS \w+(?=,?$)/$1/mg;
	my @statements = grep { !/binary_upgrade_set_next|create_empty_extension|relfrozenxid|setval|restrict|DATABASE/ } split /;\n+/, $out;
	return join ";\n", sort map { s/^\s+//r } @statements;
}

1;
