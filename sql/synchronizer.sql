-- The synchronizer's functions: turns, back-off, counters, progress.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 4) AS n;
INSERT INTO bigbrotr.relays (url, network, inserted_at) VALUES
	('ws://127.0.0.1:1', 'local', 0), ('ws://x.i2p', 'i2p', 0), ('wss://plain.example.com', 'clearnet', 0);
CREATE VIEW state AS
	SELECT relay_id, phase, phase_since, next_attempt, failures, last_error, last_success FROM bigbrotr.relay_sync WHERE relay_id <> 3 ORDER BY relay_id;

-- Never tried ones first, in order; local ones only if allowed; overlays wait.
SELECT * FROM bigbrotr.due_relays(false, 100);
SELECT relay_id FROM bigbrotr.due_relays(true, 100);
SELECT * FROM bigbrotr.take_relays(2, false, 100);
SELECT * FROM bigbrotr.take_relays(0, false, 100);
UPDATE bigbrotr.relay_sync SET enabled = false WHERE relay_id = 3;
SELECT relay_id FROM bigbrotr.take_relays(10, false, 101);
SELECT relay_id FROM bigbrotr.take_relays(10, false, 102);
TABLE state;
SELECT * FROM bigbrotr.unwanted_relays('{1,2,3,5,99}', false);
SELECT * FROM bigbrotr.unwanted_relays('{1,2,3,5,99}', true);

-- Phases.
SELECT bigbrotr.report_relay(1, 'connected', '', '', 0, 5000, 3600000, 110);
SELECT bigbrotr.report_relay(1, 'caught_up', '', '', 0, 5000, 3600000, 120);
SELECT bigbrotr.report_relay(1, 'caught_up', '', '', 0, 5000, 3600000, 130);
SELECT relay_id, phase_since FROM bigbrotr.relay_sync WHERE relay_id = 1;
SELECT bigbrotr.report_relay(2, 'ended', 'dns_failed', 'no such host', 0, 5000, 3600000, 110);
SELECT bigbrotr.report_relay(4, 'ended', '', '', 0, 5000, 3600000, 110);
SELECT relay_id, phase, failures, last_error, last_detail FROM bigbrotr.relay_sync ORDER BY relay_id;
SELECT relay_id, status FROM bigbrotr.relays ORDER BY relay_id;
SELECT bigbrotr.report_relay(1, 'exploded', '', '', 0, 5000, 3600000, 110);
SELECT bigbrotr.report_relay(99, 'ended', 'x', '', 0, 5000, 3600000, 110);

-- Back-off: doubles, spreads by a quarter, ends at the maximum; the relay's wish counts, up to a day.
DO $$
DECLARE
	delay bigint;
BEGIN
	UPDATE bigbrotr.relay_sync SET failures = 0 WHERE relay_id = 2;
	FOR n IN 0 .. 100 LOOP
		PERFORM bigbrotr.report_relay(2, 'ended', 'timeout', '', 0, 10000, 3600000, 1000);
		SELECT next_attempt - 1000 INTO delay FROM bigbrotr.relay_sync WHERE relay_id = 2;
		IF delay NOT BETWEEN least(7.5 * 2 ^ n, 2700) AND least(12.5 * 2 ^ n + 1, 3600) THEN
			RAISE EXCEPTION 'failure %: delay %', n, delay;
		END IF;
	END LOOP;
END
$$;
SELECT count(DISTINCT (hashint4(r) & 1023)) > 90 AS spread FROM generate_series(1, 100) AS r;
UPDATE bigbrotr.relay_sync SET failures = 0 WHERE relay_id = 2;
SELECT bigbrotr.report_relay(2, 'ended', 'rate_limited', '', 600000, 5000, 3600000, 1000);
SELECT next_attempt - 1000 AS delay FROM bigbrotr.relay_sync WHERE relay_id = 2;
SELECT bigbrotr.report_relay(2, 'ended', 'rate_limited', '', 4000000000, 5000, 3600000, 1000);
SELECT next_attempt - 1000 AS delay FROM bigbrotr.relay_sync WHERE relay_id = 2;

-- A page read to its end ends the series of failures; traffic alone does not.
SELECT bigbrotr.count_traffic('{1,2,99}', '{10,0,1}', '{20,1,1}', '{30,1,1}', '{4000,10,1}', '{0,0,1}', 2000);
SELECT failures, last_success FROM bigbrotr.relay_sync WHERE relay_id = 2;
SELECT bigbrotr.count_traffic('{1,2}', '{1,0}', '{2,0}', '{3,0}', '{400,0}', '{1,1}', 2001);
SELECT relay_id, failures, last_success, events, sightings, messages, bytes, pages FROM bigbrotr.relay_sync WHERE relay_id < 3 ORDER BY 1;
SELECT relay_id, last_seen FROM bigbrotr.relays WHERE last_seen IS NOT NULL ORDER BY 1;

SELECT bigbrotr.count_refusals('{1,1,2,1,99}', '{bad_sig,bad_sig,bad_sig,too_deep,bad_sig}', '{1,2,3,4,5}', '{a,b,c,d,e}', 3000);
SELECT bigbrotr.count_refusals('{1}', '{bad_sig}', '{10}', '{f}', 3001);
SELECT * FROM bigbrotr.relay_refusals ORDER BY 1, 2;
SELECT * FROM bigbrotr.refusals ORDER BY name, reason;

-- All connections lost: everything taken is due again, the back-off stays.
SELECT bigbrotr.release_relays(4000);
TABLE state;
-- Those waiting longest come first.
SELECT relay_id, since FROM bigbrotr.due_relays(false, 100000);

SELECT url, status, enabled, phase, events, sightings, messages, bytes, pages, refusals FROM bigbrotr.relay_progress ORDER BY relay_id;
SELECT relays, disabled, waiting, connecting, backfill, live, backoff, events, sightings, messages, bytes, pages, refusals, dense_seconds, coverage
FROM bigbrotr.sync_progress;

-- A deleted relay takes its state along; late news about it do no harm.
CALL bigbrotr.delete_relay('wss://r1.example.com');
SELECT bigbrotr.count_traffic('{1}', '{1}', '{1}', '{1}', '{1}', '{1}', 5000);
SELECT bigbrotr.count_refusals('{1}', '{bad_sig}', '{1}', '{f}', 5000);
SELECT count(*) FROM bigbrotr.relay_refusals WHERE relay_id = 1;

INSERT INTO bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_rtt_open, nip11_name) VALUES (2, 7000, true, 12, 'two');
SELECT relay_url, relay_network, generated_at, nip66_present, nip66_openable, nip66_rtt_open, nip11_present, nip11_name FROM bigbrotr.relay_metadata;

DROP VIEW state;
DROP EXTENSION bigbrotr;
