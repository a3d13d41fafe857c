-- Deletions. They work in slices, lock no table against writers, and go on where they were interrupted when they are
-- called again. The locks of writers and deletions: src/archive/event_lock.h.
-- A procedure that commits cannot have a SET clause: each of its transactions sets search_path itself.

CREATE TABLE _bigbrotr.deletion_progress (
	deletion text   NOT NULL,
	next_eid bigint NOT NULL,
	CONSTRAINT deletion_progress_pkey PRIMARY KEY (deletion)
);
COMMENT ON TABLE _bigbrotr.deletion_progress IS 'How far an interrupted deletion got. Deletions lock this table; writers lock it only if they need not wait for it';
COMMENT ON COLUMN _bigbrotr.deletion_progress.deletion IS 'The procedure';
COMMENT ON COLUMN _bigbrotr.deletion_progress.next_eid IS 'The events before this eid (bigbrotr.events.eid) were looked at';

CREATE FUNCTION _bigbrotr.take_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_take_events';
COMMENT ON FUNCTION _bigbrotr.take_events(bytea[]) IS
	'Locks events that the transaction is going to delete and returns the eid of each; null: it is not archived. The next statement sees all of their sightings, and no sighting is added';

CREATE FUNCTION bigbrotr.delete_events(event_ids bytea[]) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	eids bigint[] := _bigbrotr.take_events(event_ids);
	deleted bigint;
BEGIN
	DELETE FROM bigbrotr.events AS e WHERE e.eid = ANY (eids);
	GET DIAGNOSTICS deleted = ROW_COUNT;
	DELETE FROM bigbrotr.sightings AS s WHERE s.eid = ANY (eids);
	DELETE FROM _bigbrotr.imported_events AS i WHERE i.eid = ANY (eids);
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_events(bytea[]) IS
	'Deletes events with their sightings, at most 100,000 at a time, and returns how many there were. Coverage stays, so relays are not asked for them again (see bigbrotr.read_again)';

