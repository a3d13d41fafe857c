# ./bench sync [--quick] [CASE…]: how fast relays are archived, and at what price. The relays are
# bigbrotr-relay_stub on loopback, which sends as fast as it is read. Each run has a new cluster; the
# yardstick (signature checks per second of one core; in overlap_20 the original way) is measured right before and after it.
use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;
use LiveLoad;
use RelayRun;
use TwoWays;
use Time::HiRes qw(time sleep);

# events: of one relay; overlap: percent of them that the relay before has too; settled: deliveries after
# which memory should have reached its level; repeats: how often the last event of its first page is sent again;
# cap: events of one page at most; delay: milliseconds until the relay hears a question.
my %cases = (
	first_sync     => { relays => 1,     events => 100_000, overlap => 0,   settled => 20_000 },
	remote_100ms   => { relays => 1,     events => 100_000, overlap => 0,   settled => 20_000, cap => 500, delay => 100 },
	duplicates_90  => { relays => 10,    events => 20_000,  overlap => 100, settled => 20_000 },
	overlap_20     => { relays => 20,    events => 10_000,  overlap => 85,  settled => 20_000, original => 1 },
	memory_200     => { relays => 200,   events => 5_000,   overlap => 95,  settled => 100_000, memory => 1 },
	memory_repeats => { relays => 1_000, events => 20,      overlap => 100, settled => 1_000, memory => 1, repeats => 50_000 });

my ($quick, @wanted) = BenchReport::arguments(qw(first_sync remote_100ms duplicates_90 overlap_20 memory_200 memory_repeats reconcile live));
if ($quick)
{
	for my $case (values %cases)
	{
		my ($less, @fields) = $case->{repeats} ? (10, 'repeats') : (5, 'events', 'settled');
		$case->{$_} /= $less for @fields;
	}
}

for my $name (@wanted)
{
	if ($name eq 'reconcile') { reconcile() }
	elsif ($name eq 'live') { LiveLoad::run_case('sync', 'live', 1_000, $quick) }
	else { run_case($name, %{ $cases{$name} }) }
}

# Both sides of a set reconciliation without a network; the yardstick: how long one core checks the
# signatures of the events that turn out to be missing. million_mb: memory of a set of a million ids;
# equal_, recent_, scattered_bytes: of 100,000 ids when none, the newest thousand, or any thousand differ.
sub reconcile
{
	my @results;
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my $rate = BenchServer::verify_rate($quick);
		push @results, [ BenchServer::tool_says('bigbrotr-reconcile', 100_000, 10_000, 'scattered')->{ms}, 5_000 / $rate * 1_000 ];
	}
	my %more = (million_mb => BenchServer::tool_says('bigbrotr-reconcile', 1_000_000, 1_000, 'recent')->{set_mb});
	for my $shape ([ equal => 0, 'recent' ], [ recent => 1_000, 'recent' ], [ scattered => 1_000, 'scattered' ])
	{
		my ($name, @different) = @$shape;
		my $result = BenchServer::tool_says('bigbrotr-reconcile', 100_000, @different);
		$more{"${name}_bytes"} = $result->{bytes};
		$more{"${name}_round_trips"} = $result->{round_trips};
	}
	BenchReport::line('sync', 'reconcile', 'ms', 1, \@results, %more);
	return;
}

sub run_case
{
	my ($name, %case) = @_;
	my ($port, $stub) = RelayRun::start_relays(map { exists $case{$_} ? ($_ => $case{$_}) : () } qw(relays events overlap repeats cap delay));
	my @results;
	for (1 .. BenchReport::runs($case{repeats} ? 1 : !$quick ? 5 : $case{memory} ? 1 : 2))
	{
		my $before = yardstick(%case);
		my $result = one_run($port, %case);
		$result->{baseline} = ($before + yardstick(%case)) / 2;
		push @results, $result;
	}
	close $stub;
	report($name, \%case, @results);
	return;
}

