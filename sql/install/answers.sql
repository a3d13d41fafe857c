-- Answers from coverage: whether the archive holds all events of a relay between two times.

CREATE FUNCTION _bigbrotr.doubt_text(doubt text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE doubt
		WHEN 'auth' THEN 'the relay asked us to sign in and we did not: it may have shown a part'
		WHEN 'backpressure' THEN 'the archive was too slow: the relay may have dropped events'
		WHEN 'boundary' THEN 'the relay did not repeat the second where a page had ended'
		WHEN 'clock' THEN 'our clock disagreed with those of the relays'
		WHEN 'contradicted' THEN 'a later reading found events that were not there before, or somebody asked for another reading'
		WHEN 'dense' THEN 'seconds with more events than the relay shows at once'
		WHEN 'end_unprobed' THEN 'the relay said that there was nothing older, and no other question confirmed it'
		WHEN 'foreign' THEN 'the relay sent what it was not asked for, or under another subscription'
		WHEN 'hole' THEN 'the relay left out events in the middle of a page, or did not say whether it had'
		WHEN 'late' THEN 'events came after the relay had said that there were no more'
		WHEN 'more' THEN 'the relay said that it had more (NIP-67)'
		WHEN 'notice' THEN 'the relay complained while it answered'
		WHEN 'refused' THEN 'some events are beyond the limits of this archive and were refused'
		WHEN 'smaller' THEN 'the relay showed less than it had before'
		WHEN 'unencrypted' THEN 'the connection was not encrypted: somebody on the way could have left out events'
		WHEN 'unordered' THEN 'the relay does not answer newest first'
		WHEN 'withheld' THEN 'the relay offers events that it does not serve (NIP-77)'
		ELSE doubt END;
COMMENT ON FUNCTION _bigbrotr.doubt_text(text) IS 'Explanation of the code of a doubt (bigbrotr.coverage.doubts); an unknown code is returned unchanged';

CREATE FUNCTION _bigbrotr.unix_time(at timestamptz) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN isfinite(at) THEN greatest(floor(extract(epoch FROM at)), 0)::bigint
	            WHEN at > '-infinity' THEN 9224318015999 ELSE 0 END;
COMMENT ON FUNCTION _bigbrotr.unix_time(timestamptz) IS 'Unix seconds of a time, rounded down and at least 0; infinity: the last second of a timestamp';

CREATE FUNCTION _bigbrotr.seconds_of(ranges int8multirange) RETURNS bigint
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT coalesce(sum(upper(r) - lower(r)), 0)::bigint FROM unnest(ranges) AS r);
COMMENT ON FUNCTION _bigbrotr.seconds_of(int8multirange) IS 'Number of seconds in these ranges';

-- In JSON a quote inside a string follows a backslash, so the patterns find keys of the event and no text in its strings.
CREATE FUNCTION _bigbrotr.reject_facts(raw bytea, OUT created_at bigint, OUT kind integer)
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	BEGIN ATOMIC
		SELECT substring(t.text FROM '"created_at"\s*:\s*([0-9]{1,18})')::bigint, substring(t.text FROM '"kind"\s*:\s*([0-9]{1,9})')::integer
		FROM convert_from(raw, 'UTF8') AS t (text);
	END;
COMMENT ON FUNCTION _bigbrotr.reject_facts(bytea) IS 'created_at and kind of the JSON of an event; null: a time of more than 18 digits';

-- bigbrotr.event_rejects is nearly always empty, so that reading all of it takes little time.
CREATE FUNCTION _bigbrotr.missing_seconds(filter jsonb, first_second bigint, last_second bigint) RETURNS int8multirange
	LANGUAGE sql STABLE
	RETURN (SELECT coalesce(range_agg(int8range(e.second, e.second, '[]')), '{}')
	        FROM (SELECT f.created_at AS second, f.kind
	              FROM bigbrotr.event_rejects AS r CROSS JOIN LATERAL _bigbrotr.reject_facts(r.raw) AS f
	              WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS a WHERE a.event_id = r.event_id)
	              UNION ALL
	              SELECT d.created_at, d.kind FROM _bigbrotr.deleted_events AS d
	              WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS a WHERE a.event_id = d.event_id)
	                    AND NOT EXISTS (SELECT FROM bigbrotr.blocked_events AS b WHERE b.event_id = d.event_id)) AS e
	        WHERE e.second >= first_second AND e.second <= last_second
	              AND (_bigbrotr.filter_kinds(filter) @> e.kind) IS NOT FALSE);
