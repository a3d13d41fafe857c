-- The routes of the API: each is called, as the role that answers strangers; and what that role may do.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never

-- An archive: signed events of two authors, two relays, a measurement.
CREATE TABLE made AS
	SELECT n, bigbrotr.sign_event(sha256('author'), 1, 'note ' || n, '[["t", "nostr"]]', 1700000000 + n / 4) AS event FROM generate_series(1, 12) AS n
	UNION ALL SELECT 20, bigbrotr.sign_event(sha256('author'), 0, '{"name": "somebody"}', '[]', 1700000100)
	UNION ALL SELECT 21, bigbrotr.sign_event(sha256('author'), 30023, 'first', '[["d", "paper"]]', 1700000200)
	UNION ALL SELECT 22, bigbrotr.sign_event(sha256('author'), 30023, 'second', '[["d", "paper"]]', 1700000300)
	UNION ALL SELECT 30, bigbrotr.sign_event(sha256('author'), 1, 'protected', '[["-"]]', 1700000400)
	UNION ALL SELECT 31, bigbrotr.sign_event(sha256('other'), 4, 'secret', '[]', 1700000500)
	UNION ALL SELECT 32, bigbrotr.sign_event(sha256('other'), 1059, 'wrapped', '[]', 1700000600)
	UNION ALL SELECT 33, bigbrotr.sign_event(sha256('other'), 1, 'expired', '[["expiration", "1700000701"]]', 1700000700);
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(
	ARRAY(SELECT m.event::jsonb || '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700001000}' FROM made AS m))) AS x;
SELECT count(*) FROM (SELECT bigbrotr.insert_events_batch(
	ARRAY(SELECT m.event::jsonb || '{"relay_url": "wss://two.example.com", "relay_network": "clearnet", "relay_inserted_at": 1700000000, "seen_at": 1700002000}' FROM made AS m WHERE m.n = 1))) AS x;
GRANT SELECT ON made TO bigbrotr_api;

-- As the executors call a route: the values are texts.
CREATE FUNCTION ask(route text, "values" jsonb DEFAULT '{}') RETURNS TABLE (item text, "position" text) LANGUAGE plpgsql AS $$
DECLARE
	statement text := (SELECT DISTINCT c.statement FROM _bigbrotr.api_calls AS c WHERE c.name = route);
	p record;
	rows refcursor;
BEGIN
	FOR p IN SELECT c.place, c.parameter FROM _bigbrotr.api_calls AS c WHERE c.name = route AND c.place IS NOT NULL ORDER BY c.place DESC LOOP
		statement := replace(statement, '$' || p.place || '::', quote_nullable("values" ->> p.parameter) || '::');
	END LOOP;
	IF (SELECT f.prorettype FROM bigbrotr.api_routes AS r JOIN pg_proc AS f ON f.oid = r.function WHERE r.name = route) = 'refcursor'::regtype THEN
		EXECUTE statement INTO STRICT rows;
		LOOP
			FETCH rows INTO item, "position";
			EXIT WHEN NOT FOUND;
			RETURN NEXT;
		END LOOP;
		CLOSE rows;
	ELSE
		RETURN QUERY EXECUTE statement;
	END IF;
END
$$;
-- What goes wrong, as the API tells it.
CREATE FUNCTION refusal(route text, "values" jsonb DEFAULT '{}') RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	PERFORM FROM ask(route, "values");
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END
$$;
CREATE FUNCTION id(number integer) RETURNS text LANGUAGE sql AS 'SELECT m.event::json ->> ''id'' FROM made AS m WHERE m.n = number';

