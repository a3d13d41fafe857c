# The api service: sockets, executors, their limits; over HTTP.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use HTTP::Tiny;
use IO::Socket::INET;
use IO::Socket::UNIX;
use IPC::Run;
use JSON::PP qw(decode_json);
use MIME::Base64 ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $port  = PostgreSQL::Test::Cluster::get_free_port();
my $local = PostgreSQL::Test::Utils::tempdir_short() . '/api';
my $node = archive_server(
	'api',
	'bigbrotr.services'                           => 'api',
	'bigbrotr.api_listen'                         => "127.0.0.1:$port, unix:$local",
	'bigbrotr.api_executors'                      => 2,
	'bigbrotr.api_timeout'                        => '30s',
	'bigbrotr.api_requests_per_minute'            => 0,
	'bigbrotr.api_traffic_per_minute'             => 0,
	'bigbrotr.api_max_connections'                => 3000,
	'bigbrotr.api_max_connections_per_address'    => 3000,
	'wal_level'                                   => 'replica',
	'max_wal_senders'                             => 4,
	'hot_standby'                                 => 'on');

# A route that sleeps for so many seconds, and one with more rows than any socket takes.
my $slow = q{
	CREATE OR REPLACE FUNCTION _bigbrotr.api_v1_nip(nip integer, network text DEFAULT NULL) RETURNS TABLE (item json)
		LANGUAGE sql STABLE AS $$ SELECT to_json(nip) FROM pg_sleep(nip) $$;
	CREATE OR REPLACE FUNCTION _bigbrotr.api_v1_paid(network text DEFAULT NULL) RETURNS TABLE (item json)
		LANGUAGE sql STABLE AS $$ SELECT to_json(repeat('x', 1000) || n) FROM generate_series(1, 30000) AS n $$;
};
$node->safe_psql('postgres', $slow);

