-- Functions of the synchronizer: which relay is due, what is to be asked, what came of it.

CREATE FUNCTION bigbrotr.claim_coverage(
	relay integer, first_second bigint, last_second bigint, proof text, delivered bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	merged record;
BEGIN
	IF first_second < 0 OR first_second > last_second OR last_second > at THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('seconds %s to %s cannot be claimed at %s', first_second, last_second, at),
			DETAIL = 'A claim begins at 0 or later, does not end before it begins and not in the future.',
			HINT = 'All three are Unix seconds.';
	END IF;
	IF proof <> ALL ('{paged,exhausted,dense}') OR proof = 'dense' AND first_second <> last_second THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no proof for seconds %s to %s', left(proof, 64), first_second, last_second),
			DETAIL = 'There are paged, exhausted and dense, the last one for a single second.',
			HINT = 'See the comment on bigbrotr.coverage.evidence.';
	END IF;
	IF bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;

	IF proof = 'dense' THEN
		INSERT INTO bigbrotr.coverage AS c (relay_id, lower, upper, evidence, events, proven_at)
		SELECT relay, first_second, first_second, 'dense', delivered, at
		WHERE NOT EXISTS (SELECT FROM bigbrotr.coverage AS c
			WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence <> 'dense'
			      AND c.lower <= first_second AND c.upper >= first_second)
		ON CONFLICT ON CONSTRAINT coverage_pkey
		DO UPDATE SET events = greatest(c.events, excluded.events), proven_at = excluded.proven_at;
		RETURN;
	END IF;

	-- Proven ranges that touch become one. What its lowest part is, the whole is: "exhausted" says
	-- that nothing older is left below, and the rest above has been read as well.
	WITH touching AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}'
		      AND c.lower - 1 <= last_second AND c.upper >= first_second - 1
		      AND (c.evidence <> 'dense' OR c.lower BETWEEN first_second AND last_second)
		RETURNING c.lower, c.upper, c.evidence, c.events, c.proven_at
	), parts AS (
		SELECT * FROM touching WHERE evidence <> 'dense'
		UNION ALL SELECT first_second, last_second, proof, delivered, at
	)
	SELECT min(p.lower) AS lower, max(p.upper) AS upper,
	       (array_agg(p.evidence ORDER BY p.lower, p.evidence))[1] AS evidence,
	       sum(p.events)::bigint AS events, min(p.proven_at) AS proven_at
	INTO merged FROM parts AS p;
	INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
	VALUES (relay, merged.lower, merged.upper, merged.evidence, merged.events, merged.proven_at);
END
$$;
COMMENT ON FUNCTION bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint) IS
	'Records that a relay''s events of these seconds (created_at, inclusive) are archived as far as it served them; proof: paged, exhausted or dense; delivered: number of events; at: Unix seconds. Ranges that touch are merged; a dense second is replaced by its proof';

CREATE FUNCTION bigbrotr.gaps(
	relay integer, at bigint,
	OUT lower bigint, OUT upper bigint, OUT reason text, OUT tried_at bigint) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		WITH ranges AS (
			SELECT c.lower, c.upper, c.evidence, c.proven_at FROM bigbrotr.coverage AS c
			WHERE c.relay_id = gaps.relay AND c.filter = '{}'
			UNION ALL SELECT n.next, n.next, NULL, NULL FROM (SELECT least(gaps.at, 9223372036854775806) + 1 AS next) AS n
		), holes AS (
			SELECT coalesce(lag(r.upper) OVER (ORDER BY r.lower) + 1, 0) AS lower,
			       least(r.lower - 1, gaps.at) AS upper
			FROM ranges AS r
		)
		SELECT h.lower, h.upper, 'unread', NULL::bigint FROM holes AS h WHERE h.lower <= h.upper
		UNION ALL
		SELECT r.lower, r.upper, 'dense', r.proven_at FROM ranges AS r WHERE r.evidence = 'dense'
		ORDER BY 2 DESC;
	END;
