# Lists of relays on the web: what the finder makes of those of good and of hostile servers, how seldom it asks, and that
# it asks nobody of itself.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use Compress::Zlib qw(memGzip);
use JSON::PP;
use PostgreSQL::Test::Utils;
use ScriptedRelay;
use Test::More;

my $folder = PostgreSQL::Test::Utils::tempdir();
sub answer
{
	my ($body, @headers) = @_;
	return join "\r\n", 'HTTP/1.1 200 OK', 'Content-Length: ' . length $body, @headers, '', $body;
}
sub sends
{
	my ($bytes) = @_;
	return sub { $_[0]->raw($bytes) };
}

# Each request of this list is a line of the file. It is unchanged once it was read.
my $document = JSON::PP->new->canonical->encode(
	{ relays => [ { url => 'wss://one.com' }, { url => 'https://two.com/' }, { url => [ 'wss://three.com', 7 ] }, { url => 'no relay' }, { url => '10.1.2.3' }, 'wss://four.com' ],
		by => { k1 => [ 'wss://five.com', 'wss://deleted.com' ], k2 => ['wss://one.com'] } });
my $good = sub {
	my ($c) = @_;
	append_to_file("$folder/asked", join(' ', $c->{request} =~ /^(?:If-None-Match|If-Modified-Since|User-Agent): (.*?)\r$/mg) . "\n");
	$c->raw($c->{request} =~ /If-None-Match: "v1"/ ? "HTTP/1.1 304 Not Modified\r\nContent-Length: 0\r\n\r\n" : answer($document, 'ETag: "v1"', 'Last-Modified: yesterday'));
};
my %servers = (
	'/good' => $good,
	'/.well-known/nostr.json' => sends(answer($document)),
	'/lines' => sends(answer("# relays\r\nwss://six.com\r\n\r\nseven.com\r\n")),
	'/moved' => sends("HTTP/1.1 302 Found\r\nLocation: /lines\r\nContent-Length: 0\r\n\r\n"),
	'/chunks' => sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[\"ws\r\nd\r\ns://ten.com\"]\r\n0\r\n\r\n"),
	# libwebsockets understands neither of these two parts of RFC 9112, 7.1.
	'/extension' => sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n16;a=b\r\n[\"wss://extended.com\"]\r\n0\r\n\r\n"),
	'/trailer' => sends("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n15\r\n[\"wss://trailed.com\"]\r\n0\r\nA: b\r\n\r\n"),
	'/zipped' => sends(answer(memGzip('["wss://eight.com"]'), 'Content-Encoding: gzip')),
	'/page' => sends(answer('<html><a href="wss://page.com">relays</a></html>')),
	'/bomb' => sends(answer(memGzip('[' . ' ' x 100_000_000), 'Content-Encoding: gzip')),
	'/large' => sends("HTTP/1.1 200 OK\r\nContent-Length: 104857600\r\n\r\n[" . ' ' x 2_000_000),
	'/endless' => sub { my ($c) = @_; $c->raw("HTTP/1.1 200 OK\r\n\r\n["); $c->raw('"wss://endless.com",' x 1000) while 1; },
	'/latin' => sends(answer("[\"wss://caf\xe9.com\"]", 'Content-Type: application/json; charset=ISO-8859-1')),
	'/deep' => sends(answer('[' x 100_000)),
	'/broken' => sends(answer('["wss://broken.com"')),
	'/half' => sends("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n[\"wss://half.com\"]"),
	'/loop' => sends("HTTP/1.1 301 Moved\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n"),
	'/file' => sends("HTTP/1.1 301 Moved\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n"),
	'/mail' => sends("HTTP/1.1 301 Moved\r\nLocation: http://127.0.0.1:25/\r\nContent-Length: 0\r\n\r\n"),
	'/silent' => sub { my ($c) = @_; append_to_file("$folder/silent", 'x'); $c->fill while 1; },
);
my $server = ScriptedRelay->start(%servers);
my $base = "http://127.0.0.1:$server->{port}";

