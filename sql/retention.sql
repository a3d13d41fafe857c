-- Retention rules: what they delete and leave out, what is said about it, and what is no rule.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SET TIME ZONE 'UTC';
SELECT bigbrotr.add_relay('wss://r.example.com') AS r \gset
-- Notes (kind 1) and reactions (kind 7) of today, of 10 and of 100 days ago, and one of the year 292 billion.
CREATE TEMP TABLE made AS
	SELECT k.kind || ' of ' || a.age AS name, p.event_id, p.pubkey, p.created_at, p.kind, p.tags, p.content, p.sig
	FROM unnest('{1,7}'::integer[]) AS k (kind), unnest('{today,10,100,future}'::text[]) AS a (age),
	     LATERAL bigbrotr.parse_event(bigbrotr.sign_event(sha256('a'), k.kind, k.kind || ' of ' || a.age, created_at =>
	         CASE a.age WHEN 'future' THEN 9223372036854775807 WHEN 'today' THEN bigbrotr.unix_now() - 3600 ELSE bigbrotr.unix_now() - a.age::integer * 86400 END)) AS p
	WHERE k.kind = 1 OR a.age <> 'future';
CREATE FUNCTION pg_temp.deliver() RETURNS TABLE (events bigint, sightings bigint, rejected bigint, missing bigint) LANGUAGE sql AS $$
	SELECT i.events, i.sightings, i.rejected, cardinality(i.missing) FROM
		(SELECT array_agg(event_id) AS ids, array_agg(pubkey) AS pubkeys, array_agg(created_at) AS ats, array_agg(kind) AS kinds, array_agg(tags::text) AS tags,
		        array_agg(content) AS contents, array_agg(sig) AS sigs, array_agg(NULL::bytea) AS raws, array_agg(r.relay_id) AS relays, array_agg(9::bigint) AS seen
		 FROM made, bigbrotr.relays AS r) AS m,
		_bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, ids, relays, seen, bigbrotr.unix_now()) AS i
$$;
CREATE FUNCTION pg_temp.archived() RETURNS text LANGUAGE sql AS $$ SELECT string_agg(content, ', ' ORDER BY kind, created_at) FROM bigbrotr.events $$;
-- What the refresher does.
CREATE FUNCTION pg_temp.apply(most integer) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	old record;
	slice record;
	deleted bigint := 0;
BEGIN
	FOR old IN SELECT kind, first_second FROM _bigbrotr.expired_kinds() LOOP
		WHILE old.first_second IS NOT NULL LOOP
			SELECT * INTO slice FROM _bigbrotr.delete_expired(old.kind, old.first_second, most);
			deleted := deleted + slice.deleted;
			old.first_second := slice.next_second;
		END LOOP;
	END LOOP;
	RETURN deleted;
END $$;
CREATE FUNCTION pg_temp.dateless(text) RETURNS text LANGUAGE sql AS $$ SELECT regexp_replace($1, '\d{4}-\d\d-\d\d [0-9:]{8} "?UTC"?|\d{7,}', '…', 'g') $$;
CREATE FUNCTION pg_temp.complete(filter jsonb, since integer, until integer) RETURNS TABLE (answer text, proven numeric, reasons text) LANGUAGE sql AS $$
	SELECT c.answer, round(c.proven::numeric, 2), pg_temp.dateless(array_to_string(c.reasons, '; '))
	FROM bigbrotr.completeness('wss://r.example.com', filter, now() - make_interval(days => since), now() - make_interval(days => until)) AS c
$$;
SELECT * FROM pg_temp.deliver();
SELECT _bigbrotr.claim_coverage(:r, 0, 0, 1, bigbrotr.unix_now() - 3600, 'reconciled', '{}', false, 5, 0, bigbrotr.unix_now() - 10, bigbrotr.unix_now() - 10);
SELECT * FROM pg_temp.complete('{}', 200, 1);

-- A preview, and a rule that would delete more than half of what there is.
SELECT * FROM bigbrotr.retention_preview('30 days');
SELECT * FROM bigbrotr.retention_preview('30 days', '{[0,0],[7,9999]}');
SELECT * FROM bigbrotr.retention_preview('1 day');
SELECT bigbrotr.add_retention_rule('1 day', 'little room');
SELECT bigbrotr.add_retention_rule('1 day', 'little room', '{[0,65535]}', false);