sub yardstick
{
	my (%case) = @_;
	return $case{original} ? original_rate() : BenchServer::verify_rate($quick);
}

# Deliveries per second of the original way: five relays send the same events, each of which it checks and hands to
# insert_event(). The events come from a file, so that no network is in its time; one in five is new, as in overlap_20.
sub original_rate
{
	my $ways = TwoWays->start;
	my $file = BenchServer::corpus(3_000);
	$ways->reset_tables('original');
	my $seconds = 0;
	$seconds += 3_000 / $ways->feed('asyncpg', $file, step => 'verify', relay => "wss://relay$_.example.com") for 1 .. 5;
	$ways->server->stop;
	return 15_000 / $seconds;
}

sub report
{
	my ($name, $case, @results) = @_;
	my ($value, $baseline, $unit, $digits) =
	  $case->{memory} ? (qw(rss_net_mb rss_net_settled_mb MB 1)) : (qw(rate baseline events/s 0));
	my %more = (
		events_per_second => rounded(median(map { $_->{rate} } @results), 0),
		deliveries => $case->{relays} * $case->{events});
	for my $key (qw(cpu_us_per_event_net cpu_us_per_event_backend rss_net_mb rss_backend_mb open_relays))
	{
		$more{$key} = rounded(median(map { $_->{$key} } @results), 1);
	}
	BenchReport::line('sync', $name, $unit, $digits, [ map { [ @$_{ $value, $baseline } ] } @results ], %more);
	return;
}

# Archives all relays into a new cluster.
sub one_run
{
	my ($port, %case) = @_;
	my $deliveries = $case{relays} * $case{events};
	my $distinct = $case{events} + ($case{relays} - 1) * $case{events} * (100 - $case{overlap}) / 100;
	my $run = RelayRun->start('bigbrotr.sync_connections' => $case{relays} > 200 ? $case{relays} : 200);
	my $server = $run->server;
	my ($cpu_backend, $cpu_net) = map { $run->cpu_seconds($_) } qw(backend net);
	my $begin = time;
	$run->add_relays($port, $case{relays});
	my ($settled, $delivered, $moved) = (undef, 0, $begin);
	while ($delivered < $deliveries)
	{
		my $asked = time;
		my $counters = $run->counters;
		# The clock runs from the moment when the synchronizer takes notice: it looks once a second.
		$begin = $asked unless $counters->{relays_open};
		$moved = time if $counters->{sightings_new} > $delivered;
		$delivered = $counters->{sightings_new};
		sleep 0.03;
		die "no progress for 30 s after $delivered of $deliveries deliveries\n" if time - $moved > 30;
		$settled //= $run->rss_mb('net', 'VmRSS') if $delivered >= $case{settled};
	}
	my $seconds = time - $begin;
	# What is repeated comes after what is delivered.
	$run->wait_for("count(*) = $case{relays} FROM @{[ $run->status_view ]} WHERE phase = 'live' OR last_error IS NOT NULL", 1200)
	  if $case{repeats};
	my %result = (
		rate => $deliveries / $seconds,
		cpu_us_per_event_net => ($run->cpu_seconds('net') - $cpu_net) / $deliveries * 1e6,
		cpu_us_per_event_backend => ($run->cpu_seconds('backend') - $cpu_backend) / $deliveries * 1e6,
		rss_net_mb => $run->rss_mb('net', 'VmHWM'),
		rss_net_settled_mb => $settled,
		rss_backend_mb => $run->rss_mb('backend', 'RssAnon'),
		open_relays => $run->counters->{relays_open});
	my $archived = $server->sql('SELECT (SELECT count(*) FROM bigbrotr.events), (SELECT count(*) FROM bigbrotr.sightings)');
	die "archived events|sightings: $archived, expected $distinct|$deliveries\n" if $archived ne "$distinct|$deliveries";
	$run->stop;
	return \%result;
}
