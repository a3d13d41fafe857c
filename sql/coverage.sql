-- Coverage: claims are put together, tested and withdrawn; gaps are what is left; and what it answers.
CREATE EXTENSION bigbrotr;
SET client_min_messages = warning;
SET TIME ZONE 'UTC';
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n;
CREATE FUNCTION pg_temp.claim(
	relay integer, lower bigint, upper bigint, evidence text, events bigint, at bigint,
	doubts text[] DEFAULT '{}', agrees boolean DEFAULT false, filter integer DEFAULT 0, refused bigint DEFAULT 0) RETURNS void
	LANGUAGE sql AS $$
	SELECT _bigbrotr.claim_coverage(relay, filter, 0, lower, upper, evidence, doubts, agrees, events, refused, at, at)
$$;
CREATE VIEW ranges AS
	SELECT relay_id AS relay, filter_id AS filter, lower, upper, evidence, doubts, observations, events, refused, observed_at, audited_at
	FROM bigbrotr.coverage ORDER BY relay_id, filter_id, reader, lower;

-- A backfill downwards: page by page, then the end. The last 15 minutes before a question are never claimed.
SELECT * FROM _bigbrotr.gaps(1, 0, 0, 1000);
SELECT pg_temp.claim(1, 901, 1000, 'paged', 5, 1900);
SELECT pg_temp.claim(1, 801, 900, 'paged', 6, 1901);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 0, 0, 1000);
SELECT pg_temp.claim(1, 0, 800, 'paged', 0, 1902);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 0, 0, 1000);
SELECT oldest FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT _bigbrotr.claim_coverage(1, 0, 0, 1001, 9000, 'paged', '{}', false, 9, 0, 2000, 5000);
SELECT lower, upper FROM ranges;
SELECT pg_temp.claim(1, 4500, 5000, 'paged', 9, 5000);
SELECT lower, upper FROM ranges;

-- Of the time before the oldest event more is wanted, see below.
UPDATE _bigbrotr.relay_sync SET oldest = NULL;
-- A second reading on another connection that finds nothing new confirms; one on the same connection does not.
SELECT pg_temp.claim(1, 600, 900, 'paged', 11, 6000);
SELECT pg_temp.claim(1, 700, 800, 'paged', 4, 6001, '{}', true);
TABLE ranges;
-- What begins before the oldest event needs three readings, whatever they claim.
SELECT pg_temp.claim(3, 0, 99, 'reconciled', 0, 6000), pg_temp.claim(3, 100, 200, 'paged', 5, 6000);
SELECT lower, upper, evidence, observations FROM ranges WHERE relay = 3;
SELECT pg_temp.claim(3, 0, 99, 'paged', 0, 6001, '{}', true), pg_temp.claim(3, 100, 200, 'paged', 5, 6001, '{}', true);
SELECT lower, upper, evidence, observations FROM ranges WHERE relay = 3;
SELECT pg_temp.claim(3, 0, 99, 'paged', 0, 6002, '{}', true);
SELECT lower, upper, evidence, observations FROM ranges WHERE relay = 3;
-- So does all of a relay whose audits found events of late.
INSERT INTO bigbrotr.audits (relay_id, audited_at, filter_id, lower, upper, purpose, evidence, shown, found) VALUES (3, 6003, 0, 100, 200, 'audit', 'confirmed', 5, 1);
SELECT pg_temp.claim(3, 300, 399, 'reconciled', 5, 6004), pg_temp.claim(3, 300, 399, 'paged', 5, 6005, '{}', true);
SELECT lower, upper, evidence, observations FROM ranges WHERE relay = 3;
SELECT pg_temp.claim(3, 300, 399, 'paged', 5, 6006, '{}', true), pg_temp.claim(3, 400, 499, 'reconciled', 5, 6003 + 2592000);
SELECT lower, upper, evidence, observations FROM ranges WHERE relay = 3;
DELETE FROM bigbrotr.audits;
DELETE FROM bigbrotr.coverage WHERE relay_id = 3;
-- A weaker claim changes nothing, a stronger one replaces.
SELECT pg_temp.claim(1, 710, 715, 'partial', 4, 6002, '{dense}'), pg_temp.claim(1, 720, 730, 'reconciled', 1, 6003);
SELECT lower, upper, evidence, doubts FROM ranges WHERE lower BETWEEN 600 AND 900;
-- Readings with doubts confirm nothing; of two equal ones that with fewer doubts counts.
SELECT pg_temp.claim(1, 500, 520, 'paged', 1, 6004, '{refused,auth,auth}'), pg_temp.claim(1, 510, 530, 'paged', 1, 6005, '{auth}', true);
SELECT lower, upper, evidence, doubts FROM ranges WHERE lower < 600;
SELECT pg_temp.claim(1, 50, 60, 'partial', 9, 6006, '{dense}');
SELECT lower, upper, evidence, doubts FROM ranges WHERE lower < 600;

