-- Coverage: the parts of each relay's history that were read, with the evidence and the doubts, and the gaps between them.

CREATE FUNCTION _bigbrotr.settling() RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 900;
COMMENT ON FUNCTION _bigbrotr.settling() IS
	'Seconds before now of which nothing is claimed, because events reach relays late or are dated by wrong clocks';

CREATE FUNCTION _bigbrotr.horizon() RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 3 * 86400;
COMMENT ON FUNCTION _bigbrotr.horizon() IS
	'Seconds before now that are read again at each visit, because some events are dated back by design (NIP-59: gift wraps by up to two days)';

CREATE FUNCTION _bigbrotr.evidence_rank(evidence text) RETURNS integer
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN array_position('{partial,paged,confirmed,reconciled}'::text[], evidence);
COMMENT ON FUNCTION _bigbrotr.evidence_rank(text) IS 'Rank of a class of evidence, weakest first: partial 1, paged 2, confirmed 3, reconciled 4; null: there is no such class';

CREATE FUNCTION _bigbrotr.is_proven(evidence text, doubts text[]) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN evidence IN ('confirmed', 'reconciled') AND doubts <@ '{unencrypted}'::text[];
COMMENT ON FUNCTION _bigbrotr.is_proven(text, text[]) IS
	'Whether a range with this evidence and these doubts is proven: enough observations agree, and no reading had a doubt. That a connection was not encrypted is not the fault of a reading';

CREATE FUNCTION _bigbrotr.doubt_words() RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN '{auth,backpressure,boundary,clock,contradicted,dense,end_unprobed,foreign,hole,late,more,notice,refused,smaller,unencrypted,unordered,withheld}'::text[];
COMMENT ON FUNCTION _bigbrotr.doubt_words() IS 'Codes of all doubts, sorted; _bigbrotr.doubt_text explains each';

ALTER TABLE bigbrotr.coverage ADD CONSTRAINT coverage_doubts_check CHECK (doubts <@ _bigbrotr.doubt_words());

CREATE FUNCTION _bigbrotr.check_seconds(first_second bigint, last_second bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (0 <= first_second AND first_second <= last_second) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there are no seconds from %s to %s', first_second, last_second),
			DETAIL = 'A range begins at 0 or later and does not end before it begins.',
			HINT = 'Both are Unix seconds.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_seconds(bigint, bigint) IS 'Raises an error if these are not a range of Unix seconds: 0 <= first_second <= last_second';

CREATE FUNCTION _bigbrotr.check_doubts(doubts text[]) RETURNS text[]
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(doubts));
	IF (doubts <@ _bigbrotr.doubt_words()) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no doubt "%s"', left(array_to_string(doubts, ',', 'null'), 64)),
			DETAIL = format('There are %s.', array_to_string(_bigbrotr.doubt_words(), ', ')),
			HINT = 'The column bigbrotr.coverage.doubts says what they mean.';
	END IF;
	RETURN ARRAY(SELECT DISTINCT d FROM unnest(doubts) AS d ORDER BY d);
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_doubts(text[]) IS 'The codes of doubts, sorted and without duplicates; an error if one of them is unknown or null';

CREATE FUNCTION _bigbrotr.check_evidence(evidence text) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF _bigbrotr.evidence_rank(evidence) IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no evidence "%s"', left(evidence, 64)),
			DETAIL = 'There are partial, paged, confirmed and reconciled.',
			HINT = 'See the comment on bigbrotr.coverage.evidence.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_evidence(text) IS 'Raises an error if this is not a class of evidence';

-- Without this check, a null would violate a constraint of the table, and the message would not name the argument.
CREATE FUNCTION _bigbrotr.check_reading(relay integer, filter integer, whom integer) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF filter IS NULL OR whom IS NULL OR NOT EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.relay_id = relay) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no relay %s, or the filter or the reader is null', coalesce(relay::text, 'null')),
			DETAIL = format('Filter: %s, reader: %s.', coalesce(filter::text, 'null'), coalesce(whom::text, 'null')),
			HINT = 'Coverage belongs to a relay of bigbrotr.relays, a filter (0: everything) and a reader (0: anonymous).';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_reading(integer, integer, integer) IS
	'Raises an error if the relay is unknown, or if filter or reader is null';

