# ./bench pages [--quick] [CASE…]: how long a visitor without a key waits, with 10,000 relays known and BENCH_EVENTS events archived.
#   page      each page of the web page: everything that it asks for, one after the other: the slowest page
#   question  all that the API offers, with each parameter, and questions for events as unequal as in the wild: p99
#   panel     the SQL of each panel of the Grafana dashboards: the slowest
#   scrape    /metrics: the median of 20
# Milliseconds: less is better; the yardstick is the server's answer to /health. Each page, each panel, and what takes more
# than 200 ms go to standard error.
use strict;
use warnings;
use BenchReport qw(median percentile rounded);
use BenchServer;
use HTTP::Tiny;
use IO::Socket::INET;
use JSON::PP;
use SkewedArchive qw(uniform zipf author follows moment);
use Time::HiRes qw(sleep time);

my ($quick, @wanted) = BenchReport::arguments(qw(page question panel scrape));
my $events = $ENV{BENCH_EVENTS} // ($quick ? 50_000 : 200_000);
my $relays = $quick ? 1_000 : 10_000;
my $authors = $events / 20;
my $slow = 200;    # ms
my $relay = 'wss://relay1.example.com';
my $port = free_port();
my $json = JSON::PP->new->canonical;
my $http = HTTP::Tiny->new(timeout => 60);
# The limits of one call are those that are installed; only how many calls one address may make is not limited.
my $server = BenchServer->start(
	'bigbrotr.services'                => 'api, refresher',
	'bigbrotr.api_listen'              => "127.0.0.1:$port",
	'bigbrotr.api_requests_per_minute' => 0,
	'bigbrotr.api_traffic_per_minute'  => 0,
	'bigbrotr.api_cost_per_minute'     => 0,
	'shared_buffers'                   => '1GB',
	'max_wal_size'                     => '8GB',
	'jit'                              => 'off',
	'synchronous_commit'               => 'off',
	'maintenance_work_mem'             => '512MB');
srand 1;
load();
my %cases = (page => \&page, question => \&question, panel => \&panel, scrape => \&scrape);
$cases{$_}->() for @wanted;

sub free_port
{
	my $socket = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 1) // die "socket: $!\n";
	return $socket->sockport;
}