-- Every route has a function, a comment, a statement; optional parameters have the default NULL; each is described.
SELECT r.name, r.method, r.path, r.function, r.shape, r.scope FROM bigbrotr.api_routes AS r ORDER BY r.number;
SELECT p.proname FROM pg_proc AS p WHERE p.proname LIKE 'api\_%' AND p.prosecdef;
SELECT r.name FROM bigbrotr.api_routes AS r WHERE r.description IS NULL;
SELECT r.name, pg_get_expr(p.proargdefaults, 0) FROM bigbrotr.api_routes AS r JOIN pg_proc AS p ON p.oid = r.function
WHERE pg_get_expr(p.proargdefaults, 0) ~* '(^|, )(?!null)';
SELECT DISTINCT a.parameter FROM _bigbrotr.api_parameters AS a
WHERE a.parameter NOT IN ('row_limit', 'after', 'filters', 'eids') AND _bigbrotr.api_parameter_words(a.parameter) IS NULL;
SELECT r.name, k AS no_such_column FROM bigbrotr.api_routes AS r, unnest(r.keyset) AS k
WHERE NOT EXISTS (SELECT FROM _bigbrotr.api_columns AS c WHERE c.route = r.name AND c.column = k);
SELECT name, statement FROM _bigbrotr.api_calls WHERE name IN ('event_relays', 'statistics') AND coalesce(place, 1) = 1;

SET ROLE bigbrotr_api;
-- Events.
SELECT item::json ->> 'content' AS content, item = (SELECT m.event::text FROM made AS m WHERE m.n = 3) AS exact FROM ask('event', jsonb_build_object('id', id(3)));
SELECT item::json ->> 'content' AS content FROM ask('event', jsonb_build_object('id', bigbrotr.note_encode(bigbrotr.event_id(id(3)))));
SELECT item::json ->> 'content' AS content FROM ask('event', jsonb_build_object('id',
	bigbrotr.nip19_encode('naddr', author => bigbrotr.public_key(sha256('author')), kind => 30023, identifier => 'paper')));