sub get
{
	my ($path, %options) = @_;
	return HTTP::Tiny->new(timeout => 60)->get('http://127.0.0.1:' . ($options{port} // $port) . $path);
}

# A connection on which a request was sent.
sub begin
{
	my ($path) = @_;
	my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "no connection: $!";
	print {$socket} "GET $path HTTP/1.1\r\nHost: api\r\nConnection: close\r\n\r\n";
	$socket->flush;
	return $socket;
}

# Metrics: text that Prometheus can read, of which every figure of the service is a part, and not for everyone.
sub metrics
{
	my ($address) = @_;
	my $metrics = get('/metrics', port => $address);
	is($metrics->{status}, 200, 'metrics');
	is($metrics->{headers}{'content-type'}, 'application/openmetrics-text; version=1.0.0; charset=utf-8', 'as OpenMetrics');
	my (%types, %seen, $family, @wrong);
	for my $line (split /\n/, $metrics->{content})
	{
		if ($line =~ /^# TYPE (bigbrotr_[a-z0-9_]+) (gauge|counter|histogram|summary|info)$/)
		{
			$family = $1;
			push @wrong, $line if $types{$family};
			$types{$family} = $2;
		}
		elsif ($line =~ /^([a-z0-9_]+)(?:\{(?:[a-z]+="[A-Za-z0-9_.+]*",?)+\})? [-+.e0-9a-z]+$/)
		{
			my %suffixes = (gauge => qr//, counter => qr/_total/, histogram => qr/_bucket|_sum|_count/, summary => qr/|_sum|_count/, info => qr/_info/);
			push @wrong, $line unless $1 =~ /^$family(?:$suffixes{$types{$family}})$/;
			push @wrong, "twice: $line" if $seen{ $line =~ s/ .*//r }++;
		}
		elsif ($line !~ /^# HELP \Q$family\E [^\\]+\.$/ && $line ne '# EOF')
		{
			push @wrong, $line;
		}
	}
	is_deeply(\@wrong, [], 'every line is one of a family, of its type, and none has a URL or a key');
	like($metrics->{content}, qr/\n# EOF\n\z/, 'with an end');
	like($metrics->{content}, qr/\nbigbrotr_archive_events 5\n/, 'they are of this archive');
	like($metrics->{content}, qr/\nbigbrotr_service_state\{service="api",state="running",worker="1"\} 1\n/, 'of the services');
	like($metrics->{content}, qr/\nbigbrotr_api_calls_total\{service="api",worker="1"\} [1-9]/, 'of calls');
	like($metrics->{content}, qr/\nbigbrotr_service_cycle_duration_seconds_bucket\{le="\+Inf",service="api",worker="1"\} [1-9]/, 'and of cycles');
	is($node->safe_psql('postgres', q{
		SELECT string_agg(s.key, ' ' ORDER BY s.key) FROM jsonb_object_keys(bigbrotr.service_stats('api') -> 'custom') AS s (key)
		WHERE s.key <> 'net_pid' AND s.key NOT IN (SELECT f.key FROM _bigbrotr.service_figures AS f)}), '', 'no figure of the service is left out');
	is($node->safe_psql('postgres', q{SELECT string_agg(f.key, ' ') FROM _bigbrotr.service_figures AS f
		WHERE 'bigbrotr_' || f.metric NOT IN (SELECT n.name FROM _bigbrotr.metric_names AS n)}), '', 'and each has a metric');
	for my $header (qw(X-Forwarded-For Forwarded Via))
	{
		is(HTTP::Tiny->new->get("http://127.0.0.1:$address/metrics", { headers => { $header => '127.0.0.1' } })->{status}, 403, "not through an unknown proxy: $header");
	}
	$node->safe_psql('postgres', q{ALTER SYSTEM SET bigbrotr.api_metrics_networks = '10.0.0.0/8'; SELECT pg_reload_conf()});
	my $status = 200;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		last if ($status = get('/metrics', port => $address)->{status}) != 200;
		select undef, undef, undef, 0.1;
	}
	is($status, 403, 'not for addresses that no setting names');
	$node->safe_psql('postgres', q{ALTER SYSTEM RESET bigbrotr.api_metrics_networks; SELECT pg_reload_conf()});
	return;
}

sub status_of
{
	my ($socket) = @_;
	my $line = <$socket> // '';
	# It is asked whether it still reads.
	while ($line =~ m{^HTTP/1\.1 102 })
	{
		<$socket>;
		$line = <$socket> // '';
	}
	return $line =~ m{^HTTP/1\.1 (\d+)} ? $1 : $line;
}

sub custom
{
	my ($key) = @_;
	return "coalesce((bigbrotr.service_stats('api') -> 'custom' ->> '$key')::integer, 0)";
}

sub served
{
	my ($server, $address) = @_;
	$server //= $node;
	wait_for($server, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND state = 'running')});
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if get('/readyz', port => $address)->{status} == 200;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

my $executors = q{pg_stat_activity WHERE backend_type ~ '^bigbrotr api\.'};
my $busy      = "$executors AND state = 'active'";

# ---- it serves

ok(served(), 'it serves');
is(get('/readyz')->{content}, '{"status":"ready"}', 'an answer of the database');
my $unix = IO::Socket::UNIX->new(Peer => $local) or die "no connection: $!";
print {$unix} "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
is(status_of($unix), 200, 'on a Unix socket, too');
is($node->safe_psql('postgres', "SELECT DISTINCT usename FROM $executors"), 'bigbrotr_api', 'executors have a role of their own');
is($node->safe_psql('postgres', "SELECT string_agg(backend_type, ' ' ORDER BY backend_type) FROM $executors"), 'bigbrotr api.1 bigbrotr api.2', 'and names');

my $event = $node->safe_psql('postgres', q{SELECT bigbrotr.sign_event(sha256('a'), 1, 'hello', '[]', 1700000000)});
my $id    = decode_json($event)->{id};
is(get("/api/v1/events/$id")->{status}, 404, 'an event that is not there');
$node->safe_psql('postgres', qq{SELECT bigbrotr.insert_events_batch(ARRAY['$event'::jsonb ||
	'{"relay_url": "wss://r.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'])});
my $answer = get("/api/v1/events/$id");
is($answer->{content}, $event, 'an event, exact');
is_deeply(decode_json(get('/api/v1/events?kinds=1')->{content})->{items}, [ decode_json($event) ], 'events');
$answer = HTTP::Tiny->new->post("http://127.0.0.1:$port/api/v1/count", { content => '{"kinds":[1]}' });
is($answer->{content}, '{"count":1,"mode":"exact"}', 'a POST');
is(get('/api/v1/events?kinds=x')->{status}, 400, 'a wrong parameter');
$answer = get('/v1/online');
is($answer->{status}, 503, 'no list of relays before one was visited');
ok($answer->{headers}{'retry-after'}, 'with a time to try again');
is(decode_json($answer->{content})->{code}, '55000', 'and the code of the error');
is(get('/api/v1/relays/one?url=wss://nowhere.example.com')->{status}, 404, 'an unknown relay');
$answer = get('/v2/relays?sortBy=url&format=simple');
is($answer->{status} . ' ' . decode_json($answer->{content})->{error}{code}, '503 UNAVAILABLE', 'nor one of nostr.watch, which has errors of its own');
$answer = get('/v2/relays?limit=1000');
is($answer->{status} . ' ' . decode_json($answer->{content})->{error}{code}, '400 VALIDATION_ERROR', 'all of them');
my $pages = decode_json(get('/openapi.json')->{content})->{paths};
ok($pages->{'/api/v1/events/{id}'}{get}, 'it describes itself');

# ---- what is forged is refused, and nothing fails by it

for my $path ("/api/v1/events/' OR true --", "/api/v1/events/..%2f..%2fetc%2fpasswd", "/v1/nip/1;DROP TABLE bigbrotr.events", "/api/v1/relays/one?url=' OR '1'='1",
	"/api/v1/events?kinds=1);DELETE FROM bigbrotr.events", q{/api/v1/events?tags={"t":["' OR true --"],"t\\":1}}, "/api/v1/profiles/x'||pg_sleep(9)||'", '/api/v1/../../_bigbrotr/issued_keys',
	'/_bigbrotr.issued_keys', '/api/v1/count?mode=exact;SELECT', '/api/v1/events/%00', '/api/v1/events/%c0%af')
{
	my $status = get($path =~ s/([^!-~]|["<>])/sprintf '%%%02x', ord $1/ger)->{status};
	ok($status == 400 || $status == 404, "$path: $status");
}
my $next = decode_json(get('/api/v1/events?kinds=1&limit=1')->{content})->{next};
my $cursor = MIME::Base64::decode_base64($next =~ tr{-_}{+/}r);
my ($fingerprint) = $cursor =~ /^([^\[]*)/;
for my $position ('["x"]', '[1e400,"x"]', qq{[1.5,"$id"]}, '[{"a":1}]', q{[1,"' OR true --"]}, '[]', '{}', '[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]', 'x', '')
{
	my $forged = MIME::Base64::encode_base64($fingerprint . $position, '') =~ tr{+/}{-_}r =~ s/=//gr;
	is(get("/api/v1/events?kinds=1&limit=1&cursor=$forged")->{status}, 400, "no position: $position");
}
is(get("/api/v1/events?kinds=2&limit=1&cursor=$next")->{status}, 400, 'a cursor belongs to its question');
is(decode_json(get("/api/v1/events?kinds=1&limit=1&cursor=$next")->{content})->{next}, undef, 'and is the way to the next page');

# ---- keys: neither the database nor its logs see one

sub with_key
{
	my ($key, $path) = @_;
	return HTTP::Tiny->new(timeout => 60)->get("http://127.0.0.1:$port" . ($path // '/readyz'), { headers => { Authorization => "Bearer $key" } });
}

sub code
{
	my ($response) = @_;
	return eval { decode_json($response->{content})->{code} } // $response->{status};
}

# Asks until the answer has that status: settings become known soon.
sub answer_with
{
	my ($path, $status) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		my $response = get($path);
		return $response if $response->{status} == $status;
		select undef, undef, undef, 0.1;
	}
	die "$path does not answer with $status\n";
}

# Asks until the answer has that code: keys become known within seconds.
sub answered_as
{
	my ($key, $wanted) = @_;
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		return 1 if code(with_key($key)) eq $wanted;
		select undef, undef, undef, 0.1;
	}
	return 0;
}

$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_min_messages = 'debug2'\n");
$node->reload;
my $key = $node->safe_psql('postgres', q{SELECT bigbrotr.create_api_key('test', '{events}')});
ok(answered_as($key, 200), 'a key is known within seconds');
is(code(with_key(substr $key, 0, 70)), 'damaged_key', 'one that was cut off is refused');
is(code(with_key($key =~ s/^bb_/cc_/r)), 'unknown_key', 'so is one that was made up');
is(code(with_key("' OR true --")), 'unknown_key', 'and one with SQL in it');
is(code(with_key($key, '/v1/online')), 'scope_missing', 'a key opens what it names');
is(with_key($key, '/api/v1/events?kinds=1')->{status}, 200, 'and nothing else');
my $secret = substr $key, 12;
my $seen   = unpack 'H*', $secret;
is($node->safe_psql('postgres', qq{SELECT count(*) FROM pg_stat_activity WHERE strpos(query, convert_from(decode('$seen', 'hex'), 'UTF8')) > 0}), 0,
	'no statement has a key in it');
unlike(slurp_file($node->logfile), qr/$secret/, 'nor has the log');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.api_keys WHERE name = 'test' AND request_count > 0 AND byte_count > 0 AND cost_sum > 0 AND used_at IS NOT NULL)});
pass('its use is counted');
$node->safe_psql('postgres', "SELECT bigbrotr.revoke_api_key('" . substr($key, 0, 11) . "')");
ok(answered_as($key, 'key_revoked'), 'a key that was revoked ends within seconds');
$node->append_conf('postgresql.conf', "log_statement = 'none'\nlog_min_messages = 'warning'\nbigbrotr.api_anonymous_scopes = 'lists'\nbigbrotr.api_cost_limit = 1\n");
$node->reload;
$answer = answer_with('/api/v1/events?kinds=1', 401);
is(code($answer), 'key_required', 'what is closed to strangers needs a key');
$answer = get('/v1/paid');
is($answer->{status}, 403, 'what is too expensive for strangers is refused');
my $problem = decode_json($answer->{content});
cmp_ok($problem->{estimated_cost}, '>', $problem->{cost_limit}, 'with its cost');
is($problem->{cost_limit}, 1, 'and the limit');
$node->append_conf('postgresql.conf', "bigbrotr.api_anonymous_scopes = 'events, relays, statistics, lists, nostr'\nbigbrotr.api_cost_limit = 0\n");
$node->reload;
answer_with('/api/v1/events?kinds=1', 200);

# ---- server-sent events

sub archive_note
{
	my ($content) = @_;
	return $node->safe_psql('postgres', qq{SELECT bigbrotr.insert_events_batch(ARRAY[bigbrotr.sign_event(sha256('a'), 1, '$content', '[]', 1700000001)::jsonb ||
		'{"relay_url": "wss://r.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'])});
}

# A stream behind its head, which must be good.
sub listen_to
{
	my ($path, $last_id) = @_;
	my $stream = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $port) or die "no connection: $!";
	print {$stream} "GET $path HTTP/1.1\r\nHost: api\r\n", defined $last_id ? "Last-Event-ID: $last_id\r\n" : '', "\r\n";
	$stream->flush;
	is(status_of($stream), 200, "$path streams");
	while ((my $line = <$stream>) ne "\r\n") { }
	return $stream;
}

# The next event: its name, its data, its id.
sub next_event
{
	my ($stream) = @_;
	my %field;
	while (defined(my $line = <$stream>))
	{
		chomp $line;
		return ($field{event}, decode_json($field{data}), $field{id}) if $line eq '' && defined $field{data};
		$field{$1} = $2 if $line =~ /^(\w+): (.*)/;
	}
	return ('the end', {}, '');
}

my $stream = listen_to('/api/v1/live/events?kinds=1');
my ($name, $data, $place) = next_event($stream);
is_deeply([ $name, $data->{continued} ? 1 : 0 ], [ 'begin', 0 ], 'it begins now');
archive_note('first of the stream');
($name, $data, $place) = next_event($stream);
is("$name $data->{content}", 'event first of the stream', 'a new event');
my $elsewhere = listen_to('/api/v1/live/events?kinds=7');
next_event($elsewhere);
close $stream;
archive_note('second of the stream');
archive_note('third of the stream');
$stream = listen_to('/api/v1/live/events?kinds=1', $place);
($name, $data) = next_event($stream);
ok($data->{continued}, 'it goes on where it has ended');
is((next_event($stream))[1]{content}, "$_ of the stream", "with the $_ event") for qw(second third);
close $stream;
$stream = listen_to('/api/v1/live/events', 'of-another-server-7');
is(join(' ', map { (next_event($stream))[0] } 1 .. 2), 'begin missed', 'a place that is not known is told');
close $stream;
$node->safe_psql('postgres', q{SELECT bigbrotr.insert_events_batch(ARRAY[bigbrotr.sign_event(sha256('a'), 7, '+', '[]', 1700000001)::jsonb ||
	'{"relay_url": "wss://r.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'])});
is((next_event($elsewhere))[1]{content}, '+', 'others get what they ask for');
close $elsewhere;
$stream = listen_to('/api/v1/live/progress');
is(join(' ', map { (next_event($stream))[0] } 1 .. 2), 'begin change', 'progress begins with what is known');
close $stream;
close listen_to('/api/v1/live/relays');
is(get('/api/v1/live/events?search=x')->{status}, 400, 'a search has no new events');
is(get('/api/v1/live/events?kinds=x')->{status}, 400, 'a wrong filter');

# ---- cancellation and time-outs; the executors stay

my $pids = $node->safe_psql('postgres', "SELECT array_agg(pid ORDER BY pid) FROM $executors");
my $socket = begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
close $socket;
wait_for($node, "count(*) = 0 FROM $busy");
wait_for($node, custom('calls_cancelled') . ' = 1');
pass('the statement is cancelled when its client goes');
$socket = begin('/v1/nip/1');
shutdown $socket, 1;
is(status_of($socket), 200, 'a client that closes its side gets its answer');
$socket = begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM $busy");
is(status_of($socket), 504, 'an administrator cancels it, too');

$node->append_conf('postgresql.conf', "bigbrotr.api_timeout = '300ms'\n");
$node->reload;
for (1 .. 100)
{
	$answer = get('/v1/nip/2');
	last if $answer->{status} == 504;
}
is($answer->{status}, 504, 'a statement that takes too long');
like(decode_json($answer->{content})->{hint} // '', qr/Ask for less/, 'with a hint');
my $timed_out = $node->safe_psql('postgres', 'SELECT ' . custom('calls_timed_out'));
$socket = begin('/v1/paid');
wait_for($node, custom('calls_timed_out') . " > $timed_out");
wait_for($node, "count(*) = 0 FROM $busy");
pass('a client that does not read cannot keep an executor');
close $socket;
$node->append_conf('postgresql.conf', "bigbrotr.api_timeout = '30s'\n");
$node->reload;
$answer = get('/v1/nip/1');
$answer = get('/v1/nip/1') until $answer->{status} == 200;
is($answer->{content}, '[1]', 'the limit follows a reload');
my $rows = get('/v1/paid')->{content};
is($rows =~ tr/,//, 29999, 'a long answer');
like(substr($rows, -20), qr/^x+30000"\]$/, 'to its end');
is($node->safe_psql('postgres', "SELECT array_agg(pid ORDER BY pid) FROM $executors"), $pids, 'all that by the same executors');

# ---- long questions and short ones

my @long = map { begin('/v1/nip/5') } 1 .. 3;
wait_for($node, "count(*) = 2 FROM $busy");
is(get('/readyz')->{status}, 200, 'a short question is answered while there are more long ones than executors');
wait_for($node, custom('calls_repeated') . ' >= 1');
is(status_of($_), 200, 'and the long ones are answered as well') for @long;

$node->append_conf('postgresql.conf', "bigbrotr.api_executors = 1\n");
$node->reload;
wait_for($node, "count(*) = 1 FROM $executors");
my @many = map { begin('/v1/nip/25') } 1 .. 503;
wait_for($node, custom('calls_refused') . ' = 2');
pass('a queue has an end');
close $_ for @many;
wait_for($node, custom('calls_waiting') . ' = 0 AND ' . custom('calls_running') . ' = 0');
is(get('/readyz')->{status}, 200, 'cancelled calls leave it');
$node->append_conf('postgresql.conf', "bigbrotr.api_executors = 2\n");
$node->reload;
wait_for($node, "count(*) = 2 FROM $executors");

# ---- executors and net processes that end

$socket = begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM $busy");
is(status_of($socket), 503, 'an executor is ended: so is its call');
wait_for($node, "count(*) = 2 FROM $executors");
is(get('/readyz')->{status}, 200, 'it is replaced');
my $child = $node->safe_psql('postgres', 'SELECT ' . custom('net_pid'));
kill 'KILL', $child;
is(get('/readyz')->{status}, 200, 'the socket outlives the net process');
is($node->safe_psql('postgres', "SELECT pid FROM bigbrotr.services WHERE service = 'api' AND state = 'running'") ne '', 1, 'and so does the worker');

# ---- sockets follow the setting

my $second = PostgreSQL::Test::Cluster::get_free_port();
my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => $second, Listen => 1) or die "no socket: $!";
$node->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$port, 127.0.0.1:$second'\n");
$node->reload;
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for LIKE '%another program uses it%')});
pass('a port that is taken is told');
ok(served(), 'the other one is served');
ok(!-e $local, 'the socket that is not listed is gone');
close $taken;
ok(served($node, $second), 'it is taken when it is free');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});

# ---- TLS

my $directory = PostgreSQL::Test::Utils::tempdir();
my $with_tls  = PostgreSQL::Test::Cluster::get_free_port();

sub make_certificate
{
	my ($name) = @_;
	PostgreSQL::Test::Utils::system_or_bail('openssl', qw(req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj), "/CN=$name",
		'-keyout', "$directory/key", '-out', "$directory/certificate");
	return chmod 0600, "$directory/key";
}

# What openssl's client prints when this is its input.
sub with_openssl
{
	my ($input) = @_;
	my ($out, $errors) = ('', '');
	IPC::Run::run([ qw(openssl s_client -ign_eof -alpn http/1.1 -connect), "127.0.0.1:$with_tls" ], '<', \$input, '>', \$out, '2>', \$errors);
	return $out;
}

sub waits_for
{
	my ($words) = @_;
	return wait_for($node, "EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for LIKE '%$words%')");
}

$node->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$port, 127.0.0.1:$second, tls:127.0.0.1:$with_tls'\n");
$node->reload;
waits_for('api_tls_certificate: no file is named');
make_certificate('first');
chmod 0644, "$directory/key";
$node->append_conf('postgresql.conf', "bigbrotr.api_tls_certificate = '$directory/certificate'\nbigbrotr.api_tls_key = '$directory/key'\n");
$node->reload;
waits_for('chmod 0600 ends that');
pass('a key that others can read is not used');
ok(served(), 'the socket without TLS is served');
chmod 0600, "$directory/key";
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});
my $ready = "GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
my $said  = with_openssl($ready);
like($said, qr/\{"status":"ready"\}/, 'TLS');
like($said, qr/^ALPN protocol: http\/1\.1$/m, 'of HTTP/1.1');
like($said, qr/CN = first/, 'with the certificate');
make_certificate('second');
$node->reload;
for (1 .. 100)
{
	last if with_openssl($ready) =~ /CN = second/;
}
like(with_openssl($ready), qr/CN = second/, 'which is read again at a reload');
append_to_file("$directory/certificate.new", 'nonsense');
rename "$directory/certificate.new", "$directory/certificate";
$node->reload;
waits_for('the certificate is not PEM');
like(with_openssl($ready), qr/CN = second/, 'one that cannot be used changes nothing');
make_certificate('third');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND waiting_for IS NULL)});

