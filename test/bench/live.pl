# ./bench live [--quick] [CASE…]: what the archive costs when nothing is left to be read: 200 relays tell 400
# events a second. Microseconds: less is better.
use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;
use LiveLoad;

my ($quick, @wanted) = BenchReport::arguments(qw(steady));
my $runs = BenchReport::runs($quick ? 1 : 3);
my $seconds = $quick ? 20 : 300;    # as long as relays are left alone before they are read again
my @more = qw(batches_per_second batch_ms cpu_us_per_delivery_net deliveries_per_second updates_per_second dead_rows open_relays
  latency_ms_p50 latency_ms_p99);

my @results = map { one_run() } 1 .. $runs;
my %more;
for my $field (@more)
{
	$more{$field} = rounded(median(map { $_->{$field} } @results), 1);
}
BenchReport::line('live', 'steady', 'us', 1,
	[ map { [ $_->{cpu_us_per_delivery_backend}, $_->{check_us} ] } @results ], seconds => $seconds, %more);

sub one_run
{
	my $before = BenchServer::verify_rate($quick);
	my $load = LiveLoad->start;
	my $result = $load->measure($seconds);
	@$result{qw(latency_ms_p50 latency_ms_p99)} = $load->latency_ms(@$result{qw(begin end)});
	$load->stop;
	$result->{check_us} = 2e6 / ($before + BenchServer::verify_rate($quick));
	return $result;
}
