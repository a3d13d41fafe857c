-- NIP-01 filters as SQL. event_matches(e, '<filter>') becomes plain conditions while the statement
-- is planned; query_events() runs a statement made of them.

-- Called for every row, so without a SET clause; the C code names everything in full. The costs put cheap
-- conditions before those that read tags.
CREATE FUNCTION _bigbrotr.tag_keys(tags bigbrotr.tags, created_at bigint) RETURNS bigint[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys';
COMMENT ON FUNCTION _bigbrotr.tag_keys(bigbrotr.tags, bigint) IS
	'For each tag with a name of one letter, a hash of name and first value with the week of the event: what the tag index holds';

-- The operator class of the tag index (src/archive/tag_index_sql.cpp).
CREATE FUNCTION _bigbrotr.tag_keys_match_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys_match_support';
COMMENT ON FUNCTION _bigbrotr.tag_keys_match_support(internal) IS 'Tells the planner what it costs to read a tag''s places of rows from the tag index';
CREATE FUNCTION _bigbrotr.tag_keys_match(keys bigint[], ranges bigint[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5 SUPPORT _bigbrotr.tag_keys_match_support
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys_match';
COMMENT ON FUNCTION _bigbrotr.tag_keys_match(bigint[], bigint[]) IS
	'Whether a key lies within one of the ranges: of each the first and the last key, one range after the other';
CREATE FUNCTION _bigbrotr.tag_ranges_selectivity(internal, oid, internal, integer) RETURNS double precision
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges_selectivity';
COMMENT ON FUNCTION _bigbrotr.tag_ranges_selectivity(internal, oid, internal, integer) IS 'Tells the planner how many events have a tag';
CREATE OPERATOR _bigbrotr.@@ (LEFTARG = bigint[], RIGHTARG = bigint[], FUNCTION = _bigbrotr.tag_keys_match,
	RESTRICT = _bigbrotr.tag_ranges_selectivity);
COMMENT ON OPERATOR _bigbrotr.@@ (bigint[], bigint[]) IS 'Whether a key lies within one of the ranges';
CREATE FUNCTION _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges';
COMMENT ON FUNCTION _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal) IS 'GIN: the first keys of ranges';
CREATE FUNCTION _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_compare_tag_range';
COMMENT ON FUNCTION _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal) IS 'GIN: whether a key lies within a range';
CREATE FUNCTION _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal) RETURNS "char"
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_ranges_found';
COMMENT ON FUNCTION _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal) IS 'GIN: whether a row has a key of one range at least';
CREATE OPERATOR CLASS _bigbrotr.tag_key_ops FOR TYPE bigint[] USING gin AS
	OPERATOR 1 _bigbrotr.@@,
	FUNCTION 1 btint8cmp(bigint, bigint),
	FUNCTION 2 ginarrayextract(anyarray, internal, internal),
	FUNCTION 3 _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal),
	FUNCTION 5 _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal),
	FUNCTION 6 _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal),
	STORAGE bigint;
COMMENT ON OPERATOR CLASS _bigbrotr.tag_key_ops USING gin IS 'Keys of tags, found by ranges';
COMMENT ON OPERATOR FAMILY _bigbrotr.tag_key_ops USING gin IS 'Keys of tags, found by ranges';

