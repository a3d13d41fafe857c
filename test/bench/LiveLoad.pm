# 200 relays, or more, that are caught up and tell 400 events a second, each of which comes from five of them.
package LiveLoad;

use strict;
use warnings;
use BenchReport qw(median rounded);
use BenchServer;
use IO::Handle;
use RelayRun;
use Time::HiRes qw(time sleep);

my %relays = (events => 20, overlap => 90, publish => 80, copies => 5);
my $warm_up = 10;    # seconds

# All but the two big ones.
my $small_tables = q{FROM pg_stat_user_tables WHERE schemaname LIKE '%bigbrotr' AND relname NOT SIMILAR TO '(events|sightings)%'};

# Reports a case: the processor time of the worker's backend for each delivery, beside the time of a signature check.
sub run_case
{
	my ($bench, $case, $relays, $quick) = @_;
	my $seconds = $quick ? 20 : 300;    # as long as relays are left alone before they are read again
	my @results = map { one_run($relays, $seconds, $quick) } 1 .. BenchReport::runs($quick ? 1 : 3);
	my @more = qw(batches_per_second batch_ms cpu_us_per_delivery_net deliveries_per_second updates_per_second dead_rows open_relays
	  rss_net_mb latency_ms_p50 latency_ms_p99);
	my %more = map { my $field = $_; ($field => rounded(median(map { $_->{$field} } @results), 1)) } @more;
	BenchReport::line($bench, $case, 'us', 1, [ map { [ $_->{cpu_us_per_delivery_backend}, $_->{check_us} ] } @results ], seconds => $seconds, %more);
	return;
}

sub one_run
{
	my ($relays, $seconds, $quick) = @_;
	my $before = BenchServer::verify_rate($quick);
	my $load = LiveLoad->start($relays);
	my $result = $load->measure($seconds);
	@$result{qw(latency_ms_p50 latency_ms_p99)} = $load->latency_ms(@$result{qw(begin end)});
	$load->stop;
	$result->{check_us} = 2e6 / ($before + BenchServer::verify_rate($quick));
	return $result;
}

# Returns when the load is steady. $relays: their number; %more: options of bigbrotr-relay_stub.
sub start
{
	my ($class, $relays, %more) = @_;
	$relays //= 200;
	my $list = "$ENV{BENCH_WORK}/published.tsv";
	my ($port, $lifeline, $output) = RelayRun::start_relays(%relays, relays => $relays, list => $list, %more);
	my $run = RelayRun->start(track_commit_timestamp => 'on', 'bigbrotr.sync_connections' => $relays);
	my $self = bless { run => $run, port => $port, lifeline => $lifeline, output => $output, list => $list }, $class;
	$run->add_relays($port, $relays);
	my $enough = $more{drop} ? int(0.8 * $relays) : $relays;    # some wait after a failure at any time
	$run->wait_for("count(*) >= $enough FROM @{[ $run->status_view ]} WHERE phase = 'live'", 600);
	sleep $warm_up;
	return $self;
}

sub server { return $_[0]{run}->server }

sub stop
{
	my ($self) = @_;
	$self->{run}->stop;
	close delete $self->{lifeline};
	unlink $self->{list};
	return;
}

# What happens in some seconds.
sub measure
{
	my ($self, $seconds) = @_;
	my $run = $self->{run};
	my $before = $self->now;
	my ($samples, $busy) = (0, 0);
	while (time - $before->{time} < $seconds)
	{
		$samples++;
		$busy++ if $run->ask("SELECT state = 'active' FROM pg_stat_activity WHERE pid = $run->{backend}") eq 't';
		sleep 0.02;
	}
	my $after = $self->now;
	my %delta = map { $_ => $after->{$_} - $before->{$_} } keys %$after;
	die "no event is archived; end of the server's log:\n", $self->server->end_of_log
	  unless $delta{sightings_new} && $delta{batches};
	return {
		begin => $before->{time},
		end => $after->{time},
		deliveries_per_second => $delta{sightings_new} / $delta{time},
		batches_per_second => $delta{batches} / $delta{time},
		cpu_us_per_delivery_backend => $delta{backend} / $delta{sightings_new} * 1e6,
		cpu_us_per_delivery_net => $delta{net} / $delta{sightings_new} * 1e6,
		# How long the worker is in a transaction for each batch: questions and plans included.
		batch_ms => $busy / $samples * $delta{time} / $delta{batches} * 1e3,
		updates_per_second => $delta{updates} / $delta{time},
		dead_rows => $run->ask("SELECT coalesce(sum(n_dead_tup), 0) $small_tables"),
		rss_net_mb => $run->rss_mb('net', 'VmHWM'),
		open_relays => $run->counters->{relays_open} };
}

sub now
{
	my ($self) = @_;
	my $run = $self->{run};
	return {
		%{ $run->counters },
		time => time,
		backend => $run->cpu_seconds('backend'),
		net => $run->cpu_seconds('net'),
		updates => $run->ask("SELECT coalesce(sum(n_tup_upd), 0) $small_tables") };
}

# The deliveries that are missing in the archive when the relays tell nothing new and the archive has had time to read them
# again. $patience: seconds.
sub missing
{
	my ($self, $patience) = @_;
	$self->{lifeline}->autoflush;
	print { $self->{lifeline} } "\n";
	readline($self->{output}) // die "the relays are gone\n";    # everything has reached its relays
	my $until = time + $patience;
	my $missing;
	do
	{
		sleep 5;
		$missing = $self->server->sql(qq{
			CREATE TEMP TABLE listed (relay integer, created_at bigint, id text, reached_ms bigint);
			COPY listed FROM '$self->{list}';
			SELECT count(*) FROM listed AS l
			WHERE NOT EXISTS (
				SELECT FROM bigbrotr.relays AS r
				     JOIN bigbrotr.sightings AS s ON s.relay_id = r.relay_id
				     JOIN bigbrotr.events AS e ON e.eid = s.eid
				WHERE r.url = 'ws://127.0.0.1:$self->{port}/' || l.relay AND e.event_id = decode(l.id, 'hex'))}) =~ /(\d+)\s*$/ ? $1 : die;
	} while ($missing && time < $until);
	return $missing;
}

# Milliseconds from a relay's sending to the sighting's commit, of what was sent between two times: median and 99 %.
sub latency_ms
{
	my ($self, $begin, $end) = @_;
	my ($from, $to) = map { int($_ * 1000) } $begin, $end;
	my $answer = $self->server->sql(qq{
		CREATE TEMP TABLE listed (relay integer, created_at bigint, id text, reached_ms bigint);
		COPY listed FROM '$self->{list}';
		SELECT percentile_cont(ARRAY[0.5, 0.99]) WITHIN GROUP (
			ORDER BY extract(epoch FROM pg_xact_commit_timestamp(s.xmin)) * 1000 - l.reached_ms)
		FROM listed AS l
		     JOIN bigbrotr.relays AS r ON r.url = 'ws://127.0.0.1:$self->{port}/' || l.relay
		     JOIN bigbrotr.events AS e ON e.event_id = decode(l.id, 'hex')
		     JOIN bigbrotr.sightings AS s ON s.eid = e.eid AND s.relay_id = r.relay_id
		WHERE l.reached_ms BETWEEN $from AND $to});
	return $answer =~ /([\d.]+)/g;
}

1;
