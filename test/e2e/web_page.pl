# The page of the archive in Chromium: every page, the questions of a visitor, hostile texts, both colours, a small screen.
# The pictures are in tmp_check/web_page.
use strict;
use warnings;
use FindBin;
use lib "$FindBin::RealBin/../lib";
use ArchiveTest;
use File::Path qw(make_path);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $port = PostgreSQL::Test::Cluster::get_free_port();
my $node = archive_server('web_page', 'bigbrotr.services' => 'api', 'bigbrotr.api_listen' => "127.0.0.1:$port", 'bigbrotr.api_requests_per_minute' => 0);

# Relays of all kinds, the first one with a hostile document; what was measured of them; events, one of them hostile.
my $event = $node->safe_psql('postgres', q{
	INSERT INTO bigbrotr.relays (url, network, inserted_at, status)
	SELECT CASE WHEN n % 10 = 0 THEN 'ws://' || substr(translate(encode(sha256(n::text::bytea), 'hex'), '0189', 'wxyz'), 1, 55) || 'd.onion' ELSE 'wss://relay' || n || '.example.com' END,
	       CASE WHEN n % 10 = 0 THEN 'tor' ELSE 'clearnet' END, 1700000000, ('{unstable,online,online,offline,dead,candidate}'::text[])[1 + n % 6]
	FROM generate_series(1, 130) AS n;
	INSERT INTO _bigbrotr.nip11_documents (hash, name, description, supported_nips, software, version, document)
	SELECT sha256(n::text::bytea), d ->> 'name', d ->> 'description', d -> 'supported_nips', d ->> 'software', '1.0', d
	FROM generate_series(1, 60) AS n, LATERAL (SELECT jsonb_build_object('supported_nips', '[1, 11, 42, 45, 77]'::jsonb, 'relay_countries', jsonb_build_array(('{DE,FI,US}'::text[])[1 + n % 3]),
		'software', ('{"git+https://github.com/hoytech/strfry.git",https://github.com/fiatjaf/khatru}'::text[])[1 + n % 2], 'limitation', jsonb_build_object('payment_required', n % 7 = 0),
		'description', CASE n WHEN 1 THEN '![x](http://evil.example.com/x.png) "><svg onload=alert(1)>' || repeat(' **bomb** ', 10000) ELSE 'A relay for everybody.' END,
		'icon', 'http://evil.example.com/i.png', 'contact', E'\u202emoc.elpmaxe@live\u2066',
		'name', CASE n WHEN 1 THEN E'<script>alert(1)</script>\u202e<img src=http://evil.example.com/y.png onerror=alert(2)>' || repeat('W', 100000) ELSE 'Relay ' || n END) AS d) AS d;
	INSERT INTO _bigbrotr.nip66_facts (hash, facts) VALUES (sha256('f'), '{"nips": {"42": true, "45": false, "77": false}, "server": "<b>nginx</b>"}');
	INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, checked_at, nip11_id, nip66_id, rtt_open, rtt_read)
	SELECT r.relay_id, 'h', 's', bigbrotr.unix_now() - r.relay_id, CASE WHEN r.status IN ('online', 'unstable') THEN 1 + (r.relay_id - 1) % 60 END, CASE WHEN r.status = 'online' THEN 1 END,
	       CASE WHEN r.status IN ('online', 'unstable') THEN 40 + r.relay_id END, CASE WHEN r.status IN ('online', 'unstable') THEN 80 + r.relay_id END FROM bigbrotr.relays AS r;
	INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, reason, run_outcome, run, run_since, status_since, last_answer, last_failure)
	SELECT r.relay_id, t - 70 * 86400, t, 'monitor', o, CASE o WHEN 'failed' THEN 'connect_timeout' ELSE '' END, o, 3, t - 3000, t - 86400 * (r.relay_id % 40), t - 600, t - 90000
	FROM bigbrotr.relays AS r, bigbrotr.unix_now() AS t, LATERAL (SELECT CASE WHEN r.status IN ('online', 'unstable') THEN 'answered' ELSE 'failed' END) AS s (o);
	INSERT INTO _bigbrotr.relay_outages (relay_id, began, ended, reason)
	SELECT h.relay_id, h.observed_at - 86400 * (h.relay_id % 9 + 10 * k), CASE WHEN k > 1 OR h.outcome = 'answered' THEN h.observed_at - 86400 * (h.relay_id % 9 + 10 * k) + 3600 * k * k END, 'connect_timeout'
	FROM _bigbrotr.relay_health AS h, generate_series(1, 6) AS k;
	INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_rtt_open, nip66_rtt_read, error)
	SELECT 1, bigbrotr.unix_now() - 7200 * k, true, CASE WHEN k % 29 > 0 THEN 80 + k % 50 END, CASE WHEN k % 29 > 0 THEN 150 + k % 70 END, CASE WHEN k % 29 = 0 THEN 'connect_timeout' END FROM generate_series(0, 800) AS k;
	INSERT INTO _bigbrotr.relay_stories (relay_id, visited_at, outcome, facts, story)
	VALUES (1, bigbrotr.unix_now() - 90000, 'failed', '{}', '[{"step": "dns", "error": "", "ms": 12}, {"step": "connect", "error": "connect_timeout", "ms": 10000, "address": "203.0.113.7", "port": 443, "detail": "<b>no</b>"}]');
	INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since, oldest) VALUES (1, bigbrotr.unix_now(), bigbrotr.unix_now() - 86400 * 100);
	INSERT INTO bigbrotr.coverage (relay_id, reader, lower, upper, evidence, doubts, events, observed_at)
	SELECT 1, 0, bigbrotr.unix_now() - 86400 * f, bigbrotr.unix_now() - 86400 * u - 1, e, '{}', 0, bigbrotr.unix_now() - 60 FROM (VALUES (100, 30, 'confirmed'), (30, 2, 'paged')) AS v (f, u, e);
	CREATE TABLE made AS
		SELECT n, bigbrotr.sign_event(sha256(('author' || n % 7)::bytea), ('{1,1,7,30023}'::integer[])[1 + n % 4],
			CASE n WHEN 4 THEN E'<script>alert("x")</script> \u202ereversed <img src="http://evil.example.com/a.png"> ![b](http://evil.example.com/b.png) [c](javascript:alert(3))' || repeat(' **bomb**', 10000)
			       WHEN 5 THEN E'\u0645\u0631\u062d\u0628\u0627 \u05e9\u05dc\u05d5\u05dd' WHEN 12 THEN 'coffee of this week' ELSE 'Good morning ' || n END,
			jsonb_build_array(jsonb_build_array('t', CASE WHEN n % 12 = 0 THEN 'coffee' ELSE '<b>nostr</b>' END), jsonb_build_array('d', n::text))::text::bigbrotr.tags,
			bigbrotr.unix_now() - CASE n WHEN 12 THEN 3600 WHEN 24 THEN 7200 ELSE 86400 * (n % 80) + 9 * 86400 END) AS event
		FROM generate_series(1, 120) AS n;
	DO $$ BEGIN PERFORM bigbrotr.insert_events_batch(ARRAY(SELECT m.event::jsonb || jsonb_build_object('relay_url', r.url, 'relay_network', r.network, 'relay_inserted_at', 1, 'seen_at', bigbrotr.unix_now() - 60)
		FROM made AS m JOIN bigbrotr.relays AS r ON r.relay_id <= 2)); END $$;
	SELECT m.event::json ->> 'id' FROM made AS m WHERE m.n = 4});
wait_for($node, q{(bigbrotr.service_stats('api') -> 'custom' ->> 'executors')::integer > 0});

my $pictures = "$PostgreSQL::Test::Utils::tmp_check/web_page";
make_path($pictures);
my @lines = `node $FindBin::RealBin/relay/page.mjs http://127.0.0.1:$port $event $pictures`;
is($?, 0, 'the browser went through all checks');
chomp @lines;
is(scalar @lines, 31, 'all of them');
like($_, qr/: right$/, $_) for @lines;

$node->stop;
done_testing();
