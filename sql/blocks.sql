-- The block list: what is blocked is deleted, does not come back in any way, and is told about.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SET TIME ZONE 'UTC';
SELECT bigbrotr.add_relay('wss://r.example.com') AS r \gset
CREATE TEMP TABLE made AS
	SELECT a || n AS name, x.json, p.event_id, p.pubkey, p.created_at, p.kind, p.tags, p.content, p.sig
	FROM unnest('{a,b}'::text[]) AS a, generate_series(1, 4) AS n,
	     LATERAL (SELECT bigbrotr.sign_event(sha256(a::bytea), 1, a || n, created_at => n) AS json) AS x,
	     LATERAL bigbrotr.parse_event(x.json) AS p;
CREATE FUNCTION pg_temp.deliver() RETURNS TABLE (events bigint, sightings bigint, rejected bigint, missing bigint) LANGUAGE sql AS $$
	SELECT i.events, i.sightings, i.rejected, cardinality(i.missing) FROM
		(SELECT array_agg(event_id) AS ids, array_agg(pubkey) AS pubkeys, array_agg(created_at) AS ats, array_agg(kind) AS kinds, array_agg(tags::text) AS tags,
		        array_agg(content) AS contents, array_agg(sig) AS sigs, array_agg(NULL::bytea) AS raws, array_agg(r.relay_id) AS relays, array_agg(9::bigint) AS seen
		 FROM made, bigbrotr.relays AS r WHERE name NOT LIKE '_4') AS m,
		_bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, ids, relays, seen, 9) AS i
$$;
CREATE FUNCTION pg_temp.archived() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(content, ' ' ORDER BY content) FROM bigbrotr.events $$;
SELECT * FROM pg_temp.deliver();

-- An event: by note1…, and one that is not archived yet by hex digits.
SELECT array_agg(CASE name WHEN 'a1' THEN bigbrotr.note_encode(event_id) ELSE encode(event_id, 'hex') END) AS ids FROM made WHERE name IN ('a1', 'a4') \gset
CALL bigbrotr.block_events(:'ids', ' a court order ');
CALL bigbrotr.block_events(:'ids', 'a court order');
SELECT pg_temp.archived();
SELECT * FROM pg_temp.deliver();
SELECT pg_temp.archived(), (SELECT count(*) FROM bigbrotr.sightings) AS sightings;
SELECT m.name, k.known FROM (SELECT array_agg(name ORDER BY name) AS names, bigbrotr.known_events(array_agg(event_id ORDER BY name)) AS known FROM made) AS b,
	unnest(b.names, b.known) AS m (name, known), LATERAL (SELECT m.known) AS k;

-- An author: what was archived and what comes later.
SELECT bigbrotr.npub_encode(pubkey) AS b FROM made WHERE name = 'b1' \gset
CALL bigbrotr.block_author(:'b', 'spam');
CALL bigbrotr.block_author(:'b', 'spam');
SELECT * FROM pg_temp.deliver();
SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, 'wss://r.example.com', NULL, 1, 9) FROM made WHERE name = 'b4';
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, 'wss://r.example.com', NULL, 1, 9) FROM made WHERE name = 'a2';
ROLLBACK;
SELECT import_id FROM bigbrotr.begin_import('a file') \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(string_agg(json, E'\n' ORDER BY name) || E'\n' || max(json), 'UTF8')) > 0 AS taken FROM made;
SELECT line_count, new_count, known_count, left_out_count, refused_count FROM bigbrotr.import_progress;
SELECT pg_temp.archived();
SELECT name, b.pubkey IS NULL AS itself, b.reason FROM bigbrotr.blocked_events AS b JOIN made USING (event_id) ORDER BY name;
SELECT replace(replace(regexp_replace(e, 'at \d{4}-.* UTC', 'at …'), encode(event_id, 'hex'), name), encode(pubkey, 'hex'), 'author') AS told
	FROM made, bigbrotr.explain_event(encode(event_id, 'hex')) AS e WHERE name IN ('a1', 'b4') ORDER BY name, e DESC;
SELECT * FROM bigbrotr.verify_references();
SELECT * FROM bigbrotr.verify_statistics();

-- Completeness leaves them out of account and says so; asked for one of them, it does not claim to have it.
SELECT _bigbrotr.claim_coverage(:r, 0, 0, 1, 999, 'reconciled', '{}', false, 5, 0, 5000, 5000);
SELECT answer, reasons FROM bigbrotr.completeness('wss://r.example.com', '{}', to_timestamp(1), to_timestamp(9));
SELECT name, c.answer, c.reasons[1] FROM made, LATERAL (VALUES ('ids', event_id), ('authors', pubkey)) AS f (field, value),
	bigbrotr.completeness('wss://r.example.com', jsonb_build_object(field, jsonb_build_array(encode(value, 'hex'))), to_timestamp(1), to_timestamp(9)) AS c
	WHERE name IN ('a1', 'a2', 'b1') ORDER BY name, field;

-- The end of a block: what is delivered again is archived.
SELECT bigbrotr.unblock_events(ARRAY[:'b']);
SELECT bigbrotr.unblock_events(array_agg(encode(event_id, 'hex'))) FROM made;
CALL bigbrotr.unblock_author(:'b');
CALL bigbrotr.unblock_author(:'b');
SELECT * FROM pg_temp.deliver();
SELECT pg_temp.archived();

-- What is no block.
CALL bigbrotr.block_author('nobody', 'why');
CALL bigbrotr.block_author(NULL, 'why');
CALL bigbrotr.block_author(:'b', ' ');
CALL bigbrotr.block_events('{}', 'why');
CALL bigbrotr.block_events('{zz}', 'why');
CALL bigbrotr.block_events(NULL, NULL);
BEGIN;
CALL bigbrotr.block_author(:'b', 'why');
ROLLBACK;
SELECT * FROM bigbrotr.blocked_authors;
DROP TABLE made;
DROP EXTENSION bigbrotr;