-- Withdrawals: contradicted by another reading, or refuted by the relay itself.
SELECT _bigbrotr.retract_coverage(1, 690, 725, 'contradicted', true, 7000);
SELECT lower, upper, evidence, doubts, audited_at FROM ranges WHERE lower BETWEEN 600 AND 900;
SELECT _bigbrotr.retract_coverage(1, 690, 705, 'contradicted', false, 7001);
SELECT _bigbrotr.retract_coverage(1, 690, 705, 'contradicted', false, 7002);
SELECT _bigbrotr.retract_coverage(1, 695, 696, 'late', false, 7003);
SELECT lower, upper, evidence, doubts FROM ranges WHERE lower BETWEEN 600 AND 900;
SELECT withdrawals, withdrawn_at FROM _bigbrotr.relay_sync WHERE relay_id = 1;
-- What was contradicted stays so until others agree.
SELECT pg_temp.claim(1, 700, 702, 'paged', 1, 7004), pg_temp.claim(1, 703, 704, 'paged', 1, 7005, '{}', true);
SELECT lower, upper, evidence, doubts FROM ranges WHERE lower BETWEEN 690 AND 725;

-- A dense second is seen in part; its reading replaces it.
SELECT pg_temp.claim(2, 501, 1000, 'paged', 5, 2000), pg_temp.claim(2, 500, 500, 'partial', 500, 2000, '{dense}'),
       pg_temp.claim(2, 500, 500, 'partial', 400, 2001, '{dense}'), pg_temp.claim(2, 0, 499, 'paged', 0, 2002);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 1000);
SELECT relay_url, filter_id, lower, upper, seconds, reason, tried_at FROM bigbrotr.coverage_gaps
WHERE relay_url = 'wss://r2.example.com' AND reason <> 'unread' AND upper < to_timestamp(2000);
SELECT reason, seconds FROM bigbrotr.coverage_gaps WHERE relay_url = 'wss://r2.example.com' AND reason = 'too new';
SELECT pg_temp.claim(2, 400, 600, 'paged', 900, 2003);
SELECT lower, upper, evidence, observations, events FROM ranges WHERE relay = 2;

-- What the synchronizer asks for: nothing that was tried of late, and not more than it can use.
SELECT pg_temp.claim(2, 300, 300, 'partial', 1, 2004, '{dense}'), pg_temp.claim(2, 1100, 1100, 'partial', 7, 2005, '{dense}');
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 2000);
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 2000, 2005);
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 2000, 2006, 2);
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 1100, most => 1);
SELECT * FROM _bigbrotr.gaps(2, 0, 0, 1099);
SELECT * FROM _bigbrotr.gaps(99, 0, 0, 5);

UPDATE _bigbrotr.relay_sync SET oldest = NULL;
-- A thousand ranges of a relay; with one more the lowest half of them is one range, which claims less.
DELETE FROM bigbrotr.coverage;
SELECT count(pg_temp.claim(2, s, s, CASE WHEN s % 4 = 1 THEN 'confirmed' ELSE 'paged' END, 9, 9000, CASE WHEN s % 2 = 0 THEN '{refused}'::text[] ELSE '{}' END))
FROM generate_series(1000, 1, -1) AS s;
SELECT evidence, doubts, count(*), min(lower), max(upper) FROM bigbrotr.coverage GROUP BY 1, 2 ORDER BY 1, 2;
SELECT pg_temp.claim(2, 1001, 1001, 'paged', 9, 9001);
SELECT evidence, doubts, count(*), min(lower), max(upper), max(upper - lower) FROM bigbrotr.coverage GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(pg_temp.claim(2, s, s, 'paged', 9, 9000)) FROM generate_series(2000, 3000, 2) AS s;
SELECT lower, upper, evidence, doubts FROM ranges WHERE evidence = 'partial';
SELECT * FROM bigbrotr.verify_references();

-- A clock that was ahead claimed seconds that had not come yet.
DELETE FROM bigbrotr.coverage;
SELECT pg_temp.claim(1, 0, 500, 'paged', 5, 2000), pg_temp.claim(1, 600, 900, 'paged', 5, 2000),
       pg_temp.claim(1, 950, 950, 'partial', 5, 2000, '{dense}'), pg_temp.claim(2, 0, 100, 'paged', 5, 2000);
SELECT _bigbrotr.trim_coverage(700), _bigbrotr.trim_coverage(700);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 0, 0, 800);

DELETE FROM bigbrotr.coverage;
UPDATE _bigbrotr.relay_sync SET oldest = 20 WHERE relay_id = 2;
-- Random claims and withdrawals against a slow model, which judges each second by itself.
CREATE FUNCTION pg_temp.judge(
	INOUT evidence text, INOUT doubts text[], INOUT observations integer, INOUT observed_at bigint,
	claimed text, claimed_doubts text[], agrees boolean, at bigint, needed integer) LANGUAGE plpgsql AS $$
