# ./bench sync [--quick] [CASE…]: how fast relays are archived, and at what price. The relays are
# bigbrotr-relay_stub on loopback, which sends as fast as it is read. Each run has a new cluster; the
# yardstick (signature checks per second of one core) is measured right before and after it.
use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;
use IPC::Open2 qw(open2);
use JSON::PP;
use List::Util qw(sum0 max);
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time sleep);

# events: of one relay; overlap: percent of them that the relay before has too; settled: deliveries after
# which memory should have reached its level.
my %cases = (
	first_sync    => { relays => 1,   events => 100_000, overlap => 0,   settled => 20_000 },
	duplicates_90 => { relays => 10,  events => 20_000,  overlap => 100, settled => 20_000 },
	memory_200    => { relays => 200, events => 5_000,   overlap => 95,  settled => 100_000, memory => 1 });
my $runs = 5;

my ($quick, @wanted) = BenchReport::arguments(qw(first_sync duplicates_90 memory_200));
if ($quick)
{
	$runs = 2;
	$cases{$_}{events} /= 5 for keys %cases;
	$cases{$_}{settled} /= 5 for keys %cases;
}

run_case($_, %{ $cases{$_} }) for @wanted;

sub run_case
{
	my ($name, %case) = @_;
	my ($port, $stub) = start_relays(%case);
	my @results;
	for (1 .. ($case{memory} && $quick ? 1 : $runs))
	{
		my $before = BenchServer::verify_rate($quick);
		my $result = one_run($port, %case);
		$result->{baseline} = ($before + BenchServer::verify_rate($quick)) / 2;
		push @results, $result;
	}
	close $stub;
	report($name, \%case, @results);
	return;
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

# The stub with a case's relays: its port, and a handle that ends it when closed.
sub start_relays
{
	my (%case) = @_;
	open2(my $out, my $in, BenchServer::tool('bigbrotr-relay_stub'),
		map { ("--$_" => $case{$_}) } qw(relays events overlap));
	my $line = <$out> // die "the relay stub did not start\n";
	return (decode_json($line)->{port}, $in);
}

# Archives all relays into a new cluster.
sub one_run
{
	my ($port, %case) = @_;
	my $deliveries = $case{relays} * $case{events};
	my $distinct = $case{events} + ($case{relays} - 1) * $case{events} * (100 - $case{overlap}) / 100;
	my $server = BenchServer->start;
	my ($backend, $net) = processes($server);
	my $progress = progress_query($server);
	my ($cpu_backend, $cpu_net) = (cpu_seconds($backend), cpu_seconds($net));
	my $begin = time;
	$server->sql("SELECT bigbrotr.add_relay('ws://127.0.0.1:$port/' || n) FROM generate_series(0, $case{relays} - 1) n");
	my ($settled, $delivered, $moved) = (undef, 0, $begin);
	while ($delivered < $deliveries)
	{
		my $asked = time;
		my ($now, $taken) = $progress->();
		# The clock runs from the moment when the synchronizer takes notice: it looks once a second.
		$begin = $asked unless $taken;
		$moved = time if $now > $delivered;
		$delivered = $now;
		sleep 0.03;
		die "no progress for 30 s after $delivered of $deliveries deliveries\n" if time - $moved > 30;
		$settled //= rss_mb($net, 'VmRSS') if $delivered >= $case{settled};
	}
	my $seconds = time - $begin;
	my %result = (
		rate => $deliveries / $seconds,
		cpu_us_per_event_net => (cpu_seconds($net) - $cpu_net) / $deliveries * 1e6,
		cpu_us_per_event_backend => (cpu_seconds($backend) - $cpu_backend) / $deliveries * 1e6,
		rss_net_mb => rss_mb($net, 'VmHWM'),
		rss_net_settled_mb => $settled,
		rss_backend_mb => rss_mb($backend, 'RssAnon'),
		open_relays => $server->sql(q{SELECT count(*) FROM bigbrotr.relay_sync WHERE phase IN ('backfill', 'live')}));
	my $archived = $server->sql('SELECT (SELECT count(*) FROM bigbrotr.events), (SELECT count(*) FROM bigbrotr.sightings)');
	die "archived events|sightings: $archived, expected $distinct|$deliveries\n" if $archived ne "$distinct|$deliveries";
	$server->stop;
	return \%result;
}

# The synchronizer and its net process, when both are there.
sub processes
{
	my ($server) = @_;
	my $worker = q{FROM pg_stat_activity WHERE backend_type = 'bigbrotr synchronizer'};
	for (1 .. 300)
	{
		my $backend = $server->sql("SELECT pid $worker");
		if ($backend && open my $file, '<', "/proc/$backend/task/$backend/children")
		{
			my ($net) = (<$file> // '') =~ /^(\d+)/;
			return ($backend, $net) if $net;
		}
		sleep 0.1;
	}
	die "the synchronizer did not start; end of the server's log:\n", $server->end_of_log;
}

# A sub that tells how many deliveries are committed and whether any relay is being worked at, by one open session.
sub progress_query
{
	my ($server) = @_;
	open2(my $out, my $in, $server->psql);
	$in->autoflush(1);
	return sub {
		print {$in} "SELECT sum(sightings), count(*) FILTER (WHERE phase <> 'waiting') FROM bigbrotr.relay_sync;\n";
		my $line = <$out> // die "the server is gone\n";
		return $line =~ /^(\d+)\|(\d+)$/;
	};
}

# User and system time so far.
sub cpu_seconds
{
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/stat" or die "process $pid is gone\n";
	my @fields = split ' ', (<$file> =~ s/^.*\) //sr);
	return ($fields[11] + $fields[12]) / sysconf(_SC_CLK_TCK);
}

sub rss_mb
{
	my ($pid, $kind) = @_;
	open my $file, '<', "/proc/$pid/status" or die "process $pid is gone\n";
	my ($kb) = join('', <$file>) =~ /^$kind:\s+(\d+) kB/m;
	return $kb / 1024;
}