my $node = archive_server('lists', 'bigbrotr.services' => 'initializer, finder', 'bigbrotr.log_level' => 'debug');
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub net_process { return sql("SELECT bigbrotr.service_stats('finder') -> 'custom' ->> 'net_pid'"); }
sub fetched { return "NOT EXISTS (SELECT FROM bigbrotr.relay_sources WHERE source_state = 'waiting')"; }
sub state_of { return sql("SELECT source_state, http_status, split_part(last_error, ':', 1), named, refused FROM bigbrotr.relay_sources WHERE url = '$base$_[0]'"); }
sub fetch_again
{
	my ($path) = @_;
	sql("UPDATE _bigbrotr.relay_fetches SET next_fetch = 0, fetched_at = NULL WHERE url = '$base$path'");
	wait_for($node, "fetched_at IS NOT NULL FROM _bigbrotr.relay_fetches WHERE url = '$base$path'");
	return;
}

wait_for($node, q{state = 'running' FROM bigbrotr.services WHERE service = 'finder'});
wait_for($node, q{cycle_count > 3 FROM bigbrotr.services WHERE service = 'finder'});
is(net_process(), '', 'without lists there is no net process');

sql(q{SELECT bigbrotr.add_relay('wss://deleted.com')});
sql(q{CALL bigbrotr.delete_relay('wss://deleted.com')});
sql("SELECT bigbrotr.add_relay_source('$base/good', '\$.relays[*].url')");
sql("SELECT bigbrotr.add_relay_source('$base/.well-known/nostr.json', '\$.by.*[*]')");
sql("SELECT bigbrotr.add_relay_source('$base$_', NULL)") for qw(/lines /moved);
sql("SELECT bigbrotr.add_relay_source('$base$_')") for grep { !m{^/(good|lines|moved|silent|\.well-known/nostr\.json)$} } keys %servers, '/none';
wait_for($node, fetched());

is(state_of('/good'), 'read|200||3|2', 'a list is read: what is a relay, and what is not');
is(state_of('/.well-known/nostr.json'), 'read|200||3|0', 'the form of NIP-05');
is(state_of('/lines'), 'read|200||2|0', 'one name a line');
is(state_of('/moved'), 'read|200||2|0', 'a list that has moved');
is(state_of('/chunks'), 'read|200||1|0', 'a list in chunks');
is(state_of('/zipped'), 'read|200||1|0', 'compressed');
my %faults = ('/page' => '200|web_page', '/bomb' => '200|too_large', '/large' => '200|too_large', '/endless' => '200|too_large', '/latin' => '200|bad_charset',
	'/deep' => '200|too_deep', '/broken' => '200|not_json', '/half' => '200|connection_lost', '/extension' => '200|connection_lost', '/trailer' => '200|connection_lost', '/loop' => '301|too_many_redirects', '/file' => '301|bad_redirect',
	'/mail' => '301|blocked_port', '/none' => '404|http_error');
is(state_of($_), "failed|$faults{$_}||", "$_ is a fact about the list") for sort keys %faults;
is(sql(q{SELECT count(*) FROM bigbrotr.candidates WHERE relay_url ~ 'page|endless|broken|half|passwd|extended|trailed'}), 0, 'and names nobody');
is(sql(q{SELECT string_agg(failures::text, '') FROM bigbrotr.relay_sources WHERE source_state = 'failed' AND next_fetch > fetched_at + interval '4 min'}), '1' x keys %faults,
	'each waits before it is fetched again');
is(net_process() =~ /^[1-9]/ ? 'lives' : 'is gone', 'lives', 'the net process has outlived them');
is(sql(q{SELECT bigbrotr.service_stats('finder') -> 'custom' -> 'net_restarts'}), '0', 'and is the first one');