SELECT count(*) FROM ask('event', jsonb_build_object('id', repeat('0', 64)));
SELECT refusal('event', '{"id": "note1nothing"}');
SELECT refusal('event', jsonb_build_object('id', bigbrotr.nip19_encode('naddr', author => bigbrotr.public_key(sha256('author')), kind => 1, identifier => '')));
SELECT count(*), min(item::json ->> 'kind') FROM ask('events');
-- Neither what is protected nor what is encrypted nor what has expired.
SELECT n, (SELECT count(*) FROM ask('event', jsonb_build_object('id', id(n)))) AS shown FROM made WHERE n > 29 ORDER BY n;
SELECT item FROM ask('count', '{"kinds": "1,4,1059"}');
-- Private kinds are left out before the planner sees them, else all their events were read to show none.
CREATE FUNCTION pg_temp.plan(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
SELECT line FROM pg_temp.plan(_bigbrotr.public_query_sql('{"kinds": [4], "limit": 1}')) AS line WHERE line ~ 'One-Time|Scan';
SELECT line FROM pg_temp.plan(_bigbrotr.public_count_sql('{"kinds": [1060, 1059, 21059]}')) AS line WHERE line ~ 'One-Time|Scan';
SELECT _bigbrotr.public_query_sql('{"kinds": [1, 4], "limit": 1}') = _bigbrotr.public_query_sql('{"kinds": [1], "limit": 1}') AS left_out;
SELECT item, (SELECT item FROM ask('count', '{"kinds": "13,14,15", "mode": "planned"}')) AS planned FROM ask('count_req', '{"filters": [{"kinds": [4, 1059]}]}');
SELECT (item::json ->> 'count')::bigint >= 0 AS estimated FROM ask('count', '{"kinds": "1", "mode": "planned"}');
SELECT item FROM ask('count_by_filter', '{"body": [{"kinds": [1]}, {"kinds": [0]}]}');
SELECT item FROM ask('count_req', '{"filters": [{"kinds": [1]}, {"kinds": [0]}]}');
-- With the registers of NIP-45 where one value of one tag is asked for; by another way here.
SELECT _bigbrotr.api_hll_offset(f) FROM unnest(ARRAY['[{"#p": ["3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d"]}]', '[{"#t": ["nostr"], "kinds": [1]}]',
	'[{"#A": ["30023:3bf0c63fcb93463407af97a5e5ee64fa883d107ef9e558472c4eb9aaaefa459d:post"]}]', '[{"#t": ["a", "b"]}]', '[{"#t": ["a"], "#p": ["b"]}]', '[{"#t": []}]', '[{"#t": "x"}]',
	'[{"#t": ["a"]}, {"#t": ["a"]}]', '{"#t": ["a"]}', '7', '[7]', '[]']::jsonb[]) AS f;
SELECT item::json ->> 'count' AS count, length(item::json ->> 'hll') AS digits, (SELECT array_agg((n, get_byte(decode(item::json ->> 'hll', 'hex'), n))::text)
	FROM generate_series(0, 255) AS n WHERE get_byte(decode(item::json ->> 'hll', 'hex'), n) > 0) =
	ARRAY(SELECT (get_byte(k, 12), (SELECT min(b) + 1 FROM generate_series(0, 55) AS b WHERE get_bit(k, (13 + b / 8) * 8 + 7 - b % 8) = 1))::text
	      FROM bigbrotr.public_key(sha256('author')) AS k) AS registers
FROM ask('count_req', '{"filters": [{"#t": ["nostr"], "limit": 3}]}');
SELECT item::json ->> 'count' AS count, item::json ->> 'hll' = repeat('0', 512) AS empty FROM ask('count_req', '{"filters": [{"#t": ["nothing"]}]}');
SELECT item::json ->> 'content' AS content FROM ask('events', '{"kinds": "0,1", "since": "1700000002", "until": "1700000002"}') ORDER BY 1;
SELECT item::json ->> 'content' AS content FROM ask('events', jsonb_build_object('authors', bigbrotr.npub_encode(bigbrotr.public_key(sha256('author'))), 'tags', '{"t": ["nostr"]}', 'row_limit', 1, 'since', 1700000003));
SELECT item::json ->> 'content' AS content, position FROM ask('events', '{"search": "note"}') ORDER BY 1 LIMIT 1;
-- Pages join without a gap and without a repetition, of one filter and of several, whatever their size.
CREATE FUNCTION pg_temp.pages(filters jsonb, size integer) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	found text[] := '{}';
	place text;
	page record;
	pages integer := 0;
BEGIN
	LOOP
		SELECT array_agg(a.item::json ->> 'id' ORDER BY a.n) AS ids, (array_agg(a.position ORDER BY a.n DESC))[1] AS last INTO page
		FROM ask('events_by_filter', jsonb_build_object('body', filters, 'row_limit', size, 'after', place::jsonb)) WITH ORDINALITY AS a (item, position, n);
		EXIT WHEN page.ids IS NULL;
		found := found || page.ids;
		place := page.last;
		pages := pages + 1;
	END LOOP;
	RETURN format('%s pages, %s events, as one page: %s', pages, cardinality(found),
		found = ARRAY(SELECT a.item::json ->> 'id' FROM ask('events_by_filter', jsonb_build_object('body', filters)) WITH ORDINALITY AS a (item, position, n) ORDER BY a.n));
END
$$;
SELECT size, pg_temp.pages('{"kinds": [1]}', size) FROM generate_series(1, 13) AS size;
SELECT size, pg_temp.pages('[{"kinds": [1], "since": 1700000002}, {"kinds": [0, 30023]}, {"#t": ["nostr"]}]', size) FROM unnest('{1,3,5}'::integer[]) AS size;
-- The limit of a filter is that of a page: one page does not show all.
SELECT pg_temp.pages('{"kinds": [1], "limit": 5}', 7);
SELECT count(*) FROM ask('events_by_filter', '{"body": {"kinds": [1], "limit": 0}}');
SELECT item::json ->> 'kind' AS kind FROM ask('events_by_filter', '{"body": [{"kinds": [0], "limit": 1}, {"kinds": [30023], "limit": 1}]}');
-- A search has one page, also in an array; one of nothing but extensions is none.
SELECT search, count(*), count(nullif(position, '')) AS positions FROM unnest('{note,language:en,language:en note}'::text[]) AS search,
	ask('events_by_filter', jsonb_build_object('body', jsonb_build_array(jsonb_build_object('search', search, 'kinds', '[1]'::jsonb), '{"kinds": [0]}'::jsonb))) GROUP BY 1 ORDER BY 1;
SELECT pg_temp.pages('{"kinds": [1], "search": "language:en"}', 5);
SELECT refusal('events', '{"kinds": "1,x"}');
SELECT refusal('events', '{"authors": "npub1x"}');
SELECT refusal('events', '{"tags": "[]"}');
SELECT refusal('events', '{"tags": {"long": ["x"]}}');
SELECT refusal('events', '{"after": "[1]"}');
SELECT refusal('events', '{"search": "note", "after": [1700000000, "0000000000000000000000000000000000000000000000000000000000000000"]}');
SELECT refusal('events_by_filter', '{"body": 7}');
SELECT refusal('events_by_filter', '{"body": {"kinds": "x"}}');
SELECT refusal('events_by_filter', '{"body": {"limit": "x"}}');
SELECT refusal('count', '{"mode": "guessed"}');
SELECT item::json ->> 'relay_url' AS relay_url, item::json ->> 'seen_at' AS seen_at, position FROM ask('event_relays', jsonb_build_object('id', id(1)));
SELECT item::json ->> 'relay_url' AS relay_url FROM ask('event_relays', jsonb_build_object('id', id(1), 'after', '["wss://one.example.com"]'));
SELECT refusal('event_relays', jsonb_build_object('id', id(30)));
SELECT item::json -> 'profile' AS profile, item::json -> 'event' ->> 'kind' AS kind FROM ask('profile', jsonb_build_object('pubkey', bigbrotr.to_hex(bigbrotr.public_key(sha256('author')))));
SELECT item::json ->> 'content' AS content FROM ask('req', '{"filters": [{"kinds": [1], "limit": 2}, {"kinds": [30023], "limit": 2}]}');

-- Ids take a way of their own, with the same answers.
SELECT item::json ->> 'content' AS content FROM unnest('{2,9}'::integer[]) AS l, ask('req', jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('ids', (SELECT jsonb_agg(id(n)) FROM unnest('{1,5,21,30,31}'::integer[]) AS n), 'limit', l)))) ORDER BY l, (item::json ->> 'created_at')::bigint DESC;
SELECT item::json ->> 'content' AS content FROM ask('req', jsonb_build_object('filters', jsonb_build_array(jsonb_build_object('ids', jsonb_build_array(id(1)), 'kinds', '[7]'::jsonb))));
SELECT split_part(item, ' ', 1) AS created_at, length(split_part(item, ' ', 2)) AS id FROM ask('records', '{"filters": {"kinds": [0, 30023]}, "row_limit": "5"}');
SELECT item::json ->> 'content' AS content FROM ask('news', jsonb_build_object('eids', (SELECT jsonb_agg(e.eid) FROM bigbrotr.events AS e WHERE e.kind IN (4, 1059, 30023))));