sub load
{
	SkewedArchive::fill($server, $events);
	$server->sql(qq{
		INSERT INTO bigbrotr.relays (url, network, inserted_at, status)
		SELECT CASE WHEN n % 10 = 0 THEN 'ws://' || substr(translate(encode(sha256(n::text::bytea), 'hex'), '0189', 'wxyz'), 1, 55) || 'd.onion' ELSE 'wss://relay' || n || '.example.com' END,
		       CASE WHEN n % 10 = 0 THEN 'tor' ELSE 'clearnet' END, 1700000000, ('{unstable,online,online,offline,dead,candidate}'::text[])[1 + n % 6]
		FROM generate_series(1, $relays) AS n;
		INSERT INTO _bigbrotr.nip11_documents (hash, name, description, supported_nips, software, version, document)
		SELECT sha256(n::text::bytea), d ->> 'name', d ->> 'description', d -> 'supported_nips', d ->> 'software', d ->> 'version', d
		FROM generate_series(1, $relays / 2) AS n, LATERAL (SELECT jsonb_build_object('name', 'Relay ' || n, 'description', repeat('A relay for everybody. ', 5), 'version', (n % 50)::text,
			'supported_nips', (SELECT jsonb_agg(k) FROM generate_series(1, 100) AS k WHERE (k * n) % 7 = 1),
			'relay_countries', jsonb_build_array(('{DE,FI,US,JP,BR,CA,FR,NL}'::text[])[1 + n % 8]), 'software', 'https://example.com/software' || floor(sqrt(n)),
			'limitation', jsonb_build_object('payment_required', n % 7 = 0))) AS s (d);
		INSERT INTO _bigbrotr.nip66_facts (hash, facts)
		SELECT sha256(n::text::bytea), jsonb_build_object('nips', jsonb_build_object('42', true, '45', n % 2 = 0, '77', n % 3 = 0), 'server', 'nginx/' || n,
			'geo', jsonb_build_object('country', ('{DE,FI,US,JP,BR,CA,FR,NL}'::text[])[1 + n % 8], 'latitude', n % 180 - 90, 'longitude', n % 360 - 180)) FROM generate_series(1, $relays / 2) AS n;
		INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, checked_at, nip11_id, nip66_id, rtt_open, rtt_read)
		SELECT r.relay_id, 'h' || r.relay_id, 's' || r.relay_id, bigbrotr.unix_now() - r.relay_id % 3600, 1 + (r.relay_id - 1) % ($relays / 2), 1 + (r.relay_id - 1) % ($relays / 2),
		       40 + r.relay_id % 900, 80 + r.relay_id % 900
		FROM bigbrotr.relays AS r;
		INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, reason, run_outcome, run, run_since, status_since, last_answer, last_failure)
		SELECT r.relay_id, t - 400 * 86400, t, 'monitor', o, CASE o WHEN 'failed' THEN 'connect_timeout' ELSE '' END, o, 3, t - 3000, t - 86400 * (r.relay_id % 40), t - 600, t - 90000
		FROM bigbrotr.relays AS r, bigbrotr.unix_now() AS t, LATERAL (SELECT CASE WHEN r.status IN ('online', 'unstable') THEN 'answered' ELSE 'failed' END) AS s (o);
		INSERT INTO _bigbrotr.relay_outages (relay_id, began, ended, reason)
		SELECT h.relay_id, h.observed_at - 86400 * (h.relay_id % 9 + 10 * k), CASE WHEN k > 1 OR h.outcome = 'answered' THEN h.observed_at - 86400 * (h.relay_id % 9 + 10 * k) + 3600 * k END, 'connect_timeout'
		FROM _bigbrotr.relay_health AS h, generate_series(1, 20) AS k;
		INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_rtt_open, nip66_rtt_read, error)
		SELECT r, bigbrotr.unix_now() - 3600 * k, true, CASE WHEN k % 29 > 0 THEN 80 + k % 50 END, CASE WHEN k % 29 > 0 THEN 150 + k % 70 END, CASE WHEN k % 29 = 0 THEN 'connect_timeout' END
		FROM generate_series(1, least($relays, 300)) AS r, generate_series(0, 2200) AS k;
		INSERT INTO _bigbrotr.relay_stories (relay_id, visited_at, outcome, facts, story)
		SELECT relay_id, bigbrotr.unix_now() - 90000, 'failed', '{}', '[{"step": "dns", "error": "", "ms": 12}, {"step": "connect", "error": "connect_timeout", "ms": 10000, "address": "203.0.113.7", "port": 443}]' FROM bigbrotr.relays;
		INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since, oldest) SELECT relay_id, bigbrotr.unix_now(), bigbrotr.unix_now() - 86400 * 1000 FROM bigbrotr.relays;
		INSERT INTO bigbrotr.coverage (relay_id, reader, lower, upper, evidence, doubts, events, observed_at)
		SELECT r.relay_id, 0, bigbrotr.unix_now() - 86400 * (k + 1) * 100, bigbrotr.unix_now() - 86400 * (k * 100 + 1), (ARRAY['partial', 'paged', 'confirmed', 'reconciled'])[1 + k % 4], '{}', 0, bigbrotr.unix_now() - 60
		FROM bigbrotr.relays AS r, generate_series(0, 5) AS k;
		SET session_replication_role = replica;
		INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at) SELECT e.eid, zipf(1, $relays, random()), e.created_at FROM bigbrotr.events AS e;
		INSERT INTO _bigbrotr.statistics (subject, key, count) SELECT v.subject, v.key, v.actual FROM bigbrotr.verify_statistics() AS v});
	$server->sql('VACUUM ANALYZE');
	$server->sql('CHECKPOINT');
	# The API's executors are there, and the refresher has counted the relays.
	my $counted;
	for (1 .. 1200)
	{
		my $answer = $http->get("http://127.0.0.1:$port/api/v1/overview");
		last if $counted = $answer->{success} && ($answer->{content} =~ /"counted_at":"/ || $answer->{content} =~ /"fractions_counted_at":"/);
		sleep 0.5;
	}
	die "the refresher does not count the relays\n" if !$counted;
	return;
}

# Milliseconds until the whole answer is there, and the answer. A question with a filter is posted.
sub get
{
	my ($path, %parameters) = @_;
	my $filter = delete $parameters{filter};
	my $query = $http->www_form_urlencode(\%parameters);
	my $url = "http://127.0.0.1:$port$path" . ($query ? "?$query" : '');
	my $begin = time;
	my $answer = $filter ? $http->post($url, { content => $filter, headers => { 'Content-Type' => 'application/json' } }) : $http->get($url);
	return (1000 * (time - $begin), $answer);
}

