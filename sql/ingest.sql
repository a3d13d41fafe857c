-- The bulk way in: by direct table access where the tables are as we made them, else by SQL, and
-- nobody can tell the difference.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SET track_functions = 'pl';
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n;

-- What became of a batch, and whether SQL did it.
CREATE FUNCTION put(names text[], relays integer[] DEFAULT '{1}', kind integer DEFAULT 1,
                    OUT events bigint, OUT sightings bigint, OUT rejected bigint, OUT by_sql bigint) LANGUAGE plpgsql AS $$
DECLARE
	calls bigint := (SELECT coalesce(sum(pg_stat_get_xact_function_calls(p)), 0) FROM unnest(ARRAY[
		'_bigbrotr.store_events(bytea[],bytea[],bigint[],integer[],text[],text[],bytea[],bytea[],bigint)'::regprocedure,
		'_bigbrotr.store_sightings(bytea[],integer[],bigint[])',
		'_bigbrotr.reject_event(bytea,integer,text,text,bytea,bigint)']) AS p);
BEGIN
	SELECT i.* INTO events, sightings, rejected
	FROM (SELECT array_agg(sha256(n::bytea)) AS ids, array_agg(sha256('author')) AS pubkeys,
	             array_agg(1700000000::bigint + length(n) * 86400) AS created_ats, array_agg(put.kind) AS kinds,
	             array_agg('[["t","x"]]'::text) AS tags, array_agg(n) AS contents,
	             array_agg(sha256('a') || sha256('b')) AS sigs, array_agg(NULL::bytea) AS raws
	      FROM unnest(names) AS n) AS e,
	     (SELECT array_agg(sha256(n::bytea)) AS ids, array_agg(r) AS relays, array_agg(5::bigint) AS seen_ats
	      FROM unnest(names) AS n, unnest(relays) AS r) AS s,
	     _bigbrotr.insert_verified_events(e.ids, e.pubkeys, e.created_ats, e.kinds, e.tags, e.contents, e.sigs, e.raws,
	                            s.ids, s.relays, s.seen_ats, 6) AS i;
	by_sql := (SELECT coalesce(sum(pg_stat_get_xact_function_calls(p)), 0) FROM unnest(ARRAY[
		'_bigbrotr.store_events(bytea[],bytea[],bigint[],integer[],text[],text[],bytea[],bytea[],bigint)'::regprocedure,
		'_bigbrotr.store_sightings(bytea[],integer[],bigint[])',
		'_bigbrotr.reject_event(bytea,integer,text,text,bytea,bigint)']) AS p) - calls;
END
$$;
SELECT * FROM put('{a,b,c}');
SELECT * FROM put('{c,b,d,d}', '{1,2,99,2}');
SELECT * FROM put('{a,b,c,d}', '{1}');
SELECT _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ARRAY[sha256('a'), sha256('x')], '{3,3}', '{7,7}', 8);
SELECT _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 8);
SELECT e.content, v.relay_url, v.seen_at FROM bigbrotr.event_relay AS v JOIN bigbrotr.events AS e USING (event_id) ORDER BY 1, 2;
SELECT * FROM bigbrotr.verify_references();

-- That one batch was all new does not promise it of the next: known rows are looked for, and new ones written once.
CREATE FUNCTION written_to(relation regclass, OUT written bigint, OUT removed bigint, OUT scans bigint) LANGUAGE sql RETURN
	(pg_stat_get_xact_tuples_inserted(relation), pg_stat_get_xact_tuples_deleted(relation), pg_stat_get_xact_numscans(relation));
BEGIN;
SELECT * FROM written_to('bigbrotr.events') \gset
SELECT * FROM put(ARRAY(SELECT 'n' || n FROM generate_series(1, 200) AS n) || '{a,b,c,d}');
SELECT w.written - :written AS written, w.removed - :removed AS removed FROM written_to('bigbrotr.events') AS w;
COMMIT;
CREATE TEMPORARY VIEW far_apart AS
	SELECT content FROM bigbrotr.events WHERE content ~ '^n' AND eid % 5 = 0 ORDER BY eid;
