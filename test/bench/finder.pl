# ./bench finder [--quick] [CASE…]: how fast the finder reads events, alone and while a writer archives as fast as it can.
use strict;
use warnings;
use BenchReport qw(rounded);
use BenchServer;
use JSON::PP qw(decode_json);
use POSIX qw(sysconf _SC_CLK_TCK);
use Time::HiRes qw(time sleep);

my ($quick, @wanted) = BenchReport::arguments(qw(reads backfill));
my $events = $quick ? 40_000 : 200_000;
my $runs = BenchReport::runs($quick ? 1 : 3);
my %cases = (reads => \&reads, backfill => \&backfill);
my $server;

for my $name (@wanted)
{
	my (@results, %more);
	for (1 .. $runs)
	{
		$server = BenchServer->start('bigbrotr.services' => 'initializer, finder', 'shared_buffers' => '512MB', 'max_wal_size' => '4GB', 'jit' => 'off', 'synchronous_commit' => 'off');
		$server->sql(q{SELECT bigbrotr.stop_service('finder')}) if $name eq 'reads';
		my ($result, $yardstick, %fields) = $cases{$name}->();
		push @results, [ $result, $yardstick ];
		%more = %fields;
		$server->stop;
	}
	BenchReport::line('finder', $name, 'events/s', 0, \@results, events => $events, %more);
}

# The queue is full when the finder begins. One of five events is a list of five relays, one names a relay in a hint and one in its text; 5,000
# authors, 20,000 relays, of which few are named often (the first one by every twelfth mention; how real archives differ was not measured). The yardstick is the search for names alone, without counting.
sub reads
{
	$server->sql(q{CREATE FUNCTION named(n integer) RETURNS integer LANGUAGE sql IMMUTABLE
		RETURN floor(20000 * power((hashint4(n)::bigint + 2147483648) / 4294967296.0, 4))::integer});
	$server->sql(qq{
		INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content)
		SELECT n, n, CASE n % 5 WHEN 0 THEN 10002 ELSE 1 END, sha256(n::text::bytea), sha256((n % 5000)::text::bytea), sha256('a') || sha256('b'),
		       (CASE n % 5 WHEN 0 THEN (SELECT jsonb_agg(jsonb_build_array('r', format('wss://r%s.com', named(n * 8 + k)))) FROM generate_series(1, 5) AS k)
		        WHEN 1 THEN jsonb_build_array(jsonb_build_array('e', repeat('ab', 32), format('wss://r%s.com', named(n * 8))), '["t","x"]'::jsonb) ELSE '[["t","x"]]' END)::bigbrotr.tags,
		       repeat('a text of the usual length ', 8) || CASE n % 5 WHEN 2 THEN format('wss://r%s.com', named(n * 8)) ELSE '' END
		FROM generate_series(1, $events) AS n});
	$server->sql('VACUUM ANALYZE bigbrotr.events');
	my $search = 'SELECT count(*) FROM bigbrotr.events AS e, bigbrotr.relay_mentions(e.kind, e.tags, e.content) AS m WHERE m.reason IS NULL';
	my ($mentions, $alone) = timed(sub { $server->sql($search) });
	my (undef, $seconds) = timed(sub { $server->sql(q{SELECT bigbrotr.start_service('finder')}); wait_until_read(); });
	my $cpu = cpu_seconds($server->sql(q{SELECT pid FROM bigbrotr.services WHERE service = 'finder'}));
	my $counted = $server->sql('SELECT sum(mention_count) FROM bigbrotr.candidates');
	my $names = $server->sql('SELECT count(*) FROM bigbrotr.candidates');
	die "$counted mentions were counted, not $mentions\n" if $counted != $mentions;
	return ($events / $seconds, $events / $alone, names => $names + 0, per_cpu_second => rounded($events / $cpu, 0), names_per_second => rounded($mentions / $seconds, 0));
}

# The yardstick is the writer's rate: with a ratio of 1 the finder has read all when the last event is written.
sub backfill
{
	my $file = BenchServer::corpus($events);
	my $begin = time;
	my $told = decode_json(BenchServer::run_quietly(BenchServer::side_tool('bigbrotr-feed'), "host=$server->{socket} dbname=postgres user=postgres",
		qw(archive insert wss://relay.example.com 500), $file));
	my $written = time;
	wait_until_read();
	my $late = time - $written;
	my $mentions = $server->sql('SELECT coalesce(sum(mention_count), 0) FROM bigbrotr.candidates');
	die "the finder has counted nothing\n" if !$mentions;
	my $seconds = $told->{seconds} + $late;
	return ($told->{events} / $seconds, $told->{events} / $told->{seconds}, late_s => rounded($late, 2), names_per_second => rounded($mentions / $seconds, 0));
}

sub wait_until_read
{
	sleep 0.05 while $server->sql('SELECT EXISTS (SELECT FROM _bigbrotr.finder_queue)') eq 't';
	return;
}

# User and system time of a process so far.
sub cpu_seconds
{
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/stat" or die "process $pid is gone\n";
	my @fields = split ' ', (<$file> =~ s/^.*\) //sr);
	return ($fields[11] + $fields[12]) / sysconf(_SC_CLK_TCK);
}

sub timed
{
	my ($work) = @_;
	my $begin = time;
	my $result = $work->();
	return ($result, time - $begin);
}
