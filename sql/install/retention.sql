-- Retention rules: events that are deleted when they are old. The refresher deletes them, and writers leave out events that a
-- rule would delete at once (src/archive/retention.h). No answer about coverage claims that such events are archived.

CREATE TABLE bigbrotr.retention_rules (
	rule_id        integer GENERATED ALWAYS AS IDENTITY,
	kinds          int4multirange,
	older_than     bigint  NOT NULL,
	deletes_before bigint  NOT NULL,
	reason         text    NOT NULL,
	added_at       bigint  NOT NULL,
	enabled        boolean NOT NULL DEFAULT true,
	removed_at     bigint,
	CONSTRAINT retention_rules_pkey PRIMARY KEY (rule_id),
	CONSTRAINT retention_rules_older_than_check CHECK (older_than BETWEEN 86400 AND 50 * 31557600::bigint), -- a day to 50 years
	CONSTRAINT retention_rules_removed_at_check CHECK (removed_at IS NULL OR NOT enabled)
);
COMMENT ON TABLE bigbrotr.retention_rules IS 'Rules that delete events when they are old (bigbrotr.add_retention_rule). Rows of removed rules stay, because a reading that began before the removal proves nothing';
COMMENT ON COLUMN bigbrotr.retention_rules.rule_id IS 'Number of the rule';
COMMENT ON COLUMN bigbrotr.retention_rules.kinds IS 'Kinds of the events; null: all kinds';
COMMENT ON COLUMN bigbrotr.retention_rules.older_than IS 'Age of events (by created_at) beyond which they are deleted, seconds';
COMMENT ON COLUMN bigbrotr.retention_rules.deletes_before IS 'Events with an earlier created_at (Unix seconds) are deleted and left out. The refresher moves it forward with the clock and never back, so that events that were deleted while the clock was wrong are not claimed later';
COMMENT ON COLUMN bigbrotr.retention_rules.reason IS 'Reason of the rule, in the words of the operator';
COMMENT ON COLUMN bigbrotr.retention_rules.added_at IS 'When the rule was added, Unix seconds';
COMMENT ON COLUMN bigbrotr.retention_rules.enabled IS 'false: the rule is being removed or was removed, and no longer deletes or leaves out events';
COMMENT ON COLUMN bigbrotr.retention_rules.removed_at IS 'When the removal ended, and relays are asked for the deleted events again, Unix seconds; null: not removed';
SELECT pg_extension_config_dump('bigbrotr.retention_rules', '');
SELECT pg_extension_config_dump('bigbrotr.retention_rules_rule_id_seq', '');

-- ---- Effects of rules

CREATE FUNCTION _bigbrotr.filter_kinds(filter jsonb) RETURNS int4multirange
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN jsonb_typeof(filter -> 'kinds') = 'array' THEN (
		SELECT coalesce(range_agg(int4range(k.kind, k.kind, '[]')), '{}')
		FROM jsonb_array_elements(filter -> 'kinds') AS e (value)
		     CROSS JOIN LATERAL (SELECT CASE WHEN jsonb_typeof(e.value) = 'number' AND e.value BETWEEN '0' AND '65535' THEN e.value::integer END AS kind) AS k
		WHERE k.kind IS NOT NULL) ELSE '{[0,65535]}' END;
COMMENT ON FUNCTION _bigbrotr.filter_kinds(jsonb) IS 'Kinds that a filter (NIP-01) asks for';

CREATE FUNCTION _bigbrotr.kept_since(filter jsonb) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN (SELECT coalesce(max(r.deletes_before), 0) FROM bigbrotr.retention_rules AS r
		WHERE r.removed_at IS NULL AND (r.kinds IS NULL OR r.kinds && _bigbrotr.filter_kinds(kept_since.filter)));
COMMENT ON FUNCTION _bigbrotr.kept_since(jsonb) IS
	'First second (created_at) from which no retention rule deletes events that the filter matches; 0: no rule does';

CREATE FUNCTION _bigbrotr.asked_since(asked integer) RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN (SELECT coalesce(max(r.deletes_before), 0) FROM bigbrotr.retention_rules AS r
		WHERE r.enabled AND (r.kinds IS NULL OR r.kinds @> _bigbrotr.filter_kinds(
			(SELECT f.filter FROM bigbrotr.sync_filters AS f WHERE f.filter_id = asked_since.asked))));
