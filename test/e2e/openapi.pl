# The description of the API is valid OpenAPI, and every operation answers as it says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $key = PostgreSQL::Test::Utils::tempdir() . '/key';
append_to_file($key, '0' x 63 . "1\n");
chmod 0600, $key or die "chmod: $!";
my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = archive_server('openapi', 'bigbrotr.services' => 'api, dvm', 'bigbrotr.key_file' => $key, 'bigbrotr.api_listen' => "127.0.0.1:$port");
my $id = $node->safe_psql('postgres', q{
	WITH made AS (
		SELECT bigbrotr.sign_event(decode(lpad('1', 64, '0'), 'hex'), kind, CASE kind WHEN 0 THEN '{"name": "x"}' ELSE 'x' END, '[]', 1700000000 + kind)::jsonb AS event
		FROM unnest('{0,1,30023}'::integer[]) AS kind),
	stored AS (
		SELECT bigbrotr.insert_events_batch(array_agg(m.event
			|| '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 2}')) FROM made AS m)
	SELECT min(m.event ->> 'id') FROM made AS m, (SELECT count(*) FROM stored) AS s});
wait_for($node, q{EXISTS (SELECT FROM bigbrotr.services WHERE service = 'api' AND state = 'running')});
wait_for($node, q{(bigbrotr.service_stats('api') -> 'custom' ->> 'executors')::integer > 0});
wait_for($node, q{EXISTS (SELECT FROM _bigbrotr.job_provider WHERE pubkey IS NOT NULL)});
my $request = $node->safe_psql('postgres', q{SELECT bigbrotr.sign_event(sha256('customer'), 5400, '', '[]', bigbrotr.unix_now())});

my $described = $node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.api_routes WHERE shape <> 'hidden'});
my @lines = `node $FindBin::RealBin/relay/openapi.mjs http://127.0.0.1:$port $id '$request'`;
chomp @lines;
is($?, 0, 'the description is valid, and the answers are as it says');
is(scalar @lines, $described, 'every operation');
like($_, qr/ right$/, $_) for @lines;
is(scalar(grep { / 20[02] / } @lines), $described - 48, 'all but those that need a measurement, or are not served, answer with something');

$node->stop;
done_testing();
