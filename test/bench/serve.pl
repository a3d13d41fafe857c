# ./bench serve [--quick] [CASE…]: the archive as a relay, asked over one WebSocket, against psql that asks the same
# server for the same rows through its Unix socket.
#   req_pages   100,000 events by REQ, 5,000 at a time: events a second
#   by_id       one REQ for each of many ids: median in ms
#   negentropy  a set of 100,000 records against the archive's, 10,000 of both together differ: seconds
#   mixed_load  100 requests a second beside 1,000 WebSockets with five subscriptions each and 20 new events a second
#   ingest_share  an import of signed events beside the same requests and WebSockets, against the same import alone
#   metrics_scrape  /metrics with 10,000 relays and 60,000 ranges of coverage: median in ms
use strict;
use warnings;
use BenchReport qw(median);
use BenchServer;
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP qw(decode_json);
use POSIX ();
use Time::HiRes qw(sleep time);

my ($quick, @wanted) = BenchReport::arguments(qw(req_pages by_id negentropy mixed_load ingest_share metrics_scrape));
my $events = $quick ? 20_000 : 100_000;
my $ids = $quick ? 500 : 5_000;
my $port = free_port();
my $server = BenchServer->start(
	'bigbrotr.services'                => 'api, refresher',
	'bigbrotr.api_listen'              => "127.0.0.1:$port",
	'bigbrotr.api_requests_per_minute' => 0,
	'bigbrotr.api_traffic_per_minute'  => 0,
	'bigbrotr.api_cost_per_minute'     => 0,
	'bigbrotr.api_cost_limit'          => 0,
	'bigbrotr.api_max_connections'     => 1500,
	'bigbrotr.api_max_connections_per_address' => 1500,
	'bigbrotr.api_timeout'             => '60s');
load();
my $public = $server->sql('SELECT count(*) FROM _bigbrotr.public_events');
wait_for_api();
my %cases = (req_pages => \&req_pages, by_id => \&by_id, negentropy => \&negentropy, mixed_load => \&mixed_load, ingest_share => \&ingest_share,
	metrics_scrape => \&metrics_scrape);
$cases{$_}->() for @wanted;

sub free_port
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "socket: $@\n";
	return $socket->sockport;
}

# The answer to a request; status 599 if nothing comes for so many seconds.
sub get
{
	my ($path, $seconds) = @_;
	return HTTP::Tiny->new(timeout => $seconds)->get("http://127.0.0.1:$port$path");
}

# Until it answers a question about the archive.
sub wait_for_api
{
	for (1 .. 600)
	{
		return if get('/readyz', 5)->{status} == 200;
		sleep 0.1;
	}
	die "the api service does not answer; end of the server's log:\n", $server->end_of_log;
}

# Without triggers, as a restore does it.
sub load
{
	my $file = "$ENV{BENCH_WORK}/events.copy";
	BenchServer::run_quietly('sh', '-c', 'exec "$0" "$1" "$2" >"$3"', BenchServer::side_tool('bigbrotr-fill'), $events, 1_000, $file);
	$server->sql(qq{
		SET session_replication_role = replica;
		COPY bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at) FROM '$file' (FORMAT binary)});
	$server->sql('VACUUM ANALYZE bigbrotr.events');
	unlink $file;
	return;
}

# What bigbrotr-ask says; $input is its standard input.
sub ask
{
	my ($way, $input, @more) = @_;
	my $file = "$ENV{BENCH_WORK}/asked";
	BenchServer::write_file('>', $file, $input);
	return decode_json(BenchServer::run_quietly('sh', '-c', 'f=$1; shift; exec "$0" "$@" <"$f"',
		BenchServer::tool('bigbrotr-ask'), $file, $port, $way, @more));
}

# Seconds that psql takes to fetch all rows.
sub seconds_of
{
	my ($query) = @_;
	my $begin = time;
	BenchServer::run_quietly('sh', '-c', 'exec "$@" >/dev/null', 'sh', $server->psql, '-c', "COPY ($query) TO STDOUT");
	return time - $begin;
}

sub req_pages
{
	my @runs;
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my $read = ask('pages', '', 5_000);
		die "$read->{events} of $public events came\n" if $read->{events} != $public;
		my $seconds = seconds_of('SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e WHERE _bigbrotr.is_public(e.kind, e.tags) ORDER BY e.created_at DESC, e.event_id');
		push @runs, [ $public / $read->{seconds}, $public / $seconds ];
	}
	BenchReport::line('serve', 'req_pages', 'events/s', 0, \@runs);
	return;
}