COMMENT ON FUNCTION _bigbrotr.missing_seconds(jsonb, bigint, bigint) IS
	'Seconds (created_at) between these two, inclusive, of events of the kinds of the filter that are not archived because the database refused them (bigbrotr.event_rejects) or an administrator deleted them, and did not block them; whichever relay showed them';

-- Who deletes a row of event_rejects has perhaps removed the cause of the error. The event is still missing until a relay delivers it
-- again.
CREATE FUNCTION _bigbrotr.note_rejects() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	INSERT INTO _bigbrotr.deleted_events (event_id, created_at, kind)
	SELECT g.event_id, f.created_at, f.kind FROM gone AS g CROSS JOIN LATERAL _bigbrotr.reject_facts(g.raw) AS f
	WHERE f.created_at IS NOT NULL AND f.kind IS NOT NULL ORDER BY g.event_id
	ON CONFLICT ON CONSTRAINT deleted_events_pkey DO NOTHING;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_rejects() IS 'Trigger: adds deleted rows of bigbrotr.event_rejects to _bigbrotr.deleted_events, so that their seconds stay unproven until the events are archived';
CREATE TRIGGER note_rejects AFTER DELETE ON bigbrotr.event_rejects
	REFERENCING OLD TABLE AS gone EXECUTE FUNCTION _bigbrotr.note_rejects();

