# ./bench growth [--quick] [CASE…]: whether a new event costs more in a big archive than in a small one, while the
# indexes are bigger than shared_buffers. The result is that of the biggest archive, the baseline that of the smallest.
#   BENCH_SIZES     sizes of the archives in events, ascending (200000,2000000)
#   BENCH_ARRIVALS  new events in each order (50000)
use strict;
use warnings;
use BenchReport qw(rounded);
use BenchServer;
use JSON::PP qw(decode_json);
use TwoWays;

my @orders = qw(live backfill scattered);
my ($quick, @wanted) = BenchReport::arguments(map { ($_, "wal_$_") } @orders);
my @sizes = map { $_ + 0 } split /,/, $ENV{BENCH_SIZES} // ($quick ? '50000,200000' : '200000,2000000');
my $arrivals = $ENV{BENCH_ARRIVALS} // ($quick ? 10_000 : 50_000);
my $between_checkpoints = 25_000;    # events; in --quick there is one checkpoint, at the start
my $days = 2_000;                    # of the archive
my %wanted = map { s/^wal_//r => 1 } @wanted;

# Of each order, for each run: what the smallest and the biggest archive needed.
my %results;
for (1 .. BenchReport::runs(1))
{
	my @by_size = map { measure($_) } @sizes;
	push @{ $results{$_} }, [ $by_size[-1]{$_}, $by_size[0]{$_} ] for keys %wanted;
}
for my $case (@wanted)
{
	my ($wal, $order) = $case =~ /^(wal_)?(\w+)$/;
	my $field = $wal ? 'wal_bytes' : 'rate';
	my ($last, $first) = @{ $results{$order}[-1] };
	BenchReport::line('growth', $case, $wal ? 'bytes' : 'events/s', 0,
		[ map { [ $_->[0]{$field}, $_->[1]{$field} ] } @{ $results{$order} } ],
		sizes => \@sizes, arrivals => $arrivals,
		map { ($_ => rounded($last->{$_}, 2), "small_$_" => rounded($first->{$_}, 2)) } qw(whole_pages pages_read bytes));
}

# An archive of this size, and for each wanted order what each of the new events needs.
sub measure
{
	my ($size) = @_;
	my $server = BenchServer->start(
		'bigbrotr.databases' => '',
		shared_buffers       => '64MB',
		max_wal_size         => '20GB',    # all checkpoints are ours
		checkpoint_timeout   => '1d',
		autovacuum           => 'off',
		jit                  => 'off',
		wal_level            => 'minimal',
		max_wal_senders      => 0,
		synchronous_commit   => 'off');
	fill($server, $size);
	my $bytes = $server->sql(q{SELECT pg_total_relation_size('bigbrotr.events')}) / $size;
	my %measured = map { $_ => { %{ arrive($server, $size, $_) }, bytes => $bytes } } grep { $wanted{$_} } @orders;
	$server->stop;
	return \%measured;
}

# As a restore does it: without triggers, and the secondary indexes at the end.
sub fill
{
	my ($server, $size) = @_;
	my $file = "$ENV{BENCH_WORK}/events.copy";
	BenchServer::run_quietly('sh', '-c', 'exec "$0" "$1" "$2" "$3" >"$4"', BenchServer::tool('bigbrotr-fill'), $size, $size / 20, $days, $file);
	my @indexes = TwoWays::drop_secondary_indexes($server, 'bigbrotr.events', 'postgres');
	$server->sql(qq{
		SET session_replication_role = replica;
		COPY bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at) FROM '$file' (FORMAT binary)});
	unlink $file;
	$server->sql("SET maintenance_work_mem = '512MB'; $_") for @indexes;
	$server->sql('VACUUM ANALYZE bigbrotr.events');
	return;
}

# Feeds new events in this order; the archive keeps them.
sub arrive
{
	my ($server, $size, $order) = @_;
	my $file = "$ENV{BENCH_WORK}/arrivals.jsonl";
	BenchServer::run_quietly('sh', '-c', 'exec "$0" "$1" "$2" "$3" "$4" "$5" >"$6"', BenchServer::tool('bigbrotr-arrivals'),
		$order, $arrivals, $size, $size / 20, $days, $file);
	my @pieces = pieces($file);
	my @before = counters($server);
	my ($seconds, $bytes) = (0, 0);
	for my $piece (@pieces)
	{
		$server->sql('CHECKPOINT');
		my $begin = $server->sql('SELECT pg_current_wal_insert_lsn()');
		my $told = decode_json(BenchServer::run_quietly(BenchServer::side_tool('bigbrotr-feed'),
			"host=$server->{socket} dbname=postgres user=postgres", qw(archive insert wss://relay.example.com 500), $piece));
		$seconds += $told->{seconds};
		$bytes += $server->sql("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '$begin')");
	}
	my @after = counters($server);
	unlink $file, @pieces;
	die "not all of the events were new\n" if $after[2] - $before[2] != $arrivals;
	return {
		rate        => $arrivals / $seconds,
		wal_bytes   => $bytes / $arrivals,
		whole_pages => ($after[0] - $before[0]) / $arrivals,
		pages_read  => ($after[1] - $before[1]) / $arrivals
	};
}

# What is fed between two checkpoints.
sub pieces
{
	my ($file) = @_;
	BenchServer::run_quietly('split', '-l', $between_checkpoints, $file, "$file.");
	return sort glob "$file.*";
}

# Pages logged whole, index pages of events that were not in shared_buffers, and rows. The sessions that counted have ended,
# and what a session counted is there when it has ended.
sub counters
{
	my ($server) = @_;
	return split /\|/, $server->sql(q{
		SELECT (SELECT wal_fpi FROM pg_stat_wal),
		       (SELECT sum(idx_blks_read) FROM pg_statio_user_indexes WHERE schemaname = 'bigbrotr' AND relname ~ '^events($|_)'),
		       (SELECT count(*) FROM bigbrotr.events)});
}
