-- Exact counts, whatever happens to the tables.
CREATE EXTENSION bigbrotr;
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 2) AS n;
SELECT i.* FROM (SELECT array_agg(sha256(n::text::bytea)) AS ids, array_agg(sha256((n % 5)::text::bytea)) AS pubkeys,
	array_agg(n * 10000::bigint) AS ats, array_agg(n % 3) AS kinds, array_agg('[]'::text) AS tags, array_agg(''::text) AS contents,
	array_agg(sha256('a') || sha256('b')) AS sigs, array_agg(NULL::bytea) AS raws, array_agg(1 + n % 2) AS relays, array_agg(5::bigint) AS seen
	FROM generate_series(1, 30) AS n) AS e,
	_bigbrotr.insert_verified_events(ids, pubkeys, ats, kinds, tags, contents, sigs, raws, ids, relays, seen, 6) AS i;
SELECT * FROM bigbrotr.total_statistics;
SELECT * FROM bigbrotr.kind_statistics ORDER BY kind;
SELECT * FROM bigbrotr.day_statistics ORDER BY day;
SELECT * FROM bigbrotr.relay_statistics ORDER BY relay_id;
SELECT * FROM bigbrotr.verify_statistics();
SELECT count(*) FROM _bigbrotr.statistics;
SELECT _bigbrotr.fold_statistics(), _bigbrotr.fold_statistics();
SELECT * FROM bigbrotr.total_statistics;
SELECT count(*) FROM _bigbrotr.statistics_deltas;
SELECT * FROM bigbrotr.verify_statistics();

-- Rows by plain SQL count as well, and so do deletions, updates and what is rolled back.
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	SELECT sha256('plain'), sha256('p'), 86399, 7, '[]', '', sha256('a') || sha256('b'), 0;
UPDATE bigbrotr.events SET created_at = 86400 WHERE event_id = sha256('plain');
SELECT bigbrotr.delete_events(ARRAY[sha256('1'), sha256('2')]);
CALL bigbrotr.delete_relay('wss://r1.example.com');
BEGIN;
DELETE FROM bigbrotr.events;
SELECT * FROM bigbrotr.total_statistics;
ROLLBACK;
SELECT * FROM bigbrotr.total_statistics;
SELECT * FROM bigbrotr.verify_statistics();
SELECT _bigbrotr.fold_statistics(2), _bigbrotr.fold_statistics(), _bigbrotr.fold_statistics();
SELECT * FROM bigbrotr.verify_statistics();
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	SELECT sha256('far'), sha256('p'), 9223372036854775807, 7, '[]', '', sha256('a') || sha256('b'), 0;
SELECT * FROM bigbrotr.day_statistics ORDER BY day;
TRUNCATE bigbrotr.sightings;
SELECT * FROM bigbrotr.total_statistics;
SELECT _bigbrotr.fold_statistics();
TRUNCATE bigbrotr.events;
SELECT * FROM bigbrotr.total_statistics;
SELECT * FROM bigbrotr.verify_statistics();

-- A wrong count is found.
INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	SELECT sha256(n::text::bytea), sha256((n % 7)::text::bytea), n, n % 2, '[]', '', sha256('a') || sha256('b'), 0 FROM generate_series(1, 20) AS n;
INSERT INTO _bigbrotr.statistics_deltas (subject, keys, counts) VALUES ('kind', '{1,4}', '{2,-1}');
SELECT * FROM bigbrotr.verify_statistics();

-- Authors.
SELECT bigbrotr.count_authors(), bigbrotr.count_authors('{0}', 1, 4), bigbrotr.count_authors('{9}'), bigbrotr.estimate_authors() BETWEEN 6 AND 8 AS about;
DROP EXTENSION bigbrotr;
