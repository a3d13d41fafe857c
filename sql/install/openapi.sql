-- The description of the API (OpenAPI 3.1), made from the routes, the signatures of their functions, and comments.

CREATE FUNCTION _bigbrotr.api_parameter_words(parameter text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE parameter
		WHEN 'id' THEN 'An event: 64 hex digits, note1…, nevent1…, or naddr1… for the newest version of what has an address'
		WHEN 'pubkey' THEN 'An author: 64 hex digits, npub1… or nprofile1…'
		WHEN 'ids' THEN 'Event ids with commas between them, in any spelling'
		WHEN 'authors' THEN 'Public keys with commas between them, in any spelling'
		WHEN 'kinds' THEN 'Kinds with commas between them'
		WHEN 'since' THEN 'First second, Unix seconds'
		WHEN 'until' THEN 'Last second, Unix seconds'
		WHEN 'search' THEN 'Words that the content has (NIP-50); the answer is ordered by relevance and has one page'
		WHEN 'tags' THEN 'Values of tags of one letter, as JSON: {"t": ["nostr"]}'
		WHEN 'mode' THEN 'exact counts; planned takes the estimate of the planner, which is fast; without it, up to 5000 events are counted exactly, and mode in the answer says what was done'
		WHEN 'url' THEN 'URL of a relay, in any spelling'
		WHEN 'status' THEN 'candidate, online, unstable, offline, dead, retired, refused or ignored; of the table of relays also up (online or unstable) and down'
		WHEN 'network' THEN 'clearnet, tor, i2p, loki; of lists of URLs also all'
		WHEN 'nip' THEN 'Number of a NIP that the document of the relay (NIP-11) names'
		WHEN 'country' THEN 'Country of the address of the relay (ISO 3166-1), as bigbrotr.geoip_database knows; in the table of relays, if that is not known, one that its document names'
		WHEN 'software' THEN 'Part of the name of the software'
		WHEN 'part' THEN 'Part of the URL or of the name of the relay'
		WHEN 'paid' THEN 'true: relays whose documents (NIP-11) demand a payment; false: the others'
		WHEN 'sort' THEN 'url, or status, latency, uptime, events, since, these in the other direction with - before them; what has no value comes last'
		WHEN 'step' THEN 'Seconds of a step; without it, a day'
		WHEN 'days' THEN '1, 7, 30 (the default) or 90'
		WHEN 'state' THEN 'relay, deleted or waiting'
		WHEN 'filter' THEN 'A filter (NIP-01), as JSON; without one, everything'
		WHEN 'signed_in' THEN 'true: of what the relay shows to this archive when it signs in; otherwise of what it shows to anybody'
		WHEN 'limit' THEN 'Rows of a page'
		WHEN 'cursor' THEN 'Where the page begins: next of the page before'
		WHEN 'format' THEN 'Of lists json, ndjson, csv or html (a page with a table), otherwise the header Accept decides; of /v2 simple, detailed (the default) or full'
		WHEN 'offset' THEN 'Rows to leave out'
		WHEN 'sortBy' THEN 'url (the default), updated, observationCount or lastSeen'
		WHEN 'sortOrder' THEN 'asc (the default) or desc'
		WHEN 'relayUrl' THEN 'URL of a relay, in any spelling'
		WHEN 'namespace' THEN 'Namespace of a label; this archive knows nip32.geo, nip32.asn and nip32.isp'
		WHEN 'value' THEN 'Value of a label'
		WHEN 'family' THEN 'Name of the software'
		WHEN 'minSupport' THEN 'Share of all relays that must name a NIP, 0 to 1; 0.5 by default'
		WHEN 'countryCode' THEN 'Code of a country, two upper-case letters'
		WHEN 'lat' THEN 'Latitude of the point, degrees'
		WHEN 'lon' THEN 'Longitude of the point, degrees'
		WHEN 'radius' THEN 'Kilometres around the point; 100 by default'
		WHEN 'sw.lat' THEN 'Latitude of the corner in the south-west, degrees'
		WHEN 'sw.lon' THEN 'Its longitude'
		WHEN 'ne.lat' THEN 'Latitude of the corner in the north-east, degrees'
		WHEN 'ne.lon' THEN 'Its longitude; less than sw.lon: the box crosses the meridian of 180 degrees'
		WHEN 'sessionId' THEN 'Session of a client of nostr.watch'
		WHEN 'minScore' THEN 'Least score'
		WHEN 'minConfidence' THEN 'Least confidence'
		WHEN 'includeUnreachable' THEN 'Whether relays that cannot be reached are listed'
		WHEN 'includeRelayUrls' THEN 'Whether URLs of relays are listed'
		WHEN 'body' THEN 'A filter (NIP-01), or an array of them' END;
COMMENT ON FUNCTION _bigbrotr.api_parameter_words(text) IS 'Meaning of a parameter of the API, in words; null: there is no such parameter';

CREATE FUNCTION _bigbrotr.api_type_schema(type regtype) RETURNS jsonb
	LANGUAGE sql STABLE STRICT
	RETURN CASE
		WHEN type::oid = ANY ('{smallint,integer,bigint}'::regtype[]::oid[]) THEN '{"type": ["integer", "null"]}'
		WHEN type::oid = ANY ('{real,double precision,numeric}'::regtype[]::oid[]) THEN '{"type": ["number", "null"]}'
		WHEN type = 'boolean'::regtype THEN '{"type": ["boolean", "null"]}'
		WHEN type = 'timestamptz'::regtype THEN '{"type": ["string", "null"], "format": "date-time"}'
		WHEN type = 'date'::regtype THEN '{"type": ["string", "null"], "format": "date"}'
		WHEN type::oid = ANY ('{json,jsonb}'::regtype[]::oid[]) THEN '{}'
		WHEN type = 'text[]'::regtype THEN '{"type": ["array", "null"], "items": {"type": "string"}}'
		WHEN EXISTS (SELECT FROM pg_type AS t WHERE t.oid = type AND t.typtype = 'c')
			THEN jsonb_build_object('anyOf', jsonb_build_array(
				jsonb_build_object('$ref', '#/components/schemas/' || (SELECT t.typname FROM pg_type AS t WHERE t.oid = type)), '{"type": "null"}'::jsonb))
		ELSE '{"type": ["string", "null"]}' END;
COMMENT ON FUNCTION _bigbrotr.api_type_schema(regtype) IS 'JSON schema of a value of this type';

CREATE FUNCTION _bigbrotr.api_property(type regtype, comment text) RETURNS jsonb
	LANGUAGE sql STABLE
	RETURN _bigbrotr.api_type_schema(type) || CASE WHEN comment IS NULL THEN '{}' ELSE jsonb_build_object('description', comment) END;
COMMENT ON FUNCTION _bigbrotr.api_property(regtype, text) IS 'JSON schema of a column, with its comment as description (null: none)';

CREATE FUNCTION _bigbrotr.api_answer_content(route bigbrotr.api_routes, item jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE
	RETURN CASE
		WHEN (route).shape IN ('one', 'accepted') THEN jsonb_build_object((route).content_type, jsonb_build_object('schema', item))
		-- OpenAPI 3.1 cannot describe the events of a stream.
		WHEN (route).shape = 'stream' THEN jsonb_build_object((route).content_type, '{"schema": {"type": "string", "description": "server-sent events, whose data is JSON"}}'::jsonb)
		WHEN (route).shape = 'array' THEN jsonb_build_object('application/json', jsonb_build_object('schema', jsonb_build_object('type', 'array', 'items', item)))
		ELSE jsonb_build_object(
			'application/json', jsonb_build_object('schema', jsonb_build_object('type', 'object', 'required', '["items"]'::jsonb, 'properties',
				jsonb_build_object('items', jsonb_build_object('type', 'array', 'items', item),
					'next', '{"type": ["string", "null"], "description": "cursor of the next page; null or missing: this is the last one"}'::jsonb))),
			'application/x-ndjson', '{"schema": {"type": "string", "description": "each line is an item"}}'::jsonb,
			'text/csv', '{"schema": {"type": "string", "description": "RFC 4180, with a header"}}'::jsonb,
			'text/html', '{"schema": {"type": "string", "description": "a table; only for format=html"}}'::jsonb) END;
COMMENT ON FUNCTION _bigbrotr.api_answer_content(bigbrotr.api_routes, jsonb) IS 'Member content of a response (OpenAPI) of a route; item: JSON schema of an item';

CREATE FUNCTION _bigbrotr.api_parameter_schema(route bigbrotr.api_routes, name text, kind text) RETURNS jsonb
	LANGUAGE sql IMMUTABLE
	RETURN CASE kind
		WHEN 'json' THEN '{"content": {"application/json": {"schema": {}}}}'
		WHEN 'flag' THEN '{"schema": {"type": "boolean"}}'
		WHEN 'integer' THEN jsonb_build_object('schema', CASE name
			WHEN 'limit' THEN jsonb_build_object('type', 'integer', 'minimum', 1, 'maximum', (route).most_rows, 'default', (route).default_rows)
			ELSE '{"type": "integer"}' END)
		ELSE CASE
			WHEN name IN ('lat', 'sw.lat', 'ne.lat') THEN '{"schema": {"type": "number", "minimum": -90, "maximum": 90}}'
			WHEN name IN ('lon', 'sw.lon', 'ne.lon') THEN '{"schema": {"type": "number", "minimum": -180, "maximum": 180}}'
			WHEN name = 'radius' THEN '{"schema": {"type": "number", "minimum": 1, "maximum": 1000000, "default": 100}}'
			WHEN name = 'minSupport' THEN '{"schema": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5}}'
			ELSE '{"schema": {"type": "string"}}' END::jsonb END;
COMMENT ON FUNCTION _bigbrotr.api_parameter_schema(bigbrotr.api_routes, text, text) IS 'JSON schema of a parameter of a route; name: its name for clients';

CREATE FUNCTION _bigbrotr.api_operation(route bigbrotr.api_routes, item jsonb, parameters jsonb) RETURNS jsonb
	LANGUAGE sql STABLE
	RETURN jsonb_build_object(
			'operationId', (route).name, 'summary', (route).description, 'parameters', coalesce(parameters, '[]'),
			-- A route that is not served has only error responses.
			'responses', CASE (route).item_schema WHEN 'RstateError' THEN '{}' ELSE jsonb_build_object(
				CASE (route).shape WHEN 'accepted' THEN '202' ELSE '200' END, jsonb_build_object('description', (route).description, 'content', _bigbrotr.api_answer_content(route, item))) END
				|| jsonb_build_object('default', jsonb_build_object('$ref', '#/components/responses/' || CASE WHEN (route).item_schema LIKE 'Rstate%' THEN 'RstateError' ELSE 'Problem' END)))
		|| CASE (route).method WHEN 'POST' THEN jsonb_build_object('requestBody', jsonb_build_object(
			'required', NOT (route).path LIKE '%/ping',
			'description', CASE WHEN (route).shape = 'accepted' THEN 'A signed request (NIP-90)' WHEN (route).item_schema LIKE 'Rstate%' THEN 'As nostr.watch takes it' ELSE _bigbrotr.api_parameter_words('body') END,
			'content', CASE WHEN (route).shape = 'accepted' THEN '{"application/json": {"schema": {"$ref": "#/components/schemas/Event"}}}'
				WHEN (route).item_schema LIKE 'Rstate%' THEN '{"application/json": {"schema": {"type": "object"}}}' ELSE '{"application/json": {"schema": {"anyOf": [{"$ref": "#/components/schemas/Filter"}, {"type": "array", "items": {"$ref": "#/components/schemas/Filter"}}]}}}' END::jsonb))
		   ELSE '{}' END;
COMMENT ON FUNCTION _bigbrotr.api_operation(bigbrotr.api_routes, jsonb, jsonb) IS 'A route as an operation (OpenAPI), with these items and parameters';

CREATE FUNCTION _bigbrotr.api_paths() RETURNS jsonb
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH routes AS MATERIALIZED (
			SELECT r FROM bigbrotr.api_routes AS r WHERE r.shape <> 'hidden'
		), items AS MATERIALIZED (
			SELECT c.route, jsonb_build_object('type', 'object', 'properties', jsonb_object_agg(c.column, _bigbrotr.api_property(c.type, c.comment))) AS schema
			FROM _bigbrotr.api_columns AS c GROUP BY c.route
		), arguments AS MATERIALIZED ( -- without MATERIALIZED the planner would read the view once for each route
			SELECT a.* FROM _bigbrotr.api_parameters AS a WHERE a.parameter <> 'body'
		), parameters AS MATERIALIZED (
			SELECT (t.r).name AS route, jsonb_agg(jsonb_build_object(
					'name', p.name, 'in', CASE WHEN (t.r).path LIKE '%{' || p.name || '}%' THEN 'path' ELSE 'query' END,
					'required', p.is_required OR (t.r).path LIKE '%{' || p.name || '}%', 'description', _bigbrotr.api_parameter_words(p.name))
				|| _bigbrotr.api_parameter_schema(t.r, p.name, p.kind) ORDER BY p.place) AS parameters
			FROM routes AS t
			     JOIN (SELECT a.route, a.place, a.is_required, CASE a.parameter WHEN 'row_limit' THEN 'limit' WHEN 'after' THEN 'cursor' ELSE a.parameter END AS name,
			                  CASE a.parameter WHEN 'after' THEN 'text' ELSE a.kind END AS kind
			           FROM arguments AS a
			           UNION ALL SELECT (l.r).name, 1000, false, 'format', 'text' FROM routes AS l WHERE (l.r).shape = 'list') AS p ON p.route = (t.r).name
			GROUP BY 1
		), operations AS (
			SELECT t.r, _bigbrotr.api_operation(t.r,
				CASE WHEN (t.r).item_schema IS NULL THEN i.schema ELSE jsonb_build_object('$ref', '#/components/schemas/' || (t.r).item_schema) END,
				p.parameters) AS operation
			FROM routes AS t LEFT JOIN items AS i ON i.route = (t.r).name LEFT JOIN parameters AS p ON p.route = (t.r).name
		)
		SELECT jsonb_object_agg(p.path, p.operations)
		FROM (SELECT (o.r).path AS path, jsonb_object_agg(lower((o.r).method), o.operation) AS operations FROM operations AS o GROUP BY 1) AS p;
	END;
COMMENT ON FUNCTION _bigbrotr.api_paths() IS 'Member paths of the description (OpenAPI): each route as an operation';

-- Schemas of rows of views, which answers contain as items or in columns.
CREATE FUNCTION _bigbrotr.api_row_schemas() RETURNS jsonb
	LANGUAGE sql STABLE
	RETURN (SELECT jsonb_object_agg(s.name, s.schema)
		FROM (SELECT t.typname AS name, jsonb_build_object('type', 'object', 'description', obj_description(t.typrelid, 'pg_class'), 'properties',
		             jsonb_object_agg(a.attname, _bigbrotr.api_property(a.atttypid, col_description(a.attrelid, a.attnum)))) AS schema
		      FROM pg_type AS t JOIN pg_attribute AS a ON a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped
		      WHERE t.typtype = 'c' AND (t.oid IN (SELECT c.type FROM _bigbrotr.api_columns AS c)
		            OR t.typnamespace = 'bigbrotr'::regnamespace AND t.typname IN (SELECT r.item_schema FROM bigbrotr.api_routes AS r))
		      GROUP BY t.oid, t.typname, t.typrelid) AS s);
COMMENT ON FUNCTION _bigbrotr.api_row_schemas() IS 'JSON schemas of the rows of views that answers contain';

CREATE FUNCTION _bigbrotr.api_openapi() RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object(
			'openapi', '3.1.0',
			'info', jsonb_build_object('title', current_setting('bigbrotr.api_name'), 'version', _bigbrotr.library_version(),
				'description', concat_ws(E'\n\n', nullif(current_setting('bigbrotr.api_description'), ''),
					'Lists come in pages: next of an answer is the cursor of the next one. Times are Unix seconds, or RFC 3339 where the schema says date-time. Errors are problem documents (RFC 9457).')),
			'servers', coalesce((SELECT jsonb_agg(jsonb_build_object('url', btrim(u))) FROM unnest(string_to_array(current_setting('bigbrotr.api_public_urls'), ',')) AS u
			                     WHERE btrim(u) <> ''), '[{"url": "/"}]'),
			'paths', _bigbrotr.api_paths(),
			'components', jsonb_build_object(
				'responses', '{"Problem": {"description": "The request failed: status and code say why, detail and hint in words", "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}},
					"RstateError": {"description": "The request failed, as nostr.watch says it", "content": {"application/json": {"schema": {"$ref": "#/components/schemas/RstateError"}}}}}'::jsonb,
				'schemas', _bigbrotr.api_row_schemas() || '{
					"Problem": {"type": "object", "required": ["title", "status"], "properties": {
						"type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
						"code": {"type": "string", "description": "SQLSTATE, or a word of this API"}, "detail": {"type": "string"}, "hint": {"type": "string"}}},
					"Event": {"type": "object", "description": "An event (NIP-01)", "required": ["id", "pubkey", "created_at", "kind", "tags", "content", "sig"], "properties": {
						"id": {"type": "string", "pattern": "^[0-9a-f]{64}$"}, "pubkey": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
						"created_at": {"type": "integer", "minimum": 0}, "kind": {"type": "integer", "minimum": 0, "maximum": 65535},
						"tags": {"type": "array", "items": {"type": "array", "items": {"type": "string"}}},
						"content": {"type": "string"}, "sig": {"type": "string", "pattern": "^[0-9a-f]{128}$"}}},
					"Filter": {"type": "object", "description": "A filter (NIP-01, NIP-50); #a … #Z: values of tags", "properties": {
						"ids": {"type": "array", "items": {"type": "string"}}, "authors": {"type": "array", "items": {"type": "string"}},
						"kinds": {"type": "array", "items": {"type": "integer"}}, "since": {"type": "integer"}, "until": {"type": "integer"},
						"limit": {"type": "integer"}, "search": {"type": "string"}}},
					"Job": {"type": "object", "description": "A job (NIP-90)", "required": ["request_id", "state", "error", "events"], "properties": {
						"request_id": {"type": "string", "description": "Id of the request"},
						"state": {"type": "string", "enum": ["unpaid", "waiting", "answered", "delivered", "undelivered"], "description": "unpaid: a price is asked; waiting: is to be worked on; answered: the answer is signed; delivered, undelivered: it was sent to relays as well, and whether one has accepted it"},
						"error": {"type": ["string", "null"], "description": "What the answer says, if it is an error"},
						"events": {"type": "array", "items": {"$ref": "#/components/schemas/Event"}, "description": "What was signed: the feedback that asks for a price (kind 7000); the result (kind of the request + 1000), or the feedback that says why there is none. Of posted requests for an hour, of others until a relay has accepted it"}}},
					"Url": {"type": "string", "description": "URL of a relay without the slash at its end"},
					"Rstate": {"type": "object", "description": "As version 2 of nostr.watch (rstate) answers"},
					"RstateError": {"type": "object", "required": ["error"], "properties": {"error": {"type": "object", "required": ["code", "message"], "properties": {
						"code": {"type": "string"}, "message": {"type": "string"}, "hint": {"type": "string"}}}}},
					"Line": {"type": "string"},
					"Description": {"type": "object", "description": "This description"}}'::jsonb));
	END;
COMMENT ON FUNCTION _bigbrotr.api_openapi() IS 'The description of this API (OpenAPI 3.1)';
