-- Functions of the archive: relays, seed lists, events, sightings.
-- Arrays run in parallel: their n-th elements belong together.

CREATE FUNCTION bigbrotr.normalise_relay_url(
	text text, lenient boolean DEFAULT false,
	OUT url text, OUT network text, OUT reason text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_normalise_relay_url';
COMMENT ON FUNCTION bigbrotr.normalise_relay_url(text, boolean) IS
	'One spelling for one relay endpoint, and its network; if it is no relay URL, url is null and reason a reason code. lenient: bare hosts and http(s) are read as ws(s)';

CREATE FUNCTION bigbrotr.unix_now() RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN floor(extract(epoch FROM now()))::bigint;
COMMENT ON FUNCTION bigbrotr.unix_now() IS 'Start of the transaction, Unix seconds';

-- Policy beside the pure normaliser: local relays only if a setting says so.
CREATE FUNCTION _bigbrotr.allow_local_relays() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_allow_local_relays';
COMMENT ON FUNCTION _bigbrotr.allow_local_relays() IS 'The setting bigbrotr.allow_local_relays, for everybody';

CREATE FUNCTION _bigbrotr.require_relay(given text, OUT url text, OUT network text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	reason text;
BEGIN
	SELECT n.url, n.network, n.reason INTO url, network, reason FROM bigbrotr.normalise_relay_url(given) AS n;
	IF reason IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no relay URL: %s', left(given, 256), reason),
			DETAIL = 'A relay URL is ws:// or wss:// with a host and perhaps a port and a path.',
			HINT = 'bigbrotr.normalise_relay_url(text) returns the reason instead of raising an error.';
	END IF;
	IF network = 'local' AND NOT _bigbrotr.allow_local_relays() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not publicly reachable', url),
			DETAIL = 'Its address is one of this machine or of a private network.',
			HINT = 'Set bigbrotr.allow_local_relays to accept such relays.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.require_relay(text) IS
	'Normalises a relay''s URL; an error if it is none, or of a relay that is not allowed';

CREATE FUNCTION bigbrotr.add_relay(url text) RETURNS integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
	id integer;
BEGIN
	SELECT * INTO relay FROM _bigbrotr.require_relay(add_relay.url) AS r;
	INSERT INTO bigbrotr.relays AS r (url, network, inserted_at)
		VALUES (relay.url, relay.network, bigbrotr.unix_now())
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
		RETURNING r.relay_id INTO id;
	IF id IS NULL THEN
		SELECT r.relay_id INTO STRICT id FROM bigbrotr.relays AS r WHERE r.url = relay.url;
	END IF;
	INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since) VALUES (id, bigbrotr.unix_now())
		ON CONFLICT DO NOTHING;
	RETURN id;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_relay(text) IS 'Makes a relay known, if it is not yet, and returns its relay_id';

CREATE FUNCTION _bigbrotr.set_enabled(given text, wanted boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	INSERT INTO _bigbrotr.relay_sync (relay_id, enabled, phase_since)
	SELECT r.relay_id, wanted, bigbrotr.unix_now() FROM bigbrotr.relays AS r
	WHERE r.url = (bigbrotr.normalise_relay_url(given)).url
	ON CONFLICT ON CONSTRAINT relay_sync_pkey DO UPDATE SET enabled = excluded.enabled;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not known', left(given, 256)),
			DETAIL = 'The table bigbrotr.relays has no such URL.',
			HINT = 'bigbrotr.add_relay(url) makes a relay known.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.set_enabled(text, boolean) IS 'What bigbrotr.enable_relay and disable_relay do';

CREATE FUNCTION bigbrotr.enable_relay(relay_url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.set_enabled(relay_url, true);
	END;
COMMENT ON FUNCTION bigbrotr.enable_relay(text) IS 'Ends bigbrotr.disable_relay';
CREATE FUNCTION bigbrotr.disable_relay(relay_url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.set_enabled(relay_url, false);
	END;
COMMENT ON FUNCTION bigbrotr.disable_relay(text) IS
	'Keeps the services from connecting to a relay until bigbrotr.enable_relay; what is archived of it stays';

CREATE FUNCTION bigbrotr.load_seeds(
	source text, content text,
	OUT added bigint, OUT known bigint, OUT refused bigint)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	at bigint := bigbrotr.unix_now();
	accepted bigint;
BEGIN
	IF octet_length(content) > 16 * 1024 * 1024 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('seed list "%s" has %s bytes', left(source, 256), octet_length(content)),
			DETAIL = 'A seed list may have 16 MB.',
			HINT = 'Load it in parts, under names of their own.';
	END IF;
	IF length(source) > 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the name of a seed list has %s characters', length(source)),
			DETAIL = 'It may have 1000.',
			HINT = 'The second argument is the list itself.';
	END IF;

	DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = load_seeds.source;
	WITH lines AS MATERIALIZED (
		SELECT l.line, l.text, n.url, n.network,
		       CASE WHEN n.network = 'local' AND NOT _bigbrotr.allow_local_relays()
		            THEN 'local_address' ELSE n.reason END AS reason
		FROM string_to_table(load_seeds.content, E'\n') WITH ORDINALITY AS l (text, line),
		     bigbrotr.normalise_relay_url(l.text, true) AS n
		WHERE btrim(l.text, E' \t\r') <> '' AND btrim(l.text, E' \t\r') NOT LIKE '#%'
	), rejects AS (
		INSERT INTO bigbrotr.seed_rejects (source, line, text, reason, read_at)
		SELECT load_seeds.source, l.line, left(rtrim(l.text, E'\r'), 500), l.reason, at
		FROM lines AS l WHERE l.reason IS NOT NULL
	), relays AS (
		INSERT INTO bigbrotr.relays (url, network, inserted_at)
		SELECT l.url, min(l.network), at FROM lines AS l
		WHERE l.reason IS NULL AND NOT EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.url = l.url)
		GROUP BY l.url ORDER BY min(l.line)
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
		RETURNING relay_id
	), states AS (
		INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since) SELECT relay_id, at FROM relays
	)
	SELECT count(*) FILTER (WHERE l.reason IS NULL), count(*) FILTER (WHERE l.reason IS NOT NULL),
	       (SELECT count(*) FROM relays)
	INTO accepted, refused, added FROM lines AS l;
	known := accepted - added;
END
$$;
COMMENT ON FUNCTION bigbrotr.load_seeds(text, text) IS
	'Makes the relays of a list known: one URL a line, # begins a comment line. known: lines whose relay was known before or stands above. Refused lines are in bigbrotr.seed_rejects with their reason, which replace those of an earlier load of the same source';

CREATE FUNCTION _bigbrotr.reject_seeds(source text, problem text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = reject_seeds.source;
		INSERT INTO bigbrotr.seed_rejects (source, line, text, reason, read_at)
		VALUES (left(reject_seeds.source, 1000), 0, left(reject_seeds.problem, 500), 'unreadable', bigbrotr.unix_now());
	END;
COMMENT ON FUNCTION _bigbrotr.reject_seeds(text, text) IS
	'Notes in bigbrotr.seed_rejects why a whole list could not be read, as line 0';

CREATE FUNCTION bigbrotr.known_events(event_ids bytea[]) RETURNS boolean[]
	LANGUAGE c STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_known_events';
COMMENT ON FUNCTION bigbrotr.known_events(bytea[]) IS
	'For each id: is the event archived, or rejected by the database for good?';

-- One statement does not allocate memory without bound, however long a list is.
CREATE FUNCTION _bigbrotr.check_elements(elements integer) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF elements > 100000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the list has %s elements', elements),
			DETAIL = 'A list may have 100000 elements.', HINT = 'Call the function several times, each time with a part of the list.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_elements(integer) IS 'An error if a list given to a function has more elements than a list may have';

CREATE FUNCTION _bigbrotr.hold_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_hold_events';
COMMENT ON FUNCTION _bigbrotr.hold_events(bytea[]) IS
	'For each id the eid of the event, null: it is not archived. The events cannot be deleted until the transaction ends. To be called before rows that refer to them are written';

-- Events sorted by id, then sightings by eid and relay, as every writer does it: two that bring the
-- same wait for each other, but never in a circle.
CREATE FUNCTION _bigbrotr.store_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[], at bigint) RETURNS bytea[]
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stored bytea[];
	speaking bigint[]; -- of others: deletion and vanish requests
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(event_ids));
	IF (cardinality(event_ids) = ALL (ARRAY[cardinality(pubkeys), cardinality(created_ats), cardinality(kinds),
		cardinality(tags), cardinality(contents), cardinality(sigs), cardinality(raws)])) IS NOT TRUE THEN
		RAISE array_subscript_error USING
			MESSAGE = 'the arrays of events differ in length',
			DETAIL = 'Their n-th elements belong together.', HINT = 'An array for a part that is missing is made of nulls.';
	END IF;
	WITH new AS (
		INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content, raw)
		SELECT a.created_at, at, a.kind, a.event_id, a.pubkey, a.sig, a.tags::bigbrotr.tags, a.content, coalesce(a.raw, '')
		FROM unnest(event_ids, pubkeys, created_ats, kinds, tags, contents, sigs, raws) WITH ORDINALITY
		     AS a (event_id, pubkey, created_at, kind, tags, content, sig, raw, n)
		ORDER BY a.event_id, a.n
		ON CONFLICT ON CONSTRAINT events_pkey DO NOTHING
		RETURNING event_id, eid, kind
	)
	SELECT array_agg(event_id), array_agg(eid) FILTER (WHERE kind IN (5, 62)) INTO stored, speaking FROM new;
	IF speaking IS NOT NULL THEN
		PERFORM _bigbrotr.record_facts(speaking);
	END IF;
	RETURN coalesce(stored, '{}');
