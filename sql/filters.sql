-- Filters (NIP-01): the cases of the protocol sheet, plans, the slow reference, extreme events.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
\getenv abs_srcdir PG_ABS_SRCDIR
\set file :abs_srcdir '/test/data/nostr-filter-cases.json'
\set content `cat :'file'`
CREATE TABLE doc AS SELECT :'content'::jsonb AS doc;

SELECT cardinality(_bigbrotr.store_events(
	array_agg(decode(e->>'id', 'hex')), array_agg(decode(e->>'pubkey', 'hex')), array_agg((e->>'created_at')::bigint),
	array_agg((e->>'kind')::integer), array_agg(e->>'tags'), array_agg(e->>'content'), array_agg(decode(e->>'sig', 'hex')),
	array_agg(NULL::bytea), 1)) AS events
FROM doc, jsonb_each(doc->'events') AS x (name, e);
CREATE TABLE names AS SELECT name, decode(e->>'id', 'hex') AS event_id FROM doc, jsonb_each(doc->'events') AS x (name, e);

-- Every case, by indexes and by scan.
CREATE FUNCTION answer(filters jsonb) RETURNS jsonb LANGUAGE sql AS $$
	SELECT coalesce(jsonb_agg(n.name ORDER BY q.n), '[]')
	FROM bigbrotr.query_events(filters) WITH ORDINALITY AS q (eid, created_at, inserted_at, kind, event_id, pubkey, sig, tags, content, raw, n)
	     JOIN names AS n ON n.event_id = q.event_id
$$;
-- The filters come from a table: nothing is known of them while this is planned, so event_matches
-- is the C function and no index helps.
CREATE FUNCTION reference(filters jsonb, as_seen boolean DEFAULT false) RETURNS SETOF bigbrotr.events LANGUAGE sql AS $$
	SELECT DISTINCT ON (e.created_at, e.event_id) e.*
	FROM jsonb_array_elements(CASE jsonb_typeof(filters) WHEN 'array' THEN filters ELSE jsonb_build_array(filters) END) AS f (filter)
	     CROSS JOIN LATERAL (
	         SELECT e.* FROM bigbrotr.events AS e
	         WHERE bigbrotr.event_matches(e, f.filter - 'limit')
	               AND (as_seen OR e.eid IN (SELECT s.eid FROM bigbrotr.events_visible AS s))
	               AND (as_seen OR f.filter ? 'ids' OR e.eid IN (SELECT c.eid FROM bigbrotr.events_current AS c))
	         ORDER BY e.created_at DESC, e.event_id LIMIT (f.filter->>'limit')::bigint) AS e
	ORDER BY e.created_at DESC, e.event_id
$$;
SELECT c->>'note' AS note, answer(c->'filters') AS answer
FROM doc, jsonb_array_elements(doc->'cases') AS c
WHERE answer(c->'filters') <> c->'expect';
SELECT count(*) AS cases,
       count(*) FILTER (WHERE ARRAY(SELECT event_id FROM bigbrotr.query_events(c->'filters')) = ARRAY(SELECT event_id FROM reference(c->'filters'))) AS agree
FROM doc, jsonb_array_elements(doc->'cases') AS c;

