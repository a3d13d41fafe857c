# ./bench skew [--quick] [CASE…]: how long questions take whose authors, kinds and tags are as unequal as in the wild.
# BENCH_EVENTS says how many events the archive has. Milliseconds: less is better. One plan of each form goes to standard
# error, with its own figures.
use strict;
use warnings;
use BenchReport qw(median percentile rounded);
use BenchServer;
use JSON::PP;
use SkewedArchive qw(uniform zipf author follows moment $first $last);
use Time::HiRes qw(time);

my ($quick, @wanted) = BenchReport::arguments(qw(home_feed author_kind common_tag old_tag tag_and_kind count deep_page));
my $events = $ENV{BENCH_EVENTS} // ($quick ? 50_000 : 200_000);
my $authors = $events / 20;
my $questions = $quick ? 20 : 100;    # of each form, different ones
my $plain = $quick ? 3 : 10;          # of these are asked in the plain way, too
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
		follows_1000 => sub { return { authors => [ follows(1000, $authors) ], kinds => [ 1, 6 ], limit => 100 } },
		follows_500  => sub { return { authors => [ follows(500, $authors) ], kinds => [ 1, 6 ], limit => 100 } },
		strangers    => sub { return { authors => [ map { author(uniform($authors / 2, $authors)) } 1 .. 1000 ], kinds => [ 1, 6 ], limit => 100 } },
		all_kinds    => sub { return { authors => [ follows(500, $authors) ], limit => 100 } }
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
		follows => sub { return { authors => [ follows(500, $authors) ], kinds => [ 1, 6 ], until => moment(), limit => 100 } }
	});

SkewedArchive::fill($server, $events);
ask($_) for @wanted;

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
