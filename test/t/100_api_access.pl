# Who may read what of the API, and how much of it: keys, scopes, cost, and metrics.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use IPC::Run;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $api = ApiServer->start('api_access');
my $node = $api->{node};
ok($api->serves, 'it serves');
$api->archive(q{bigbrotr.sign_event(sha256('a'), 1, 'hello', '[]', 1700000000)});

# ---- keys: neither the database nor its logs see one

sub with_key
{
	my ($key, $path) = @_;
	return $api->get($path // '/readyz', headers => { Authorization => "Bearer $key" });
}

sub code
{
	my ($response) = @_;
	return eval { decode_json($response->{content})->{code} } // $response->{status};
}

# Whether requests with a key come to be answered so.
sub answered_as
{
	my ($key, $wanted) = @_;
	return $api->answers('/readyz', sub { code($_[0]) eq $wanted }, headers => { Authorization => "Bearer $key" }) ? 1 : 0;
}

$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_min_messages = 'debug2'\n");
$node->reload;
my $key = $node->safe_psql('postgres', q{SELECT bigbrotr.create_api_key('test', '{events}')});
ok(answered_as($key, 200), 'a key is known within seconds');
is(code(with_key(substr $key, 0, 70)), 'damaged_key', 'one that was cut off is refused');
is(code(with_key($key =~ s/^bb_/cc_/r)), 'unknown_key', 'so is one that was made up');
is(code(with_key("' OR true --")), 'unknown_key', 'and one with SQL in it');
is(with_key($key, '/api/v1/events?kinds=1')->{status}, 200, 'a key opens what it names');
is(code(with_key($key, '/v1/online')), 'scope_missing', 'and nothing else');
my $secret = substr $key, 12;
my $seen   = unpack 'H*', $secret;
is($node->safe_psql('postgres', qq{SELECT count(*) FROM pg_stat_activity WHERE strpos(query, convert_from(decode('$seen', 'hex'), 'UTF8')) > 0}), 0,
	'no statement has a key in it');
unlike(slurp_file($node->logfile), qr/$secret/, 'nor has the log');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.api_keys WHERE name = 'test' AND request_count > 0 AND byte_count > 0 AND cost_sum > 0 AND used_at IS NOT NULL)});
pass('its use is counted');
$node->safe_psql('postgres', "SELECT bigbrotr.revoke_api_key('" . substr($key, 0, 11) . "')");
ok(answered_as($key, 'key_revoked'), 'a key that was revoked ends within seconds');
$node->append_conf('postgresql.conf', "log_statement = 'none'\nlog_min_messages = 'warning'\nbigbrotr.api_anonymous_scopes = 'lists , relay_uptime'\nbigbrotr.api_cost_limit = 1\n");
$node->reload;
my $answer = $api->answers('/api/v1/events?kinds=1', sub { $_[0]{status} == 401 });
is(code($answer), 'key_required', 'what is closed to strangers needs a key');
my %paths = (event => '/api/v1/events/' . '0' x 64, relay_latency => '/api/v1/relays/latency?url=wss://r.example.com',
	relay_uptime => '/api/v1/relays/uptime?url=wss://r.example.com', v1_paid => '/v1/paid');
for my $route (sort keys %paths)
{
	my $open = $node->safe_psql('postgres', "SELECT _bigbrotr.api_is_open(scope, name) FROM bigbrotr.api_routes WHERE name = '$route'");
	is($open, $route =~ /^(relay_uptime|v1_paid)$/ ? 't' : 'f', "whether jobs may ask $route");
	is($api->get($paths{$route})->{status} == 401 ? 'f' : 't', $open, 'as strangers may by HTTP');
}
$answer = $api->get('/v1/paid');
is($answer->{status}, 403, 'what is too expensive for strangers is refused');
my $problem = decode_json($answer->{content});
cmp_ok($problem->{estimated_cost}, '>', $problem->{cost_limit}, 'with its cost');
is($problem->{cost_limit}, 1, 'and the limit');
$node->append_conf('postgresql.conf', "bigbrotr.api_anonymous_scopes = 'events, relays, statistics, lists, nostr'\nbigbrotr.api_cost_limit = 0\n");
$node->reload;
ok($api->answers('/api/v1/events?kinds=1', sub { $_[0]{status} == 200 }), 'until the settings allow it again');

# ---- what takes longer than the planner expects is charged with its processor time

$node->safe_psql('postgres', q{
	CREATE OR REPLACE FUNCTION _bigbrotr.api_event(id text) RETURNS TABLE (item text) LANGUAGE plpgsql STABLE AS $$
	DECLARE
		sum bigint := 0;
	BEGIN
		FOR i IN 1 .. 2000000 LOOP
			sum := sum + i;
		END LOOP;
		item := sum::text;
		RETURN NEXT;
	END $$});
$key = $node->safe_psql('postgres', q{SELECT bigbrotr.create_api_key('busy', '{events}', cost_limit => 1000000000)});
ok(answered_as($key, 200), 'another key');
is(with_key($key, '/api/v1/events/' . '0' x 64)->{status}, 200, 'a question whose estimate is low');
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.api_keys WHERE name = 'busy' AND cost_sum > 5000)});
pass('has a cost');

