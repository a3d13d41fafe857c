-- State and functions of the monitor: they lease relays to workers for visits, and store the results of visits.

CREATE TABLE _bigbrotr.relay_visits (
	relay_id   integer NOT NULL,
	host       text    NOT NULL,
	site       text    NOT NULL,
	next_visit bigint  NOT NULL DEFAULT 0,
	owner      text,
	checked_at bigint,
	tried_at   bigint,
	rtt_open   integer,
	rtt_read   integer,
	rtt_write  integer,
	nip66_id   integer,
	nip11_id   integer,
	CONSTRAINT relay_visits_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_visits_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_visits_nip66_id_fkey FOREIGN KEY (nip66_id) REFERENCES _bigbrotr.nip66_facts,
	CONSTRAINT relay_visits_nip11_id_fkey FOREIGN KEY (nip11_id) REFERENCES _bigbrotr.nip11_documents
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_visits_due_idx ON _bigbrotr.relay_visits (next_visit, relay_id);
CREATE INDEX relay_visits_host_idx ON _bigbrotr.relay_visits (host) WHERE owner IS NOT NULL;
CREATE INDEX relay_visits_site_idx ON _bigbrotr.relay_visits (site) WHERE owner IS NOT NULL;
CREATE INDEX relay_visits_nip66_id_idx ON _bigbrotr.relay_visits (nip66_id) WHERE nip66_id IS NOT NULL;
CREATE INDEX relay_visits_nip11_id_idx ON _bigbrotr.relay_visits (nip11_id) WHERE nip11_id IS NOT NULL;
COMMENT ON TABLE _bigbrotr.relay_visits IS 'State of the monitor, one row per relay: time of the next visit, and results of the last one';
COMMENT ON COLUMN _bigbrotr.relay_visits.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_visits.host IS 'Host of the relay''s URL';
COMMENT ON COLUMN _bigbrotr.relay_visits.site IS 'Registered domain of the host, by the Public Suffix List, or the IPv4 address, or the /64 network of the IPv6 address';
COMMENT ON COLUMN _bigbrotr.relay_visits.next_visit IS 'Earliest time of the next visit, Unix seconds; 0: the relay was never visited. During a visit: time at which its lease ends';
COMMENT ON COLUMN _bigbrotr.relay_visits.owner IS 'Worker that visits the relay now: system identifier of its server, database, service and instance; null: no worker';
COMMENT ON COLUMN _bigbrotr.relay_visits.checked_at IS 'Time of the last visit, Unix seconds; null: never visited';
COMMENT ON COLUMN _bigbrotr.relay_visits.tried_at IS 'Time of the last visit that tried NIPs, Unix seconds; null: none did';
COMMENT ON COLUMN _bigbrotr.relay_visits.rtt_open IS 'Milliseconds to open a connection (NIP-66, rtt-open), at the last visit; null: not measured';
COMMENT ON COLUMN _bigbrotr.relay_visits.rtt_read IS 'Milliseconds to the answer of a REQ (NIP-66, rtt-read), at the last visit; null: not measured';
COMMENT ON COLUMN _bigbrotr.relay_visits.rtt_write IS 'Milliseconds to the answer of an EVENT (NIP-66, rtt-write), at the last visit that sent one; null: no visit sent one, or the relay did not accept it';
COMMENT ON COLUMN _bigbrotr.relay_visits.nip66_id IS '_bigbrotr.nip66_facts.nip66_id of the facts that were measured last, among those that are kept (_bigbrotr.may_change); null: none';
COMMENT ON COLUMN _bigbrotr.relay_visits.nip11_id IS '_bigbrotr.nip11_documents.nip11_id of the document that the relay served last, among those that are kept (_bigbrotr.may_change); null: none';

CREATE TABLE _bigbrotr.relay_stories (
	relay_id   integer NOT NULL,
	outcome    text    NOT NULL,
	visited_at bigint  NOT NULL,
	story      jsonb   NOT NULL,
	facts      jsonb   NOT NULL,
	CONSTRAINT relay_stories_pkey PRIMARY KEY (relay_id, outcome),
	CONSTRAINT relay_stories_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_stories_outcome_check CHECK (outcome IN ('answered', 'failed', 'unknown'))
);
COMMENT ON TABLE _bigbrotr.relay_stories IS 'The last visits to each relay, one of each outcome: the steps, and what the visit measured; bigbrotr.explain_relay shows them';
COMMENT ON COLUMN _bigbrotr.relay_stories.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_stories.outcome IS 'answered: the relay answered in Nostr; failed: the relay did not answer, or our rules forbid a connection; unknown: this server had no network connection';
COMMENT ON COLUMN _bigbrotr.relay_stories.visited_at IS 'Time of the visit, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_stories.story IS 'Steps of the visit: array of objects with the keys step, error (reason code; empty: none), detail, and where they apply run (false: the step was not tried), ms (milliseconds), ttl (seconds; of names), address, port (of connect), status (of upgrade), size (bytes; of document)';
COMMENT ON COLUMN _bigbrotr.relay_stories.facts IS 'Measured facts, also of a relay that did not answer: object like _bigbrotr.nip66_facts.facts';

SELECT pg_extension_config_dump('_bigbrotr.relay_visits', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_stories', '');

-- ---- The next relays

CREATE FUNCTION _bigbrotr.visit_interval(status text, outcome text, run integer, pace text) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN least(604800, CASE pace WHEN 'quiet' THEN 4 ELSE 1 END
		* least(CASE pace WHEN 'sweep' THEN 3600 ELSE 604800 END, CASE
			WHEN outcome = 'unknown' THEN 600
			WHEN status = 'online' THEN CASE outcome WHEN 'answered' THEN 3600 ELSE 120 END
			WHEN status = 'unstable' THEN 600
			WHEN status = 'offline' THEN 3600
			WHEN status = 'candidate' THEN 1800 * (2 ^ least(greatest(run, 1) - 1, 8))::bigint
			WHEN status = 'dead' THEN 3 * 86400
			ELSE 604800 END::bigint));
COMMENT ON FUNCTION _bigbrotr.visit_interval(text, text, integer, text) IS
	'Seconds from one visit of a relay to the next. status: bigbrotr.relays.status after the visit; outcome, run: as in _bigbrotr.relay_health; pace: value of bigbrotr.politeness';

CREATE FUNCTION _bigbrotr.adopt_visits() RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	adopted bigint;
BEGIN
	INSERT INTO _bigbrotr.relay_visits (relay_id, host, site)
	SELECT r.relay_id, p.host, p.site
	FROM bigbrotr.relays AS r CROSS JOIN LATERAL _bigbrotr.relay_site(r.url) AS p
	WHERE NOT EXISTS (SELECT FROM _bigbrotr.relay_visits AS v WHERE v.relay_id = r.relay_id)
	ORDER BY r.relay_id
	FOR KEY SHARE OF r SKIP LOCKED -- the relay may be deleted at the same time
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS adopted = ROW_COUNT;
	RETURN adopted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.adopt_visits() IS
	'Adds a row to _bigbrotr.relay_visits for each relay that has none, so that the monitor visits it. Returns the number of new rows';

CREATE FUNCTION _bigbrotr.take_visits(
	worker text, places integer, per_host integer, per_site integer, per_overlay integer, networks text[], at bigint, lease bigint,
	OUT relay_id integer, OUT url text, OUT try_nips boolean) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 2 * least(greatest(places, 0), 10000) + 100;
	due record;
	taken integer := 0;
	overlay bigint := (SELECT count(*) FROM _bigbrotr.relay_visits AS v JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
	                   WHERE v.owner IS NOT NULL AND v.next_visit > at AND r.network IN ('tor', 'i2p', 'loki'));
	pause bigint;
BEGIN
	FOR due IN
		SELECT v.relay_id, r.url, r.network, r.status, v.host, v.site, v.tried_at
		FROM (SELECT d.relay_id, d.next_visit, d.host, d.site, d.tried_at FROM _bigbrotr.relay_visits AS d
		      WHERE d.next_visit <= at ORDER BY d.next_visit, d.relay_id LIMIT greatest(most, 0)) AS v
		     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
		ORDER BY v.next_visit, v.relay_id
	LOOP
		EXIT WHEN taken >= places;
		-- Another worker may be leasing this relay. The query of the loop locks no rows, because the loop fetches
		-- more rows than it uses.
		PERFORM FROM _bigbrotr.relay_visits AS v WHERE v.relay_id = due.relay_id AND v.next_visit <= at FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		-- A relay that cannot be visited now gets a later next_visit, so that it does not keep other due relays out of the LIMIT.
		pause := CASE
			WHEN due.status = 'ignored' THEN 86400
			WHEN due.network <> ALL (networks) THEN 600
			WHEN due.network IN ('tor', 'i2p', 'loki') AND overlay >= per_overlay THEN 10
			WHEN (SELECT count(*) FROM _bigbrotr.relay_visits AS v
			      WHERE v.host = due.host AND v.owner IS NOT NULL AND v.next_visit > at) >= per_host THEN 5
			WHEN (SELECT count(*) FROM _bigbrotr.relay_visits AS v
			      WHERE v.site = due.site AND v.owner IS NOT NULL AND v.next_visit > at) >= per_site THEN 5
		END;
		IF pause IS NOT NULL THEN
			UPDATE _bigbrotr.relay_visits AS v SET owner = NULL, next_visit = at + pause WHERE v.relay_id = due.relay_id;
			CONTINUE;
		END IF;
		UPDATE _bigbrotr.relay_visits AS v SET owner = worker, next_visit = at + greatest(lease, 1) WHERE v.relay_id = due.relay_id;
		taken := taken + 1;
		overlay := overlay + (due.network IN ('tor', 'i2p', 'loki'))::integer;
		relay_id := due.relay_id;
		url := due.url;
		try_nips := due.status IN ('online', 'unstable') AND coalesce(due.tried_at, 0) <= at - 86400;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _bigbrotr.take_visits(text, integer, integer, integer, integer, text[], bigint, bigint) IS
	'Leases due relays of these networks to a worker for a visit: at most "places" relays, each for "lease" seconds. All workers together visit at most per_host relays of one host, per_site of one site and per_overlay of the overlay networks (tor, i2p, loki) at a time; a relay beyond these limits is due again some seconds later. try_nips: whether this visit tries NIPs, which happens once a day while the relay is online or unstable. at: Unix seconds';

CREATE FUNCTION _bigbrotr.release_visits(worker text, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	released bigint;
BEGIN
	UPDATE _bigbrotr.relay_visits AS v SET owner = NULL, next_visit = at WHERE v.owner = worker;
	GET DIAGNOSTICS released = ROW_COUNT;
	RETURN released;
END
$$;
COMMENT ON FUNCTION _bigbrotr.release_visits(text, bigint) IS
	'Ends all leases of a worker whose visits were cancelled; its relays are due at "at" (Unix seconds). Returns the number of leases';

-- ---- Results of visits

-- The net process is not trusted: a text that is not a JSON object, or that jsonb cannot store, is dropped.
CREATE FUNCTION _bigbrotr.json_object_or_null(given text) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	object jsonb;
BEGIN
	object := given::jsonb;
	RETURN CASE jsonb_typeof(object) WHEN 'object' THEN object END;
EXCEPTION WHEN data_exception OR statement_too_complex OR program_limit_exceeded THEN
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bigbrotr.json_object_or_null(text) IS 'The text as a JSON object; null: the text is not a JSON object, or jsonb cannot store it';

CREATE FUNCTION _bigbrotr.json_text(document jsonb, key text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN jsonb_typeof(document -> key) IN ('string', 'number') THEN document ->> key END;
COMMENT ON FUNCTION _bigbrotr.json_text(jsonb, text) IS 'The string or number under this key of a JSON object, as text; null: the key is missing, or its value has another type';

CREATE FUNCTION _bigbrotr.nip_numbers(document jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (SELECT jsonb_agg(k.number ORDER BY k.number)
	        FROM (SELECT DISTINCT n.number
	              FROM jsonb_array_elements_text(CASE jsonb_typeof(document -> 'supported_nips') WHEN 'array' THEN document -> 'supported_nips' ELSE '[]' END) AS e (text)
	                   CROSS JOIN LATERAL (SELECT CASE WHEN e.text ~ '^[0-9]{1,5}$' THEN e.text::integer END AS number) AS n
	              WHERE n.number <= 65535 ORDER BY 1 LIMIT 1000) AS k);
COMMENT ON FUNCTION _bigbrotr.nip_numbers(jsonb) IS
	'Numbers of the NIPs in the field supported_nips of a document (NIP-11), as a sorted JSON array; an element is a number or a string of digits, other elements are left out, and all but the lowest 1,000 numbers; null: there is none';

CREATE FUNCTION _bigbrotr.allowed_subscriptions(relay integer) RETURNS integer
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT coalesce((
			SELECT CASE WHEN m.said ~ '^[1-9][0-9]{0,4}$' THEN m.said::integer END
			FROM _bigbrotr.relay_visits AS v
			     JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
			     CROSS JOIN LATERAL (SELECT (d.document #> '{limitation,max_subscriptions}')::text AS said) AS m
			WHERE v.relay_id = allowed_subscriptions.relay), 0);
	END;
COMMENT ON FUNCTION _bigbrotr.allowed_subscriptions(integer) IS
	'How many subscriptions the relay allows on one connection (NIP-11, limitation.max_subscriptions), 1 .. 99999; 0: its document does not say it, or was never fetched';

CREATE FUNCTION _bigbrotr.store_document(given text) RETURNS integer
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT _bigbrotr.store_nip11(_bigbrotr.json_text(d.j, 'name'), _bigbrotr.json_text(d.j, 'description'),
			_bigbrotr.json_text(d.j, 'pubkey'), _bigbrotr.json_text(d.j, 'contact'), _bigbrotr.nip_numbers(d.j),
			_bigbrotr.json_text(d.j, 'software'), _bigbrotr.json_text(d.j, 'version'), d.j)
		FROM (SELECT _bigbrotr.json_object_or_null(given) AS j) AS d;
	END;
COMMENT ON FUNCTION _bigbrotr.store_document(text) IS
	'Stores a document (NIP-11) as the relay served it, unless an equal one is stored. Returns its _bigbrotr.nip11_documents.nip11_id; null: the text is not a JSON object. A field of a wrong type becomes null in its column';

-- Without a limit, a relay whose document or facts change at each visit would fill the disk.
CREATE FUNCTION _bigbrotr.may_change(relay integer, aspect text, at bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT count(*) < 8 FROM _bigbrotr.relay_history AS h
		WHERE h.relay_id = may_change.relay AND h.aspect = may_change.aspect AND h.at + 604800 > may_change.at;
	END;
COMMENT ON FUNCTION _bigbrotr.may_change(integer, text, bigint) IS
	'Whether a change of this aspect (_bigbrotr.relay_history.aspect) of a relay may be stored: at most eight changes in a week are. at: Unix seconds';

CREATE FUNCTION _bigbrotr.record_visits(
	worker text, relay_ids integer[], ats bigint[], outcomes text[], reasons text[],
	openables boolean[], readables boolean[], writables boolean[],
	rtt_opens integer[], rtt_reads integer[], rtt_writes integer[],
	documents text[], facts text[], stories text[], tried boolean[], pace text) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	visit record;
	known _bigbrotr.relay_visits;
	health _bigbrotr.relay_health;
	status_now text;
	earlier jsonb;
	served jsonb;
	measured jsonb;
	new_nip11 integer;
	new_nip66 integer;
	recorded bigint := 0;
BEGIN
	PERFORM _bigbrotr.lock_relays(relay_ids);
	FOR visit IN
		SELECT * FROM unnest(relay_ids, ats, outcomes, reasons, openables, readables, writables, rtt_opens, rtt_reads, rtt_writes,
			documents, record_visits.facts, stories, record_visits.tried)
			AS v (relay_id, at, outcome, reason, openable, readable, writable, rtt_open, rtt_read, rtt_write, document, facts, story, tried)
		ORDER BY v.relay_id
	LOOP
		SELECT v.* INTO known FROM _bigbrotr.relay_visits AS v WHERE v.relay_id = visit.relay_id AND v.owner = worker FOR NO KEY UPDATE;
		CONTINUE WHEN NOT FOUND;
		status_now := _bigbrotr.observe_relay(visit.relay_id, 'monitor', visit.outcome, visit.reason, visit.at);
		SELECT h.* INTO health FROM _bigbrotr.relay_health AS h WHERE h.relay_id = visit.relay_id;
		-- Null: there is no document, or the change is beyond the limit of _bigbrotr.may_change. A check never refers to a document
		-- that this visit did not see.
		served := _bigbrotr.json_object_or_null(visit.document);
		new_nip11 := (SELECT d.nip11_id FROM _bigbrotr.nip11_documents AS d WHERE d.nip11_id = known.nip11_id AND d.document = served);
		IF new_nip11 IS NULL AND served IS NOT NULL AND _bigbrotr.may_change(visit.relay_id, 'nip11', visit.at) THEN
			new_nip11 := _bigbrotr.store_document(visit.document);
		END IF;
		-- Facts about a relay that did not answer are stored only in its story.
		measured := CASE visit.outcome WHEN 'answered' THEN _bigbrotr.json_object_or_null(visit.facts) END;
		new_nip66 := NULL;
		IF measured IS NOT NULL THEN
			-- Not every visit tries NIPs and sends an EVENT. The results of an earlier visit stay until a visit tries again.
			earlier := coalesce((SELECT f.facts FROM _bigbrotr.nip66_facts AS f WHERE f.nip66_id = known.nip66_id), '{}');
			measured := jsonb_strip_nulls(jsonb_build_object('write', earlier -> 'write')) || measured
				|| jsonb_build_object('nips', coalesce(earlier -> 'nips', '{}') - CASE WHEN visit.tried THEN '42' ELSE '' END || coalesce(measured -> 'nips', '{}'));
			new_nip66 := CASE WHEN measured = earlier THEN known.nip66_id
				WHEN _bigbrotr.may_change(visit.relay_id, 'nip66', visit.at) THEN _bigbrotr.store_nip66(measured) END;
		END IF;
		INSERT INTO _bigbrotr.relay_history (relay_id, at, aspect, before, after)
		SELECT visit.relay_id, visit.at, c.aspect, c.before, c.after
		FROM (VALUES ('nip11', known.nip11_id::text, new_nip11::text), ('nip66', known.nip66_id::text, new_nip66::text)) AS c (aspect, before, after)
		WHERE c.before IS DISTINCT FROM c.after AND c.after IS NOT NULL
		ON CONFLICT DO NOTHING;
		IF health.outcome <> 'unknown' AND NOT _bigbrotr.is_checked(visit.relay_id, visit.at) THEN
			INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, error, nip66_present, nip66_openable, nip66_readable, nip66_writable,
				nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, nip66_id, nip11_present, nip11_id)
			VALUES (visit.relay_id, visit.at, nullif(visit.reason, ''), true, visit.openable, visit.readable, visit.writable,
				visit.rtt_open, visit.rtt_read, visit.rtt_write, new_nip66, served IS NOT NULL, new_nip11)
			ON CONFLICT ON CONSTRAINT relay_checks_pkey DO NOTHING; -- a client may insert the same check
		END IF;
		-- A random tenth more or less spreads out the next visits of relays that were visited at the same time.
		UPDATE _bigbrotr.relay_visits AS v SET
			owner = NULL, checked_at = visit.at, tried_at = CASE WHEN visit.tried THEN visit.at ELSE v.tried_at END, rtt_open = visit.rtt_open, rtt_read = visit.rtt_read,
			rtt_write = CASE WHEN visit.writable IS NULL THEN v.rtt_write ELSE visit.rtt_write END,
			nip11_id = coalesce(new_nip11, v.nip11_id), nip66_id = coalesce(new_nip66, v.nip66_id),
			next_visit = visit.at + (_bigbrotr.visit_interval(status_now, health.outcome, health.run, pace) * (0.9 + 0.2 * random()))::bigint
		WHERE v.relay_id = visit.relay_id;
		INSERT INTO _bigbrotr.relay_stories AS s (relay_id, outcome, visited_at, story, facts)
		VALUES (visit.relay_id, CASE WHEN visit.outcome = 'answered' THEN 'answered' WHEN visit.outcome = 'unknown' OR health.outcome = 'unknown' THEN 'unknown' ELSE 'failed' END,
			visit.at, coalesce(_bigbrotr.json_object_or_null(visit.story) -> 'steps', '[]'), coalesce(_bigbrotr.json_object_or_null(visit.facts), '{}'))
		ON CONFLICT ON CONSTRAINT relay_stories_pkey DO UPDATE SET visited_at = excluded.visited_at, story = excluded.story, facts = excluded.facts;
		recorded := recorded + 1;
	END LOOP;
	RETURN recorded;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_visits(text, integer[], bigint[], text[], text[], boolean[], boolean[], boolean[], integer[], integer[], integer[], text[], text[], text[], boolean[], text) IS
	'Stores the results of visits to leased relays, updates the status of each relay (_bigbrotr.observe_relay) and ends the leases. ats: times of the visits, Unix seconds; outcomes, reasons: as _bigbrotr.observe_relay takes them; rtt_opens, rtt_reads, rtt_writes: milliseconds, null: not measured; documents (NIP-11), facts (NIP-66): JSON objects, null: none; facts of a relay that did not answer are kept only with the story; stories: JSON objects with an array "steps"; tried: whether the visit tried NIPs; pace: value of bigbrotr.politeness. A relay that the worker does not lease is skipped. Returns the number of stored visits';

-- The lock waits for transactions that have stored a document and have not yet stored a row that refers to it
-- (_bigbrotr.store_nip11, _bigbrotr.store_nip66).
CREATE FUNCTION _bigbrotr.delete_unused(aspect text, ids integer[] DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stored CONSTANT text := CASE aspect WHEN 'nip11' THEN 'nip11_documents' WHEN 'nip66' THEN 'nip66_facts' END;
	deleted bigint;
BEGIN
	IF stored IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is not an aspect with stored values', left(aspect, 64)),
			DETAIL = 'There are nip11 (documents) and nip66 (facts).', HINT = 'Changes of the status of relays are only in _bigbrotr.relay_history.';
	ELSIF cardinality(ids) = 0 THEN
		RETURN 0;
	END IF;
	EXECUTE format('LOCK TABLE _bigbrotr.%I IN SHARE ROW EXCLUSIVE MODE', stored);
	EXECUTE format($delete$
		DELETE FROM _bigbrotr.%1$I AS d
		WHERE ($1 IS NULL OR d.%2$I = ANY ($1))
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_visits AS v WHERE v.%2$I = d.%2$I)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_checks AS c WHERE c.%2$I = d.%2$I)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_series AS s WHERE s.%2$I @> ARRAY[d.%2$I])
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_history AS h WHERE h.aspect = %3$L AND h.before = d.%2$I::text)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_history AS h WHERE h.aspect = %3$L AND h.after = d.%2$I::text)$delete$,
		stored, aspect || '_id', aspect) USING ids;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.delete_unused(text, integer[]) IS
	'Deletes the documents (aspect nip11) or facts (nip66) among these ids (null: among all) that no row refers to, and returns their number. An error if aspect is another word';

CREATE FUNCTION _bigbrotr.trim_history(oldest bigint, most integer) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	trimmed bigint;
	nip11_ids integer[];
	nip66_ids integer[];
BEGIN
	DELETE FROM _bigbrotr.relay_outages AS o WHERE o.ended < oldest;
	WITH checks AS (
		DELETE FROM _bigbrotr.relay_checks AS c
		WHERE (c.relay_id, c.generated_at) IN (
			SELECT o.relay_id, o.generated_at FROM _bigbrotr.relay_checks AS o WHERE o.generated_at < oldest LIMIT greatest(most, 0))
		RETURNING c.nip11_id, c.nip66_id
	), series AS (
		DELETE FROM _bigbrotr.relay_series AS s
		WHERE (s.relay_id, s.week) IN (
			SELECT o.relay_id, o.week FROM _bigbrotr.relay_series AS o WHERE (o.week + 1) * 604800::bigint <= oldest LIMIT greatest(most, 0))
		RETURNING s.nip11_id, s.nip66_id
	), changes AS (
		-- The last change before this second still describes the relay, so it stays.
		DELETE FROM _bigbrotr.relay_history AS h
		WHERE (h.relay_id, h.aspect, h.at) IN (
			SELECT o.relay_id, o.aspect, o.at FROM _bigbrotr.relay_history AS o
			WHERE o.at < oldest AND EXISTS (SELECT FROM _bigbrotr.relay_history AS n
			                                WHERE n.relay_id = o.relay_id AND n.aspect = o.aspect AND n.at > o.at AND n.at <= oldest)
			LIMIT greatest(most, 0))
		RETURNING h.aspect, h.before, h.after
	), released AS (
		SELECT c.nip11_id, c.nip66_id FROM checks AS c
		UNION ALL
		SELECT u.nip11_id, u.nip66_id FROM series AS s CROSS JOIN LATERAL unnest(s.nip11_id, s.nip66_id) AS u (nip11_id, nip66_id)
		UNION ALL
		SELECT CASE h.aspect WHEN 'nip11' THEN i.id::integer END, CASE h.aspect WHEN 'nip66' THEN i.id::integer END
		FROM changes AS h CROSS JOIN LATERAL (VALUES (h.before), (h.after)) AS i (id)
	)
	SELECT (SELECT count(*) FROM checks) + (SELECT count(*) FROM series) + (SELECT count(*) FROM changes),
	       coalesce(array_agg(DISTINCT r.nip11_id) FILTER (WHERE r.nip11_id IS NOT NULL), '{}'),
	       coalesce(array_agg(DISTINCT r.nip66_id) FILTER (WHERE r.nip66_id IS NOT NULL), '{}')
	INTO trimmed, nip11_ids, nip66_ids
	FROM released AS r;
	PERFORM _bigbrotr.delete_unused('nip11', nip11_ids), _bigbrotr.delete_unused('nip66', nip66_ids);
	RETURN trimmed;
END
$$;
COMMENT ON FUNCTION _bigbrotr.trim_history(bigint, integer) IS
	'Deletes outages of relays that ended before this Unix second, and of measurements, packed measurements (_bigbrotr.relay_series, by whole weeks) and changes that are older at most "most" rows each, but not the last change of each aspect; then the documents and facts that only deleted rows referred to. Returns the number of deleted rows of measurements and changes; 0: nothing that old is left';
