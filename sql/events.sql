-- Events and sightings.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n;

CREATE FUNCTION store(VARIADIC names text[]) RETURNS integer LANGUAGE sql AS $$
	SELECT cardinality(_bigbrotr.store_events(
		array_agg(sha256(n::bytea)), array_agg(sha256('author')), array_agg(1700000000::bigint), array_agg(1),
		array_agg('[["t","x"]]'::text), array_agg(n), array_agg(sha256('a') || sha256('b')), array_agg(NULL::bytea), 1700000001))
	FROM unnest(names) AS n
$$;
SELECT store('a', 'b', 'c');
SELECT store('b', 'c', 'd', 'd');
SELECT _bigbrotr.store_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0);
SELECT bigbrotr.known_events(ARRAY[sha256('d'), sha256('x'), sha256('a'), NULL, sha256('d')]);
-- What is no id is an error: not zero rows.
SELECT bigbrotr.known_events(ARRAY[sha256('a'), '\x79be']);
SELECT bigbrotr.delete_events('{79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798}');
SELECT bigbrotr.known_events('{}');
SELECT * FROM _bigbrotr.store_sightings(ARRAY[sha256('a'), sha256('b'), sha256('a'), sha256('x'), sha256('c')], '{1,1,2,1,99}', '{10,11,12,13,14}') ORDER BY 1;
SELECT * FROM _bigbrotr.store_sightings(ARRAY[sha256('a'), sha256('b'), sha256('c')], '{1,1,1}', '{20,21,22}') ORDER BY 1;
SELECT e.content, v.relay_url, v.seen_at FROM bigbrotr.event_relay AS v JOIN bigbrotr.events AS e USING (event_id) ORDER BY 1, 2;

-- Rubbish has no effect and a precise error.
\set VERBOSITY terse
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0);
SELECT _bigbrotr.store_events(ARRAY['\x00'::bytea], ARRAY[sha256('p')], '{1}', '{1}', '{[]}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], ARRAY[sha256('p')], '{-1}', '{1}', '{[]}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], ARRAY[sha256('p')], '{1}', '{65536}', '{[]}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], ARRAY[sha256('p')], '{1}', '{1}', ARRAY['[["\u0000"]]'], '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], ARRAY[sha256('p')], '{1}', '{1}', ARRAY['[['], '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT _bigbrotr.store_events(ARRAY[sha256('y')], ARRAY[sha256('p')], '{NULL}', '{1}', '{[]}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', 0);
SELECT * FROM _bigbrotr.store_sightings(ARRAY[sha256('a')], '{1,2}', '{1}');
SELECT * FROM _bigbrotr.store_sightings(ARRAY[sha256('a')], '{1}', '{NULL}');
SELECT * FROM _bigbrotr.store_sightings(ARRAY[sha256('c')], '{NULL}', '{1}');
\set VERBOSITY default
SELECT count(*) FROM bigbrotr.events;

-- Rejected for good: known, and counted.
SELECT _bigbrotr.reject_event(sha256('poison'), 1, '22P05', 'no such character', '\x7b7d', 30);
SELECT _bigbrotr.reject_event(sha256('poison'), 2, '22P05', 'again', '\x7b7d', 31);
SELECT bigbrotr.known_events(ARRAY[sha256('poison')]);
SELECT source, relay_url, reason, refusal_count, last_detail FROM bigbrotr.refusals;

