-- NIP-01 filters as SQL. The planner replaces event_matches(e, '<filter>') by conditions on columns; query_events() builds a
-- statement from such conditions and runs it.

-- These functions are called for every row, so they have no SET clause, which takes time; the C code qualifies all names. The
-- costs let the planner check cheap conditions before conditions that read tags.
CREATE FUNCTION _bigbrotr.tag_keys(tags bigbrotr.tags, created_at bigint) RETURNS bigint[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys';
COMMENT ON FUNCTION _bigbrotr.tag_keys(bigbrotr.tags, bigint) IS
	'Keys of the tag index: for each tag with a name of one letter, a hash of its name, its first value and the week of the event';

-- The operator class of the tag index (src/archive/tag_index_sql.cpp).
CREATE FUNCTION _bigbrotr.tag_keys_match_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys_match_support';
COMMENT ON FUNCTION _bigbrotr.tag_keys_match_support(internal) IS 'Planner support: estimates the cost of reading the rows of a tag from the tag index';
CREATE FUNCTION _bigbrotr.tag_keys_match(keys bigint[], ranges bigint[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5 SUPPORT _bigbrotr.tag_keys_match_support
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys_match';
COMMENT ON FUNCTION _bigbrotr.tag_keys_match(bigint[], bigint[]) IS
	'Whether a key lies within one of the ranges; ranges: first and last key of each range, inclusive, one after the other';
CREATE FUNCTION _bigbrotr.tag_ranges_selectivity(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges_selectivity';
COMMENT ON FUNCTION _bigbrotr.tag_ranges_selectivity(internal, oid, internal, integer) IS 'Planner support: estimates how many events have a tag';
CREATE OPERATOR _bigbrotr.@@ (LEFTARG = bigint[], RIGHTARG = bigint[], FUNCTION = _bigbrotr.tag_keys_match,
	RESTRICT = _bigbrotr.tag_ranges_selectivity);
COMMENT ON OPERATOR _bigbrotr.@@ (bigint[], bigint[]) IS 'Whether a key lies within one of the ranges';
CREATE FUNCTION _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges';
COMMENT ON FUNCTION _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal) IS 'GIN support: first key of each range';
CREATE FUNCTION _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_compare_tag_range';
COMMENT ON FUNCTION _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal) IS 'GIN support: whether a key lies within a range';
CREATE FUNCTION _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal) RETURNS "char"
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges_found';
COMMENT ON FUNCTION _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal) IS 'GIN support: whether a row has a key of at least one range';
CREATE OPERATOR CLASS _bigbrotr.tag_key_ops FOR TYPE bigint[] USING gin AS
	OPERATOR 1 _bigbrotr.@@,
	FUNCTION 1 btint8cmp(bigint, bigint),
	FUNCTION 2 ginarrayextract(anyarray, internal, internal),
	FUNCTION 3 _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal),
	FUNCTION 5 _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal),
	FUNCTION 6 _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal),
	STORAGE bigint;
COMMENT ON OPERATOR CLASS _bigbrotr.tag_key_ops USING gin IS 'GIN index of keys of tags, searched by ranges';
COMMENT ON OPERATOR FAMILY _bigbrotr.tag_key_ops USING gin IS 'GIN index of keys of tags, searched by ranges';