DECLARE
	early boolean := coalesce(observations, 0) < needed;
	compared boolean := claimed = 'reconciled';
	ranks text[] := '{partial,paged,confirmed,reconciled}';
	old_rank integer := array_position(ranks, evidence);
	new_rank integer := array_position(ranks, claimed);
	clean boolean := claimed_doubts = '{}' OR claimed_doubts = '{unencrypted}';
	was_clean boolean := NOT EXISTS (SELECT FROM unnest(doubts) AS d WHERE d NOT IN ('unencrypted', 'contradicted'));
	refuted boolean := 'contradicted' = ANY (doubts);
	withheld boolean := 'withheld' = ANY (doubts);
	keeps boolean;
	fewer boolean := NOT EXISTS (SELECT FROM unnest(claimed_doubts) AS d WHERE d <> ALL (doubts));
BEGIN
	was_clean := was_clean AND old_rank >= 2;
	IF (early OR NOT was_clean) AND coalesce(old_rank, 1) <= 2 AND new_rank > 2 AND needed > 1 THEN
		claimed := 'paged';
		new_rank := 2;
	END IF;
	IF evidence IS NULL THEN
		evidence := claimed;
		doubts := claimed_doubts;
		observations := 1;
		observed_at := at;
		RETURN;
	END IF;
	clean := clean AND new_rank >= 2;
	IF agrees AND (NOT early OR old_rank > 2) AND clean AND was_clean AND old_rank >= 2 AND new_rank >= 2 AND NOT (new_rank = 4 AND old_rank < 4) THEN
		IF old_rank = 2 THEN
			evidence := 'confirmed';
			doubts := claimed_doubts;
		END IF;
	ELSIF new_rank < old_rank THEN
		RETURN;
	ELSIF new_rank > old_rank THEN
		evidence := claimed;
		doubts := claimed_doubts;
	ELSE
		keeps := 'withheld' = ANY (claimed_doubts) OR NOT compared AND withheld;
		IF fewer THEN
			doubts := claimed_doubts;
		END IF;
		IF refuted AND 'contradicted' <> ALL (doubts) THEN
			doubts := ARRAY(SELECT d FROM unnest(doubts || '{contradicted}'::text[]) AS d ORDER BY d);
		END IF;
		IF keeps AND 'withheld' <> ALL (doubts) THEN
			doubts := ARRAY(SELECT d FROM unnest(doubts || '{withheld}'::text[]) AS d ORDER BY d);
		END IF;
	END IF;
	observations := CASE WHEN was_clean AND NOT agrees AND NOT compared THEN observations
	                     WHEN clean AND NOT was_clean AND (compared OR NOT withheld) THEN 1 ELSE observations + 1 END;
	observed_at := at;
END
$$;
CREATE TEMPORARY TABLE truth (second bigint PRIMARY KEY, evidence text, doubts text[], observations integer, observed_at bigint);
DO $$
DECLARE
	words text[] := '{contradicted,dense,late,notice,refused,unencrypted,withheld}';
	at bigint := 1000000000;
	l bigint;
	u bigint;
	e text;
	d text[];
	a boolean;
BEGIN
	PERFORM setseed(0.5);
	FOR i IN 1 .. 300 LOOP
		IF i % 50 = 1 THEN
			DELETE FROM bigbrotr.coverage;
			DELETE FROM truth;
			INSERT INTO truth SELECT s FROM generate_series(0, 100) AS s;
		END IF;
		at := at + CASE WHEN random() < 0.1 THEN 2592000 ELSE 1 END;
		l := floor(random() * 101);
		u := least(100, l + floor(random() ^ 2 * 60)::integer);
		d := ARRAY(SELECT w FROM unnest(words) AS w WHERE random() < 0.12 ORDER BY w);
		IF random() < 0.2 THEN
			e := words[1 + floor(random() ^ 2 * 6)];
			a := random() < 0.3;
			PERFORM _bigbrotr.retract_coverage(2, l, u, e, a, at);
			UPDATE truth AS t SET evidence = CASE WHEN t.evidence <> 'partial' AND e = 'contradicted' THEN 'paged' ELSE 'partial' END,
			                      observations = CASE WHEN e = 'contradicted' THEN 0 ELSE t.observations END,
			                      doubts = ARRAY(SELECT DISTINCT w FROM unnest(t.doubts || e) AS w ORDER BY w)
			WHERE t.second BETWEEN l AND u AND t.evidence IS NOT NULL AND (t.evidence IN ('confirmed', 'reconciled') OR NOT a AND (e <> ALL (t.doubts) OR e = 'contradicted' AND t.evidence = 'paged' AND t.observations > 0));
		ELSE
			e := ('{partial,paged,paged,paged,confirmed,reconciled}'::text[])[1 + floor(random() * 6)];
			a := random() < 0.5;
			PERFORM _bigbrotr.claim_coverage(2, 0, 0, l, u, e, d, a, 5, 1, at, at);
			UPDATE truth AS t SET (evidence, doubts, observations, observed_at) =
				(SELECT j.evidence, j.doubts, j.observations, j.observed_at
				 FROM pg_temp.judge(t.evidence, t.doubts, t.observations, t.observed_at, e, d, a, at, 1 + (l < 20)::integer) AS j)
			WHERE t.second BETWEEN l AND u;
		END IF;
		IF EXISTS (SELECT FROM truth AS t LEFT JOIN bigbrotr.coverage AS c ON c.relay_id = 2 AND t.second BETWEEN c.lower AND c.upper
		           WHERE t.evidence IS DISTINCT FROM c.evidence OR t.doubts IS DISTINCT FROM c.doubts
		                 OR c.observed_at > t.observed_at OR c.observed_at / 2592000 <> t.observed_at / 2592000 OR c.observations > t.observations) THEN
			RAISE EXCEPTION 'after step % the coverage is not the truth', i;
		END IF;
		-- A range that was joined counts its least observed part.
		UPDATE truth AS t SET observations = c.observations FROM bigbrotr.coverage AS c WHERE c.relay_id = 2 AND t.second BETWEEN c.lower AND c.upper;
		IF EXISTS (SELECT FROM bigbrotr.coverage AS c JOIN bigbrotr.coverage AS n ON n.relay_id = c.relay_id AND n.lower > c.lower AND n.lower <= c.upper + 1
		           WHERE n.lower <= c.upper OR c.evidence = n.evidence AND c.doubts = n.doubts AND c.observed_at / 2592000 = n.observed_at / 2592000
		                      AND (c.evidence <> 'paged' OR NOT c.doubts <@ '{unencrypted,contradicted}' OR c.observations = n.observations)) THEN
			RAISE EXCEPTION 'after step % ranges overlap, or are two where one would do', i;
		END IF;
		IF EXISTS (SELECT second FROM truth WHERE coalesce(evidence, 'partial') = 'partial'
		           EXCEPT SELECT s FROM _bigbrotr.gaps(2, 0, 0, 100) AS g, generate_series(g.lower, g.upper) AS s)
		   OR EXISTS (SELECT s FROM _bigbrotr.gaps(2, 0, 0, 100) AS g, generate_series(g.lower, g.upper) AS s
		              EXCEPT SELECT second FROM truth WHERE coalesce(evidence, 'partial') = 'partial') THEN
			RAISE EXCEPTION 'after step % the gaps are not the rest', i;
		END IF;
	END LOOP;
