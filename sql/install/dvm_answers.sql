-- Functions that compute the answers to jobs (dvm.sql). An executor runs them as bigbrotr_api.

CREATE FUNCTION _bigbrotr.api_is_open(scope text, route text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN scope IS NULL OR EXISTS (
		SELECT FROM unnest(string_to_array(current_setting('bigbrotr.api_anonymous_scopes'), ',')) AS s WHERE btrim(s, E' \t') IN (scope, route));
COMMENT ON FUNCTION _bigbrotr.api_is_open(text, text) IS 'Whether bigbrotr.api_anonymous_scopes (names separated by commas) opens a route to anonymous clients, by its scope or its name';

CREATE FUNCTION _bigbrotr.api_job_values(inputs jsonb, name text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY(SELECT v.value FROM jsonb_array_elements(CASE jsonb_typeof(inputs) WHEN 'array' THEN inputs END) WITH ORDINALITY AS t (tag, n)
	             CROSS JOIN LATERAL jsonb_array_elements_text(t.tag) WITH ORDINALITY AS v (value, n)
	             WHERE jsonb_typeof(t.tag) = 'array' AND t.tag ->> 0 = 'param' AND t.tag ->> 1 = name AND v.n > 2 ORDER BY t.n, v.n);
COMMENT ON FUNCTION _bigbrotr.api_job_values(jsonb, text) IS 'Values of a parameter of a job, from its tags ["param", name, value, …] (NIP-90)';

CREATE FUNCTION _bigbrotr.api_job_number(inputs jsonb, name text, usual bigint, most bigint) RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	given CONSTANT text := (_bigbrotr.api_job_values(inputs, name))[1];
BEGIN
	IF given !~ '^[0-9]{1,18}$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the parameter %s is not a number', name), DETAIL = format('It is "%s".', left(given, 100)), HINT = 'Numbers consist of digits.';
	END IF;
	RETURN least(coalesce(given::bigint, usual), most);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_number(jsonb, text, bigint, bigint) IS 'A numeric parameter of a job: usual if it is missing, and never more than most. An error if it is not a number';

CREATE FUNCTION _bigbrotr.api_job_text(inputs jsonb, content text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	tags CONSTANT jsonb := CASE jsonb_typeof(inputs) WHEN 'array' THEN inputs END;
	other CONSTANT text := (SELECT t ->> 2 FROM jsonb_array_elements(tags) AS t
	                        WHERE t ->> 0 = 'i' AND coalesce(t ->> 2, '') NOT IN ('', 'text', 'prompt') LIMIT 1);
BEGIN
	IF other IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('inputs of type "%s" are not read', left(other, 100)), DETAIL = 'Nothing is fetched for a job.', HINT = 'Give the text itself: ["i", "…", "text"].';
	END IF;
	RETURN coalesce((SELECT t ->> 1 FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'i' AND t ->> 1 <> '' LIMIT 1), nullif(btrim(content), ''));
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_text(jsonb, text) IS 'Input of a job: its first input (tag i, NIP-90), else its content; null: it has neither. An error if an input is not a text';

-- Each tag names a relay that has the event, an online relay if possible.
CREATE FUNCTION _bigbrotr.api_job_found(filter jsonb, tag text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	found jsonb;
BEGIN
	EXECUTE format('SELECT jsonb_agg(jsonb_build_array(%L, encode(%s, ''hex'')) || coalesce((
			SELECT jsonb_build_array(r.url) FROM bigbrotr.sightings AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
			WHERE s.eid = q.eid ORDER BY r.status <> ''online'', s.seen_at LIMIT 1), ''[]''))
		FROM (%s) AS q', tag, CASE tag WHEN 'e' THEN 'q.event_id' ELSE 'q.pubkey' END, _bigbrotr.public_query_sql(filter))
	INTO found;
	RETURN coalesce(found, '[]')::text;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_found(jsonb, text) IS 'Events that match a filter, as a JSON list of tags: e (ids) or p (authors), each with a relay that has the event';

CREATE FUNCTION _bigbrotr.api_job_search(inputs jsonb, content text, kinds jsonb, tag text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted CONSTANT text := _bigbrotr.api_job_text(inputs, content);
	users CONSTANT jsonb := _bigbrotr.api_job_json((_bigbrotr.api_job_values(inputs, 'users'))[1]);
	authors CONSTANT jsonb := (SELECT jsonb_agg(u -> 1) FROM jsonb_array_elements(CASE jsonb_typeof(users) WHEN 'array' THEN users END) AS u WHERE u ->> 0 = 'p');
BEGIN
	IF wanted IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'there is nothing to search for', DETAIL = 'The request has no input.', HINT = 'Add a tag ["i", "words", "text"].';
	END IF;
	RETURN _bigbrotr.api_job_found(jsonb_strip_nulls(jsonb_build_object('search', wanted, 'kinds', kinds, 'authors', authors,
		'since', _bigbrotr.api_job_number(inputs, 'since', NULL, NULL), 'until', _bigbrotr.api_job_number(inputs, 'until', NULL, NULL),
		'limit', _bigbrotr.api_job_number(inputs, 'max_results', 20, 200))), tag);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_search(jsonb, text, jsonb, text) IS 'Answer to kinds 5302 (events) and 5303 (authors): a JSON list of tags. An error if the job has no input';

CREATE FUNCTION _bigbrotr.api_job_unlimited(filters jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT
	RETURN CASE jsonb_typeof(filters) WHEN 'object' THEN filters - 'limit'
		WHEN 'array' THEN coalesce((SELECT jsonb_agg(CASE jsonb_typeof(f) WHEN 'object' THEN f - 'limit' ELSE f END) FROM jsonb_array_elements(filters) AS f), '[]')
		ELSE filters END;
COMMENT ON FUNCTION _bigbrotr.api_job_unlimited(jsonb) IS 'Removes limit from filters (one, or an array), because a count ignores it';

CREATE FUNCTION _bigbrotr.api_job_count(inputs jsonb, content text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted CONSTANT text := _bigbrotr.api_job_text(inputs, content);
	read CONSTANT jsonb := _bigbrotr.api_job_json(wanted);
	filters CONSTANT jsonb := CASE WHEN wanted IS NULL THEN '{}' WHEN jsonb_typeof(read) IN ('object', 'array') THEN _bigbrotr.api_job_unlimited(read)
	                          ELSE jsonb_build_object('search', wanted) END;
	relays CONSTANT text[] := ARRAY(SELECT _bigbrotr.api_relay_url(r) FROM unnest(_bigbrotr.api_job_values(inputs, 'relay')) AS r);
	groups CONSTANT text[] := _bigbrotr.api_job_values(inputs, 'group');
	seen CONSTANT text := CASE WHEN relays = '{}' THEN 'true' ELSE format(
		'EXISTS (SELECT FROM bigbrotr.sightings AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id WHERE s.eid = q.eid AND r.url = ANY (%L::text[]))', relays) END;
	counted text;
BEGIN
	IF cardinality(groups) > 1 OR groups[1] !~ '^[A-Za-z0-9_-]{1,64}$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'events are counted by one group', DETAIL = 'A group is content, pubkey, kind or the name of a tag.', HINT = 'Leave out further groups.';
	END IF;
	IF groups = '{}' AND relays = '{}' THEN
		EXECUTE _bigbrotr.public_count_sql(filters) INTO counted;
	ELSIF groups = '{}' THEN
		EXECUTE format('SELECT count(*) FROM (%s) AS q WHERE %s', _bigbrotr.public_query_sql(filters), seen) INTO counted;
	ELSE
		EXECUTE format('SELECT json_object_agg(g.name, g.count ORDER BY g.count DESC, g.name)
			FROM (SELECT n.name, count(*) AS count FROM (%s) AS q CROSS JOIN LATERAL (%s) AS n (name) WHERE %s
			      GROUP BY n.name ORDER BY count(*) DESC, n.name LIMIT 1000) AS g',
			_bigbrotr.public_query_sql(filters),
			CASE groups[1]
				WHEN 'content' THEN 'SELECT left(q.content, 200)'
				WHEN 'pubkey' THEN 'SELECT encode(q.pubkey, ''hex'')'
				WHEN 'kind' THEN 'SELECT q.kind::text'
				ELSE format('SELECT DISTINCT left(t ->> 1, 200) FROM jsonb_array_elements(q.tags::jsonb) AS t WHERE t ->> 0 = %L AND t ->> 1 IS NOT NULL', groups[1])
			END, seen) INTO counted;
	END IF;
	RETURN coalesce(counted, '{}');
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_count(jsonb, text) IS
	'Answer to kind 5400: number of events that match the filters (input or content; a text that is no JSON is searched for). Parameter relay: only events of these relays; parameter group: an object with the number of events for each content, pubkey, kind or value of a tag, the thousand largest';

-- Reactions and reposts name their note in the last tag e (NIP-25). The limit bounds the time of the query for any archive.
CREATE FUNCTION _bigbrotr.api_job_discovery(inputs jsonb, content text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	read CONSTANT jsonb := '{"kinds": [6, 7], "limit": 2000}';
	size CONSTANT bigint := _bigbrotr.api_job_number(inputs, 'max_results', 20, 200);
	found jsonb;
BEGIN
	IF _bigbrotr.api_job_text(inputs, content) IS NOT NULL THEN
		RETURN _bigbrotr.api_job_search(inputs, content, '[1]', 'e');
	END IF;
	EXECUTE format('WITH named AS (
			SELECT decode(n.id, ''hex'') AS event_id, count(DISTINCT q.pubkey) AS authors
			FROM (%s) AS q CROSS JOIN LATERAL (
				SELECT t ->> 1 AS id FROM jsonb_array_elements(q.tags::jsonb) WITH ORDINALITY AS e (t, n) WHERE t ->> 0 = ''e'' ORDER BY e.n DESC LIMIT 1) AS n
			WHERE n.id ~ ''^[0-9a-f]{64}$'' GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT %s
		)
		SELECT jsonb_agg(jsonb_build_array(''e'', encode(f.event_id, ''hex'')) || coalesce((
			SELECT jsonb_build_array(r.url) FROM bigbrotr.sightings AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
			WHERE s.eid = f.eid ORDER BY r.status <> ''online'', s.seen_at LIMIT 1), ''[]'') ORDER BY f.authors DESC, f.created_at DESC)
		FROM (SELECT e.eid, e.event_id, e.created_at, n.authors FROM named AS n JOIN _bigbrotr.public_events AS e ON e.event_id = n.event_id
		      WHERE e.kind = 1 ORDER BY n.authors DESC, e.created_at DESC LIMIT %s) AS f', _bigbrotr.public_query_sql(read), 2 * size, size)
	INTO found;
	RETURN coalesce(found, '[]')::text;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_discovery(jsonb, text) IS
	'Answer to kind 5300, a JSON list of tags: the notes (kind 1) that most authors name in the newest 2000 reactions and reposts of the archive; if the job has an input, notes that contain its words';

-- Jobs of the original BigBrotr name a table, and conditions "column=value" or "column=operator:value", separated by commas.
CREATE FUNCTION _bigbrotr.api_job_condition(condition text, columns jsonb) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	parts CONSTANT text[] := regexp_match(condition, '^([^=]*)=(?:(>=|<=|>|<|ILIKE):)?(.*)$');
	type CONSTANT text := columns ->> parts[1];
	fault CONSTANT text := CASE
		WHEN type IS NULL THEN format('Unknown column: %s', left(coalesce(parts[1], condition), 64))
		WHEN type = 'bytea' AND (parts[3] !~ '^([0-9a-f]{2}){1,64}$' OR parts[2] IS NOT NULL) THEN format('Invalid hex value for column %s', parts[1])
		WHEN type = 'bigint' AND (parts[3] !~ '^[0-9]{1,18}$' OR parts[2] = 'ILIKE') OR type = 'jsonb' THEN 'Invalid filter value' END;
BEGIN
	IF fault IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = fault, DETAIL = format('The condition is "%s".', left(condition, 100)),
			HINT = format('Columns: %s.', (SELECT string_agg(c, ', ' ORDER BY c) FROM jsonb_object_keys(CASE jsonb_typeof(columns) WHEN 'object' THEN columns ELSE '{}' END) AS c));
	END IF;
	RETURN format('m.%I %s %s', parts[1], coalesce(parts[2], '='), CASE type WHEN 'bytea' THEN format('decode(%L, ''hex'')', parts[3]) ELSE format('%L::%s', parts[3], type) END);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_condition(text, jsonb) IS 'A condition of a job of kind 5050 as SQL. columns: object with the type of each column. An error if the condition is not valid';

CREATE FUNCTION _bigbrotr.api_job_table(inputs jsonb) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted CONSTANT text := coalesce((_bigbrotr.api_job_values(inputs, 'table'))[1], (_bigbrotr.api_job_values(inputs, 'read_model'))[1]);
	columns CONSTANT jsonb := CASE wanted
		WHEN 'relay' THEN '{"url": "text", "network": "text", "status": "text", "discovered_at": "bigint"}'
		WHEN 'event' THEN '{"id": "bytea", "pubkey": "bytea", "created_at": "bigint", "kind": "bigint", "tags": "jsonb", "content": "text", "sig": "bytea"}' END;
	source CONSTANT text := CASE wanted
		WHEN 'relay' THEN 'SELECT r.url, r.network, r.status, r.inserted_at AS discovered_at FROM bigbrotr.relays AS r WHERE r.network <> ''local'''
		ELSE 'SELECT e.event_id AS id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig FROM _bigbrotr.public_events AS e' END;
	most CONSTANT bigint := _bigbrotr.api_job_number(inputs, 'limit', 100, 1000);
	skipped CONSTANT bigint := _bigbrotr.api_job_number(inputs, 'offset', 0, 100000);
	condition CONSTANT text := coalesce((SELECT string_agg(_bigbrotr.api_job_condition(c, columns), ' AND ')
		FROM unnest(string_to_array((_bigbrotr.api_job_values(inputs, 'filter'))[1], ',')) AS c), 'true');
	sort CONSTANT text[] := string_to_array((_bigbrotr.api_job_values(inputs, 'sort'))[1], ':');
	answer text;
BEGIN
	IF columns IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('Invalid or disabled table: %s', left(coalesce(wanted, 'none'), 64)), DETAIL = 'The tables are relay and event.',
			HINT = 'Kinds 5400, 5302 and 5303 and the routes of the API say more.';
	ELSIF NOT _bigbrotr.api_is_open(wanted || 's', NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('Invalid or disabled table: %s', wanted), DETAIL = 'bigbrotr.api_anonymous_scopes does not name it.', HINT = 'Ask the administrator of this archive.';
	ELSIF sort IS NOT NULL AND NOT (columns ? sort[1] AND coalesce(sort[2], 'asc') IN ('asc', 'desc') AND cardinality(sort) <= 2) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('Invalid sort direction: %s', left(array_to_string(sort, ':'), 64)), DETAIL = 'It is "column", "column:asc" or "column:desc".',
			HINT = format('Columns: %s.', (SELECT string_agg(c, ', ' ORDER BY c) FROM jsonb_object_keys(columns) AS c));
	END IF;
	EXECUTE format('SELECT json_build_object(''data'', coalesce((SELECT json_agg(d) FROM (SELECT %s FROM (%s) AS m WHERE %s %s LIMIT %s OFFSET %s) AS d), ''[]''),
			''meta'', json_build_object(''total'', (SELECT count(*) FROM (%2$s) AS m WHERE %3$s), ''limit'', %5$s, ''offset'', %6$s))',
		(SELECT string_agg(CASE c.value WHEN 'bytea' THEN format('encode(m.%I, ''hex'') AS %1$I', c.key) WHEN 'jsonb' THEN format('m.%I::jsonb AS %1$I', c.key) ELSE format('m.%I', c.key) END, ', ')
		 FROM jsonb_each_text(columns) AS c),
		source, condition, CASE WHEN sort IS NOT NULL THEN format('ORDER BY m.%I %s', sort[1], coalesce(sort[2], 'asc')) ELSE '' END, most, skipped)
	INTO answer;
	RETURN answer;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_table(jsonb) IS
	'Answer to kind 5050, in the form of the DVM of the original BigBrotr: {"data": […], "meta": {"total", "limit", "offset"}}. Parameters: table (or read_model), limit, offset, filter, sort';

-- VOLATILE, because a route may run EXPLAIN.
CREATE FUNCTION _bigbrotr.api_job_route(inputs jsonb, content text) RETURNS text
	LANGUAGE plpgsql VOLATILE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most_bytes CONSTANT integer := 48000;
	wanted CONSTANT text := (_bigbrotr.api_job_values(inputs, 'route'))[1];
	route record;
	parameter record;
	given text[];
	value text;
	line record;
	items text[] := '{}';
	bytes bigint := 0;
	last text := '';
	size bigint; -- rows of a page; null: the route has no pages
	is_cut boolean := false;
BEGIN
	SELECT r.name, r.shape, r.default_rows, r.most_rows, (SELECT c.statement FROM _bigbrotr.api_calls AS c WHERE c.name = r.name LIMIT 1) AS statement
	INTO route FROM bigbrotr.api_routes AS r
	WHERE r.name = wanted AND r.shape NOT IN ('hidden', 'accepted') AND r.content_type = 'application/json' AND r.path LIKE '/api/%'
	      AND _bigbrotr.api_is_open(r.scope, r.name);
	IF route.name IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'there is no such route', DETAIL = format('The parameter route is %s.', coalesce(quote_literal(left(wanted, 100)), 'missing')),
			HINT = 'Routes of the API: ' || (SELECT string_agg(r.name, ', ' ORDER BY r.name) FROM bigbrotr.api_routes AS r
				WHERE r.shape NOT IN ('hidden', 'accepted') AND r.content_type = 'application/json' AND r.path LIKE '/api/%' AND _bigbrotr.api_is_open(r.scope, r.name)) || '.';
	END IF;
	FOR parameter IN
		SELECT a.parameter, a.kind, a.is_required, CASE a.parameter WHEN 'row_limit' THEN 'limit' WHEN 'after' THEN 'cursor' ELSE a.parameter END AS name
		FROM _bigbrotr.api_parameters AS a WHERE a.route = wanted ORDER BY a.place
	LOOP
		value := (_bigbrotr.api_job_values(inputs, parameter.name))[1];
		IF parameter.parameter = 'body' THEN
			value := coalesce(value, _bigbrotr.api_job_text(inputs, content));
		ELSIF parameter.parameter = 'row_limit' AND route.most_rows > 0 THEN
			size := _bigbrotr.api_job_number(inputs, 'limit', route.default_rows, route.most_rows);
			value := size::text;
		END IF;
		IF value IS NULL AND parameter.is_required THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('the parameter %s is missing', parameter.name), DETAIL = format('The route %s needs it.', route.name),
				HINT = format('Add a tag ["param", "%s", "…"].', parameter.name);
		ELSIF parameter.kind = 'json' AND value IS NOT NULL AND _bigbrotr.api_job_json(value) IS NULL THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('the parameter %s is not JSON', parameter.name), DETAIL = format('It begins with "%s".', left(value, 100)),
				HINT = 'Write it as JSON.';
		ELSIF parameter.kind = 'integer' AND value !~ '^-?[0-9]{1,18}$' OR parameter.kind = 'flag' AND value NOT IN ('true', 'false') THEN
			RAISE invalid_parameter_value USING
				MESSAGE = format('the parameter %s is not %s', parameter.name, CASE parameter.kind WHEN 'integer' THEN 'a number' ELSE 'true or false' END),
				DETAIL = format('It is "%s".', left(value, 100)), HINT = 'The description of the API says what each parameter is.';
		END IF;
		given := array_append(given, value);
	END LOOP;
	-- EXECUTE takes a fixed number of values, so the parameters of the statement become elements of one array.
	FOR line IN EXECUTE format('SELECT r.item, r.place FROM (%s) AS r (item, place)', regexp_replace(route.statement, '\$([0-9]+)', '($1)[\1]', 'g')) USING given LOOP
		bytes := bytes + octet_length(line.item) + 1;
		is_cut := bytes > most_bytes;
		EXIT WHEN is_cut;
		items := items || line.item;
		last := line.place;
	END LOOP;
	IF is_cut AND (items = '{}' OR size IS NULL) THEN
		RAISE program_limit_exceeded USING
			MESSAGE = 'the answer is too large', DETAIL = format('An answer may have %s bytes.', most_bytes), HINT = 'Ask the API by HTTP.';
	ELSIF route.shape = 'one' AND items = '{}' THEN
		RAISE no_data_found USING MESSAGE = 'there is nothing of that name', DETAIL = format('The route %s found nothing.', route.name), HINT = 'Check the parameters.';
	ELSIF route.shape = 'one' THEN
		RETURN items[1];
	END IF;
	RETURN format('{"items":[%s],"next":%s}', array_to_string(items, ','),
		CASE WHEN last <> '' AND (is_cut OR cardinality(items) = size) THEN to_json(last)::text ELSE 'null' END);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_route(jsonb, text) IS
	'Answer to the kind of bigbrotr.dvm_kind: the answer of the route of the API (bigbrotr.api_routes) that the parameter route names; other parameters are those of the route. A list is {"items": […], "next": …}, and next is the parameter cursor of the next page, or null. An error if there is no such route, or the answer has more than 48000 bytes';

CREATE FUNCTION _bigbrotr.api_job(kind integer, route_kind integer, inputs jsonb, content text) RETURNS text
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	AS $$
BEGIN
	PERFORM _bigbrotr.limit_time('query');
	IF jsonb_typeof(inputs) <> 'array' OR inputs @? 'strict $[*] ? (@.type() != "array")' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the inputs are not a list of tags', DETAIL = 'Encrypted inputs are an array of tags, as JSON.', HINT = '[["i", "…"], ["param", "…", "…"]]';
	ELSIF kind = route_kind THEN
		RETURN _bigbrotr.api_job_route(inputs, content);
	ELSIF kind IN (5300, 5302, 5303, 5400) AND NOT _bigbrotr.api_is_open('events', NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'events are not open to strangers', DETAIL = 'bigbrotr.api_anonymous_scopes does not name them.', HINT = 'Ask the administrator of this archive.';
	ELSIF kind = 5400 THEN
		RETURN _bigbrotr.api_job_count(inputs, content);
	ELSIF kind = 5050 THEN
		RETURN _bigbrotr.api_job_table(inputs);
	ELSIF kind = 5300 THEN
		RETURN _bigbrotr.api_job_discovery(inputs, content);
	ELSIF kind = 5302 THEN
		RETURN _bigbrotr.api_job_search(inputs, content, NULL, 'e');
	ELSIF kind = 5303 THEN
		RETURN _bigbrotr.api_job_search(inputs, content, '[0]', 'p');
	END IF;
	RAISE invalid_parameter_value USING
		MESSAGE = format('jobs of kind %s are not done here', kind), DETAIL = format('These kinds are: 5300, 5302, 5303, 5400, %s.', route_kind), HINT = 'Ask another provider.';
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job(integer, integer, jsonb, text) IS
	'Content of the result of a job (NIP-90). inputs: tags of the request, or the decrypted tags; content: content of the request, if it is not encrypted. An error if the kind is not answered here, or a parameter is not valid';
