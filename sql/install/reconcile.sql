-- Comparing sets with relays (NIP-77): what a relay has shown, what it offers beyond that, and whether it can do it.

-- The ids that are needed are written down before the events are fetched: whenever a process ends, nothing is claimed
-- that was not archived. An id that a relay offers and does not serve is remembered, so that it is not asked for each time.
CREATE TABLE _bigbrotr.relay_needs (
	relay_id   integer NOT NULL,
	event_id   bytea   NOT NULL,
	lower      bigint  NOT NULL,
	offered_at bigint  NOT NULL,
	tries      integer NOT NULL DEFAULT 0,
	tried_at   bigint,
	CONSTRAINT relay_needs_pkey PRIMARY KEY (relay_id, event_id),
	CONSTRAINT relay_needs_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_needs_event_id_check CHECK (octet_length(event_id) = 32)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_needs_lower_idx ON _bigbrotr.relay_needs (relay_id, lower);
COMMENT ON TABLE _bigbrotr.relay_needs IS 'Events that a relay offers (NIP-77) and that are not archived: still to be fetched, or withheld by the relay';
COMMENT ON COLUMN _bigbrotr.relay_needs.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_needs.event_id IS 'Id that the relay told; whether there is such an event is not known';
COMMENT ON COLUMN _bigbrotr.relay_needs.lower IS 'First second of the window in which it was offered; its own time is not known';
COMMENT ON COLUMN _bigbrotr.relay_needs.offered_at IS 'Last offered, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_needs.tries IS 'How often the relay was asked for it and did not serve it; -1: it did, and a retention rule keeps it out';
COMMENT ON COLUMN _bigbrotr.relay_needs.tried_at IS 'Last time, Unix seconds; null: never';

CREATE TABLE _bigbrotr.relay_comparisons (
	relay_id    integer NOT NULL,
	outcome     text    NOT NULL,
	observed_at bigint  NOT NULL,
	detail      text,
	finished    bigint  NOT NULL DEFAULT 0,
	failed      bigint  NOT NULL DEFAULT 0,
	needed      bigint  NOT NULL DEFAULT 0,
	lost        bigint  NOT NULL DEFAULT 0,
	CONSTRAINT relay_comparisons_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_comparisons_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_comparisons_outcome_check CHECK (outcome IN ('finished', 'refused', 'broken'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.relay_comparisons IS 'Whether a relay compares sets (NIP-77), as observed; no row: never tried';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.outcome IS 'Of the last time: finished; refused: the relay does not do it; broken: it began and did not end well';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.observed_at IS 'When that was, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.detail IS 'What the relay said when it failed, or what was wrong, printable ASCII';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.finished IS 'How many windows were compared';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.failed IS 'How many attempts failed';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.needed IS 'Ids that the relay offered and had not shown before, in all windows';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.lost IS 'Events that the relay had shown and had no more, in all windows: expired, deleted or pruned there';
SELECT pg_extension_config_dump('_bigbrotr.relay_needs', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_comparisons', '');

-- Returns one row more than most if there are too many.
CREATE FUNCTION _bigbrotr.seen_events(
	relay integer, first_second bigint, last_second bigint, most integer,
	OUT created_at bigint, OUT event_id bytea) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT e.created_at, e.event_id
		FROM bigbrotr.sightings AS s JOIN bigbrotr.events AS e ON e.eid = s.eid
		WHERE s.relay_id = seen_events.relay AND e.created_at BETWEEN seen_events.first_second AND seen_events.last_second
		      AND e.kind NOT BETWEEN 20000 AND 29999
		LIMIT greatest(seen_events.most, 0)::bigint + 1;
	END;
COMMENT ON FUNCTION _bigbrotr.seen_events(integer, bigint, bigint, integer) IS
	'Archived events of these seconds that the relay has shown, in no order, without ephemeral ones, which no relay keeps; at most one more than most';

-- The unit is days, since a relay that hides some kinds goes on hiding them.
CREATE FUNCTION _bigbrotr.need_rests(tries integer, tried_at bigint, at bigint) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN tries > 0 AND tried_at > at - 86400 * 2 ^ least(tries - 1, 5);
COMMENT ON FUNCTION _bigbrotr.need_rests(integer, bigint, bigint) IS
	'Is it too soon to ask a relay again for an event that it offered and did not serve? It waits 1 to 32 days, twice as long each time';

CREATE FUNCTION _bigbrotr.note_needs(relay integer, ids bytea[], first_second bigint, at bigint) RETURNS SETOF integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT bigint := 20000; -- ids cost a relay nothing
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(ids)), _bigbrotr.check_time(at);
	IF EXISTS (SELECT FROM unnest(ids) AS i (id) WHERE octet_length(i.id) IS DISTINCT FROM 32) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'an offered id is none',
			DETAIL = 'An id has 32 bytes and is not null.',
			HINT = 'bigbrotr.event_id(text) reads ids in every spelling.';
	END IF;
	IF _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;
	IF (SELECT count(*) FROM _bigbrotr.relay_needs AS n WHERE n.relay_id = relay) > most THEN
		RETURN;
	END IF;
	INSERT INTO _bigbrotr.relay_needs AS n (relay_id, event_id, lower, offered_at)
	SELECT relay, i.id, first_second, at FROM unnest(ids) AS i (id)
	WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
	                  WHERE e.event_id = i.id AND s.relay_id = relay)
	ORDER BY i.id
	ON CONFLICT ON CONSTRAINT relay_needs_pkey DO UPDATE SET lower = excluded.lower, offered_at = excluded.offered_at;
	RETURN QUERY
		SELECT CASE WHEN n.event_id IS NULL OR n.tries < 0
		                 OR EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
		                            WHERE e.event_id = i.id AND s.relay_id = relay) THEN 0
		            WHEN _bigbrotr.need_rests(n.tries, n.tried_at, at) THEN 2 ELSE 1 END
		FROM unnest(ids) WITH ORDINALITY AS i (id, place)
		     LEFT JOIN _bigbrotr.relay_needs AS n ON n.relay_id = relay AND n.event_id = i.id
		ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_needs(integer, bytea[], bigint, bigint) IS
	'Writes down that a relay offers these ids in the window that begins at first_second. For each of them, in their order: 0 the relay has shown it by now, or a retention rule keeps it out, 1 it is to be fetched, also if other relays have shown it, 2 the relay was asked for it lately and did not serve it. No row: more than 20,000 of the relay''s are written down already, so that nothing is fetched by ids';

CREATE FUNCTION _bigbrotr.settle_needs(relay integer, first_second bigint, last_second bigint, compared_since bigint, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	withheld bigint;
BEGIN
	DELETE FROM _bigbrotr.relay_needs AS n
	WHERE n.relay_id = relay AND n.lower BETWEEN first_second AND last_second
	      AND (n.offered_at < compared_since
	           OR EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
	                      WHERE e.event_id = n.event_id AND s.relay_id = relay));
	UPDATE _bigbrotr.relay_needs AS n SET tries = n.tries + 1, tried_at = at
	WHERE n.relay_id = relay AND n.lower BETWEEN first_second AND last_second AND n.tries >= 0
	      AND NOT _bigbrotr.need_rests(n.tries, n.tried_at, at);
	SELECT count(*) INTO withheld FROM _bigbrotr.relay_needs AS n
	WHERE n.relay_id = relay AND n.lower BETWEEN first_second AND last_second AND n.tries >= 0;
	RETURN withheld;
END
$$;
COMMENT ON FUNCTION _bigbrotr.settle_needs(integer, bigint, bigint, bigint, bigint) IS
	'The windows that begin in these seconds were compared since compared_since and everything was fetched that the relay serves. Returns how many events it withholds';

CREATE FUNCTION _bigbrotr.note_left_out(relays integer[], ids bytea[]) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.relay_needs AS n SET tries = -1
		FROM unnest(relays, ids) AS i (relay_id, event_id)
		WHERE n.relay_id = i.relay_id AND n.event_id = i.event_id AND n.tries >= 0;
	END;
COMMENT ON FUNCTION _bigbrotr.note_left_out(integer[], bytea[]) IS
	'Relays served these events, and a retention rule keeps them out: they are neither asked for again nor withheld. The arrays are parallel';

-- The window in which an id was offered may reach up to any second.
CREATE FUNCTION _bigbrotr.needs_wait(relay integer, last_second bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT EXISTS (
			SELECT FROM _bigbrotr.relay_needs AS n
			WHERE n.relay_id = needs_wait.relay AND n.lower <= needs_wait.last_second AND n.tries = 0
			      AND NOT EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
			                      WHERE e.event_id = n.event_id AND s.relay_id = needs_wait.relay));
	END;
COMMENT ON FUNCTION _bigbrotr.needs_wait(integer, bigint) IS
	'Has the relay offered an event of this second or an earlier one that it was not asked for yet? Then no other reading confirms these seconds';

CREATE FUNCTION _bigbrotr.note_comparison(
	relay integer, outcome text, needed bigint, lost bigint, detail text, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_counts(ARRAY[needed, lost]), _bigbrotr.check_time(at);
	IF outcome NOT IN ('finished', 'refused', 'broken') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a comparison cannot have the outcome "%s"', left(outcome, 64)),
			DETAIL = 'There are finished, refused and broken.',
			HINT = 'finished: the window was compared; refused: the relay does not compare; broken: it failed in the middle.';
	END IF;
	IF _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;
	INSERT INTO _bigbrotr.relay_comparisons AS c (relay_id, outcome, observed_at, detail, finished, failed, needed, lost)
	VALUES (relay, outcome, at, nullif(detail, ''), (outcome = 'finished')::integer, (outcome <> 'finished')::integer, needed, lost)
	ON CONFLICT ON CONSTRAINT relay_comparisons_pkey DO UPDATE SET
		outcome = excluded.outcome, observed_at = excluded.observed_at, detail = coalesce(excluded.detail, c.detail),
		finished = c.finished + excluded.finished, failed = c.failed + excluded.failed,
		needed = c.needed + excluded.needed, lost = c.lost + excluded.lost;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_comparison(integer, text, bigint, bigint, text, bigint) IS
	'A relay compared a window (finished), refused to, or failed in the middle (broken); needed, lost: ids that only the relay had, and that only the archive had';

CREATE FUNCTION _bigbrotr.may_compare(relay integer, at bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT coalesce(
			(SELECT c.outcome = 'finished' OR c.observed_at <= may_compare.at - 7 * 86400
			 FROM _bigbrotr.relay_comparisons AS c WHERE c.relay_id = may_compare.relay),
			(SELECT d.supported_nips @> '77'
			 FROM _bigbrotr.relay_checks AS k JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = k.nip11_id
			 WHERE k.relay_id = may_compare.relay AND d.supported_nips IS NOT NULL
			 ORDER BY k.generated_at DESC LIMIT 1),
			true);
	END;
COMMENT ON FUNCTION _bigbrotr.may_compare(integer, bigint) IS
	'Is it worth trying to compare sets (NIP-77) with the relay? Not within a week after it refused or failed. If nobody has tried: as its document (NIP-11) says; yes if there is none';
