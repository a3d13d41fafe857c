# ./bench snapshot [--quick] [CASE…]: whether the archive becomes slower while a snapshot is held open, as by a
# backup: the load of ./bench live, and a transaction that is idle. Milliseconds: less is better.
use strict;
use warnings;
use BenchReport qw(rounded);
use LiveLoad;
use Time::HiRes qw(time);

my ($quick, @wanted) = BenchReport::arguments(qw(idle));
my $runs = BenchReport::runs(1);
my $minutes = $quick ? 2 : 30;
my $window = 20;    # seconds

my @results = map { one_run() } 1 .. $runs;
my $last = $results[-1]{end};
BenchReport::line('snapshot', 'idle', 'ms', 2, [ map { [ $_->{end}{batch_ms}, $_->{start}{batch_ms} ] } @results ],
	minutes => $minutes,
	dead_rows => $last->{dead_rows} + 0,
	map { $_ => rounded($last->{$_}, 1) } qw(cpu_us_per_delivery_backend deliveries_per_second batches_per_second));

# The first and the last window. What is between them goes to standard error.
sub one_run
{
	my $load = LiveLoad->start;
	my $holder = $load->server->session;
	$holder->('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bigbrotr.relays');
	my $begin = time;
	my $start = $load->measure($window);
	report($start, $begin);
	my $end;
	do
	{
		$end = $load->measure($window);
		report($end, $begin);
	} while (time - $begin < 60 * $minutes);
	undef $holder;
	$load->stop;
	return { start => $start, end => $end };
}

sub report
{
	my ($result, $begin) = @_;
	printf STDERR "%4d s: %.2f ms a batch, %d us a delivery, %d dead rows\n", $result->{end} - $begin,
	  @$result{qw(batch_ms cpu_us_per_delivery_backend dead_rows)};
	return;
}
