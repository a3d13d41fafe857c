-- The type of tags: JSON to the outside, packed inside.
CREATE EXTENSION bigbrotr;
SET search_path = public, bigbrotr;
SET default_toast_compression = pglz; -- sizes are shown

-- What comes out is the canonical form, however it went in.
SELECT t::tags FROM unnest(ARRAY['[]', ' [ ] ', '[["e"]]', '[["",""]]', ' [ [ "a" , "b" ] ,' || E'\n\t' || '[ "c" ] ] ',
	'[["\"\\\/\b\f\n\r\t\u0001\u001f\u00e9\ud83d\ude00é😀"]]', '[["p", "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef", "wss://relay.example.com"]]']) AS t;
-- Whatever its items look like, JSON and jsonb are the same as before.
CREATE TABLE samples AS
	SELECT 'one item of ' || n AS what, jsonb_build_array(jsonb_build_array(repeat('x', n))) AS json FROM unnest('{0,1,63,64,65,127,128,250,251,252,16383,16384,60000}'::integer[]) AS n
	UNION ALL SELECT n || ' digits', jsonb_build_array(jsonb_build_array('e', repeat('a', n))) FROM unnest('{62,63,64,65,66,128}'::integer[]) AS n
	UNION ALL SELECT 'other digits', jsonb_build_array(jsonb_build_array(repeat('A', 64), repeat('g', 64), repeat('0', 63) || 'F', repeat('é', 32)))
	UNION ALL SELECT n || ' items', (SELECT jsonb_build_array(jsonb_agg(i::text)) FROM generate_series(1, n) AS i) FROM unnest('{127,128,129,16384}'::integer[]) AS n
	UNION ALL SELECT n || ' tags', (SELECT jsonb_agg(jsonb_build_array('p', encode(sha256(i::text::bytea), 'hex'), i::text)) FROM generate_series(1, n) AS i) FROM unnest('{127,128,5000}'::integer[]) AS n
	UNION ALL SELECT 'odd characters', jsonb_build_array(jsonb_build_array(E'\u2028"\\\n\U0001F600''' || chr(127) || chr(1)));
SELECT what, json::tags::jsonb = json AS jsonb, json::text::tags::text::jsonb = json AS text, json::tags::json::text = json::tags::text AS as_json,
       json::text::tags = json::tags AS equal, jsonb_array_length(json::tags) = jsonb_array_length(json) AS length
FROM samples;
CREATE TABLE stored (what text, tags tags COMPRESSION lz4);
INSERT INTO stored SELECT what, json FROM samples; -- an assignment of jsonb
SELECT count(*) AS all, count(*) FILTER (WHERE s.json = t.tags::jsonb) AS equal FROM samples AS s JOIN stored AS t USING (what);
SELECT pg_column_size(tags) AS size, pg_column_size(json) AS as_jsonb FROM (SELECT json::tags AS tags, json FROM samples WHERE what = '5000 tags') AS s;

-- Binary as jsonb.
SELECT _bigbrotr.tags_send('[["a"]]'), _bigbrotr.tags_send('[["a"]]') = jsonb_send('[["a"]]') AS like_jsonb;
\copy stored TO 'results/tags.copy' (FORMAT binary)
CREATE TABLE copied (LIKE stored);
\copy copied FROM 'results/tags.copy' (FORMAT binary)
SELECT count(*) AS all, count(*) FILTER (WHERE s.tags = c.tags) AS equal FROM stored AS s JOIN copied AS c USING (what);
CREATE TABLE wrong (what text, tags bytea);
INSERT INTO wrong VALUES ('version 2', '\x025b5d');
\copy wrong TO 'results/tags.copy' (FORMAT binary)
\copy copied FROM 'results/tags.copy' (FORMAT binary)
UPDATE wrong SET tags = '\x015b315d';
\copy wrong TO 'results/tags.copy' (FORMAT binary)
\copy copied FROM 'results/tags.copy' (FORMAT binary)

