# ./bench skew [--quick] [CASE…]: how long questions take whose authors, kinds and tags are as unequal as in the wild.
# BENCH_EVENTS says how many events the archive has. Milliseconds: less is better. One plan of each form goes to standard
# error, with its own figures.
use strict;
use warnings;
use BenchReport qw(median percentile rounded);
use BenchServer;
use JSON::PP;
use Time::HiRes qw(time);

my ($quick, @wanted) = BenchReport::arguments(qw(home_feed author_kind common_tag old_tag tag_and_kind count deep_page));
my $events = $ENV{BENCH_EVENTS} // ($quick ? 50_000 : 200_000);
my $authors = $events / 20;
my $questions = $quick ? 20 : 100;    # of each form, different ones
my $plain = $quick ? 3 : 10;          # of these are asked in the plain way, too
my ($first, $last) = (1_675_000_000, 1_770_000_000);    # created_at
my $json = JSON::PP->new->canonical;
my $server = BenchServer->start(
	'bigbrotr.databases'   => '',
	'shared_buffers'       => '1GB',
	'max_wal_size'         => '8GB',
	'autovacuum'           => 'off',
	'jit'                  => 'off',
	'synchronous_commit'   => 'off',
	'maintenance_work_mem' => '512MB');
srand 1;

# For each case its forms: what makes a filter. In "count" the filter is counted.
my %forms = (
	home_feed => {
		follows_1000 => sub { return { authors => [ follows(1000) ], kinds => [ 1, 6 ], limit => 100 } },
		follows_500  => sub { return { authors => [ follows(500) ], kinds => [ 1, 6 ], limit => 100 } },
		strangers    => sub { return { authors => [ map { author(uniform($authors / 2, $authors)) } 1 .. 1000 ], kinds => [ 1, 6 ], limit => 100 } },
		all_kinds    => sub { return { authors => [ follows(500) ], limit => 100 } }
	},
	author_kind => {
		loud_rare => sub { return { authors => [ author(10) ], kinds => [ 30023 ], until => moment(), limit => 100 } },
		loud      => sub { return { authors => [ author(10) ], until => moment(), limit => 100 } },
		rare      => sub { return { authors => [ author(zipf(10, $authors)) ], kinds => [ 30023, 1984 ], limit => 100 } },
		any       => sub { return { authors => [ author(zipf(10, $authors)) ], limit => 100 } }
	},
	common_tag => {
		top     => sub { return { '#t' => ['common'], until => moment(0.5), limit => 100 } },
		zipf    => sub { return { '#t' => [ 'tag' . zipf(1, 20_000) ], limit => 100 } },
		several => sub { return { '#t' => [ map { 'tag' . zipf(1, 20_000) } 1 .. 10 ], limit => 100 } },
		author  => sub { return { '#p' => [ author(zipf(10, $authors)) ], limit => 100 } }
	},
	old_tag => {
		most => sub { return { '#t' => ['once0'], since => uniform(0, $first), limit => 100 } },
		less => sub { return { '#t' => [ 'once' . uniform(1, 10) ], limit => 100 } }
	},
	tag_and_kind => {
		rare_kind => sub { return { '#t' => ['common'], kinds => [ 30023 ], until => moment(0.5), limit => 100 } },
		author    => sub { return { '#p' => [ author(zipf(10, $authors)) ], kinds => [ 1, 7 ], limit => 100 } },
		two_tags  => sub { return { '#t' => ['common'], '#p' => [ author(zipf(10, $authors)) ], limit => 100 } },
		loud      => sub { return { authors => [ author(10) ], '#t' => ['common'], until => moment(), limit => 100 } },
		old       => sub { return { '#t' => ['once0'], kinds => [ 1, 30023 ], since => uniform(0, $first), limit => 100 } }
	},
	count => {
		kind   => sub { return { kinds => [ (1, 7, 6, 9735, 30023)[ uniform(0, 5) ] ], since => uniform(0, $first) } },
		tag    => sub { return { '#t' => [ uniform(0, 2) ? 'common' : 'once0' ], since => uniform(0, $first) } },
		author => sub { return { authors => [ author(zipf(10, $authors)) ] } },
		day    => sub { my $day = moment(); return { since => $day, until => $day + 86399 } }
	},
	deep_page => {
		kind   => sub { return { kinds => [ (1, 7, 6, 9735)[ uniform(0, 4) ] ], until => moment(), limit => 100 } },
		kinds  => sub { return { kinds => [ 1, 6, 30023, 1984 ], until => moment(), limit => 100 } },
		tag    => sub { return { '#t' => ['common'], until => moment(), limit => 100 } },
		range  => sub { my $day = moment(); return { kinds => [ 1 ], since => $day, until => $day + 86399, limit => 100 } },
		follows => sub { return { authors => [ follows(500) ], kinds => [ 1, 6 ], until => moment(), limit => 100 } }
	});

