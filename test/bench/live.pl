# ./bench live [--quick] [CASE…]: what the archive costs when nothing is left to be read: 200 relays (thousand: 1,000) tell
# 400 events a second. Microseconds: less is better.
use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;
use LiveLoad;

my %relays = (steady => 200, thousand => 1_000);
my ($quick, @wanted) = BenchReport::arguments(qw(steady thousand));
my $seconds = $quick ? 20 : 300;    # as long as relays are left alone before they are read again
my @more = qw(batches_per_second batch_ms cpu_us_per_delivery_net deliveries_per_second updates_per_second dead_rows open_relays
  rss_net_mb latency_ms_p50 latency_ms_p99);

run_case($_) for @wanted;

sub run_case
{
	my ($name) = @_;
	my @results = map { one_run($relays{$name}) } 1 .. BenchReport::runs($quick ? 1 : 3);
	my %more;
	for my $field (@more)
	{
		$more{$field} = rounded(median(map { $_->{$field} } @results), 1);
	}
	BenchReport::line('live', $name, 'us', 1,
		[ map { [ $_->{cpu_us_per_delivery_backend}, $_->{check_us} ] } @results ], seconds => $seconds, %more);
	return;
}

sub one_run
{
	my ($relays) = @_;
	my $before = BenchServer::verify_rate($quick);
	my $load = LiveLoad->start($relays);
	my $result = $load->measure($seconds);
	@$result{qw(latency_ms_p50 latency_ms_p99)} = $load->latency_ms(@$result{qw(begin end)});
	$load->stop;
	$result->{check_us} = 2e6 / ($before + BenchServer::verify_rate($quick));
	return $result;
}