-- The relay is disabled first, so that no worker adds sightings meanwhile; its row is deleted last. The sightings are
-- found once, since each slice would otherwise read over all rows that were deleted before. Two deletions of sightings at
-- the same time could deadlock: the table lock lets one slice be made at a time.
CREATE PROCEDURE bigbrotr.delete_relay(url text, INOUT sightings bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT integer := 10000;
	wanted record;
	id integer;
	proven bigint;
	place record;
	places tid[];
	total bigint;
	deleted bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	sightings := NULL;
	SELECT * INTO wanted FROM bigbrotr.normalise_relay_url(delete_relay.url) AS n;
	SELECT r.relay_id INTO id FROM bigbrotr.relays AS r WHERE r.url = wanted.url;
	IF id IS NULL THEN
		RAISE NOTICE USING
			MESSAGE = format('relay "%s" is not known', left(delete_relay.url, 256)),
			DETAIL = coalesce('It is no relay URL: ' || wanted.reason || '.', 'The table bigbrotr.relays has no such URL.');
		RETURN;
	END IF;
	PERFORM _bigbrotr.set_enabled(wanted.url, false);
	INSERT INTO _bigbrotr.deleted_relays AS d (url, deleted_at) VALUES (wanted.url, bigbrotr.unix_now())
		ON CONFLICT ON CONSTRAINT deleted_relays_pkey DO UPDATE SET deleted_at = excluded.deleted_at;
	sightings := 0;
	COMMIT;
	-- The worker that archives it closes it and gives its lease back.
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		PERFORM _bigbrotr.expire_leases(bigbrotr.unix_now());
		EXIT WHEN NOT EXISTS (SELECT FROM _bigbrotr.relay_leases AS l WHERE l.relay_id = id);
		COMMIT;
		PERFORM pg_catalog.pg_sleep(0.1);
	END LOOP;
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		places := '{}';
		total := 0;
		FOR place IN SELECT s.ctid AS tid FROM bigbrotr.sightings AS s WHERE s.relay_id = id LOOP
			total := total + 1;
			places := array_append(places, place.tid);
			IF cardinality(places) = slice THEN
				LOCK TABLE _bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
				-- The place (ctid) may hold another row by now.
				DELETE FROM bigbrotr.sightings AS s WHERE s.ctid = ANY (places) AND s.relay_id = id;
				GET DIAGNOSTICS deleted = ROW_COUNT;
				sightings := sightings + deleted;
				places := '{}';
				COMMIT;
				PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
			END IF;
		END LOOP;
		EXIT WHEN total < slice;
	END LOOP;
	LOCK TABLE _bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
	SELECT coalesce(sum(c.upper - c.lower + 1), 0) INTO proven FROM bigbrotr.coverage AS c WHERE c.relay_id = id;
	-- Waits for the transactions that write about the relay; the next statement sees their rows.
	DELETE FROM bigbrotr.relays AS r WHERE r.relay_id = id;
	DELETE FROM bigbrotr.sightings AS s WHERE s.relay_id = id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	sightings := sightings + deleted;
	RAISE NOTICE USING
		MESSAGE = format('deleted relay "%s": %s sightings, the coverage of %s seconds, and its counters', wanted.url, sightings, proven),
		DETAIL = 'Its events stay. No seed list makes it known again.',
		HINT = 'bigbrotr.add_relay(url) does, and then it is read from the beginning.';
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_relay(text, bigint) IS
	'CALL bigbrotr.delete_relay(url): deletes a relay with its sightings, coverage and counters, in slices that are committed one by one, and gives how many sightings there were; null: the relay is not known. Its events stay. Seed lists do not make it known again; bigbrotr.add_relay does, and so do events or measurements that name it. Disables the relay first: interrupted, it can be called again. Not inside a transaction block. To stop archiving a relay, call bigbrotr.disable_relay instead';

-- Events that nothing refers to any more. The statement is planned anew at each call: a slice and the whole table need
-- different plans.
CREATE FUNCTION bigbrotr.delete_orphan_events(
	first_eid bigint DEFAULT 0, last_eid bigint DEFAULT 9223372036854775807) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
DECLARE
	next bigint := first_eid;
	orphans record;
	eids bigint[];
	gone bigint;
	deleted bigint := 0;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	LOOP
		SELECT array_agg(o.event_id) AS ids, max(o.eid) AS last INTO orphans
		FROM (SELECT e.event_id, e.eid FROM bigbrotr.events AS e
		      WHERE e.eid BETWEEN next AND last_eid
		            AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid)
		            AND NOT EXISTS (SELECT FROM _bigbrotr.imported_events AS i WHERE i.eid = e.eid)
		      ORDER BY e.eid LIMIT 100000) AS o;
		EXIT WHEN orphans.ids IS NULL;
		eids := _bigbrotr.take_events(orphans.ids);
		-- A sighting or an import may have been added before the events were locked.
		DELETE FROM bigbrotr.events AS e
		WHERE e.eid = ANY (eids) AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.imported_events AS i WHERE i.eid = e.eid);
		GET DIAGNOSTICS gone = ROW_COUNT;
		deleted := deleted + gone;
		EXIT WHEN orphans.last = last_eid;
		next := orphans.last + 1;
	END LOOP;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_events(bigint, bigint) IS
	'Deletes the events that no relay delivered and nobody imported (of these eids, inclusive) and returns how many there were';

-- The lock waits for those who store a document and do not refer to it yet (_bigbrotr.store_nip11).
CREATE FUNCTION bigbrotr.delete_orphan_nip11() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	LOCK TABLE _bigbrotr.nip11_documents IN SHARE ROW EXCLUSIVE MODE;
	UPDATE _bigbrotr.relay_checks AS c SET nip11_id = NULL WHERE NOT c.nip11_present AND c.nip11_id IS NOT NULL;
	RETURN _bigbrotr.delete_documents();
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip11() IS
	'Deletes the documents (NIP-11) that no measurement refers to, and returns how many there were; a measurement that says it has none refers to none';

CREATE FUNCTION bigbrotr.delete_orphan_nip66() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	emptied bigint;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	LOCK TABLE _bigbrotr.nip66_facts IN SHARE ROW EXCLUSIVE MODE;
	UPDATE _bigbrotr.relay_checks AS c
	SET nip66_openable = NULL, nip66_readable = NULL, nip66_writable = NULL,
	    nip66_rtt_open = NULL, nip66_rtt_read = NULL, nip66_rtt_write = NULL, nip66_id = NULL
	WHERE NOT c.nip66_present
	      AND num_nonnulls(c.nip66_openable, c.nip66_readable, c.nip66_writable,
		c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write, c.nip66_id) > 0;
	GET DIAGNOSTICS emptied = ROW_COUNT;
	RETURN emptied + _bigbrotr.delete_facts();
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip66() IS
	'Deletes the round trips of measurements that say they have none (NIP-66), and the facts that no measurement refers to; returns how many there were';