COMMENT ON FUNCTION bigbrotr.gaps(integer, bigint) IS
	'What is not proven of a relay''s history from 0 to the Unix second given, newest first; reason unread, or dense: more events in one second than a page holds, last tried at tried_at';

CREATE FUNCTION bigbrotr.due_relays(
	allow_local boolean, at bigint,
	OUT relay_id integer, OUT url text, OUT since bigint) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT r.relay_id, r.url, coalesce(s.next_attempt, 0)
		FROM bigbrotr.relays AS r LEFT JOIN bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
		WHERE coalesce(s.enabled, true) AND coalesce(s.phase, 'waiting') IN ('waiting', 'backoff')
		      AND coalesce(s.next_attempt, 0) <= due_relays.at
		      AND (r.network = 'clearnet' OR r.network = 'local' AND due_relays.allow_local)
		ORDER BY 3, 1;
	END;
COMMENT ON FUNCTION bigbrotr.due_relays(boolean, bigint) IS
	'Relays that may be connected to at this Unix second: never tried ones first, then those waiting longest. Those on tor, i2p and loki wait: there is no proxy';

CREATE FUNCTION bigbrotr.take_relays(
	places integer, allow_local boolean, at bigint,
	OUT relay_id integer, OUT url text) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RETURN QUERY
	WITH due AS MATERIALIZED (
		SELECT d.relay_id, d.url FROM bigbrotr.due_relays(allow_local, at) AS d LIMIT greatest(places, 0)
	), taken AS (
		INSERT INTO bigbrotr.relay_sync AS s (relay_id, phase, phase_since)
		SELECT due.relay_id, 'connecting', at FROM due
		ON CONFLICT ON CONSTRAINT relay_sync_pkey
		DO UPDATE SET phase = excluded.phase, phase_since = excluded.phase_since
	)
	SELECT due.relay_id, due.url FROM due;
END
$$;
COMMENT ON FUNCTION bigbrotr.take_relays(integer, boolean, bigint) IS
	'Takes so many of the due relays for the caller to connect to';

