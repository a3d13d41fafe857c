# ./bench live [--quick] [CASE…]: what the archive costs when nothing is left to be read: 200 relays (thousand: 1,000) tell
# 400 events a second. Microseconds: less is better.
use strict;
use warnings;
use BenchReport;
use LiveLoad;

my %relays = (steady => 200, thousand => 1_000);
my ($quick, @wanted) = BenchReport::arguments(qw(steady thousand));
LiveLoad::run_case('live', $_, $relays{$_}, $quick) for @wanted;