# ---- settings that are refused

my %wrong = (
	api_listen => [ 'tls:localhost:80', 'tls:tls:127.0.0.1:80', 'localhost:80', '127.0.0.1', '127.0.0.1:0', '127.0.0.1:65536', '127.0.0.1:8x', '::1:80', '[::1]', '[127.0.0.1]:80',
		'unix:relative', 'unix:/' . 'x' x 200, '127.0.0.1:80, x' ],
	api_trusted_proxies => [ '10.0.0.0/33', '::1/129', '10.0.0.0/', 'proxy.example.com' ],
	api_metrics_networks => [ '10.0.0.0/33', 'localhost' ],
	api_public_urls     => [ 'ftp://example.com', 'https://example.com/ x' ],
	api_name            => [ 'x' x 201 ]);
for my $setting (sort keys %wrong)
{
	for my $value (@{ $wrong{$setting} })
	{
		my (undef, undef, $refused) = $node->psql('postgres', "ALTER SYSTEM SET bigbrotr.$setting = '$value'");
		like($refused, qr/invalid value for parameter "bigbrotr.$setting".*\nDETAIL/s, "$setting cannot be " . substr $value, 0, 30);
	}
}
$node->safe_psql('postgres', q{ALTER SYSTEM SET bigbrotr.api_trusted_proxies = '10.0.0.0/8, ::1/128,127.0.0.1'; ALTER SYSTEM RESET bigbrotr.api_trusted_proxies});