-- What is not understood is refused, with the reason.
CREATE FUNCTION refusal(filter jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
BEGIN
	PERFORM bigbrotr.query_events(filter);
	RETURN NULL;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN format('%s %s: %s', SQLSTATE, SQLERRM, detail);
END
$$;
SELECT r->>'note' AS note, refusal(r->'filter') FROM doc, jsonb_array_elements(doc->'refuse') AS r;
SELECT refusal(f) FROM unnest(ARRAY['null', '1', '"x"', '[[]]', '[{}, 1]', '{"limit": 1e30}', '{"search": 1}']::jsonb[]) AS f;
SELECT refusal((SELECT jsonb_agg('{}'::jsonb) FROM generate_series(1, 201)));
SELECT bigbrotr.query_events(NULL);
SELECT bigbrotr.event_matches(e, '{"kind": [1]}') FROM bigbrotr.events AS e;
SELECT bigbrotr.event_matches(e, f) FROM bigbrotr.events AS e, (VALUES ('{"kind": [1]}'::jsonb)) AS v (f);
SELECT _bigbrotr.newest('{"#t": ["a"], "#r": ["b"]}', 1);
SELECT _bigbrotr.newest('{"kinds": [1]}', 1);
SELECT _bigbrotr.tag_matches('[["t","a"]]', 'tt', '{a}');
SELECT _bigbrotr.tag_matches(t, 't', '{a,NULL}'), _bigbrotr.tag_keys(t, 1700000000) FROM unnest(ARRAY['[["t","a"]]', '[["t"],["T","a"],["tt","a"],["1","a"]]', '[["t","A","a"],["t",""]]', '[]']::bigbrotr.tags[]) AS t;

-- Many events, deterministic.
TRUNCATE bigbrotr.events;
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(format('event %s', n)::bytea), sha256(format('author %s', n % 97)::bytea), 1700000000 + n / 3,
       (ARRAY[1, 1, 1, 7, 7, 6, 0, 10002, 30023, 9735])[1 + n % 10],
       jsonb_build_array(jsonb_build_array('t', 'topic' || n % 50), jsonb_build_array('e', encode(sha256(format('event %s', n / 2)::bytea), 'hex')),
                         jsonb_build_array('p', encode(sha256(format('author %s', n % 89)::bytea), 'hex'), '', 'name'), jsonb_build_array('d', 'x' || n % 3)),
       'word' || n % 100, sha256('a') || sha256('b'), 1
FROM generate_series(1, 20000) AS n;
VACUUM ANALYZE bigbrotr.events;

-- Plans: each condition finds its index, and the scan ends with the limit.
SET max_parallel_workers_per_gather = 0;
CREATE FUNCTION explain(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	line text;
BEGIN
	FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) ' || statement LOOP
		CONTINUE WHEN line ~ '^ *Replaces:'; -- since PostgreSQL 19
		line := regexp_replace(line, 'EXISTS(\(SubPlan)', '\1'); -- since 17
		line := regexp_replace(line, 'SubPlan exists_', 'SubPlan '); -- since 19
		RETURN NEXT regexp_replace(line, '[0-9a-f]{64}', '…', 'g');
	END LOOP;
END
$$;
CREATE FUNCTION plan(filters jsonb) RETURNS SETOF text LANGUAGE sql AS $$ SELECT explain(bigbrotr.query_events_sql(filters)) $$;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION hex(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
SELECT plan(jsonb_build_object('ids', jsonb_build_array(hex('event 7'))));
SELECT plan(jsonb_build_object('authors', jsonb_build_array(hex('author 7')), 'limit', 10));
SELECT plan('{"kinds": [7], "limit": 10}');
SELECT plan('{"limit": 10}');
SELECT plan('{"kinds": [1, 7], "limit": 10}');
SELECT plan(jsonb_build_object('authors', jsonb_build_array(hex('author 7'), hex('author 8')), 'kinds', '[1]'::jsonb, 'limit', 10));
SELECT plan('{"kinds": [7], "since": 1700001000, "until": 1700001010, "limit": 10}');
SELECT plan(jsonb_build_object('#e', jsonb_build_array(hex('event 7')), 'limit', 10));
SELECT plan(jsonb_build_object('#p', jsonb_build_array(hex('author 7')), 'kinds', '[9735]'::jsonb));
SELECT plan(jsonb_build_object('#p', jsonb_build_array(hex('author 7')), 'kinds', '[9735]'::jsonb, 'limit', 10));
-- Tags that are more frequent than the kind: walking back in time through the kind is faster.
SELECT plan('{"#t": ["topic1", "topic2", "topic3", "topic4", "topic5", "topic6", "topic7", "topic8", "topic9"], "kinds": [30023], "limit": 1000}');
-- Without statistics too: then the index says how many have a tag.
BEGIN;
DELETE FROM pg_statistic WHERE starelid = 'bigbrotr.events_tags_idx'::regclass;
SELECT plan('{"#t": ["topic1", "topic2", "topic3", "topic4", "topic5", "topic6", "topic7", "topic8", "topic9"], "kinds": [30023], "limit": 1000}');
ROLLBACK;
-- Authors and tags: the rarer of the two leads.
SELECT plan(jsonb_build_object('#e', jsonb_build_array(hex('event 7')), 'authors', jsonb_build_array(hex('author 7')), 'limit', 10));
SELECT bigbrotr.query_events_sql(jsonb_build_object('#t', '["topic1", "topic2", "topic3", "topic4", "topic5", "topic6", "topic7", "topic8", "topic9"]'::jsonb, 'authors', jsonb_build_array(hex('author 7')), 'limit', 10)) ~ 'newest\(.\{"authors"' AS by_author;
SELECT bigbrotr.query_events_sql(jsonb_build_object('#t', '["topic1", "topic2", "topic3", "topic4", "topic5", "topic6", "topic7", "topic8", "topic9"]'::jsonb, 'authors', (SELECT jsonb_agg(hex('author ' || n)) FROM generate_series(0, 96) AS n), 'limit', 10)) ~ 'newest\(.\{"authors"' AS by_author;
-- A tag that ANALYZE did not find often stays rare in a big archive.
BEGIN;
UPDATE pg_class SET reltuples = 1e8 WHERE oid = 'bigbrotr.events'::regclass;
SELECT (_bigbrotr.api_estimate('{"#t": ["never"]}')).count <= 101 AS rare, (_bigbrotr.api_estimate('{"#t": ["topic7"]}')).count > 1e6 AS common;
ROLLBACK;
-- Profiles and lists of relays by their addresses; but only if all kinds are replaceable.
SELECT plan(jsonb_build_object('authors', jsonb_build_array(hex('author 7'), hex('author 8')), 'kinds', '[0, 10002]'::jsonb));
SELECT plan(jsonb_build_object('authors', jsonb_build_array(hex('author 7')), 'kinds', '[0, 1]'::jsonb));
-- With a table of one's own, in a view as well as in the table: an index serves the filter.
CREATE TABLE wanted AS SELECT hex('event ' || n) AS id FROM generate_series(1, 5) AS n;
EXPLAIN (COSTS OFF) SELECT e.content FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, '{"#t": ["topic7"], "#e": ["0000000000000000000000000000000000000000000000000000000000000000"]}');
EXPLAIN (COSTS OFF) SELECT w.id, e.content FROM wanted AS w JOIN bigbrotr.events AS e ON e.event_id = decode(w.id, 'hex')
	WHERE bigbrotr.event_matches(e, '{"kinds": [1], "since": 1700000001}');
EXPLAIN (COSTS OFF) SELECT e.content FROM bigbrotr.events_current AS e WHERE bigbrotr.event_matches(e, '{"kinds": [7], "until": 1700000001}') ORDER BY created_at DESC LIMIT 1;
SELECT explain($$SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, '{"authors": []}')$$);
SELECT count(*) FROM wanted AS w JOIN bigbrotr.events AS e ON e.event_id = decode(w.id, 'hex') WHERE bigbrotr.event_matches(e, '{"kinds": [1], "since": 1700000001}');
SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, '{"#t": ["topic7"]}') AND NOT bigbrotr.event_matches(e, '{"kinds": [1]}');

