# ./bench import [--quick] [CASE…]: events from a file into the archive and out of it again.
use strict;
use warnings;
use BenchReport;
use BenchServer;
use TwoWays;

my ($quick, @wanted) = BenchReport::arguments(qw(verified unverified export));
my $runs = BenchReport::runs($quick ? 2 : 5);
my $events = $quick ? 10_000 : 50_000;
my $ways = TwoWays->start;
my $file = BenchServer::corpus($events);

my %cases = (
	# Against what one core can check.
	verified => sub { return [ $ways->import_file($file, $events), BenchServer::verify_rate($quick) ] },
	# Against the original way, which parses and does not check either.
	unverified => sub { return [ $ways->import_file($file, $events, verify => 'off'), $ways->feed('asyncpg', $file, step => 'parse') ] },
	# Against JSON made by the server from the original's tables.
	export => sub {
		$ways->feed($_, $file) for qw(archive pipeline);
		return [ rate('postgres', "COPY (SELECT bigbrotr.export_events()) TO '$ENV{BENCH_WORK}/export.jsonl'"),
			rate('original', qq{COPY (SELECT json_build_object('id', encode(event_id, 'hex'), 'pubkey', encode(pubkey, 'hex'),
				'created_at', created_at, 'kind', kind, 'tags', tags, 'content', content, 'sig', encode(sig, 'hex'))
				FROM events ORDER BY created_at, event_id) TO '$ENV{BENCH_WORK}/export.jsonl'} =~ s/\s+/ /gr) ];
	});

for my $name (@wanted)
{
	$ways->reset_tables('own');
	my @results;
	for (1 .. $runs)
	{
		$ways->empty_tables;
		push @results, $cases{$name}->();
		$ways->expect($events, $name eq 'export' ? $events : 0);
	}
	BenchReport::line('import', $name, 'events/s', 0, \@results, events => $events);
}

sub rate
{
	my ($database, $statement) = @_;
	my ($milliseconds) = $ways->server->timed($database, $statement);
	return $events / $milliseconds * 1000;
}