END
$$;

-- Filters.
DELETE FROM bigbrotr.coverage;
UPDATE _bigbrotr.relay_sync SET oldest = NULL;
SELECT bigbrotr.add_sync_filter('{"kinds": [3, 1, 0, 1]}'), bigbrotr.add_sync_filter('{"kinds": [1, 0, 3]}');
SELECT bigbrotr.add_sync_filter('{"kinds": [1], "#t": ["nostr"]}', 'WSS://R1.example.com/');
SELECT r.relay_id, f.* FROM bigbrotr.relays AS r, _bigbrotr.relay_filters(r.relay_id) AS f ORDER BY 1, 2;
SELECT bigbrotr.remove_sync_filter(1), bigbrotr.remove_sync_filter(1), bigbrotr.remove_sync_filter(99);
SELECT r.relay_id, f.* FROM bigbrotr.relays AS r, _bigbrotr.relay_filters(r.relay_id) AS f ORDER BY 1, 2;
SELECT bigbrotr.add_sync_filter('{"kinds": [0, 1, 3]}');
SELECT * FROM bigbrotr.sync_filters WHERE inserted_at IS NULL;
SELECT bigbrotr.add_sync_filter('{}');
SELECT bigbrotr.add_sync_filter(NULL);
SELECT bigbrotr.add_sync_filter('{"kinds": []}');
SELECT bigbrotr.add_sync_filter('{"kinds": [1], "since": 5}');
SELECT bigbrotr.add_sync_filter('{"search": "x"}');
SELECT bigbrotr.add_sync_filter('{"colour": ["red"]}');
SELECT bigbrotr.add_sync_filter('[1]');
SELECT bigbrotr.add_sync_filter('{"kinds": [1]}', 'http://nowhere');
SELECT bigbrotr.add_sync_filter(jsonb_build_object('#t', (SELECT jsonb_agg(repeat('x', 100) || n) FROM generate_series(1, 1000) AS n)));
SELECT count(bigbrotr.add_sync_filter(jsonb_build_object('kinds', ARRAY[n]))) FROM generate_series(1, 20) AS n;
\set VERBOSITY terse
INSERT INTO bigbrotr.sync_filters (filter) VALUES ('{"kinds": [2, 1]}');
\set VERBOSITY default

-- Answers.
SELECT pg_temp.claim(1, 0, 1699999999, 'paged', 0, 1800000000), pg_temp.claim(1, 1700000000, 1709999999, 'paged', 100, 1800000000),
       pg_temp.claim(1, 1700000000, 1709999999, 'paged', 100, 1800000100, '{}', true),
       pg_temp.claim(1, 1710000000, 1710000000, 'partial', 500, 1800000000, '{dense}'),
       pg_temp.claim(1, 1710000000, 1720000000, 'paged', 100, 1800000000, '{refused,unencrypted}', filter => 1, refused => 3);
CREATE FUNCTION pg_temp.ask(url text, filter jsonb, lower bigint, upper bigint,
	OUT answer text, OUT proven numeric, OUT read numeric, OUT observed_at timestamptz, OUT reasons text[]) RETURNS SETOF record
	LANGUAGE sql AS $$
	SELECT c.answer, round(c.proven::numeric, 3), round(c.read::numeric, 3), c.observed_at, c.reasons
	FROM bigbrotr.completeness(url, filter, to_timestamp(lower), to_timestamp(upper)) AS c
