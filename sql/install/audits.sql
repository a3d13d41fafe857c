-- Audits: claims of coverage are tested by second readings. Functions choose what is read again, and record the results.

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
COMMENT ON TABLE bigbrotr.audits IS 'Second readings of ranges that were claimed: the last hundred of each relay, and the last one that found an event';
COMMENT ON COLUMN bigbrotr.audits.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.audits.audited_at IS 'Time of the second reading, Unix seconds';
COMMENT ON COLUMN bigbrotr.audits.filter_id IS 'bigbrotr.sync_filters.filter_id; 0: everything';
COMMENT ON COLUMN bigbrotr.audits.lower IS 'First created_at that was read, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.audits.upper IS 'Last created_at that was read, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.audits.purpose IS 'again: a recent range, in which events still arrive; confirm: a range that was read, but is not confirmed yet; audit: a part of any claim, chosen at random';
COMMENT ON COLUMN bigbrotr.audits.evidence IS 'Evidence of the claim before the second reading: paged, confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.audits.known IS 'Number of events of the range that the relay had shown before; null: not counted';
COMMENT ON COLUMN bigbrotr.audits.shown IS 'Number of events that the relay showed in the second reading';
COMMENT ON COLUMN bigbrotr.audits.found IS 'Number of events that were not archived, although the range had been claimed';
COMMENT ON COLUMN bigbrotr.audits.late_by IS 'Seconds from created_at of the newest found event to the audit; null: no event was found';
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
COMMENT ON VIEW bigbrotr.audit_rates IS 'How reliable claims of coverage are: results of audits, by relay and by the evidence of the claim';
COMMENT ON COLUMN bigbrotr.audit_rates.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.audit_rates.evidence IS 'Evidence of the claims before the audit: paged, confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.audit_rates.audits IS 'Number of audits and confirmations among the last hundred second readings of the relay';
COMMENT ON COLUMN bigbrotr.audit_rates.failed_audits IS 'Number of audits and confirmations that found an event';
COMMENT ON COLUMN bigbrotr.audit_rates.shown IS 'Number of events that the relay showed in the audits';
COMMENT ON COLUMN bigbrotr.audit_rates.found IS 'Number of events that were not archived, although the range had been claimed';
COMMENT ON COLUMN bigbrotr.audit_rates.miss_rate IS 'found / shown, 0 .. 1; null: nothing was shown';
COMMENT ON COLUMN bigbrotr.audit_rates.gone IS 'Number of events that the relay had shown before and did not show in the audit: deleted, expired, replaced or lost by the relay';
COMMENT ON COLUMN bigbrotr.audit_rates.late_by IS 'Seconds from created_at of the newest found event to its audit, smallest of all audits; null: no event was found';
COMMENT ON COLUMN bigbrotr.audit_rates.last_audit IS 'Time of the last audit';

-- The recent time is read again in four depths: an hour, six hours, a day, three days. Each depth is read again after a
-- quarter of its length. So old seconds are read less often than new ones: late events become rarer with time.
CREATE FUNCTION _bigbrotr.depths() RETURNS integer[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ARRAY[3600, 21600, 86400, 259200];
COMMENT ON FUNCTION _bigbrotr.depths() IS 'Lengths of the recent time that is read again, in seconds before now; the last one is _bigbrotr.horizon()';

CREATE FUNCTION _bigbrotr.depth_due(read_at bigint[], at bigint) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT max(d.seconds) FROM unnest(_bigbrotr.depths()) WITH ORDINALITY AS d (seconds, n)
	        WHERE (at::double precision - read_at[d.n] < d.seconds / 4) IS NOT TRUE);
COMMENT ON FUNCTION _bigbrotr.depth_due(bigint[], bigint) IS
	'Longest depth that is due to be read again, in seconds before now; null: none. read_at: when each depth of _bigbrotr.depths() was last read, Unix seconds';

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
	'Part of the recent time (created_at, inclusive) that is due to be read again, because events arrive late; no row: nothing is due';

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
	-- The comparison of a partial range includes the second above the range: at the end of a history this second holds the
	-- oldest event, and the relay must name it.
	SELECT greatest(c.lower, since), least(c.upper + (c.evidence = 'partial')::integer, at - _bigbrotr.horizon()), c.evidence, c.events
	FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom
	      AND (c.evidence = 'paged' OR compares AND c.evidence = 'partial') AND greatest(c.lower, since) <= at - _bigbrotr.horizon() AND c.upper >= since
	      AND ('contradicted' = ANY (c.doubts) AND c.doubts <@ '{unencrypted,contradicted}' OR c.observed_at <= at - delay * least(c.observations, 20)::bigint ^ 2)
	      -- Wait until a range that still grows is an hour long.
	      AND (c.upper <= at - _bigbrotr.horizon() OR at - _bigbrotr.horizon() - c.lower >= 3600)
	ORDER BY 'contradicted' = ANY (c.doubts) DESC, c.lower DESC
	LIMIT most;