-- NIP-50: by relevance, with an index or without.
SELECT count(*), min(content) FROM bigbrotr.query_events('{"search": "WORD42 include:spam", "kinds": [0, 1, 6, 7, 9735]}');
SELECT bigbrotr.create_search_index();
ANALYZE bigbrotr.events;
SELECT plan('{"search": "word42"}');
SELECT count(*), min(content) FROM bigbrotr.query_events('{"search": "WORD42 include:spam", "kinds": [0, 1, 6, 7, 9735]}');
SELECT bigbrotr.drop_search_index();

-- By the tag index and without it: the same.
SELECT bigbrotr.count_events('{"#t": ["topic7", "topic8"]}'), bigbrotr.count_events('[{"#t": ["topic7"]}, {"#t": ["topic7"], "limit": 1}]');
SELECT bigbrotr.drop_tag_index();
SELECT bigbrotr.count_events('{"#t": ["topic7", "topic8"]}'), bigbrotr.count_events('[{"#t": ["topic7"]}, {"#t": ["topic7"], "limit": 1}]');
SELECT bigbrotr.create_tag_index();

-- Extreme events are stored and found.
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(convert_to(name, 'UTF8')), sha256('extreme'), at, kind, tags, name, sha256('a') || sha256('b'), 1
FROM (VALUES
	('long value', 1, 1, jsonb_build_array(jsonb_build_array('t', repeat('long ', 12000)))),
	('random value', 1, 1, jsonb_build_array(jsonb_build_array('r', (SELECT string_agg(encode(sha256(n::text::bytea), 'hex'), '') FROM generate_series(1, 1000) AS n)))),
	('many tags', 2, 1, (SELECT jsonb_agg(jsonb_build_array('p', hex(n::text))) FROM generate_series(1, 5000) AS n)),
	('milliseconds', 1700000000000, 1, '[]'),
	('end of time', 9223372036854775807, 30023, '[["d", ""]]'),
	('odd characters', 3, 1, jsonb_build_array(jsonb_build_array('t', E'\u2028"\\\n\U0001F600''')))) AS x (name, at, kind, tags);
