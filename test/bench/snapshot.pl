# ./bench snapshot [--quick] [CASE…]: whether the archive becomes slower while a snapshot is held open. The load
# is that of ./bench live; the snapshot is held by a transaction that is idle, or by pg_dump of 5 million events.
# The result is the time of a batch at the end, its baseline that at the start: medians of the windows in the first
# and the last five minutes, since all relays are read again every five minutes. Milliseconds: less is better.
use strict;
use warnings;
use BenchReport qw(median rounded);
use List::Util qw(min);
use LiveLoad;
use POSIX qw(WNOHANG);
use Time::HiRes qw(time);

my ($quick, @wanted) = BenchReport::arguments(qw(idle dump));
my $runs = BenchReport::runs(1);
my $minutes = $quick ? 2 : 30;
my $events = $quick ? 200_000 : 5_000_000;    # in the database that is dumped
my %cases = (idle => \&under_idle_transaction, dump => \&under_dump);

for my $case (@wanted)
{
	my @results = map { $cases{$case}->() } 1 .. $runs;
	my ($start, $end) = edges($results[-1]);
	BenchReport::line('snapshot', $case, 'ms', 2,
		[ map { my @edges = edges($_); [ $edges[1]{batch_ms}, $edges[0]{batch_ms} ] } @results ],
		seconds => rounded($results[-1][-1]{end} - $results[-1][0]{begin}, 0),
		dead_rows => $results[-1][-1]{dead_rows} + 0,
		start_cpu_us_per_delivery_backend => rounded($start->{cpu_us_per_delivery_backend}, 1),
		map { $_ => rounded($end->{$_}, 1) } qw(cpu_us_per_delivery_backend deliveries_per_second batches_per_second));
}

# Medians over the first and over the last windows.
sub edges
{
	my ($windows) = @_;
	my $count = min(15, int((@$windows + 1) / 2));
	return map { my @edge = @$_; +{ map { my $name = $_; $name => median(map { $_->{$name} } @edge) } keys %{ $edge[0] } } }
	  [ @$windows[0 .. $count - 1] ], [ @$windows[-$count .. -1] ];
}

# The windows under a transaction that is idle.
sub under_idle_transaction
{
	my $load = LiveLoad->start;
	my $holder = $load->server->session;
	$holder->('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM bigbrotr.relays');
	my $until = time + 60 * $minutes;
	my $result = windows($load, 20, sub { time < $until });
	undef $holder;
	$load->stop;
	return $result;
}

# The windows under pg_dump. The events are loaded as a restore does it: without triggers.
sub under_dump
{
	my $load = LiveLoad->start;
	my $file = "$ENV{BENCH_WORK}/events.copy";
	BenchServer::run_quietly('sh', '-c', 'exec "$0" "$1" "$2" >"$3"', BenchServer::side_tool('bigbrotr-fill'), $events, $events / 20, $file);
	$load->server->sql(qq{
		SET session_replication_role = replica;
		COPY bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at) FROM '$file' (FORMAT binary)});
	unlink $file;
	$load->server->sql('VACUUM ANALYZE bigbrotr.events');
	$load->server->sql('CHECKPOINT');
	my @command = $load->server->program('pg_dump');
	my $pid = fork // die "fork: $!\n";
	unless ($pid)
	{
		open STDOUT, '>', '/dev/null';
		exec @command or die "cannot run $command[0]: $!\n";
	}
	my $result = windows($load, $quick ? 1 : 20, sub { waitpid($pid, WNOHANG) == 0 });
	die "pg_dump failed\n" if $?;
	$load->stop;
	return $result;
}

# What happens in windows of so many seconds while a condition holds. All go to standard error.
sub windows
{
	my ($load, $seconds, $holds) = @_;
	my @windows;
	my $begin = time;
	while ($holds->())
	{
		my $window = $load->measure($seconds);
		report($window, $begin);
		push @windows, $window;
	}
	return \@windows;
}

sub report
{
	my ($result, $begin) = @_;
	printf STDERR "%4d s: %.2f ms a batch, %d us a delivery, %d dead rows\n", $result->{end} - $begin,
	  @$result{qw(batch_ms cpu_us_per_delivery_backend dead_rows)};
	return;
}