-- Every character survives: what is exported hashes to the id again.
CREATE FUNCTION canonical_string(text) RETURNS text LANGUAGE sql AS $$
	-- NIP-01: short escapes, \u00xx for the other control characters, everything else verbatim
	SELECT '"' || coalesce(string_agg(CASE
		WHEN c IN ('\', '"') THEN '\' || c
		WHEN c = E'\n' THEN '\n' WHEN c = E'\r' THEN '\r' WHEN c = E'\t' THEN '\t' WHEN c = E'\b' THEN '\b' WHEN c = E'\f' THEN '\f'
		WHEN ascii(c) < 32 THEN '\u' || lpad(to_hex(ascii(c)), 4, '0')
		ELSE c END, '' ORDER BY n), '') || '"'
	FROM string_to_table($1, NULL) WITH ORDINALITY AS x (c, n)
$$;
CREATE FUNCTION canonical(e json) RETURNS text LANGUAGE sql AS $$
	SELECT format('[0,"%s",%s,%s,[%s],%s]', e->>'pubkey', e->>'created_at', e->>'kind',
		(SELECT string_agg('[' || (SELECT string_agg(canonical_string(v), ',' ORDER BY m)
		                           FROM json_array_elements_text(t) WITH ORDINALITY AS x (v, m)) || ']', ',' ORDER BY n)
		 FROM json_array_elements(e->'tags') WITH ORDINALITY AS y (t, n)),
		canonical_string(e->>'content'))
$$;
CREATE TABLE texts (text) AS
	SELECT chr(n) || 'x' || chr(n) FROM generate_series(1, 1023) AS n
	UNION ALL SELECT unnest(ARRAY['', ' ', '\u0000 is no NUL here', '\', '\\', '"', E'\u2028\u2029\ufeff', E'\U0001F600', '</script>', '[["a"]]', chr(127),
		repeat('long ', 10000)]);
WITH made AS (
	SELECT t.text, format('[["t",%s,"",""],["t",%s,"",""],["%s"]]', to_json(t.text), to_json(t.text), 'z') AS tags FROM texts AS t
), hashed AS (
	SELECT m.*, sha256(convert_to(canonical(json_build_object('pubkey', encode(sha256('author'), 'hex'), 'created_at', 1700000000,
		'kind', 1, 'tags', m.tags::json, 'content', m.text)), 'UTF8')) AS id FROM made AS m
)
SELECT cardinality(_bigbrotr.store_events(array_agg(id), array_agg(sha256('author')), array_agg(1700000000::bigint), array_agg(1),
	array_agg(tags), array_agg(text), array_agg(sha256('a') || sha256('b')), array_agg(NULL::bytea), 1700000001)) AS stored
FROM hashed;
SELECT count(*) AS exported,
       count(*) FILTER (WHERE sha256(convert_to(canonical(bigbrotr.event_json(e)::json), 'UTF8')) = e.event_id) AS exact
FROM bigbrotr.events AS e WHERE e.event_id NOT IN (SELECT sha256(n::bytea) FROM unnest('{a,b,c,d}'::text[]) AS n);
SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e WHERE e.content = E'\nx\n';

-- So does a signed event that was made elsewhere.
CREATE TABLE vector (event) AS SELECT $${"id": "b25fbf4f74b8681042603938c8c376f936075e3e786df1a406f2fec9d6b7f821", "pubkey": "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "created_at": 1735689600, "kind": 1, "tags": [["t", "caf\u00e9"], ["e", "0000000000000000000000000000000000000000000000000000000000000000", "", "root"], ["x", ""], ["quote\"key", "a\\b\nc\td"], ["only-name"]], "content": "quote \" backslash \\ slash / nl\n cr\r tab\t bs\b ff\f u0001\u0001 u001f\u001f del\u007f ls\u2028 ps\u2029 html<>&' e-acute \u00e9 CJK \u5b57 emoji \ud83d\ude00 nbsp\u00a0 zwj\u200d bom\ufeff end", "sig": "8e5941e5cda82f8801bc99fa96ac30190a575a15ca7465e09b0456d688a3273f4545480f2e299b844d8440129f85ff92d5e87cffd6cb4ddb71276dbbc074149e"}$$::json;
SELECT cardinality(_bigbrotr.store_events(ARRAY[decode(event->>'id', 'hex')], ARRAY[decode(event->>'pubkey', 'hex')], ARRAY[(event->>'created_at')::bigint],
	ARRAY[(event->>'kind')::integer], ARRAY[(event->'tags')::text], ARRAY[event->>'content'], ARRAY[decode(event->>'sig', 'hex')], '{NULL}', 6)) FROM vector;
SELECT encode(sha256(convert_to(canonical(bigbrotr.event_json(e)::json), 'UTF8')), 'hex') = v.event->>'id' AS exact
FROM bigbrotr.events AS e, vector AS v WHERE e.event_id = decode(v.event->>'id', 'hex');

-- An event with U+0000: readable columns, exact text.
SELECT cardinality(_bigbrotr.store_events(ARRAY[sha256('nul')], ARRAY[sha256('author')], '{5}', '{1}', ARRAY[E'[["t","\uFFFD"]]'], ARRAY[E'x\uFFFDy'],
	ARRAY[sha256('a') || sha256('b')], ARRAY[convert_to('{"id":"…","tags":[["t","\u0000"]],"content":"x\u0000y"}', 'UTF8')], 6));
SELECT content = E'x\uFFFDy' AS readable, bigbrotr.event_json(e) FROM bigbrotr.events AS e WHERE event_id = sha256('nul');

-- Deletions take sightings along; what no foreign key sees is found.
SELECT bigbrotr.delete_events(ARRAY[sha256('a'), sha256('x')]);
SELECT count(*) FROM bigbrotr.sightings;
SELECT * FROM bigbrotr.verify_references();
DELETE FROM bigbrotr.events WHERE event_id = sha256('b');
INSERT INTO bigbrotr.sightings SELECT e.eid, 77, 1 FROM bigbrotr.events AS e WHERE e.event_id = sha256('c');
SELECT problem, relay_id, rows FROM bigbrotr.verify_references() ORDER BY 1;

DROP FUNCTION store, canonical, canonical_string;
DROP TABLE texts, vector;
DROP EXTENSION bigbrotr;