-- A rule of a kind.
SELECT bigbrotr.add_retention_rule('30 days', ' reactions are many ', '{[7,7],[20000,29999]}') AS reactions \gset
SELECT rule_id, kinds, older_than, reason, enabled, removed_at FROM bigbrotr.retention_rules;
SELECT pg_temp.apply(1);
SELECT pg_temp.archived();
SELECT pg_temp.apply(1);
SELECT * FROM pg_temp.deliver();
SELECT pg_temp.archived();
-- What is known of it in advance: the sighting of an event that is left out is not one of a missing event.
SELECT * FROM _bigbrotr.insert_sightings(ARRAY(SELECT event_id FROM made WHERE name = '7 of 100'), ARRAY[:r], '{9}');
SELECT bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, 'wss://r.example.com', NULL, 1, 9) FROM made WHERE name = '7 of 100';
SELECT import_id FROM bigbrotr.begin_import('a file') \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(string_agg(bigbrotr.sign_event(sha256('a'), kind, content, created_at => created_at)::text, E'\n'), 'UTF8')) > 0 AS taken FROM made;
SELECT line_count, new_count, known_count, left_out_count, refused_count FROM bigbrotr.import_progress;
SELECT pg_temp.archived();
SELECT * FROM bigbrotr.verify_references();
SELECT * FROM bigbrotr.verify_statistics();

-- What is said: nothing is proven of what the rule deletes, all else is.
SELECT * FROM pg_temp.complete('{}', 200, 1);
SELECT * FROM pg_temp.complete('{"kinds": [7, 1]}', 60, 1);
SELECT * FROM pg_temp.complete('{"kinds": [7]}', 60, 1);
SELECT * FROM pg_temp.complete('{"kinds": [7]}', 29, 1);
SELECT * FROM pg_temp.complete('{"kinds": [1, 19999, 30000]}', 200, 1);
SELECT * FROM pg_temp.complete('{"kinds": [1e40, 1.5, null]}', 200, 1);
SELECT answer FROM bigbrotr.completeness('wss://r.example.com', '{}', '-infinity', 'infinity');
SELECT round(share::numeric, 2) AS share, evidence, pg_temp.dateless(reason) AS reason
	FROM bigbrotr.coverage_between('wss://r.example.com', now() - interval '60 days', now() - interval '1 day');
SELECT round(share::numeric, 2) AS share, evidence, reason
	FROM bigbrotr.coverage_between('wss://r.example.com', now() - interval '60 days', now() - interval '1 day', '{"kinds": [1]}');
SELECT round(share::numeric, 2) AS share, evidence, pg_temp.dateless(reason) AS reason
	FROM bigbrotr.coverage_between('wss://r.example.com', now() - interval '60 days', now() - interval '40 days', '{"kinds": [7]}');
SELECT name, t.told FROM made, bigbrotr.explain_event(encode(event_id, 'hex')) AS e, LATERAL (SELECT pg_temp.dateless(replace(e, encode(event_id, 'hex'), name)) AS told) AS t
	WHERE name LIKE '7%' AND e ~ 'ule|not archived' ORDER BY name, t.told COLLATE "C";

-- A rule of everything, which overlaps: relays are not asked for what is not kept.
SELECT gap.lower FROM _bigbrotr.gaps(:r, 5, 0, bigbrotr.unix_now()) AS gap;
SELECT bigbrotr.add_retention_rule('50 days', 'little room', confirmed => true) AS everything \gset
SELECT pg_temp.archived();
SELECT pg_temp.apply(100);
SELECT * FROM pg_temp.deliver();
SELECT pg_temp.archived();
SELECT * FROM pg_temp.complete('{}', 200, 1);
SELECT * FROM pg_temp.complete('{"kinds": [1]}', 49, 1);
SELECT reason, bigbrotr.unix_now() - lower - 50 * 86400 BETWEEN -60 AND 60 AS as_far_as_kept FROM _bigbrotr.gaps(:r, 5, 0, bigbrotr.unix_now());
SELECT count(*) FROM _bigbrotr.gaps(:r, 0, 0, bigbrotr.unix_now() - 4000);
SELECT _bigbrotr.asked_since(0) = r.deletes_before AS asked_since_then FROM bigbrotr.retention_rules AS r WHERE rule_id = :everything;
-- The clock moves a rule on, by an hour at most; it moves none back.
UPDATE bigbrotr.retention_rules SET deletes_before = deletes_before + CASE rule_id WHEN :everything THEN 86400 ELSE -86400 END;
CREATE TEMP TABLE moved AS SELECT rule_id, deletes_before FROM bigbrotr.retention_rules;
SELECT _bigbrotr.advance_retention();
SELECT rule_id, r.deletes_before - m.deletes_before AS moved FROM bigbrotr.retention_rules AS r JOIN moved AS m USING (rule_id) ORDER BY rule_id;
SELECT * FROM pg_temp.complete('{"kinds": [1]}', 50, 1);
UPDATE bigbrotr.retention_rules SET deletes_before = deletes_before - CASE rule_id WHEN :everything THEN 86400 ELSE -82800 END;
DROP TABLE moved;