$$;
\x on
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{}', 1700000000, 1709999999);
SELECT * FROM pg_temp.ask('WSS://R1.example.com', '{"kinds": [7]}', 1600000000, 1700000000);
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{}', 1700000000, 1730000000);
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{"kinds": [1, 3], "limit": 5, "since": 7}', 1700000000, 1715000000);
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{"kinds": [1, 4]}', 1711000000, 1715000000);
SELECT * FROM pg_temp.ask('wss://r2.example.com', '{}', 1700000000, 1700000000);
SELECT * FROM pg_temp.ask('wss://r9.example.com', '{}', 1700000000, 1700000000);
SELECT pg_temp.claim(3, 0, 1600000000, 'paged', 0, 1800000000), pg_temp.claim(3, 0, 1600000000, 'paged', 0, 1800000000, '{}', true);
SELECT * FROM pg_temp.ask('wss://r3.example.com', '{}', 1000, 1600000000);
DELETE FROM bigbrotr.coverage WHERE relay_id = 3;
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{}', 1700000001, 1700000000);
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{}', 4000000000, 4000000001);
SELECT answer, reasons FROM bigbrotr.completeness('wss://r1.example.com', '{}', '-infinity', 'infinity');
SELECT * FROM pg_temp.ask('wss://r1.example.com', '{"colour": 1}', 1, 2);
SELECT * FROM pg_temp.ask('no relay', '{}', 1, 2);
\x off
-- A join with all relays is a join: nothing is called for each of them that runs a statement of its own.
SELECT r.url, c.answer, c.reasons FROM bigbrotr.relays AS r, bigbrotr.completeness(r.url, '{"kinds": [1]}', '2023-12-01', '2023-12-31') AS c ORDER BY 1;
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
SELECT count(*) FILTER (WHERE p ~ 'Function Scan on completeness') AS calls, count(*) FILTER (WHERE p ~ 'on coverage c') AS scans
FROM pg_temp.plan_of($$SELECT c.answer FROM bigbrotr.relays AS r, bigbrotr.completeness(r.url, '{"kinds": [1]}', '2023-12-01', '2023-12-31') AS c$$) AS p;
SELECT lower, upper, seconds, round(share::numeric, 3) AS share, evidence, doubts, reason FROM bigbrotr.coverage_between('wss://r1.example.com', to_timestamp(1690000000), to_timestamp(1730000000));
SELECT lower, upper, evidence, reason FROM bigbrotr.coverage_between('wss://r1.example.com', "to" => '2025-01-01', filter => '{"kinds": [0]}');
SELECT evidence, reason FROM bigbrotr.coverage_between('wss://r1.example.com', now() - interval '10 min');
SELECT count(*) FROM bigbrotr.coverage_between('wss://r9.example.com');
-- What one reader was shown says nothing about what another one is shown.
BEGIN;
UPDATE bigbrotr.coverage SET reader = 1 WHERE relay_id = 1 AND lower = 1700000000;
SELECT signed_in, c.answer, c.proven, c.read, c.reasons FROM unnest('{f,t,null}'::boolean[]) AS s (signed_in),
	bigbrotr.completeness('wss://r1.example.com', '{}', to_timestamp(1700000000), to_timestamp(1709999999), signed_in) AS c;
SELECT signed_in, c.answer, round(c.proven::numeric, 3) AS proven, round(c.read::numeric, 3) AS read FROM unnest('{f,t}'::boolean[]) AS s (signed_in),
	bigbrotr.completeness('wss://r1.example.com', '{}', to_timestamp(1690000000), to_timestamp(1709999999), signed_in) AS c;
SELECT c.reasons FROM bigbrotr.completeness('wss://r1.example.com', '{}', to_timestamp(1600000000), to_timestamp(1610000000), true) AS c;
SELECT signed_in, lower, upper, evidence FROM unnest('{f,t}'::boolean[]) AS s (signed_in),
	bigbrotr.coverage_between('wss://r1.example.com', to_timestamp(1690000000), to_timestamp(1709999999), signed_in => s.signed_in);
DELETE FROM bigbrotr.sync_filters;
SELECT w.reader, a.evidence, count(*) FROM generate_series(0, 1) AS w (reader), generate_series(0, 1, 0.1) AS pick,
	_bigbrotr.audit_windows(1, w.reader, 1800000000, 500, pick) AS a GROUP BY 1, 2 ORDER BY 1, 2;
