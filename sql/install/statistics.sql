-- Exact counts. A transaction that writes or deletes events and sightings inserts rows with differences, so that writers never
-- wait for each other. The refresher adds these rows to the totals; the views add totals and differences. pg_dump leaves these
-- tables out: during a restore the triggers count again.

CREATE TABLE _bigbrotr.statistics (
	subject text   NOT NULL,
	key     bigint NOT NULL,
	count   bigint NOT NULL,
	CONSTRAINT statistics_pkey PRIMARY KEY (subject, key),
	CONSTRAINT statistics_subject_check CHECK (subject IN ('kind', 'day', 'relay'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.statistics IS 'Totals as of the last call of _bigbrotr.fold_statistics; _bigbrotr.current_statistics adds the differences since then';
COMMENT ON COLUMN _bigbrotr.statistics.subject IS 'kind: events of a kind; day: events of a day; relay: sightings of a relay';
COMMENT ON COLUMN _bigbrotr.statistics.key IS 'kind: the kind; day: first Unix second of the day (UTC) of created_at; relay: the relay_id';
COMMENT ON COLUMN _bigbrotr.statistics.count IS 'Number of events or sightings';

-- The table has a primary key, so that logical replication can publish deletions. It is vacuumed often, because each fold reads
-- over the rows that earlier folds deleted.
CREATE TABLE _bigbrotr.statistics_deltas (
	delta_id bigint  GENERATED ALWAYS AS IDENTITY (CACHE 64),
	subject text     NOT NULL,
	keys    bigint[] NOT NULL,
	counts  bigint[] NOT NULL,
	CONSTRAINT statistics_deltas_pkey PRIMARY KEY (delta_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.statistics_deltas IS 'Differences that are not yet added to _bigbrotr.statistics: one row for each batch and subject; the arrays are parallel';
COMMENT ON COLUMN _bigbrotr.statistics_deltas.delta_id IS 'Number of the row; its order has no meaning';
COMMENT ON COLUMN _bigbrotr.statistics_deltas.subject IS 'As in _bigbrotr.statistics';
COMMENT ON COLUMN _bigbrotr.statistics_deltas.keys IS 'Keys, as in _bigbrotr.statistics';
COMMENT ON COLUMN _bigbrotr.statistics_deltas.counts IS 'Number of new rows; negative: number of deleted rows';

CREATE VIEW _bigbrotr.current_statistics AS
	SELECT c.subject, c.key, sum(c.count)::bigint AS count
	FROM (SELECT s.subject, s.key, s.count FROM _bigbrotr.statistics AS s
	      UNION ALL
	      SELECT d.subject, k.key, k.count FROM _bigbrotr.statistics_deltas AS d,
	             unnest(d.keys, d.counts) AS k (key, count)) AS c
	GROUP BY c.subject, c.key
	HAVING sum(c.count) <> 0;
COMMENT ON VIEW _bigbrotr.current_statistics IS 'Exact counts of the present rows of bigbrotr.events and bigbrotr.sightings';

CREATE VIEW bigbrotr.kind_statistics AS
	SELECT s.key::integer AS kind, s.count AS event_count
	FROM _bigbrotr.current_statistics AS s WHERE s.subject = 'kind';
COMMENT ON VIEW bigbrotr.kind_statistics IS 'Number of events of each kind, exact';
COMMENT ON COLUMN bigbrotr.kind_statistics.kind IS '0 .. 65535 (NIP-01)';
COMMENT ON COLUMN bigbrotr.kind_statistics.event_count IS 'Number of archived events';

CREATE VIEW bigbrotr.day_statistics AS
	SELECT s.key AS day, s.count AS event_count, CASE WHEN s.key <= 9224318015999 THEN date '1970-01-01' + (s.key / 86400)::integer END AS date
	FROM _bigbrotr.current_statistics AS s WHERE s.subject = 'day';
COMMENT ON VIEW bigbrotr.day_statistics IS 'Number of events of each day (UTC) by created_at, exact';
COMMENT ON COLUMN bigbrotr.day_statistics.day IS 'First second of the day, Unix seconds';
COMMENT ON COLUMN bigbrotr.day_statistics.event_count IS 'Number of archived events';
COMMENT ON COLUMN bigbrotr.day_statistics.date IS 'The day as a date (UTC); null: after the last timestamp, where some authors put their events by mistake';

CREATE VIEW bigbrotr.relay_statistics AS
	SELECT s.key::integer AS relay_id, r.url AS relay_url, s.count AS sighting_count
	FROM _bigbrotr.current_statistics AS s LEFT JOIN bigbrotr.relays AS r ON r.relay_id = s.key
	WHERE s.subject = 'relay';
COMMENT ON VIEW bigbrotr.relay_statistics IS 'Number of events that each relay delivered, exact';
COMMENT ON COLUMN bigbrotr.relay_statistics.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_statistics.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_statistics.sighting_count IS 'Number of archived events that the relay delivered, including events that other relays delivered too';

CREATE VIEW bigbrotr.total_statistics AS
	SELECT coalesce(sum(s.count) FILTER (WHERE s.subject = 'kind'), 0)::bigint AS event_count,
	       coalesce(sum(s.count) FILTER (WHERE s.subject = 'relay'), 0)::bigint AS sighting_count
	FROM _bigbrotr.current_statistics AS s;
COMMENT ON VIEW bigbrotr.total_statistics IS 'Number of rows of bigbrotr.events and bigbrotr.sightings, exact, without reading these tables';
COMMENT ON COLUMN bigbrotr.total_statistics.event_count IS 'Number of archived events';
COMMENT ON COLUMN bigbrotr.total_statistics.sighting_count IS 'Number of archived sightings';

-- src/archive/news.h describes how workers receive the eids.
CREATE FUNCTION _bigbrotr.announce_events(eids bigint[]) RETURNS void
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_announce_events';
COMMENT ON FUNCTION _bigbrotr.announce_events(bigint[]) IS
	'Sends the eids of new events to the workers that follow new events, when the transaction commits; does nothing in a prepared transaction';

-- archive::insert_verified_events() writes to the tables directly, without this trigger, and updates the counts itself.
-- TRUNCATE leaves no rows, so all counts are subtracted. Its lock keeps other sessions from writing meanwhile.
CREATE FUNCTION _bigbrotr.count_changes() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	each bigint := TG_ARGV[0];
BEGIN
	IF TG_OP = 'TRUNCATE' THEN
		INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts)
		SELECT s.subject, array_agg(s.key), array_agg(-s.count)
		FROM _bigbrotr.current_statistics AS s
		WHERE (s.subject = 'relay') = (TG_TABLE_NAME = 'sightings')
		GROUP BY s.subject;
	ELSIF TG_TABLE_NAME = 'sightings' THEN
		INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts)
		SELECT 'relay', array_agg(c.relay_id), array_agg(each * c.count)
		FROM (SELECT relay_id, count(*) FROM changed GROUP BY 1) AS c HAVING count(*) > 0;
	ELSE
		INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts)
		SELECT c.subject, array_agg(c.key), array_agg(each * c.count)
		FROM (SELECT 'kind' AS subject, kind::bigint AS key, count(*) FROM changed GROUP BY 2
		      UNION ALL
		      SELECT 'day', created_at / 86400 * 86400, count(*) FROM changed GROUP BY 2) AS c
		GROUP BY c.subject;
	END IF;
	-- Clients of the API that follow new events get the eids, and the finder gets them in ranges of at most 65536.
	IF TG_OP = 'INSERT' AND TG_TABLE_NAME = 'events' THEN
		-- Of more than 65536 events none is announced, and an array of all could be too large.
		PERFORM _bigbrotr.announce_events(ARRAY(SELECT eid FROM changed LIMIT 65537));
		INSERT INTO _bigbrotr.finder_queue (eids)
		SELECT range_agg(int8range(i.lower, i.upper, '[]'))
		FROM (SELECT min(c.eid) AS lower, max(c.eid) AS upper, c.eid >> 16 AS piece
		      FROM (SELECT eid, eid - row_number() OVER (ORDER BY eid) AS island FROM changed) AS c
		      GROUP BY c.island, c.eid >> 16) AS i
		GROUP BY i.piece;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bigbrotr.count_changes() IS
	'Trigger: adds new (argument 1) or deleted (argument -1) rows to _bigbrotr.statistics_deltas, and queues new events for the finder';

CREATE TRIGGER count_inserted AFTER INSERT ON bigbrotr.events
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('1');
CREATE TRIGGER count_deleted AFTER DELETE ON bigbrotr.events
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('-1');
CREATE TRIGGER count_updated_from AFTER UPDATE ON bigbrotr.events
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('-1');
CREATE TRIGGER count_updated_to AFTER UPDATE ON bigbrotr.events
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('1');
CREATE TRIGGER count_truncated AFTER TRUNCATE ON bigbrotr.events
	EXECUTE FUNCTION _bigbrotr.count_changes();

CREATE TRIGGER count_inserted AFTER INSERT ON bigbrotr.sightings
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('1');
CREATE TRIGGER count_deleted AFTER DELETE ON bigbrotr.sightings
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('-1');
CREATE TRIGGER count_updated_from AFTER UPDATE ON bigbrotr.sightings
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('-1');
CREATE TRIGGER count_updated_to AFTER UPDATE ON bigbrotr.sightings
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION _bigbrotr.count_changes('1');
CREATE TRIGGER count_truncated AFTER TRUNCATE ON bigbrotr.sightings
	EXECUTE FUNCTION _bigbrotr.count_changes();

CREATE FUNCTION _bigbrotr.fold_statistics(most integer DEFAULT 10000) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	folded bigint;
BEGIN
	LOCK TABLE _bigbrotr.statistics IN SHARE ROW EXCLUSIVE MODE; -- one fold at a time
	WITH gone AS (
		DELETE FROM _bigbrotr.statistics_deltas AS d
		WHERE d.ctid = ANY (ARRAY(SELECT n.ctid FROM _bigbrotr.statistics_deltas AS n LIMIT greatest(most, 0)))
		RETURNING *
	), added AS (
		INSERT INTO _bigbrotr.statistics AS s (subject, key, count)
		SELECT g.subject, k.key, sum(k.count) FROM gone AS g, unnest(g.keys, g.counts) AS k (key, count) GROUP BY 1, 2
		ON CONFLICT ON CONSTRAINT statistics_pkey DO UPDATE SET count = s.count + excluded.count
	)
	SELECT count(*) INTO folded FROM gone;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION _bigbrotr.fold_statistics(integer) IS
	'Adds at most "most" rows of _bigbrotr.statistics_deltas to _bigbrotr.statistics, deletes them, and returns their number. The counts in the views do not change';

CREATE FUNCTION bigbrotr.verify_statistics(
	OUT subject text, OUT key bigint, OUT counted bigint, OUT actual bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT subject, key, coalesce(s.count, 0), coalesce(a.count, 0)
		FROM _bigbrotr.current_statistics AS s
		     FULL JOIN (SELECT 'kind' AS subject, e.kind::bigint AS key, count(*) FROM bigbrotr.events AS e GROUP BY 2
		                UNION ALL
		                SELECT 'day', e.created_at / 86400 * 86400, count(*) FROM bigbrotr.events AS e GROUP BY 2
		                UNION ALL
		                SELECT 'relay', x.relay_id, count(*) FROM bigbrotr.sightings AS x GROUP BY 2) AS a
		     USING (subject, key)
		WHERE s.count IS DISTINCT FROM a.count
		ORDER BY 1, 2;
	END;
COMMENT ON FUNCTION bigbrotr.verify_statistics() IS
	'Counts all events and sightings again, and returns the keys whose count in _bigbrotr.current_statistics is wrong: counted there, and actual; no row: all counts are exact';

CREATE FUNCTION bigbrotr.count_authors(kinds integer[] DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE sql STABLE
	RETURN (SELECT count(DISTINCT e.pubkey) FROM bigbrotr.events AS e
		WHERE (count_authors.kinds IS NULL OR e.kind = ANY (count_authors.kinds))
		      AND (count_authors.since IS NULL OR e.created_at >= count_authors.since)
		      AND (count_authors.until IS NULL OR e.created_at <= count_authors.until));
COMMENT ON FUNCTION bigbrotr.count_authors(integer[], bigint, bigint) IS
	'Number of authors that have events of these kinds and these seconds (created_at, inclusive; null: all), exact';

CREATE FUNCTION bigbrotr.estimate_authors(kinds integer[] DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place name := (SELECT n.nspname FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
	               WHERE x.extname = 'hll' AND has_schema_privilege(n.oid, 'USAGE'));
	authors bigint;
BEGIN
	IF place IS NULL THEN
		RETURN bigbrotr.count_authors(kinds, since, until);
	END IF;
	-- All arguments are passed with their types, so that overload resolution finds no user function of the same name.
	EXECUTE format(
		'SELECT round(%1$I.hll_cardinality(%1$I.hll_add_agg(%1$I.hll_hash_bytea(e.pubkey, 0))))
		 FROM bigbrotr.events AS e
		 WHERE ($1 IS NULL OR e.kind = ANY ($1)) AND ($2 IS NULL OR e.created_at >= $2)
		       AND ($3 IS NULL OR e.created_at <= $3)', place)
		INTO authors USING kinds, since, until;
	RETURN coalesce(authors, 0);
END
$$;
COMMENT ON FUNCTION bigbrotr.estimate_authors(integer[], bigint, bigint) IS
	'Like bigbrotr.count_authors, but estimated by HyperLogLog, within some percent and with little memory, if the extension hll is installed; exact without it';