# The path means what it means to PostgreSQL.
for (['/good', '$.relays[*].url'], ['/.well-known/nostr.json', '$.by.*[*]'])
{
	my ($path, $jsonpath) = @$_;
	is(sql("SELECT string_agg(relay_url, ' ' ORDER BY relay_url) FROM bigbrotr.candidate_sources WHERE place = 'web_list' AND source = '$base$path'"),
		sql("SELECT string_agg(DISTINCT n.url, ' ' ORDER BY n.url) FROM jsonb_path_query('$document', '$jsonpath') AS v,
			bigbrotr.normalise_relay_url(v #>> '{}', true) AS n WHERE jsonb_typeof(v) = 'string' AND n.url IS NOT NULL"), "$jsonpath is what PostgreSQL understands by it");
}
is(sql(q{SELECT name, reason, mention_count FROM bigbrotr.candidate_rejects ORDER BY 1, 2}), "|not_a_string|1\nno relay|inner_whitespace|1", 'refused names have their reasons')
  || diag sql('TABLE bigbrotr.candidate_rejects');
is(sql(q{SELECT bool_and(listed AND author_count = 0), sum(mention_count) FROM bigbrotr.candidates WHERE relay_url ~ '(one|six).com'}), 't|4', 'who was named in two lists has two mentions');

# They become relays, but for the one that was deleted.
wait_for($node, q{count(*) >= 7 FROM bigbrotr.relays WHERE network = 'clearnet'});
is(sql(q{SELECT string_agg(substring(url, '\w+\.com'), ' ' ORDER BY url) FROM bigbrotr.relays WHERE network = 'clearnet'}), 'eight.com five.com one.com seven.com six.com ten.com two.com',
	'the relays of a list are relays');
is(sql(q{SELECT candidate_state FROM bigbrotr.candidates WHERE relay_url = 'wss://deleted.com'}), 'deleted', 'what was deleted stays deleted');

# Asked again, a list that has not changed costs nothing.
my $before = sql('SELECT * FROM bigbrotr.candidate_sources ORDER BY 1, 2, 3');
fetch_again('/good');
is(state_of('/good'), 'read|304||3|2', 'an unchanged list');
is(sql('SELECT * FROM bigbrotr.candidate_sources ORDER BY 1, 2, 3'), $before, 'names nobody anew');
my @asked = split /\n/, slurp_file("$folder/asked");
is(scalar @asked, 2, 'it was asked twice');
like($asked[0], qr/^bigbrotr\S*[^"]*$/, 'the first time for all of it');
like($asked[1], qr/"v1"/, 'then for what is new since');
like($asked[1], qr/yesterday/, 'also by its time');
is(sql("SELECT next_fetch - fetched_at FROM bigbrotr.relay_sources WHERE url = '$base/good'"), '1 day', 'and then tomorrow');

# The net process is lost while a list is fetched: that is a failure of the list, and others go on.
sql("SELECT bigbrotr.add_relay_source('$base/silent')");
$node->poll_query_until('postgres', "SELECT (pg_stat_file('$folder/silent', true)).size > 0") or die 'nobody asks';
my $lost = net_process();
kill 'KILL', $lost;
wait_for($node, fetched());
is(state_of('/silent'), 'failed|0|net_process_lost||', 'a list that is fetched when the net process ends has failed');
fetch_again('/lines');
is(state_of('/lines'), 'read|200||2|0', 'another net process fetches the next');
isnt(net_process(), $lost, 'indeed another one');

# Rules that change hold at once.
$node->append_conf('postgresql.conf', "bigbrotr.allow_local_relays = off\n");
$node->reload;
wait_for($node, q{NOT current_setting('bigbrotr.allow_local_relays')::boolean});
fetch_again('/zipped');
is(state_of('/zipped'), 'failed|0|local_address|1|0', 'no list of this machine is fetched');

# Without lists to fetch the net process ends; a dump has the lists, not what came of them.
sql(q{SELECT bigbrotr.disable_relay_source(url) FROM bigbrotr.relay_sources WHERE source_state <> 'example'});
wait_for($node, q{bigbrotr.service_stats('finder') -> 'custom' ->> 'net_pid' = '0'});
pass('the net process ends when there is nothing to fetch');
my $dump = "$folder/archive.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'dump');
$node->safe_psql('postgres', 'CREATE DATABASE copy TEMPLATE template0');
$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $node->connstr('copy'), $dump ], 'restore');
my $lists = 'SELECT url, path, source_state, max_names FROM bigbrotr.relay_sources ORDER BY 1';
is($node->safe_psql('copy', $lists), sql($lists), 'the lists are there');
is($node->safe_psql('copy', 'SELECT count(*) FROM _bigbrotr.relay_fetches'), 0, 'and will be read anew');

$server->stop;
$node->stop;
done_testing();
