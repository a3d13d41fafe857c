-- Claims are tested again: what is to be confirmed or audited, and what came of it.

CREATE TABLE bigbrotr.audits (
	relay_id   integer NOT NULL,
	audited_at bigint  NOT NULL,
	filter_id  integer NOT NULL,
	lower      bigint  NOT NULL,
	upper      bigint  NOT NULL,
	purpose    text    NOT NULL,
	evidence   text    NOT NULL,
	known      bigint,
	shown      bigint  NOT NULL,
	found      bigint  NOT NULL,
	late_by    bigint,
	CONSTRAINT audits_pkey PRIMARY KEY (relay_id, audited_at, filter_id, lower),
	CONSTRAINT audits_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT audits_purpose_check CHECK (purpose IN ('again', 'confirm', 'audit'))
);
COMMENT ON TABLE bigbrotr.audits IS 'Second readings of what was claimed: the last hundred of each relay';
COMMENT ON COLUMN bigbrotr.audits.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.audits.audited_at IS 'Unix seconds';
COMMENT ON COLUMN bigbrotr.audits.filter_id IS 'As in bigbrotr.coverage';
COMMENT ON COLUMN bigbrotr.audits.lower IS 'First created_at that was read, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.audits.upper IS 'Last created_at that was read, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.audits.purpose IS 'again: a recent time, in which events still arrive; confirm: of what was read once; audit: of any claim, at random';
COMMENT ON COLUMN bigbrotr.audits.evidence IS 'What had been claimed: paged, confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.audits.known IS 'Events of that time that the relay had shown before; null: not counted';
COMMENT ON COLUMN bigbrotr.audits.shown IS 'Events that it showed this time';
COMMENT ON COLUMN bigbrotr.audits.found IS 'New events, although the time had been claimed';
COMMENT ON COLUMN bigbrotr.audits.late_by IS 'Seconds from created_at to the audit, of the newest of these events; null: there was none';
SELECT pg_extension_config_dump('bigbrotr.audits', '');

CREATE VIEW bigbrotr.audit_rates AS
	SELECT r.url AS relay_url, a.evidence, count(*) AS audits, count(*) FILTER (WHERE a.found > 0) AS failed_audits,
	       sum(a.shown)::bigint AS shown, sum(a.found)::bigint AS found,
	       sum(a.found)::double precision / nullif(sum(a.shown), 0) AS miss_rate,
	       sum(greatest(a.known - a.shown, 0))::bigint AS gone, min(a.late_by) AS late_by,
	       to_timestamp(max(a.audited_at)) AS last_audit
	FROM bigbrotr.audits AS a JOIN bigbrotr.relays AS r ON r.relay_id = a.relay_id
	WHERE a.purpose <> 'again'
	GROUP BY r.url, a.evidence;
COMMENT ON VIEW bigbrotr.audit_rates IS 'How far claims can be believed: what audits found, by relay and by what had been claimed';
COMMENT ON COLUMN bigbrotr.audit_rates.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.audit_rates.evidence IS 'What had been claimed: paged, confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.audit_rates.audits IS 'Audits and confirmations, of the last hundred second readings of the relay';
COMMENT ON COLUMN bigbrotr.audit_rates.failed_audits IS 'How many of them found something';
COMMENT ON COLUMN bigbrotr.audit_rates.shown IS 'Events that the relay showed in them';
COMMENT ON COLUMN bigbrotr.audit_rates.found IS 'New events, although the time had been claimed';
COMMENT ON COLUMN bigbrotr.audit_rates.miss_rate IS 'found / shown';
COMMENT ON COLUMN bigbrotr.audit_rates.gone IS 'Events that the relay had shown before and did not show again: deleted, expired, replaced, or the relay lost them';
COMMENT ON COLUMN bigbrotr.audit_rates.late_by IS 'Seconds from created_at to the audit, of the newest event found';
COMMENT ON COLUMN bigbrotr.audit_rates.last_audit IS 'When the last one was';

