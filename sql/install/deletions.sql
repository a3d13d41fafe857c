-- Deletions. They work in slices and lock no table against writers. A deletion that was interrupted continues when it is
-- called again. src/archive/event_lock.h describes the locks of writers and deletions.
-- A procedure that commits cannot have a SET clause: each of its transactions sets search_path itself.

CREATE TABLE _bigbrotr.deletion_progress (
	deletion text   NOT NULL,
	next_eid bigint NOT NULL,
	CONSTRAINT deletion_progress_pkey PRIMARY KEY (deletion)
);
COMMENT ON TABLE _bigbrotr.deletion_progress IS 'Progress of deletions that were interrupted. Deletions lock this table; writers lock it only if they get the lock without waiting';
COMMENT ON COLUMN _bigbrotr.deletion_progress.deletion IS 'Name of the procedure: cleanup_orphans or delete_withdrawn';
COMMENT ON COLUMN _bigbrotr.deletion_progress.next_eid IS 'First bigbrotr.events.eid that the deletion has not examined yet';

CREATE FUNCTION _bigbrotr.take_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_take_events';
COMMENT ON FUNCTION _bigbrotr.take_events(bytea[]) IS
	'Locks events that the transaction is going to delete, and returns the eid of each; null: the event is not archived. The next statement sees all their sightings, and no other session can add one';

CREATE FUNCTION _bigbrotr.remove_events(event_ids bytea[], is_noted boolean) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	eids bigint[] := _bigbrotr.take_events(event_ids);
	deleted bigint;
BEGIN
	WITH gone AS (
		DELETE FROM bigbrotr.events AS e WHERE e.eid = ANY (eids) RETURNING e.event_id, e.created_at, e.kind
	), noted AS (
		INSERT INTO _bigbrotr.deleted_events (event_id, created_at, kind)
		SELECT g.event_id, g.created_at, g.kind FROM gone AS g WHERE is_noted ORDER BY g.event_id
		ON CONFLICT ON CONSTRAINT deleted_events_pkey DO NOTHING
	)
	SELECT count(*) INTO deleted FROM gone;
	DELETE FROM bigbrotr.sightings AS s WHERE s.eid = ANY (eids);
	DELETE FROM _bigbrotr.imported_events AS i WHERE i.eid = ANY (eids);
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.remove_events(bytea[], boolean) IS
	'Deletes events with their sightings, at most 100,000 at a time, and returns their number. is_noted: adds them to _bigbrotr.deleted_events, because coverage stays';

CREATE FUNCTION bigbrotr.delete_events(event_ids bytea[]) RETURNS bigint
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.remove_events(event_ids, true);
	END;
COMMENT ON FUNCTION bigbrotr.delete_events(bytea[]) IS
	'Deletes events with their sightings, at most 100,000 at a time, and returns their number. Coverage stays, so that relays are not asked for these events again (see bigbrotr.read_again), but bigbrotr.completeness does not call their seconds proven until the events are archived again';

