-- Jobs (NIP-90): requests that the dvm service received from relays or by POST, and its answers. The id of a request is the
-- key, so that the service answers each request once, even if it arrives several times. dvm_answers.sql computes the answers.

CREATE TABLE _bigbrotr.job_requests (
	request_id   bytea   NOT NULL,
	pubkey       bytea   NOT NULL,
	kind         integer NOT NULL,
	request      text    NOT NULL,
	relay_url    text    NOT NULL,
	received_at  bigint  NOT NULL,
	state        text    NOT NULL,
	attempts     integer NOT NULL DEFAULT 0,
	next_attempt bigint,
	feedback     text,
	price        bigint,
	answer       text,
	answered_at  bigint,
	error        text,
	CONSTRAINT job_requests_pkey PRIMARY KEY (request_id),
	CONSTRAINT job_requests_state_check CHECK (state IN ('unpaid', 'waiting', 'answered', 'delivered', 'undelivered'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX job_requests_due_idx ON _bigbrotr.job_requests (next_attempt) WHERE state IN ('unpaid', 'waiting', 'answered');
CREATE INDEX job_requests_kept_idx ON _bigbrotr.job_requests (answered_at) WHERE state IN ('delivered', 'undelivered') AND request <> '';
CREATE INDEX job_requests_pubkey_idx ON _bigbrotr.job_requests (pubkey, received_at);
CREATE INDEX job_requests_received_at_idx ON _bigbrotr.job_requests (received_at);
COMMENT ON TABLE _bigbrotr.job_requests IS 'Requests for jobs that the dvm service received (NIP-90); the view bigbrotr.dvm_jobs shows them';
COMMENT ON COLUMN _bigbrotr.job_requests.request_id IS 'Id of the request, 32 bytes (NIP-01)';
COMMENT ON COLUMN _bigbrotr.job_requests.pubkey IS 'Public key of the customer, who signed the request, 32 bytes';
COMMENT ON COLUMN _bigbrotr.job_requests.kind IS 'Kind of the request, 5000 .. 5999 (NIP-90)';
COMMENT ON COLUMN _bigbrotr.job_requests.request IS 'Signed request, JSON; empty: deleted, because the answer was delivered or given up (for a posted request: an hour later)';
COMMENT ON COLUMN _bigbrotr.job_requests.relay_url IS 'Normalised URL of the relay that delivered the request first; empty: it was posted to the API';
COMMENT ON COLUMN _bigbrotr.job_requests.received_at IS 'When the request was received, Unix seconds';
COMMENT ON COLUMN _bigbrotr.job_requests.state IS 'unpaid: waits for bigbrotr.pay_job; waiting: waits to be worked on; answered: the answer is signed, and no relay has accepted it yet; delivered: a relay has accepted the answer; undelivered: no relay has, and the answer is given up';
COMMENT ON COLUMN _bigbrotr.job_requests.attempts IS 'Number of attempts to work on the job; once it is answered, number of attempts to send the answer';
COMMENT ON COLUMN _bigbrotr.job_requests.next_attempt IS 'Earliest time of the next work or sending, Unix seconds; null: nothing to do';
COMMENT ON COLUMN _bigbrotr.job_requests.feedback IS 'Signed feedback with status payment-required, JSON; null: the job is free, or the feedback is not signed yet';
COMMENT ON COLUMN _bigbrotr.job_requests.price IS 'Price of the job, millisatoshi; null: none';
COMMENT ON COLUMN _bigbrotr.job_requests.answer IS 'Signed answer, JSON: a result, or a feedback with status error; if request is empty, an object with the id of the answer; null: no answer yet';
COMMENT ON COLUMN _bigbrotr.job_requests.answered_at IS 'When the answer was signed, Unix seconds; null: no answer yet';
COMMENT ON COLUMN _bigbrotr.job_requests.error IS 'Error text of the answer, also before the answer is signed; null: the answer is a result, or not known yet';
SELECT pg_extension_config_dump('_bigbrotr.job_requests', '');

CREATE TABLE _bigbrotr.job_provider (
	only_one boolean NOT NULL DEFAULT true,
	pubkey   bytea,
	kinds    integer[] NOT NULL,
	CONSTRAINT job_provider_pkey PRIMARY KEY (only_one),
	CONSTRAINT job_provider_only_one_check CHECK (only_one)
);
COMMENT ON TABLE _bigbrotr.job_provider IS 'Provider of jobs, as the dvm service registered it: one row, or none if the service has never run';
COMMENT ON COLUMN _bigbrotr.job_provider.only_one IS 'Always true: the table has one row at most';
COMMENT ON COLUMN _bigbrotr.job_provider.pubkey IS 'Public key of bigbrotr.key_file, 32 bytes; null: there is no key';
COMMENT ON COLUMN _bigbrotr.job_provider.kinds IS 'Kinds of requests that the provider answers';
SELECT pg_extension_config_dump('_bigbrotr.job_provider', '');

CREATE VIEW bigbrotr.dvm_jobs AS
	SELECT j.request_id, j.pubkey, j.kind, j.relay_url, to_timestamp(j.received_at) AS received_at, j.state, j.error,
	       to_timestamp(j.answered_at) AS answered_at, decode(j.answer::json ->> 'id', 'hex') AS answer_id
	FROM _bigbrotr.job_requests AS j;
COMMENT ON VIEW bigbrotr.dvm_jobs IS 'Jobs of the last 30 days that the dvm service received (NIP-90), and their results';
COMMENT ON COLUMN bigbrotr.dvm_jobs.request_id IS 'Id of the request, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.dvm_jobs.pubkey IS 'Public key of the customer, who signed the request, 32 bytes';
COMMENT ON COLUMN bigbrotr.dvm_jobs.kind IS 'Kind of the request, 5000 .. 5999 (NIP-90)';
COMMENT ON COLUMN bigbrotr.dvm_jobs.relay_url IS 'Normalised URL of the relay that delivered the request first; empty: it was posted to the API';
COMMENT ON COLUMN bigbrotr.dvm_jobs.received_at IS 'When the request was received';
COMMENT ON COLUMN bigbrotr.dvm_jobs.state IS 'unpaid: waits for bigbrotr.pay_job; waiting: waits to be worked on; answered: the answer is signed, and no relay has accepted it yet; delivered: a relay has accepted the answer; undelivered: no relay has, and the answer is given up';
COMMENT ON COLUMN bigbrotr.dvm_jobs.error IS 'Error text of the answer; null: the answer is a result, or not known yet';
COMMENT ON COLUMN bigbrotr.dvm_jobs.answered_at IS 'When the answer was signed; null: no answer yet';
COMMENT ON COLUMN bigbrotr.dvm_jobs.answer_id IS 'Id of the answer, 32 bytes; null: no answer yet';

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
COMMENT ON FUNCTION _bigbrotr.api_job_json(text) IS 'The text as JSON; null: the text is not JSON';

CREATE FUNCTION _bigbrotr.note_job_provider(pubkey bytea, kinds integer[]) RETURNS void
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.job_provider AS p (pubkey, kinds) VALUES (note_job_provider.pubkey, coalesce(note_job_provider.kinds, '{}'))
		ON CONFLICT (only_one) DO UPDATE SET pubkey = excluded.pubkey, kinds = excluded.kinds
			WHERE (p.pubkey, p.kinds) IS DISTINCT FROM (excluded.pubkey, excluded.kinds);
	END;
COMMENT ON FUNCTION _bigbrotr.note_job_provider(bytea, integer[]) IS 'Registers the provider of jobs: its public key (null: the dvm service has no key), and the kinds that it answers';

CREATE FUNCTION _bigbrotr.take_job(request text, relay_url text, us bytea, most_per_hour integer, is_free boolean, at bigint) RETURNS text
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	job_age CONSTANT bigint := 600;
	most_waiting CONSTANT bigint := 1000;
	most_in_hour CONSTANT bigint := 10000; -- of all authors together, because new keys cost nothing
	event CONSTANT jsonb := _bigbrotr.api_job_json(request);
	tags jsonb;
	id bytea;
	customer bytea;
	ours boolean;
	asked bigint;
BEGIN
	IF event ->> 'id' ~ '^[0-9a-f]{64}$' AND event ->> 'pubkey' ~ '^[0-9a-f]{64}$' AND jsonb_typeof(event -> 'tags') = 'array'
	   AND event ->> 'kind' ~ '^[0-9]{1,5}$' AND event ->> 'created_at' ~ '^[0-9]{1,19}$' AND at BETWEEN 0 AND 1000000000000
	THEN
		tags := event -> 'tags';
		id := decode(event ->> 'id', 'hex');
		customer := decode(event ->> 'pubkey', 'hex');
		ours := EXISTS (SELECT FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'p' AND t ->> 1 = encode(us, 'hex'));
	ELSE
		RAISE invalid_parameter_value USING
			MESSAGE = 'this is no request', DETAIL = 'A request is an event (NIP-01), noted at its time.', HINT = 'Only the dvm service calls this function.';
	END IF;
	IF (event ->> 'created_at')::numeric NOT BETWEEN at - job_age AND at + job_age THEN
		RETURN 'old';
	ELSIF NOT ours AND EXISTS (SELECT FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 IN ('p', 'encrypted'))
	   -- Other customers use kind 5050 to ask for generated texts, customers of BigBrotr to ask for rows of a table.
	   OR event ->> 'kind' = '5050' AND NOT (ours AND EXISTS (
	       SELECT FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'encrypted' OR t ->> 0 = 'param' AND t ->> 1 IN ('table', 'read_model')))
	THEN
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
	INSERT INTO _bigbrotr.job_requests (request_id, pubkey, kind, request, relay_url, received_at, state, next_attempt, error)
	VALUES (id, customer, (event ->> 'kind')::integer, request, relay_url, at,
	        CASE WHEN is_free OR asked = most_per_hour THEN 'waiting' ELSE 'unpaid' END, at,
	        CASE WHEN asked = most_per_hour THEN format('too many jobs: %s in an hour are answered. Ask again later.', most_per_hour) END)
	ON CONFLICT DO NOTHING; -- the api service may store the same request at the same time
	RETURN CASE WHEN NOT FOUND THEN 'known' WHEN asked = most_per_hour THEN 'last' WHEN is_free THEN 'waiting' ELSE 'unpaid' END;
END
$$;
COMMENT ON FUNCTION _bigbrotr.take_job(text, text, bytea, integer, boolean, bigint) IS
	'Stores a request for a job (NIP-90): JSON of an event whose signature is verified. us: our public key; relay_url empty: the request was posted; is_free: whether jobs have no price; at: Unix seconds. Returns waiting, unpaid, or last (one request more than most_per_hour allows: it is answered with an error). If the request is not stored, returns the reason: old (created_at is more than 10 minutes from at), foreign (for another provider), withdrawn, known, busy, too_many. An error if the text is not an event';

CREATE FUNCTION _bigbrotr.next_job(at bigint, OUT request_id bytea, OUT request text, OUT relay_url text, OUT attempts integer, OUT is_unpaid boolean, OUT error text)
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.check_time(next_job.at);
		UPDATE _bigbrotr.job_requests AS j SET attempts = j.attempts + 1, next_attempt = next_job.at + 60
		WHERE j.request_id = (SELECT w.request_id FROM _bigbrotr.job_requests AS w
		                      WHERE (w.state = 'waiting' OR w.state = 'unpaid' AND w.feedback IS NULL) AND w.next_attempt <= next_job.at
		                      ORDER BY w.next_attempt, w.received_at LIMIT 1)
		RETURNING j.request_id, j.request, j.relay_url, j.attempts, j.state = 'unpaid', j.error;
	END;
COMMENT ON FUNCTION _bigbrotr.next_job(bigint) IS
	'The next request to be worked on; it is due again after a minute unless it is answered. attempts: number of attempts, with this one; is_unpaid: whether the price must be asked; error: error text that the answer must have. All columns null: no request is due';

CREATE FUNCTION _bigbrotr.resume_jobs(at bigint) RETURNS void
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.job_requests AS j SET next_attempt = resume_jobs.at
		WHERE j.state IN ('unpaid', 'waiting', 'answered') AND j.next_attempt > resume_jobs.at;
	END;
COMMENT ON FUNCTION _bigbrotr.resume_jobs(bigint) IS 'Makes all work and all sending due at "at" (Unix seconds): a former worker of the dvm service may have left them';

CREATE FUNCTION _bigbrotr.price_job(request_id bytea, feedback text, price bigint, at bigint) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.job_requests AS j SET feedback = price_job.feedback, price = price_job.price, attempts = 0, next_attempt = at
	WHERE j.request_id = price_job.request_id AND j.state = 'unpaid' AND j.feedback IS NULL;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.price_job(bytea, text, bigint, bigint) IS
	'Stores the signed feedback that asks for the price of a job (millisatoshi). false: the price was asked before, or the job is paid';

CREATE FUNCTION _bigbrotr.answer_job(request_id bytea, answer text, error text, at bigint) RETURNS boolean
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.job_requests AS j
	SET state = 'answered', answer = answer_job.answer, error = answer_job.error, answered_at = at, attempts = 0, next_attempt = at
	WHERE j.request_id = answer_job.request_id AND j.state = 'waiting';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.answer_job(bytea, text, text, bigint) IS
	'Stores the signed answer to a request; error null: the answer is a result. false: another answer is stored already, and must be sent instead';

CREATE FUNCTION _bigbrotr.answers_to_send(most integer, at bigint) RETURNS TABLE (request_id bytea, answer text, request text, is_posted boolean)
	LANGUAGE sql VOLATILE STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.job_requests AS j SET attempts = j.attempts + 1, next_attempt = answers_to_send.at + 60 * (1 << least(j.attempts, 6))
		WHERE j.request_id IN (SELECT w.request_id FROM _bigbrotr.job_requests AS w
		                       WHERE (w.state = 'answered' OR w.state = 'unpaid' AND w.feedback IS NOT NULL) AND w.next_attempt <= answers_to_send.at
		                       ORDER BY w.next_attempt LIMIT greatest(answers_to_send.most, 0))
		RETURNING j.request_id, coalesce(j.answer, j.feedback), j.request, j.relay_url = '';
	END;
COMMENT ON FUNCTION _bigbrotr.answers_to_send(integer, bigint) IS
	'Answers, and feedbacks that ask for a price, that are due to be sent and that no relay has accepted yet, at most "most". Each is due again after a minute, then after twice the time, up to 64 minutes';

-- After delivery the archive deletes request and answer and keeps the id of the answer. It keeps both of a posted request,
-- because the customer fetches the answer from the API.
CREATE FUNCTION _bigbrotr.answer_sent(request_id bytea, answer_id bytea, is_accepted boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most_attempts CONSTANT integer := 6;
	sent CONSTANT text := encode(answer_id, 'hex');
BEGIN
	UPDATE _bigbrotr.job_requests AS j
	SET state = CASE WHEN is_accepted THEN 'delivered' ELSE 'undelivered' END, next_attempt = NULL,
	    request = CASE j.relay_url WHEN '' THEN j.request ELSE '' END, feedback = CASE j.relay_url WHEN '' THEN j.feedback END,
	    answer = CASE j.relay_url WHEN '' THEN j.answer ELSE json_build_object('id', sent)::text END
	WHERE j.request_id = answer_sent.request_id AND j.state = 'answered' AND j.answer::json ->> 'id' = sent AND (is_accepted OR j.attempts >= most_attempts);
	UPDATE _bigbrotr.job_requests AS j SET next_attempt = NULL
	WHERE j.request_id = answer_sent.request_id AND j.state = 'unpaid' AND j.feedback::json ->> 'id' = sent AND (is_accepted OR j.attempts >= most_attempts);
END
$$;
COMMENT ON FUNCTION _bigbrotr.answer_sent(bytea, bytea, boolean) IS
	'Stores whether at least one relay has accepted an answer, or a feedback that asks for a price. After six attempts without success it is given up';

CREATE FUNCTION _bigbrotr.forget_jobs(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	kept CONSTANT bigint := 3600;
	latest CONSTANT bigint := greatest(at, 0);
	deleted bigint;
BEGIN
	UPDATE _bigbrotr.job_requests AS j SET request = '', feedback = NULL, answer = json_build_object('id', j.answer::json ->> 'id')::text
	WHERE j.state IN ('delivered', 'undelivered') AND j.request <> '' AND j.answered_at < latest - kept;
	DELETE FROM _bigbrotr.job_requests AS j WHERE j.received_at < latest - 30 * 86400 OR j.state = 'unpaid' AND j.received_at < latest - kept;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.forget_jobs(bigint) IS
	'Deletes requests that are older than 30 days, and unpaid requests that are older than an hour; returns their number. Also deletes the texts of posted requests and their answers an hour after the answer. A request that old is not answered again';

CREATE FUNCTION bigbrotr.pay_job(request_id text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.job_requests AS j SET state = 'waiting', attempts = 0, next_attempt = 0
	WHERE j.request_id = bigbrotr.event_id(pay_job.request_id) AND j.state = 'unpaid';
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.pay_job(text) IS
	'Marks a job as paid (bigbrotr.dvm_price), so that the dvm service works on it; for software that watches payments. request_id: hex, note1… or nevent1…. false: no unpaid job has this request';

-- The zapper, which runs our wallet, is trusted. The invoice and the zap request in its receipt are compared with the price
-- and the job.
CREATE FUNCTION _bigbrotr.take_zap(receipt text, zapper bytea, us bytea) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	event CONSTANT jsonb := _bigbrotr.api_job_json(receipt);
	tags CONSTANT jsonb := CASE jsonb_typeof(event -> 'tags') WHEN 'array' THEN event -> 'tags' ELSE '[]' END;
	amount CONSTANT bigint := bigbrotr.bolt11_amount((SELECT t ->> 1 FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'bolt11' LIMIT 1), false);
	description CONSTANT text := (SELECT t ->> 1 FROM jsonb_array_elements(tags) AS t WHERE t ->> 0 = 'description' LIMIT 1);
	request jsonb;
	wanted text;
BEGIN
	IF event ->> 'kind' IS DISTINCT FROM '9735' OR event ->> 'pubkey' IS DISTINCT FROM encode(zapper, 'hex') OR amount IS NULL OR description IS NULL
	   OR bigbrotr.verify_event_reason(description) IS NOT NULL
	THEN
		RETURN false;
	END IF;
	request := _bigbrotr.api_job_json(description); -- null: it has U+0000
	wanted := (SELECT t ->> 1 FROM jsonb_array_elements(request -> 'tags') AS t WHERE t ->> 0 = 'e' LIMIT 1);
	IF request IS NULL OR request ->> 'kind' <> '9734' OR wanted !~ '^[0-9a-f]{64}$'
	   OR NOT EXISTS (SELECT FROM jsonb_array_elements(request -> 'tags') AS t WHERE t ->> 0 = 'p' AND t ->> 1 = encode(us, 'hex'))
	   OR EXISTS (SELECT FROM jsonb_array_elements(request -> 'tags') AS t WHERE t ->> 0 = 'amount' AND t ->> 1 IS DISTINCT FROM amount::text)
	THEN
		RETURN false;
	END IF;
	UPDATE _bigbrotr.job_requests AS j SET state = 'waiting', attempts = 0, next_attempt = 0
	WHERE j.state = 'unpaid' AND j.price <= amount AND (j.request_id = decode(wanted, 'hex') OR j.feedback::json ->> 'id' = wanted);
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.take_zap(text, bytea, bytea) IS
	'Whether a zap receipt (NIP-57: JSON of an event whose signature is verified) pays for an unpaid job, which the dvm service then works on. The receipt must be signed by zapper, its invoice must be at least the price, and its signed zap request must name our public key (us) and the id of the request or of the feedback';

-- ---- Requests posted to the API

CREATE FUNCTION _bigbrotr.api_job_state(id text) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT row_to_json(s)
		FROM (SELECT encode(j.request_id, 'hex') AS request_id, j.state, j.error,
		             (SELECT coalesce(json_agg(e::json), '[]') FROM unnest(ARRAY[j.feedback, CASE WHEN j.request <> '' THEN j.answer END]) AS e WHERE e IS NOT NULL) AS events
		      FROM _bigbrotr.job_requests AS j WHERE j.request_id = bigbrotr.event_id(api_job_state.id)) AS s;
	END;
COMMENT ON FUNCTION _bigbrotr.api_job_state(text) IS 'State of a job (NIP-90), and the events that answer it. id: id of the request';

-- The worker of the api service calls this function, because an executor only reads. An SQLSTATE that begins with PT contains
-- the HTTP status of the answer.
CREATE FUNCTION _bigbrotr.post_job(body json) RETURNS TABLE (item json)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most_bytes CONSTANT integer := 32768;
	most_in_hour CONSTANT bigint := 1000; -- of all authors together, because their answers are stored
	most_per_author CONSTANT integer := current_setting('bigbrotr.dvm_jobs_per_author')::integer;
	request CONSTANT text := body::text;
	fault text;
	at CONSTANT bigint := bigbrotr.unix_now();
	provider _bigbrotr.job_provider;
	decision text;
BEGIN
	IF octet_length(request) > most_bytes THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'the request is too large', DETAIL = format('It has %s bytes and may have %s.', octet_length(request), most_bytes), HINT = 'Ask for less at once.';
	END IF;
	fault := bigbrotr.verify_event_reason(request);
	IF fault IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'this is no signed request', DETAIL = format('The event is refused: %s.', fault), HINT = 'The body is one event (NIP-01) of a kind from 5000 on (NIP-90), signed by its author.';
	END IF;
	IF EXISTS (SELECT FROM _bigbrotr.job_requests AS j WHERE j.request_id = decode(body ->> 'id', 'hex')) THEN
		RETURN QUERY SELECT s.item FROM _bigbrotr.api_job_state(body ->> 'id') AS s;
		RETURN;
	END IF;
	SELECT * INTO provider FROM _bigbrotr.job_provider;
	IF provider.pubkey IS NULL OR pg_is_in_recovery()
	   OR NOT EXISTS (SELECT FROM bigbrotr.services AS s WHERE s.database = current_database() AND s.service = 'dvm' AND s.state IN ('running', 'backoff', 'enabled'))
	THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'jobs are not answered here', DETAIL = 'The service dvm does not run, or has no key.',
			HINT = 'An administrator adds dvm to bigbrotr.services and names a key in bigbrotr.key_file.';
	ELSIF (body ->> 'kind')::integer <> ALL (provider.kinds) THEN
		RAISE SQLSTATE 'PT422' USING
			MESSAGE = format('jobs of kind %s are not done here', body ->> 'kind'), DETAIL = format('These kinds are: %s.', array_to_string(provider.kinds, ', ')), HINT = 'Ask another provider.';
	ELSIF (SELECT count(*) FROM _bigbrotr.job_requests AS j WHERE j.received_at > at - 3600 AND j.relay_url = '') >= most_in_hour THEN
		decision := 'busy';
	ELSE
		decision := _bigbrotr.take_job(request, '', provider.pubkey, most_per_author, current_setting('bigbrotr.dvm_price')::integer = 0, at);
	END IF;
	CASE decision
		WHEN 'old' THEN
			RAISE SQLSTATE 'PT422' USING
				MESSAGE = 'the request is not of now', DETAIL = 'It was signed more than ten minutes ago, or for the future.', HINT = 'Sign it anew, and look at your clock.';
		WHEN 'foreign' THEN
			RAISE SQLSTATE 'PT422' USING
				MESSAGE = 'the request is for another provider', DETAIL = 'Its tags p do not name this one, it is encrypted for nobody, or it is of kind 5050 and names no table.',
				HINT = format('Add the tag ["p", "%s"] before you sign it.', encode(provider.pubkey, 'hex'));
		WHEN 'withdrawn' THEN
			RAISE SQLSTATE 'PT422' USING
				MESSAGE = 'the request has ended', DETAIL = 'It is expired (NIP-40), or its author has deleted it (NIP-09).', HINT = 'Sign a new one.';
		WHEN 'too_many' THEN
			RAISE SQLSTATE 'PT429' USING
				MESSAGE = 'too many jobs of this author', DETAIL = format('%s in an hour are answered.', most_per_author), HINT = 'Wait, or ask for more in one job.';
		WHEN 'busy' THEN
			RAISE insufficient_resources USING
				MESSAGE = 'too many jobs wait', DETAIL = 'Too many requests of all authors wait, or were taken in the last hour.', HINT = 'Try again later, or ask at a relay.';
		ELSE
			RETURN QUERY SELECT s.item FROM _bigbrotr.api_job_state(body ->> 'id') AS s;
	END CASE;
END
$$;
COMMENT ON FUNCTION _bigbrotr.post_job(json) IS
	'Takes a signed request for a job (NIP-90), which the dvm service answers; the header Location says where the state of the job is. A request that is posted again is answered once';
