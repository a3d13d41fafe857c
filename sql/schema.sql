-- What the extension consists of: explained, dumped, out of the way.
CREATE EXTENSION bigbrotr;

-- Every table, view, column, function and the schema has a comment.
SELECT pg_describe_object(d.classid, d.objid, 0) AS without_comment
FROM pg_depend AS d
WHERE d.deptype = 'e' AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'bigbrotr')
      AND (d.classid <> 'pg_class'::regclass
           OR (SELECT relkind FROM pg_class WHERE oid = d.objid) IN ('r', 'p', 'v', 'm'))
      AND d.classid <> 'pg_type'::regclass
      AND obj_description(d.objid, (SELECT relname FROM pg_class WHERE oid = d.classid)) IS NULL
ORDER BY 1;
SELECT a.attrelid::regclass AS relation, a.attname AS column_without_comment
FROM pg_attribute AS a JOIN pg_class AS c ON c.oid = a.attrelid
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'p', 'v', 'm')
      AND a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL
ORDER BY 1, 2;

-- pg_dump takes every table and sequence along, but for counts, which are counted again on restore, and for what
-- workers at work hold.
SELECT c.oid::regclass AS not_dumped
FROM pg_class AS c
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'p', 'S')
      AND c.oid <> ALL ((SELECT extconfig FROM pg_extension WHERE extname = 'bigbrotr')::oid[])
      AND c.relname NOT IN ('statistics', 'statistics_deltas', 'statistics_deltas_delta_id_seq', 'sync_workers', 'relay_leases',
	'finder_queue', 'finder_queue_batch_id_seq', 'named_relays', 'named_relays_name_id_seq', 'naming_authors', 'naming_places', 'naming_deltas', 'naming_deltas_delta_id_seq', 'refused_names', 'relay_fetches', 'archive_figures')
ORDER BY 1;

-- Whatever is updated or deleted can be published.
SELECT c.oid::regclass AS without_identity
FROM pg_class AS c
WHERE c.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND c.relkind IN ('r', 'p')
      AND NOT (c.relreplident = 'd' AND EXISTS (SELECT FROM pg_index AS i WHERE i.indrelid = c.oid AND i.indisprimary))
ORDER BY 1;

-- No function can be led astray by a search path. Immutable C functions run no SQL; what commits as
-- it goes cannot have a setting of its own: it sets the path itself in each of its transactions.
SELECT p.oid::regprocedure AS unsafe
FROM pg_proc AS p JOIN pg_language AS l ON l.oid = p.prolang
WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND p.prosqlbody IS NULL
      AND NOT (l.lanname IN ('c', 'internal') AND (p.provolatile = 'i' OR p.proname IN ('is_current', 'is_visible', 'newest')) OR p.prokind = 'p')
      AND NOT coalesce(p.proconfig, '{}') @> ARRAY['search_path=pg_catalog, pg_temp']
ORDER BY 1;
SELECT p.oid::regprocedure AS definer
FROM pg_proc AS p WHERE p.pronamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND p.prosecdef
ORDER BY 1;

-- With the schema on the search path, aggregates are still found.
SELECT p.oid::regprocedure AS hides_an_aggregate
FROM pg_proc AS p WHERE p.pronamespace = 'bigbrotr'::regnamespace
      AND p.proname IN (SELECT a.proname FROM pg_proc AS a WHERE a.prokind = 'a' AND a.pronamespace = 'pg_catalog'::regnamespace);

-- It lives in its own schemas and leaves with everything.
CREATE EXTENSION bigbrotr;
DROP EXTENSION bigbrotr;
SELECT count(*) FROM pg_namespace WHERE nspname IN ('bigbrotr', '_bigbrotr');
CREATE SCHEMA bigbrotr;
\set SHOW_CONTEXT never
CREATE EXTENSION bigbrotr;
DROP SCHEMA bigbrotr;

-- Archived events do not go along unless that is said.
CREATE ROLE regress_archive_owner SUPERUSER;
SET ROLE regress_archive_owner;
CREATE EXTENSION bigbrotr;
RESET ROLE;
SET bigbrotr.allow_drop_extension = off;
BEGIN;
DROP EXTENSION bigbrotr;
ROLLBACK;
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
VALUES (sha256('a'), sha256('p'), 1, 1, '[]', '', sha256('a') || sha256('b'), 1);
DROP EXTENSION bigbrotr;
DROP EXTENSION IF EXISTS bigbrotr CASCADE;
SET ROLE bigbrotr_reader;
DROP EXTENSION bigbrotr;
RESET ROLE;
-- Nor with statements that do not name the extension.
SET client_min_messages = warning;
BEGIN;
DROP EXTENSION plpgsql CASCADE;
ROLLBACK;
DROP OWNED BY regress_archive_owner CASCADE;
SELECT count(*) FROM bigbrotr.events;
SET bigbrotr.allow_drop_extension = on;
DROP OWNED BY regress_archive_owner CASCADE;
SELECT count(*) FROM pg_extension WHERE extname = 'bigbrotr';
DROP ROLE regress_archive_owner;