-- After eight batches in a row that were all new, the next one is written without a look; what was there is found out by
-- the index: then the batch is written again, with a look (rows written count twice, none is deleted).
SELECT sum(p.sightings) FROM (SELECT content FROM far_apart OFFSET 32) AS f, put(ARRAY[f.content], '{2}') AS p;
BEGIN;
SELECT * FROM written_to('bigbrotr.sightings') \gset
SELECT * FROM put(ARRAY(TABLE far_apart), '{2}');
SELECT w.written - :written AS written, w.removed - :removed AS removed FROM written_to('bigbrotr.sightings') AS w;
COMMIT;
-- From then on eight are not enough.
SELECT sum(p.sightings) FROM (SELECT content FROM far_apart OFFSET 32) AS f, put(ARRAY[f.content], '{3}') AS p;
BEGIN;
SELECT * FROM written_to('bigbrotr.sightings') \gset
SELECT * FROM put(ARRAY(TABLE far_apart), '{3}');
SELECT w.written - :written AS written, w.removed - :removed AS removed FROM written_to('bigbrotr.sightings') AS w;
COMMIT;
SELECT count(*), count(DISTINCT content) FROM bigbrotr.events WHERE content ~ '^n' OR content IN ('a', 'b', 'c', 'd');
SELECT relay_id, count(*), count(DISTINCT eid) FROM bigbrotr.sightings GROUP BY 1 ORDER BY 1;
SELECT * FROM bigbrotr.verify_statistics();
-- Neighbours are read in one go.
SELECT * FROM put(ARRAY(SELECT 'n' || n FROM generate_series(1, 200) AS n), '{2,3}');
SELECT * FROM put(ARRAY(SELECT 'n' || n FROM generate_series(1, 200) AS n), '{1,3,2}');
-- But each by itself where many relays have seen each of them.
BEGIN;
INSERT INTO bigbrotr.sightings SELECT e.eid, r, 1 FROM bigbrotr.events AS e, generate_series(1000, 1099) AS r WHERE e.content ~ '^n';
SELECT pg_stat_get_xact_tuples_returned('bigbrotr.sightings_pkey'::regclass) AS entries \gset
SELECT * FROM put(ARRAY(SELECT 'n' || n FROM generate_series(1, 200) AS n), '{2}');
SELECT pg_stat_get_xact_tuples_returned('bigbrotr.sightings_pkey'::regclass) - :entries < 300 AS few_entries_read;
ROLLBACK;
SELECT bigbrotr.delete_events(array_agg(event_id)) FROM bigbrotr.events WHERE content ~ '^n';
DROP VIEW far_apart;

-- Sightings of what may be known.
SELECT * FROM _bigbrotr.insert_sightings(ARRAY[sha256('c'), sha256('x'), sha256('b'), sha256('c'), '\x00'], '{3,3,99,3,3}', '{7,7,7,8,7}');
SELECT * FROM _bigbrotr.insert_sightings(ARRAY[sha256('c')], '{3}', '{9}');
SELECT * FROM _bigbrotr.insert_sightings('{}', '{}', '{}');
DELETE FROM bigbrotr.sightings WHERE seen_at = 7 AND eid = (SELECT eid FROM bigbrotr.events WHERE content = 'c') RETURNING relay_id;
-- Looking ids up reads no table from its beginning.
BEGIN;
SELECT * FROM written_to('bigbrotr.events') \gset
SELECT bigbrotr.known_events(ARRAY[sha256('a'), sha256('x')]);
SELECT w.scans - :scans AS scans FROM written_to('bigbrotr.events') AS w;
COMMIT;
DROP FUNCTION written_to;

-- What earlier commands of the transaction wrote is seen, what a savepoint undid is not.
BEGIN;
SELECT * FROM put('{e}');
SELECT * FROM put('{e}', '{1,2}');
SAVEPOINT s;
SELECT * FROM put('{f}');
ROLLBACK TO s;
SELECT * FROM put('{f}', '{3}');
DELETE FROM bigbrotr.events WHERE content = 'f';
DELETE FROM bigbrotr.sightings AS s WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS e WHERE e.eid = s.eid);
SELECT * FROM put('{f}', '{3}');
COMMIT;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT * FROM put('{g}');
COMMIT;
SELECT content, count(*) FROM bigbrotr.events AS e JOIN bigbrotr.sightings USING (eid) GROUP BY 1 ORDER BY 1;

-- Further indexes and constraints are kept; whatever else hangs on the tables is left to SQL.
CREATE INDEX extra_expression ON bigbrotr.events ((content || 'x'));
CREATE INDEX extra_gin ON bigbrotr.events USING gin ((tags::jsonb) jsonb_path_ops);
SELECT * FROM put('{h}');
SET enable_seqscan = off;
SELECT content FROM bigbrotr.events WHERE content || 'x' = 'hx';
SELECT count(*) FROM bigbrotr.events WHERE tags @> '[["t","x"]]';
RESET enable_seqscan;
DROP INDEX bigbrotr.extra_expression, bigbrotr.extra_gin;