COMMENT ON FUNCTION _bigbrotr.asked_since(integer) IS
	'First second (created_at) for which relays are asked for events of a filter (bigbrotr.sync_filters.filter_id; 0: everything); retention rules delete all older events of the filter';

CREATE FUNCTION _bigbrotr.kinds_text(kinds int4multirange) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN coalesce('events of kind ' || (
		SELECT string_agg(CASE WHEN upper(k) - lower(k) = 1 THEN lower(k)::text ELSE format('%s to %s', lower(k), upper(k) - 1) END, ', ' ORDER BY lower(k))
		FROM unnest(kinds) AS k), 'all events');
COMMENT ON FUNCTION _bigbrotr.kinds_text(int4multirange) IS 'Kinds in words: "events of kind …"; null: "all events"';

CREATE FUNCTION _bigbrotr.retention_reasons(filter jsonb, first_second bigint) RETURNS text[]
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN ARRAY(SELECT format('retention rule %s (%s) deletes %s before %s: they are not held', r.rule_id, r.reason, _bigbrotr.kinds_text(r.kinds),
			to_char(to_timestamp(r.deletes_before) AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS UTC'))
		FROM bigbrotr.retention_rules AS r
		WHERE r.removed_at IS NULL AND retention_reasons.first_second < r.deletes_before
		      AND (r.kinds IS NULL OR r.kinds && _bigbrotr.filter_kinds(retention_reasons.filter))
		ORDER BY r.rule_id);
COMMENT ON FUNCTION _bigbrotr.retention_reasons(jsonb, bigint) IS
	'Retention rules, in words, that delete events that the filter matches and that have a created_at of first_second or later';

-- ---- Functions for administrators

CREATE FUNCTION _bigbrotr.check_retention(older_than interval, kinds int4multirange) RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	seconds CONSTANT double precision := extract(epoch FROM older_than);
BEGIN
	IF (seconds BETWEEN 86400 AND 50 * 31557600::bigint) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('events cannot be kept for %s', coalesce(older_than::text, 'null')),
			DETAIL = 'A rule keeps events for a day at least and for 50 years at most.',
			HINT = 'Write the unit: ''30 days''. A number without a unit means seconds.';
	END IF;
	IF isempty(kinds) OR NOT kinds <@ '{[0,65535]}'::int4multirange OR (SELECT count(*) FROM unnest(kinds)) > 100 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a rule cannot be about these kinds',
			DETAIL = 'A rule is about 1 to 100 ranges of kinds from 0 to 65535.',
			HINT = 'Write kinds as ''{[7,7],[20000,29999]}''; null means all.';
	END IF;
	RETURN seconds;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_retention(interval, int4multirange) IS 'Seconds that a retention rule keeps events; an error if older_than is not a day to 50 years, or kinds is not valid';

-- Up to 100,000 events are counted by an index; beyond that, the statistics by kind and by day give an upper limit.
CREATE FUNCTION bigbrotr.retention_preview(
	older_than interval, kinds int4multirange DEFAULT NULL, OUT events bigint, OUT exact boolean, OUT archived bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
DECLARE
	most CONSTANT integer := 100000;
	before CONSTANT bigint := bigbrotr.unix_now() - _bigbrotr.check_retention(older_than, kinds);
	concerned CONSTANT integer[] := ARRAY(SELECT k.kind FROM bigbrotr.kind_statistics AS k WHERE k.kind <@ kinds IS NOT FALSE ORDER BY k.kind);
BEGIN
	archived := (SELECT t.event_count FROM bigbrotr.total_statistics AS t);
	events := (SELECT count(*) FROM (
		SELECT FROM unnest(concerned) AS k (kind)
		     CROSS JOIN LATERAL (SELECT FROM bigbrotr.events AS e WHERE e.kind = k.kind AND e.created_at < before LIMIT most + 1) AS e
		LIMIT most + 1) AS old);
	exact := events <= most;
	IF NOT exact THEN
		events := least(
			(SELECT sum(k.event_count) FROM bigbrotr.kind_statistics AS k WHERE k.kind = ANY (concerned)),
			(SELECT sum(d.event_count) FROM bigbrotr.day_statistics AS d WHERE d.day < before));
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.retention_preview(interval, int4multirange) IS
	'Number of events that a retention rule would delete now, and number of archived events; exact false: events is an upper limit (more than 100,000 are not counted). SELECT r.*, p.* FROM bigbrotr.retention_rules AS r, bigbrotr.retention_preview(make_interval(secs => r.older_than), r.kinds) AS p';

CREATE FUNCTION bigbrotr.add_retention_rule(
	older_than interval, reason text, kinds int4multirange DEFAULT NULL, confirmed boolean DEFAULT false) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 64;
	seconds CONSTANT bigint := _bigbrotr.check_retention(older_than, kinds);
	given CONSTANT text := _bigbrotr.check_reason(reason, 'a retention rule', 'bigbrotr.completeness');
	would record;
	id integer;
BEGIN
	LOCK TABLE bigbrotr.retention_rules IN SHARE ROW EXCLUSIVE MODE;
	IF (SELECT count(*) FROM bigbrotr.retention_rules AS r WHERE r.removed_at IS NULL) >= most THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('more than %s retention rules', most),
			DETAIL = 'Each event that comes is compared with all of them.',
			HINT = 'Put kinds of the same age together into one rule.';
	END IF;
	SELECT p.events, p.exact, p.archived INTO would FROM bigbrotr.retention_preview(older_than, kinds) AS p;
	IF would.events > would.archived / 2 AND confirmed IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('this rule would delete %s%s of %s events', CASE WHEN NOT would.exact THEN 'up to ' ELSE '' END, would.events, would.archived),
			DETAIL = 'A rule that deletes more than half of the archive has to be confirmed.',
			HINT = 'bigbrotr.retention_preview counts for other ages and kinds. Add confirmed => true if this is what you want.';
	END IF;
	INSERT INTO bigbrotr.retention_rules AS r (kinds, older_than, deletes_before, reason, added_at)
	VALUES (add_retention_rule.kinds, seconds, greatest(bigbrotr.unix_now() - seconds, 0), given, bigbrotr.unix_now())
	RETURNING r.rule_id INTO id;
	RETURN id;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_retention_rule(interval, text, int4multirange, boolean) IS
	'SELECT bigbrotr.add_retention_rule(''30 days'', ''why'', ''{[7,7],[20000,29999]}''): adds a rule. From now on the refresher deletes events of these kinds (null: all) whose created_at is older, and writers leave them out when relays deliver them. Returns the rule_id. An error if the rule would delete more than half of the archive (bigbrotr.retention_preview) and confirmed is not true';

CREATE PROCEDURE bigbrotr.remove_retention_rule(rule_id integer, INOUT removed boolean DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	rule bigbrotr.retention_rules;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	UPDATE bigbrotr.retention_rules AS r SET enabled = false
	WHERE r.rule_id = remove_retention_rule.rule_id AND r.removed_at IS NULL;
	removed := FOUND;
	IF NOT removed THEN
		RETURN;
	END IF;
	COMMIT;
	CALL _bigbrotr.wait_for_writers(); -- a running transaction may still leave out events because of the rule
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	-- These locks keep other sessions from changing coverage meanwhile, as in bigbrotr.read_again.
	PERFORM FROM _bigbrotr.sync_workers AS w ORDER BY w.owner FOR UPDATE;
	PERFORM FROM _bigbrotr.relay_sync AS s ORDER BY s.relay_id FOR NO KEY UPDATE;
	UPDATE bigbrotr.retention_rules AS r SET removed_at = bigbrotr.unix_now()
	WHERE r.rule_id = remove_retention_rule.rule_id AND r.removed_at IS NULL RETURNING * INTO rule;
	removed := FOUND;
	IF removed THEN
		PERFORM _bigbrotr.uncover(rule.kinds, rule.deletes_before);
	END IF;
END
$$;
COMMENT ON PROCEDURE bigbrotr.remove_retention_rule(integer, boolean) IS
	'CALL bigbrotr.remove_retention_rule(1): removes a retention rule. Withdraws the coverage of the time in which the rule deleted events, so that the synchronizer asks relays for this time again. removed false: there is no such rule. Waits for running transactions. Not inside a transaction block; after an interruption, call it again';

CREATE FUNCTION _bigbrotr.uncover(kinds int4multirange, before bigint) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	filters CONSTANT integer[] := ARRAY(
		SELECT f.filter_id FROM (SELECT 0 AS filter_id, '{}'::jsonb AS filter UNION ALL SELECT s.filter_id, s.filter FROM bigbrotr.sync_filters AS s) AS f
		WHERE kinds IS NULL OR kinds && _bigbrotr.filter_kinds(f.filter));
	deleted bigint;
	cut bigint;
BEGIN
	DELETE FROM bigbrotr.coverage AS c WHERE c.filter_id = ANY (filters) AND c.upper < before;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	UPDATE bigbrotr.coverage AS c
	SET lower = before, events = round(c.events * ((c.upper - before + 1)::double precision / (c.upper - c.lower + 1)))::bigint
	WHERE c.filter_id = ANY (filters) AND c.lower < before;
	GET DIAGNOSTICS cut = ROW_COUNT;
	DELETE FROM _bigbrotr.relay_needs AS n WHERE n.tries < 0;
	RETURN deleted + cut;
END
$$;
COMMENT ON FUNCTION _bigbrotr.uncover(int4multirange, bigint) IS
	'Withdraws the coverage of seconds (created_at) before "before", of filters that match some of these kinds (null: all), because events may have been left out. Returns the number of changed ranges';

-- ---- Functions for the refresher

CREATE FUNCTION _bigbrotr.advance_retention() RETURNS void
	LANGUAGE sql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	BEGIN ATOMIC
		UPDATE bigbrotr.retention_rules AS r SET deletes_before = least(bigbrotr.unix_now() - r.older_than, r.deletes_before + 3600)
		WHERE r.enabled AND r.deletes_before < bigbrotr.unix_now() - r.older_than;
	END;
COMMENT ON FUNCTION _bigbrotr.advance_retention() IS
	'Moves deletes_before of the retention rules forward with the clock: at most an hour at each call, so that a clock that jumps ahead for a moment does not delete the archive';

-- A query for each kind, because the index is ordered by kind and time.
CREATE FUNCTION _bigbrotr.expired_kinds(OUT kind integer, OUT first_second bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM bigbrotr.retention_rules AS r WHERE r.enabled) THEN
		RETURN;
	END IF;
	RETURN QUERY
		SELECT k.kind, e.created_at
		FROM (SELECT s.kind, max(r.deletes_before) AS before
		      FROM bigbrotr.kind_statistics AS s JOIN bigbrotr.retention_rules AS r ON r.enabled AND s.kind <@ r.kinds IS NOT FALSE
		      GROUP BY s.kind) AS k
		     CROSS JOIN LATERAL (
		         SELECT x.created_at FROM bigbrotr.events AS x WHERE x.kind = k.kind AND x.created_at < k.before
		         ORDER BY x.created_at LIMIT 1) AS e
		ORDER BY k.kind;
END
$$;
COMMENT ON FUNCTION _bigbrotr.expired_kinds() IS 'Kinds of which retention rules delete events now, each with created_at of its oldest event';

CREATE FUNCTION _bigbrotr.delete_expired(kind integer, first_second bigint, most integer, OUT deleted bigint, OUT next_second bigint)
	LANGUAGE plpgsql STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	SET enable_seqscan = off
	AS $$
DECLARE
	before CONSTANT bigint := (
		SELECT max(r.deletes_before) FROM bigbrotr.retention_rules AS r WHERE r.enabled AND delete_expired.kind <@ r.kinds IS NOT FALSE);
	old record;
BEGIN
	IF (most BETWEEN 1 AND 100000) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s events cannot be deleted at once', most), DETAIL = 'At most 100000 are.',
			HINT = 'The refresher deletes 1000 in a transaction.';
	END IF;
	SELECT array_agg(e.event_id) AS ids, max(e.created_at) AS last INTO old
	FROM (SELECT x.event_id, x.created_at FROM bigbrotr.events AS x
	      WHERE x.kind = delete_expired.kind AND x.created_at >= first_second AND x.created_at < before
	      ORDER BY x.created_at LIMIT most) AS e;
	deleted := 0;
	IF old.ids IS NOT NULL THEN
		deleted := _bigbrotr.remove_events(old.ids, false);
		next_second := CASE WHEN cardinality(old.ids) = most AND deleted > 0 THEN old.last END;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.delete_expired(integer, bigint, integer) IS
	'Deletes events of a kind that the retention rules do not keep, from first_second (created_at) on, oldest first, at most "most". deleted: their number; next_second: where to continue, null: no more. An error if most is not 1 to 100,000';