END
$$;
COMMENT ON FUNCTION _bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint) IS
	'Archives verified events (nothing is verified here) and returns the ids of those that are new. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; at: Unix seconds';

CREATE FUNCTION _bigbrotr.hold_relays(relay_ids integer[]) RETURNS integer[]
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(relay_ids));
	RETURN ARRAY(SELECT r.relay_id FROM bigbrotr.relays AS r
		WHERE r.relay_id = ANY (ARRAY(SELECT DISTINCT unnest(relay_ids)))
		ORDER BY r.relay_id FOR KEY SHARE);
END
$$;
COMMENT ON FUNCTION _bigbrotr.hold_relays(integer[]) IS
	'Those of the relays that exist; they cannot be deleted until the transaction ends. To be called before anything else is written about them: a deletion takes its locks in the same order';

CREATE FUNCTION _bigbrotr.store_sightings(
	event_ids bytea[], relay_ids integer[], seen_ats bigint[],
	OUT relay_id integer, OUT new bigint) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	existing integer[];
	eids bigint[];
BEGIN
	IF (cardinality(event_ids) = ALL (ARRAY[cardinality(relay_ids), cardinality(seen_ats)])) IS NOT TRUE THEN
		RAISE array_subscript_error USING
			MESSAGE = 'the arrays of sightings differ in length',
			DETAIL = 'Their n-th elements belong together.', HINT = 'Each sighting has an event, a relay and a time.';
	END IF;
	eids := _bigbrotr.hold_events(event_ids);
	existing := _bigbrotr.hold_relays(relay_ids);
	RETURN QUERY
	WITH stored AS (
		INSERT INTO bigbrotr.sightings AS s (eid, relay_id, seen_at)
		SELECT a.eid, a.relay_id, a.seen_at
		FROM unnest(eids, relay_ids, seen_ats) WITH ORDINALITY AS a (eid, relay_id, seen_at, n)
		WHERE a.eid IS NOT NULL AND a.relay_id = ANY (existing)
		ORDER BY a.eid, a.relay_id, a.n
		ON CONFLICT ON CONSTRAINT sightings_pkey DO NOTHING
		RETURNING s.relay_id
	)
	SELECT stored.relay_id, count(*) FROM stored GROUP BY stored.relay_id;
