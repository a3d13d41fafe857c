-- Jobs that others ask for in events (NIP-90): what the dvm service was asked, and what it answered. A request is known by
-- its id, so that it is answered once, however often and from however many relays it comes.

CREATE TABLE _bigbrotr.job_requests (
	request_id   bytea   NOT NULL,
	pubkey       bytea   NOT NULL,
	kind         integer NOT NULL,
	request      text    NOT NULL,
	relay_url    text    NOT NULL,
	received_at  bigint  NOT NULL,
	state        text    NOT NULL,
	attempts     integer NOT NULL DEFAULT 0,
	next_attempt bigint  NOT NULL,
	answer       text,
	answered_at  bigint,
	error        text,
	CONSTRAINT job_requests_pkey PRIMARY KEY (request_id),
	CONSTRAINT job_requests_state_check CHECK (state IN ('unpaid', 'waiting', 'answered', 'delivered', 'undelivered'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_requests_due_idx ON _bigbrotr.job_requests (next_attempt) WHERE state IN ('waiting', 'answered');
CREATE INDEX job_requests_pubkey_idx ON _bigbrotr.job_requests (pubkey, received_at);
CREATE INDEX job_requests_received_at_idx ON _bigbrotr.job_requests (received_at);
COMMENT ON TABLE _bigbrotr.job_requests IS 'Jobs that the dvm service was asked for (NIP-90); the view bigbrotr.dvm_jobs shows them';
COMMENT ON COLUMN _bigbrotr.job_requests.request_id IS 'Id of the request';
COMMENT ON COLUMN _bigbrotr.job_requests.pubkey IS 'The customer: who signed the request';
COMMENT ON COLUMN _bigbrotr.job_requests.kind IS 'Kind of the request';
COMMENT ON COLUMN _bigbrotr.job_requests.request IS 'The request, JSON as it was signed; empty: its answer is delivered or given up';
COMMENT ON COLUMN _bigbrotr.job_requests.relay_url IS 'Normalised URL of the relay where it was heard first';
COMMENT ON COLUMN _bigbrotr.job_requests.received_at IS 'When it was heard, Unix seconds';
COMMENT ON COLUMN _bigbrotr.job_requests.state IS 'unpaid: waits for bigbrotr.pay_job; waiting: is to be worked on; answered: the answer is signed, and no relay has accepted it yet; delivered: one has; undelivered: none would';
COMMENT ON COLUMN _bigbrotr.job_requests.attempts IS 'How often it was begun, or since it is answered, how often it was sent';
COMMENT ON COLUMN _bigbrotr.job_requests.next_attempt IS 'Not before this time, Unix seconds';
COMMENT ON COLUMN _bigbrotr.job_requests.answer IS 'The answer, JSON as we signed it: a result, or a feedback with the status error; of one that is delivered or given up, its id alone';
COMMENT ON COLUMN _bigbrotr.job_requests.answered_at IS 'When it was signed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.job_requests.error IS 'What the answer says, if it is an error; null: it is a result';
SELECT pg_extension_config_dump('_bigbrotr.job_requests', '');

CREATE VIEW bigbrotr.dvm_jobs AS
	SELECT j.request_id, j.pubkey, j.kind, j.relay_url, to_timestamp(j.received_at) AS received_at, j.state, j.error,
	       to_timestamp(j.answered_at) AS answered_at, decode(j.answer::json ->> 'id', 'hex') AS answer_id
	FROM _bigbrotr.job_requests AS j;
COMMENT ON VIEW bigbrotr.dvm_jobs IS 'Jobs of the last 30 days that the dvm service was asked for (NIP-90), and how they ended';
COMMENT ON COLUMN bigbrotr.dvm_jobs.request_id IS 'Id of the request';
COMMENT ON COLUMN bigbrotr.dvm_jobs.pubkey IS 'The customer: who signed the request';
COMMENT ON COLUMN bigbrotr.dvm_jobs.kind IS 'Kind of the request';
COMMENT ON COLUMN bigbrotr.dvm_jobs.relay_url IS 'Normalised URL of the relay where it was heard first';
COMMENT ON COLUMN bigbrotr.dvm_jobs.received_at IS 'When it was heard';
COMMENT ON COLUMN bigbrotr.dvm_jobs.state IS 'unpaid: waits for bigbrotr.pay_job; waiting: is to be worked on; answered: the answer is signed, and no relay has accepted it yet; delivered: one has; undelivered: none would';
COMMENT ON COLUMN bigbrotr.dvm_jobs.error IS 'What the answer says, if it is an error; null: it is a result, or there is no answer yet';
COMMENT ON COLUMN bigbrotr.dvm_jobs.answered_at IS 'When the answer was signed';
COMMENT ON COLUMN bigbrotr.dvm_jobs.answer_id IS 'Id of the answer';

-- ---- Requests

CREATE FUNCTION _bigbrotr.api_job_json(given text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN given::jsonb;
EXCEPTION WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job_json(text) IS 'A text as JSON; null: it is not JSON';

CREATE FUNCTION _bigbrotr.take_job(request text, relay_url text, us bytea, most_per_hour integer, is_free boolean, at bigint) RETURNS text
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	job_age CONSTANT bigint := 600;
	most_waiting CONSTANT bigint := 1000;
	most_in_hour CONSTANT bigint := 10000; -- of all authors: new keys cost nothing
	event CONSTANT jsonb := _bigbrotr.api_job_json(request);
	tags jsonb;
	id bytea;
	customer bytea;
	ours boolean;
	asked bigint;
BEGIN
	IF event ->> 'id' ~ '^[0-9a-f]{64}$' AND event ->> 'pubkey' ~ '^[0-9a-f]{64}$' AND jsonb_typeof(event -> 'tags') = 'array'
	   AND event ->> 'kind' ~ '^[0-9]{1,5}$' AND event ->> 'created_at' ~ '^[0-9]{1,18}$' AND at BETWEEN 0 AND 1000000000000
	THEN
		tags := event -> 'tags';
		id := decode(event ->> 'id', 'hex');
		customer := decode(event ->> 'pubkey', 'hex');
		ours := EXISTS (SELECT FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'p' AND t ->> 1 = encode(us, 'hex'));
	ELSE
		RAISE invalid_parameter_value USING
			MESSAGE = 'this is no request', DETAIL = 'A request is an event (NIP-01), noted at its time.', HINT = 'Only the dvm service calls this function.';
	END IF;
	IF (event ->> 'created_at')::bigint NOT BETWEEN at - job_age AND at + job_age THEN
		RETURN 'old';
	ELSIF NOT ours AND EXISTS (SELECT FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 IN ('p', 'encrypted')) THEN
		RETURN 'foreign';
	ELSIF EXISTS (SELECT FROM jsonb_array_elements(tags) AS t
	              WHERE t ->> 0 = 'expiration' AND t ->> 1 ~ '^[0-9]{1,18}$' AND (t ->> 1)::bigint <= at)
	   OR EXISTS (SELECT FROM bigbrotr.deletions AS d WHERE d.target = id AND NOT d.by_address AND d.pubkey = customer)
	THEN
		RETURN 'withdrawn';
	ELSIF EXISTS (SELECT FROM _bigbrotr.job_requests AS j WHERE j.request_id = id) THEN
		RETURN 'known';
	ELSIF (SELECT count(*) FROM _bigbrotr.job_requests AS j WHERE j.state = 'waiting') >= most_waiting
	   OR (SELECT count(*) FROM _bigbrotr.job_requests AS j WHERE j.received_at > at - 3600) >= most_in_hour
	THEN
		RETURN 'busy';
	END IF;
	SELECT count(*) INTO asked FROM _bigbrotr.job_requests AS j WHERE j.pubkey = customer AND j.received_at > at - 3600;
	IF asked > most_per_hour THEN
		RETURN 'too_many';
	END IF;
	INSERT INTO _bigbrotr.job_requests (request_id, pubkey, kind, request, relay_url, received_at, state, next_attempt)
	VALUES (id, customer, (event ->> 'kind')::integer, request, relay_url, at,
	        CASE WHEN is_free AND asked < most_per_hour THEN 'waiting' ELSE 'unpaid' END, at);
	RETURN CASE WHEN asked = most_per_hour THEN 'last' WHEN is_free THEN 'waiting' ELSE 'unpaid' END;
END
$$;
COMMENT ON FUNCTION _bigbrotr.take_job(text, text, bytea, integer, boolean, bigint) IS
	'Notes a request for a job (NIP-90), JSON of an event whose signature is verified. us: our public key. Returns waiting, unpaid, or last (the first of the hour that is one too many: it is to be answered with an error), or why the request was not noted: old (or of the future), foreign (for somebody else), withdrawn, known, busy, too_many';

CREATE FUNCTION _bigbrotr.next_job(at bigint, OUT request_id bytea, OUT request text, OUT relay_url text, OUT attempts integer)
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.job_requests AS j SET attempts = j.attempts + 1, next_attempt = next_job.at + 60
		WHERE j.request_id = (SELECT w.request_id FROM _bigbrotr.job_requests AS w
		                      WHERE w.state = 'waiting' AND w.next_attempt <= next_job.at ORDER BY w.next_attempt, w.received_at LIMIT 1)
		RETURNING j.request_id, j.request, j.relay_url, j.attempts;
	END;
COMMENT ON FUNCTION _bigbrotr.next_job(bigint) IS 'The next request to be worked on, which is begun again after a minute unless it is answered; attempts: with this one. Null: there is none';

CREATE FUNCTION _bigbrotr.resume_jobs(at bigint) RETURNS void
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.job_requests AS j SET next_attempt = resume_jobs.at WHERE j.state IN ('waiting', 'answered') AND j.next_attempt > resume_jobs.at;
	END;
COMMENT ON FUNCTION _bigbrotr.resume_jobs(bigint) IS 'Makes all that is to be worked on or sent due at once: nobody is at work on it';

CREATE FUNCTION _bigbrotr.answer_job(request_id bytea, answer text, error text, at bigint) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.job_requests AS j
	SET state = 'answered', answer = answer_job.answer, error = answer_job.error, answered_at = at, attempts = 0, next_attempt = at
	WHERE j.request_id = answer_job.request_id AND j.state IN ('waiting', 'unpaid');
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.answer_job(bytea, text, text, bigint) IS
	'Notes the signed answer to a request; error null: it is a result. False: there is an answer already, which must be sent instead';

CREATE FUNCTION _bigbrotr.answers_to_send(most integer, at bigint) RETURNS TABLE (request_id bytea, answer text, request text)
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.job_requests AS j SET attempts = j.attempts + 1, next_attempt = answers_to_send.at + 60 * (1 << least(j.attempts, 6))
		WHERE j.request_id IN (SELECT w.request_id FROM _bigbrotr.job_requests AS w
		                       WHERE w.state = 'answered' AND w.next_attempt <= answers_to_send.at
		                       ORDER BY w.next_attempt LIMIT greatest(answers_to_send.most, 0))
		RETURNING j.request_id, j.answer, j.request;
	END;
COMMENT ON FUNCTION _bigbrotr.answers_to_send(integer, bigint) IS 'Answers that no relay has accepted yet and that are due to be sent. They are due again later and later, until one has';

CREATE FUNCTION _bigbrotr.answer_sent(request_id bytea, is_accepted boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most_attempts CONSTANT integer := 6;
BEGIN
	-- What was said is with the customer now: the archive keeps that it was, and the id.
	UPDATE _bigbrotr.job_requests AS j
	SET state = CASE WHEN is_accepted THEN 'delivered' ELSE 'undelivered' END, request = '', answer = json_build_object('id', j.answer::json ->> 'id')::text
	WHERE j.request_id = answer_sent.request_id AND j.state = 'answered' AND (is_accepted OR j.attempts >= most_attempts);
END
$$;
COMMENT ON FUNCTION _bigbrotr.answer_sent(bytea, boolean) IS 'Notes whether at least one relay has accepted an answer. One that none has accepted after six attempts is given up';

CREATE FUNCTION _bigbrotr.forget_jobs(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	deleted bigint;
BEGIN
	DELETE FROM _bigbrotr.job_requests AS j WHERE j.received_at + CASE j.state WHEN 'unpaid' THEN 1 ELSE 30 END * 86400 < at;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.forget_jobs(bigint) IS 'Deletes requests of more than 30 days ago, and those that nobody has paid for in a day, and returns how many. Requests that old are not answered again';

CREATE FUNCTION bigbrotr.pay_job(request_id text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.job_requests AS j SET state = 'waiting', next_attempt = 0
	WHERE j.request_id = bigbrotr.event_id(pay_job.request_id) AND j.state = 'unpaid';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.pay_job(text) IS
	'Says that a job is paid (bigbrotr.dvm_price), so that it is worked on: for software that watches payments. Returns false if no unpaid job has that request';

-- ---- Answers, found by an executor in the role of the API

CREATE FUNCTION _bigbrotr.api_is_open(scope text, route text) RETURNS boolean
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN scope IS NULL OR EXISTS (
		SELECT FROM unnest(string_to_array(current_setting('bigbrotr.api_anonymous_scopes'), ',')) AS s WHERE btrim(s, E' \t') IN (scope, route));
COMMENT ON FUNCTION _bigbrotr.api_is_open(text, text) IS 'Whether bigbrotr.api_anonymous_scopes, a list with commas, opens a route to strangers, by its scope or its name';

CREATE FUNCTION _bigbrotr.api_job_values(inputs jsonb, name text) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY(SELECT v.value FROM jsonb_array_elements(CASE jsonb_typeof(inputs) WHEN 'array' THEN inputs END) WITH ORDINALITY AS t (tag, n)
	             CROSS JOIN LATERAL jsonb_array_elements_text(t.tag) WITH ORDINALITY AS v (value, n)
	             WHERE jsonb_typeof(t.tag) = 'array' AND t.tag ->> 0 = 'param' AND t.tag ->> 1 = name AND v.n > 2 ORDER BY t.n, v.n);
COMMENT ON FUNCTION _bigbrotr.api_job_values(jsonb, text) IS 'The values of a parameter of a job: of tags ["param", name, value, …]';

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
COMMENT ON FUNCTION _bigbrotr.api_job_number(jsonb, text, bigint, bigint) IS 'A parameter of a job that is a number, most at most; usual, if it is not given';

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
COMMENT ON FUNCTION _bigbrotr.api_job_text(jsonb, text) IS 'What a job is about: its first input, or its content; null: it has none';

-- An event is named with a relay that has it.
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
COMMENT ON FUNCTION _bigbrotr.api_job_found(jsonb, text) IS 'The events of a filter as a list of tags: e (their ids) or p (their authors), each with a relay that has the event';

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
COMMENT ON FUNCTION _bigbrotr.api_job_search(jsonb, text, jsonb, text) IS 'The answer to kinds 5302 (events) and 5303 (authors): a list of tags';

CREATE FUNCTION _bigbrotr.api_job_unlimited(filters jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT
	RETURN CASE jsonb_typeof(filters) WHEN 'object' THEN filters - 'limit'
		WHEN 'array' THEN coalesce((SELECT jsonb_agg(CASE jsonb_typeof(f) WHEN 'object' THEN f - 'limit' ELSE f END) FROM jsonb_array_elements(filters) AS f), '[]')
		ELSE filters END;
COMMENT ON FUNCTION _bigbrotr.api_job_unlimited(jsonb) IS 'Filters without their limits: what is counted has none';

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
	'The answer to kind 5400: how many events match the filters (the input or the content; other texts are searched for), of the relays (param relay) if any are named; param group: an object with a number for each content, author, kind or value of a tag, the thousand largest';

-- VOLATILE, since a route may EXPLAIN.
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
	size bigint; -- rows of a page; null: there are no pages
	is_cut boolean := false;
BEGIN
	SELECT r.name, r.shape, r.default_rows, r.most_rows, (SELECT c.statement FROM _bigbrotr.api_calls AS c WHERE c.name = r.name LIMIT 1) AS statement
	INTO route FROM bigbrotr.api_routes AS r
	WHERE r.name = wanted AND r.shape <> 'hidden' AND r.content_type = 'application/json' AND r.path LIKE '/api/%'
	      AND _bigbrotr.api_is_open(r.scope, r.name);
	IF route.name IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'there is no such route', DETAIL = format('The parameter route is %s.', coalesce(quote_literal(left(wanted, 100)), 'missing')),
			HINT = 'Routes of the API: ' || (SELECT string_agg(r.name, ', ' ORDER BY r.name) FROM bigbrotr.api_routes AS r
				WHERE r.shape <> 'hidden' AND r.content_type = 'application/json' AND r.path LIKE '/api/%' AND _bigbrotr.api_is_open(r.scope, r.name)) || '.';
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
	-- The statement's own parameters become elements of one array: EXECUTE takes a fixed number of values.
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
	'The answer to the kind of bigbrotr.dvm_kind: what the route of the API that param route names (bigbrotr.api_routes) says, with the parameters of the route as further params; a list is {"items": […], "next": …}, and next is the param cursor of the next page';

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
	ELSIF kind IN (5302, 5303, 5400) AND NOT _bigbrotr.api_is_open('events', NULL) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'events are not open to strangers', DETAIL = 'bigbrotr.api_anonymous_scopes does not name them.', HINT = 'Ask the administrator of this archive.';
	ELSIF kind = 5400 THEN
		RETURN _bigbrotr.api_job_count(inputs, content);
	ELSIF kind = 5302 THEN
		RETURN _bigbrotr.api_job_search(inputs, content, NULL, 'e');
	ELSIF kind = 5303 THEN
		RETURN _bigbrotr.api_job_search(inputs, content, '[0]', 'p');
	END IF;
	RAISE invalid_parameter_value USING
		MESSAGE = format('jobs of kind %s are not done here', kind), DETAIL = format('These kinds are: 5302, 5303, 5400, %s.', route_kind), HINT = 'Ask another provider.';
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_job(integer, integer, jsonb, text) IS
	'The content of the result of a job (NIP-90). inputs: the tags of the request, or the encrypted ones; content: that of the request, if it is not encrypted';