-- The function returns one row, is not STRICT and has no SET clause, so that the planner can inline it and plans a join with
-- all relays as a join.
CREATE FUNCTION bigbrotr.completeness(
	relay_url text, filter jsonb, "from" timestamptz, "to" timestamptz, signed_in boolean DEFAULT false,
	OUT answer text, OUT proven double precision, OUT read double precision, OUT observed_at timestamptz, OUT reasons text[])
	RETURNS SETOF record
	LANGUAGE sql STABLE ROWS 1
	BEGIN ATOMIC
		SELECT CASE WHEN k.seen IS NULL OR a.seconds <= 0 THEN 'not known'
		            WHEN _bigbrotr.names_blocked(completeness.filter) THEN 'no'
		            WHEN k.proven @> a.asked THEN 'proven'
		            WHEN k.read @> a.asked THEN 'read'
		            ELSE 'no' END,
		       coalesce(_bigbrotr.seconds_of(k.proven * int8multirange(a.asked)), 0)::double precision / nullif(a.seconds, 0),
		       coalesce(_bigbrotr.seconds_of(k.read * int8multirange(a.asked)), 0)::double precision / nullif(a.seconds, 0),
		       to_timestamp(k.observed_at),
		       array_remove(ARRAY[
		           CASE WHEN a.seconds <= 0 THEN 'the time asked for ends before it begins' END,
		           CASE WHEN _bigbrotr.names_blocked(completeness.filter) THEN 'the operator has blocked an author or an event that the filter asks for'
		                ELSE (SELECT format('the operator has blocked %s events, which are not held', count(*)) FROM bigbrotr.blocked_events AS b HAVING count(*) > 0) END]
		           || _bigbrotr.retention_reasons(completeness.filter, a.begin) || ARRAY[
		           CASE WHEN r.relay_id IS NULL THEN 'the archive does not know this relay'
		                WHEN k.seen IS NULL AND a.begin > a.now THEN 'this time has not come yet'
		                WHEN k.seen IS NULL AND NOT EXISTS (SELECT FROM bigbrotr.coverage AS c WHERE c.relay_id = r.relay_id)
		                    THEN 'nothing of this relay was read yet'
		                WHEN k.seen IS NULL AND EXISTS (
		                    SELECT FROM bigbrotr.coverage AS c
		                    WHERE c.relay_id = r.relay_id AND c.reader <> (completeness.signed_in IS TRUE)::integer
		                          AND c.lower < upper(a.asked) AND c.upper >= lower(a.asked))
		                    THEN CASE WHEN completeness.signed_in IS TRUE
		                              THEN 'of this time it is only known what the relay shows to anybody'
		                              ELSE 'of this time it is only known what the relay shows to us when we sign in' END
		                WHEN k.seen IS NULL THEN 'nothing of this time was asked for with this filter, or with a wider one' END,
		           (SELECT format('%s seconds in %s gaps were not read, the longest of %s seconds from %s',
		                          sum(upper(g) - lower(g)), count(*), max(upper(g) - lower(g)),
		                          to_char(to_timestamp((array_agg(lower(g) ORDER BY upper(g) - lower(g) DESC))[1]) AT TIME ZONE 'UTC',
		                                  'YYYY-MM-DD HH24:MI:SS UTC'))
		            FROM unnest(int8multirange(a.asked) - k.seen) AS g HAVING count(*) > 0),
		           CASE WHEN k.seen IS NOT NULL AND NOT k.seen @> a.asked AND upper(a.asked) > a.now - _bigbrotr.settling()
		                THEN format('nothing is said of the last %s minutes, in which events still arrive', _bigbrotr.settling() / 60) END,
		           CASE WHEN k.read @> a.asked AND NOT coalesce(k.proven @> a.asked, false) AND k.once
		                THEN 'some of it was read only once' END,
		           CASE WHEN k.read @> a.asked AND NOT coalesce(k.proven @> a.asked, false) AND k.again
		                THEN 'some of it must be read once more: the time before the oldest event, or a relay that contradicted itself' END,
		           CASE WHEN k.refused > 0 AND (k.proven @> a.asked) IS NOT TRUE THEN format('%s events were refused', k.refused) END,
		           CASE WHEN k.seen IS NOT NULL AND NOT isempty(a.missing)
		                THEN format('events of %s seconds are missing: the database refused them (bigbrotr.event_rejects), or an administrator deleted them', _bigbrotr.seconds_of(a.missing)) END]
		           || ARRAY(SELECT _bigbrotr.doubt_text(d) FROM unnest(k.doubts) AS d
		                    WHERE d = 'unencrypted' OR (k.proven @> a.asked) IS NOT TRUE GROUP BY d ORDER BY d), NULL)
		FROM (SELECT w.begin, w.now, w.last - w.begin + 1 AS seconds,
		             CASE WHEN w.begin <= w.last THEN int8range(w.begin, w.last, '[]') ELSE int8range(0, 0) END AS asked,
		             int8multirange(int8range(0, _bigbrotr.kept_since(completeness.filter))) AS deleted,
		             -- As a query of its own it is answered once, and not for each relay of a join.
		             (SELECT _bigbrotr.missing_seconds(completeness.filter, _bigbrotr.unix_time(completeness."from"),
		                  _bigbrotr.unix_time(completeness."to"))) AS missing
		      FROM (SELECT _bigbrotr.unix_time(completeness."from") AS begin, _bigbrotr.unix_time(completeness."to") AS last,
		                   bigbrotr.unix_now() AS now) AS w) AS a
		     LEFT JOIN bigbrotr.relays AS r
		         ON r.url = (SELECT n.url FROM bigbrotr.normalise_relay_url(completeness.relay_url) AS n)
		     CROSS JOIN LATERAL (
		         SELECT range_agg(int8range(c.lower, c.upper, '[]'))
		                    FILTER (WHERE _bigbrotr.is_proven(c.evidence, c.doubts)) - a.deleted - a.missing AS proven,
		                range_agg(int8range(c.lower, c.upper, '[]')) FILTER (WHERE c.evidence <> 'partial') - a.deleted AS read,
		                range_agg(int8range(c.lower, c.upper, '[]')) AS seen,
		                string_to_array(string_agg(nullif(array_to_string(c.doubts, ','), ''), ','), ',') AS doubts,
		                sum(c.refused)::bigint AS refused, min(c.observed_at) AS observed_at,
		                bool_or(c.evidence = 'paged' AND c.observations = 1) AS once,
		                bool_or(c.evidence = 'paged' AND c.observations > 1 AND c.doubts <@ '{unencrypted,contradicted}') AS again
		         FROM bigbrotr.coverage AS c
		         WHERE c.relay_id = r.relay_id AND c.reader = (completeness.signed_in IS TRUE)::integer
		               AND c.lower < upper(a.asked) AND c.upper >= lower(a.asked)
		               AND (c.filter_id = 0 OR EXISTS (
		                   SELECT FROM bigbrotr.sync_filters AS f
		                   WHERE f.filter_id = c.filter_id
		                         AND _bigbrotr.filter_implies(
		                             _bigbrotr.sync_filter(CASE jsonb_typeof(completeness.filter) WHEN 'object'
		                                                   THEN completeness.filter - '{since,until,limit,search}'::text[]
		                                                   ELSE completeness.filter END), f.filter)))
		     ) AS k;
	END;
