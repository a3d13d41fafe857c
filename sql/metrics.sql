-- Metrics: a counter never falls, whatever is deleted.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n;
UPDATE _bigbrotr.relay_sync SET withdrawals = relay_id;
SELECT _bigbrotr.count_traffic('{1,2}', '{3,4}', '{5,6}', '{7,8}', '{9,10}', '{11,12}', 1000);
SELECT _bigbrotr.count_refusals('{1,2,3}', '{flood,bad_id,flood}', '{13,14,15}', '{a,b,c}', 1000);
INSERT INTO bigbrotr.event_rejects (event_id, relay_id, rejected_at, sqlstate, message, raw)
SELECT sha256(convert_to(n::text, 'UTF8')), 1, 1000, '54000', 'm', '{}' FROM generate_series(1, 2) AS n;
CREATE VIEW counters AS SELECT family, labels, value FROM _bigbrotr.archive_samples() WHERE suffix = '_total';
CREATE TABLE before AS SELECT * FROM counters;
SELECT * FROM before ORDER BY 1, 2;
-- Relays one by one, then all; rows that are cleaned; what an administrator deletes.
CALL bigbrotr.delete_relay('wss://r1.example.com');
SELECT b.*, c.value AS now FROM before AS b LEFT JOIN counters AS c USING (family, labels) WHERE b.value IS DISTINCT FROM c.value;
DELETE FROM _bigbrotr.relay_refusals WHERE relay_id = 3;
SELECT _bigbrotr.delete_blocked_events(ARRAY[sha256('1')]);
SELECT _bigbrotr.trim_history(bigbrotr.unix_now(), 100);
CALL bigbrotr.delete_relay('wss://r2.example.com');
CALL bigbrotr.delete_relay('wss://r3.example.com');
SET ROLE bigbrotr_admin;
DELETE FROM bigbrotr.event_rejects;
RESET ROLE;
SELECT b.*, c.value AS now FROM before AS b LEFT JOIN counters AS c USING (family, labels) WHERE b.value IS DISTINCT FROM c.value;
SELECT count(*) FROM _bigbrotr.relay_traffic;
-- What comes after it is added.
SELECT bigbrotr.add_relay('wss://r4.example.com') AS relay \gset
SELECT _bigbrotr.count_traffic(array_agg(relay_id), '{1}', '{1}', '{1}', '{1}', '{1}', 2000), _bigbrotr.count_refusals(array_agg(relay_id), '{flood}', '{1}', '{a}', 2000)
FROM bigbrotr.relays;
SELECT b.*, c.value AS now FROM before AS b LEFT JOIN counters AS c USING (family, labels) WHERE b.value IS DISTINCT FROM c.value ORDER BY 1, 2;
DROP EXTENSION bigbrotr CASCADE;
