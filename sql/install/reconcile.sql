-- Set comparison with relays (NIP-77): events that a relay has shown, further events that it offers, and whether the relay
-- supports it.

-- Needed ids are stored before the events are fetched, so that after a crash no event is claimed that is not archived. An id
-- that a relay offers and does not serve stays stored, so that the relay is not asked for it each time.
CREATE TABLE _bigbrotr.relay_needs (
	relay_id   integer NOT NULL,
	filter_id  integer NOT NULL,
	event_id   bytea   NOT NULL,
	lower      bigint  NOT NULL,
	offered_at bigint  NOT NULL,
	tries      integer NOT NULL DEFAULT 0,
	tried_at   bigint,
	CONSTRAINT relay_needs_pkey PRIMARY KEY (relay_id, event_id, filter_id),
	CONSTRAINT relay_needs_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_needs_event_id_check CHECK (octet_length(event_id) = 32)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_needs_lower_idx ON _bigbrotr.relay_needs (relay_id, filter_id, lower);
COMMENT ON TABLE _bigbrotr.relay_needs IS 'Events that a relay offers (NIP-77) and that are not archived: not fetched yet, or withheld by the relay';
COMMENT ON COLUMN _bigbrotr.relay_needs.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_needs.filter_id IS 'bigbrotr.sync_filters.filter_id: the filter whose events were compared; 0: everything';
COMMENT ON COLUMN _bigbrotr.relay_needs.event_id IS 'Id that the relay offers, 32 bytes; an event with this id may not exist';
COMMENT ON COLUMN _bigbrotr.relay_needs.lower IS 'First second (created_at) of the window in which the id was offered; created_at of the event is not known';
COMMENT ON COLUMN _bigbrotr.relay_needs.offered_at IS 'When the id was last offered, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_needs.tries IS 'Number of requests for the event that the relay did not serve; -1: the relay served the event, and a retention rule keeps it out';
COMMENT ON COLUMN _bigbrotr.relay_needs.tried_at IS 'Time of the last of these requests, Unix seconds; null: never';

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
COMMENT ON TABLE _bigbrotr.relay_comparisons IS 'Observed support of relays for set comparison (NIP-77); no row: never tried';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.outcome IS 'Outcome of the last comparison. finished; refused: the relay does not support it; broken: it began and failed';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.observed_at IS 'Time of the last comparison, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.detail IS 'Text of the relay about the last failure, or the fault, printable ASCII';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.finished IS 'Number of windows that were compared';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.failed IS 'Number of comparisons that failed or were refused';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.needed IS 'Number of ids that the relay offered and had not shown before, in all windows';
COMMENT ON COLUMN _bigbrotr.relay_comparisons.lost IS 'Number of events that the relay had shown and no longer has, in all windows: expired, deleted or pruned';
SELECT pg_extension_config_dump('_bigbrotr.relay_needs', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_comparisons', '');

-- One row more than "most" shows the caller that there are more events.
CREATE FUNCTION _bigbrotr.seen_events(
	relay integer, filter integer, first_second bigint, last_second bigint, most integer,
	OUT created_at bigint, OUT event_id bytea) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT e.created_at, e.event_id
		FROM bigbrotr.sightings AS s JOIN bigbrotr.events AS e ON e.eid = s.eid
		WHERE s.relay_id = seen_events.relay AND e.created_at BETWEEN seen_events.first_second AND seen_events.last_second
		      AND e.kind NOT BETWEEN 20000 AND 29999
		      AND (seen_events.filter = 0 OR bigbrotr.event_matches(e, (
		          SELECT f.filter FROM bigbrotr.sync_filters AS f WHERE f.filter_id = seen_events.filter)))
		LIMIT greatest(seen_events.most, 0)::bigint + 1;
	END;
COMMENT ON FUNCTION _bigbrotr.seen_events(integer, integer, bigint, bigint, integer) IS
	'Archived events of these seconds (created_at, inclusive) that the relay has shown and the filter (0: everything) matches, in no order, without ephemeral events (NIP-01), which relays do not keep; at most most + 1 rows';

-- The waiting time is counted in days, because a relay that hides some kinds continues to hide them.
CREATE FUNCTION _bigbrotr.need_rests(tries integer, tried_at bigint, at bigint) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN tries > 0 AND tried_at > at - 86400 * 2 ^ least(tries - 1, 5);
COMMENT ON FUNCTION _bigbrotr.need_rests(integer, bigint, bigint) IS
	'Whether it is too early to ask a relay again for an event that it offered and did not serve: one day after the first request, then twice the time, up to 32 days';

CREATE FUNCTION _bigbrotr.note_needs(relay integer, filter integer, ids bytea[], first_second bigint, at bigint) RETURNS SETOF integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT bigint := 20000; -- a limit, because invented ids cost a relay nothing
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(ids)), _bigbrotr.check_time(at);
	IF EXISTS (SELECT FROM unnest(ids) AS i (id) WHERE octet_length(i.id) IS DISTINCT FROM 32) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'an offered id is not an event id',
			DETAIL = 'An id has 32 bytes and is not null.',
			HINT = 'bigbrotr.event_id(text) reads ids in every spelling.';
	END IF;
	IF _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- the relay was deleted meanwhile
	END IF;
	IF (SELECT count(*) FROM _bigbrotr.relay_needs AS n WHERE n.relay_id = relay) > most THEN
		RETURN;
	END IF;
	INSERT INTO _bigbrotr.relay_needs AS n (relay_id, filter_id, event_id, lower, offered_at)
	SELECT relay, filter, i.id, first_second, at FROM unnest(ids) AS i (id)
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
		     LEFT JOIN _bigbrotr.relay_needs AS n ON n.relay_id = relay AND n.event_id = i.id AND n.filter_id = filter
		ORDER BY i.place;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_needs(integer, integer, bytea[], bigint, bigint) IS
	'Stores that a relay offers these ids in the window that begins at first_second, when it is asked with this filter (0: everything). Returns for each id, in the same order: 0 the relay has shown the event meanwhile, or a retention rule keeps it out; 1 the event must be fetched, even if other relays have shown it; 2 the relay was asked for it lately and did not serve it. No row: more than 20,000 ids of the relay are stored, and nothing is fetched by ids. An error if an id does not have 32 bytes';

CREATE FUNCTION _bigbrotr.settle_needs(relay integer, filter integer, first_second bigint, last_second bigint, compared_since bigint, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	withheld bigint;
BEGIN
	DELETE FROM _bigbrotr.relay_needs AS n
	WHERE n.relay_id = relay AND n.filter_id = filter AND n.lower BETWEEN first_second AND last_second
	      AND (n.offered_at < compared_since
	           OR EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
	                      WHERE e.event_id = n.event_id AND s.relay_id = relay));
	UPDATE _bigbrotr.relay_needs AS n SET tries = n.tries + 1, tried_at = at
	WHERE n.relay_id = relay AND n.filter_id = filter AND n.lower BETWEEN first_second AND last_second AND n.tries >= 0
	      AND NOT _bigbrotr.need_rests(n.tries, n.tried_at, at);
	SELECT count(*) INTO withheld FROM _bigbrotr.relay_needs AS n
	WHERE n.relay_id = relay AND n.filter_id = filter AND n.lower BETWEEN first_second AND last_second AND n.tries >= 0;
	RETURN withheld;
END
$$;
COMMENT ON FUNCTION _bigbrotr.settle_needs(integer, integer, bigint, bigint, bigint, bigint) IS
	'Call when the windows of this filter that begin in these seconds were compared after compared_since and all events that the relay serves were fetched: deletes needs that are fulfilled or no longer offered, and counts a request for the others. Returns the number of events that the relay withholds';

CREATE FUNCTION _bigbrotr.note_left_out(relays integer[], ids bytea[]) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.relay_needs AS n SET tries = -1
		FROM unnest(relays, ids) AS i (relay_id, event_id)
		WHERE n.relay_id = i.relay_id AND n.event_id = i.event_id AND n.tries >= 0;
	END;
COMMENT ON FUNCTION _bigbrotr.note_left_out(integer[], bytea[]) IS
	'Stores that relays served these events and a retention rule keeps them out: they are neither asked for again nor counted as withheld. Parallel arrays';

-- All needs with lower <= last_second count: the second of the event is not known, and the window that began at lower may reach beyond
-- last_second or end before it.
CREATE FUNCTION _bigbrotr.needs_wait(relay integer, filter integer, last_second bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT EXISTS (
			SELECT FROM _bigbrotr.relay_needs AS n
			WHERE n.relay_id = needs_wait.relay AND n.filter_id = needs_wait.filter AND n.lower <= needs_wait.last_second AND n.tries = 0
			      AND NOT EXISTS (SELECT FROM bigbrotr.events AS e JOIN bigbrotr.sightings AS s ON s.eid = e.eid
			                      WHERE e.event_id = n.event_id AND s.relay_id = needs_wait.relay));
	END;
COMMENT ON FUNCTION _bigbrotr.needs_wait(integer, integer, bigint) IS
	'Whether the relay, asked with this filter (0: everything), has offered an event of this second (created_at) or an earlier one, and was not asked for it yet; then no other reading may confirm these seconds';

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
		RETURN; -- the relay was deleted meanwhile
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
	'Stores the outcome of a comparison of a window with a relay: finished, refused or broken (it failed in the middle). needed, lost: number of ids that only the relay, or only the archive, had; at: Unix seconds. An error if outcome is another word';

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
	'Whether to try a set comparison (NIP-77) with the relay: false within a week after it refused or failed; if it was never tried, whether its document (NIP-11) lists NIP-77, or true without a document';
