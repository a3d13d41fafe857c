-- What nothing refers to any more.

-- Whoever deletes events locks sightings: none may arrive for an event on its way out. Planned each
-- time: a slice and the whole table want different plans.
CREATE FUNCTION bigbrotr.delete_orphan_events(
	first_eid bigint DEFAULT 0, last_eid bigint DEFAULT 9223372036854775807) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
DECLARE
	deleted bigint;
BEGIN
	PERFORM bigbrotr.limit_time('procedure');
	LOCK TABLE bigbrotr.sightings IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM bigbrotr.events AS e
	WHERE e.eid BETWEEN first_eid AND last_eid
	      AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid);
	GET DIAGNOSTICS deleted = ROW_COUNT;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_events(bigint, bigint) IS
	'Deletes the events that no relay delivered (of these eids, inclusive) and returns how many there were; imported ones may be among them';

-- The documents stand in the checks themselves; a check that says it has none refers to none.
CREATE FUNCTION bigbrotr.delete_orphan_nip11() RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.limit_time('procedure');
		WITH gone AS (
			UPDATE bigbrotr.relay_checks AS c
			SET nip11_name = NULL, nip11_description = NULL, nip11_pubkey = NULL, nip11_contact = NULL,
			    nip11_supported_nips = NULL, nip11_software = NULL, nip11_version = NULL
			WHERE NOT c.nip11_present
			      AND num_nonnulls(c.nip11_name, c.nip11_description, c.nip11_pubkey, c.nip11_contact,
				c.nip11_supported_nips, c.nip11_software, c.nip11_version) > 0
			RETURNING c.relay_id
		)
		SELECT count(*) FROM gone;
	END;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip11() IS
	'Deletes the NIP-11 parts of measurements that say they have none, and returns how many there were';

CREATE FUNCTION bigbrotr.delete_orphan_nip66() RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.limit_time('procedure');
		WITH gone AS (
			UPDATE bigbrotr.relay_checks AS c
			SET nip66_openable = NULL, nip66_readable = NULL, nip66_writable = NULL,
			    nip66_rtt_open = NULL, nip66_rtt_read = NULL, nip66_rtt_write = NULL
			WHERE NOT c.nip66_present
			      AND num_nonnulls(c.nip66_openable, c.nip66_readable, c.nip66_writable,
				c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write) > 0
			RETURNING c.relay_id
		)
		SELECT count(*) FROM gone;
	END;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip66() IS
	'Deletes the NIP-66 parts of measurements that say they have none, and returns how many there were';

-- A procedure cannot both commit and SET search_path: it sets it itself, in each of its transactions.
CREATE PROCEDURE bigbrotr.cleanup_orphans(
	INOUT events bigint DEFAULT NULL, INOUT nip11 bigint DEFAULT NULL, INOUT nip66 bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	next bigint;
	last bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	events := 0;
	SELECT min(e.eid), max(e.eid) INTO next, last FROM bigbrotr.events AS e;
	WHILE next <= last LOOP
		-- A slice is small, whatever the planner believes of a table that grew.
		PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
		events := events + bigbrotr.delete_orphan_events(next, next + 99999);
		SELECT min(e.eid) INTO next FROM bigbrotr.events AS e WHERE e.eid > next + 99999;
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
	nip11 := bigbrotr.delete_orphan_nip11();
	COMMIT;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	nip66 := bigbrotr.delete_orphan_nip66();
END
$$;
COMMENT ON PROCEDURE bigbrotr.cleanup_orphans(bigint, bigint, bigint) IS
	'CALL bigbrotr.cleanup_orphans(): delete_orphan_events, _nip11 and _nip66, in slices that are committed one by one; gives the three numbers. Not inside a transaction block';
