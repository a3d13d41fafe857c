-- Coverage: claims merge, gaps are what is left.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 2) AS n;
CREATE VIEW ranges AS SELECT relay_id, lower, upper, evidence, events, proven_at FROM bigbrotr.coverage ORDER BY relay_id, lower;

-- A backfill downwards: page by page, then the end.
SELECT * FROM _bigbrotr.gaps(1, 1000);
SELECT _bigbrotr.claim_coverage(1, 901, 1000, 'paged', 5, 1000);
SELECT _bigbrotr.claim_coverage(1, 801, 900, 'paged', 6, 1001);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 1000);
SELECT _bigbrotr.claim_coverage(1, 0, 800, 'exhausted', 7, 1002);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 1000);

-- The next pass: what came since. Two ranges at first, one at the end.
SELECT _bigbrotr.claim_coverage(1, 1051, 1100, 'paged', 1, 1100);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 1100);
SELECT _bigbrotr.claim_coverage(1, 1001, 1050, 'exhausted', 1, 1101);
TABLE ranges;

-- A dense second is no proof; the same second once more; its proof replaces it.
SELECT _bigbrotr.claim_coverage(2, 501, 1000, 'paged', 5, 2000);
SELECT _bigbrotr.claim_coverage(2, 500, 500, 'dense', 500, 2000);
SELECT _bigbrotr.claim_coverage(2, 500, 500, 'dense', 400, 2001);
SELECT _bigbrotr.claim_coverage(2, 0, 499, 'exhausted', 5, 2002);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(2, 1000);
SELECT lower, upper, seconds, reason, extract(epoch FROM tried_at)::bigint AS tried_at FROM bigbrotr.coverage_gaps WHERE relay_url = 'wss://r2.example.com' AND upper < 2000;
SELECT _bigbrotr.claim_coverage(2, 400, 600, 'paged', 900, 2003);
TABLE ranges;
SELECT _bigbrotr.claim_coverage(2, 300, 300, 'dense', 1, 2004);
TABLE ranges;

-- What the synchronizer asks for: no dense second that was tried of late, and not more than it can use.
SELECT _bigbrotr.claim_coverage(2, 1500, 1500, 'dense', 7, 2005);
SELECT * FROM _bigbrotr.gaps(2, 2000);
SELECT * FROM _bigbrotr.gaps(2, 2000, 2005);
SELECT * FROM _bigbrotr.gaps(2, 2000, 2006, 2);
SELECT * FROM _bigbrotr.gaps(2, 1500, most => 1);
SELECT * FROM _bigbrotr.gaps(2, 1499);

-- A thousand dense seconds of a relay; with one more the lowest of them are one range, which claims less.
DELETE FROM bigbrotr.coverage;
SELECT count(_bigbrotr.claim_coverage(2, s + 1, s + 2, 'paged', 1, 9000)), count(_bigbrotr.claim_coverage(2, s, s, 'dense', 9, 9000))
FROM generate_series(3003, 6, -3) AS s;
SELECT evidence, count(*), min(lower), max(upper) FROM bigbrotr.coverage GROUP BY 1 ORDER BY 1;
SELECT _bigbrotr.claim_coverage(2, 3, 3, 'dense', 9, 9001);
SELECT evidence, count(*), min(lower), max(upper), max(upper - lower) FROM bigbrotr.coverage GROUP BY 1 ORDER BY 1;
SELECT dense_seconds, proven_seconds, extract(epoch FROM proven_from)::bigint AS proven_from FROM bigbrotr.relay_progress WHERE relay_id = 2;
SELECT * FROM _bigbrotr.gaps(2, 1600, most => 3) ORDER BY lower;
-- Such a range is tried again as a whole: its proven parts leave it, its dense seconds do not.
SELECT _bigbrotr.claim_coverage(2, 1000, 1100, 'paged', 5, 9500);
SELECT _bigbrotr.claim_coverage(2, 900, 900, 'dense', 9, 9501);
SELECT _bigbrotr.claim_coverage(2, 1050, 1050, 'dense', 9, 9502);
SELECT lower, upper, evidence, events, proven_at FROM bigbrotr.coverage WHERE lower < 1510 ORDER BY lower;
SELECT * FROM bigbrotr.verify_references();

-- A clock that was ahead claimed seconds that had not come yet.
DELETE FROM bigbrotr.coverage;
SELECT _bigbrotr.claim_coverage(1, 0, 500, 'exhausted', 5, 1000), _bigbrotr.claim_coverage(1, 600, 900, 'paged', 5, 1000),
       _bigbrotr.claim_coverage(1, 950, 950, 'dense', 5, 1000), _bigbrotr.claim_coverage(2, 0, 100, 'exhausted', 5, 1000);
