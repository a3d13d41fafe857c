-- Functions of the API about events (docs/api.md); routes of api_routes.sql call them. They return only events that may be
-- shown to anybody (_bigbrotr.public_events). A parameter without a default is required; null means that it is not given.

-- The net process sends only numbers from 1; another caller may pass any number.
CREATE FUNCTION _bigbrotr.api_rows(row_limit bigint) RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF row_limit < 0 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is no size of a page', row_limit), DETAIL = 'A page has a row or more.', HINT = 'Leave the limit out for the usual size.';
	END IF;
	RETURN row_limit;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_rows(bigint) IS 'The number of rows of a page, unchanged; null: all. An error if it is negative';

-- A client can forge a cursor, so its values are checked.
CREATE FUNCTION _bigbrotr.api_number_after(number jsonb) RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF jsonb_typeof(number) <> 'array' OR jsonb_typeof(number -> 0) IS DISTINCT FROM 'number' OR (number ->> 0) !~ '^-?[0-9]{1,19}$'
	   OR (number ->> 0)::numeric NOT BETWEEN -9223372036854775807 AND 9223372036854775807
	THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'this is no position in these rows', DETAIL = 'A position is an array with an integer.', HINT = 'Take it from the answer before.';
	END IF;
	RETURN (number ->> 0)::bigint;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_number_after(jsonb) IS 'The number in a position of a row (JSON array, from a cursor); an error if it has no integer';

CREATE FUNCTION _bigbrotr.api_time_after(moment jsonb) RETURNS timestamptz
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN (moment ->> 0)::timestamptz;
EXCEPTION WHEN data_exception THEN
	RAISE invalid_parameter_value USING
		MESSAGE = 'this is no position in these rows', DETAIL = 'A position is an array that begins with a time.', HINT = 'Take it from the answer before.';
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_time_after(jsonb) IS 'The time in a position of a row (JSON array, from a cursor); an error if it has no time';

CREATE FUNCTION _bigbrotr.api_list(list text, name text, pattern text, wanted text) RETURNS text[]
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	elements CONSTANT text[] := ARRAY(SELECT btrim(e) FROM unnest(CASE list WHEN '' THEN '{""}' ELSE string_to_array(list, ',') END) AS e);
	wrong CONSTANT text := (SELECT e FROM unnest(elements) AS e WHERE e !~ pattern LIMIT 1);
BEGIN
	IF wrong IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no element of %s', left(wrong, 100), name),
			DETAIL = format('%s is a list of %s, with commas between them.', name, wanted),
			HINT = '/openapi.json describes each parameter.';
	END IF;
	RETURN elements;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_list(text, text, text, text) IS 'Elements of a list, separated by commas. An error, with the name of the parameter (name) and what was expected (wanted), if an element does not match the pattern';

CREATE FUNCTION _bigbrotr.api_filter(ids text, authors text, kinds text, since bigint, until bigint, search text, tags jsonb)
	RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF tags IS NOT NULL AND jsonb_typeof(tags) <> 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'tags is no JSON object', DETAIL = 'Its keys are names of tags of one letter, its values are arrays of texts.',
			HINT = 'Example: {"t": ["nostr"]}';
	END IF;
	RETURN jsonb_strip_nulls(jsonb_build_object(
			'ids', (SELECT jsonb_agg(encode(bigbrotr.event_id(i), 'hex')) FROM unnest(_bigbrotr.api_list(ids, 'ids', '.', 'event ids')) AS i),
			'authors', (SELECT jsonb_agg(encode(bigbrotr.pubkey(a), 'hex')) FROM unnest(_bigbrotr.api_list(authors, 'authors', '.', 'public keys')) AS a),
			'kinds', (SELECT jsonb_agg(k::integer) FROM unnest(_bigbrotr.api_list(kinds, 'kinds', '^[0-9]{1,5}$', 'numbers from 0 to 65535')) AS k),
			'since', since, 'until', until, 'search', search))
		|| coalesce((SELECT jsonb_object_agg(CASE WHEN t.key ~ '^#' THEN t.key ELSE '#' || t.key END, t.value) FROM jsonb_each(tags) AS t), '{}');
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_filter(text, text, text, bigint, bigint, text, jsonb) IS
	'The filter (NIP-01) of query parameters. ids, authors, kinds: lists separated by commas, ids and keys in any spelling; tags: an object such as {"t": ["nostr"]}. An error if a value is not valid';

