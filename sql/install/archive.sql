-- Functions that store events and sightings without verifying them. Their callers are workers, and functions that have
-- checked the arguments. Arrays are parallel: the n-th elements of all arrays belong together.

CREATE FUNCTION bigbrotr.known_events(event_ids bytea[]) RETURNS boolean[]
	LANGUAGE c STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_known_events';
COMMENT ON FUNCTION bigbrotr.known_events(bytea[]) IS
	'For each id, in the same order: whether the event is archived, or the database has rejected it for good';

CREATE FUNCTION _bigbrotr.hold_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_hold_events';
COMMENT ON FUNCTION _bigbrotr.hold_events(bytea[]) IS
	'For each id the eid of the event; null: the event is not archived. The events cannot be deleted until the transaction ends. Call it before writing rows that refer to the events';

-- Every writer writes events in the order of their ids, then sightings in the order of eid and relay_id. So two writers of
-- the same rows cannot cause a deadlock: one waits for the other.
CREATE FUNCTION _bigbrotr.store_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[], at bigint) RETURNS bytea[]
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stored bytea[];
	requests bigint[]; -- eids of new deletion requests (kind 5) and vanish requests (kind 62)
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
	SELECT array_agg(event_id), array_agg(eid) FILTER (WHERE kind IN (5, 62)) INTO stored, requests FROM new;
	IF requests IS NOT NULL THEN
		PERFORM _bigbrotr.record_facts(requests);
	END IF;
	RETURN coalesce(stored, '{}');
END
$$;
COMMENT ON FUNCTION _bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint) IS
	'Archives events that are verified already, and returns the ids of the new ones. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; at: Unix seconds. An error if the arrays differ in length';

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
	'The given relays that exist; they cannot be deleted until the transaction ends. Call it before writing anything else about the relays: a deletion takes its locks in the same order';

CREATE FUNCTION _bigbrotr.lock_relays(relay_ids integer[]) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(relay_ids));
	PERFORM FROM bigbrotr.relays AS r WHERE r.relay_id = ANY (relay_ids) ORDER BY r.relay_id FOR NO KEY UPDATE;
END
$$;
COMMENT ON FUNCTION _bigbrotr.lock_relays(integer[]) IS
	'Locks relays whose status may change. Call it before locking other rows about the relays, and after writing events: all who change a status do so, and cannot deadlock';

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
	'Archives which relay delivered which event at which Unix second, and returns the number of new sightings of each relay. Skips events and relays that are unknown. An error if the arrays differ in length';

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
	'Stores an event that the database refused in bigbrotr.event_rejects, with the SQLSTATE and message of the error';

CREATE FUNCTION _bigbrotr.insert_verified_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[],
	seen_ids bytea[], relay_ids integer[], seen_ats bigint[], at bigint, screened boolean DEFAULT false,
	OUT events bigint, OUT sightings bigint, OUT rejected bigint, OUT missing bytea[])
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_verified_events';
COMMENT ON FUNCTION _bigbrotr.insert_verified_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint, boolean) IS
	'Archives a batch of events that are verified already, and of sightings, by direct table access if the tables allow it. Returns the numbers of new events, new sightings and rejected events; an event that the database refuses goes to bigbrotr.event_rejects, and the rest of the batch is stored. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; seen_ids: ids of events that relays delivered, in the batch or not; missing: those of seen_ids that are neither archived nor rejected, whose sightings are skipped; at: Unix seconds; screened: the transaction has left out blocked events already (_bigbrotr.leave_out_blocked)';

CREATE FUNCTION _bigbrotr.insert_sightings(
	event_ids bytea[], relay_ids integer[], seen_ats bigint[],
	OUT known boolean[], OUT sightings bigint)
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_sightings';
COMMENT ON FUNCTION _bigbrotr.insert_sightings(bytea[], integer[], bigint[]) IS
	'Archives which relay delivered which archived event at which Unix second. sightings: number of new sightings; known: for each event, whether it is archived or the database has rejected it for good. An event that is not known must be verified and given to _bigbrotr.insert_verified_events, with its sighting';

CREATE FUNCTION bigbrotr.event_json(event bigbrotr.events) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_event_json';
COMMENT ON FUNCTION bigbrotr.event_json(bigbrotr.events) IS
	'The event as exact NIP-01 JSON: its hash is the id of the event. SELECT bigbrotr.event_json(e) FROM bigbrotr.events e';

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
		     ON a.relay_id = b.relay_id AND a.filter_id = b.filter_id AND a.reader = b.reader
		        AND a.lower < b.lower AND b.lower <= a.upper
		GROUP BY a.relay_id;
	END;
COMMENT ON FUNCTION bigbrotr.verify_references() IS
	'Checks the references that have no foreign key: one row for each broken reference, with the number of rows that have it. Reads all rows of the tables';