END
$$;
COMMENT ON FUNCTION _bigbrotr.unconfirmed(integer, integer, integer, bigint, bigint, boolean, integer) IS
	'Ranges that were read at least delay seconds ago and need another reading: contradicted ranges first, then the newest. compares: also partial ranges, because a comparison of the sets of ids (NIP-77) can prove them. A range that stays unconfirmed is returned less and less often. most: maximum number of rows';

-- Chooses a claim of the filters that the relay is asked for now: the claim nearest to a random time, which is more often a
-- recent time. Of this claim it chooses a part that holds about one page.
-- Every second audit also reads the time before the relay's oldest event, which takes one request.
CREATE FUNCTION _bigbrotr.audit_windows(
	relay integer, whom integer, at bigint, page bigint, pick double precision,
	OUT filter_id integer, OUT lower bigint, OUT upper bigint, OUT evidence text, OUT known bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 20000; -- maximum number of events, of all relays, that are counted
	state record;
	claim record;
	asked jsonb; -- the filter of the claim; null: everything
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
	-- The oldest event of the relay (if not known, 2020-11-07, the first event of Nostr), or the first second that
	-- retention rules keep.
	oldest := least(greatest(coalesce(state.oldest, 1604707200), _bigbrotr.asked_since(0)), newest);
	middle := newest - floor((newest - oldest) * pick ^ 2)::bigint;
	SELECT c.filter_id, greatest(c.lower, oldest) AS lower, least(c.upper, newest) AS upper, c.evidence, c.events INTO claim
	FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.reader = whom AND c.evidence <> 'partial' AND c.lower <= newest AND c.upper >= greatest(oldest, _bigbrotr.asked_since(c.filter_id))
	      AND c.filter_id IN (SELECT f.filter_id FROM _bigbrotr.relay_filters(relay) AS f)
	-- pick also chooses between filters whose claims lie equally near.
	ORDER BY greatest(c.lower - middle, middle - c.upper, 0), hashint8extended(c.filter_id, (pick * 1e15)::bigint), c.lower LIMIT 1;
	IF FOUND THEN
		middle := least(greatest(middle, claim.lower), claim.upper);
		half := least(greatest(page * (claim.upper - claim.lower + 1) / greatest(claim.events, 1) / 2, 1800), 365 * 86400);
		filter_id := claim.filter_id;
		lower := greatest(claim.lower, middle - half, least(_bigbrotr.asked_since(claim.filter_id), claim.upper));
		upper := greatest(lower, least(claim.upper, middle + half));
		evidence := claim.evidence;
		SELECT f.filter INTO asked FROM bigbrotr.sync_filters AS f WHERE f.filter_id = claim.filter_id;
		known := NULL;
		-- Counting reads the events of all relays, so it is left out where these days have too many.
		IF (SELECT coalesce(sum(d.count * (least(audit_windows.upper, d.key + 86399) - greatest(audit_windows.lower, d.key) + 1) / 86400), 0)
		    FROM _bigbrotr.statistics AS d
		    WHERE d.subject = 'day' AND d.key >= audit_windows.lower / 86400 * 86400 AND d.key <= audit_windows.upper) <= most
		THEN
			SELECT CASE WHEN count(*) <= most
			            THEN count(*) FILTER (WHERE s.eid IS NOT NULL AND (claim.filter_id = 0 OR bigbrotr.event_matches(e.event, asked))) END INTO known
			FROM (SELECT e AS event, e.eid FROM bigbrotr.events AS e
			      WHERE e.created_at BETWEEN audit_windows.lower AND audit_windows.upper LIMIT most + 1) AS e
			     LEFT JOIN bigbrotr.sightings AS s ON s.eid = e.eid AND s.relay_id = relay;
		END IF;
		RETURN NEXT;
	END IF;
	IF state.oldest > _bigbrotr.asked_since(0) AND state.clean_audits % 2 = 0 THEN
		FOR claim IN
			SELECT c.filter_id, least(c.upper, state.oldest - 1) AS upper, c.evidence FROM bigbrotr.coverage AS c
			WHERE c.relay_id = relay AND c.reader = whom AND c.evidence <> 'partial' AND c.lower = 0
			      AND c.filter_id IN (SELECT f.filter_id FROM _bigbrotr.relay_filters(relay) AS f)
			ORDER BY hashint8extended(c.filter_id, (pick * 1e15)::bigint) LIMIT 1
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
	'Windows of a relay''s claims that this reader is to audit now; no row: no audit is due. The reader must be the one that made the claims. page: approximate number of events in a window; pick: a random number from 0 to 1; known: number of events of the window that the relay showed before, null: too many to count. An error if page or pick is out of range';

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
	'Call when a second reading of these seconds found events that should have been archived: withdraws the proof of these seconds, and of eight times their length on each side (between a day and 240 days). The next reading may withdraw more. Returns the number of withdrawn seconds';

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
		RETURN; -- the relay was deleted meanwhile
	END IF;
	INSERT INTO bigbrotr.audits AS a (relay_id, audited_at, filter_id, lower, upper, purpose, evidence, known, shown, found, late_by)
	SELECT relay, at, filter, first_second, last_second, record_audit.purpose, record_audit.evidence, record_audit.known,
	       record_audit.shown, record_audit.missed, record_audit.late_by
	WHERE record_audit.shown IS NOT NULL
	ON CONFLICT ON CONSTRAINT audits_pkey DO NOTHING;
	DELETE FROM bigbrotr.audits AS a
	WHERE a.relay_id = relay AND a.audited_at < (
		SELECT k.audited_at FROM bigbrotr.audits AS k WHERE k.relay_id = relay ORDER BY k.audited_at DESC OFFSET 99 LIMIT 1)
	      -- How much the relay is believed depends on its last find (_bigbrotr.change_coverage).
	      AND a.audited_at <> coalesce((SELECT max(f.audited_at) FROM bigbrotr.audits AS f WHERE f.relay_id = relay AND f.found > 0 AND f.purpose <> 'again'), 0);
	IF record_audit.purpose = 'again' THEN
		UPDATE _bigbrotr.relay_sync AS s
		SET again_at = ARRAY(SELECT CASE WHEN d.seconds <= last_second - first_second THEN at ELSE s.again_at[d.n] END
		                     FROM unnest(_bigbrotr.depths()) WITH ORDINALITY AS d (seconds, n) ORDER BY d.n)
		WHERE s.relay_id = relay;
	ELSIF record_audit.purpose = 'audit' THEN
		-- If the relay lost half of its events or shows events that it did not show before, its audits become frequent again.
		UPDATE _bigbrotr.relay_sync AS s SET clean_audits = c.clean_audits, next_audit = at + first_interval * (1 << least(c.clean_audits, 6))
		FROM (SELECT CASE WHEN record_audit.shown IS NULL OR record_audit.missed > 0 OR record_audit.shown < record_audit.known / 2
		                  THEN 0 ELSE k.clean_audits + 1 END AS clean_audits
		      FROM _bigbrotr.relay_sync AS k WHERE k.relay_id = relay) AS c
		WHERE s.relay_id = relay;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_audit(integer, integer, bigint, bigint, text, text, bigint, bigint, bigint, bigint, bigint, bigint) IS
	'Records the result of a second reading. shown null: the relay did not answer. After an audit that found an event, or in which the relay showed less than half of the known events, the next audit follows in first_interval seconds; each clean audit doubles this time, up to 64 times. An error if purpose or evidence is another word';

CREATE FUNCTION bigbrotr.read_again(relay_url text, "from" timestamptz, "to" timestamptz) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay CONSTANT integer := _bigbrotr.known_relay(relay_url);
	at CONSTANT bigint := bigbrotr.unix_now();
	withdrawn bigint;
BEGIN
	-- These locks stop batches and new leases until this transaction ends, because only one session may change the coverage
	-- of a relay. A worker locks its own row before the row of a relay, so this order cannot cause a deadlock.
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
	'Lets the synchronizer read a part of a relay''s history again, from one second to another (created_at, inclusive). Claims about this part count as read, not as proven, until two readings, on two connections, find nothing new. Returns the number of seconds whose claims were lowered; seconds that were not read yet are read anyway and are not counted. Archived events stay. An error if the relay is unknown';