sub by_id
{
	my @ids = split /\n/, $server->sql("SELECT encode(event_id, 'hex') FROM _bigbrotr.public_events ORDER BY random() LIMIT $ids");
	my (@runs, $p99);
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my $read = ask('ids', join('', map { "$_\n" } @ids));
		die "$read->{found} of $ids events came\n" if $read->{found} != $ids;
		my @times = $server->timed('postgres', map { qq{SELECT bigbrotr.query_json('{"ids":["$_"]}')} } @ids[ 0 .. 99 ]);
		push @runs, [ $read->{median_ms}, median(@times) ];
		$p99 = $read->{p99_ms};
	}
	BenchReport::line('serve', 'by_id', 'ms', 3, \@runs, p99_ms => $p99);
	return;
}

sub negentropy
{
	my $differ = $events / 20;
	my $records = q{SELECT created_at || ' ' || encode(event_id, 'hex') FROM _bigbrotr.public_events};
	my $own = $server->sql("$records OFFSET $differ") . "\n"
	  . $server->sql("SELECT 1700000000 + n || ' ' || encode(sha256(n::text::bytea), 'hex') FROM generate_series(1, $differ) AS n") . "\n";
	my @runs;
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my $result = ask('negentropy', $own);
		die "have $result->{have}, need $result->{need}\n" if $result->{have} != $differ || $result->{need} != $differ;
		push @runs, [ $result->{seconds}, seconds_of($records) ];
	}
	BenchReport::line('serve', 'negentropy', 's', 3, \@runs);
	return;
}

# The program that loads the API, and what it says.
sub load_api
{
	my ($clients, $seconds) = @_;
	return decode_json(BenchServer::run_quietly(BenchServer::tool('bigbrotr-load'), $port, $clients, 100, $seconds,
		qw(/api/v1/statistics /api/v1/statistics/kinds /api/v1/relays?limit=10 /api/v1/events?kinds=30023&limit=20)));
}

# Runs a sub beside another one, which goes on, with what it started, until it is killed.
sub beside
{
	my ($background, $run) = @_;
	my $pid = fork // die "fork: $!\n";
	if ($pid == 0)
	{
		setpgrp;
		$SIG{TERM} = sub { POSIX::_exit(0) };
		eval { $background->() };
		print STDERR "what ran beside ended: $@\n";
		POSIX::_exit(1);
	}
	my @result = eval { $run->() };
	my $fault = $@;
	kill TERM => -$pid;
	waitpid $pid, 0;
	die $fault if $fault;
	die "what ran beside failed: nothing was measured\n" if $? != 0;
	return $result[0];
}

# Writes 20 events a second, one by one: their content is the time.
sub write_events
{
	my $session = $server->session;
	for (my $n = 1;; $n++)
	{
		$session->(q{SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY[bigbrotr.sign_event(sha256('writer'), 1,
			(extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text, '[]', extract(epoch FROM now())::bigint)::jsonb
			|| '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'])) AS x});
		sleep 0.05;
	}
	return;
}

# A question that computes until its time is over, again and again.
sub ask_slowly
{
	while (1)
	{
		my $answer = get('/v1/nip/30', 90);
		die "no answer: $answer->{content}\n" if $answer->{status} == 599;
	}
	return;
}

sub rss_mb
{
	my $pid = $server->sql(q{SELECT bigbrotr.service_stats('api') -> 'custom' ->> 'net_pid'});
	open my $file, '<', "/proc/$pid/status" or die "status: $!\n";
	my ($kilobytes) = join('', <$file>) =~ /^VmHWM:\s+(\d+)/m;
	return $kilobytes / 1024;
}

# Events per second of an import, signatures checked, of a file that was not imported yet.
sub import_rate
{
	my ($file, $count) = @_;
	my ($milliseconds) = $server->timed('postgres', "CALL bigbrotr.import_events('$file', resume => false)");
	return $count / $milliseconds * 1000;
}

sub ingest_share
{
	my $clients = $quick ? 100 : 1_000;
	my $part = $quick ? 5_000 : 30_000;
	my $count = BenchReport::runs($quick ? 1 : 3);
	open my $in, '<', BenchServer::corpus(2 * $count * $part) or die "corpus: $!\n";
	my @lines = <$in>;
	my $import = sub {
		my $file = "$ENV{BENCH_WORK}/part.jsonl";
		BenchServer::write_file('>', $file, splice @lines, 0, $part);
		return import_rate($file, $part);
	};
	my $connections = q{SELECT (bigbrotr.service_stats('api') -> 'custom' ->> 'net_connections')::integer};
	my @runs;
	for (1 .. $count)
	{
		my $alone = $import->();
		push @runs, [ beside(sub { load_api($clients, 20) }, sub {
			sleep 0.1 while $server->sql($connections) < $clients;
			return $import->();
		}), $alone ];
	}
	BenchReport::line('serve', 'ingest_share', 'events/s', 0, \@runs, clients => $clients);
	return;
}

