# ./bench soak [--quick]: whether anything grows while relays end connections all the time. 1,000 relays tell 400 events a
# second for 30 minutes, and a connection ends without a word every 180 ms: 10,000 times. The result is the private memory of
# the net process at the end, its baseline that at the start: medians of the last and of the first five minutes. Megabytes.
use strict;
use warnings;
use BenchReport qw(median rounded);
use LiveLoad;
use Time::HiRes qw(time);

my ($quick) = BenchReport::arguments('reconnects');
my ($minutes, $relays, $drop) = $quick ? (2, 100, 500) : (30, 1_000, 180);
my $window = 20;    # seconds
my $load = LiveLoad->start($relays, drop => $drop);
my @windows;
my $begin = time;
push @windows, measure() while time < $begin + 60 * $minutes;
my $edge = @windows > 30 ? 15 : int(@windows / 2);
my %first = edge(@windows[0 .. $edge - 1]);
my %last = edge(@windows[-$edge .. -1]);
my $seconds = $windows[-1]{end} - $begin;
my $missing = $load->missing(900);
BenchReport::line('soak', 'reconnects', 'MB', 1, [ [ $last{net_mb}, $first{net_mb} ] ],
	seconds        => rounded($seconds, 0),
	reconnects     => int($seconds * 1000 / $drop),
	missing_events => $missing + 0,
	map { $_ => rounded($last{$_}, 1), "start_$_" => rounded($first{$_}, 1) } grep { !/^(net_mb|begin|end)$/ } keys %last);
$load->stop;

sub measure
{
	my $result = $load->measure($window);
	$result->{net_mb} = $load->{run}->rss_mb('net', 'RssAnon');
	$result->{backend_mb} = $load->{run}->rss_mb('backend', 'RssAnon');
	# Grows by doubling when more files are open at the same time than ever before.
	$result->{net_file_slots} = $load->{run}->status_field('net', 'FDSize');
	printf STDERR "%4d s: %.1f MB, room for %d files, %.1f MB of the backend, %.2f ms a batch, %d relays open\n", $result->{end} - $begin,
	  @$result{qw(net_mb net_file_slots backend_mb batch_ms open_relays)};
	return $result;
}

# Medians over windows, and the latency of what was sent in them.
sub edge
{
	my @edge = @_;
	my %medians = map { my $name = $_; $name => median(map { $_->{$name} } @edge) }
	  qw(net_mb backend_mb net_file_slots batch_ms deliveries_per_second open_relays dead_rows);
	@medians{qw(latency_ms_p50 latency_ms_p99)} = $load->latency_ms($edge[0]{begin}, $edge[-1]{end});
	return %medians;
}