SELECT content FROM bigbrotr.query_events(jsonb_build_object('#t', jsonb_build_array(repeat('long ', 12000))));
SELECT content FROM bigbrotr.query_events(jsonb_build_object('#r', jsonb_build_array((SELECT string_agg(encode(sha256(n::text::bytea), 'hex'), '') FROM generate_series(1, 1000) AS n))));
SELECT content FROM bigbrotr.query_events(jsonb_build_object('#p', jsonb_build_array(hex('4321'))));
SELECT content FROM bigbrotr.query_events(jsonb_build_object('#t', jsonb_build_array(E'\u2028"\\\n\U0001F600''')));
SELECT content FROM bigbrotr.query_events('{"since": 1700000000000}');
SELECT content FROM bigbrotr.query_events('{"since": 9223372036854775807, "until": 9223372036854775807}');
SELECT content FROM bigbrotr.query_events('[{"limit": 1}, {"until": 3, "limit": 2}]');

-- A small archive as unequal as real ones: a tag that most events have, an author of a third of them, many events of one
-- second, and of the far future. However the tag index stands, the answers are those of the reference.
SET client_min_messages = warning;
TRUNCATE bigbrotr.events;
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(format('event %s', n)::bytea), sha256(format('author %s', CASE WHEN n % 3 = 0 THEN 0 ELSE n % 40 END)::bytea),
       CASE WHEN n % 7 = 0 THEN 1700000000 WHEN n % 11 = 0 THEN 4102444800 + n % 3 WHEN n % 13 = 0 THEN 1640995200000 + n
            ELSE 1640995200 + n::bigint * 799819 % 94608000 END,
       CASE WHEN n % 29 = 0 THEN 30023 WHEN n % 31 = 0 THEN 0 WHEN n % 37 = 0 THEN 1000 + n % 50 ELSE 1 + n % 2 * 6 END,
       jsonb_build_array(jsonb_build_array('t', 'topic' || floor(2000 ^ (n * 17 % 100 / 100.0))), jsonb_build_array('p', hex('author ' || n % 23)),
                         jsonb_build_array('t', CASE WHEN n % 5 < 4 THEN 'common' ELSE 'seldom' || n % 20 END), jsonb_build_array('d', 'x' || n % 3)),
       '', sha256('a') || sha256('b'), 1
FROM generate_series(1, 3000) AS n;
CREATE TABLE questions AS
SELECT f.filter, ARRAY(SELECT r.event_id FROM reference(f.filter) AS r) AS answer
FROM generate_series(0, 119) AS n CROSS JOIN LATERAL (SELECT jsonb_strip_nulls(jsonb_build_object(
	'#t', CASE n % 5 WHEN 0 THEN '["common"]' WHEN 1 THEN '["seldom4", "topic1"]'
	                 WHEN 2 THEN (SELECT jsonb_agg('topic' || i) FROM generate_series(1, 500) AS i) END,
	'#p', CASE WHEN n % 5 = 3 OR n % 7 = 0 THEN jsonb_build_array(hex('author 0'), hex('author ' || n % 30)) END,
	'kinds', CASE n / 5 % 4 WHEN 1 THEN '[1]' WHEN 2 THEN '[0, 30023]' WHEN 3 THEN (SELECT jsonb_agg(i) FROM generate_series(7, 1040, 3) AS i) END,
	'authors', CASE n / 20 % 3 WHEN 1 THEN jsonb_build_array(hex('author 0'))
	                           WHEN 2 THEN (SELECT jsonb_agg(hex('author ' || i)) FROM generate_series(1, 80) AS i) END,
	'since', CASE WHEN n % 4 = 1 THEN 1660000000 END,
	'until', CASE n % 3 WHEN 1 THEN 1700000000 WHEN 2 THEN 4102444801 END,
	'limit', (ARRAY[1, 10, 100, 1000, NULL])[1 + n / 3 % 5])) AS filter) AS f;