-- How far back the recent time is read again: an hour, six hours, a day, three days. Each of these is read again after a
-- quarter of its length, so that the older a second is, the longer are the pauses between its readings, as its late events
-- become rarer.
CREATE FUNCTION _bigbrotr.depths() RETURNS integer[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ARRAY[3600, 21600, 86400, 259200];
COMMENT ON FUNCTION _bigbrotr.depths() IS 'How far back the recent time is read again, in seconds; the last one is _bigbrotr.horizon()';

CREATE FUNCTION _bigbrotr.depth_due(read_at bigint[], at bigint) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT max(d.seconds) FROM unnest(_bigbrotr.depths()) WITH ORDINALITY AS d (seconds, n)
	        WHERE (at::double precision - read_at[d.n] < d.seconds / 4) IS NOT TRUE);
COMMENT ON FUNCTION _bigbrotr.depth_due(bigint[], bigint) IS
	'How many of the last seconds are to be read again, if each depth was last read at these times; null: none';

CREATE FUNCTION _bigbrotr.recent_time(
	relay integer, filter integer, whom integer, at bigint, OUT lower bigint, OUT upper bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT greatest(0, c.upper - d.depth), c.upper
		FROM _bigbrotr.relay_sync AS s
		     CROSS JOIN LATERAL (SELECT _bigbrotr.depth_due(s.again_at, recent_time.at) AS depth) AS d
		     CROSS JOIN LATERAL (
		         SELECT max(c.upper) AS upper FROM bigbrotr.coverage AS c
		         WHERE c.relay_id = recent_time.relay AND c.filter_id = recent_time.filter AND c.reader = recent_time.whom) AS c
		WHERE s.relay_id = recent_time.relay AND d.depth IS NOT NULL AND c.upper IS NOT NULL;
	END;
COMMENT ON FUNCTION _bigbrotr.recent_time(integer, integer, integer, bigint) IS
	'The part of the recent time that is to be read again, since events arrive late; no row: none now';

CREATE FUNCTION _bigbrotr.unconfirmed(
	relay integer, filter integer, whom integer, at bigint, delay bigint, compares boolean, most integer,
	OUT lower bigint, OUT upper bigint, OUT evidence text, OUT events bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	since CONSTANT bigint := _bigbrotr.asked_since(filter);
BEGIN
	PERFORM _bigbrotr.check_time(at), _bigbrotr.check_counts(ARRAY[delay, most]);
	RETURN QUERY
	-- With a partial range the second above it is compared: where a history ends, it holds the oldest event, which the relay
	-- must name.
	SELECT greatest(c.lower, since), least(c.upper + (c.evidence = 'partial')::integer, at - _bigbrotr.horizon()), c.evidence, c.events
	FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom
	      AND (c.evidence = 'paged' OR compares AND c.evidence = 'partial') AND c.lower <= at - _bigbrotr.horizon() AND c.upper >= since
	      AND ('contradicted' = ANY (c.doubts) OR c.observed_at <= at - delay * least(c.observations, 20)::bigint ^ 2)
	      -- A range that still grows waits until it is an hour long.
	      AND (c.upper <= at - _bigbrotr.horizon() OR at - _bigbrotr.horizon() - c.lower >= 3600)
	ORDER BY 'contradicted' = ANY (c.doubts) DESC, c.lower DESC
	LIMIT most;
END
$$;
COMMENT ON FUNCTION _bigbrotr.unconfirmed(integer, integer, integer, bigint, bigint, boolean, integer) IS
	'Ranges that were read at least delay seconds ago and are to be confirmed by another reading: contradicted ranges first, then the newest. compares: partial ranges, too, since a comparison of sets (NIP-77) can prove them. A range that is not confirmed is tried less and less often';

-- The claim nearest to a random time, more often a recent one, and of that claim about as much as one page shows. Every
-- other audit also takes the time before the relay's oldest event, for which one question is enough.
CREATE FUNCTION _bigbrotr.audit_windows(
	relay integer, whom integer, at bigint, page bigint, pick double precision,
	OUT filter_id integer, OUT lower bigint, OUT upper bigint, OUT evidence text, OUT known bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 20000; -- events of all relays that are read at most
	state record;
	claim record;
	newest bigint;
	oldest bigint;
	middle bigint;
	half bigint;
BEGIN
	PERFORM _bigbrotr.check_time(at);
	IF (page BETWEEN 1 AND 100000 AND pick BETWEEN 0 AND 1) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no audit with a page of %s events and the random number %s', page, pick),
			DETAIL = 'A page has 1 to 100000 events, the random number is from 0 to 1.',
			HINT = 'The synchronizer gives bigbrotr.sync_page_limit and random().';
	END IF;
	newest := at - _bigbrotr.horizon();
	SELECT s.oldest, s.next_audit, s.clean_audits INTO state FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = relay;
	IF state.next_audit > at OR state IS NULL THEN
		RETURN;
	END IF;
	-- Or the first of all events, or the first second that is asked for.
	oldest := least(greatest(coalesce(state.oldest, 1604707200), _bigbrotr.asked_since(0)), newest);
	middle := newest - floor((newest - oldest) * pick ^ 2)::bigint;
	SELECT c.filter_id, greatest(c.lower, oldest) AS lower, least(c.upper, newest) AS upper, c.evidence, c.events INTO claim
	FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.reader = whom AND c.evidence <> 'partial' AND c.lower <= newest AND c.upper >= greatest(oldest, _bigbrotr.asked_since(c.filter_id))
	ORDER BY greatest(c.lower - middle, middle - c.upper, 0), c.filter_id, c.lower LIMIT 1;
	IF FOUND THEN
		middle := least(greatest(middle, claim.lower), claim.upper);
		half := least(greatest(page * (claim.upper - claim.lower + 1) / greatest(claim.events, 1) / 2, 1800), 365 * 86400);
		filter_id := claim.filter_id;
		lower := greatest(claim.lower, middle - half, least(_bigbrotr.asked_since(claim.filter_id), claim.upper));
		upper := greatest(lower, least(claim.upper, middle + half));
		evidence := claim.evidence;
		SELECT CASE WHEN count(*) <= most THEN count(s.eid) END INTO known
		FROM (SELECT e.eid FROM bigbrotr.events AS e
		      WHERE e.created_at BETWEEN audit_windows.lower AND audit_windows.upper LIMIT most + 1) AS e
		     LEFT JOIN bigbrotr.sightings AS s ON s.eid = e.eid AND s.relay_id = relay;
		RETURN NEXT;
	END IF;
	IF state.oldest > _bigbrotr.asked_since(0) AND state.clean_audits % 2 = 0 THEN
		FOR claim IN
			SELECT c.filter_id, least(c.upper, state.oldest - 1) AS upper, c.evidence FROM bigbrotr.coverage AS c
			WHERE c.relay_id = relay AND c.reader = whom AND c.evidence <> 'partial' AND c.lower = 0
			ORDER BY c.filter_id LIMIT 1
		LOOP
			filter_id := claim.filter_id;
			lower := 0;
			upper := claim.upper;
			evidence := claim.evidence;
			known := NULL;
			RETURN NEXT;
		END LOOP;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.audit_windows(integer, integer, bigint, bigint, double precision) IS
	'What of a relay''s claims is to be audited now by this reader, who made them; no row: nothing. page: events that a window is to hold, about; pick: a random number from 0 to 1; known: events of the window that the relay showed before, null if they are too many to count';

CREATE FUNCTION _bigbrotr.report_miss(relay integer, first_second bigint, last_second bigint, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	around bigint;
BEGIN
	PERFORM _bigbrotr.check_seconds(first_second, last_second), _bigbrotr.check_time(last_second), _bigbrotr.check_time(at);
	around := least(greatest(8 * (last_second - first_second + 1), 86400), 240 * 86400);
	RETURN _bigbrotr.retract_coverage(relay, greatest(first_second - around, 0), least(last_second + around, at), 'contradicted', false, at);
END
$$;
COMMENT ON FUNCTION _bigbrotr.report_miss(integer, bigint, bigint, bigint) IS
	'A second reading of these seconds found events that were claimed to be archived: neither these seconds nor their neighbourhood, eight times as long on each side, are proven any more. The next reading of them may widen that further. Returns how many seconds were withdrawn';

CREATE FUNCTION _bigbrotr.record_audit(
	relay integer, filter integer, first_second bigint, last_second bigint, purpose text, evidence text,
	known bigint, shown bigint, missed bigint, late_by bigint, first_interval bigint, at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_seconds(first_second, last_second), _bigbrotr.check_time(at), _bigbrotr.check_evidence(evidence),
	        _bigbrotr.check_counts(ARRAY[filter, missed, first_interval]);
	IF (purpose IN ('again', 'confirm', 'audit')) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('nothing is read a second time for "%s"', left(purpose, 64)),
			DETAIL = 'There are again, confirm and audit.', HINT = 'See the comment on bigbrotr.audits.purpose.';
	END IF;
	IF _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;
	INSERT INTO bigbrotr.audits AS a (relay_id, audited_at, filter_id, lower, upper, purpose, evidence, known, shown, found, late_by)
	SELECT relay, at, filter, first_second, last_second, record_audit.purpose, record_audit.evidence, record_audit.known,
	       record_audit.shown, record_audit.missed, record_audit.late_by
	WHERE record_audit.shown IS NOT NULL
	ON CONFLICT ON CONSTRAINT audits_pkey DO NOTHING;
	DELETE FROM bigbrotr.audits AS a
	WHERE a.relay_id = relay AND a.audited_at < (
		SELECT k.audited_at FROM bigbrotr.audits AS k WHERE k.relay_id = relay ORDER BY k.audited_at DESC OFFSET 99 LIMIT 1);
	IF record_audit.purpose = 'again' THEN
		UPDATE _bigbrotr.relay_sync AS s
		SET again_at = ARRAY(SELECT CASE WHEN d.seconds <= last_second - first_second THEN at ELSE s.again_at[d.n] END
		                     FROM unnest(_bigbrotr.depths()) WITH ORDINALITY AS d (seconds, n) ORDER BY d.n)
		WHERE s.relay_id = relay;
	ELSIF record_audit.purpose = 'audit' THEN
		-- A relay that lost half of its events, or shows events that it did not show before, is audited often again.
		UPDATE _bigbrotr.relay_sync AS s SET clean_audits = c.clean_audits, next_audit = at + first_interval * (1 << least(c.clean_audits, 6))
		FROM (SELECT CASE WHEN record_audit.shown IS NULL OR record_audit.missed > 0 OR record_audit.shown < record_audit.known / 2
		                  THEN 0 ELSE k.clean_audits + 1 END AS clean_audits
		      FROM _bigbrotr.relay_sync AS k WHERE k.relay_id = relay) AS c
		WHERE s.relay_id = relay;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_audit(integer, integer, bigint, bigint, text, text, bigint, bigint, bigint, bigint, bigint, bigint) IS
	'Records the result of a second reading. shown null: the relay did not answer. The next audit comes after first_interval seconds if this one found something or the relay showed less than half of what it had; after each clean one in twice the time, 64 times as long at most';

CREATE FUNCTION bigbrotr.read_again(relay_url text, "from" timestamptz, "to" timestamptz) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay CONSTANT integer := _bigbrotr.known_relay(relay_url);
	at CONSTANT bigint := bigbrotr.unix_now();
	withdrawn bigint;
BEGIN
	-- No batch is written and no lease is taken until this transaction ends: only one session may change the coverage of
	-- a relay. In this order, since a worker locks its own row before the row of a relay.
	PERFORM FROM _bigbrotr.sync_workers AS w ORDER BY w.owner FOR UPDATE;
	PERFORM FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = relay FOR NO KEY UPDATE;
	withdrawn := _bigbrotr.retract_coverage(relay, _bigbrotr.unix_time("from"), _bigbrotr.unix_time("to"), 'contradicted', false, at);
	UPDATE _bigbrotr.relay_sync AS s
	SET again_at = CASE WHEN _bigbrotr.unix_time("to") > at - _bigbrotr.horizon() THEN '{}' ELSE s.again_at END,
	    next_attempt = CASE WHEN s.phase = 'waiting' THEN least(s.next_attempt, at) ELSE s.next_attempt END
	WHERE s.relay_id = relay;
	RETURN withdrawn;
END
$$;
COMMENT ON FUNCTION bigbrotr.read_again(text, timestamptz, timestamptz) IS
	'Lets the synchronizer read a part of a relay''s history once more, from one second to another (created_at, inclusive). What is claimed of it is withdrawn and stays read, not proven, until another reading finds nothing new. Returns how many seconds were withdrawn; time that was not read yet is not among them, and is read anyway. Events that are archived stay';