-- The procedure disables the relay first, so that no worker adds sightings meanwhile, and deletes its row last. One scan finds
-- the sightings of all slices, because a scan for each slice would read all rows again that were deleted before. Two deletions
-- of sightings at the same time could cause a deadlock: the table lock lets one slice run at a time.
CREATE PROCEDURE bigbrotr.delete_relay(relay_url text, INOUT sightings bigint DEFAULT NULL)
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
	paused pg_catalog.text;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	sightings := NULL;
	SELECT * INTO wanted FROM bigbrotr.normalise_relay_url(delete_relay.relay_url) AS n;
	SELECT r.relay_id INTO id FROM bigbrotr.relays AS r WHERE r.url = wanted.url;
	IF id IS NULL THEN
		RAISE NOTICE USING
			MESSAGE = format('relay "%s" is not known', left(delete_relay.relay_url, 256)),
			DETAIL = coalesce('It is no relay URL: ' || wanted.reason || '.', 'The table bigbrotr.relays has no such URL.');
		RETURN;
	END IF;
	INSERT INTO _bigbrotr.deleted_relays AS d (url, deleted_at) VALUES (wanted.url, bigbrotr.unix_now())
		ON CONFLICT ON CONSTRAINT deleted_relays_pkey DO UPDATE SET deleted_at = excluded.deleted_at;
	PERFORM _bigbrotr.set_enabled(wanted.url, false);
	sightings := 0;
	COMMIT;
	-- The worker that archives the relay closes the connection and ends its lease.
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		PERFORM _bigbrotr.expire_leases(bigbrotr.unix_now());
		EXIT WHEN NOT EXISTS (SELECT FROM _bigbrotr.relay_leases AS l WHERE l.relay_id = id);
		IF paused IS NULL THEN
			SELECT s.service INTO paused FROM _bigbrotr.relay_leases AS l
			     JOIN bigbrotr.services AS s ON s.database = current_database() AND l.owner ~ format('/%s(\.\d+)?$', s.service)
			WHERE l.relay_id = id AND s.state = 'paused';
			IF FOUND THEN
				RAISE NOTICE USING
					MESSAGE = format('relay "%s" is deleted when the service "%s" goes on', left(wanted.url, 256), paused),
					DETAIL = 'The service is paused and holds the relay; it closes the connection when it is resumed.',
					HINT = format('SELECT bigbrotr.resume_service(''%s'') in another session; the call may also be interrupted and made again.', paused);
			END IF;
		END IF;
		COMMIT;
		PERFORM pg_catalog.pg_sleep(0.1);
	END LOOP;
	-- Coverage is deleted before sightings, so that no claim rests on deleted sightings if the deletion is interrupted.
	LOCK TABLE _bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
	SELECT coalesce(sum(c.upper - c.lower + 1), 0) INTO proven FROM bigbrotr.coverage AS c WHERE c.relay_id = id;
	DELETE FROM bigbrotr.coverage AS c WHERE c.relay_id = id;
	COMMIT;
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		places := '{}';
		total := 0;
		FOR place IN SELECT s.ctid AS tid FROM bigbrotr.sightings AS s WHERE s.relay_id = id LOOP
			total := total + 1;
			places := array_append(places, place.tid);
			IF cardinality(places) = slice THEN
				LOCK TABLE _bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
				-- VACUUM may have reused a ctid for another row: the condition on relay_id protects that row.
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
	PERFORM FROM _bigbrotr.deleted_relays AS d WHERE d.url = wanted.url FOR UPDATE;
	IF NOT FOUND THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('relay "%s" was added again', wanted.url),
			DETAIL = format('bigbrotr.add_relay was called during the deletion, after %s sightings were deleted.', sightings),
			HINT = 'The relay is read from the beginning. Call bigbrotr.delete_relay again to delete it.';
	END IF;
	-- This DELETE waits for transactions that write about the relay; the next statement sees their rows.
	DELETE FROM bigbrotr.relays AS r WHERE r.relay_id = id;
	DELETE FROM bigbrotr.sightings AS s WHERE s.relay_id = id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	sightings := sightings + deleted;
	RAISE NOTICE USING
		MESSAGE = format('deleted relay "%s": %s sightings, the coverage of %s seconds, and its counters', wanted.url, sightings, proven),
		DETAIL = 'Its events stay. No service connects to it again: seed lists and the finder leave it out; events or measurements that name it make it known, but disabled.',
		HINT = 'bigbrotr.add_relay(relay_url) makes it known and enabled; then it is read from the beginning.';
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_relay(text, bigint) IS
	'CALL bigbrotr.delete_relay(relay_url): deletes a relay with its sightings, coverage and counters, in slices, each in its own transaction. sightings: number of deleted sightings; null: the relay is not known. Events stay. Until bigbrotr.add_relay is called, no service connects to the relay: seed lists and the finder leave it out, and functions that insert events or measurements of the relay add it disabled. Disables the relay first; after an interruption, call it again. Not inside a transaction block. To stop archiving a relay, call bigbrotr.disable_relay instead';

-- The statement is planned again at each call, because a slice and the whole table need different plans.
CREATE FUNCTION bigbrotr.delete_orphan_events(
	first_eid bigint DEFAULT 0, last_eid bigint DEFAULT 9223372036854775807) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
DECLARE
	most CONSTANT integer := 100000;
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
		      ORDER BY e.eid LIMIT most) AS o;
		EXIT WHEN orphans.ids IS NULL;
		eids := _bigbrotr.take_events(orphans.ids);
		-- A sighting or an import may have been added before the events were locked.
		DELETE FROM bigbrotr.events AS e
		WHERE e.eid = ANY (eids) AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.imported_events AS i WHERE i.eid = e.eid);
		GET DIAGNOSTICS gone = ROW_COUNT;
		deleted := deleted + gone;
		-- A further turn takes its locks out of order and could cause a deadlock. So it is made only if there may be more orphans.
		EXIT WHEN cardinality(orphans.ids) < most OR orphans.last = last_eid;
		next := orphans.last + 1;
	END LOOP;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_events(bigint, bigint) IS
	'Deletes the events (with these eids, inclusive) without a sighting, unless an import without a relay brought them, and returns their number';