-- Relays, before anything was measured.
SELECT name, refusal(name, '{"nip": "1"}') FROM bigbrotr.api_routes WHERE name LIKE 'v1%' ORDER BY number;
SELECT item::json ->> 'relay_url' AS relay_url, position FROM ask('relays', '{"row_limit": "1"}');
SELECT refusal('relay', '{"url": "wss://three.example.com"}');
RESET ROLE;
UPDATE bigbrotr.relays SET status = 'online' WHERE url LIKE '%one%';
UPDATE bigbrotr.relays SET status = 'offline' WHERE url LIKE '%two%';
INSERT INTO bigbrotr.relays (url, network, inserted_at, status) VALUES
	('ws://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaad.onion', 'tor', 1700000000, 'online'), ('wss://one.example.com/path', 'clearnet', 1700000000, 'unstable');
WITH document AS (
	INSERT INTO _bigbrotr.nip11_documents (hash, name, supported_nips, software, document)
	VALUES (sha256('d'), 'One', '[1, 11, 42]', 'https://strfry.example.com', '{"limitation": {"payment_required": true}, "relay_countries": ["DE"]}') RETURNING nip11_id
), facts AS (
	INSERT INTO _bigbrotr.nip66_facts (hash, facts) VALUES (sha256('f'), '{"geo": {"country": "FR", "as_number": 64500}}') RETURNING nip66_id)
INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, checked_at, nip11_id, nip66_id)
SELECT r.relay_id, 'host', 'site', 1700003000, CASE WHEN r.url = 'wss://one.example.com' THEN d.nip11_id END, CASE WHEN r.url = 'wss://two.example.com' THEN f.nip66_id END
FROM bigbrotr.relays AS r, document AS d, facts AS f;
SET ROLE bigbrotr_api;
SELECT name, network, ARRAY(SELECT item FROM ask(name, jsonb_build_object('nip', '42', 'network', network))) AS urls
FROM bigbrotr.api_routes, unnest(ARRAY[NULL, 'all']) AS network WHERE name LIKE 'v1%' ORDER BY number, network NULLS FIRST;
SELECT refusal('v1_online', '{"network": "x"}');
SELECT v::text AS condition, ARRAY(SELECT item::json ->> 'relay_url' FROM ask('relays', v)) AS relays
FROM unnest(ARRAY['{"status": "online"}', '{"network": "tor"}', '{"nip": "42"}', '{"nip": "43"}', '{"country": "de"}', '{"country": "fr"}', '{"software": "STRFRY"}', '{"after": ["wss://one.example.com"]}']::jsonb[]) AS v;
SELECT refusal('relays', '{"status": "gone"}');
SELECT item::json -> 'status' ->> 'name' AS name, item::json -> 'sync' ->> 'phase' AS phase, item::json -> 'document' -> 'relay_countries' AS countries FROM ask('relay', '{"url": "one.example.com"}');
-- Every route that takes a relay alone answers, or says that it has nothing.
SELECT name, (SELECT count(*) FROM ask(name, '{"url": "wss://one.example.com", "since": "1700000000", "until": "1700001000"}')) AS rows, refusal(name, '{"url": "wss://three.example.com"}')
FROM bigbrotr.api_routes AS r WHERE EXISTS (SELECT FROM _bigbrotr.api_parameters AS a WHERE a.route = r.name AND a.parameter = 'url') ORDER BY number;
SELECT item::json ->> 'answer' AS answer, item::json -> 'reasons' ->> 0 AS reason FROM ask('completeness', '{"url": "wss://one.example.com", "since": "1700000000", "until": "1700001000"}');
SELECT refusal('completeness', '{"url": "wss://one.example.com", "since": "-1", "until": "1"}');
SELECT item FROM ask('statistics');
SELECT item, position FROM ask('statistics_kinds', '{"row_limit": "2", "after": "[0]"}');
SELECT item, position FROM ask('statistics_days');
SELECT item::json ->> 'sighting_count' AS sightings FROM ask('statistics_relays');
SELECT count(*) FROM ask('candidates', '{"state": "waiting"}');
SELECT count(*) FROM ask('services');
SELECT item FROM ask('ready');
-- A relay that has not answered for a day is shown as unknown, whatever it was.
SELECT item FROM ask('badge_json', '{"url": "wss://one.example.com"}');
SELECT item FROM ask('badge_svg', '{"url": "wss://two.example.com"}');

