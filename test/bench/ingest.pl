# ./bench ingest [--quick] [CASE…]: how fast verified events go in, with their relay and sighting, against
# the original way. Every run begins with empty tables; the two sides take turns.
use strict;
use warnings;
use BenchReport;
use BenchServer;
use TwoWays;

my ($quick, @wanted) = BenchReport::arguments(qw(new new_sync_on new_tag_index new_vs_copy new_vs_pipeline new_verified));
my $runs = BenchReport::runs($quick ? 2 : 5);
my $events = $quick ? 15_000 : 30_000;
my $ways = TwoWays->start;
my $file = BenchServer::corpus($events);

# For each case the indexes and the two sides: subs that return events per second.
my %cases = (
	new             => ['original', sub { archive() }, sub { original('asyncpg') }],
	new_sync_on     => ['original', sub { archive(sync => 1, batch => 1000) }, sub { original('asyncpg', sync => 1) }],
	new_tag_index   => ['tags',     sub { archive() }, sub { original('asyncpg') }],
	new_vs_copy     => ['original', sub { archive(step => 'encoded', batch => 1000) }, \&copy],
	new_vs_pipeline => ['original', sub { archive() }, sub { original('pipeline') }],
	new_verified    => ['original',     sub { archive(step => 'verify') }, sub { BenchServer::verify_rate($quick) }]);

for my $name (@wanted)
{
	my ($indexes, $ours, $theirs) = @{ $cases{$name} };
	$ways->reset_tables($indexes);
	prepare_copy() if $name eq 'new_vs_copy';
	my @results;
	for (1 .. $runs)
	{
		$ways->empty_tables;
		my $rate = $ours->();
		$ways->expect($events, $events);
		push @results, [ $rate, $theirs->() ];
	}
	BenchReport::line('ingest', $name, 'events/s', 0, \@results, events => $events);
}

sub archive
{
	my (%options) = @_;
	return $ways->feed('archive', $file, %options);
}

sub original
{
	my ($way, %options) = @_;
	return $ways->feed($way, $file, %options);
}

# Files of the archive's rows, and empty tables like the archive's.
sub prepare_copy
{
	archive();
	for my $table (qw(events sightings))
	{
		$ways->server->sql(qq{
			CREATE TABLE public.$table (LIKE bigbrotr.$table INCLUDING ALL);
			COPY bigbrotr.$table TO '$ENV{BENCH_WORK}/$table.copy' (FORMAT binary)});
	}
	return;
}

sub copy
{
	my @tables = qw(events sightings);
	$ways->server->sql('TRUNCATE public.events, public.sightings; CHECKPOINT');
	my @times = $ways->server->timed('postgres', 'BEGIN',
		(map { "COPY public.$_ FROM '$ENV{BENCH_WORK}/$_.copy' (FORMAT binary)" } @tables), 'COMMIT');
	my $milliseconds = 0;
	$milliseconds += $_ for @times;
	return $events / $milliseconds * 1000;
}