CREATE FUNCTION nothing() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$;
CREATE TRIGGER mine BEFORE INSERT ON bigbrotr.events FOR EACH ROW EXECUTE FUNCTION nothing();
SELECT * FROM put('{i}');
ALTER TABLE bigbrotr.events DISABLE TRIGGER mine;
SELECT * FROM put('{j}');
DROP TRIGGER mine ON bigbrotr.events;
CREATE TRIGGER mine AFTER INSERT ON bigbrotr.sightings EXECUTE FUNCTION nothing();
SELECT * FROM put('{k}');
SELECT * FROM _bigbrotr.insert_sightings(ARRAY[sha256('k'), sha256('x'), sha256('k')], '{2,2,3}', '{7,7,7}');
DROP TRIGGER mine ON bigbrotr.sightings;
ALTER TABLE bigbrotr.events ENABLE ROW LEVEL SECURITY;
SELECT * FROM put('{l}');
ALTER TABLE bigbrotr.events DISABLE ROW LEVEL SECURITY;
ALTER TABLE bigbrotr.events ADD extra integer;
SELECT * FROM put('{m}');
ALTER TABLE bigbrotr.events ALTER extra SET DEFAULT 7;
SELECT * FROM put('{n}');
ALTER TABLE bigbrotr.events DROP extra;
SELECT * FROM put('{o}');

-- An event that the database refuses is kept whole, with the reason; the others are stored.
ALTER TABLE bigbrotr.events ADD CONSTRAINT mine CHECK (content <> 'poison');
SELECT * FROM put('{q,poison,r}', '{1,2}');
SELECT * FROM put('{q,poison,r}', '{1,2}');
SELECT * FROM put('{s}', '{1}', 65536);
SELECT event_id = sha256('poison') AS poison, relay_id, sqlstate, message, convert_from(raw, 'UTF8')::json ->> 'content' AS content
FROM bigbrotr.event_rejects ORDER BY content;
SELECT content FROM bigbrotr.events WHERE content IN ('q', 'r', 's', 'poison') ORDER BY 1;
SELECT * FROM _bigbrotr.insert_sightings(ARRAY[sha256('q'), sha256('poison'), sha256('y')], '{1,1,1}', '{5,5,5}');
ALTER TABLE bigbrotr.events DROP CONSTRAINT mine;
CREATE UNIQUE INDEX extra_unique ON bigbrotr.events (content);
SELECT * FROM put('{t}');
SELECT _bigbrotr.insert_verified_events(ARRAY[sha256('other')], ARRAY[sha256('p')], '{1}', '{1}', '{[]}', '{t}', ARRAY[sha256('a') || sha256('b')], '{NULL}', '{}', '{}', '{}', 0);
DROP INDEX bigbrotr.extra_unique;
\set VERBOSITY terse
SELECT _bigbrotr.insert_verified_events(ARRAY[sha256('y')], '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0);
SELECT _bigbrotr.insert_verified_events(ARRAY[sha256('y')], ARRAY[NULL::bytea], '{1}', '{1}', '{[]}', '{c}', ARRAY[sha256('a')], '{NULL}', '{}', '{}', '{}', 0);
SELECT _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ARRAY[sha256('y')], '{1,2}', '{1}', 0);
SELECT _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', ARRAY[sha256('y')], '{1}', '{NULL}', 0);
SELECT _bigbrotr.insert_sightings(ARRAY[sha256('y')], '{1,2}', '{1}');
SELECT _bigbrotr.insert_sightings(ARRAY[sha256('y')], '{NULL}', '{1}');
CREATE UNIQUE INDEX extra_late ON bigbrotr.events (content);
ALTER TABLE bigbrotr.events ADD CONSTRAINT extra_late UNIQUE USING INDEX extra_late DEFERRABLE;
SELECT * FROM put('{v}');
ALTER TABLE bigbrotr.events DROP CONSTRAINT extra_late;
SET default_transaction_read_only = on;
SELECT * FROM put('{u}');
RESET default_transaction_read_only;
\set VERBOSITY default

-- Tags become what the input function of their type makes of them, byte for byte; what is no tags is refused.
CREATE TABLE tags (n integer GENERATED ALWAYS AS IDENTITY, tags text);
INSERT INTO tags (tags) VALUES ('[]'), ('[[""]]'), ('[["e","x"],["p"]]'), (' [ [ "a" , "b" ] , [ "c" ] ] '), ('[[]]'), ('[["a",[]]]'), ('[["a",1]]'),
	('[["\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00"]]'), ('{}'), ('"x"'), ('[1]'), ('[["é😀"]]');