-- What people look at. Texts of relays are cut and escaped.
RESET ROLE;
UPDATE _bigbrotr.nip11_documents SET name = repeat('<b>', 1000), document = document || '{"relay_countries": ["de", "DE", "x", 7, ["FR"], "us"]}';
INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, run, run_since, status_since, last_answer)
SELECT r.relay_id, bigbrotr.unix_now() - 864000, bigbrotr.unix_now(), 'monitor', 'answered', 3, 0, 1700000000, bigbrotr.unix_now() FROM bigbrotr.relays AS r WHERE r.url = 'wss://one.example.com';
INSERT INTO _bigbrotr.relay_outages (relay_id, began, ended, reason)
SELECT h.relay_id, h.first_observed / 86400 * 86400 + 2 * 86400 + 3600, h.first_observed / 86400 * 86400 + 3 * 86400 + 3600, 'x' FROM _bigbrotr.relay_health AS h;
INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_rtt_open, error)
SELECT h.relay_id, h.observed_at / 86400 * 86400 - 86400 + 60 * n, true, CASE WHEN n < 5 THEN n * 10 END, CASE WHEN n = 5 THEN 'x' END FROM _bigbrotr.relay_health AS h, generate_series(1, 5) AS n;
SET ROLE bigbrotr_api;
SELECT item FROM ask('badge_json', '{"url": "wss://one.example.com"}');
SELECT item::json ->> 'relay_url' AS relay_url, item::json ->> 'status' AS status, length(item::json ->> 'name') AS name, item::json ->> 'countries' AS countries, item::json ->> 'paid' AS paid,
       item::json ->> 'sighting_count' AS events, round((item::json ->> 'uptime_30d')::numeric, 2) AS uptime, position
FROM ask('relay_table', '{"sort": "-events"}');
SELECT v::text AS condition, ARRAY(SELECT item::json ->> 'relay_url' FROM ask('relay_table', v)) AS relays
FROM unnest(ARRAY['{"status": "up", "network": "clearnet"}', '{"status": "down"}', '{"nip": "42"}', '{"nip": "43"}', '{"country": "us"}', '{"country": "fr"}', '{"software": "STRFRY"}', '{"paid": "true"}', '{"paid": "false", "part": "ONE"}',
	'{"part": "<b>"}', '{"sort": "status"}', '{"sort": "uptime", "row_limit": "1"}', '{"sort": "-events", "after": [-12, "wss://one.example.com"]}']::jsonb[]) AS v;
SELECT refusal('relay_table', '{"sort": "colour"}');
SELECT refusal('relay_table', '{"status": "gone"}');
SELECT refusal('relay_table', '{"after": ["x", 1]}');
-- One page after the other, in each order: every relay once.
SELECT s, bool_and(p.ids @> a.ids AND cardinality(p.ids) = cardinality(a.ids)) AS all_of_them
FROM unnest('{url,status,latency,uptime,events,since,-status,-latency,-events,-since}'::text[]) AS s,
     LATERAL (SELECT array_agg(item::json ->> 'relay_url') AS ids FROM ask('relay_table', jsonb_build_object('sort', s))) AS a,
     LATERAL (WITH RECURSIVE pages AS (
                  SELECT q.item, q.position FROM ask('relay_table', jsonb_build_object('sort', s, 'row_limit', 1)) AS q
                  UNION ALL SELECT n.item, n.position FROM pages AS g, ask('relay_table', jsonb_build_object('sort', s, 'row_limit', 1, 'after', g.position::jsonb)) AS n)
              SELECT array_agg(item::json ->> 'relay_url') AS ids FROM pages) AS p
GROUP BY s ORDER BY s;
SELECT count(*) AS days, sum((item::json ->> 'down_seconds')::integer) AS down, sum((item::json ->> 'outage_count')::integer) AS days_with_outages,
       sum((item::json ->> 'observed_seconds')::integer) BETWEEN 864000 AND 865000 AS observed FROM ask('relay_days', '{"url": "wss://one.example.com"}');