-- One statement changes the ranges: it deletes the ranges of these seconds and both neighbours, cuts the deleted ranges
-- where the change begins and ends, judges each part inside the change, joins equal neighbours, and inserts the result.
-- When a range is cut, each part gets a share of the events in proportion to its length.
CREATE FUNCTION _bigbrotr.change_coverage(
	relay integer, filter integer, whom integer, first_second bigint, last_second bigint,
	claimed text, claimed_doubts text[], agrees boolean, delivered bigint, refused_there bigint, asked_at bigint, at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- Number of observations that a range must have before one more can prove it. Several machines may stand behind
	-- one address, and a machine that lacks the old events looks like the end of the history: the time before the oldest event
	-- needs one reading more. So does all of a relay that in a second reading of these thirty days showed what it had left out
	-- before, as such machines do.
	needed CONSTANT integer := 1
		+ (first_second < greatest((SELECT s.oldest FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = relay), 1))::integer
		+ EXISTS (SELECT FROM bigbrotr.audits AS a
		          WHERE a.relay_id = relay AND a.found > 0 AND a.purpose <> 'again' AND a.audited_at + 2592000 > at)::integer;
	-- What the claim is worth for a range that has fewer.
	least_worth CONSTANT text := CASE WHEN needed > 1 AND _bigbrotr.evidence_rank(claimed) > 2 THEN 'paged' ELSE claimed END;
	clean CONSTANT boolean := claimed <> 'partial' AND claimed_doubts <@ '{unencrypted}';
BEGIN
	PERFORM _bigbrotr.check_reading(relay, filter, whom), _bigbrotr.check_seconds(first_second, last_second),
	        _bigbrotr.check_time(last_second), _bigbrotr.check_time(at), _bigbrotr.check_counts(ARRAY[delivered, refused_there]),
	        _bigbrotr.check_doubts(claimed_doubts), _bigbrotr.check_evidence(coalesce(claimed, 'partial'));
	WITH known AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom
		      AND c.lower <= last_second + 1 AND c.upper >= first_second - 1
		RETURNING c.*
	), cut AS (
		SELECT p.lower, p.upper, p.inside, k.evidence, k.doubts, k.observations, k.observed_at, k.audited_at,
		       round(k.events * s.share)::bigint AS events, ceil(k.refused * s.share)::bigint AS refused
		FROM known AS k
		     CROSS JOIN LATERAL (VALUES (k.lower, least(k.upper, first_second - 1), false),
		                                (greatest(k.lower, first_second), least(k.upper, last_second), true),
		                                (greatest(k.lower, last_second + 1), k.upper, false)) AS p (lower, upper, inside)
		     CROSS JOIN LATERAL (SELECT (p.upper - p.lower + 1)::double precision / (k.upper - k.lower + 1) AS share) AS s
		WHERE p.lower <= p.upper
	), judged AS (
		SELECT c.lower, c.upper, c.evidence, c.doubts, c.observations, c.events, c.refused, c.observed_at, c.audited_at
		FROM cut AS c WHERE NOT c.inside
		UNION ALL
		SELECT c.lower, c.upper,
		       CASE v.verdict WHEN 'lowered' THEN CASE WHEN c.evidence = 'partial' OR NOT claimed_doubts <@ '{auth,contradicted}' THEN 'partial' ELSE 'paged' END
		                      WHEN 'agreed' THEN CASE WHEN c.evidence = 'paged' THEN 'confirmed' ELSE c.evidence END
		                      WHEN 'stronger' THEN s.worth ELSE c.evidence END,
		       CASE v.verdict WHEN 'lowered' THEN ARRAY(SELECT d FROM unnest(c.doubts || claimed_doubts) AS d GROUP BY d ORDER BY d)
		                      WHEN 'agreed' THEN CASE WHEN c.evidence = 'paged' THEN claimed_doubts ELSE c.doubts END
		                      WHEN 'stronger' THEN claimed_doubts
		                      -- The doubt "contradicted" stays until enough readings on other connections find nothing new. The doubt
		                      -- "withheld" stays until the sets of ids are compared again.
		                      WHEN 'equal' THEN ARRAY(
		                          SELECT d FROM unnest(CASE WHEN claimed_doubts <@ c.doubts THEN claimed_doubts ELSE c.doubts END) AS d
		                          UNION SELECT d FROM unnest(c.doubts) AS d WHERE d = 'contradicted' OR d = 'withheld' AND claimed <> 'reconciled'
		                          UNION SELECT d FROM unnest(claimed_doubts) AS d WHERE d = 'withheld'
		                          ORDER BY 1)
		                      ELSE c.doubts END,
		       CASE WHEN v.verdict = 'lowered' THEN CASE WHEN 'contradicted' = ANY (claimed_doubts) AND first_second < at - _bigbrotr.horizon() THEN 0 ELSE c.observations END
		            WHEN v.verdict = 'weaker' OR s.stale OR s.was_clean AND NOT agrees AND claimed <> 'reconciled' THEN c.observations
		            WHEN clean AND NOT s.was_clean AND (claimed = 'reconciled' OR 'withheld' <> ALL (c.doubts)) THEN 1
		            ELSE c.observations + 1 END,
		       CASE WHEN v.verdict IN ('agreed', 'stronger', 'equal')
		            THEN greatest(c.events, round(delivered * s.share)::bigint) ELSE c.events END,
		       CASE WHEN v.verdict IN ('agreed', 'stronger', 'equal')
		            THEN greatest(c.refused, ceil(refused_there * s.share)::bigint) ELSE c.refused END,
		       CASE WHEN v.verdict IN ('agreed', 'stronger', 'equal') THEN at ELSE c.observed_at END,
		       -- Of a contradicted range this stays the time of the contradiction, see "stale".
		       CASE WHEN agrees AND NOT s.stale AND (v.verdict = 'agreed' OR v.verdict = 'equal' AND 'contradicted' <> ALL (c.doubts)) OR v.verdict = 'lowered' THEN at ELSE c.audited_at END
		FROM cut AS c
		     -- A question that was asked before a contradiction says nothing about it.
		     CROSS JOIN LATERAL (SELECT (c.upper - c.lower + 1)::double precision / (last_second - first_second + 1) AS share,
		                                coalesce('contradicted' = ANY (c.doubts) AND c.audited_at >= asked_at, false) AS stale,
		                                c.evidence <> 'partial' AND c.doubts <@ '{unencrypted,contradicted}' AS was_clean,
		                                CASE WHEN c.evidence = 'partial' OR c.evidence = 'paged' AND (c.observations < needed OR NOT c.doubts <@ '{unencrypted,contradicted}')
		                                     THEN least_worth ELSE claimed END AS worth) AS s
		     CROSS JOIN LATERAL (SELECT CASE
		         WHEN claimed IS NULL THEN 'lowered'
		         -- Readings without doubts confirm each other; the doubt "unencrypted" is about the connection, not the reading.
		         WHEN agrees AND clean AND s.was_clean AND NOT s.stale
		              AND (c.observations >= needed OR c.evidence <> 'paged')
		              AND _bigbrotr.evidence_rank(s.worth) <= greatest(_bigbrotr.evidence_rank(c.evidence), 3) THEN 'agreed'
		         WHEN _bigbrotr.evidence_rank(s.worth) > _bigbrotr.evidence_rank(c.evidence) AND NOT (s.stale AND _bigbrotr.evidence_rank(claimed) >= 3) THEN 'stronger'
		         WHEN s.worth = c.evidence THEN 'equal'
		         ELSE 'weaker' END AS verdict) AS v
		WHERE c.inside
		UNION ALL
		SELECT f.lower, f.upper, least_worth, claimed_doubts, 1, round(delivered * s.share)::bigint, ceil(refused_there * s.share)::bigint, at, NULL
		FROM (SELECT coalesce(lag(c.upper) OVER (ORDER BY c.lower) + 1, first_second) AS lower, c.lower - 1 AS upper
		      FROM cut AS c WHERE c.inside
		      UNION ALL
		      SELECT coalesce(max(c.upper) + 1, first_second), last_second FROM cut AS c WHERE c.inside) AS f
		     CROSS JOIN LATERAL (SELECT (f.upper - f.lower + 1)::double precision / (last_second - first_second + 1) AS share) AS s
		WHERE f.lower <= f.upper AND claimed IS NOT NULL
	), marked AS (
		-- Ranges that were observed in different months are not joined: observed_at of a range is the oldest time at which
		-- one of its seconds was observed, and would say little about the other seconds.
		SELECT j.*, (j.lower = lag(j.upper) OVER w + 1 AND j.evidence = lag(j.evidence) OVER w AND j.doubts = lag(j.doubts) OVER w
		             AND j.observed_at / 2592000 = lag(j.observed_at) OVER w / 2592000
		             -- How often a range was read must not be forgotten before it is proven.
		             AND (j.evidence <> 'paged' OR NOT j.doubts <@ '{unencrypted,contradicted}' OR j.observations = lag(j.observations) OVER w)) IS NOT TRUE AS begins
		FROM judged AS j WINDOW w AS (ORDER BY j.lower)
	), numbered AS (
		SELECT m.*, count(*) FILTER (WHERE m.begins) OVER (ORDER BY m.lower) AS number FROM marked AS m
	)
	INSERT INTO bigbrotr.coverage (relay_id, filter_id, reader, lower, upper, evidence, doubts, observations, events, refused, observed_at, audited_at)
	SELECT relay, filter, whom, min(n.lower), max(n.upper), n.evidence, n.doubts, min(n.observations),
	       least(sum(n.events), 1e15)::bigint, least(sum(n.refused), 1e15)::bigint, min(n.observed_at), max(n.audited_at)
	FROM numbered AS n GROUP BY n.number, n.evidence, n.doubts;