sub mixed_load
{
	my ($clients, $seconds) = $quick ? (100, 3) : (1_000, 10);
	$server->sql(q{CREATE OR REPLACE FUNCTION _bigbrotr.api_v1_nip(nip integer, network text DEFAULT NULL) RETURNS TABLE (item json)
		LANGUAGE sql STABLE AS $$ SELECT to_json(count(*)) FROM generate_series(1, 1000000000000) $$});
	my (@runs, @beside, $loaded, $questioned);
	for (1 .. BenchReport::runs($quick ? 1 : 3))
	{
		my $alone = load_api(0, $seconds);
		$loaded = beside(\&write_events, sub { load_api($clients, $seconds) });
		$questioned = beside(\&write_events, sub { beside(\&ask_slowly, sub { load_api($clients, $seconds) }) });
		for ($alone, $loaded, $questioned)
		{
			die "$_->{failed} requests failed, $_->{closed} subscriptions ended\n" if $_->{failed} || $_->{closed};
		}
		push @runs, [ $loaded->{p99_ms}, $alone->{p99_ms} ];
		push @beside, $questioned->{p99_ms} / $loaded->{p99_ms};
	}
	BenchReport::line('serve', 'mixed_load', 'ms', 1, \@runs, p50_ms => $loaded->{p50_ms}, live_p99_ms => $loaded->{live_p99_ms},
		beside_question_ratio => BenchReport::rounded(median(@beside), 2), rss_mb => BenchReport::rounded(rss_mb(), 0), clients => $clients);
	return;
}

sub metrics_scrape
{
	$server->sql(q{
		INSERT INTO bigbrotr.relays (url, network, inserted_at, status)
		SELECT 'wss://r' || n || '.example.com', 'clearnet', 1, (ARRAY['online', 'offline', 'dead', 'candidate'])[n % 4 + 1] FROM generate_series(1, 10000) AS n;
		INSERT INTO _bigbrotr.relay_sync (relay_id, phase, phase_since, last_error)
		SELECT relay_id, (ARRAY['live', 'backoff', 'waiting'])[relay_id % 3 + 1], 1, (ARRAY['dns_failed', 'tls_failed', 'connect_timeout'])[relay_id % 3 + 1] FROM bigbrotr.relays
		ON CONFLICT (relay_id) DO UPDATE SET phase = excluded.phase;
		INSERT INTO _bigbrotr.relay_traffic (relay_id, events, last_success) SELECT relay_id, relay_id, 1700000000 + relay_id FROM bigbrotr.relays ON CONFLICT DO NOTHING;
		INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, observed_at)
		SELECT relay_id, 1600000000 + n * 1000, 1600000900 + n * 1000, (ARRAY['partial', 'paged', 'confirmed', 'reconciled'])[n % 4 + 1], 5, 1 FROM bigbrotr.relays, generate_series(1, 6) AS n;
		INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, reason, run, run_since, status_since)
		SELECT relay_id, 1, 1, 'monitor', 'failed', 'reason_' || relay_id % 30, 1, 1, 1 FROM bigbrotr.relays ON CONFLICT DO NOTHING;
		INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, next_visit, rtt_open) SELECT relay_id, 'r' || relay_id, 's', 1, relay_id % 900 FROM bigbrotr.relays ON CONFLICT DO NOTHING;
		INSERT INTO _bigbrotr.relay_refusals (relay_id, reason, count, first_at, last_at)
		SELECT relay_id, 'reason_' || (relay_id + n) % 40, 1, 1, 1 FROM bigbrotr.relays, generate_series(1, 3) AS n;
		INSERT INTO _bigbrotr.statistics (subject, key, count) SELECT 'relay', relay_id, 1 FROM bigbrotr.relays ON CONFLICT DO NOTHING});
	$server->sql('VACUUM ANALYZE');
	sleep 0.1 while $server->sql(q{SELECT NOT EXISTS (SELECT FROM _bigbrotr.archive_figures, jsonb_array_elements(samples) AS s
		WHERE s ->> 'family' = 'coverage_ranges' AND (s ->> 'value')::numeric >= 20000)}) eq 't';
	my $http = HTTP::Tiny->new(timeout => 60);
	my @runs;
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my @times;
		for (1 .. 20)
		{
			my $begin = time;
			my $answer = $http->get("http://127.0.0.1:$port/metrics");
			die "$answer->{status}\n" if $answer->{status} != 200;
			push @times, 1000 * (time - $begin);
		}
		push @runs, [ median(@times), median($server->timed('postgres', ('SELECT length(item) FROM _bigbrotr.api_metrics()') x 20)) ];
	}
	BenchReport::line('serve', 'metrics_scrape', 'ms', 1, \@runs);
	return;
}