-- What is no tags.
CREATE FUNCTION refusal(tags text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	detail text;
	hint text;
BEGIN
	RETURN tags::bigbrotr.tags;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN format('%s %s: %s %s', SQLSTATE, SQLERRM, detail, left(hint, 20));
END
$$;
SELECT t, refusal(t) FROM unnest(ARRAY['', 'x', '[', '[]]', '[["a"]', '[["a" "b"]]', '[["a",]]', '[["\x"]]', '[["\ud800"]]', '[["\u0000"]]', E'[["\n"]]', '[[''a'']]',
	'{}', '"x"', 'null', '1', '[1]', '["a"]', '[{"a": "b"}]', '[null]', '[[]]', '[["a"], []]', '[[1]]', '[["a", null]]', '[["a", ["b"]]]', '[["a", {}]]', '[["a", 1e999]]']) AS t;
SELECT left(refusal(repeat('[', 100000)), 50);
SELECT '{}'::jsonb::tags;
SELECT '[["a",1]]'::jsonb::tags;
SELECT NULL::tags, NULL::jsonb::tags;

-- All that jsonb can do.
CREATE TABLE few (n integer, tags tags);
INSERT INTO few VALUES (1, '[["e","x","wss://r"],["t","nostr"]]'), (2, '[["p","y"]]'), (3, '[]');
SELECT n, tags -> 0 AS first, tags -> 0 ->> 1 AS value, tags #>> '{1,1}' AS path, tags @> '[["t","nostr"]]' AS nostr, tags ? 'x' AS key,
       jsonb_array_length(tags) AS tags, jsonb_typeof(tags) AS type, tags = '[["p","y"]]' AS equal, tags @? '$[*][*] ? (@ == "y")' AS jsonpath
FROM few ORDER BY n;
SELECT n, tag ->> 0 AS name, tag FROM few, jsonb_array_elements(tags) AS tag ORDER BY n, 2;
SELECT row_to_json(s) AS json, to_jsonb(s) AS jsonb, jsonb_build_object('tags', tags) AS built FROM few AS s WHERE n = 1;
SELECT (jsonb_populate_record(NULL::few, '{"n": 4, "tags": [["a", "b"]]}')).*;
SELECT tags || '[["x"]]'::jsonb AS jsonb, (tags || '[["x"]]'::tags)::tags AS tags, tags - 0 AS without, 'tags: ' || tags AS text FROM few WHERE n = 2;
SELECT coalesce(NULL::tags, '[]'::jsonb) AS "case", pg_typeof(coalesce(NULL::tags, '[]'::jsonb));
-- The same without our schema in the search path.
SET search_path = public;
SELECT n, tags -> 0 ->> 1 AS value, tags @> '[["t","nostr"]]' AS nostr, tags = '[["p", "y"]]' AS equal, tags = '[["p", "y"]]'::jsonb AS equal_jsonb,
       bigbrotr.tag_value('[["a", "b"]]'::jsonb::bigbrotr.tags, 'a') AS from_jsonb, bigbrotr.tag_value('[["a", "b"]]', 'a') AS literal
FROM few ORDER BY n;
SET search_path = public, bigbrotr;

-- Comparison: of the bytes, to group, join and sort.
SELECT a.t < b.t AS lt, a.t <= b.t AS le, a.t = b.t AS eq, a.t <> b.t AS ne, a.t >= b.t AS ge, a.t > b.t AS gt, _bigbrotr.tags_cmp(a.t, b.t) AS cmp
FROM (VALUES ('[["a"]]'::tags), ('[["a"],["b"]]')) AS a (t), (VALUES ('[ ["a"] ]'::tags)) AS b (t);
CREATE TABLE twice AS SELECT * FROM few UNION ALL SELECT * FROM few UNION ALL SELECT 9, '[["t"]]';
SELECT DISTINCT tags FROM twice ORDER BY tags;
SET enable_hashagg = off;
SELECT tags, count(*) FROM twice GROUP BY tags ORDER BY 2, 1;
RESET enable_hashagg;
SET enable_sort = off;
SELECT count(*) FROM (SELECT tags FROM twice GROUP BY tags) AS g;
RESET enable_sort;
SELECT * FROM few UNION SELECT * FROM few INTERSECT SELECT * FROM twice ORDER BY n;
SELECT count(*) FROM few AS a JOIN twice AS b ON a.tags = b.tags;
SET enable_hashjoin = off;
SET enable_nestloop = off;
SELECT count(*) FROM few AS a JOIN twice AS b ON a.tags = b.tags;
RESET enable_hashjoin;
RESET enable_nestloop;
SELECT count(*) FROM few AS a JOIN twice AS b ON a = b;
CREATE UNIQUE INDEX ON few (tags);
CREATE INDEX ON few USING hash (tags);
INSERT INTO few VALUES (7, '[["p", "y"]]');
CREATE TABLE parts (tags tags) PARTITION BY HASH (tags);
CREATE TABLE part PARTITION OF parts FOR VALUES WITH (MODULUS 1, REMAINDER 0);
INSERT INTO parts SELECT tags FROM twice;
ANALYZE stored, twice;
SELECT tablename, n_distinct, null_frac FROM pg_stats WHERE schemaname = 'public' AND attname = 'tags' AND tablename = 'twice';
SELECT amvalidate(oid) FROM pg_opclass WHERE opcname = 'tags_ops';

-- jsonb's own index is possible on the cast.
CREATE INDEX few_jsonb ON few USING gin ((tags::jsonb) jsonb_path_ops);
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT n FROM few WHERE tags @> '[["t","nostr"]]';
SELECT n FROM few WHERE tags @> '[["t","nostr"]]';
RESET enable_seqscan;

DROP TABLE samples, stored, copied, wrong, few, twice, parts;
DROP FUNCTION refusal;
RESET search_path;
DROP EXTENSION bigbrotr;