SELECT count(*) || ' questions, ' || count(*) FILTER (WHERE cardinality(answer) > 0) || ' with an answer' FROM questions;
CREATE FUNCTION agreement() RETURNS text LANGUAGE sql AS $$
	SELECT format('%s of %s agree', count(*) FILTER (WHERE ARRAY(SELECT event_id FROM bigbrotr.query_events(filter)) = answer), count(*)) FROM questions
$$;
SELECT agreement();
ANALYZE bigbrotr.events;
SELECT agreement();
-- An index on the same keys with another operator class, made by hand: alone, and older than the right one.
SELECT bigbrotr.drop_tag_index();
CREATE INDEX events_tags_idx ON bigbrotr.events USING gin (_bigbrotr.tag_keys(tags, created_at));
SELECT agreement();
ALTER INDEX bigbrotr.events_tags_idx RENAME TO by_hand;
SELECT bigbrotr.create_tag_index();
SELECT agreement();
DROP INDEX bigbrotr.by_hand;
DROP FUNCTION agreement;
DROP TABLE questions;
RESET client_min_messages;

-- Six years, 100,000 events. A tag that is in a twentieth of them is in no week's statistics; another one was common in half a year, a third in a week.
TRUNCATE bigbrotr.events;
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
SELECT sha256(format('event %s', n)::bytea), sha256(CASE WHEN n % 7 = 3 THEN 'loud' ELSE 'author ' || n % 997 END::bytea), 1590000000 + n * 2000::bigint, 1 + n % 2,
       CASE WHEN n % 20 = 3 THEN '[["t","spread"]]'::jsonb ELSE '[]' END || CASE WHEN n % 2 = 0 AND n BETWEEN 10000 AND 18000 THEN '[["t","old"]]'::jsonb ELSE '[]' END
       || CASE WHEN n BETWEEN 50000 AND 50300 THEN '[["t","week"]]'::jsonb ELSE '[]' END || CASE WHEN n % 3 > 0 THEN '[["l","usual"]]'::jsonb ELSE '[]' END
       || jsonb_build_array(jsonb_build_array('p', encode(sha256(format('author %s', sqrt(n)::integer)::bytea), 'hex')), jsonb_build_array('p', encode(sha256('named'::bytea), 'hex'))),
       '', sha256('a') || sha256('b'), 1
FROM generate_series(1, 100000) AS n;
ANALYZE bigbrotr.events;
-- What is expected and what there is, if they differ by more than a half.
CREATE FUNCTION misjudged(filter jsonb) RETURNS text LANGUAGE sql AS $$
	SELECT format('%s: %s, not %s', filter, e.count, n.count)
	FROM _bigbrotr.api_estimate(filter) AS e, (SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, filter)) AS n
	WHERE abs(e.count - n.count) > greatest(n.count / 2, 150)
$$;
SELECT m FROM unnest(ARRAY['{"#t": ["spread"]}', '{"#t": ["old"]}', '{"#t": ["week"]}', '{"#t": ["spread", "old", "week", "never"]}', '{"#l": ["usual"]}', '{"#t": ["never"]}',
	'{"#t": ["spread"], "since": 1700000000}', '{"#t": ["spread"], "since": 1700000000, "until": 1704000000}', '{"#t": ["spread"], "until": 1590100000}',
	'{"#t": ["old"], "since": 1700000000}', '{"#t": ["week"], "since": 1690000000, "until": 1690500000}', '{"#t": ["spread"], "since": 1900000000}',
	'{"#t": ["spread"], "#l": ["usual"]}']::jsonb[]) AS f, misjudged(f) AS m;
SELECT misjudged(jsonb_build_object('#p', jsonb_build_array(hex('named')))), misjudged(jsonb_build_object('#p', jsonb_build_array(hex('author 7')))),
       misjudged(jsonb_build_object('#p', (SELECT jsonb_agg(hex('author ' || n)) FROM generate_series(1, 300) AS n)));
-- Two frequent conditions: which of them leads, and what is looked up beside it.
SELECT f.filter, regexp_replace(substring(bigbrotr.query_events_sql(f.filter), 'newest\(([^)]*)\)'), '[0-9]+(, |$)', 'most\1') AS newest,
       ARRAY(SELECT event_id FROM bigbrotr.query_events(f.filter)) = ARRAY(SELECT event_id FROM reference(f.filter)) AS agree
