-- Coverage: what is proven of each relay's history, and what is left to be read.

-- A relay has at most so many dense ranges: with more, the lowest half of them becomes one range. It claims
-- less, and neither the table nor a look for gaps grows with what a relay makes up.
CREATE FUNCTION _bigbrotr.merge_dense(relay integer, most integer, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	merged record;
BEGIN
	IF most < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s dense ranges are too few', most),
			DETAIL = 'Merging leaves one range at least.', HINT = '_bigbrotr.claim_coverage allows 1000.';
	END IF;
	IF (SELECT count(*) FROM bigbrotr.coverage AS c
	    WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense') <= most THEN
		RETURN;
	END IF;
	SELECT min(d.lower) AS lower, max(d.upper) AS upper, sum(d.events)::bigint AS events INTO merged
	FROM (SELECT c.lower, c.upper, c.events FROM bigbrotr.coverage AS c
	      WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
	      ORDER BY c.lower LIMIT most / 2 + 1) AS d;
	-- A proven range does not reach over a dense one: what lies between two of them lies there as a whole.
	DELETE FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.filter = '{}' AND c.lower BETWEEN merged.lower AND merged.upper;
	INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
	VALUES (relay, merged.lower, merged.upper, 'dense', merged.events, at);
END
$$;
COMMENT ON FUNCTION _bigbrotr.merge_dense(integer, integer, bigint) IS
	'If a relay has more dense ranges than most: makes one of the lowest half of them and of all between them, which is then not proven any more. A part of _bigbrotr.claim_coverage';

CREATE FUNCTION _bigbrotr.claim_coverage(
	relay integer, first_second bigint, last_second bigint, proof text, delivered bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	merged record;
	parts record;
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
	IF _bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;

	IF proof = 'dense' THEN
		UPDATE bigbrotr.coverage AS c SET events = greatest(c.events, delivered), proven_at = at
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
		      AND c.lower <= first_second AND c.upper >= first_second;
		IF NOT FOUND THEN
			INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
			SELECT relay, first_second, first_second, 'dense', delivered, at
			WHERE NOT EXISTS (SELECT FROM bigbrotr.coverage AS c
				WHERE c.relay_id = relay AND c.filter = '{}' AND c.lower <= first_second AND c.upper >= first_second);
			PERFORM _bigbrotr.merge_dense(relay, 1000, at);
		END IF;
		RETURN;
	END IF;

	-- What is left of a dense range on either side of the claim was tried just now.
	WITH overlapped AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
		      AND c.lower <= last_second AND c.upper >= first_second
		RETURNING c.lower, c.upper, c.events
	)
	SELECT array_agg(p.lower) AS lowers, array_agg(p.upper) AS uppers, array_agg(p.events) AS events INTO parts
	FROM (SELECT o.lower, first_second - 1, o.events FROM overlapped AS o WHERE o.lower < first_second
	      UNION ALL SELECT last_second + 1, o.upper, o.events FROM overlapped AS o WHERE o.upper > last_second)
	     AS p (lower, upper, events);

	-- Proven ranges that touch become one. What its lowest part is, the whole is: "exhausted" says
	-- that nothing older is left below, and the rest above has been read as well.
	WITH touching AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence <> 'dense'
		      AND c.lower - 1 <= last_second AND c.upper >= first_second - 1
		RETURNING c.lower, c.upper, c.evidence, c.events, c.proven_at
	), parts AS (
		SELECT * FROM touching
		UNION ALL SELECT first_second, last_second, proof, delivered, at
	)
	SELECT min(p.lower) AS lower, max(p.upper) AS upper,
	       (array_agg(p.evidence ORDER BY p.lower, p.evidence))[1] AS evidence,
	       sum(p.events)::bigint AS events, min(p.proven_at) AS proven_at
	INTO merged FROM parts AS p;

	INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
	SELECT relay, merged.lower, merged.upper, merged.evidence, merged.events, merged.proven_at
	UNION ALL SELECT relay, p.lower, p.upper, 'dense', p.events, at
	FROM unnest(parts.lowers, parts.uppers, parts.events) AS p (lower, upper, events);
END
$$;
COMMENT ON FUNCTION _bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint) IS
	'Records that a relay''s events of these seconds (created_at, inclusive) are archived as far as it served them; proof: paged, exhausted or dense; delivered: number of events; at: Unix seconds. Ranges that touch are merged; a dense second is replaced by its proof. Of 1,000 dense ranges of one relay the lowest half becomes one';

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
	RETURN deleted + cut;
END
$$;
COMMENT ON FUNCTION _bigbrotr.trim_coverage(bigint) IS
	'Withdraws what coverage says about seconds after this one: it was claimed while the clock was wrong. Returns how many ranges it changed';

-- A loop, since it ends where the caller has enough: it reads no more rows than it returns.
CREATE FUNCTION _bigbrotr.gaps(
	relay integer, at bigint, tried_before bigint DEFAULT NULL, most integer DEFAULT NULL,
	OUT lower bigint, OUT upper bigint, OUT reason text, OUT tried_at bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known record;
	returned integer := 0;
	above bigint := at; -- the last second that no range seen so far says anything about
BEGIN
	FOR known IN
		SELECT c.lower, c.upper, c.evidence, c.proven_at FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' ORDER BY c.lower DESC
	LOOP
		IF known.upper < above THEN
			lower := known.upper + 1;
			upper := above;
			reason := 'unread';
			tried_at := NULL;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		IF known.evidence = 'dense' AND known.lower <= at AND (known.proven_at < tried_before) IS NOT FALSE THEN
			lower := known.lower;
			upper := least(known.upper, at);
			reason := 'dense';
			tried_at := known.proven_at;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		above := least(above, known.lower - 1);
	END LOOP;
	IF above >= 0 AND (returned >= most) IS NOT TRUE THEN
		lower := 0;
		upper := above;
		reason := 'unread';
		tried_at := NULL;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.gaps(integer, bigint, bigint, integer) IS
	'What is not proven of a relay''s history from 0 to the Unix second given, newest first; reason unread, or dense: more events in one second than a page holds, last tried at tried_at. tried_before: without dense ranges that were tried since; most: no more than so many rows';
