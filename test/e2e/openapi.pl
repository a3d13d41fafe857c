# The description of the API is valid OpenAPI, and every operation answers as it says.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use PostgreSQL::Test::Cluster;
use Test::More;

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = archive_server('openapi', 'bigbrotr.services' => 'api', 'bigbrotr.api_listen' => "127.0.0.1:$port");
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

my $described = $node->safe_psql('postgres', q{SELECT count(*) FROM bigbrotr.api_routes WHERE shape <> 'hidden'});
my @lines = `node $FindBin::RealBin/relay/openapi.mjs http://127.0.0.1:$port $id`;
chomp @lines;
is($?, 0, 'the description is valid, and the answers are as it says');
is(scalar @lines, $described, 'every operation');
like($_, qr/ right$/, $_) for @lines;
is(scalar(grep { / 200 / } @lines), $described - 48, 'all but those that need a measurement, or are not served, answer with something');

$node->stop;
done_testing();