END
$$;
COMMENT ON FUNCTION _bigbrotr.store_sightings(bytea[], integer[], bigint[]) IS
	'Archives which relay delivered which event at which Unix second and returns how many are new for each relay. Passes over unknown events and relays';

CREATE FUNCTION _bigbrotr.reject_event(
	event_id bytea, relay_id integer, code text, message text, raw bytea, at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (octet_length(event_id) = 32 AND num_nulls(code, message, raw, at) = 0) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('event %s cannot be kept as rejected', coalesce(left(encode(event_id, 'hex'), 80), '(without id)')),
			DETAIL = 'An id of 32 bytes, SQLSTATE, message, JSON and time are wanted.',
			HINT = 'Only the relay may be null.';
	END IF;
	INSERT INTO bigbrotr.event_rejects AS r (event_id, relay_id, rejected_at, sqlstate, message, raw)
	VALUES (reject_event.event_id, reject_event.relay_id, at, code, reject_event.message, reject_event.raw)
	ON CONFLICT ON CONSTRAINT event_rejects_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION _bigbrotr.reject_event(bytea, integer, text, text, bytea, bigint) IS
	'Keeps an event that could not be stored, with the SQLSTATE and message of the error';

CREATE FUNCTION _bigbrotr.insert_verified_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[],
	seen_ids bytea[], relay_ids integer[], seen_ats bigint[], at bigint,
	OUT events bigint, OUT sightings bigint, OUT rejected bigint, OUT missing bytea[])
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_verified_events';
COMMENT ON FUNCTION _bigbrotr.insert_verified_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint) IS
	'Archives a batch of verified events (nothing is verified here) and of sightings, by direct table access where the tables allow it, and returns how many are new. What the database refuses goes to bigbrotr.event_rejects, the rest is stored. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; seen_ids: events that relays delivered, of the batch or not; missing: those of them that are neither archived nor rejected, whose sightings are passed over; at: Unix seconds';