FROM unnest(ARRAY['{"#t": ["spread"], "#l": ["usual"], "limit": 1000}', '{"#t": ["old"], "#l": ["usual"], "kinds": [1], "limit": 10000}', '{"#t": ["old"], "#l": ["usual"], "until": 1620000000, "limit": 3000}',
	'{"#t": ["spread", "old"], "#l": ["usual", "never"], "limit": 2500}']::jsonb[]
	|| jsonb_build_object('#t', '["spread"]'::jsonb, 'authors', jsonb_build_array(hex('loud')), 'limit', 300)
	|| jsonb_build_object('#t', '["old"]'::jsonb, 'authors', jsonb_build_array(hex('loud')), 'limit', 300)
	|| jsonb_build_object('#l', '["usual"]'::jsonb, '#t', '["spread", "old"]'::jsonb, 'kinds', '[2]'::jsonb, 'authors', jsonb_build_array(hex('loud'), hex('author 5')), 'limit', 400)) AS f (filter);
-- All that match are returned, in order, and few others.
SELECT n.found @> n.wanted AS complete, cardinality(n.found) < cardinality(n.wanted) + 1000 AS narrowed, n.found = ARRAY(SELECT u FROM unnest(n.found) AS u JOIN bigbrotr.events AS e ON e.eid = u ORDER BY e.created_at DESC, e.event_id) AS ordered
FROM unnest(ARRAY['{"#t": ["old"]}', '{"#l": ["usual"]}', '{"#t": ["old"], "kinds": [2], "since": 1611000000}']::jsonb[]) AS lead,
     unnest(ARRAY[jsonb_build_object('authors', jsonb_build_array(hex('loud'))), jsonb_build_object('#t', '["spread"]'::jsonb),
                  jsonb_build_object('authors', jsonb_build_array(hex('loud'), hex('author 5')), '#t', '["spread", "week"]'::jsonb)]) AS beside,
     LATERAL (SELECT ARRAY(SELECT _bigbrotr.newest(lead, 100, beside)), ARRAY(SELECT e.eid FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, lead) AND bigbrotr.event_matches(e, beside))) AS n (found, wanted);
-- From any time on, in steps of any length.
SELECT count(*) FILTER (WHERE ARRAY(SELECT _bigbrotr.newest(f.filter || jsonb_build_object('until', u), m) LIMIT 20)
	<> ARRAY(SELECT e.eid FROM bigbrotr.events AS e WHERE e.created_at <= u AND (f.filter ? '#p' OR _bigbrotr.tag_matches(e.tags, 'l', '{usual}')) ORDER BY e.created_at DESC, e.event_id LIMIT 20)) AS wrong
FROM unnest(ARRAY[jsonb_build_object('#p', jsonb_build_array(hex('named'))), '{"#l": ["usual"]}']) AS f (filter), generate_series(1591000000, 1830000000, 7100001) AS u, unnest('{1,30,1000}'::bigint[]) AS m;
SELECT _bigbrotr.newest('{"#t": ["a"]}', 1, '{"kinds": [1]}');
SELECT _bigbrotr.newest(jsonb_build_object('authors', jsonb_build_array(hex('loud'))), 1, '{"#t": ["a"]}');
SELECT _bigbrotr.newest('{"#t": ["old"]}', 1, '{"authors": []}');
DROP FUNCTION misjudged;

-- A row that is not there matches nothing, also where the planner sees the filter.
CREATE TABLE filters AS SELECT filter::jsonb FROM unnest(ARRAY['{}', '{"until": 1}', '{"kinds": [1]}']) AS filter;
SELECT count(*) AS none FROM (VALUES (1)) AS v (n) LEFT JOIN bigbrotr.events AS e ON e.kind = -v.n WHERE bigbrotr.event_matches(e, '{}') OR bigbrotr.event_matches(e, '{"until": 1}');
SELECT count(*) AS none FROM filters AS f LEFT JOIN bigbrotr.events AS e ON e.kind = -1 WHERE bigbrotr.event_matches(e, f.filter);
DROP TABLE filters;

-- Many questions in one statement have no more time than one.
SET bigbrotr.query_timeout = '500ms';
SELECT count(_bigbrotr.limit_time('query')), count(pg_sleep(0.1)) FROM generate_series(1, 20);
SELECT bigbrotr.query_events_sql('{"#t": ["x"], "limit": 1}') <> '', pg_sleep(60);
RESET bigbrotr.query_timeout;

DROP FUNCTION plan, refusal, reference, answer, hex;
DROP TABLE doc, names, wanted;
DROP EXTENSION bigbrotr;
