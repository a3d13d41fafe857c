-- Workers of the synchronizer and their leases. A worker may write about a relay only while it holds the lease of the relay, and it holds
-- leases only while its row in sync_workers exists. Each transaction of the worker locks this one row (hold_leases) instead
-- of one row for each relay: a session that ends leases waits for these transactions. A relay with a lease cannot be deleted.

CREATE FUNCTION _bigbrotr.hold_leases(worker text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM FROM _bigbrotr.sync_workers AS w WHERE w.owner = worker FOR KEY SHARE;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.hold_leases(text) IS
	'Whether the worker still has its leases; if so, no other session can end them before the end of the transaction';

CREATE FUNCTION _bigbrotr.renew_leases(worker text, until bigint) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.sync_workers AS w SET expires = until WHERE w.owner = worker;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION _bigbrotr.renew_leases(text, bigint) IS
	'Renews the leases of a worker until this Unix second; false: the leases had expired and another worker ended them';

-- Each of the two services has its own places on a host, a site and a network, so that neither can take the places of the other.
CREATE FUNCTION _bigbrotr.places(host text, site text, network text, priority boolean) RETURNS text[]
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN ARRAY(SELECT CASE WHEN priority THEN 'priority ' ELSE '' END || p.place
	             FROM (VALUES (1, 'host ' || host), (2, 'site ' || site), (3, CASE WHEN network IN ('tor', 'i2p', 'loki') THEN 'network ' || network END)) AS p (n, place)
	             WHERE p.place IS NOT NULL ORDER BY p.n);
COMMENT ON FUNCTION _bigbrotr.places(text, text, text, boolean) IS
	'Values of _bigbrotr.relay_sync.waits_for which say that the service has taken all places: of the host, of the site, and, if the network is tor, i2p or loki, of the network; priority: true for the priority synchronizer, false for the synchronizer';

-- For each of the host, the site and the network, the relay that has waited longest for a place there becomes due.
CREATE FUNCTION _bigbrotr.end_lease(worker text, relay integer) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	ended record;
	place text;
BEGIN
	DELETE FROM _bigbrotr.relay_leases AS l USING _bigbrotr.sync_workers AS w
	WHERE l.relay_id = relay AND l.owner = worker AND w.owner = worker RETURNING l.host, l.site, w.priority INTO ended;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	FOREACH place IN ARRAY _bigbrotr.places(ended.host, ended.site, (SELECT r.network FROM bigbrotr.relays AS r WHERE r.relay_id = relay), ended.priority) LOOP
		UPDATE _bigbrotr.relay_sync AS s SET waits_for = NULL
		WHERE s.relay_id = (
			SELECT w.relay_id FROM _bigbrotr.relay_sync AS w
			WHERE w.waits_for = place AND w.enabled ORDER BY w.next_attempt, w.relay_id
			LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED);
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION _bigbrotr.end_lease(text, integer) IS
	'Ends a lease of a worker, and makes the longest waiting relay of the same host, of the same site and of the same overlay network due; false: the worker did not hold the lease';

CREATE FUNCTION _bigbrotr.release_relays(worker text, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer;
	released bigint := 0;
BEGIN
	FOR relay IN SELECT l.relay_id FROM _bigbrotr.relay_leases AS l WHERE l.owner = worker ORDER BY l.relay_id LOOP
		UPDATE _bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at WHERE s.relay_id = relay;
		PERFORM _bigbrotr.end_lease(worker, relay);
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION _bigbrotr.release_relays(text, bigint) IS
	'Ends all leases of a worker whose connections are closed; its relays are due at "at" (Unix seconds). Returns the number of leases';

CREATE FUNCTION _bigbrotr.expire_leases(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	dead text;
	released bigint := 0;
BEGIN
	FOR dead IN
		SELECT w.owner FROM _bigbrotr.sync_workers AS w WHERE w.expires <= at ORDER BY w.owner FOR UPDATE SKIP LOCKED
	LOOP
		released := released + _bigbrotr.release_relays(dead, at);
		DELETE FROM _bigbrotr.sync_workers AS w WHERE w.owner = dead;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION _bigbrotr.expire_leases(bigint) IS
	'Ends the leases of workers that did not renew them until this Unix second; skips a worker that is inside a transaction. Returns the number of leases';

CREATE FUNCTION _bigbrotr.adopt_relays() RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	adopted bigint;
BEGIN
	INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since)
	SELECT r.relay_id, r.inserted_at FROM bigbrotr.relays AS r
	WHERE NOT EXISTS (SELECT FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = r.relay_id)
	ORDER BY r.relay_id
	FOR KEY SHARE SKIP LOCKED -- the relay may be deleted at the same time
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS adopted = ROW_COUNT;
	RETURN adopted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.adopt_relays() IS
	'Adds a row to _bigbrotr.relay_sync for each relay that has none, so that the synchronizer archives it. Returns the number of new rows';

CREATE FUNCTION _bigbrotr.start_synchronizer(worker text, until bigint, at bigint, priority boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	released bigint;
BEGIN
	IF length(worker) > 200 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the name of a worker has %s characters', length(worker)),
			DETAIL = 'It may have 200.', HINT = 'Give the server, the database and the worker, as the synchronizer does.';
	END IF;
	INSERT INTO _bigbrotr.sync_workers AS w (owner, expires, priority) VALUES (worker, until, start_synchronizer.priority)
	ON CONFLICT ON CONSTRAINT sync_workers_pkey DO UPDATE SET expires = excluded.expires, priority = excluded.priority;
	released := _bigbrotr.release_relays(worker, at);
	PERFORM _bigbrotr.adopt_relays();
	-- After a restore, relays that were open when the dump was made have no lease. Relays that wait become due, because
	-- the settings that they wait for may have changed.
	UPDATE _bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at
	WHERE s.phase IN ('connecting', 'backfill', 'live')
	      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_leases AS l WHERE l.relay_id = s.relay_id);
	PERFORM _bigbrotr.wake_relays(true);
	PERFORM _bigbrotr.trim_coverage(at), _bigbrotr.drop_unfounded_coverage();
	-- No worker received the new events of relays without a lease: read every depth of their history again.
	UPDATE _bigbrotr.relay_sync AS s SET again_at = '{}'
	WHERE s.again_at <> '{}' AND NOT EXISTS (SELECT FROM _bigbrotr.relay_leases AS l WHERE l.relay_id = s.relay_id);
	RETURN released;
END
$$;
COMMENT ON FUNCTION _bigbrotr.start_synchronizer(text, bigint, bigint, boolean) IS
	'Registers a worker, which then holds leases until this Unix second: of priority relays if priority is true, else of all others. Ends the leases that a worker of the same name had, and returns their number';