CREATE FUNCTION _bigbrotr.tag_matches(tags bigbrotr.tags, name text, "values" text[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 3 SUPPORT _bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_matches';
COMMENT ON FUNCTION _bigbrotr.tag_matches(bigbrotr.tags, text, text[]) IS
	'Whether a tag of this name (one letter) has one of the values as its first value; exact, reads the tags without an index';

-- Search (NIP-50). Only the first 100,000 characters of a content are searched, and only the first 10,000 characters of a
-- search text are used, because the parser of a longer search text could overflow the stack.
CREATE FUNCTION _bigbrotr.is_searchable(kind integer) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN kind <> ALL ('{4,13,443,444,445,1059,1234,7375,7376,17375,21059,23194,23195,24133,31234}'::integer[]);
COMMENT ON FUNCTION _bigbrotr.is_searchable(integer) IS 'false for kinds whose content is encrypted';

-- The SET clause keeps the planner from inlining the function: the declared cost of to_tsvector is a fortieth of its true cost.
CREATE FUNCTION _bigbrotr.search_vector(kind integer, content text) RETURNS tsvector
	LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 4000
	SET search_path = pg_catalog, pg_temp
	RETURN CASE WHEN _bigbrotr.is_searchable(kind) THEN to_tsvector('simple'::regconfig, "left"(content, 100000))
	       ELSE ''::tsvector END;
COMMENT ON FUNCTION _bigbrotr.search_vector(integer, text) IS
	'Words of the content of an event; empty for kinds whose content is encrypted';

CREATE FUNCTION _bigbrotr.search_matches(kind integer, content text, words text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN _bigbrotr.search_vector(kind, content) @@ websearch_to_tsquery('simple'::regconfig, "left"(words, 10000))
	       AND _bigbrotr.is_searchable(kind);
COMMENT ON FUNCTION _bigbrotr.search_matches(integer, text, text) IS
	'Whether the content contains the words; words: search text as websearch_to_tsquery reads it';

CREATE FUNCTION _bigbrotr.search_rank(kind integer, content text, words text) RETURNS real
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ts_rank(_bigbrotr.search_vector(kind, content), websearch_to_tsquery('simple'::regconfig, "left"(words, 10000)));
COMMENT ON FUNCTION _bigbrotr.search_rank(integer, text, text) IS 'Relevance of the content for the words, as ts_rank computes it';

CREATE FUNCTION _bigbrotr.event_matches_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_event_matches_support';
COMMENT ON FUNCTION _bigbrotr.event_matches_support(internal) IS 'Planner support: replaces bigbrotr.event_matches with a constant filter by conditions on columns';

-- The table and each of its views need a function of their own, in the schema of the table or view.
DO $event_matches$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY ARRAY['bigbrotr.events', 'bigbrotr.events_current', 'bigbrotr.events_visible', 'bigbrotr.events_as_published',
		'_bigbrotr.public_versions', '_bigbrotr.public_events']
	LOOP
		EXECUTE format(
			$$CREATE FUNCTION %2$s.event_matches(event %1$s, filter jsonb) RETURNS boolean
				LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 SUPPORT _bigbrotr.event_matches_support
				AS 'MODULE_PATHNAME', 'bigbrotr_event_matches'$$, relation, split_part(relation, '.', 1));
		EXECUTE format($$COMMENT ON FUNCTION %2$s.event_matches(%1$s, jsonb) IS
			'Whether the event matches the filter (NIP-01, NIP-50), which has no limit. With a constant filter it uses indexes: SELECT … FROM %1$s AS e WHERE %2$s.event_matches(e, ''{"kinds": [1]}'')'$$, relation, split_part(relation, '.', 1));
	END LOOP;
END
$event_matches$;

-- In a select list this function returns its rows one by one, so that a LIMIT ends it early. It has no SET clause, which would
-- take time for each row.
CREATE FUNCTION _bigbrotr.newest(feed jsonb, most bigint, beside jsonb DEFAULT '{}') RETURNS SETOF bigint
	LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1000
	AS 'MODULE_PATHNAME', 'bigbrotr_newest';
COMMENT ON FUNCTION _bigbrotr.newest(jsonb, bigint, jsonb) IS
	'eids of the events that match a filter with either authors or one tag, and perhaps kinds, since and until, in the order of bigbrotr.query_events. Includes hidden events, and for a filter with a tag also events whose tags the caller must compare. most: number of rows that the caller will probably read. beside: for a filter with a tag, a filter of authors and tags that indexes check too, so that fewer other events are returned';

CREATE FUNCTION bigbrotr.query_events_sql(filters jsonb, as_seen boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_query_sql';
COMMENT ON FUNCTION bigbrotr.query_events_sql(jsonb, boolean) IS
	'The statement that bigbrotr.query_events runs, for EXPLAIN or as a part of other statements';

CREATE FUNCTION _bigbrotr.public_query_sql(filters jsonb) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_public_query_sql';
COMMENT ON FUNCTION _bigbrotr.public_query_sql(jsonb) IS 'Like bigbrotr.query_events_sql, but only for events that may be shown to anybody';

CREATE FUNCTION _bigbrotr.public_count_sql(filters jsonb) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_public_count_sql';
COMMENT ON FUNCTION _bigbrotr.public_count_sql(jsonb) IS 'Like bigbrotr.count_events_sql, but only for events that may be shown to anybody';

CREATE FUNCTION _bigbrotr.announce_search(filters jsonb) RETURNS void
	LANGUAGE plpgsql STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF filters @? '$.search' AND NOT EXISTS (
		SELECT FROM pg_index AS i
		WHERE i.indrelid = 'bigbrotr.events'::regclass AND i.indisvalid
		      AND pg_get_expr(i.indexprs, i.indrelid) LIKE '%search_vector(%')
	THEN
		RAISE NOTICE USING
			MESSAGE = 'search reads every event that the rest of the filter leaves',
			DETAIL = 'There is no index for it.', HINT = 'SELECT bigbrotr.create_search_index(); makes one.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.announce_search(jsonb) IS 'Raises a notice if a filter has search and there is no full-text index, which makes the query slow';

-- The function uses no parallel workers, because most queries end before such workers have started.
CREATE FUNCTION bigbrotr.query_events(filters jsonb, as_seen boolean DEFAULT false) RETURNS SETOF bigbrotr.events
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	AS $$
DECLARE
	statement text := bigbrotr.query_events_sql(filters, as_seen);
BEGIN
	PERFORM _bigbrotr.limit_time('query'), _bigbrotr.announce_search(filters);
	RETURN QUERY EXECUTE statement;
END
$$;
COMMENT ON FUNCTION bigbrotr.query_events(jsonb, boolean) IS
	'Events that match a filter (NIP-01, NIP-50), or an array of filters: newest first, and events of the same second by id; by relevance if the only filter has search. Leaves out deleted, expired and vanished events, and older versions unless the filter has their ids. as_seen true: all events that were delivered';

CREATE FUNCTION bigbrotr.count_events_sql(filters jsonb, as_seen boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_count_sql';
COMMENT ON FUNCTION bigbrotr.count_events_sql(jsonb, boolean) IS 'The statement that bigbrotr.count_events runs';

CREATE FUNCTION bigbrotr.count_events(filters jsonb, as_seen boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	statement text := bigbrotr.count_events_sql(filters, as_seen);
	events bigint;
BEGIN
	PERFORM _bigbrotr.limit_time('query'), _bigbrotr.announce_search(filters);
	EXECUTE statement INTO STRICT events;
	RETURN events;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_events(jsonb, boolean) IS
	'Number of events that match a filter, or at least one of an array of filters; limit is ignored (NIP-45). as_seen: as in bigbrotr.query_events';

CREATE FUNCTION bigbrotr.query_json(filters jsonb, as_seen boolean DEFAULT false) RETURNS json
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(json_agg(bigbrotr.event_json(row(q.eid, q.created_at, q.inserted_at, q.kind, q.event_id, q.pubkey, q.sig,
			q.tags, q.content, q.raw)::bigbrotr.events)::json ORDER BY q.n), '[]')
		FROM bigbrotr.query_events(query_json.filters, query_json.as_seen) WITH ORDINALITY AS q
			(eid, created_at, inserted_at, kind, event_id, pubkey, sig, tags, content, raw, n);
	END;
COMMENT ON FUNCTION bigbrotr.query_json(jsonb, boolean) IS
	'Events of bigbrotr.query_events as one JSON array of exact NIP-01 objects, in the same order';

CREATE FUNCTION bigbrotr.find(text text) RETURNS SETOF bigbrotr.events
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 1
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	named record;
	wanted jsonb;
BEGIN
	IF text ~ '^[0-9a-f]{64}$' THEN
		RETURN QUERY SELECT * FROM bigbrotr.query_events(jsonb_build_object('ids', jsonb_build_array(text)));
		IF FOUND THEN
			RETURN;
		END IF;
		wanted := jsonb_build_object('authors', jsonb_build_array(text), 'kinds', '[0]'::jsonb, 'limit', 1);
	ELSE
		SELECT * INTO named FROM bigbrotr.nip19_decode(text);
		CASE named.type
			WHEN 'note', 'nevent' THEN
				wanted := jsonb_build_object('ids', jsonb_build_array(encode(named.data, 'hex')));
			WHEN 'npub', 'nprofile' THEN
				wanted := jsonb_build_object('authors', jsonb_build_array(encode(named.data, 'hex')), 'kinds', '[0]'::jsonb, 'limit', 1);
			WHEN 'naddr' THEN
				wanted := jsonb_build_object('authors', jsonb_build_array(encode(named.author, 'hex')), 'kinds', jsonb_build_array(named.kind), 'limit', 1);
				IF bigbrotr.kind_class(named.kind) = 'addressable' THEN
					wanted := wanted || jsonb_build_object('#d', jsonb_build_array(named.identifier));
				END IF;
			ELSE
				RAISE invalid_parameter_value USING
					MESSAGE = format('%s names no event', named.type), DETAIL = 'It names a relay.',
					HINT = 'bigbrotr.sync_status shows the relays.';
		END CASE;
	END IF;
	RETURN QUERY SELECT * FROM bigbrotr.query_events(wanted);
END
$$;
COMMENT ON FUNCTION bigbrotr.find(text) IS
	'The archived event that a text names (NIP-19): by id for note1…, nevent1… or 64 hex digits; the current version of an address for naddr1…; the profile (kind 0) of an author for npub1…, nprofile1… or the 64 hex digits of a key. No row: it is not archived. An error if the text names a relay';

-- Optional indexes. A session that waits for a lock on events makes all later sessions wait, so this function waits for
-- two seconds at most. Its callers are SECURITY DEFINER, because only the owner of a table can create an index on it.
CREATE FUNCTION _bigbrotr.set_index(name text, wanted boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '2s'
	AS $$
DECLARE
	definition text := CASE name
		WHEN 'events_tags_idx' THEN '(_bigbrotr.tag_keys(tags, created_at) _bigbrotr.tag_key_ops) WITH (gin_pending_list_limit = 512)'
		WHEN 'events_search_idx' THEN '(_bigbrotr.search_vector(kind, content))' END;
	statement text := format('%I ON bigbrotr.events USING gin %s', name, definition);
BEGIN
	IF definition IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is not an optional index', left(name, 64)),
			DETAIL = 'There are events_tags_idx and events_search_idx.',
			HINT = 'bigbrotr.create_tag_index() and the like call this function.';
	END IF;
	IF NOT wanted THEN
		EXECUTE format('DROP INDEX bigbrotr.%I', name);
		RETURN;
	END IF;
	IF EXISTS (SELECT FROM bigbrotr.events) THEN
		RAISE NOTICE USING
			MESSAGE = 'nothing can be archived while the index is built',
			DETAIL = 'What relays deliver waits until then; nothing is lost.',
			HINT = format('To build it while the archive goes on, cancel this and run: CREATE INDEX CONCURRENTLY %s', statement);
	END IF;
	EXECUTE 'CREATE INDEX ' || statement;
END
$$;
COMMENT ON FUNCTION _bigbrotr.set_index(text, boolean) IS 'Creates (wanted true) or drops an optional index of bigbrotr.events. An error if there is no optional index of this name';

-- The tag index exists from the start, because most filters on Nostr need it. Without it, answers are the same but slower.
-- The short pending list bounds the rows that a search reads beside the index, and the time of the batch that merges the
-- pending list into the index.
CREATE FUNCTION bigbrotr.create_tag_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_tags_idx', true);
	END;
COMMENT ON FUNCTION bigbrotr.create_tag_index() IS
	'Creates the tag index, which conditions on tags use; it exists unless bigbrotr.drop_tag_index was called. Run ANALYZE bigbrotr.events afterwards. Nothing is archived while it is built. CREATE INDEX CONCURRENTLY events_tags_idx ON bigbrotr.events USING gin (_bigbrotr.tag_keys(tags, created_at) _bigbrotr.tag_key_ops) WITH (gin_pending_list_limit = 512) builds it while events are archived';
CREATE FUNCTION bigbrotr.drop_tag_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_tags_idx', false);
	END;
COMMENT ON FUNCTION bigbrotr.drop_tag_index() IS
	'Drops the tag index, for archives that are rarely read: inserts become faster, and conditions on tags read all events that match the rest of the filter';
SELECT bigbrotr.create_tag_index();

CREATE FUNCTION bigbrotr.create_search_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_search_idx', true);
	END;
COMMENT ON FUNCTION bigbrotr.create_search_index() IS
	'Creates the full-text index, which search (NIP-50) uses; without it a search reads every event that matches the rest of the filter. Nothing is archived while it is built. CREATE INDEX CONCURRENTLY events_search_idx ON bigbrotr.events USING gin (_bigbrotr.search_vector(kind, content)) builds it while events are archived';
CREATE FUNCTION bigbrotr.drop_search_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_search_idx', false);
	END;
COMMENT ON FUNCTION bigbrotr.drop_search_index() IS 'Drops the full-text index';