CREATE FUNCTION _bigbrotr.insert_sightings(
	event_ids bytea[], relay_ids integer[], seen_ats bigint[],
	OUT known boolean[], OUT sightings bigint)
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_sightings';
COMMENT ON FUNCTION _bigbrotr.insert_sightings(bytea[], integer[], bigint[]) IS
	'Archives which relay delivered which event at which Unix second, of events that are archived, and returns how many are new, and for each whether its event is archived or was rejected by the database for good. What is not known: verify it and hand it to _bigbrotr.insert_verified_events, with its sighting';

CREATE FUNCTION bigbrotr.event_json(event bigbrotr.events) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN (event).raw <> '' THEN convert_from((event).raw, 'UTF8')
	ELSE format('{"id":"%s","pubkey":"%s","created_at":%s,"kind":%s,"tags":%s,"content":%s,"sig":"%s"}',
		encode((event).event_id, 'hex'), encode((event).pubkey, 'hex'), (event).created_at, (event).kind,
		(event).tags, to_json((event).content), encode((event).sig, 'hex')) END;
COMMENT ON FUNCTION bigbrotr.event_json(bigbrotr.events) IS
	'The event as NIP-01 JSON, exact: parsed and hashed it gives its id again. SELECT bigbrotr.event_json(e) FROM bigbrotr.events e';

CREATE FUNCTION bigbrotr.verify_references(
	OUT problem text, OUT eid bigint, OUT relay_id integer, OUT rows bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 'sightings of a missing event', s.eid, NULL::integer, count(*)
		FROM bigbrotr.sightings AS s
		WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS e WHERE e.eid = s.eid) GROUP BY s.eid
		UNION ALL
		SELECT 'sightings of a missing relay', NULL, s.relay_id, count(*)
		FROM bigbrotr.sightings AS s
		WHERE NOT EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.relay_id = s.relay_id) GROUP BY s.relay_id
		UNION ALL
		SELECT 'overlapping coverage', NULL, a.relay_id, count(*)
		FROM bigbrotr.coverage AS a JOIN bigbrotr.coverage AS b
		     ON a.relay_id = b.relay_id AND a.filter = b.filter
		        AND a.lower < b.lower AND b.lower <= a.upper
		GROUP BY a.relay_id;
	END;
COMMENT ON FUNCTION bigbrotr.verify_references() IS
	'Proves what no foreign key proves; no row: sound. Reads everything. rows: how many rows are concerned';

