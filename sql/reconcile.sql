-- Comparing sets: what a relay has shown, what is needed of it, what it withholds.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 2) AS n;
CREATE FUNCTION id(n integer) RETURNS bytea LANGUAGE sql IMMUTABLE RETURN sha256(n::text::bytea);
INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content)
SELECT 1000 + n, 5000, CASE n WHEN 7 THEN 20001 ELSE 1 END, id(n), id(0), id(0) || id(0), '[]', '' FROM generate_series(1, 10) AS n;
-- Relay 1 has shown the first eight.
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at)
SELECT e.eid, 1, 5000 FROM bigbrotr.events AS e WHERE e.created_at <= 1008;
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at)
SELECT e.eid, 2, 5000 FROM bigbrotr.events AS e WHERE e.created_at > 1008;

-- Ephemeral events are kept by no relay.
SELECT array_agg(created_at ORDER BY created_at) AS seen FROM _bigbrotr.seen_events(1, 0, 1002, 1100, 100);
SELECT count(*), bool_and(event_id = id((created_at - 1000)::integer)) FROM _bigbrotr.seen_events(1, 0, 0, 9223372036854775807, 100);
SELECT count(*) FROM _bigbrotr.seen_events(1, 0, 0, 2000, 3);
SELECT count(*) FROM _bigbrotr.seen_events(99, 0, 0, 2000, 3);

-- It offers one that another relay has brought, three that are new, and one that it has shown.
SELECT array_agg(need) FROM _bigbrotr.note_needs(1, 0, ARRAY[id(20), id(9), id(21), id(22), id(8)], 1000, 6000) AS need;
CREATE VIEW needs AS
SELECT n.relay_id, i AS id, n.lower, n.offered_at, n.tries, n.tried_at
FROM _bigbrotr.relay_needs AS n JOIN generate_series(1, 30) AS i ON id(i) = n.event_id ORDER BY 1, 2;
TABLE needs;
-- Nothing is settled before it is there; what came is not needed any more.
INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content)
SELECT 1000 + n, 6001, 1, id(n), id(0), id(0) || id(0), '[]', '' FROM generate_series(20, 21) AS n;
INSERT INTO bigbrotr.sightings (eid, relay_id, seen_at)
SELECT e.eid, CASE e.created_at WHEN 1020 THEN 1 ELSE 2 END, 6001 FROM bigbrotr.events AS e WHERE e.created_at >= 1020;
SELECT _bigbrotr.settle_needs(1, 0, 1000, 2000, 5999, 6002);
TABLE needs;
-- One is archived by now, though this relay did not serve it; each rests for a day, then for two.
SELECT array_agg(need) FROM _bigbrotr.note_needs(1, 0, ARRAY[id(21), id(22)], 1000, 7000) AS need;
SELECT _bigbrotr.settle_needs(1, 0, 1000, 2000, 6999, 7001);
SELECT array_agg(need) FROM _bigbrotr.note_needs(1, 0, ARRAY[id(22)], 1000, 6002 + 86400) AS need;
SELECT _bigbrotr.settle_needs(1, 0, 1000, 2000, 7002, 6003 + 86400);
TABLE needs;
SELECT array_agg(need) FROM _bigbrotr.note_needs(1, 0, ARRAY[id(22)], 1000, 6003 + 86400 + 86401) AS need;
SELECT _bigbrotr.need_rests(n, 1000, 1000 + 86400 * d) AS rests FROM (VALUES (0, 0), (1, 1), (2, 1), (6, 31), (6, 32), (60, 31), (60, 32)) AS v (n, d);
-- In another window it is another matter; what is not offered any more is forgotten.
SELECT _bigbrotr.settle_needs(1, 0, 2001, 3000, 0, 300000);
SELECT _bigbrotr.settle_needs(1, 0, 1000, 2000, 300000, 300001);
TABLE needs;
-- A relay may withhold so much and no more.
SELECT count(*) FROM _bigbrotr.note_needs(1, 0, ARRAY(SELECT id(n) FROM generate_series(1001, 21001) AS n), 3000, 8000);
SELECT count(*) FROM _bigbrotr.note_needs(1, 0, ARRAY[id(23)], 4000, 8001);
SELECT count(*) FROM _bigbrotr.note_needs(2, 0, ARRAY[id(23)], 4000, 8001);
SELECT count(*) FROM _bigbrotr.note_needs(99, 0, ARRAY[id(23)], 4000, 8001);
SELECT _bigbrotr.note_needs(2, 0, ARRAY['\x00'::bytea], 4000, 8001);

-- What one filter offers is settled by itself.
SELECT bigbrotr.add_sync_filter('{"kinds": [1]}') AS one \gset
SELECT count(*) FROM _bigbrotr.seen_events(1, :one, 0, 2000, 100);
SELECT count(*) FROM _bigbrotr.seen_events(1, 99, 0, 2000, 100);
SELECT _bigbrotr.note_needs(2, :one, ARRAY[id(23)], 4000, 8001);
SELECT _bigbrotr.settle_needs(2, :one, 4000, 5000, 9000, 9000);
SELECT filter_id = 0 AS of_all, lower FROM _bigbrotr.relay_needs WHERE relay_id = 2;
-- No other reading confirms anything while an id waits to be fetched.
SELECT last_second, _bigbrotr.needs_wait(2, 0, last_second) FROM (VALUES (3999), (4000), (5000)) AS v (last_second);
SELECT _bigbrotr.settle_needs(2, 0, 4000, 5000, 8000, 8002);
SELECT _bigbrotr.needs_wait(2, 0, 5000);

-- Who can do it.
SELECT _bigbrotr.may_compare(1, 1000);
-- What its document says counts until somebody has tried.
SELECT bigbrotr.insert_relay_metadata(url, NULL, 1, 900, nip11_present => true, nip11_supported_nips => '[1, 11]') FROM bigbrotr.relays WHERE relay_id = 1;
SELECT _bigbrotr.may_compare(1, 1000);
SELECT bigbrotr.insert_relay_metadata(url, NULL, 1, 901, nip11_present => true, nip11_supported_nips => '[1, 77]') FROM bigbrotr.relays WHERE relay_id = 1;
SELECT _bigbrotr.may_compare(1, 1000);
SELECT _bigbrotr.note_comparison(1, 'finished', 4, 1, '', 1000);
SELECT _bigbrotr.note_comparison(1, 'finished', 1, 2, '', 1001);
SELECT _bigbrotr.may_compare(1, 1001);
SELECT _bigbrotr.note_comparison(1, 'broken', 0, 0, 'a truncated message', 1002);
SELECT _bigbrotr.note_comparison(2, 'refused', 0, 0, 'unknown message', 1002);
SELECT _bigbrotr.note_comparison(99, 'refused', 0, 0, '', 1002);
SELECT _bigbrotr.note_comparison(1, 'well', 0, 0, '', 1002);
SELECT * FROM _bigbrotr.relay_comparisons ORDER BY relay_id;
SELECT relay_id, _bigbrotr.may_compare(relay_id, 1002 + 7 * 86400) AS again, _bigbrotr.may_compare(relay_id, 1002 + 7 * 86400 - 1) AS before
FROM _bigbrotr.relay_comparisons ORDER BY relay_id;
DROP VIEW needs;
DROP FUNCTION id(integer);
DROP EXTENSION bigbrotr;