CREATE FUNCTION _bigbrotr.tag_matches(tags bigbrotr.tags, name text, "values" text[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 3 SUPPORT _bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_matches';
COMMENT ON FUNCTION _bigbrotr.tag_matches(bigbrotr.tags, text, text[]) IS
	'Whether a tag of that name (one letter) has one of the values as its first value: exact, without an index';

-- NIP-50. Only the first 100,000 characters of a content are searched, and only the first 10,000 of a search text are
-- used: parsing a longer one could overflow the stack.
CREATE FUNCTION _bigbrotr.is_searchable(kind integer) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN kind <> ALL ('{4,13,443,444,445,1059,1234,7375,7376,17375,21059,23194,23195,24133,31234}'::integer[]);
COMMENT ON FUNCTION _bigbrotr.is_searchable(integer) IS 'false for kinds whose content is encrypted';

-- The setting keeps the planner from replacing the function by its body: to_tsvector says that it costs a fortieth of that.
CREATE FUNCTION _bigbrotr.search_vector(kind integer, content text) RETURNS tsvector
	LANGUAGE sql IMMUTABLE PARALLEL SAFE COST 4000
	SET search_path = pg_catalog, pg_temp
	RETURN CASE WHEN _bigbrotr.is_searchable(kind) THEN to_tsvector('simple'::regconfig, "left"(content, 100000))
	       ELSE ''::tsvector END;
COMMENT ON FUNCTION _bigbrotr.search_vector(integer, text) IS
	'Words of an event''s content; none for kinds whose content is encrypted';

CREATE FUNCTION _bigbrotr.search_matches(kind integer, content text, words text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN _bigbrotr.search_vector(kind, content) @@ websearch_to_tsquery('simple'::regconfig, "left"(words, 10000))
	       AND _bigbrotr.is_searchable(kind);
COMMENT ON FUNCTION _bigbrotr.search_matches(integer, text, text) IS
	'Whether the content holds the words, which are read as by websearch_to_tsquery';

CREATE FUNCTION _bigbrotr.search_rank(kind integer, content text, words text) RETURNS real
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ts_rank(_bigbrotr.search_vector(kind, content), websearch_to_tsquery('simple'::regconfig, "left"(words, 10000)));
COMMENT ON FUNCTION _bigbrotr.search_rank(integer, text, text) IS 'How well the content fits the words, see ts_rank';

CREATE FUNCTION _bigbrotr.event_matches_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_event_matches_support';
COMMENT ON FUNCTION _bigbrotr.event_matches_support(internal) IS 'Makes conditions on columns of bigbrotr.event_matches with a constant filter';

-- One function for the table and one for each view of it.
DO $event_matches$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY ARRAY['bigbrotr.events', 'bigbrotr.events_current', 'bigbrotr.events_visible', 'bigbrotr.events_as_published',
		'_bigbrotr.public_versions', '_bigbrotr.public_events']
	LOOP
		EXECUTE format(
			$$CREATE FUNCTION bigbrotr.event_matches(event %s, filter jsonb) RETURNS boolean
				LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 SUPPORT _bigbrotr.event_matches_support
				AS 'MODULE_PATHNAME', 'bigbrotr_event_matches'$$, relation);
		EXECUTE format($$COMMENT ON FUNCTION bigbrotr.event_matches(%1$s, jsonb) IS
			'Whether the event matches the filter (NIP-01, NIP-50), which has no limit. With a constant filter it uses indexes: SELECT … FROM %1$s AS e WHERE bigbrotr.event_matches(e, ''{"kinds": [1]}'')'$$, relation);
	END LOOP;
END
$event_matches$;

-- Its rows are made one by one where it is called in the list of what is selected. Without a SET clause, which would cost for each row.
CREATE FUNCTION _bigbrotr.newest(feed jsonb, most bigint, beside jsonb DEFAULT '{}') RETURNS SETOF bigint
	LANGUAGE c STABLE STRICT PARALLEL SAFE ROWS 1000
	AS 'MODULE_PATHNAME', 'bigbrotr_newest';
COMMENT ON FUNCTION _bigbrotr.newest(jsonb, bigint, jsonb) IS
	'eids of the events that match a filter with either authors or one tag, and perhaps kinds, since and until; in the order of bigbrotr.query_events, hidden ones too, and with a tag also others, whose tags have to be compared. most: how many are likely to be taken. beside, of a filter with a tag: a filter of authors and tags that is looked up in indexes, so that few events that do not match it are returned';

CREATE FUNCTION bigbrotr.query_events_sql(filters jsonb, as_seen boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_query_sql';
COMMENT ON FUNCTION bigbrotr.query_events_sql(jsonb, boolean) IS
	'The statement that bigbrotr.query_events runs: to EXPLAIN it, or to build on it';

CREATE FUNCTION _bigbrotr.public_query_sql(filters jsonb) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_public_query_sql';
COMMENT ON FUNCTION _bigbrotr.public_query_sql(jsonb) IS 'As bigbrotr.query_events_sql, of events that may be shown to anybody';

CREATE FUNCTION _bigbrotr.public_count_sql(filters jsonb) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_public_count_sql';
COMMENT ON FUNCTION _bigbrotr.public_count_sql(jsonb) IS 'As bigbrotr.count_events_sql, of events that may be shown to anybody';

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
COMMENT ON FUNCTION _bigbrotr.announce_search(jsonb) IS 'Raises a notice if a filter with search has no index and is slow';

-- Without parallel workers: most queries end before such workers have started.
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
	'The events that a filter (NIP-01), or an array of them, asks for: newest first, of equal age the smaller id first; by relevance if the only filter has search. As published: without what is deleted, expired or vanished, and without older versions unless their ids are asked for. as_seen: everything that was delivered';

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
	'How many events match a filter, or at least one of an array of filters; limits are ignored (NIP-45). as_seen: as for bigbrotr.query_events';

CREATE FUNCTION bigbrotr.query_json(filters jsonb, as_seen boolean DEFAULT false) RETURNS json
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT coalesce(json_agg(bigbrotr.event_json(row(q.eid, q.created_at, q.inserted_at, q.kind, q.event_id, q.pubkey, q.sig,
			q.tags, q.content, q.raw)::bigbrotr.events)::json ORDER BY q.n), '[]')
		FROM bigbrotr.query_events(query_json.filters, query_json.as_seen) WITH ORDINALITY AS q
			(eid, created_at, inserted_at, kind, event_id, pubkey, sig, tags, content, raw, n);
	END;
COMMENT ON FUNCTION bigbrotr.query_json(jsonb, boolean) IS
	'The events of bigbrotr.query_events as one JSON array of NIP-01 objects, exact and in the same order';

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
	'The event that a text names, if it is archived: note1…, nevent1… or 64 hex digits by its id; naddr1… by its address, in its current version; npub1…, nprofile1… or the hex digits of a key: the profile (kind 0)';

-- Optional indexes. A session that waits for a lock on events makes all later sessions wait, so this function waits for
-- two seconds at most. It runs as the owner of the table, since only the owner can create an index on it.
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
COMMENT ON FUNCTION _bigbrotr.set_index(text, boolean) IS 'Creates or drops an index of bigbrotr.events';

-- The tag index exists from the start, since most questions on Nostr need it. Without it, answers are the same but slower.
-- The short pending list bounds what a search has to read beside the index, and how long
-- the batch takes that merges it into the index.
CREATE FUNCTION bigbrotr.create_tag_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_tags_idx', true);
	END;
COMMENT ON FUNCTION bigbrotr.create_tag_index() IS
	'Creates the index that tag conditions use (it exists from the start, see drop_tag_index). ANALYZE bigbrotr.events afterwards. Nothing is archived meanwhile: CREATE INDEX CONCURRENTLY events_tags_idx ON bigbrotr.events USING gin (_bigbrotr.tag_keys(tags, created_at) _bigbrotr.tag_key_ops) WITH (gin_pending_list_limit = 512) does the same beside the archive';
CREATE FUNCTION bigbrotr.drop_tag_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_tags_idx', false);
	END;
COMMENT ON FUNCTION bigbrotr.drop_tag_index() IS
	'Drops the tag index, for archives that are only written to: inserts are faster, and tag conditions read all events that match the rest of the filter';
SELECT bigbrotr.create_tag_index();

CREATE FUNCTION bigbrotr.create_search_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_search_idx', true);
	END;
COMMENT ON FUNCTION bigbrotr.create_search_index() IS
	'Creates the full-text index that search (NIP-50) uses; without it every event that matches the rest of the filter is read. Nothing is archived meanwhile: CREATE INDEX CONCURRENTLY events_search_idx ON bigbrotr.events USING gin (_bigbrotr.search_vector(kind, content)) does the same beside the archive';
CREATE FUNCTION bigbrotr.drop_search_index() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.set_index('events_search_idx', false);
	END;
COMMENT ON FUNCTION bigbrotr.drop_search_index() IS 'Drops the full-text index';