-- The end of a rule: what it had deleted is asked for again. A reading that began before that proves nothing.
CALL bigbrotr.remove_retention_rule(:everything);
CALL bigbrotr.remove_retention_rule(:everything);
SELECT * FROM pg_temp.complete('{"kinds": [1]}', 200, 1);
SELECT * FROM pg_temp.complete('{"kinds": [1]}', 49, 1);
SELECT _bigbrotr.claim_coverage(:r, 0, 0, 1, bigbrotr.unix_now() - 3600, 'reconciled', '{}', false, 5, 0, bigbrotr.unix_now() - 10, bigbrotr.unix_now());
SELECT answer FROM pg_temp.complete('{"kinds": [1]}', 200, 1);
SELECT _bigbrotr.claim_coverage(:r, 0, 0, 1, bigbrotr.unix_now() - 3600, 'reconciled', '{}', false, 5, 0, bigbrotr.unix_now() + 10, bigbrotr.unix_now() + 10);
SELECT answer FROM pg_temp.complete('{"kinds": [1]}', 200, 1);
SELECT answer FROM pg_temp.complete('{"kinds": [7]}', 200, 1);
SELECT * FROM pg_temp.deliver();
CALL bigbrotr.remove_retention_rule(:reactions);
SELECT * FROM pg_temp.deliver();
SELECT pg_temp.archived();
SELECT rule_id, enabled, removed_at > 0 AS removed FROM bigbrotr.retention_rules ORDER BY rule_id;

-- What is offered when sets are compared, and left out, is neither asked for again nor withheld.
SELECT * FROM _bigbrotr.note_needs(:r, 0, ARRAY[sha256('x'), sha256('y')], 0, 1000);
SELECT _bigbrotr.note_left_out(ARRAY[:r], ARRAY[sha256('x')]);
SELECT * FROM _bigbrotr.note_needs(:r, 0, ARRAY[sha256('x'), sha256('y')], 0, 1000);
SELECT _bigbrotr.settle_needs(:r, 0, 0, 0, 1000, 1000);

-- What is no rule.
SELECT bigbrotr.add_retention_rule('-30 days', 'why');
SELECT bigbrotr.add_retention_rule('30', 'why');
SELECT bigbrotr.add_retention_rule('292000000 years', 'why');
SELECT bigbrotr.add_retention_rule(NULL, 'why');
SELECT bigbrotr.add_retention_rule('30 days', ' ');
SELECT bigbrotr.add_retention_rule('30 days', NULL);
SELECT bigbrotr.add_retention_rule('30 days', 'why', '{}');
SELECT bigbrotr.add_retention_rule('30 days', 'why', '{(,)}');
SELECT bigbrotr.add_retention_rule('30 days', 'why', '{[-1,7]}');
SELECT bigbrotr.add_retention_rule('30 days', 'why', range_agg(int4range(n, n, '[]'))) FROM generate_series(0, 400, 2) AS n;
SELECT * FROM bigbrotr.retention_preview('30', NULL);
SELECT count(bigbrotr.add_retention_rule('40 years', 'why')) FROM generate_series(1, 64);
SELECT bigbrotr.add_retention_rule('40 years', 'why');
SELECT * FROM _bigbrotr.delete_expired(1, 0, 0);
CALL bigbrotr.remove_retention_rule(NULL);
BEGIN;
CALL bigbrotr.remove_retention_rule(5);
ROLLBACK;
DROP TABLE made;
DROP EXTENSION bigbrotr;