# ---- metrics

metrics($second);

# ---- a standby

my $third = PostgreSQL::Test::Cluster::get_free_port();
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$third'\n");
$standby->start;
ok(served($standby, $third), 'a standby serves');
is(get("/api/v1/events/$id", port => $third)->{content}, $event, 'what it has');
$standby->stop;

# ---- a database with executors can be dropped

my $other = archive_node('other', 'bigbrotr.services' => 'api', 'bigbrotr.databases' => 'other', 'bigbrotr.api_listen' => "127.0.0.1:$third");
$other->start;
$other->safe_psql('postgres', 'CREATE DATABASE other');
create_archive($other, 'other');
wait_for($other, q{count(*) = 4 FROM pg_stat_activity WHERE backend_type ~ '^bigbrotr api\.'});
$other->safe_psql('postgres', 'DROP DATABASE other');
is($other->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'bigbrotr api%'}), 0, 'its executors end first');
$other->stop;

# ---- the end, and crashes

my $log = -s $node->logfile;
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('api')});
wait_for($node, "count(*) = 0 FROM $executors");
pass('executors end with the service');
unlike(slurp_file($node->logfile, $log), qr/FATAL|ERROR|WARNING/, 'without noise');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('api')});
ok(served(), 'it starts again');
my $executor = $node->safe_psql('postgres', "SELECT min(pid) FROM $executors");
kill 'KILL', $executor;
wait_for($node, "count(*) = 2 FROM $executors AND pid <> $executor");
ok(served(), 'an executor that is killed restarts the server, as any backend does');

$log = -s $node->logfile;
$node->stop;
unlike(slurp_file($node->logfile, $log), qr/FATAL|ERROR|WARNING/, 'nor does the end of the server make noise');
done_testing();
