-- What operators do by hand: delete relays for good, retry them, clean up without losing what was imported.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT * FROM bigbrotr.load_seeds('a list', E'wss://a.example.com\nwss://b.example.com\nc.example.com');
SET bigbrotr.verify_events = off;
SELECT bigbrotr.insert_event(sha256('e'), sha256('p'), 1, 1, '[]'::jsonb, 'x', sha256('a') || sha256('b'), 'wss://a.example.com', NULL, 1, 1);

-- Every spelling is the same relay; what is deleted is said, and what there is not.
CALL bigbrotr.delete_relay('WSS://A.example.com:443/');
CALL bigbrotr.delete_relay('wss://a.example.com');
CALL bigbrotr.delete_relay('no relay');
SELECT url FROM bigbrotr.relays ORDER BY url;
-- No list brings it back; an event that names it does, with its sighting, but nothing connects to it.
SELECT * FROM bigbrotr.load_seeds('a list', E'wss://a.example.com\nwss://b.example.com\nwss://d.example.com');
SELECT url FROM bigbrotr.relays ORDER BY url;
BEGIN;
SELECT bigbrotr.insert_event(sha256('e'), sha256('p'), 1, 1, '[]'::jsonb, 'x', sha256('a') || sha256('b'), 'wss://a.example.com', NULL, 1, 1);
SELECT r.url, r.status, s.enabled, (SELECT count(*) FROM bigbrotr.sightings AS o WHERE o.relay_id = r.relay_id) AS sightings
FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) ORDER BY url;
SELECT bigbrotr.add_relay('wss://a.example.com') IS NOT NULL AS added;
SELECT r.url, r.status, s.enabled FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) ORDER BY url;
ROLLBACK;
SELECT bigbrotr.add_relay('wss://a.example.com') IS NOT NULL AS added;
CALL bigbrotr.delete_relay('wss://d.example.com');
SELECT url FROM _bigbrotr.deleted_relays;
SELECT * FROM bigbrotr.load_seeds('another', E'wss://a.example.com');

-- retry_relay: those that wait are due, others are left.
UPDATE _bigbrotr.relay_sync SET phase = 'backoff', next_attempt = 99999999999, waits_for = 'host b.example.com'
WHERE relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url = 'wss://b.example.com');
UPDATE _bigbrotr.relay_sync SET phase = 'live', next_attempt = 77
WHERE relay_id = (SELECT relay_id FROM bigbrotr.relays WHERE url = 'wss://c.example.com');
SELECT bigbrotr.retry_relay('wss://B.example.com');
SELECT bigbrotr.retry_relay('wss://c.example.com');
SELECT bigbrotr.retry_relay('wss://nobody.example.com');
SELECT bigbrotr.disable_relay('wss://a.example.com');
SELECT bigbrotr.retry_relay('wss://a.example.com');
SELECT r.url, s.phase, s.next_attempt, s.waits_for FROM _bigbrotr.relay_sync AS s JOIN bigbrotr.relays AS r USING (relay_id) ORDER BY 1;
SELECT relay_url, network FROM bigbrotr.live_relays;

-- read_again: what is claimed of that time is read, not proven any more, until others agree.
SET TIME ZONE 'UTC';
SELECT relay_id AS c FROM bigbrotr.relays WHERE url = 'wss://c.example.com' \gset
UPDATE _bigbrotr.relay_sync SET again_at = '{1,2,3,4}' WHERE relay_id = :c;
SELECT _bigbrotr.claim_coverage(:c, 0, 0, 0, 999, 'paged', '{}', false, 5, 0, 5000, 5000),
       _bigbrotr.claim_coverage(:c, 0, 0, 100, 999, 'paged', '{}', true, 5, 0, 5000, 5000);
SELECT bigbrotr.read_again('WSS://c.example.com', to_timestamp(90), to_timestamp(109));
SELECT lower, upper, evidence, doubts FROM bigbrotr.coverage ORDER BY lower;
SELECT answer FROM bigbrotr.completeness('wss://c.example.com', '{}', to_timestamp(100), to_timestamp(109));
SELECT phase, next_attempt, again_at FROM _bigbrotr.relay_sync WHERE relay_id = :c;
UPDATE _bigbrotr.relay_sync SET phase = 'waiting', next_attempt = 99999999999 WHERE relay_id = :c;
SELECT bigbrotr.read_again('wss://c.example.com', '2020-01-01', 'infinity');
SELECT next_attempt <= bigbrotr.unix_now() AS due, again_at FROM _bigbrotr.relay_sync WHERE relay_id = :c;
SELECT bigbrotr.read_again('wss://nobody.example.com', to_timestamp(0), to_timestamp(1));
SELECT bigbrotr.read_again('wss://c.example.com', to_timestamp(2), to_timestamp(1));

-- Of two events without a sighting, the imported one is no orphan, however it came here.
SELECT bigbrotr.sign_event(sha256('k'), 1, 'imported', created_at => 1) AS imported, bigbrotr.sign_event(sha256('k'), 1, 'known', created_at => 2) AS known \gset
SELECT import_id FROM bigbrotr.begin_import('a file', 'wss://b.example.com') \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(:'known', 'UTF8')) > 0 AS taken;
SELECT import_id FROM bigbrotr.begin_import('another file') \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(:'imported' || E'\n' || :'known', 'UTF8')) > 0 AS taken;
SELECT content, s.relay_id IS NOT NULL AS seen FROM bigbrotr.events AS e LEFT JOIN bigbrotr.sightings AS s USING (eid) ORDER BY content;
CALL bigbrotr.delete_relay('wss://b.example.com');
CALL bigbrotr.cleanup_orphans();
SELECT content FROM bigbrotr.events ORDER BY content;
SELECT bigbrotr.delete_events(array_agg(event_id)) FROM bigbrotr.events;
SELECT count(*) FROM _bigbrotr.imported_events;

-- Connections that failed are counted apart from what was refused.
SELECT relay_id FROM bigbrotr.relays WHERE url = 'wss://c.example.com' \gset
SELECT _bigbrotr.count_refusals(ARRAY[:relay_id, :relay_id, :relay_id], '{dns_failed,too_large,bad_signature}', '{10,2,1}', '{a,b,c}', 1);
SELECT reason, kind, refusal_count FROM bigbrotr.refusals WHERE source = 'relay' ORDER BY reason;
SELECT refusal_count FROM bigbrotr.sync_status WHERE relay_url = 'wss://c.example.com';
SELECT refusal_count FROM bigbrotr.sync_totals;
DROP EXTENSION bigbrotr;