CREATE FUNCTION bigbrotr.report_relay(
	relay integer, event text, reason text, detail text, retry_after_ms bigint,
	retry_delay_ms bigint, retry_delay_max_ms bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	status_now text := CASE WHEN event = 'connected' THEN 'online' WHEN event = 'ended' AND reason <> '' THEN 'offline' END;
BEGIN
	UPDATE bigbrotr.relays AS r SET status = status_now
	WHERE r.relay_id = relay AND status_now IS NOT NULL AND r.status IS DISTINCT FROM status_now;

	IF event = 'connected' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'backfill', phase_since = at WHERE s.relay_id = relay;
	ELSIF event = 'caught_up' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'live', phase_since = at WHERE s.relay_id = relay AND s.phase <> 'live';
	ELSIF event = 'ended' AND reason = '' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at + retry_after_ms / 1000 WHERE s.relay_id = relay;
	ELSIF event = 'ended' THEN
		-- Doubles from failure to failure, give or take a quarter, so that relays that failed
		-- together do not come back together. What the relay asks for counts up to a day.
		UPDATE bigbrotr.relay_sync AS s SET
			phase = 'backoff', phase_since = at, failures = s.failures + 1, last_error = reason, last_detail = detail,
			next_attempt = at + ceil(greatest(
				least(retry_delay_ms * 2.0 ^ least(s.failures, 40)
				      * (0.75 + (hashint4(relay # s.failures) & 1023) / 2048.0), retry_delay_max_ms),
				least(retry_after_ms, 86400000)) / 1000)::bigint
		WHERE s.relay_id = relay;
	ELSE
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is nothing a relay can report', left(event, 64)),
			DETAIL = 'There are connected, caught_up and ended.', HINT = 'Of "ended", reason says why; it is empty if all went well.';
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.report_relay(integer, text, text, text, bigint, bigint, bigint, bigint) IS
	'What became of a taken relay. event: connected, caught_up or ended; reason: why it failed, else empty; retry_after_ms: how long it is to be left alone at least; at: Unix seconds';

CREATE FUNCTION bigbrotr.release_relays(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	released bigint;
BEGIN
	UPDATE bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at
	WHERE s.phase IN ('connecting', 'backfill', 'live');
	GET DIAGNOSTICS released = ROW_COUNT;
	RETURN released;
END
$$;
COMMENT ON FUNCTION bigbrotr.release_relays(bigint) IS
	'All connections are gone: relays that were taken are due again. Returns how many';

CREATE FUNCTION bigbrotr.unwanted_relays(relay_ids integer[], allow_local boolean) RETURNS SETOF integer
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT a.relay_id FROM unnest(unwanted_relays.relay_ids) AS a (relay_id)
		WHERE NOT EXISTS (
			SELECT FROM bigbrotr.relays AS r JOIN bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
			WHERE r.relay_id = a.relay_id AND s.enabled AND (r.network <> 'local' OR unwanted_relays.allow_local));
	END;
COMMENT ON FUNCTION bigbrotr.unwanted_relays(integer[], boolean) IS
	'Those of the relays that are to be left alone: disabled, deleted or no longer allowed';

CREATE FUNCTION bigbrotr.count_traffic(
	relay_ids integer[], new_events bigint[], new_sightings bigint[], new_messages bigint[], new_bytes bigint[],
	new_pages bigint[], at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Whoever has locked a relay's row is at the same: to wait for them could be in a circle, since
	-- insert_events_batch locks relays before events.
	UPDATE bigbrotr.relays AS r SET last_seen = at
	WHERE r.relay_id IN (
		SELECT k.relay_id FROM bigbrotr.relays AS k
		     JOIN unnest(relay_ids, new_messages) AS a (relay_id, messages) ON a.relay_id = k.relay_id
		WHERE a.messages > 0 AND k.last_seen IS DISTINCT FROM at
		FOR NO KEY UPDATE OF k SKIP LOCKED);
	UPDATE bigbrotr.relay_sync AS s SET
		events = s.events + coalesce(a.events, 0), sightings = s.sightings + coalesce(a.sightings, 0),
		messages = s.messages + coalesce(a.messages, 0), bytes = s.bytes + coalesce(a.bytes, 0),
		pages = s.pages + coalesce(a.pages, 0),
		failures = CASE WHEN a.pages > 0 THEN 0 ELSE s.failures END,
		last_success = CASE WHEN a.pages > 0 THEN at ELSE s.last_success END
	FROM unnest(relay_ids, new_events, new_sightings, new_messages, new_bytes, new_pages)
	     AS a (relay_id, events, sightings, messages, bytes, pages)
	WHERE s.relay_id = a.relay_id;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint) IS
	'Adds to the counters in bigbrotr.relay_sync (no relay twice). A page read to its end ends a series of failures';

CREATE FUNCTION bigbrotr.count_refusals(
	relay_ids integer[], reasons text[], counts bigint[], details text[], at bigint) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		INSERT INTO bigbrotr.relay_refusals AS f (relay_id, reason, count, first_at, last_at, last_detail)
		SELECT a.relay_id, left(a.reason, 64), sum(a.count), count_refusals.at, count_refusals.at,
		       (array_agg(a.detail ORDER BY a.n DESC))[1]
		FROM unnest(count_refusals.relay_ids, count_refusals.reasons, count_refusals.counts, count_refusals.details)
		     WITH ORDINALITY AS a (relay_id, reason, count, detail, n)
		     JOIN bigbrotr.relays AS r ON r.relay_id = a.relay_id
		WHERE a.reason IS NOT NULL AND a.count IS NOT NULL
		GROUP BY 1, 2 ORDER BY 1, 2
		ON CONFLICT ON CONSTRAINT relay_refusals_pkey
		DO UPDATE SET count = f.count + excluded.count, last_at = excluded.last_at, last_detail = excluded.last_detail;
	END;
COMMENT ON FUNCTION bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint) IS
	'Counts what relays sent and we refused, by reason code; details: of the last one each; at: Unix seconds';

