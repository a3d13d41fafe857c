# ./bench storage [--quick] [CASE…]: bytes in tables and indexes, and in the write-ahead log, against the
# original way.
use strict;
use warnings;
use BenchReport;
use BenchServer;
use TwoWays;

my @cases = qw(event_bytes sighting_bytes tag_index_bytes wal_event wal_sighting);
my ($quick, @wanted) = BenchReport::arguments(@cases);
my %wanted = map { $_ => 1 } @wanted;
my $runs = BenchReport::runs($quick ? 1 : 5);
my $events = $quick ? 60_000 : 100_000;
my $relays = 3;    # of each event
my $ways = TwoWays->start;
my $file = BenchServer::corpus($events);

# Sizes do not differ between runs of one corpus; the log does a little. A run begins with a checkpoint and sees
# no other: what follows one is logged in whole pages, and that would be the log of whose turn it is.
my %results;
$ways->reset_tables('original');
for (1 .. $runs)
{
	$ways->empty_tables;
	my @wal = map { [ wal_of('archive', $_), wal_of('pipeline', $_) ] } 1 .. $relays;
	push @{ $results{wal_event} }, $wal[0];
	push @{ $results{wal_sighting} }, $wal[1];
}
$ways->expect($events, $events * $relays);
$ways->server->sql('VACUUM', $_) for qw(postgres original);
$results{event_bytes} = [ [ total_size('bigbrotr.events', 'postgres') / $events, total_size('events', 'original') / $events ] ];
$results{sighting_bytes} =
  [ [ map { $_ / $events / $relays } total_size('bigbrotr.sightings', 'postgres'), total_size('event_relay', 'original') ] ];
if ($wanted{tag_index_bytes})
{
	$ways->reset_tables('tags');
	$ways->feed($_, $file) for qw(archive pipeline);
	$ways->server->sql('VACUUM', $_) for qw(postgres original);
	my $ours = $ways->server->sql(q{SELECT pg_relation_size('bigbrotr.events_tags_idx')});
	# Theirs needs a column besides.
	my $theirs = $ways->server->sql(q{SELECT pg_relation_size('idx_events_tagvalues') + (SELECT sum(pg_column_size(tagvalues)) FROM events)}, 'original');
	$results{tag_index_bytes} = [ [ $ours / $events, $theirs / $events ] ];
}
BenchReport::line('storage', $_, 'bytes', 1, $results{$_}, events => $events) for @wanted;

# Bytes of log for each delivery. Of the first relay: the event with its sighting; then a sighting.
sub wal_of
{
	my ($way, $number) = @_;
	my $server = $ways->server;
	my $begin = $server->sql('SELECT pg_current_wal_insert_lsn()');
	$ways->feed($way, $file, relay => "wss://relay$number.example.com", step => $way eq 'archive' ? 'new' : 'insert');
	return $server->sql("SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '$begin')") / $events;
}

# With all indexes and what is stored apart.
sub total_size
{
	my ($table, $database) = @_;
	return $ways->server->sql("SELECT pg_total_relation_size('$table')", $database);
}