SELECT _bigbrotr.trim_coverage(700), _bigbrotr.trim_coverage(700);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 800);

-- Holes in all sorts, claims inside, around and across.
DELETE FROM bigbrotr.coverage;
SELECT _bigbrotr.claim_coverage(1, l, l + 9, 'paged', 1, 5000) FROM generate_series(100, 900, 100) AS l;
SELECT _bigbrotr.claim_coverage(1, 205, 405, 'paged', 1, 4000);
SELECT _bigbrotr.claim_coverage(1, 502, 505, 'exhausted', 1, 6000);
SELECT _bigbrotr.claim_coverage(1, 0, 0, 'exhausted', 0, 6000);
TABLE ranges;
SELECT * FROM _bigbrotr.gaps(1, 905);
SELECT * FROM _bigbrotr.gaps(1, 950);
SELECT * FROM _bigbrotr.gaps(1, 450);
SELECT * FROM _bigbrotr.gaps(99, 5);
SELECT _bigbrotr.claim_coverage(1, 0, 6000, 'exhausted', 1, 6000);
TABLE ranges;
SELECT proven_seconds, dense_seconds, extract(epoch FROM proven_from)::bigint AS proven_from, extract(epoch FROM proven_until)::bigint AS proven_until FROM bigbrotr.relay_progress ORDER BY relay_id;

-- Random claims against the plain truth, second by second.
DELETE FROM bigbrotr.coverage;
DO $$
DECLARE
	truth boolean[] := array_fill(false, ARRAY[201]);
	claimed boolean[];
	l integer;
	u integer;
BEGIN
	PERFORM setseed(0.5);
	FOR i IN 1 .. 300 LOOP
		IF i % 30 = 0 THEN
			DELETE FROM bigbrotr.coverage;
			truth := array_fill(false, ARRAY[201]);
		END IF;
		l := floor(random() * 201);
		u := CASE WHEN i % 4 = 0 THEN l ELSE least(200, l + floor(random() * 20)::integer) END;
		PERFORM _bigbrotr.claim_coverage(2, l, u, CASE WHEN i % 4 = 0 THEN 'dense' WHEN random() < 0.3 THEN 'exhausted' ELSE 'paged' END, 1, 300);
		IF i % 4 <> 0 THEN
			FOR s IN l .. u LOOP truth[s + 1] := true; END LOOP;
		END IF;
		SELECT array_agg(EXISTS (SELECT FROM bigbrotr.coverage AS c
			WHERE c.relay_id = 2 AND c.evidence <> 'dense' AND s BETWEEN c.lower AND c.upper) ORDER BY s)
		INTO claimed FROM generate_series(0, 200) AS s;
		IF claimed <> truth THEN
			RAISE EXCEPTION 'after claim % the coverage is not the truth', i;
		END IF;
		IF EXISTS (SELECT FROM _bigbrotr.gaps(2, 200) AS g WHERE g.reason = 'unread' AND truth[g.lower + 1 : g.upper + 1] @> '{t}')
		   OR (SELECT coalesce(sum(g.upper - g.lower + 1), 0) FROM _bigbrotr.gaps(2, 200) AS g)
		      <> (SELECT count(*) FROM unnest(truth) AS t WHERE NOT t) THEN
			RAISE EXCEPTION 'after claim % the gaps are not the rest', i;
		END IF;
		IF EXISTS (SELECT FROM bigbrotr.verify_references()) THEN
			RAISE EXCEPTION 'after claim % ranges overlap', i;
		END IF;
	END LOOP;
END
$$;

-- Rubbish.
SELECT _bigbrotr.claim_coverage(1, -1, 5, 'paged', 0, 10);
SELECT _bigbrotr.claim_coverage(1, 6, 5, 'paged', 0, 10);
SELECT _bigbrotr.claim_coverage(1, 5, 11, 'paged', 0, 10);
SELECT _bigbrotr.claim_coverage(1, 5, 6, 'dense', 0, 10);
SELECT _bigbrotr.claim_coverage(1, 5, 6, 'guess', 0, 10);
SELECT _bigbrotr.claim_coverage(99, 5, 6, 'paged', 0, 10);
SELECT count(*) FROM bigbrotr.coverage WHERE relay_id <> 2;

DROP VIEW ranges;
DROP EXTENSION bigbrotr;
