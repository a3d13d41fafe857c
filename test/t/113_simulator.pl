# The short form of ./check simulator: some of its random scenarios, and wrong clocks.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib", "$FindBin::RealBin/../simulator";
use ArchiveTest qw(source_directory); # here, because its modules must be loaded before the test runs

$ENV{BIGBROTR_FIRST_SCENARIO} //= 120;
$ENV{BIGBROTR_SCENARIOS} //= 24;
$ENV{BIGBROTR_PATIENCE} //= 60;
my $simulator = source_directory() . '/test/simulator/simulator.pl';
defined(do $simulator) or die "$simulator: ", $@ || $!;