load();
ask($_) for @wanted;

sub uniform { my ($low, $high) = @_; return int($low + rand($high - $low)) }

# From $low to $high, each number less often than those before it.
sub zipf { my ($low, $high) = @_; return int($low * ($high / $low)**rand()) }

sub author { return unpack 'H*', pack 'N8', $_[0] + 1, (7) x 7 }

sub follows
{
	my ($count) = @_;
	my %chosen;
	$chosen{ zipf(10, $authors) } = 1 while keys %chosen < $count;
	return map { author($_) } sort { $a <=> $b } keys %chosen;
}

# A time in the last share of all times.
sub moment { my ($share) = @_; return uniform($last - ($share // 0.9) * ($last - $first), $last) }

# The loudest author has a hundredth of the events, "common" a twentieth; "once0" a hundredth, and "once1" to "once9" a
# thousandth each, all in the first tenth of the time. In no order of time, as a backfill of many relays writes them.
sub load
{
	my @indexes = split /\n/, $server->sql(q{SELECT pg_get_indexdef(i.indexrelid) FROM pg_index AS i WHERE i.indrelid = 'bigbrotr.events'::regclass
		AND NOT EXISTS (SELECT FROM pg_constraint AS c WHERE c.conindid = i.indexrelid)});
	$server->sql('DROP INDEX ' . join ', ', map { /INDEX (\S+) ON/ ? "bigbrotr.$1" : () } @indexes);
	$server->sql(qq{
		SET session_replication_role = replica;
		SELECT setseed(0.5);
		CREATE FUNCTION zipf(low float8, high float8, r float8) RETURNS bigint LANGUAGE sql IMMUTABLE RETURN floor(low * power(high / low, r));
		CREATE FUNCTION author(n bigint) RETURNS bytea LANGUAGE sql IMMUTABLE
			RETURN decode(lpad(to_hex(n + 1), 8, '0') || repeat('00000007', 7), 'hex');
		INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
		SELECT sha256(g.n::text::bytea), author(zipf(10, $authors, g.a)), g.created_at, g.kind,
		       concat('[', concat_ws(',',
		              CASE WHEN g.kind IN (1, 6, 7, 9735) AND g.r[1] < 0.8 THEN format('["e","%s"]', encode(sha256(zipf(1, $events, 1 - g.r[2])::text::bytea), 'hex')) END,
		              CASE WHEN g.kind IN (1, 6, 7, 9735) AND g.r[1] < 0.9 THEN format('["p","%s"]', encode(author(zipf(10, $authors, g.r[3])), 'hex')) END,
		              CASE WHEN g.kind IN (1, 30023) AND g.r[4] < 0.4 THEN format('["t","tag%s"]', zipf(1, 20000, g.r[5])) END,
		              CASE WHEN g.r[6] < 0.05 THEN '["t","common"]' END,
		              CASE WHEN g.created_at >= $first + ($last - $first) / 10 THEN NULL
		                   WHEN g.r[7] < 0.1 THEN '["t","once0"]'
		                   WHEN g.r[7] < 0.19 THEN format('["t","once%s"]', ceil((g.r[7] - 0.1) * 100)) END,
		              CASE WHEN g.kind = 30023 THEN format('["d","%s"]', g.n) END), ']')::bigbrotr.tags,
		       repeat(md5(g.n::text) || ' ', 1 + zipf(1, 30, g.r[8])::integer), sha512(g.n::text::bytea), $last
		FROM (SELECT n, random() AS a, $first + floor(random() * ($last - $first))::bigint AS created_at,
		             CASE WHEN random() < 0.004 THEN ('{3,10002,30023,1984}'::integer[])[ceil(random() * 4)]
		                  ELSE ('{7,7,7,7,7,7,7,7,1,1,1,1,1,1,1,6,9735,1059,1059,0}'::integer[])[ceil(random() * 20)] END AS kind,
		             ARRAY[random(), random(), random(), random(), random(), random(), random(), random()] AS r
		      FROM generate_series(1, $events) AS n OFFSET 0) AS g});
	$server->sql($_) for @indexes;
	$server->sql('VACUUM ANALYZE bigbrotr.events');
	$server->sql('CHECKPOINT');    # else those who ask would write what the loading left
	my ($rows, $bytes, $indexes) = split /\|/, $server->sql(q{SELECT count(*), pg_table_size('bigbrotr.events') / count(*), pg_indexes_size('bigbrotr.events') / count(*) FROM bigbrotr.events});
	print STDERR "-- $rows events, $bytes bytes each and $indexes in indexes\n";
	return;
}

# The yardstick is the plain statement for the same question, as the planner plans it: of the first questions of each form.
sub ask
{
	my ($case) = @_;
	my (@times, @cpu, @plain_times);
	for my $form (sort keys %{ $forms{$case} })
	{
		my @filters = map { $forms{$case}{$form}->() } 1 .. $questions;
		my @ours = timed(map { ours($case, $_) } @filters);
		my @theirs = timed(map { plain($case, $_) } @filters[ 0 .. $plain - 1 ]);
		push @times, map { $_->[0] } @ours;
		push @cpu, map { $_->[1] } @ours;
		push @plain_times, map { $_->[0] } @theirs;
		print STDERR "-- $case $form: ", summary(map { $_->[0] } @ours), ' ms, processor ', summary(map { $_->[1] } @ours),
		  '; plain ', summary(map { $_->[0] } @theirs), ', processor ', summary(map { $_->[1] } @theirs), "\n";
		print STDERR explain($filters[0]), "\n" if $ENV{BENCH_PLANS} && $case ne 'count';
	}
	BenchReport::line('skew', $case, 'ms', 2, [ [ median(@times), median(@plain_times) ] ], events => $events + 0, runs => scalar @times,
		(map { ("p$_" => rounded(percentile($_, @times), 2), "baseline_p$_" => rounded(percentile($_, @plain_times), 2)) } 95, 99),
		map { ("cpu_p$_" => rounded(percentile($_, @cpu), 2)) } 50, 95, 99);
	return;
}

sub summary { my @times = @_; return join ' ', map { rounded(percentile($_, @times), 2) } 50, 95, 99 }

sub ours
{
	my ($case, $filter) = @_;
	return "SELECT item FROM _bigbrotr.api_count_req('" . $json->encode($filter) . "')" if $case eq 'count';
	return "SELECT count(q.content) FROM bigbrotr.query_events('" . $json->encode($filter) . "') AS q";
}

sub plain
{
	my ($case, $filter) = @_;
	my %condition = %$filter;
	my $limit = delete $condition{limit};
	my $from = q{FROM %s AS e WHERE bigbrotr.event_matches(e, '} . $json->encode(\%condition) . q{')};
	return 'SELECT count(*) ' . sprintf $from, '_bigbrotr.public_events' if $case eq 'count';
	return 'SELECT count(q.content) FROM (SELECT * ' . sprintf($from, 'bigbrotr.events_as_published') . " ORDER BY e.created_at DESC, e.event_id LIMIT $limit) AS q";
}

# Milliseconds by the clock and of the processor, which other work on the machine does not change, for each statement.
# What a session's first question costs on top, to load libraries and catalogs, is not the question's.
sub timed
{
	my (@statements) = @_;
	my $session = $server->session;
	my $pid = $session->('SELECT pg_backend_pid()');
	$session->('SET max_parallel_workers_per_gather = 0; ' . $statements[0]);
	my @times;
	for my $statement (@statements)
	{
		my ($cpu, $clock) = (processor($pid), time);
		$session->($statement);
		push @times, [ 1000 * (time - $clock), (processor($pid) - $cpu) / 1e6 ];
	}
	return @times;
}

# Nanoseconds.
sub processor
{
	my ($pid) = @_;
	open my $file, '<', "/proc/$pid/schedstat" or die "/proc/$pid/schedstat: $!\n";
	return (split / /, <$file>)[0];
}

sub explain
{
	my ($filter) = @_;
	my $statement = $server->sql(q{SELECT bigbrotr.query_events_sql('} . $json->encode($filter) . q{')});
	return $server->sql("EXPLAIN (COSTS off) $statement") =~ s/(\\x[0-9a-f]{20})[0-9a-fx,\\]+/$1…/gr;
}