END
$$;
COMMENT ON FUNCTION _bigbrotr.change_coverage(integer, integer, integer, bigint, bigint, text, text[], boolean, bigint, bigint, bigint, bigint) IS
	'Part of _bigbrotr.claim_coverage and _bigbrotr.retract_coverage: judges these seconds again, after a question of the Unix second asked_at. If claimed is null, adds the doubts and lowers the evidence: to paged if the only doubts are "auth" and "contradicted", else to partial';

-- The limit keeps a relay that invents events from making the table and the search for gaps grow. Beyond the limit, the
-- lowest half of the ranges becomes one range, which claims less.
CREATE FUNCTION _bigbrotr.limit_ranges(relay integer, filter integer, whom integer, most integer) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	low record;
BEGIN
	IF most < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s ranges are too few', most),
			DETAIL = 'Merging leaves one range at least.', HINT = '_bigbrotr.claim_coverage allows 1000.';
	END IF;
	IF (SELECT count(*) FROM bigbrotr.coverage AS c
	    WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom) <= most THEN
		RETURN;
	END IF;
	WITH lowest AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom AND c.lower IN (
			SELECT l.lower FROM bigbrotr.coverage AS l
			WHERE l.relay_id = relay AND l.filter_id = filter AND l.reader = whom ORDER BY l.lower LIMIT most / 2 + 1)
		RETURNING c.*
	)
	SELECT min(l.lower) AS lower, max(l.upper) AS upper, min(_bigbrotr.evidence_rank(l.evidence)) AS rank,
	       sum(l.upper - l.lower + 1) = max(l.upper) - min(l.lower) + 1 AS whole,
	       (SELECT array_agg(DISTINCT d ORDER BY d) FROM lowest AS x, unnest(x.doubts) AS d) AS doubts,
	       min(l.observations) AS observations, sum(l.events)::bigint AS events, sum(l.refused)::bigint AS refused,
	       min(l.observed_at) AS observed_at, max(l.audited_at) AS audited_at
	INTO low FROM lowest AS l;
	INSERT INTO bigbrotr.coverage (relay_id, filter_id, reader, lower, upper, evidence, doubts, observations, events, refused, observed_at, audited_at)
	VALUES (relay, filter, whom, low.lower, low.upper,
	        CASE WHEN low.whole THEN ('{partial,paged,confirmed,reconciled}'::text[])[low.rank] ELSE 'partial' END,
	        coalesce(low.doubts, '{}'), low.observations, low.events, low.refused, low.observed_at, low.audited_at);