SELECT min(lower) AS first_unread FROM bigbrotr.coverage_gaps WHERE relay_url = 'wss://r1.example.com' AND reason = 'unread';
SELECT _bigbrotr.note_reader(1, 1);
SELECT min(lower) AS first_unread FROM bigbrotr.coverage_gaps WHERE relay_url = 'wss://r1.example.com' AND reason = 'unread';
ROLLBACK;
SELECT relay_url, phase, oldest_event, read_from, read_until, partial_seconds, doubts, withdrawal_count, proven_fraction > 0 AS proven FROM bigbrotr.sync_status ORDER BY 1;
-- What two observations agree about is not proven while a doubt remains, neither here nor for the answer.
BEGIN;
DELETE FROM bigbrotr.sync_filters;
UPDATE bigbrotr.coverage SET evidence = 'reconciled', doubts = '{auth}';
SELECT max(proven_fraction) AS proven, max(reconciled_fraction) AS reconciled FROM bigbrotr.sync_status;
UPDATE bigbrotr.coverage SET doubts = '{unencrypted}';
SELECT max(proven_fraction) > 0 AS proven, max(reconciled_fraction) > 0 AS reconciled FROM bigbrotr.sync_status;
ROLLBACK;
-- Each doubt once, whatever it stands beside.
INSERT INTO bigbrotr.coverage (relay_id, filter_id, reader, lower, upper, evidence, doubts, observations, events, refused, observed_at)
	SELECT relay_id, (SELECT min(f.filter_id) FROM _bigbrotr.relay_filters(relay_id) AS f), 0, n, n, 'partial', CASE n WHEN 1 THEN '{contradicted,dense}' ELSE '{contradicted,hole}' END::text[], 1, 0, 0, 1
	FROM bigbrotr.relays, generate_series(1, 2) AS n WHERE url = 'wss://r3.example.com';
SELECT doubts FROM bigbrotr.sync_status WHERE relay_url = 'wss://r3.example.com';

-- Second readings. What is recent: each depth after a quarter of it.
SELECT _bigbrotr.depth_due('{}', 5000), _bigbrotr.depth_due('{5000,5000,5000,5000}', 5900), _bigbrotr.depth_due('{5000,5000,5000,5000}', 5899),
       _bigbrotr.depth_due('{5000,5000,5000,5000}', 26600);
DELETE FROM bigbrotr.coverage;
DELETE FROM bigbrotr.sync_filters;
UPDATE _bigbrotr.relay_sync SET oldest = NULL, withdrawals = 0, next_audit = 0;
SELECT * FROM _bigbrotr.recent_time(1, 0, 0, 1800000000);
SELECT * FROM _bigbrotr.audit_windows(1, 0, 1800000000, 500, 0.5);
SELECT pg_temp.claim(1, 0, 1699999999, 'paged', 0, 1800000000), pg_temp.claim(1, 1700000000, 1799999100, 'paged', 1000, 1800000000);
SELECT * FROM _bigbrotr.recent_time(1, 0, 0, 1800000000);
SELECT _bigbrotr.record_audit(1, 0, 1799995500, 1799999100, 'again', 'paged', NULL, 5, 0, NULL, 86400, 1800000000);
SELECT again_at FROM _bigbrotr.relay_sync WHERE relay_id = 1;
-- What is to be confirmed: not at once, not the last three days, less and less often; what was contradicted at once.
SELECT * FROM _bigbrotr.unconfirmed(1, 0, 0, 1800003599, 3600, false, 5);
SELECT * FROM _bigbrotr.unconfirmed(1, 0, 0, 1800003600, 3600, false, 5);
SELECT _bigbrotr.retract_coverage(1, 1710000000, 1720000000, 'contradicted', false, 1800000001);
SELECT * FROM _bigbrotr.unconfirmed(1, 0, 0, 1800003599, 3600, false, 5);
-- A comparison of sets can also settle what was seen in part; the second above it is compared, too.
BEGIN;
SELECT _bigbrotr.retract_coverage(1, 1730000000, 1740000000, 'dense', false, 1800000001);
SELECT lower, upper, evidence FROM _bigbrotr.unconfirmed(1, 0, 0, 1800003600, 3600, true, 5);
SELECT lower, upper, evidence FROM _bigbrotr.unconfirmed(1, 0, 0, 1800003600, 3600, false, 5);
ROLLBACK;
-- Audits: a window that holds about a page, and the time before the oldest event.
SELECT * FROM _bigbrotr.audit_windows(1, 0, 1800000000, 50, 0.1);
SELECT * FROM _bigbrotr.audit_windows(1, 0, 1800000000, 50, 1);
SELECT _bigbrotr.record_audit(1, 0, 1790000000, 1795000000, 'audit', 'confirmed', 10, 9, 0, NULL, 86400, 1800000000);
SELECT * FROM _bigbrotr.audit_windows(1, 0, 1800172799, 50, 0.1);
SELECT * FROM _bigbrotr.audit_windows(1, 0, 1800172800, 50, 0.1);
-- A miss puts its neighbourhood in doubt; the next audit comes soon.
SELECT _bigbrotr.report_miss(1, 1790000000, 1790999999, 1800200000);
SELECT lower, upper, evidence, doubts FROM ranges;
SELECT _bigbrotr.record_audit(1, 0, 1790000000, 1790999999, 'audit', 'confirmed', 10, 12, 2, 9000000, 86400, 1800200000),
       _bigbrotr.record_audit(1, 0, 1790000000, 1790999999, 'confirm', 'paged', NULL, 100, 1, 9000001, 86400, 1800200001);
