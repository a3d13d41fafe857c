# The api service: routes, executors and their limits; over HTTP. Keys and metrics: 100_api_access.pl; sockets, TLS and streams:
# 101_api_connections.pl.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use MIME::Base64 ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $api = ApiServer->start('api', 'wal_level' => 'replica', 'max_wal_senders' => 4, 'hot_standby' => 'on');
my $node = $api->{node};

# A route that sleeps for so many seconds, and one with more rows than any socket takes.
my $slow = q{
	CREATE OR REPLACE FUNCTION _bigbrotr.api_v1_nip(nip integer, network text DEFAULT NULL) RETURNS TABLE (item json)
		LANGUAGE sql STABLE AS $$ SELECT to_json(nip) FROM pg_sleep(nip) $$;
	CREATE OR REPLACE FUNCTION _bigbrotr.api_v1_paid(network text DEFAULT NULL) RETURNS TABLE (item json)
		LANGUAGE sql STABLE AS $$ SELECT to_json(repeat('x', 1000) || n) FROM generate_series(1, 30000) AS n $$;
};
$node->safe_psql('postgres', $slow);

my $executors = q{pg_stat_activity WHERE backend_type ~ '^bigbrotr api\.'};
my $busy      = "$executors AND state = 'active'";

# ---- it serves

ok($api->serves, 'it serves');
is($api->get('/readyz')->{content}, '{"status":"ready"}', 'an answer of the database');
is($node->safe_psql('postgres', "SELECT DISTINCT usename FROM $executors"), 'bigbrotr_api', 'executors have a role of their own');
is($node->safe_psql('postgres', "SELECT string_agg(backend_type, ' ' ORDER BY backend_type) FROM $executors"), 'bigbrotr api.1 bigbrotr api.2', 'and names');

my $event = $node->safe_psql('postgres', q{SELECT bigbrotr.sign_event(sha256('a'), 1, 'hello', '[]', 1700000000)});
my $id    = decode_json($event)->{id};
is($api->get("/api/v1/events/$id")->{status}, 404, 'an event that is not there');
$api->archive("'$event'");
my $answer = $api->get("/api/v1/events/$id");
is($answer->{content}, $event, 'an event, exact');
is_deeply(decode_json($api->get('/api/v1/events?kinds=1')->{content})->{items}, [ decode_json($event) ], 'events');
$answer = HTTP::Tiny->new->post("http://127.0.0.1:$api->{port}/api/v1/count", { content => '{"kinds":[1]}' });
is($answer->{content}, '{"count":1,"mode":"exact"}', 'a POST');
is($api->get('/api/v1/events?kinds=x')->{status}, 400, 'a wrong parameter');
$answer = $api->get('/v1/online');
is($answer->{status}, 503, 'no list of relays before one was visited');
ok($answer->{headers}{'retry-after'}, 'with a time to try again');
is(decode_json($answer->{content})->{code}, '55000', 'and the code of the error');
is($api->get('/api/v1/relays/one?url=wss://nowhere.example.com')->{status}, 404, 'an unknown relay');
$answer = $api->get('/v2/relays?sortBy=url&format=simple');
is($answer->{status} . ' ' . decode_json($answer->{content})->{error}{code}, '503 UNAVAILABLE', 'nor one of nostr.watch, which has errors of its own');
$answer = $api->get('/v2/relays?limit=1000');
is($answer->{status} . ' ' . decode_json($answer->{content})->{error}{code}, '400 VALIDATION_ERROR', 'all of them');
for my $case (
	[ GET => '/v2/relays/bbox?sw.lat=-20&sw.lon=170&ne.lat=0&ne.lon=-170', '503 UNAVAILABLE' ], [ GET => '/v2/relays/nearby?lat=91&lon=0', '400 VALIDATION_ERROR' ],
	[ GET => '/v2/relays/nearby?lon=0', '400 VALIDATION_ERROR' ], [ GET => '/v2/relays/nearby?lat=0&lon=0&radius=NaN', '400 VALIDATION_ERROR' ],
	[ GET => '/v2/relays/trust?relayUrl=wss://r.example.com', '501 NOT_IMPLEMENTED' ], [ GET => '/v2/monitors/x/analytics', '501 NOT_IMPLEMENTED' ],
	[ GET => '/v2/monitors/analytics?limit=5', '501 NOT_IMPLEMENTED' ], [ POST => '/v2/policy', '501 NOT_IMPLEMENTED' ], [ POST => '/v2/subscriptions', '501 NOT_IMPLEMENTED' ],
	[ GET => '/v2/subscriptions/events?sessionId=x', '501 NOT_IMPLEMENTED' ], [ GET => '/v2/nowhere', '404 NOT_FOUND' ])
{
	my ($method, $path, $wanted) = @$case;
	$answer = HTTP::Tiny->new->request($method, "http://127.0.0.1:$api->{port}$path", $method eq 'POST' ? { content => '{}' } : {});
	my $error = decode_json($answer->{content})->{error};
	is("$answer->{status} $error->{code}", $wanted, "$method $path");
	ok($error->{message} && $error->{hint}, 'with a reason and a hint');
}
$answer = HTTP::Tiny->new->request('DELETE', "http://127.0.0.1:$api->{port}/v2/subscriptions/1");
is(decode_json($answer->{content})->{error}{code}, 'SUBSCRIPTION_NOT_FOUND', 'nobody has a subscription');
is(HTTP::Tiny->new->post("http://127.0.0.1:$api->{port}/v2/health/ping")->{status}, 200, 'a ping by POST');
my $pages = decode_json($api->get('/openapi.json')->{content})->{paths};
ok($pages->{'/api/v1/events/{id}'}{get}, 'it describes itself');

