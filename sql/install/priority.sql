-- Priority relays: a service of their own, the priority synchronizer, reads each of them within its interval.

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
COMMENT ON TABLE _bigbrotr.relay_priorities IS 'Relays that the priority synchronizer reads, and no other service; the view bigbrotr.priority_relays shows URLs';
COMMENT ON COLUMN _bigbrotr.relay_priorities.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_priorities.read_interval IS 'Longest time from one reading to the next, seconds';
COMMENT ON COLUMN _bigbrotr.relay_priorities.listed IS 'Whether the relay is here only because the file of bigbrotr.priority_file names it, and goes when the file does not';
COMMENT ON COLUMN _bigbrotr.relay_priorities.inserted_at IS 'When it became a priority relay, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_priorities.read_at IS 'When it last finished answering all questions, Unix seconds; null: not yet';
COMMENT ON COLUMN _bigbrotr.relay_priorities.kept IS 'Readings that ended within the interval';
COMMENT ON COLUMN _bigbrotr.relay_priorities.missed IS 'Intervals that passed without the end of a reading, until read_at';
SELECT pg_extension_config_dump('_bigbrotr.relay_priorities', '');

CREATE FUNCTION _bigbrotr.missed_intervals(read_interval integer, since bigint, at bigint) RETURNS bigint
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN greatest(greatest(at, 0) - greatest(since, 0) - 1, 0) / greatest(read_interval, 1);
COMMENT ON FUNCTION _bigbrotr.missed_intervals(integer, bigint, bigint) IS
	'How many whole intervals passed between two Unix seconds; the last of them not if it has just ended';

-- Before the interval is over: the answer takes time.
CREATE FUNCTION _bigbrotr.read_after(read_interval integer) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (read_interval::bigint * 3 / 4)::integer;
COMMENT ON FUNCTION _bigbrotr.read_after(integer) IS 'Seconds after which a priority relay is asked again';

CREATE VIEW bigbrotr.priority_relays AS
	SELECT r.url AS relay_url, make_interval(secs => p.read_interval) AS read_interval,
	       CASE WHEN m.missed = 0 THEN 'kept' ELSE 'missed' END AS interval_state, to_timestamp(p.read_at) AS last_read,
	       p.kept AS kept_count, p.missed + m.missed AS missed_count, p.listed, to_timestamp(p.inserted_at) AS inserted_at
	FROM _bigbrotr.relay_priorities AS p
	     JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
	     CROSS JOIN LATERAL _bigbrotr.missed_intervals(p.read_interval, coalesce(p.read_at, p.inserted_at), bigbrotr.unix_now()) AS m (missed);
COMMENT ON VIEW bigbrotr.priority_relays IS 'Relays that are read within an interval of their own, and whether they are';
COMMENT ON COLUMN bigbrotr.priority_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.priority_relays.read_interval IS 'Longest time from one reading to the next';
COMMENT ON COLUMN bigbrotr.priority_relays.interval_state IS 'kept: the last reading ended no longer ago than that; missed: it did';
COMMENT ON COLUMN bigbrotr.priority_relays.last_read IS 'When it last finished answering all questions; null: not yet';
COMMENT ON COLUMN bigbrotr.priority_relays.kept_count IS 'Readings that ended within the interval';
COMMENT ON COLUMN bigbrotr.priority_relays.missed_count IS 'Intervals that passed without the end of a reading';
COMMENT ON COLUMN bigbrotr.priority_relays.listed IS 'Whether it is here only because the file of bigbrotr.priority_file names it';
COMMENT ON COLUMN bigbrotr.priority_relays.inserted_at IS 'When it became a priority relay';

CREATE FUNCTION _bigbrotr.max_priority_relays() RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 1000;
COMMENT ON FUNCTION _bigbrotr.max_priority_relays() IS 'Most priority relays: the priority synchronizer has a place for each of them';

-- A relay that waits for a place of one service may find one of the other.
CREATE FUNCTION _bigbrotr.change_service(relays integer[]) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.relay_sync AS s SET waits_for = NULL
		WHERE s.relay_id = ANY (change_service.relays) AND s.waits_for IS NOT NULL;
	END;
COMMENT ON FUNCTION _bigbrotr.change_service(integer[]) IS
	'Makes relays due that became priority relays or stopped being such; the service that has one of them open closes it';

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
	'Makes a relay known, if it is not yet, and a priority relay: a service of its own reads it at least once in each interval. Changes the interval of one that is a priority relay already. Returns its relay_id';

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
	'Gives a priority relay back to the synchronizer; false: it was not a priority relay. One that the file of bigbrotr.priority_file names becomes a priority relay again when the initializer next runs';

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
	'Makes the relays of this list priority relays, which are read every minute. Relays of an earlier list that are not in this one are priority relays no more; relays that bigbrotr.add_priority_relay named stay as they are. Refused lines are in bigbrotr.seed_rejects; listed: how many of the list are priority relays now';
