# Several workers of one service in one database share its relays. No service is installed like that, so the test makes a
# preload library in which a setting gives the number of synchronizers.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $source = source_directory();
my $folder = PostgreSQL::Test::Utils::tempdir();
plan skip_all => 'needs the object files of the extension' unless -e "$source/workers/registry.o";
make_library();

my $list = PostgreSQL::Test::Utils::tempdir() . '/truth.tsv';
my $stub = relay_stub(relays => 8, events => 1500, overlap => 50, rate => 300, publish => 50, copies => 2, list => $list);
my $node = archive_server('instances', 'shared_preload_libraries' => "$folder/bigbrotr", 'bigbrotr.sync_connections' => 4);
my $state = q{(SELECT string_agg(concat_ws(' ', instance, state), ', ' ORDER BY instance) FROM bigbrotr.services WHERE service = 'synchronizer')};
my $owners = '(SELECT count(DISTINCT owner) FROM _bigbrotr.relay_leases)';
my $leases = '(SELECT count(*) FROM _bigbrotr.relay_leases)';

sub pid_of
{
	my ($instance) = @_;
	return $node->safe_psql('postgres', "SELECT pid FROM bigbrotr.services WHERE service = 'synchronizer' AND instance = $instance");
}

wait_for($node, "$state = '1 running, 2 running'");
add_relays($node, @{ $stub->{urls} });
wait_for($node, "$owners = 2 AND $leases = 8");
pass('each worker has as many relays as it has places');
wait_for($node, '(SELECT count(*) FROM bigbrotr.sightings) > 500');

# One of them ends: the other one goes on, and the first one comes back.
my ($ended, $other) = (pid_of(1), pid_of(2));
$node->safe_psql('postgres', "SELECT pg_terminate_backend($ended)");
ok(gone($ended), 'one worker is ended');
wait_for($node, "EXISTS (SELECT FROM bigbrotr.services WHERE service = 'synchronizer' AND instance = 1 AND state = 'running' AND pid <> $ended)");
is(pid_of(2), $other, 'the other one goes on');

stop_publishing($stub);
load_truth($node, $stub);
wait_for($node, q{(SELECT count(*) FROM bigbrotr.sightings) = (SELECT count(*) FROM public.truth)});
archive_matches($node, 'two workers');
is(unfounded_claims($node), 0, 'nothing is claimed that is not archived');
is($node->safe_psql('postgres', q{SELECT bool_and((bigbrotr.service_stats('synchronizer', n) #>> '{custom,sightings_new}')::bigint > 0) FROM generate_series(1, 2) AS n}),
	't', 'both have archived something');
is($node->safe_psql('postgres', q{SELECT bigbrotr.health_check('synchronizer')}), 't', 'both are well');

# The number changes with a reload. The leases of the worker that is gone expire, here at once; the relays go to the other.
set_workers(1);
wait_for($node, "$state LIKE '1 running%' AND $state NOT LIKE '%2 running%'");
ok(gone($other), 'the second worker is ended');
$node->safe_psql('postgres', q{UPDATE _bigbrotr.sync_workers SET expires = 0 WHERE owner LIKE '%synchronizer.2'});
is($node->safe_psql('postgres', 'SELECT _bigbrotr.expire_leases(bigbrotr.unix_now())'), 4, 'its relays are free');
is($node->safe_psql('postgres', "SELECT $owners"), 1, 'the first worker keeps its own');
set_workers(3);
wait_for($node, "$state = '1 running, 2 running, 3 running' AND $leases = 8");
pass('a new number of workers shares the relays again');

# Commands are for all of them.
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('synchronizer')});
is($node->safe_psql('postgres', "SELECT $state"), '1 disabled, 2 disabled, 3 disabled', 'all are stopped');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('synchronizer')});
is($node->safe_psql('postgres', q{SELECT bigbrotr.wait_for_service('synchronizer', 'running', '3 min')}), 't', 'all are started');
is($node->safe_psql('postgres', "SELECT $state"), '1 running, 2 running, 3 running', 'all three');
$node->stop;
done_testing();

sub set_workers
{
	my ($number) = @_;
	$node->append_conf('postgresql.conf', "bigbrotr.test_workers = $number");
	$node->reload;
	return;
}

# The library with the setting bigbrotr.test_workers, beside links to what it needs.
sub make_library
{
	chomp(my $installed = `pg_config --pkglibdir`);
	chomp(my $headers = `pg_config --includedir-server`);
	symlink "$installed/$_", "$folder/$_" or die "symlink: $!" for qw(bigbrotr_core.so bigbrotr-net);
	my $entry = slurp_file("$source/workers/synchronizer/entry.cpp");
	$entry =~ s/(?=static constexpr pg::Setting settings)/static int test_workers;\n/ or die 'no settings';
	$entry =~ s/(settings\[\] = \{\n)/$1\tinteger("test_workers", &test_workers, "2", {"1", "4"}, "Workers of the service."),\n/ or die 'no settings';
	$entry =~ s/(\t\.after = after,\n)/\t.instances = &test_workers,\n$1/ or die 'no description';
	append_to_file("$folder/entry.cpp", $entry);
	system_or_bail('g++', qw(-std=gnu++20 -O1 -fPIC -fno-threadsafe-statics -Wno-register), "-I$source/src", "-I$source", "-I$headers",
		'-c', "$folder/entry.cpp", '-o', "$folder/entry.o");
	my @objects = grep { !m{/synchronizer/} } map { glob "$source/$_.o" } qw(src/pg/preload src/pg/border/catalog src/pg/border/setting*
		src/pg/cycle/* workers/registry workers/*/entry);
	system_or_bail('gcc', '-shared', '-Wl,-soname,bigbrotr.so', "-Wl,--version-script=$source/preload.map", @objects, "$folder/entry.o",
		'-Wl,--as-needed', '-o', "$folder/bigbrotr.so");
	return;
}