COMMENT ON FUNCTION bigbrotr.completeness(text, jsonb, timestamptz, timestamptz, boolean) IS
	'Whether the archive holds every event of a relay that matches the filter (NIP-01), from one second to another (created_at, inclusive). answer: proven (two readings agree, or the sets of ids were compared; before the oldest event of the relay, and where it contradicted itself lately, one reading more), read (read once, or with doubts), no (there are gaps, retention rules delete a part, or the filter names a blocked author or event), not known (nothing was read, or the time is empty). proven, read: share of the seconds that is proven, or read, 0 .. 1; reasons: why the answer is not better, in words; observed_at: time of the oldest reading that the answer uses. Other blocked events are not counted as missing, nor are events that were withdrawn (NIP-09, NIP-40, NIP-62); a second of an event that the database refused, or that an administrator deleted and no relay delivered again, is read at best. signed_in: true for what the relay shows to the key of bigbrotr.key_file (NIP-42), false for what it shows to anybody; a reading as one proves nothing about the other. Readings with a wider filter count. SELECT r.url, c.* FROM bigbrotr.relays AS r, bigbrotr.completeness(r.url, ''{"kinds": [1]}'', ''2025-01-01'', ''2025-12-31'') AS c';

CREATE FUNCTION bigbrotr.coverage_between(
	relay_url text, "from" timestamptz DEFAULT NULL, "to" timestamptz DEFAULT now(), filter jsonb DEFAULT '{}',
	signed_in boolean DEFAULT false,
	OUT lower timestamptz, OUT upper timestamptz, OUT seconds bigint, OUT share double precision, OUT evidence text,
	OUT doubts text[], OUT reason text, OUT observed_at timestamptz) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH asked AS (
			SELECT r.relay_id, bigbrotr.unix_now() - _bigbrotr.settling() AS settled,
			       _bigbrotr.missing_seconds(coverage_between.filter, 0, _bigbrotr.unix_time(coverage_between."to")) AS missing,
			       _bigbrotr.kept_since(coverage_between.filter) AS kept_since,
			       CASE WHEN coverage_between."from" IS NULL THEN coalesce(s.oldest, 1604707200)
			            ELSE _bigbrotr.unix_time(coverage_between."from") END AS first,
			       _bigbrotr.unix_time(coverage_between."to") AS last
			FROM (SELECT _bigbrotr.known_relay(coverage_between.relay_url)) AS r (relay_id)
			     LEFT JOIN _bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
		), ranges AS (
			SELECT greatest(c.lower, a.first) AS lower, least(c.upper, a.last) AS upper, c.evidence, c.doubts, c.observed_at
			FROM asked AS a JOIN bigbrotr.coverage AS c ON c.relay_id = a.relay_id AND c.lower <= a.last AND c.upper >= a.first
			WHERE c.reader = (coverage_between.signed_in IS TRUE)::integer AND (c.filter_id = 0 OR EXISTS (
				SELECT FROM bigbrotr.sync_filters AS f
				WHERE f.filter_id = c.filter_id
				      AND _bigbrotr.filter_implies(
				          _bigbrotr.sync_filter(CASE jsonb_typeof(coverage_between.filter) WHEN 'object'
				                                THEN coverage_between.filter - '{since,until,limit,search}'::text[]
				                                ELSE coverage_between.filter END), f.filter)))
		), bounds AS (
			SELECT g.lower FROM ranges AS g
			UNION SELECT g.upper + 1 FROM ranges AS g
			UNION SELECT a.first FROM asked AS a WHERE a.first <= a.last
			UNION SELECT a.settled + 1 FROM asked AS a WHERE a.settled >= a.first
			UNION SELECT a.kept_since FROM asked AS a WHERE a.kept_since > a.first
			UNION SELECT b FROM asked AS a, unnest(a.missing) AS s CROSS JOIN LATERAL (VALUES (lower(s)), (upper(s))) AS e (b) WHERE b > a.first
		), pieces AS (
			SELECT b.lower, coalesce(lead(b.lower) OVER (ORDER BY b.lower) - 1, a.last) AS upper, a.settled, a.kept_since, a.missing
			FROM bounds AS b, asked AS a WHERE b.lower <= a.last
		), best AS (
			SELECT p.lower, p.upper,
			       CASE WHEN k.evidence IS NOT NULL AND d.deleted THEN 'partial'
			            WHEN k.evidence <> 'partial' AND p.missing @> p.lower THEN 'paged' ELSE k.evidence END AS evidence, k.doubts, k.observed_at,
			       d.deleted, p.missing @> p.lower AS missing, k.evidence IS NULL AND p.lower > p.settled AS unsettled
			FROM pieces AS p LEFT JOIN LATERAL (
				SELECT g.* FROM ranges AS g WHERE g.lower <= p.lower AND g.upper >= p.upper
				ORDER BY _bigbrotr.evidence_rank(g.evidence) DESC, cardinality(g.doubts), g.observed_at DESC LIMIT 1) AS k ON true
			     CROSS JOIN LATERAL (SELECT p.upper < p.kept_since AS deleted) AS d
		), marked AS (
			SELECT b.*, (b.evidence IS NOT DISTINCT FROM lag(b.evidence) OVER w AND b.doubts IS NOT DISTINCT FROM lag(b.doubts) OVER w
			             AND b.unsettled = lag(b.unsettled) OVER w AND b.deleted = lag(b.deleted) OVER w
			             AND b.missing = lag(b.missing) OVER w) IS NOT TRUE AS begins
			FROM best AS b WINDOW w AS (ORDER BY b.lower)
		), numbered AS (
			SELECT m.*, count(*) FILTER (WHERE m.begins) OVER (ORDER BY m.lower) AS number FROM marked AS m
		)
		SELECT to_timestamp(min(n.lower)), to_timestamp(max(n.upper)), max(n.upper) - min(n.lower) + 1,
		       (max(n.upper) - min(n.lower) + 1)::double precision / (SELECT a.last - a.first + 1 FROM asked AS a),
		       coalesce(n.evidence, 'unread'), coalesce(n.doubts, '{}'),
		       CASE WHEN n.deleted THEN array_to_string(_bigbrotr.retention_reasons(coverage_between.filter, min(n.lower)), '; ')
		            WHEN n.unsettled THEN 'too new: events still arrive' WHEN n.evidence IS NULL THEN 'not read yet'
		            WHEN n.missing THEN 'an event is missing: the database refused it (bigbrotr.event_rejects), or an administrator deleted it'
		            ELSE (SELECT string_agg(_bigbrotr.doubt_text(d), '; ' ORDER BY d) FROM unnest(n.doubts) AS d) END,
		       to_timestamp(min(n.observed_at))
		FROM numbered AS n
		GROUP BY n.number, n.evidence, n.doubts, n.unsettled, n.deleted, n.missing
		ORDER BY min(n.lower);
	END;
COMMENT ON FUNCTION bigbrotr.coverage_between(text, timestamptz, timestamptz, jsonb, boolean) IS
	'How completely a relay is archived between two times, one row for each part of the time: evidence (as in bigbrotr.coverage; unread: a gap; at most partial if retention rules delete events of the part, at most paged if the database refused an event of it or an administrator deleted one), share of the part in the whole time (0 .. 1), doubts, and reason: why the part is not proven, in words. from null: from the oldest event of the relay. signed_in: as in bigbrotr.completeness. An error if the relay is unknown. SELECT evidence, sum(share) FROM bigbrotr.coverage_between(''wss://…'', ''2024-01-01'', ''2025-01-01'') GROUP BY 1';