# ---- metrics: text that Prometheus can read, of which every figure of the service is a part, and not for everyone

my $metrics = $api->get('/metrics');
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
like($metrics->{content}, qr/\nbigbrotr_archive_events 1\n/, 'they are of this archive');
like($metrics->{content}, qr/\nbigbrotr_service_state\{service="api",state="running",worker="1"\} 1\n/, 'of the services');
like($metrics->{content}, qr/\nbigbrotr_api_calls_total\{service="api",worker="1"\} [1-9]/, 'of calls');
like($metrics->{content}, qr/\nbigbrotr_service_cycle_duration_seconds_bucket\{le="\+Inf",service="api",worker="1"\} [1-9]/, 'and of cycles');
is_deeply([ missing_figures() ], [], 'no figure of any service is left out, and none is shown that nobody counts');
is($node->safe_psql('postgres', q{SELECT string_agg(f.key, ' ') FROM _bigbrotr.service_figures AS f
	WHERE 'bigbrotr_' || f.metric NOT IN (SELECT n.name FROM _bigbrotr.metric_names AS n)}), '', 'and each has a metric');
SKIP:
{
	my ($promtool) = grep { -x } map { "$_/promtool" } split /:/, $ENV{PATH};
	skip 'promtool is not installed', 1 unless $promtool;
	my ($text, $said) = (text_format($metrics->{content}), '');
	IPC::Run::run([ $promtool, 'check', 'metrics' ], '<', \$text, '>', \$said, '2>&1');
	is($said, '', 'promtool finds nothing wrong with the metrics');
}
for my $header (qw(X-Forwarded-For Forwarded Via))
{
	is($api->get('/metrics', headers => { $header => '127.0.0.1' })->{status}, 403, "not through an unknown proxy: $header");
}
$node->safe_psql('postgres', q{ALTER SYSTEM SET bigbrotr.api_metrics_networks = '10.0.0.0/8'; SELECT pg_reload_conf()});
ok($api->answers('/metrics', sub { $_[0]{status} == 403 }), 'not for addresses that no setting names');
$node->safe_psql('postgres', q{ALTER SYSTEM RESET bigbrotr.api_metrics_networks; SELECT pg_reload_conf()});

$node->stop;
done_testing();

# promtool reads the older format: the suffix is part of a counter's name there, and there is no type "info".
sub text_format
{
	my ($text) = @_;
	return $text =~ s/^# (HELP|TYPE) (\S+)(?= counter$)/# $1 $2_total/gmr =~ s/^(# TYPE \S+) info$/$1_info gauge/gmr =~ s/^# HELP (\S+) (.*)/help($text, $1, $2)/gemr =~ s/^# EOF\n//mr;
}

sub help
{
	my ($text, $name, $words) = @_;
	my ($type) = $text =~ /^# TYPE \Q$name\E (\w+)$/m;
	my $suffix = { counter => '_total', info => '_info' }->{$type} // '';
	return "# HELP $name$suffix $words";
}

# What the sources count and no metric shows, and the other way round. A name that ends with an underline is the beginning of several.
sub missing_figures
{
	my $root = ArchiveTest::source_directory();
	my %counted;
	for my $file (glob "$root/workers/*/*.cpp $root/src/pg/work/*.cpp")
	{
		my $code = slurp_file($file);
		while ($code =~ /(?:worker_?\.|^\t+)(?:count|gauge)\((.*?);/gms)
		{
			$counted{$_} = 1 for $1 =~ /"([a-z][a-z0-9_]*)"/g;
		}
	}
	my ($desks, $process) = (join('', map { slurp_file($_) } glob "$root/src/net/desk/*.cpp"), slurp_file("$root/src/net/process.cpp"));
	while ($desks =~ /Desk::gauges\(\) const\n\{(.*?)^\}/gms)
	{
		$counted{"net_$_"} = 1 for $1 =~ /\{"([a-z0-9_]+)"/g;
	}
	$counted{"net_$_"} = 1 for $process =~ /gauges\.push_back\(\{"([a-z_]+)"/g;
	my %decided = map { ("requests_$_" => 1) } $node->safe_psql('postgres', q{SELECT prosrc FROM pg_proc WHERE proname = 'take_job'}) =~ /(?:RETURN|THEN|ELSE) '(\w+)'/g;
	my %shown = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT key FROM _bigbrotr.service_figures');
	cmp_ok(scalar(keys %counted), '>', 70, keys(%counted) . ' figures');
	my @prefixes = grep { /_$/ } keys %counted;
	return (
		(map { "not shown: $_" } grep { !$shown{$_} && $_ ne 'net_pid' } sort(grep({ !/_$/ } keys %counted), keys %decided)),
		(map { "not shown: $_…" } grep { my $prefix = $_; !grep { /^$prefix/ } keys %shown } sort @prefixes),
		(map { "not counted: $_" } grep { my $key = $_; !$counted{$key} && !grep { $key =~ /^$_/ } @prefixes } sort keys %shown));
}