sub yardstick { return median(map { (get('/health'))[0] } 1 .. 20) }

# What src/net/serve/web asks for.
sub page
{
	my $id = $server->sql(q{SELECT encode(event_id, 'hex') FROM _bigbrotr.public_events WHERE kind = 1 LIMIT 1});
	my @of_one = map { [ "/api/v1/relays/$_", url => $relay ] } qw(one days latencies nips coverage explain changes);
	my %pages = (
		overview => [ ['/api/v1/overview'], [ '/api/v1/statistics/days', limit => 1000 ], [ '/api/v1/statistics/kinds', limit => 10000 ], ['/api/v1/statistics/groups'],
			['/api/v1/statistics/availability'], [ '/api/v1/events', kinds => 1, limit => 6 ] ],
		relays     => [ [ '/api/v1/relays/table', status => 'up', sort => '-events', limit => 50 ], ['/api/v1/statistics/groups'] ],
		relay      => \@of_one,
		search     => [ [ '/api/v1/events', tags => '{"t":["common"]}', limit => 50 ], [ '/api/v1/count', tags => '{"t":["common"]}' ] ],
		event      => [ ["/api/v1/events/$id"], [ "/api/v1/events/$id/relays", limit => 200 ] ],
		statistics => [ [ '/api/v1/statistics/days', limit => 10000 ], [ '/api/v1/statistics/kinds', limit => 10000 ], ['/api/v1/statistics/groups'], ['/api/v1/statistics/availability'] ],
		embed      => [ [ '/embed', url => $relay ] ],
		table      => [ [ '/api/v1/relays/table', format => 'html', limit => 20 ] ]);
	my (@runs, @refused);
	for my $run (1 .. BenchReport::runs($quick ? 3 : 5))
	{
		my $slowest = 0;
		for my $name (sort keys %pages)
		{
			my $sum = 0;
			my @parts;
			for my $call (@{ $pages{$name} })
			{
				my ($ms, $answer) = get(@$call);
				$sum += $ms;
				push @parts, rounded($ms, 1);
				push @refused, "@$call: $answer->{status} $answer->{content}\n" if !$answer->{success};
			}
			print STDERR "-- page $name: ", rounded($sum, 1), " ms (@parts)\n" if $run == 1;
			$slowest = $sum if $sum > $slowest;
		}
		push @runs, [ $slowest, yardstick() ];
	}
	print STDERR map { "-- refused: $_" } do { my %seen; grep { !$seen{$_}++ } map { s/"instance.*//sr } @refused };
	BenchReport::line('pages', 'page', 'ms', 1, \@runs, events => $events + 0, relays => $relays, refused => scalar @refused);
	return;
}

# Calls of the API without a key: each path that only reads, alone, and with each value of each parameter that has few of them.
sub calls
{
	my ($id, $author) = split /\|/, $server->sql(q{SELECT encode(event_id, 'hex'), encode(pubkey, 'hex') FROM _bigbrotr.public_events WHERE kind = 1 LIMIT 1});
	my %given = (url => $relay, relay => $relay, id => $id, event => $id, author => author(10), pubkey => author(10), authors => author(10), limit => 1000, part => 'relay1',
		since => 1_690_000_000, until => 1_750_000_000, kinds => 1, kind => 1, country => 'DE', nip => 42, network => 'tor', software => 'https://example.com/software3',
		lat => 50, lon => 8, latitude => 50, longitude => 8, radius => 500, bbox => '0,0,40,40', q => 'relay1', day => 1_700_006_400, at => '2025-01-01T00:00:00Z');
	my (undef, $answer) = get('/openapi.json');
	my $paths = decode_json($answer->{content})->{paths};
	my @calls;
	for my $path (sort keys %$paths)
	{
		my $operation = $paths->{$path}{get} or next;
		next if $path =~ m{/live/};    # goes on for ever
		my (%base, @more);
		my $filled = $path =~ s{\{(\w+)\}}{$given{$1} // $id}ger;
		for my $parameter (grep { ($_->{in} // '') eq 'query' } @{ $operation->{parameters} // [] })
		{
			my ($name, $schema) = ($parameter->{name}, $parameter->{schema} // {});
			my $value = $given{$name};
			$base{$name} = $value if $parameter->{required} && defined $value;
			push @more, map { { $name => $_ } } $schema->{enum} ? @{ $schema->{enum} } : defined $value ? $value : ();
		}
		push @calls, map { [ $filled, %base, %$_ ] } {}, @more;
	}
	return @calls;
}

sub filters
{
	return ((map { { authors => [ follows($_, $authors) ], kinds => [ 1, 6 ], limit => 100 } } 500, 500, 1000),
		(map { { authors => [ author(10) ], kinds => [ 30023 ], until => moment(), limit => 100 } } 1 .. 3),
		(map { { '#t' => ["tag$_"], limit => 100 } } map { zipf(1, 20_000) } 1 .. 10),
		(map { { '#p' => [ author(zipf(10, $authors)) ], limit => 100 } } 1 .. 10),
		(map { { '#t' => [$_], kinds => [ 30023 ], limit => 100 } } qw(common once0 once5)),
		(map { { '#t' => ['common'], '#p' => [ author(zipf(10, $authors)) ], limit => 100 } } 1 .. 10),
		(map { { authors => [ author(10) ], '#t' => [$_], limit => 100 } } qw(common once0)),
		(map { { kinds => [$_], until => moment(), limit => 500 } } 0, 1, 3, 7, 1984, 9735, 30023),
		(map { { search => $_, limit => 20 } } qw(good nothing), '0123 abcd'),
		{ limit => 500 }, { until => moment(), limit => 500 }, { '#t' => ['common'], since => uniform(1_680_000_000, 1_700_000_000), limit => 100 });
}

sub question
{
	my @calls = (calls(), (map { [ '/api/v1/events', filter => $json->encode($_) ] } filters()),
		map { [ '/api/v1/count', filter => $json->encode($_) ] } filters());
	my (%status, @times);
	for my $call (@calls)
	{
		my ($ms, $answer) = get(@$call);
		$status{ $answer->{status} }++;
		print STDERR '-- question ', rounded($ms, 1), " ms, $answer->{status}, ", length($answer->{content}), " bytes: @$call[0 .. ($#$call < 4 ? $#$call : 4)]\n" if $ms > $slow || $ENV{BENCH_CALLS};
		push @times, $ms;
	}
	print STDERR '-- questions: ', join(', ', map { "$status{$_} answers $_" } sort keys %status), "\n";
	BenchReport::line('pages', 'question', 'ms', 1, [ [ percentile(99, @times), yardstick() ] ], events => $events + 0, relays => $relays, calls => scalar @times,
		p50 => rounded(median(@times), 1), slow => scalar grep { $_ > $slow } @times);
	return;
}

sub panel
{
	my (%panels, @runs);
	for my $file (glob 'docker/grafana/dashboards/*.json')
	{
		open my $in, '<', $file or die "$file: $!\n";
		my $dashboard = decode_json(do { local $/ = undef; <$in> });
		for my $panel (@{ $dashboard->{panels} })
		{
			for my $query (map { $_->{rawSql} // () } @{ $panel->{targets} })
			{
				$query =~ s/\$__unixEpochFrom\(\)/(bigbrotr.unix_now() - 604800)/g;
				$query =~ s/\$__unixEpochTo\(\)/bigbrotr.unix_now()/g;
				$query =~ s/\$\{relay:sqlstring\}/'$relay'/g;
				$panels{"$dashboard->{title}, $panel->{title}"} = $query;
			}
		}
	}
	my @names = sort keys %panels;
	for my $run (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my @times = $server->timed('postgres', map { $panels{$_} } @names);
		my @slowest = sort { $times[$b] <=> $times[$a] } 0 .. $#names;
		print STDERR "-- panel $names[$_]: ", rounded($times[$_], 1), " ms\n" for @runs ? () : @slowest;
		push @runs, [ $times[ $slowest[0] ], yardstick() ];
	}
	BenchReport::line('pages', 'panel', 'ms', 1, \@runs, events => $events + 0, relays => $relays, panels => scalar @names);
	return;
}

sub scrape
{
	my @runs;
	for (1 .. BenchReport::runs($quick ? 2 : 5))
	{
		my @times;
		for (1 .. 20)
		{
			my ($time, $answer) = get('/metrics');
			die "$answer->{status}\n" if !$answer->{success};
			push @times, $time;
		}
		push @runs, [ median(@times), yardstick() ];
	}
	BenchReport::line('pages', 'scrape', 'ms', 1, \@runs, events => $events + 0, relays => $relays);
	return;
}