-- A pass over the events, in slices of their eids, begins where the last one was interrupted.
CREATE FUNCTION _bigbrotr.begin_pass(deletion text) RETURNS bigint
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT coalesce((SELECT min(e.eid) FROM bigbrotr.events AS e WHERE e.eid >= (
			SELECT p.next_eid FROM _bigbrotr.deletion_progress AS p WHERE p.deletion = begin_pass.deletion)),
			(SELECT min(e.eid) FROM bigbrotr.events AS e));
	END;
COMMENT ON FUNCTION _bigbrotr.begin_pass(text) IS
	'The eid (bigbrotr.events.eid) at which a deletion goes on, or begins; null: there are no events';

CREATE FUNCTION _bigbrotr.note_progress(deletion text, done bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	following bigint;
BEGIN
	IF deletion <> ALL ('{cleanup_orphans,delete_withdrawn}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is not a deletion that notes its progress', left(deletion, 64)),
			DETAIL = 'There are cleanup_orphans and delete_withdrawn.', HINT = 'They call this function themselves.';
	END IF;
	SELECT min(e.eid) INTO following FROM bigbrotr.events AS e WHERE e.eid > done;
	IF following IS NULL THEN
		DELETE FROM _bigbrotr.deletion_progress AS p WHERE p.deletion = note_progress.deletion;
	ELSE
		INSERT INTO _bigbrotr.deletion_progress AS p (deletion, next_eid) VALUES (note_progress.deletion, following)
			ON CONFLICT ON CONSTRAINT deletion_progress_pkey DO UPDATE SET next_eid = excluded.next_eid;
	END IF;
	RETURN following;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_progress(text, bigint) IS
	'Notes that a deletion has looked at the events up to this eid and returns the next one; null: it has looked at all, and begins anew when it is called again';

CREATE PROCEDURE _bigbrotr.delete_in_slices(deletion text, INOUT events bigint DEFAULT 0)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT bigint := 10000;
	next bigint;
	last bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	next := _bigbrotr.begin_pass(deletion);
	WHILE next IS NOT NULL LOOP
		-- A slice is small, but the statistics of a table that grew may say otherwise.
		PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
		last := next + slice - 1;
		events := events + CASE deletion
			WHEN 'cleanup_orphans' THEN bigbrotr.delete_orphan_events(next, last)
			ELSE bigbrotr.delete_events(ARRAY(
				SELECT e.event_id FROM bigbrotr.events AS e
				WHERE e.eid BETWEEN next AND last
				      AND NOT bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags))) END;
		next := _bigbrotr.note_progress(deletion, last);
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
END
$$;
COMMENT ON PROCEDURE _bigbrotr.delete_in_slices(text, bigint) IS
	'What bigbrotr.cleanup_orphans and delete_withdrawn do with events, in slices that are committed one by one';

CREATE PROCEDURE bigbrotr.cleanup_orphans(
	INOUT events bigint DEFAULT NULL, INOUT nip11 bigint DEFAULT NULL, INOUT nip66 bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
BEGIN
	events := 0;
	CALL _bigbrotr.delete_in_slices('cleanup_orphans', events);
	nip11 := bigbrotr.delete_orphan_nip11();
	COMMIT;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	nip66 := bigbrotr.delete_orphan_nip66();
END
$$;
COMMENT ON PROCEDURE bigbrotr.cleanup_orphans(bigint, bigint, bigint) IS
	'CALL bigbrotr.cleanup_orphans(): delete_orphan_events, _nip11 and _nip66, in slices that are committed one by one; gives the three numbers. Interrupted, it goes on where it was when called again. Not inside a transaction block';

CREATE PROCEDURE bigbrotr.delete_withdrawn(INOUT events bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
BEGIN
	events := 0;
	CALL _bigbrotr.delete_in_slices('delete_withdrawn', events);
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_withdrawn(bigint) IS
	'CALL bigbrotr.delete_withdrawn(): really deletes events that are deleted (NIP-09), expired (NIP-40) or vanished (NIP-62), in slices that are committed one by one, and gives how many. What was asked for stays known: they do not come back into view. Reads all events; interrupted, it goes on where it was when called again. Not inside a transaction block';

SELECT pg_extension_config_dump('_bigbrotr.deletion_progress', '');