-- A malformed filter is returned unchanged: the function that builds the statement raises an error for it.
CREATE FUNCTION _bigbrotr.api_bounds(filter jsonb, first_second bigint, last_second bigint, most integer) RETURNS jsonb
	LANGUAGE sql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	RETURN filter
		|| CASE WHEN last_second IS NOT NULL AND coalesce(jsonb_typeof(filter -> 'until'), 'number') = 'number'
		        THEN jsonb_build_object('until', least((filter ->> 'until')::numeric, last_second)) ELSE '{}' END
		|| CASE WHEN first_second IS NOT NULL AND coalesce(jsonb_typeof(filter -> 'since'), 'number') = 'number'
		        THEN jsonb_build_object('since', greatest((filter ->> 'since')::numeric, first_second)) ELSE '{}' END
		|| CASE WHEN coalesce(jsonb_typeof(filter -> 'limit'), 'number') = 'number'
		        THEN jsonb_build_object('limit', least((filter ->> 'limit')::numeric, most)) ELSE '{}' END;
COMMENT ON FUNCTION _bigbrotr.api_bounds(jsonb, bigint, bigint, integer) IS
	'A filter restricted to these seconds of created_at (inclusive; null: no bound), with a limit of at most "most"';

-- A page first returns the remaining events of the second in which the previous page ended, and then older events.
CREATE FUNCTION _bigbrotr.api_query(filters jsonb, row_limit integer, after jsonb)
	RETURNS TABLE (item text, created_at bigint, event_id text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	AS $$
#variable_conflict use_column
DECLARE
	given jsonb := CASE jsonb_typeof(filters) WHEN 'array' THEN filters ELSE jsonb_build_array(filters) END;
	-- The parser drops the extensions of NIP-50, and a search text of nothing else is no search: the statement shows whether it ranks.
	ranked CONSTANT boolean := EXISTS (SELECT FROM jsonb_array_elements(given) AS f WHERE f ->> 'search' <> '')
		AND strpos(_bigbrotr.public_query_sql(given), '_bigbrotr.search_rank(') > 0;
	columns CONSTANT text := format('SELECT bigbrotr.event_json(row(q.eid, q.created_at, q.inserted_at, q.kind, q.event_id, q.pubkey,
		q.sig, q.tags, q.content, q.raw)::bigbrotr.events), %s, encode(q.event_id, ''hex'') FROM ',
		CASE WHEN ranked THEN 'NULL::bigint' ELSE 'q.created_at' END);
	size integer;
	last_second bigint;
	got integer := 0;
