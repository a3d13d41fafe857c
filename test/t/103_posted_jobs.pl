# Jobs (NIP-90) that are posted to the API: what is taken, what is refused and why, and that each is answered once, whatever is killed.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ApiServer;
use ArchiveTest;
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use PostgreSQL::Test::Utils;
use Test::More;

my $us = '79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798'; # of the secret key 1
my $directory = PostgreSQL::Test::Utils::tempdir();
append_to_file("$directory/key", '0' x 63 . "1\n");
chmod 0600, "$directory/key" or die "chmod: $!";

my $api = ApiServer->start('posted_jobs', 'bigbrotr.services' => 'api, dvm', 'bigbrotr.key_file' => "$directory/key",
	'bigbrotr.dvm_jobs_per_author' => 3, 'bigbrotr.api_cost_per_minute' => 0);
my $node = $api->{node};
ok($api->serves, 'it serves');
$api->archive(q{bigbrotr.sign_event(sha256('a'), 1, 'hello', '[]', 1700000000)});
wait_for($node, q{EXISTS (SELECT FROM _bigbrotr.job_provider WHERE pubkey IS NOT NULL)});

# A request as its author signs it. %options: of, kind, content, tags, age.
my $count = '["i", "{\"kinds\":[1]}", "text"]';
my $number = 0;
sub signed
{
	my (%options) = @_;
	my $tags = join ', ', $options{tags} // ($count, qq{["p", "$us"]}), '["n", "' . $number++ . '"]';
	return $node->safe_psql('postgres', sprintf q{SELECT bigbrotr.sign_event(sha256('%s'), %d, '%s', $t$[%s]$t$, bigbrotr.unix_now() - %d)},
		$options{of} // 'customer ' . $number, $options{kind} // 5400, $options{content} // '', $tags, $options{age} // 0);
}

# The answer to a POST: status, Location, and what its body says.
sub post
{
	my ($body, %headers) = @_;
	my $answer = HTTP::Tiny->new(timeout => 60)->post("http://127.0.0.1:$api->{port}/api/v1/dvm", { content => $body, headers => \%headers });
	return { status => $answer->{status}, location => $answer->{headers}{location}, retry_after => $answer->{headers}{'retry-after'},
		body => eval { decode_json($answer->{content}) } };
}

sub state_at { return decode_json($api->get($_[0])->{content}) }

# The state of a job that is over, by its Location.
sub answered
{
	my ($location) = @_;
	my $answer = $api->answers($location, sub { $_[0]{content} =~ /"state":"(un)?delivered"/ }) or die "no answer at $location";
	return decode_json($answer->{content});
}

sub tag { my ($event, $name) = @_; return (grep { $_->[0] eq $name } @{ $event->{tags} })[0] // [] }

sub refused
{
	my ($name, $status, $pattern, $body) = @_;
	my $answer = post($body);
	is($answer->{status}, $status, $name);
	like(join(' ', map { $answer->{body}{$_} // '' } qw(code detail hint)), $pattern, "$name: why");
	return $answer;
}

sub set
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "bigbrotr.$name = '$value'");
	$node->reload;
	wait_for($node, "current_setting('bigbrotr.$name') = '$value'");
	return;
}

# ---- a good one

my $request = signed(of => 'customer');
my $id = decode_json($request)->{id};
my $taken = post($request);
is($taken->{status}, 202, 'a request is taken');
is($taken->{location}, "/api/v1/dvm/$id", 'and it is said where the answer will be');
is($taken->{body}{request_id}, $id, 'of that request');
my $job = answered($taken->{location});
is($job->{state}, 'delivered', 'the caller fetches the answer: it needs no relay');
is(scalar @{ $job->{events} }, 1, 'one answer');
my $result = $job->{events}[0];
is("$result->{kind} $result->{content}", '6400 1', 'the result');
is_deeply([ $result->{pubkey}, tag($result, 'e')->[1], tag($result, 'status')->[1] ], [ $us, $id, 'success' ], 'of us, to that request');
is(decode_json(tag($result, 'request')->[1])->{sig}, decode_json($request)->{sig}, 'which it repeats');
is($node->safe_psql('postgres', sprintf q{SELECT bigbrotr.verify_event((item -> 'events' -> 0)::text) FROM _bigbrotr.api_job_state('%s')}, $id), 't', 'signed');

# ---- the same again, in another spelling

my $again = post($request =~ s/^\{/{ "more": 1, /r);
is($again->{status}, 202, 'the same request again');
is($again->{body}{events}[0]{id}, $result->{id}, 'has the same answer');
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.dvm_jobs'), 1, 'and is one job');
is($api->get('/api/v1/dvm/' . '0' x 64)->{status}, 404, 'a request that nobody has posted');
is($api->get('/api/v1/dvm/x')->{status}, 400, 'and no request');

# ---- what is refused

refused('a forged request', 400, qr/22023.*bad_signature|id_mismatch/, signed() =~ s/"kind": ?\K5400/5302/r);
refused('a forged signature', 400, qr/bad_signature/, signed() =~ s/"sig": ?"\K(.)/$1 eq '0' ? '1' : '0'/er);
refused('no event', 400, qr/22023/, '{"kinds":[1]}');
refused('no JSON', 400, qr/bad_parameter/, 'hello');
refused('a large one', 400, qr/too large/, signed(content => 'x' x 33000));
refused('one for somebody else', 422, qr/PT422 .*another provider.*\["p", "$us"\]/, signed(tags => '["p", "' . '0' x 64 . '"]'));
refused('one that is encrypted for nobody', 422, qr/another provider/, signed(tags => '["encrypted"]'));
refused('another kind', 422, qr/kind 1 are not done here.*5400/, signed(kind => 1));
refused('an old one', 422, qr/not of now/, signed(age => 700));
refused('one of the future', 422, qr/not of now/, signed(age => -700));
refused('one that is expired', 422, qr/has ended/, signed(tags => '["expiration", "1000000"]'));
is($node->safe_psql('postgres', 'SELECT count(*) FROM bigbrotr.dvm_jobs'), 1, 'nothing of that is noted');
is(HTTP::Tiny->new->request('PUT', "http://127.0.0.1:$api->{port}/api/v1/dvm", { content => '{}' })->{status}, 405, 'another method');

# ---- what fails is told by a signed event

$job = answered(post(signed(tags => '["i", "https://example.com", "url"]'))->{location});
is_deeply([ $job->{events}[0]{kind}, tag($job->{events}[0], 'status')->[1] ], [ 7000, 'error' ], 'an error is signed');
like($job->{error}, qr/not read/, 'and said');
$job = answered(post(signed(tags => qq{["encrypted"], ["p", "$us"]}, content => 'A' x 132))->{location});
is(tag($job->{events}[0], 'encrypted')->[0], 'encrypted', 'the answer to an encrypted request is encrypted');
is(scalar @{ tag($job->{events}[0], 'status') }, 0, 'and says nothing in clear');

# ---- floods

post(signed(of => 'customer')) for 1 .. 2;
like(answered(post(signed(of => 'customer'))->{location})->{error}, qr/too many jobs: 3 in an hour/, 'the first one too many of an author is answered');
my $flood = refused('more of them', 429, qr/PT429 .*too many jobs of this author/, signed(of => 'customer'));
cmp_ok($flood->{retry_after}, '>', 0, 'with a time to wait');
is(post(signed())->{status}, 202, 'others are served');
$node->safe_psql('postgres', q{INSERT INTO _bigbrotr.job_requests (request_id, pubkey, kind, request, relay_url, received_at, state)
	SELECT sha256(n::text::bytea), sha256(n::text::bytea), 5400, '', '', bigbrotr.unix_now(), 'delivered' FROM generate_series(1, 1000) AS n});
refused('posts of all authors', 503, qr/53000 .*too many jobs wait.*were taken in the last hour/, signed());
is(post($request)->{status}, 202, 'what was taken before is still answered');
$node->safe_psql('postgres', q{DELETE FROM _bigbrotr.job_requests WHERE request = ''});

# ---- who may post

set('api_cost_per_minute', 60000);
my @statuses = map { post(signed())->{status} } 1 .. 3;
is($statuses[-1], 429, 'the budget of an address is charged with what jobs may cost') or diag "@statuses";
set('api_cost_per_minute', 0);
set('api_anonymous_scopes', 'lists');
ok($api->answers('/api/v1/dvm/x', sub { $_[0]{status} == 401 }), 'the scope jobs can be closed');
is(post(signed())->{body}{code}, 'key_required', 'for posts, too');
my $key = $node->safe_psql('postgres', q{SELECT bigbrotr.create_api_key('customer', '{jobs}')});
ok($api->answers('/api/v1/dvm/x', sub { $_[0]{status} == 400 }, headers => { Authorization => "Bearer $key" }), 'a key opens it');
$taken = post(signed(), Authorization => "Bearer $key");
is($taken->{status}, 202, 'a request with a key');
set('api_anonymous_scopes', 'events, relays, statistics, lists, nostr, jobs');
ok($api->answers($taken->{location}, sub { $_[0]{status} == 200 }), 'open again');
like(answered($taken->{location})->{error}, qr/^$|not open/, 'and answered');

# ---- a price

set('dvm_price', 5000);
$taken = post(signed());
is($taken->{body}{state}, 'unpaid', 'a job that costs something');
my $priced = $api->answers($taken->{location}, sub { $_[0]{content} =~ /payment-required/ });
my $feedback = decode_json($priced->{content})->{events}[0];
is_deeply([ $feedback->{kind}, tag($feedback, 'amount')->[1] ], [ 7000, '5000' ], 'has a price, signed');
is($node->safe_psql('postgres', sprintf q{SELECT bigbrotr.pay_job('%s')}, tag($feedback, 'e')->[1]), 't', 'is paid');
is_deeply([ map { $_->{kind} } @{ answered($taken->{location})->{events} } ], [ 7000, 6400 ], 'and answered');
set('dvm_price', 0);

# ---- kills: of the worker while it works on a job, and of the server as soon as the request is taken

sub work
{
	my ($body) = @_;
	$node->safe_psql('postgres', qq{CREATE OR REPLACE FUNCTION _bigbrotr.api_job(kind integer, route_kind integer, inputs jsonb, content text) RETURNS text
		LANGUAGE plpgsql VOLATILE STRICT AS \$\$ BEGIN $body; RETURN 'worked'; END \$\$});
	return;
}
set('dvm_timeout', '2min');
work('PERFORM pg_sleep(50)');
$taken = post(signed());
wait_for($node, q{EXISTS (SELECT FROM pg_stat_activity WHERE backend_type ~ '^bigbrotr dvm\.' AND state = 'active' AND wait_event = 'PgSleep')});
my $worker = service_pid($node, 'dvm');
kill 'KILL', $worker;
gone($worker);
wait_for($node, q{bigbrotr.start_services()::text = ''}); # this was no bug: no reason to hold back
is(state_at($taken->{location})->{state}, 'waiting', 'a job whose worker was killed is not lost') if $api->serves;
work('NULL');
is_deeply([ map { "$_->{kind} $_->{content}" } @{ answered($taken->{location})->{events} } ], ['6400 worked'], 'and answered once');
$taken = post(signed());
kill_server($node, 'api');
wait_for($node, q{bigbrotr.start_services()::text = ''});
is_deeply([ map { "$_->{kind} $_->{content}" } @{ answered($taken->{location})->{events} } ], ['6400 worked'], 'what was taken when the server was killed is answered once');

# ---- the service is off

$node->safe_psql('postgres', q{SELECT bigbrotr.stop_service('dvm')});
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'dvm' AND state = 'disabled')});
refused('without the service', 503, qr/55000 .*does not run.*bigbrotr\.services/, signed());

$node->stop;
done_testing();