END
$$;
COMMENT ON FUNCTION _bigbrotr.limit_ranges(integer, integer, integer, integer) IS
	'Part of _bigbrotr.claim_coverage. If a relay has more than "most" ranges: merges the lowest half of the ranges into one, with their weakest evidence (partial if there are gaps between them) and all their doubts';

CREATE FUNCTION _bigbrotr.claim_coverage(
	relay integer, filter integer, whom integer, first_second bigint, last_second bigint, evidence text, doubts text[],
	agrees boolean, events bigint, refused bigint, asked_at bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	first bigint := first_second;
	settled bigint;
BEGIN
	PERFORM _bigbrotr.check_seconds(first_second, last_second), _bigbrotr.check_time(asked_at), _bigbrotr.check_time(at),
	        _bigbrotr.check_evidence(evidence);
	-- A retention rule that was removed after asked_at may have left out events of this reading. The answers of
	-- bigbrotr.completeness take rules into account that are still there.
	SELECT greatest(first, max(r.deletes_before)) INTO first FROM bigbrotr.retention_rules AS r
	WHERE r.removed_at >= asked_at
	      AND (r.kinds IS NULL OR r.kinds && _bigbrotr.filter_kinds((SELECT f.filter FROM bigbrotr.sync_filters AS f WHERE f.filter_id = claim_coverage.filter)));
	settled := least(last_second, asked_at - _bigbrotr.settling(), at - _bigbrotr.settling());
	IF first > settled OR _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- all seconds are too new, or the relay was deleted meanwhile
	END IF;
	PERFORM _bigbrotr.change_coverage(relay, filter, whom, first, settled, evidence, _bigbrotr.check_doubts(doubts),
		agrees, least(greatest(events, 0), 1000000000000000), least(greatest(refused, 0), 1000000000000000), asked_at, at);
	PERFORM _bigbrotr.limit_ranges(relay, filter, whom, 1000);
	IF first = 0 AND events = 0 AND evidence <> 'partial' THEN
		-- If the relay is read with several filters, the lowest value stays; with one filter, a higher value replaces it, too.
		UPDATE _bigbrotr.relay_sync AS s SET oldest = settled + 1
		WHERE s.relay_id = relay
		      AND (s.oldest IS NULL OR s.oldest > settled + 1
		           OR (s.oldest < settled + 1 AND (SELECT count(*) = 1 FROM _bigbrotr.relay_filters(relay))));
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.claim_coverage(integer, integer, integer, bigint, bigint, text, text[], boolean, bigint, bigint, bigint, bigint) IS
	'Records how the events of a relay in these seconds (created_at, inclusive) were read: evidence and doubts as in bigbrotr.coverage; asked_at: time of the request, Unix seconds. Claims nothing of seconds that had not settled (_bigbrotr.settling). Stronger evidence replaces weaker evidence; agrees: a reading on another connection found nothing new, so readings without doubts become confirmed; a range that begins before the oldest event of the relay takes one observation more, and so does each range if an audit or a confirmation of these thirty days found an event that the relay had left out. events, refused: number of delivered events, and of those of them that we refused. Beyond 1,000 ranges the lowest half becomes one';

-- Lowers the coverage of all filters and readers: a reading that missed one event may have missed others that nobody
-- knows of. The doubt "auth" concerns only what was read anonymously.
CREATE FUNCTION _bigbrotr.retract_coverage(
	relay integer, first_second bigint, last_second bigint, doubt text, only_proven boolean, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	added text[] := _bigbrotr.check_doubts(ARRAY[doubt]);
	believed record;
	withdrawn bigint := 0;
BEGIN
	PERFORM _bigbrotr.check_seconds(first_second, last_second);
	FOR believed IN
		SELECT c.filter_id, c.reader, greatest(c.lower, first_second) AS lower, least(c.upper, last_second) AS upper
		FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.lower <= last_second AND c.upper >= first_second
		      AND (c.evidence IN ('confirmed', 'reconciled') OR NOT only_proven AND (NOT added <@ c.doubts OR doubt = 'contradicted' AND c.evidence = 'paged' AND c.observations > 0))
		      AND (doubt <> 'auth' OR c.reader = 0)
		ORDER BY c.filter_id, c.reader, c.lower
	LOOP
		PERFORM _bigbrotr.change_coverage(relay, believed.filter_id, believed.reader, believed.lower, believed.upper,
			NULL, added, false, 0, 0, at, at);
		withdrawn := withdrawn + believed.upper - believed.lower + 1;
	END LOOP;
	IF withdrawn > 0 THEN
		UPDATE _bigbrotr.relay_sync AS s SET withdrawals = s.withdrawals + 1, withdrawn_at = at WHERE s.relay_id = relay;
	END IF;
	RETURN withdrawn;
END
$$;
COMMENT ON FUNCTION _bigbrotr.retract_coverage(integer, bigint, bigint, text, boolean, bigint) IS
	'Adds a doubt to what is claimed of these seconds of a relay, and lowers the evidence: to paged if the doubt is "auth" or "contradicted", else to partial. only_proven: lowers only confirmed and reconciled ranges. Counts as one withdrawal of the relay. Returns the number of lowered seconds';

CREATE FUNCTION _bigbrotr.trim_coverage(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	deleted bigint;
	cut bigint;
BEGIN
	DELETE FROM bigbrotr.coverage AS c WHERE c.lower > at;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	UPDATE bigbrotr.coverage AS c SET upper = at WHERE c.upper > at;
	GET DIAGNOSTICS cut = ROW_COUNT;
	UPDATE bigbrotr.coverage AS c SET observed_at = least(c.observed_at, at), audited_at = least(c.audited_at, at)
	WHERE c.observed_at > at OR c.audited_at > at;
	RETURN deleted + cut;
END
$$;
COMMENT ON FUNCTION _bigbrotr.trim_coverage(bigint) IS
	'Deletes what coverage claims about seconds after this Unix second: it was claimed while the clock was wrong. Returns the number of changed ranges';

-- pg_restore commits each table by itself, and coverage comes before sightings and retention rules.
CREATE FUNCTION _bigbrotr.drop_unfounded_coverage() RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	dropped bigint;
BEGIN
	DELETE FROM bigbrotr.coverage AS c
	WHERE NOT (EXISTS (SELECT FROM bigbrotr.events) AND EXISTS (SELECT FROM bigbrotr.sightings))
	      AND EXISTS (SELECT FROM bigbrotr.coverage AS k WHERE k.relay_id = c.relay_id AND k.events > 0);
	GET DIAGNOSTICS dropped = ROW_COUNT;
	IF dropped > 0 THEN
		RAISE WARNING 'coverage without events is deleted'
			USING DETAIL = format('%s ranges claimed events of an archive that holds none, as after a restore that was interrupted.', dropped),
			      HINT = 'Restore the backup into a new database and let pg_restore end; otherwise everything is read from the relays again.';
	END IF;
	RETURN dropped;
END
$$;
COMMENT ON FUNCTION _bigbrotr.drop_unfounded_coverage() IS
	'Call before relays are read: if the archive has no event or no sighting, deletes the coverage of relays that claims events, with a warning. Returns the number of deleted ranges';

-- A loop, because it can stop reading rows as soon as it has returned "most" gaps.
CREATE FUNCTION _bigbrotr.gaps(
	relay integer, filter integer, whom integer, at bigint, tried_before bigint DEFAULT NULL, most integer DEFAULT NULL,
	OUT lower bigint, OUT upper bigint, OUT reason text, OUT tried_at bigint, OUT events bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known record;
	returned integer := 0;
	above bigint := at; -- last second that no range read so far covers
	since CONSTANT bigint := _bigbrotr.asked_since(filter);
BEGIN
	FOR known IN
		SELECT c.lower, c.upper, c.evidence, c.doubts, c.observed_at, c.events FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter_id = filter AND c.reader = whom ORDER BY c.lower DESC
	LOOP
		EXIT WHEN above < since;
		IF known.upper < above THEN
			lower := greatest(known.upper + 1, since);
			upper := above;
			reason := 'unread';
			tried_at := NULL;
			events := NULL;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		IF known.evidence = 'partial' AND known.lower <= at AND known.upper >= since AND (known.observed_at < tried_before) IS NOT FALSE THEN
			lower := greatest(known.lower, since);
			upper := least(known.upper, at);
			reason := coalesce(nullif(array_to_string(known.doubts, ', '), ''), 'partial');
			tried_at := known.observed_at;
			events := known.events;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		above := least(above, known.lower - 1);
	END LOOP;
	IF above >= since AND (returned >= most) IS NOT TRUE THEN
		lower := since;
		upper := above;
		reason := 'unread';
		tried_at := NULL;
		events := NULL;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.gaps(integer, integer, integer, bigint, bigint, integer) IS
	'Gaps in a relay''s history as read with this filter by this reader, from 0 (or the first second that retention rules keep) to the Unix second at, newest first. reason: unread, or the doubts of a range that was seen in part; events, tried_at: events seen in such a range, and when it was last tried, Unix seconds; null: unread. tried_before: leaves out ranges that were seen in part at that time or later; most: maximum number of rows, null: no limit';
