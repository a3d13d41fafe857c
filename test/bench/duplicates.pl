# ./bench duplicates [--quick] [CASE…]: how fast events go in that are known, against the original way.
use strict;
use warnings;
use BenchReport;
use BenchServer;
use TwoWays;

my ($quick, @wanted) = BenchReport::arguments(qw(new_relay resend mixed_90));
my $runs = BenchReport::runs($quick ? 2 : 5);
my $events = $quick ? 15_000 : 30_000;
my $ways = TwoWays->start;
my $file = BenchServer::corpus($events);
my $known = "$ENV{BENCH_WORK}/known.jsonl";    # nine of ten
my $first_relay = 'wss://relay.example.com';

# A relay that has not delivered anything yet.
my $relays = 0;
sub new_relay { return 'wss://relay' . ++$relays . '.example.com' }

my %cases = (
	# Known events from another relay: parsing and hashing are in our clock, but not in that of insert_event().
	new_relay => sub {
		my $relay = new_relay();
		return [ $ways->feed('archive', $file, step => 'new', relay => $relay), $ways->feed('asyncpg', $file, relay => $relay) ];
	},
	# Known sightings again: storing alone, on both sides.
	resend => sub {
		return [ $ways->feed('archive', $file, step => 'sightings', relay => $first_relay), $ways->feed('asyncpg', $file, relay => $first_relay) ];
	},
	# One event of ten is new, all from another relay; everything is in both clocks, and the original way checks
	# all signatures.
	mixed_90 => sub {
		my $relay = new_relay();
		load($known);
		my $result =
		  [ $ways->feed('archive', $file, step => 'new', relay => $relay), $ways->feed('asyncpg', $file, step => 'verify', relay => $relay) ];
		$ways->expect($events, $events * 1.9);
		return $result;
	});

write_known();
for my $name (@wanted)
{
	$ways->reset_tables('original');
	load($file);
	my @results = map { $cases{$name}->() } 1 .. $runs;
	BenchReport::line('duplicates', $name, 'events/s', 0, \@results, events => $events);
}

sub write_known
{
	open my $in, '<', $file or die "$file: $!\n";
	my $number = 0;
	my @lines = grep { $number++ % 10 } <$in>;
	BenchServer::write_file('>', $known, @lines);
	return;
}

sub load
{
	my ($name) = @_;
	$ways->empty_tables;
	$ways->feed($_, $name, relay => $first_relay) for qw(archive pipeline);
	return;
}