-- The lock waits for transactions that have stored a document and have not yet stored a row that refers to it
-- (_bigbrotr.store_nip11).
CREATE FUNCTION bigbrotr.delete_orphan_nip11() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	LOCK TABLE _bigbrotr.nip11_documents IN SHARE ROW EXCLUSIVE MODE;
	-- SKIP LOCKED, because a transaction that deletes measurements may wait for the lock above.
	UPDATE _bigbrotr.relay_checks AS c SET nip11_id = NULL
	WHERE c.ctid = ANY (ARRAY(SELECT k.ctid FROM _bigbrotr.relay_checks AS k
		WHERE NOT k.nip11_present AND k.nip11_id IS NOT NULL FOR UPDATE SKIP LOCKED));
	RETURN _bigbrotr.delete_unused('nip11');
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip11() IS
	'Deletes the documents (NIP-11) that no row refers to, and returns their number. First clears nip11_id of measurements whose nip11_present is false';

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
	WHERE c.ctid = ANY (ARRAY(SELECT k.ctid FROM _bigbrotr.relay_checks AS k
		WHERE NOT k.nip66_present
		      AND num_nonnulls(k.nip66_openable, k.nip66_readable, k.nip66_writable,
			k.nip66_rtt_open, k.nip66_rtt_read, k.nip66_rtt_write, k.nip66_id) > 0
		FOR UPDATE SKIP LOCKED)); -- as in bigbrotr.delete_orphan_nip11
	GET DIAGNOSTICS emptied = ROW_COUNT;
	RETURN emptied + _bigbrotr.delete_unused('nip66');
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip66() IS
	'Clears the values of measurements whose nip66_present is false, and deletes the facts (NIP-66) that no row refers to. Returns the number of cleared measurements and deleted facts';

CREATE FUNCTION _bigbrotr.begin_pass(deletion text) RETURNS bigint
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT coalesce((SELECT min(e.eid) FROM bigbrotr.events AS e WHERE e.eid >= (
			SELECT p.next_eid FROM _bigbrotr.deletion_progress AS p WHERE p.deletion = begin_pass.deletion)),
			(SELECT min(e.eid) FROM bigbrotr.events AS e));
	END;
COMMENT ON FUNCTION _bigbrotr.begin_pass(text) IS
	'First bigbrotr.events.eid that a deletion examines: where the last call was interrupted, else the smallest; null: there are no events';

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
	'Stores that a deletion has examined the events up to this eid, and returns the next eid; null: all events are examined, and the next call begins with the first event. An error if the deletion is not cleanup_orphans or delete_withdrawn';

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
		-- A slice is small, but after a table has grown its statistics can make the planner choose a sequential scan.
		PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
		last := next + slice - 1;
		events := events + CASE deletion
			WHEN 'cleanup_orphans' THEN bigbrotr.delete_orphan_events(next, last)
			ELSE _bigbrotr.remove_events(ARRAY(
				SELECT e.event_id FROM bigbrotr.events AS e
				WHERE e.eid BETWEEN next AND last
				      AND NOT bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)), false) END;
		next := _bigbrotr.note_progress(deletion, last);
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
END
$$;
COMMENT ON PROCEDURE _bigbrotr.delete_in_slices(text, bigint) IS
	'Part of bigbrotr.cleanup_orphans and bigbrotr.delete_withdrawn: deletes events in slices, each in its own transaction. events: number of deleted events, added to the given number';

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
	'CALL bigbrotr.cleanup_orphans(): runs delete_orphan_events, delete_orphan_nip11 and delete_orphan_nip66, the first in slices, each in its own transaction, and gives the three numbers. After an interruption, call it again: it continues. Not inside a transaction block';

CREATE PROCEDURE bigbrotr.delete_withdrawn(INOUT events bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
BEGIN
	events := 0;
	CALL _bigbrotr.delete_in_slices('delete_withdrawn', events);
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_withdrawn(bigint) IS
	'CALL bigbrotr.delete_withdrawn(): removes events from the disk that are deleted (NIP-09), expired (NIP-40) or vanished (NIP-62), in slices, each in its own transaction. events: number of removed events. The requests stay stored, so that the events do not become visible again. Reads all events; after an interruption, call it again: it continues. Not inside a transaction block';

SELECT pg_extension_config_dump('_bigbrotr.deletion_progress', '');