SELECT relay_id, next_audit, clean_audits, withdrawals FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT relay_url, evidence, audits, failed_audits, shown, found, round(miss_rate::numeric, 4) AS miss_rate, gone, late_by, last_audit FROM bigbrotr.audit_rates ORDER BY 1, 2;
-- A relay that lost most of what it had is looked at often, too; an audit without an answer is put off.
SELECT _bigbrotr.record_audit(1, 0, 1790000000, 1790999999, 'audit', 'confirmed', 10, 4, 0, NULL, 86400, 1800300000);
SELECT next_audit, clean_audits FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT _bigbrotr.record_audit(1, 0, 1790000000, 1790999999, 'audit', 'confirmed', NULL, NULL, 0, NULL, 86400, 1800300001);
SELECT next_audit, clean_audits FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT count(_bigbrotr.record_audit(1, 0, 1, 5, 'confirm', 'paged', NULL, 1, 0, NULL, 86400, 1800300002 + n)) FROM generate_series(1, 120) AS n;
SELECT count(*), min(audited_at) FROM bigbrotr.audits;
-- Of filters, those that the relay is asked for now are audited, one as often as the other; only their events are known.
BEGIN;
DELETE FROM bigbrotr.coverage;
DELETE FROM bigbrotr.sync_filters;
UPDATE _bigbrotr.relay_sync SET next_audit = 0, clean_audits = 0, oldest = NULL;
SELECT bigbrotr.add_sync_filter('{"kinds": [1]}') AS one, bigbrotr.add_sync_filter('{"kinds": [7]}') AS seven \gset
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, inserted_at, kind, tags, content, sig)
	SELECT sha256(n::text::bytea), sha256('a'), 1700000000 + n, 1, CASE WHEN n % 10 = 0 THEN 7 ELSE 1 END, '[]', '', decode(repeat('00', 64), 'hex') FROM generate_series(1, 100) AS n;
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at) SELECT e.eid, 1, 1700000000 FROM bigbrotr.events AS e WHERE e.pubkey = sha256('a');
SELECT pg_temp.claim(1, 1700000000, 1799999100, 'paged', 100, 1800000000), pg_temp.claim(1, 1700000000, 1799999100, 'paged', 90, 1800000000, filter => :one),
       pg_temp.claim(1, 1700000000, 1799999100, 'paged', 10, 1800000000, filter => :seven);
SELECT CASE a.filter_id WHEN 0 THEN 'all' WHEN :one THEN 'one' WHEN :seven THEN 'seven' END AS filter, count(*) > 30 AS often, max(a.known) AS known
FROM generate_series(0, 1, 0.01) AS pick, _bigbrotr.audit_windows(1, 0, 1800000000, 500, pick) AS a GROUP BY 1 ORDER BY 1;
-- The oldest event is that of the filter that reaches furthest back.
SELECT pg_temp.claim(1, 0, 1599999999, 'paged', 0, 1800000000, filter => :one);
SELECT oldest FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT pg_temp.claim(1, 0, 1699999999, 'paged', 0, 1800000000, filter => :seven);
SELECT oldest FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT pg_temp.claim(1, 0, 1499999999, 'paged', 0, 1800000000, filter => :seven);
SELECT oldest FROM _bigbrotr.relay_sync WHERE relay_id = 1;
ROLLBACK;
-- A question that was asked before a contradiction does not settle it, and is no observation; two later ones settle it.
DELETE FROM bigbrotr.audits;
UPDATE _bigbrotr.relay_sync SET oldest = NULL;
BEGIN;
DELETE FROM bigbrotr.coverage;
SELECT pg_temp.claim(1, 1000, 2000, 'paged', 100, 1800000000);
SELECT _bigbrotr.retract_coverage(1, 1000, 2000, 'contradicted', false, 1800000010);
SELECT _bigbrotr.claim_coverage(1, 0, 0, 1000, 2000, 'paged', '{}', true, 100, 0, 1800000005, 1800000020);
SELECT lower, upper, evidence, doubts FROM ranges;
SELECT _bigbrotr.claim_coverage(1, 0, 0, 1000, 2000, 'paged', '{}', true, 100, 0, 1800000011, 1800000030);
SELECT _bigbrotr.claim_coverage(1, 0, 0, 1000, 2000, 'paged', '{}', true, 100, 0, 1800000011, 1800000031);
SELECT lower, upper, evidence, doubts FROM ranges;
-- A relay that wants to know us may have shown a part to anybody, and all to a reader that signed in.
SELECT _bigbrotr.claim_coverage(1, 0, 1, 1000, 2000, 'paged', '{}', false, 100, 0, 1800000031, 1800000031);
SELECT _bigbrotr.retract_coverage(1, 1500, 3000, 'auth', false, 1800000040);
SELECT reader, lower, upper, evidence, doubts FROM bigbrotr.coverage ORDER BY reader, lower;
ROLLBACK;
-- What the database refused is not proven, whichever relay showed it.
BEGIN;
DELETE FROM bigbrotr.coverage;
DELETE FROM bigbrotr.sync_filters;
SELECT pg_temp.claim(1, 1000, 2000, 'confirmed', 100, 1800000000);
INSERT INTO bigbrotr.event_rejects (event_id, rejected_at, sqlstate, message, raw) VALUES
	(sha256('x'), 1, '23514', 'no', convert_to('{"content":"\"created_at\":1700,\u0000","kind": 6,"tags":[["created_at",":1800"]],"created_at" : 1500}', 'UTF8'));