SELECT item::jsonb - 'began' AS item FROM ask('relay_latencies', '{"url": "wss://one.example.com"}');
SELECT refusal('relay_latencies', '{"url": "wss://one.example.com", "step": "59"}');
SELECT refusal('relay_latencies', '{"url": "wss://one.example.com", "step": "60", "since": "0"}');
SELECT item FROM ask('relay_nips', '{"url": "wss://one.example.com"}');
-- The shares of history are those that were counted last.
SELECT item::jsonb -> 'read_fraction' AS read_fraction, item::jsonb -> 'fractions_counted_at' AS fractions_counted_at FROM ask('overview');
BEGIN;
RESET ROLE;
INSERT INTO _bigbrotr.archive_figures (counted_at, samples)
	VALUES (1790000000, '[{"family": "sync_read_ratio", "value": 0.5}, {"family": "sync_proven_ratio", "value": 0.25}, {"family": "relays", "labels": {}, "value": 9}]');
SET ROLE bigbrotr_api;
SELECT item::jsonb - '{measured_at,last_visit}'::text[] AS item FROM ask('overview');
ROLLBACK;
SELECT item FROM ask('statistics_groups');
-- Without a country of its address, those of its document count.
RESET ROLE;
UPDATE _bigbrotr.nip66_facts SET facts = '{}';
SET ROLE bigbrotr_api;
SELECT item::json ->> 'relay_url' AS relay_url, item::json ->> 'countries' AS countries FROM ask('relay_table', '{"country": "us"}');
SELECT item FROM ask('statistics_groups') WHERE item::json ->> 'aspect' = 'country';
SELECT count(*) AS days, (array_agg(item::json ->> 'up_count'))[1:4] AS up FROM ask('statistics_availability');
SELECT item FROM ask('uptime_badge_json', '{"url": "wss://one.example.com"}');
SELECT item FROM ask('uptime_badge_svg', '{"url": "wss://two.example.com", "days": "7"}');
SELECT refusal('uptime_badge_json', '{"url": "wss://one.example.com", "days": "8"}');
SELECT _bigbrotr.api_share_words(s) FROM unnest('{1,0.99999,0.5,0,NULL}'::double precision[]) AS s;
SELECT _bigbrotr.api_html_text('<a href="x">''&</a>');
SELECT regexp_replace(regexp_replace(item, '<rect.*</rect>', '…'), '[0-9]{4}-[^U]*UTC', 'then') AS item FROM ask('embed', '{"url": "wss://one.example.com"}');

-- The description: each path, and what a client must know of a list.
CREATE TEMPORARY TABLE description AS SELECT item::jsonb AS d FROM ask('openapi');
SELECT d ->> 'openapi' AS openapi, (SELECT count(*) FROM jsonb_object_keys(d -> 'paths')) AS paths, d -> 'servers' AS servers FROM description;
SELECT jsonb_pretty(d -> 'paths' -> '/api/v1/events/{id}/relays') FROM description;
SELECT jsonb_path_query_array(d, '$.**."$ref"') <@ (SELECT jsonb_agg('#/components/schemas/' || k) || '["#/components/responses/Problem", "#/components/responses/RstateError"]' FROM jsonb_object_keys(d -> 'components' -> 'schemas') AS k) AS complete
FROM description;

-- Keys: shown once, stored as their SHA-256; two are never the same.
RESET ROLE;
CREATE TEMPORARY TABLE made_keys AS SELECT bigbrotr.create_api_key('one') AS key
	UNION ALL SELECT bigbrotr.create_api_key('two', '{events,v1_online}', '2100-01-01', bigbrotr.npub_encode(bigbrotr.public_key(sha256('author'))), NULL, 5, 6, 7);
SELECT key ~ '^bb_[0-9a-f]{8}_[0-9a-f]{70}$' AS formed, right(key, 6) = left(encode(sha256(convert_to(left(key, -6), 'UTF8')), 'hex'), 6) AS sum,
       k.prefix = left(key, 11) AS prefix, k.digest = sha256(convert_to(key, 'UTF8')) AS digest, to_jsonb(k)::text LIKE '%' || substr(key, 13) || '%' AS stored