BEGIN
	PERFORM _bigbrotr.limit_time('query');
	IF EXISTS (SELECT FROM jsonb_array_elements(given) AS f WHERE jsonb_typeof(f) <> 'object') THEN
		PERFORM _bigbrotr.public_query_sql(given); -- raises the error of the malformed filter
	END IF;
	size := greatest(least(coalesce(row_limit, 100), 10000), 1);
	-- The limits of the filters together also limit the page.
	size := least(size, (SELECT sum(CASE jsonb_typeof(f -> 'limit') WHEN 'number' THEN least((f ->> 'limit')::numeric, size) ELSE size END)
	                     FROM jsonb_array_elements(given) AS f))::integer;
	IF after IS NOT NULL THEN
		IF ranked OR jsonb_typeof(after) <> 'array' OR jsonb_typeof(after -> 0) IS DISTINCT FROM 'number'
		   OR coalesce(after ->> 1, '') !~ '^[0-9a-f]{64}$'
		THEN
			RAISE invalid_parameter_value USING
				MESSAGE = 'this is no position in these events', DETAIL = 'A position is created_at and id of an event.',
				HINT = 'Take it from the answer before; a search, which is ordered by relevance, has one page.';
		END IF;
		last_second := (after ->> 0)::bigint;
		RETURN QUERY EXECUTE columns || format('(%s) AS q WHERE q.event_id > %L::bytea LIMIT %s',
			_bigbrotr.public_query_sql((SELECT jsonb_agg(_bigbrotr.api_bounds(f - 'limit', last_second, last_second, 1000000000) - 'limit')
			                            FROM jsonb_array_elements(given) AS f)),
			'\x' || (after ->> 1), size);
		GET DIAGNOSTICS got = ROW_COUNT;
		last_second := last_second - 1;
	END IF;
	IF size > got AND last_second IS DISTINCT FROM -1 OR size <= 0 THEN
		given := (SELECT jsonb_agg(_bigbrotr.api_bounds(f, NULL, last_second, size - got)) FROM jsonb_array_elements(given) AS f);
		RETURN QUERY EXECUTE columns || format('(%s) AS q LIMIT %s', _bigbrotr.public_query_sql(coalesce(given, '[]')), greatest(size - got, 0));
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_query(jsonb, integer, jsonb) IS
	'A page of the events that match filters, in the order of bigbrotr.query_events, only events that may be shown to anybody. after: [created_at, id] of the last event of the previous page. A search, also in an array, has one page, and created_at of its rows is null. An error if a filter or after is not valid';

