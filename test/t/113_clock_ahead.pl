# The clock of the machine is set ahead, by libfaketime, by more than the time for which leases are held: two workers keep
# their leases, their connections and their processes.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Utils;
use Test::More;

my ($library) = glob '/usr/lib/*/faketime/libfaketime.so.1' or die "the package faketime is not installed\n";
my $clock = PostgreSQL::Test::Utils::tempdir() . '/clock';
set_clock(0);

my $stub = relay_stub(relays => 4, events => 20, publish => 5, copies => 2);
my $node = archive_node('ahead', 'bigbrotr.sync_instances' => 2, 'bigbrotr.sync_connections' => 2);
{
	local @ENV{qw(LD_PRELOAD FAKETIME_TIMESTAMP_FILE FAKETIME_CACHE_DURATION FAKETIME_DONT_FAKE_MONOTONIC)} = ($library, $clock, 1, 1);
	$node->start;
}
create_archive($node);
add_relays($node, @{ $stub->{urls} });
wait_for($node, q{count(*) = 4 FROM _bigbrotr.relay_sync WHERE phase = 'live'});

my $before = $node->safe_psql('postgres', 'SELECT bigbrotr.unix_now()');
my $leases = leases();
my $processes = processes();
set_clock(1000);
wait_for($node, "bigbrotr.unix_now() > $before + 900");
# Leases are renewed each 20 seconds, and those that have expired are ended each 60.
wait_for($node, '(SELECT min(expires) FROM _bigbrotr.sync_workers) > ' . ($before + 1000 + 90 + 70));
is(leases(), $leases, 'both workers have kept their leases');
is(processes(), $processes, 'they and their net processes go on');
$node->stop;
done_testing();

# Seconds that the clock of the server is ahead of the clock of the machine.
sub set_clock
{
	my ($seconds) = @_;
	open my $file, '>', "$clock.new" or die "$clock.new: $!\n";
	print $file "+$seconds\n";
	close $file or die "$clock.new: $!\n";
	rename "$clock.new", $clock or die "$clock: $!\n";
	return;
}

sub leases { return $node->safe_psql('postgres', 'SELECT relay_id, owner, taken_at FROM _bigbrotr.relay_leases ORDER BY 1') }

# Process ids of the workers and of their net processes.
sub processes
{
	my @workers = split /\n/, $node->safe_psql('postgres', q{SELECT pid FROM bigbrotr.services WHERE service = 'synchronizer' ORDER BY instance});
	return join ', ', map { $_, slurp_file("/proc/$_/task/$_/children") } @workers;
}