\x on
SELECT a.answer, a.proven, a.read, a.reasons FROM unnest(ARRAY['{}', '{"kinds": [6]}', '{"kinds": [7]}']::jsonb[]) AS filter, pg_temp.ask('wss://r1.example.com', filter, 1000, 2000) AS a;
SELECT answer FROM pg_temp.ask('wss://r1.example.com', '{}', 1501, 2000);
\x off
SELECT lower, upper, evidence, reason FROM bigbrotr.coverage_between('wss://r1.example.com', to_timestamp(1000), to_timestamp(2000));
ROLLBACK;
-- What an administrator deleted is not proven either, until it is archived again. What is withdrawn or blocked counts for nothing.
BEGIN;
DELETE FROM bigbrotr.coverage;
DELETE FROM bigbrotr.sync_filters;
SELECT pg_temp.claim(1, 1000, 2000, 'confirmed', 100, 1800000000);
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, inserted_at, kind, tags, content, sig)
	SELECT sha256(('gone ' || n)::bytea), sha256('a'), 1000 + n, 1, n / 100, '[]', '', decode(repeat('00', 64), 'hex') FROM generate_series(100, 400, 100) AS n;
SELECT bigbrotr.delete_events(ARRAY[sha256('gone 100'), sha256('gone 200'), sha256('never')]), _bigbrotr.remove_events(ARRAY[sha256('gone 300')], false);
SELECT _bigbrotr.delete_blocked_events(ARRAY[sha256('gone 400')]);
INSERT INTO bigbrotr.blocked_events (event_id, blocked_at, reason) VALUES (sha256('gone 400'), 1, 'why');
SELECT created_at, kind FROM _bigbrotr.deleted_events ORDER BY 1;
\x on
SELECT filter, a.answer, a.proven, a.read, a.reasons FROM unnest(ARRAY['{}', '{"kinds": [2]}', '{"kinds": [3]}', '{"kinds": [4]}']::jsonb[]) AS filter, pg_temp.ask('wss://r1.example.com', filter, 1000, 2000) AS a;
\x off
SELECT lower, upper, evidence, reason FROM bigbrotr.coverage_between('wss://r1.example.com', to_timestamp(1000), to_timestamp(2000));
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, inserted_at, kind, tags, content, sig)
	VALUES (sha256('gone 200'), sha256('a'), 1200, 1, 2, '[]', '', decode(repeat('00', 64), 'hex'));
SELECT filter, a.answer FROM unnest(ARRAY['{"kinds": [1]}', '{"kinds": [2]}']::jsonb[]) AS filter, pg_temp.ask('wss://r1.example.com', filter, 1000, 2000) AS a;
ROLLBACK;
-- A restore that was interrupted: coverage, and nothing of what it claims.
BEGIN;
DELETE FROM bigbrotr.coverage;
SELECT pg_temp.claim(1, 0, 999, 'paged', 0, 1800000000), pg_temp.claim(1, 1000, 2000, 'confirmed', 100, 1800000000), pg_temp.claim(2, 0, 2000, 'paged', 0, 1800000000);
SELECT _bigbrotr.drop_unfounded_coverage();
SELECT relay_id, lower, upper FROM bigbrotr.coverage;
SELECT pg_temp.claim(1, 1000, 2000, 'confirmed', 100, 1800000000);
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, inserted_at, kind, tags, content, sig)
	VALUES (sha256('e'), sha256('a'), 1500, 1, 1, '[]', '', decode(repeat('00', 64), 'hex'));
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at) SELECT e.eid, 2, 1 FROM bigbrotr.events AS e;
SELECT _bigbrotr.drop_unfounded_coverage();
ROLLBACK;

-- Rubbish.
SELECT pg_temp.claim(1, -1, 5, 'paged', 0, 10000);
SELECT pg_temp.claim(1, 6, 5, 'paged', 0, 10000);
SELECT pg_temp.claim(1, 5, 6, 'guess', 0, 10000);
SELECT pg_temp.claim(1, 5, 6, 'paged', 0, 10000, '{boredom}');
SELECT pg_temp.claim(99, 5, 6, 'paged', 0, 10000);
SELECT pg_temp.claim(3, 5, 11, 'paged', 0, 100);
SELECT _bigbrotr.retract_coverage(1, 7, 5, 'late', true, 9);
SELECT _bigbrotr.retract_coverage(1, 5, 7, 'boredom', true, 9);
SELECT _bigbrotr.limit_ranges(1, 0, 0, 0);
INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, doubts, events, observed_at) VALUES (3, 1, 2, 'paged', '{boredom}', 1, 1);
SELECT count(*) FROM bigbrotr.coverage WHERE relay_id <> 1;

DROP VIEW ranges;
DROP EXTENSION bigbrotr;
