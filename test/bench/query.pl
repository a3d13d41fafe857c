# ./bench query [--quick] [CASE…]: how long questions take, through bigbrotr.query_events, against the original's tables,
# all in memory. Milliseconds: less is better. One plan of each kind goes to standard error.
use strict;
use warnings;
use BenchReport qw(median percentile rounded);
use BenchServer;
use JSON::PP;
use TwoWays;

my ($quick, @wanted) = BenchReport::arguments(qw(by_id author kind tag_e tag_p_kind delete_orphans));
my ($events, $authors) = $quick ? (200_000, 10_000) : (2_000_000, 100_000);
my $questions = $quick ? 60 : 200;     # of each kind, all different
my $scans = $quick ? 3 : 5;            # of those for which the original way reads everything
my $patience = $quick ? '5s' : '60s';  # with the original's deletion
my $ways = TwoWays->start;
my $server = $ways->server;
my $json = JSON::PP->new->canonical;

# For each case: the filter, the condition of the original way, both of parameters, and where these come from.
my $newest = 'ORDER BY created_at DESC LIMIT 100';
my %questions = (
	by_id => {
		from     => q{SELECT encode(event_id, 'hex') FROM sample},
		filter   => sub { return { ids => [ $_[0] ] } },
		original => sub { return "event_id = '\\x$_[0]'" }
	},
	author => {
		from     => q{SELECT DISTINCT encode(pubkey, 'hex') FROM sample},
		filter   => sub { return { authors => [ $_[0] ], limit => 100 } },
		original => sub { return "pubkey = '\\x$_[0]' $newest" }
	},
	kind => {
		from     => q{SELECT kind FROM sample},
		filter   => sub { return { kinds => [ $_[0] + 0 ], limit => 100 } },
		original => sub { return "kind = $_[0] $newest" }
	},
	tag_e => {
		from     => q{SELECT tags -> 0 ->> 1 FROM sample WHERE tags -> 0 ->> 0 = 'e'},
		filter   => sub { return { '#e' => [ $_[0] ], limit => 100 } },
		original => sub { return qq{tags \@> '[["e", "$_[0]"]]' $newest} },
		scans    => 1
	},
	tag_p_kind => {
		from     => q{SELECT tags -> 1 ->> 1, kind FROM sample WHERE kind IN (1, 7) AND tags -> 1 ->> 0 = 'p'},
		filter   => sub { return { '#p' => [ $_[0] ], kinds => [ $_[1] + 0 ], limit => 100 } },
		original => sub { return qq{tags \@> '[["p", "$_[0]"]]' AND kind = $_[1] $newest} },
		scans    => 1
	});

load();
for my $name (@wanted)
{
	$name eq 'delete_orphans' ? delete_orphans() : ask($name);
}

# Both sides get the same events. Secondary indexes are made at the end: faster, and none of it is measured.
sub load
{
	my $file = "$ENV{BENCH_WORK}/events.copy";
	BenchServer::run_quietly('sh', '-c', 'exec "$0" "$1" "$2" >"$3"', BenchServer::side_tool('bigbrotr-fill'), $events, $authors, $file);
	my %tables = (postgres => 'bigbrotr.events', original => 'events');
	$ways->reset_tables('own');
	for my $database (sort keys %tables)
	{
		my $table = $tables{$database};
		my @indexes = TwoWays::drop_secondary_indexes($server, $table, $database);
		# As a restore does it: without triggers.
		$server->sql(qq{
			SET session_replication_role = replica;
			COPY $table (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at) FROM '$file' (FORMAT binary)},
			$database);
		$server->sql("SET maintenance_work_mem = '512MB'; $_", $database) for @indexes;
		$server->sql("VACUUM ANALYZE $table", $database);
	}
	unlink $file;
	$server->sql('CHECKPOINT');    # else those who ask would write what the loading left
	$server->sql(qq{CREATE TABLE sample AS SELECT * FROM bigbrotr.events TABLESAMPLE bernoulli (@{[ 20 * 100 * $questions / $events ]}) ORDER BY random()});
	return;
}