# ---- what is forged is refused, and nothing fails by it

for my $path ("/api/v1/events/' OR true --", "/api/v1/events/..%2f..%2fetc%2fpasswd", "/v1/nip/1;DROP TABLE bigbrotr.events", "/api/v1/relays/one?url=' OR '1'='1",
	"/api/v1/events?kinds=1);DELETE FROM bigbrotr.events", q{/api/v1/events?tags={"t":["' OR true --"],"t\\":1}}, "/api/v1/profiles/x'||pg_sleep(9)||'", '/api/v1/../../_bigbrotr/issued_keys',
	'/_bigbrotr.issued_keys', '/api/v1/count?mode=exact;SELECT', '/api/v1/events/%00', '/api/v1/events/%c0%af')
{
	my $status = $api->get($path =~ s/([^!-~]|["<>])/sprintf '%%%02x', ord $1/ger)->{status};
	ok($status == 400 || $status == 404, "$path: $status");
}
my $next = decode_json($api->get('/api/v1/events?kinds=1&limit=1')->{content})->{next};
my $cursor = MIME::Base64::decode_base64($next =~ tr{-_}{+/}r);
my ($fingerprint) = $cursor =~ /^([^\[]*)/;
for my $position ('["x"]', '[1e400,"x"]', qq{[1.5,"$id"]}, '[{"a":1}]', q{[1,"' OR true --"]}, '[]', '{}', '[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]', 'x', '')
{
	my $forged = MIME::Base64::encode_base64($fingerprint . $position, '') =~ tr{+/}{-_}r =~ s/=//gr;
	is($api->get("/api/v1/events?kinds=1&limit=1&cursor=$forged")->{status}, 400, "no position: $position");
}
is($api->get("/api/v1/events?kinds=2&limit=1&cursor=$next")->{status}, 400, 'a cursor belongs to its question');
is(decode_json($api->get("/api/v1/events?kinds=1&limit=1&cursor=$next")->{content})->{next}, undef, 'and is the way to the next page');

# ---- cancellation and time-outs; the executors stay

my $pids = $node->safe_psql('postgres', "SELECT array_agg(pid ORDER BY pid) FROM $executors");
my $socket = $api->begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
close $socket;
wait_for($node, "count(*) = 0 FROM $busy");
wait_for($node, custom('calls_cancelled') . ' = 1');
pass('the statement is cancelled when its client goes');
$socket = $api->begin('/v1/nip/1');
shutdown $socket, 1;
is(status_of($socket), 200, 'a client that closes its side gets its answer');
$socket = $api->begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
$node->safe_psql('postgres', "SELECT pg_cancel_backend(pid) FROM $busy");
is(status_of($socket), 504, 'an administrator cancels it, too');

$node->append_conf('postgresql.conf', "bigbrotr.api_timeout = '300ms'\n");
$node->reload;
$answer = $api->answers('/v1/nip/2', sub { $_[0]{status} == 504 });
ok($answer, 'a statement that takes too long');
like(decode_json($answer->{content})->{hint} // '', qr/Ask for less/, 'with a hint');
my $timed_out = $node->safe_psql('postgres', 'SELECT ' . custom('calls_timed_out'));
$socket = $api->begin('/v1/paid');
wait_for($node, custom('calls_timed_out') . " > $timed_out");
wait_for($node, "count(*) = 0 FROM $busy");
pass('a client that does not read cannot keep an executor');
close $socket;
$node->append_conf('postgresql.conf', "bigbrotr.api_timeout = '30s'\n");
$node->reload;
$answer = $api->answers('/v1/nip/1', sub { $_[0]{status} == 200 });
is($answer->{content}, '[1]', 'the limit follows a reload');
my $rows = $api->get('/v1/paid')->{content};
is($rows =~ tr/,//, 29999, 'a long answer');
like(substr($rows, -20), qr/^x+30000"\]$/, 'to its end');
is($node->safe_psql('postgres', "SELECT array_agg(pid ORDER BY pid) FROM $executors"), $pids, 'all that by the same executors');

# ---- long questions and short ones

my @long = map { $api->begin('/v1/nip/5') } 1 .. 3;
wait_for($node, "count(*) = 2 FROM $busy");
is($api->get('/readyz')->{status}, 200, 'a short question is answered while there are more long ones than executors');
wait_for($node, custom('calls_repeated') . ' >= 1');
is(status_of($_), 200, 'and the long ones are answered as well') for @long;

# One client may have a hundred under way, so these are six.
$node->append_conf('postgresql.conf', "bigbrotr.api_trusted_proxies = '127.0.0.1'\n");
$node->reload;
wait_for($node, q{current_setting('bigbrotr.api_trusted_proxies') = '127.0.0.1'});
ok($api->answers('/readyz', sub { $_[0]{status} == 200 }), 'the settings are read');
my $live = $api->begin('/api/v1/live/events?kinds=1', headers => { 'X-Forwarded-For' => '203.0.113.200' });
is(next_name($live), 'begin', 'somebody listens');
my @many = map { $api->begin('/v1/nip/25', headers => { 'X-Forwarded-For' => '203.0.113.' . int($_ / 90) }) } 1 .. 510;
wait_for($node, custom('calls_refused') . ' > 0');
pass('a queue has an end');
$api->archive(q{bigbrotr.sign_event(sha256('a'), 1, 'news', '[]', 1700000001)});
is(next_name($live), 'event', 'new events do not wait in it');
close $_ for @many, $live;
wait_for($node, custom('calls_waiting') . ' = 0 AND ' . custom('calls_running') . ' = 0');
is($api->get('/readyz')->{status}, 200, 'cancelled calls leave it');
for my $number (1, 2)
{
	$node->append_conf('postgresql.conf', "bigbrotr.api_executors = $number\n");
	$node->reload;
	wait_for($node, "count(*) = $number FROM $executors");
}

# ---- a place in the middle is filled again

$node->append_conf('postgresql.conf', "bigbrotr.api_executors = 4\nbigbrotr.api_timeout = '5min'\n");
$node->reload;
wait_for($node, "count(*) = 4 FROM $executors");
@long = ();
for my $number (1 .. 4)
{
	push @long, $api->begin('/v1/nip/1000');
	wait_for($node, "count(*) = $number FROM $busy");
}
close $long[2];
wait_for($node, "count(*) = 3 FROM $busy");
for my $wanted (2, 4)
{
	$node->append_conf('postgresql.conf', "bigbrotr.api_executors = $wanted\n");
	$node->reload;
	wait_for($node, 'count(*) = ' . ($wanted == 2 ? 3 : 4) . " FROM $executors");
}
is($node->safe_psql('postgres', "SELECT string_agg(right(backend_type, 1), '' ORDER BY backend_type) FROM $executors"), '1234', 'a place in the middle is filled again');
close $_ for @long[ 0, 1, 3 ];
wait_for($node, "count(*) = 0 FROM $busy");
$node->append_conf('postgresql.conf', "bigbrotr.api_executors = 2\nbigbrotr.api_timeout = '30s'\n");
$node->reload;
wait_for($node, "count(*) = 2 FROM $executors");

# ---- no shared memory for an executor, as if /dev/shm were full

my $api_pid = $node->safe_psql('postgres', q{SELECT pid FROM bigbrotr.services WHERE service = 'api'});
truncate $node->logfile, 0;
system('prlimit', '--pid', $api_pid, '--fsize=300000:unlimited') == 0 or die 'prlimit failed';
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM (SELECT pid FROM $executors LIMIT 1) AS one");
$node->wait_for_log(qr/1 of 2 executors run: could not resize shared memory segment/);
is($api->get('/readyz')->{status}, 200, 'the other executor does the work');
system('prlimit', '--pid', $api_pid, '--fsize=unlimited:unlimited') == 0 or die 'prlimit failed';
wait_for($node, "count(*) = 2 FROM $executors");
is($node->safe_psql('postgres', q{SELECT pid FROM bigbrotr.services WHERE service = 'api'}), $api_pid, 'the worker has stayed');

# ---- executors and net processes that end

$socket = $api->begin('/v1/nip/1000');
wait_for($node, "count(*) = 1 FROM $busy");
$node->safe_psql('postgres', "SELECT pg_terminate_backend(pid) FROM $busy");
is(status_of($socket), 503, 'an executor is ended: so is its call');
wait_for($node, "count(*) = 2 FROM $executors");
is($api->get('/readyz')->{status}, 200, 'it is replaced');
my $child = $node->safe_psql('postgres', 'SELECT ' . custom('net_pid'));
kill 'KILL', $child;
is($api->get('/readyz')->{status}, 200, 'the socket outlives the net process');
is($node->safe_psql('postgres', "SELECT pid FROM bigbrotr.services WHERE service = 'api' AND state = 'running'") ne '', 1, 'and so does the worker');

# ---- a standby

my $third = PostgreSQL::Test::Cluster::get_free_port();
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->append_conf('postgresql.conf', "bigbrotr.api_listen = '127.0.0.1:$third'\n");
$standby->start;
ok($api->serves(node => $standby, port => $third), 'a standby serves');
is($api->get("/api/v1/events/$id", port => $third)->{content}, $event, 'what it has');
my $job = $node->safe_psql('postgres', q{SELECT bigbrotr.sign_event(sha256('customer'), 5400, '', '[]', bigbrotr.unix_now())});
$answer = HTTP::Tiny->new->post("http://127.0.0.1:$third/api/v1/dvm", { content => $job });
is($answer->{status} . ' ' . decode_json($answer->{content})->{code}, '503 55000', 'and takes no jobs');
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

# ---- what docs/clients.md shows

$node->safe_psql('postgres', q{
	SELECT bigbrotr.insert_relay('wss://relay.example.com', 'clearnet', 1);
	UPDATE bigbrotr.relays SET status = 'online' WHERE url = 'wss://relay.example.com';
	INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, next_visit, checked_at) SELECT r.relay_id, 'relay.example.com', 'example.com', 0, bigbrotr.unix_now()
	FROM bigbrotr.relays AS r WHERE r.url = 'wss://relay.example.com' ON CONFLICT DO NOTHING});
my $commands = 0;
for my $command (map { split /\n/ } slurp_file(source_directory() . '/docs/clients.md') =~ /^```sh\n(.*?)^```$/msg)
{
	next if $command =~ /^#/;
	$command =~ s{http://127\.0\.0\.1:8080}{http://127.0.0.1:$api->{port}}g or die "no address: $command";
	is(system("($command) > /dev/null"), 0, $command =~ s/:$api->{port}//r);
	$commands++;
}
cmp_ok($commands, '>', 5, 'commands were found');

# ---- the end, and crashes

my $log = -s $node->logfile;
$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('api')});
wait_for($node, "count(*) = 0 FROM $executors");
pass('executors end with the service');
unlike(slurp_file($node->logfile, $log), qr/FATAL|ERROR|WARNING/, 'without noise');
$node->safe_psql('postgres', q{SELECT bigbrotr.start_service('api')});
ok($api->serves, 'it starts again');
my $executor = $node->safe_psql('postgres', "SELECT min(pid) FROM $executors");
kill 'KILL', $executor;
wait_for($node, "count(*) = 2 FROM $executors AND pid <> $executor");
ok($api->serves, 'an executor that is killed restarts the server, as any backend does');

$log = -s $node->logfile;
$node->stop;
unlike(slurp_file($node->logfile, $log), qr/FATAL|ERROR|WARNING/, 'nor does the end of the server make noise');
done_testing();

# The name of the next event of a stream.
sub next_name
{
	my ($stream) = @_;
	while (my $line = <$stream>)
	{
		return $1 if $line =~ /^event: (\w+)/;
	}
	return 'the end';
}
