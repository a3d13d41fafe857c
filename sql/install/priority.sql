-- Priority relays: the service priority synchronizer reads each of them at least once in its interval.

CREATE TABLE _bigbrotr.relay_priorities (
	relay_id      integer NOT NULL,
	read_interval integer NOT NULL,
	listed        boolean NOT NULL,
	inserted_at   bigint  NOT NULL,
	read_at       bigint,
	kept          bigint  NOT NULL DEFAULT 0,
	missed        bigint  NOT NULL DEFAULT 0,
	CONSTRAINT relay_priorities_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_priorities_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_priorities_read_interval_check CHECK (read_interval BETWEEN 1 AND 604800)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.relay_priorities IS 'Priority relays: the priority synchronizer reads them, the synchronizer does not; the view bigbrotr.priority_relays shows URLs';
COMMENT ON COLUMN _bigbrotr.relay_priorities.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_priorities.read_interval IS 'Longest time from one reading to the next, seconds';
COMMENT ON COLUMN _bigbrotr.relay_priorities.listed IS 'true: only the file of bigbrotr.priority_file names the relay; it stops being a priority relay when the file no longer names it';
COMMENT ON COLUMN _bigbrotr.relay_priorities.inserted_at IS 'When the relay became a priority relay, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_priorities.read_at IS 'When the relay last finished answering all requests of a reading, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_priorities.kept IS 'Number of readings that ended within the interval';
COMMENT ON COLUMN _bigbrotr.relay_priorities.missed IS 'Number of intervals until read_at in which no reading ended';
SELECT pg_extension_config_dump('_bigbrotr.relay_priorities', '');

CREATE FUNCTION _bigbrotr.missed_intervals(read_interval integer, since bigint, at bigint) RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN greatest(greatest(at, 0) - greatest(since, 0) - 1, 0) / greatest(read_interval, 1);
COMMENT ON FUNCTION _bigbrotr.missed_intervals(integer, bigint, bigint) IS
	'Number of whole intervals between two Unix seconds; an interval that ended in this very second is not counted';

-- Three quarters of the interval, because the answers take time.
CREATE FUNCTION _bigbrotr.read_after(read_interval integer) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (read_interval::bigint * 3 / 4)::integer;
COMMENT ON FUNCTION _bigbrotr.read_after(integer) IS 'Seconds after a reading at which the next reading of a priority relay begins';

CREATE VIEW bigbrotr.priority_relays AS
	SELECT r.url AS relay_url, make_interval(secs => p.read_interval) AS read_interval,
	       CASE WHEN m.missed = 0 THEN 'kept' ELSE 'missed' END AS interval_state, to_timestamp(p.read_at) AS last_read,
	       p.kept AS kept_count, p.missed + m.missed AS missed_count, p.listed, to_timestamp(p.inserted_at) AS inserted_at
	FROM _bigbrotr.relay_priorities AS p
	     JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
	     CROSS JOIN LATERAL _bigbrotr.missed_intervals(p.read_interval, coalesce(p.read_at, p.inserted_at), bigbrotr.unix_now()) AS m (missed);
COMMENT ON VIEW bigbrotr.priority_relays IS 'Priority relays, and whether each is read within its interval';
COMMENT ON COLUMN bigbrotr.priority_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.priority_relays.read_interval IS 'Longest time from one reading to the next';
COMMENT ON COLUMN bigbrotr.priority_relays.interval_state IS 'kept: the last reading ended at most read_interval ago; missed: it ended earlier';
COMMENT ON COLUMN bigbrotr.priority_relays.last_read IS 'When the relay last finished answering all requests of a reading; null: never';
COMMENT ON COLUMN bigbrotr.priority_relays.kept_count IS 'Number of readings that ended within the interval';
COMMENT ON COLUMN bigbrotr.priority_relays.missed_count IS 'Number of intervals in which no reading ended';
COMMENT ON COLUMN bigbrotr.priority_relays.listed IS 'true: only the file of bigbrotr.priority_file names the relay';
COMMENT ON COLUMN bigbrotr.priority_relays.inserted_at IS 'When the relay became a priority relay';

CREATE FUNCTION _bigbrotr.max_priority_relays() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 1000;
COMMENT ON FUNCTION _bigbrotr.max_priority_relays() IS 'Maximum number of priority relays; the priority synchronizer keeps a connection to each';

-- A relay that waited for a place of one service may get a place of the other service at once.
CREATE FUNCTION _bigbrotr.change_service(relays integer[]) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.relay_sync AS s SET waits_for = NULL
		WHERE s.relay_id IN (SELECT k.relay_id FROM _bigbrotr.relay_sync AS k
			WHERE k.relay_id = ANY (change_service.relays) AND k.waits_for IS NOT NULL
			ORDER BY k.relay_id FOR NO KEY UPDATE);
	END;
COMMENT ON FUNCTION _bigbrotr.change_service(integer[]) IS
	'Makes relays due that became priority relays, or are no longer priority relays; the service that has such a relay open closes it';

CREATE FUNCTION bigbrotr.add_priority_relay(relay_url text, read_interval interval DEFAULT '1 minute') RETURNS integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	seconds numeric := floor(extract(epoch FROM read_interval));
	relay integer;
BEGIN
	IF seconds NOT BETWEEN 1 AND 604800 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a priority relay cannot be read every %s', read_interval),
			DETAIL = 'Intervals are from one second to seven days.',
			HINT = 'Without an interval the relay is read every minute.';
	END IF;
	relay := bigbrotr.add_relay(relay_url);
	LOCK TABLE _bigbrotr.relay_priorities IN SHARE ROW EXCLUSIVE MODE;
	INSERT INTO _bigbrotr.relay_priorities (relay_id, read_interval, listed, inserted_at)
	VALUES (relay, seconds, false, bigbrotr.unix_now())
	ON CONFLICT ON CONSTRAINT relay_priorities_pkey DO UPDATE SET read_interval = excluded.read_interval, listed = false;
	IF (SELECT count(*) FROM _bigbrotr.relay_priorities) > _bigbrotr.max_priority_relays() THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('more than %s priority relays', _bigbrotr.max_priority_relays()),
			DETAIL = 'The priority synchronizer keeps a connection to each of them.',
			HINT = 'bigbrotr.remove_priority_relay(url) leaves one of them to the synchronizer.';
	END IF;
	PERFORM _bigbrotr.change_service(ARRAY[relay]);
	RETURN relay;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_priority_relay(text, interval) IS
	'Makes a relay a priority relay, which the priority synchronizer reads at least once in each read_interval (1 second to 7 days); adds the relay if it is not known. Changes the interval of a relay that is a priority relay already. Returns the relay_id. An error if there are too many priority relays';

CREATE FUNCTION bigbrotr.remove_priority_relay(relay_url text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer;
BEGIN
	DELETE FROM _bigbrotr.relay_priorities AS p USING bigbrotr.relays AS r
	WHERE r.relay_id = p.relay_id AND r.url = (bigbrotr.normalise_relay_url(remove_priority_relay.relay_url)).url
	RETURNING p.relay_id INTO relay;
	PERFORM _bigbrotr.change_service(ARRAY[relay]);
	RETURN relay IS NOT NULL;
END
$$;
COMMENT ON FUNCTION bigbrotr.remove_priority_relay(text) IS
	'Returns a priority relay to the synchronizer; false: it was not a priority relay. A relay that the file of bigbrotr.priority_file names becomes a priority relay again at the next run of the initializer';

CREATE FUNCTION _bigbrotr.list_priority_relays(
	source text, content text,
	OUT listed bigint, OUT refused bigint)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	wanted integer[];
	changed integer[];
BEGIN
	SELECT s.refused INTO refused FROM bigbrotr.load_seeds(source, content) AS s;
	SELECT coalesce(array_agg(u.relay_id), '{}') INTO wanted
	FROM (SELECT r.relay_id
	      FROM string_to_table(content, E'\n') WITH ORDINALITY AS l (text, line)
	           CROSS JOIN LATERAL bigbrotr.normalise_relay_url(l.text, true) AS n
	           JOIN bigbrotr.relays AS r ON r.url = n.url
	      WHERE n.network <> 'local' OR _bigbrotr.allow_local_relays()
	      GROUP BY r.relay_id ORDER BY min(l.line) LIMIT _bigbrotr.max_priority_relays()) AS u;
	LOCK TABLE _bigbrotr.relay_priorities IN SHARE ROW EXCLUSIVE MODE;
	WITH gone AS (
		DELETE FROM _bigbrotr.relay_priorities AS p WHERE p.listed AND p.relay_id <> ALL (wanted) RETURNING p.relay_id
	)
	SELECT array_agg(g.relay_id) INTO changed FROM gone AS g;
	WITH come AS (
		INSERT INTO _bigbrotr.relay_priorities (relay_id, read_interval, listed, inserted_at)
		SELECT w.relay_id, 60, true, bigbrotr.unix_now() FROM unnest(wanted) WITH ORDINALITY AS w (relay_id, place)
		WHERE NOT EXISTS (SELECT FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = w.relay_id)
		ORDER BY w.place LIMIT _bigbrotr.max_priority_relays() - (SELECT count(*) FROM _bigbrotr.relay_priorities)
		RETURNING relay_id
	)
	SELECT changed || array_agg(c.relay_id) INTO changed FROM come AS c;
	PERFORM _bigbrotr.change_service(changed);
	SELECT count(*) INTO listed FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = ANY (wanted);
END
$$;
COMMENT ON FUNCTION _bigbrotr.list_priority_relays(text, text) IS
	'Makes the relays of a list (content: one URL per line; source: its name) priority relays with an interval of one minute. Relays of an earlier list that this list does not name are no longer priority relays; relays of bigbrotr.add_priority_relay stay. Refused lines are in bigbrotr.seed_rejects. listed: number of relays of the list that are priority relays now; refused: number of refused lines';