# The two sides take turns: a tenth of the questions each.
sub ask
{
	my ($name) = @_;
	my $question = $questions{$name};
	my @parameters = map { [ split /\|/ ] } split /\n/, $server->sql("SELECT * FROM ($question->{from}) AS s LIMIT $questions");
	my @ours = map { q{SELECT * FROM bigbrotr.query_events('} . $json->encode($question->{filter}->(@$_)) . q{')} } @parameters;
	my @theirs = map { 'SELECT * FROM events WHERE ' . $question->{original}->(@$_) } @parameters;
	@theirs = @theirs[ 0 .. $scans - 1 ] if $question->{scans};
	my (@times, @their_times);
	$server->timed('postgres', @ours);    # warm
	$server->timed('original', @theirs) unless $question->{scans};
	while (@ours)
	{
		push @times, warm_times('postgres', splice @ours, 0, @parameters / 10);
		push @their_times, warm_times('original', splice @theirs, 0, $question->{scans} ? 1 : @parameters / 10) if @theirs;
	}
	print STDERR "-- $name\n", plan($question->{filter}->(@{ $parameters[0] })), "\n";
	my $run = [ median(@times), median(@their_times) ];
	BenchReport::line('query', $name, 'ms', 3, [$run], events => $events, runs => scalar @times,
		p95 => rounded(percentile(95, @times), 3), baseline_p95 => rounded(percentile(95, @their_times), 3));
	return;
}

# Each call has a session of its own: what its first question costs on top, to load libraries and catalogs,
# is not the question's.
sub warm_times
{
	my ($database, @statements) = @_;
	my (undef, @times) = $server->timed($database, $statements[0], @statements);
	return @times;
}

sub plan
{
	my ($filter) = @_;
	my $statement = $server->sql(q{SELECT bigbrotr.query_events_sql('} . $json->encode($filter) . q{')});
	return $server->sql("EXPLAIN (COSTS off) $statement");
}

# Half of the events; about one in a hundred has no sighting. Undone after each run, since deleting is
# what is measured. The original way is given up after a while: then that time stands for it.
sub delete_orphans
{
	my $middle = $server->sql('SELECT percentile_disc(0.5) WITHIN GROUP (ORDER BY created_at) FROM bigbrotr.events');
	my $seen = 'FROM %s WHERE get_byte(event_id, 0) > 2';
	$server->sql(qq{
		SET session_replication_role = replica;
		DELETE FROM bigbrotr.events WHERE created_at > $middle;
		INSERT INTO bigbrotr.sightings SELECT eid, 1, 0 @{[ sprintf $seen, 'bigbrotr.events' ]}});
	$server->sql(qq{
		SET session_replication_role = replica;
		DELETE FROM events WHERE created_at > $middle;
		INSERT INTO relays VALUES ('wss://relay.example.com', 'clearnet', 0);
		INSERT INTO event_relay SELECT event_id, 'wss://relay.example.com', 0 @{[ sprintf $seen, 'events' ]}}, 'original');
	$server->sql('VACUUM ANALYZE', $_) for qw(postgres original);
	my ($left, $orphans) = split /\|/,
	  $server->sql('SELECT count(*), count(*) FILTER (WHERE get_byte(event_id, 0) <= 2) FROM bigbrotr.events');
	my @times = map { ($server->timed('postgres', 'BEGIN', 'SELECT bigbrotr.delete_orphan_events()', 'ROLLBACK'))[1] } 1 .. ($quick ? 3 : 5);
	my (undef, $theirs) = $server->timed('original', "SET statement_timeout = '$patience'",
		'DO $$ BEGIN PERFORM delete_orphan_events(); EXCEPTION WHEN query_canceled THEN END $$');
	my $given_up = $theirs >= 1000 * ($patience =~ s/s$//r);
	BenchReport::line('query', 'delete_orphans', 'ms', 1, [ map { [ $_, $theirs ] } @times ],
		events => $left + 0, orphans => $orphans + 0, baseline_given_up => $given_up ? JSON::PP::true : JSON::PP::false);
	return;
}