CREATE FUNCTION _bigbrotr.api_events(
	ids text DEFAULT NULL, authors text DEFAULT NULL, kinds text DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL,
	search text DEFAULT NULL, tags jsonb DEFAULT NULL, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS TABLE (item text, created_at bigint, event_id text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT q.item, q.created_at, q.event_id
		FROM _bigbrotr.api_query(_bigbrotr.api_filter(api_events.ids, api_events.authors, api_events.kinds, api_events.since,
			api_events.until, api_events.search, api_events.tags), api_events.row_limit, api_events.after) AS q;
	END;
COMMENT ON FUNCTION _bigbrotr.api_events(text, text, text, bigint, bigint, text, jsonb, integer, jsonb) IS
	'Events that match a filter (NIP-01), newest first. Deleted, expired, vanished and protected events and older versions are left out';

CREATE FUNCTION _bigbrotr.api_live_events(
	ids text DEFAULT NULL, authors text DEFAULT NULL, kinds text DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL, tags jsonb DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.api_filter(api_live_events.ids, api_live_events.authors, api_live_events.kinds, api_live_events.since,
			api_live_events.until, NULL, api_live_events.tags);
	END;
COMMENT ON FUNCTION _bigbrotr.api_live_events(text, text, text, bigint, bigint, jsonb) IS
	'New events that match a filter (NIP-01), at the time they are archived, with any created_at: server-sent events with the names begin, event and missed. The header Last-Event-ID continues after a broken connection';

CREATE FUNCTION _bigbrotr.api_events_by_filter(body jsonb, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS TABLE (item text, created_at bigint, event_id text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT q.item, q.created_at, q.event_id
		FROM _bigbrotr.api_query(api_events_by_filter.body, api_events_by_filter.row_limit, api_events_by_filter.after) AS q;
	END;
COMMENT ON FUNCTION _bigbrotr.api_events_by_filter(jsonb, integer, jsonb) IS
	'Events that match a filter (NIP-01), or one of an array of filters, newest first. The limits of the filters together also limit the page';

CREATE FUNCTION _bigbrotr.api_named_event(id text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	named record;
BEGIN
	IF id ~ '^(nostr:)?naddr1' THEN
		SELECT * INTO named FROM bigbrotr.nip19_decode(id);
		IF bigbrotr.kind_class(named.kind) NOT IN ('replaceable', 'addressable') THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('events of kind %s have no address', named.kind), DETAIL = 'Only replaceable and addressable events have one (NIP-01).',
				HINT = 'Name the event by its id.';
		END IF;
		RETURN jsonb_build_object('authors', jsonb_build_array(encode(named.author, 'hex')), 'kinds', jsonb_build_array(named.kind), 'limit', 1)
			|| CASE bigbrotr.kind_class(named.kind) WHEN 'addressable' THEN jsonb_build_object('#d', jsonb_build_array(named.identifier)) ELSE '{}' END;
	END IF;
	RETURN jsonb_build_object('ids', jsonb_build_array(encode(bigbrotr.event_id(id), 'hex')), 'limit', 1);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_named_event(text) IS 'The filter for the event that a text names: 64 hex digits, note1…, nevent1…, or naddr1… for the current version of an address. An error for any other text, and for an address with a kind that has none';

-- A fixed statement, because planning a statement for a filter takes longer than a look-up by id.
CREATE FUNCTION _bigbrotr.api_events_of_ids(ids bytea[], row_limit bigint) RETURNS SETOF text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
		SELECT bigbrotr.event_json(ROW(e.eid, e.created_at, e.inserted_at, e.kind, e.event_id, e.pubkey, e.sig, e.tags, e.content, e.raw)::bigbrotr.events)
		FROM _bigbrotr.public_versions AS e WHERE e.event_id = ANY (ids) ORDER BY e.created_at DESC, e.event_id LIMIT _bigbrotr.api_rows(row_limit);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_events_of_ids(bytea[], bigint) IS 'Events with these ids that may be shown to anybody, newest first, at most row_limit; null: all';

CREATE FUNCTION _bigbrotr.api_event(id text) RETURNS TABLE (item text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF id ~ '^(nostr:)?naddr1' THEN
		RETURN QUERY SELECT q.item FROM _bigbrotr.api_query(_bigbrotr.api_named_event(id), 1, NULL) AS q;
	ELSE
		RETURN QUERY SELECT e FROM _bigbrotr.api_events_of_ids(ARRAY[bigbrotr.event_id(id)], 1) AS e;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_event(text) IS 'The event that an id or an address names';

CREATE FUNCTION _bigbrotr.api_event_relays(id text, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS TABLE (relay_url text, seen_at bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
#variable_conflict use_column
DECLARE
	wanted CONSTANT bytea := (SELECT decode(q.event_id, 'hex') FROM _bigbrotr.api_query(_bigbrotr.api_named_event(id), 1, NULL) AS q);
BEGIN
	IF wanted IS NULL THEN
		RAISE no_data_found USING
			MESSAGE = 'the event is not archived', DETAIL = 'Nothing else is known of it, or its author has withdrawn it.',
			HINT = '/api/v1/completeness tells what is archived of a relay.';
	END IF;
	RETURN QUERY
		SELECT r.url, s.seen_at
		FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
		WHERE e.event_id = wanted AND (after IS NULL OR r.url > after ->> 0)
		ORDER BY r.url LIMIT _bigbrotr.api_rows(row_limit);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_event_relays(text, integer, jsonb) IS 'Relays that have delivered an event, each with the time of its first delivery';

-- VOLATILE, because only volatile functions may run EXPLAIN. The limits 5000 and 25000 stand for about a tenth of a second:
-- counting checks whether other events hide each event, and filters with several frequent conditions read many other rows.
CREATE FUNCTION _bigbrotr.api_estimate(filters jsonb, OUT count bigint, OUT is_many boolean)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	AS $$
DECLARE
	plan json;
	estimated numeric;
BEGIN
	EXECUTE 'EXPLAIN (FORMAT json) ' || _bigbrotr.public_count_sql(filters) INTO STRICT plan;
	estimated := (plan #>> '{0,Plan,Plans,0,Plan Rows}')::numeric;
	-- Two significant digits, because the planner's estimate is not more precise.
	count := round(estimated, 2 - length(trunc(estimated)::text));
	is_many := estimated > 5000 OR (plan #>> '{0,Plan,Total Cost}')::numeric > 25000;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_estimate(jsonb) IS
	'Estimate of the planner for the number of events that match filters, with two significant digits; is_many: whether an exact count takes so long that the API makes it only on request';

-- With less work_mem, a bitmap of some hundred thousand rows becomes lossy: it keeps pages only, and all their rows are checked.
CREATE FUNCTION _bigbrotr.api_count_of(filters jsonb, mode text) RETURNS TABLE (count bigint, counted text)
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	SET work_mem = '32MB'
	AS $$
#variable_conflict use_variable
BEGIN
	IF mode NOT IN ('exact', 'planned') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no mode "%s"', left(mode, 64)), DETAIL = 'exact counts, planned takes the estimate of the planner.',
			HINT = 'Without a mode, up to 5000 events are counted exactly; the answer says its mode.';
	END IF;
	PERFORM _bigbrotr.limit_time('query');
	counted := mode;
	IF mode IS DISTINCT FROM 'exact' THEN
		SELECT e.count, coalesce(mode, CASE WHEN e.is_many THEN 'planned' ELSE 'exact' END) INTO count, counted
		FROM _bigbrotr.api_estimate(filters) AS e;
	END IF;
	IF counted = 'exact' THEN
		EXECUTE _bigbrotr.public_count_sql(filters) INTO STRICT count;
	END IF;
	RETURN NEXT;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_count_of(jsonb, text) IS
	'Number of events that match filters. mode: exact; planned (estimate of the planner); null: exact if a fast count of at most 5000 events is expected, else planned. counted: the mode that was used. An error if mode is another word';

CREATE FUNCTION _bigbrotr.api_count(
	ids text DEFAULT NULL, authors text DEFAULT NULL, kinds text DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL,
	search text DEFAULT NULL, tags jsonb DEFAULT NULL, mode text DEFAULT NULL)
	RETURNS TABLE (count bigint, mode text)
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		SELECT c.count, c.counted
		FROM _bigbrotr.api_count_of(_bigbrotr.api_filter(api_count.ids, api_count.authors, api_count.kinds, api_count.since,
			api_count.until, api_count.search, api_count.tags), $8) AS c;
	END;
COMMENT ON FUNCTION _bigbrotr.api_count(text, text, text, bigint, bigint, text, jsonb, text) IS 'Number of events that match a filter (NIP-01)';

CREATE FUNCTION _bigbrotr.api_count_by_filter(body jsonb, mode text DEFAULT NULL) RETURNS TABLE (count bigint, mode text)
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		SELECT c.count, c.counted FROM _bigbrotr.api_count_of(api_count_by_filter.body, $2) AS c;
	END;
COMMENT ON FUNCTION _bigbrotr.api_count_by_filter(jsonb, text) IS 'Number of events that match a filter (NIP-01), or at least one of an array of filters';

CREATE FUNCTION _bigbrotr.api_profile(pubkey text) RETURNS TABLE (pubkey text, created_at bigint, profile jsonb, event json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT q.event ->> 'pubkey', q.created_at, bigbrotr.content_json(q.event ->> 'content'), q.event
		FROM (SELECT p.item::json AS event, p.created_at
		      FROM _bigbrotr.api_query(jsonb_build_object('authors', jsonb_build_array(encode(bigbrotr.pubkey($1), 'hex')),
		           'kinds', '[0]'::jsonb, 'limit', 1), 1, NULL) AS p) AS q;
	END;
COMMENT ON FUNCTION _bigbrotr.api_profile(text) IS 'The newest profile of an author (kind 0), as parsed JSON and as event';