FROM made_keys JOIN _bigbrotr.issued_keys AS k ON k.prefix = left(key, 11);
SELECT count(DISTINCT substr(key, 13)) FROM made_keys;
SELECT name, state, scopes, pubkey = bigbrotr.public_key(sha256('author')) AS pubkey, requests_per_minute AS requests, kilobytes_per_minute AS kilobytes,
       cost_per_minute AS cost, cost_limit AS "limit", request_count, expires_at IS NULL AS endless, used_at FROM bigbrotr.api_keys ORDER BY name;
CREATE FUNCTION pg_temp.key_refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE 'SELECT bigbrotr.' || call;
	RETURN 'none';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END
$$;
SELECT pg_temp.key_refusal(call) FROM unnest(ARRAY[$$create_api_key('')$$, $$create_api_key('x', '{}')$$, $$create_api_key('x', '{events,nothing}')$$, $$create_api_key('x', NULL)$$,
	$$create_api_key('x', '{NULL}')$$, $$create_api_key('x', expires_at => '2000-01-01')$$, $$create_api_key('x', cost_limit => 0)$$, $$create_api_key('x', pubkey => 'npub1x')$$,
	$$create_api_key('x', pubkey => encode(bigbrotr.public_key(sha256('author')), 'hex'))$$, $$revoke_api_key('bb_00000000')$$, $$revoke_api_key($a$' OR true --$a$)$$]) AS call;
SELECT _bigbrotr.add_key_usage(ARRAY[(SELECT key_id FROM _bigbrotr.issued_keys WHERE name = 'one'), 0], '{1,1}', '{200,200}', '{3,3}', at) FROM unnest('{1700000000,1700000010}'::bigint[]) AS at;
SELECT name, request_count, byte_count, cost_sum, extract(epoch FROM used_at)::bigint AS used_at FROM bigbrotr.api_keys WHERE request_count > 0;
SELECT bigbrotr.revoke_api_key(left(key, 11)) AS revoked, bigbrotr.revoke_api_key(key) AS again FROM made_keys;
SELECT state, count(*) FROM bigbrotr.api_keys GROUP BY 1;
-- A public key may have a new one then.
SELECT length(bigbrotr.create_api_key('three', pubkey => encode(bigbrotr.public_key(sha256('author')), 'hex')));

-- The role is a reader and nothing more; it does not even see the keys.
SELECT r.rolcanlogin, r.rolsuper OR r.rolcreaterole OR r.rolcreatedb OR r.rolreplication OR r.rolbypassrls AS powers,
       ARRAY(SELECT m.roleid::regrole::text FROM pg_auth_members AS m WHERE m.member = r.oid) AS member_of
FROM pg_roles AS r WHERE r.rolname = 'bigbrotr_api';
SELECT p.oid::regprocedure FROM pg_proc AS p
WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
      AND has_function_privilege('bigbrotr_api', p.oid, 'EXECUTE') <> has_function_privilege('bigbrotr_reader', p.oid, 'EXECUTE');
SELECT c.oid::regclass, p AS privilege FROM pg_class AS c, unnest('{SELECT,INSERT,UPDATE,DELETE,TRUNCATE,REFERENCES,TRIGGER}'::text[]) AS p
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'v')
      AND has_table_privilege('bigbrotr_api', c.oid, p) <> (p = 'SELECT') ORDER BY c.relname;
SET ROLE bigbrotr_api;
DELETE FROM bigbrotr.events;
SELECT bigbrotr.add_relay('wss://four.example.com');
RESET ROLE;
DROP TABLE description, made, made_keys;
DROP FUNCTION ask, refusal, id, pg_temp.pages, pg_temp.key_refusal;
DROP EXTENSION bigbrotr;
