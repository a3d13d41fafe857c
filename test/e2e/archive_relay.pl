# The archive as a relay: clients that are not ours read it: that of nostr-tools, NDK, that of rust-nostr.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use IPC::Run qw(start);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = archive_server('archive_relay', 'bigbrotr.services' => 'api', 'bigbrotr.api_listen' => "127.0.0.1:$port", 'bigbrotr.api_requests_per_minute' => 0,
	'bigbrotr.api_traffic_per_minute' => 0, 'bigbrotr.api_cost_per_minute' => 0, 'bigbrotr.api_cost_limit' => 0);

# An expression that makes a signed event: its author (one of three), kind, content, tags, time.
sub signed
{
	my ($author, $kind, $content, $tags, $created_at) = @_;
	return qq{bigbrotr.sign_event(sha256(('author ' || $author)::bytea), $kind, $content, ($tags)::text::bigbrotr.tags, $created_at)::jsonb
		|| '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}'};
}

sub archive
{
	my ($event, $from) = @_;
	return $node->safe_psql('postgres', "SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(ARRAY(SELECT $event FROM $from))) AS x");
}

# Events in few seconds, with tags that meet each other.
archive(
	signed(
		'n % 3', '(ARRAY[1, 1, 1, 7, 1111, 30023])[1 + n % 6]', q{'text "' || n || E'" \u00e4\n'},
		q{jsonb_build_array(jsonb_build_array('d', n::text), jsonb_build_array('t', 't' || n % 7),
			jsonb_build_array('e', encode(sha256((n % 11)::text::bytea), 'hex')),
			jsonb_build_array('p', encode(sha256((n % 5)::text::bytea), 'hex'), 'wss://two.example.com'))},
		'1700000000 + n / 3'),
	'generate_series(1, 400) AS n');
# What nobody may see.
archive(signed('n', 'kind', q{'hidden'}, 'tags', '1700000050'),
	q{(VALUES (1, 4, '[]'), (2, 1059, '[]'), (3, 1, '[["-"]]'), (4, 1, '[["expiration", "1700000051"]]')) AS h (n, kind, tags)});
my $file = PostgreSQL::Test::Utils::tempdir() . '/events';
append_to_file($file, $node->safe_psql('postgres', q{SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e WHERE e.content <> 'hidden'}) . "\n");
wait_for($node, q{(bigbrotr.service_stats('api') -> 'custom' ->> 'executors')::integer > 0});

my ($out, $errors) = ('', '');
my $client = start [ 'node', "$FindBin::RealBin/relay/archive.mjs", "ws://127.0.0.1:$port", $file ], '>', \$out, '2>', \$errors, IPC::Run::timeout(300);
$client->pump until $out =~ /^listening$/m || !$client->pumpable;
archive(signed('1', '1', q{'new'}, q{'[]'}, '1800000001'), '(VALUES (1)) AS v (n)');
ok($client->finish, 'the client went through all checks') or diag $errors;
my @lines = grep { $_ ne 'listening' } split /\n/, $out;
is(scalar @lines, 10, 'all of them');
like($_, qr/: right$/, $_) for @lines;


# ---- NDK and rust-nostr

append_to_file("$file.all", $node->safe_psql('postgres', q{SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e WHERE e.content <> 'hidden'}) . "\n");
($out, $errors) = ('', '');
$client = start [ 'node', "$FindBin::RealBin/clients/clients.mjs", "ws://127.0.0.1:$port", "$file.all" ], '>', \$out, '2>', \$errors, IPC::Run::timeout(300);
$client->pump until ($out =~ /^ndk listens$/m && $out =~ /^rust-nostr listens$/m) || !$client->pumpable;
archive(signed('2', '1', q{'newer'}, q{'[]'}, '1900000001'), '(VALUES (1)) AS v (n)');
ok($client->finish, 'they went through all checks') or diag $errors;
@lines = grep { !/ listens$/ } split /\n/, $out;
is(scalar @lines, 8, 'all of them');
like($_, qr/: right$/, $_) for @lines;

$node->stop;
done_testing();