INSERT INTO tags (tags) SELECT format('[["%s"],["%s","%s"]]', repeat('x', n), repeat('y', n + 1), n) FROM generate_series(0, 9) AS n;
INSERT INTO tags (tags) SELECT (SELECT json_agg(json_build_array('t', i::text, repeat('z', i % 7))) FROM generate_series(1, n) AS i)::text
	FROM unnest('{31,32,33,63,64,65,100,1000}'::integer[]) AS n;
INSERT INTO tags (tags) SELECT (SELECT json_build_array(json_agg(repeat('z', i % 7))) FROM generate_series(1, n) AS i)::text
	FROM unnest('{31,32,33,63,64,65,100,1000}'::integer[]) AS n;
SELECT i.events, i.rejected FROM (SELECT array_agg(sha256(('tags ' || n)::bytea)) AS ids, array_agg(sha256('p')) AS pubkeys, array_agg(n::bigint) AS ats,
	array_agg(1) AS kinds, array_agg(tags) AS tags, array_agg(''::text) AS contents, array_agg(sha256('a') || sha256('b')) AS sigs, array_agg(NULL::bytea) AS raws FROM tags) AS t,
	_bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, '{}', '{}', '{}', 0) AS i;
SELECT count(*) AS all, count(*) FILTER (WHERE record_image_eq(ROW(e.tags), ROW(t.tags::bigbrotr.tags))) AS equal_to_the_byte
FROM tags AS t JOIN bigbrotr.events AS e ON e.event_id = sha256(('tags ' || n)::bytea);
SELECT _bigbrotr.insert_verified_events(ARRAY[sha256('bad')], ARRAY[sha256('p')], '{1}', '{1}', '{[[}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', '{}', '{}', '{}', 0);
SELECT sqlstate, message, count(*) FROM bigbrotr.event_rejects WHERE event_id IN (SELECT sha256('bad') UNION SELECT sha256(('tags ' || n)::bytea) FROM tags) GROUP BY 1, 2 ORDER BY 1;

-- Rights are those of SQL.
CREATE FUNCTION put_as(who text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	EXECUTE format('SET LOCAL ROLE %I', who);
	RETURN (SELECT events FROM _bigbrotr.insert_verified_events(ARRAY[sha256(who::bytea)], ARRAY[sha256('p')], '{1}', '{1}', '{[]}', '{c}', ARRAY[sha256('a') || sha256('b')], '{NULL}', '{}', '{}', '{}', 0));
EXCEPTION WHEN insufficient_privilege THEN
	RETURN SQLERRM;
END
$$;
SELECT put_as('bigbrotr_worker');
RESET ROLE;
SELECT put_as('bigbrotr_writer');
RESET ROLE;
REVOKE INSERT ON bigbrotr.events FROM bigbrotr_worker;
SELECT put_as('bigbrotr_admin');
RESET ROLE;

-- A list has 100,000 elements at most, whatever way it takes.
CREATE FUNCTION too_many(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	EXECUTE statement USING array_fill('\x'::bytea, ARRAY[100001]), array_fill(1, ARRAY[100001]), array_fill(1::bigint, ARRAY[100001]),
		array_fill('{}'::jsonb, ARRAY[100001]), array_fill('{}'::text, ARRAY[100001]);
	RETURN 'not refused';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(' | ', SQLSTATE, SQLERRM, detail, hint);
END
$$;
SELECT too_many('SELECT bigbrotr.known_events($1)');
SELECT too_many('SELECT _bigbrotr.hold_events($1)');
SELECT too_many('SELECT bigbrotr.delete_events($1)');
SELECT too_many('SELECT _bigbrotr.insert_sightings($1, $2, $3)');
SELECT too_many('SELECT _bigbrotr.store_sightings($1, $2, $3)');
SELECT too_many('SELECT _bigbrotr.hold_relays($2)');
SELECT too_many('SELECT _bigbrotr.record_facts($3)');
SELECT too_many($$SELECT _bigbrotr.insert_verified_events($1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0)$$);
SELECT too_many($$SELECT _bigbrotr.store_events($1, '{}', '{}', '{}', '{}', '{}', '{}', '{}', 0)$$);
SELECT too_many('SELECT bigbrotr.insert_' || name || '_batch($' || n || ')')
FROM unnest(ARRAY['events', 'relays', 'relay_metadata']) AS name, unnest(ARRAY[4, 5]) AS n ORDER BY name, n;
SELECT cardinality(bigbrotr.known_events(array_fill(sha256('x'), ARRAY[100000])));

-- The counts were right all the time.
SELECT * FROM bigbrotr.verify_statistics();
SELECT * FROM bigbrotr.verify_references();
DROP FUNCTION put, put_as, nothing, too_many;
DROP TABLE tags;
DROP EXTENSION bigbrotr;
