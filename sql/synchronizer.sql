-- The synchronizer's functions: turns, back-off, counters, progress.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 4) AS n;
INSERT INTO bigbrotr.relays (url, network, inserted_at) VALUES
	('ws://127.0.0.1:1', 'local', 0), ('ws://x.i2p', 'i2p', 0), ('wss://plain.example.com', 'clearnet', 0);
CREATE VIEW state AS
	SELECT relay_id, phase, phase_since, next_attempt, waits_for, failures, last_error, owner
	FROM _bigbrotr.relay_sync LEFT JOIN _bigbrotr.relay_leases USING (relay_id) WHERE relay_id <> 3 ORDER BY relay_id;

-- Hosts and sites.
SELECT u AS url, s.* FROM unnest(ARRAY['wss://relay.example.com', 'wss://a.b.example.co.uk/x', 'wss://me.github.io', 'ws://127.0.0.1:1/a',
	'wss://[2001:db8::1]:7777/p', 'wss://[2001:db8:0:0:ffff::2]', 'ws://localhost', 'wss://co.uk', 'wss://bücher.example.com',
	'ws://a.467eezi7n5hab3aa536jvavjfslggttkqfpnaswkkuzfml45xvxq.b32.i2p', 'ws://a.name.i2p',
	'ws://a.2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion']) AS u,
	_bigbrotr.relay_site((bigbrotr.normalise_relay_url(u)).url) AS s;

-- Never tried ones first, in order; local ones only if allowed; overlays wait for a proxy.
SELECT _bigbrotr.start_synchronizer('a', 200, 100);
SELECT * FROM _bigbrotr.due_relays(100);
SELECT * FROM _bigbrotr.take_relays('a', 2, 9, 9, 5000, '{clearnet}', false, 100);
SELECT * FROM _bigbrotr.take_relays('a', 0, 9, 9, 5000, '{clearnet}', false, 100);
SELECT bigbrotr.disable_relay('WSS://r3.example.com');
SELECT relay_id FROM _bigbrotr.take_relays('a', 10, 9, 9, 5000, '{clearnet}', false, 101);
SELECT relay_id FROM _bigbrotr.take_relays('a', 10, 9, 9, 5000, '{clearnet}', false, 102);
TABLE state;
SELECT relay_url, phase, waiting_for, owner FROM bigbrotr.sync_status ORDER BY relay_id;
SELECT _bigbrotr.wake_relays(true);
SELECT relay_id FROM _bigbrotr.take_relays('a', 10, 9, 9, 5000, '{clearnet,local}', false, 102);
UPDATE _bigbrotr.relay_sync SET enabled = false WHERE relay_id = 2;
SELECT * FROM _bigbrotr.unwanted_relays('a', '{clearnet}') ORDER BY 1;
SELECT * FROM _bigbrotr.unwanted_relays('a', '{clearnet,local}') ORDER BY 1;
UPDATE _bigbrotr.relay_sync SET enabled = true WHERE relay_id = 2;
SELECT * FROM _bigbrotr.unwanted_relays('b', '{clearnet}') ORDER BY 1;

-- Phases.
SELECT _bigbrotr.report_relay('a', 1, 'connected', '', '', 0, 0, 0, 5000, 3600000, 110);
SELECT _bigbrotr.report_relay('a', 1, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 120);
SELECT _bigbrotr.report_relay('a', 1, 'caught_up', '', '', 0, 100, 250, 5000, 3600000, 130);
SELECT relay_id, phase_since, page_limit, pace_ms FROM _bigbrotr.relay_sync WHERE relay_id = 1;
SELECT _bigbrotr.report_relay('a', 2, 'ended', 'dns_failed', 'no such host', 0, 0, 0, 5000, 3600000, 110);
SELECT _bigbrotr.report_relay('a', 4, 'ended', '', '', 0, 0, 0, 5000, 3600000, 110);
SELECT relay_id, phase, failures, last_error, last_detail FROM _bigbrotr.relay_sync ORDER BY relay_id;
-- In words; how long ago changes.
BEGIN;
SELECT _bigbrotr.count_refusals('{2,2}', '{bad_id,flood}', '{13,14}', '{said,""}', 1000);
INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, doubts, events, observed_at) VALUES (2, 1604707200, 1604707200, 'paged', '{clock}', 0, 0);
SELECT regexp_replace(line, ', [^,]* ago$', ', … ago') AS line FROM bigbrotr.explain_relay('wss://r2.example.com') AS line;
SELECT regexp_replace(line, 'since [^,]*', 'since …') AS line FROM bigbrotr.explain_relay('wss://r3.example.com') AS line;
ROLLBACK;
SELECT relay_id, status FROM bigbrotr.relays ORDER BY relay_id;
SELECT _bigbrotr.report_relay('a', 1, 'exploded', '', '', 0, 0, 0, 5000, 3600000, 110);
SELECT _bigbrotr.report_relay('a', 99, 'ended', 'x', '', 0, 0, 0, 5000, 3600000, 110);
-- Who does not hold the lease has nothing to say.
SELECT _bigbrotr.report_relay('a', 2, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 111);
SELECT _bigbrotr.report_relay('b', 1, 'ended', 'x', '', 0, 0, 0, 5000, 3600000, 111);
TABLE state;

-- Nothing is said of a relay when the proxy of its network fails.
SELECT reason, _bigbrotr.end_kind(reason) FROM unnest(ARRAY['no_proxy', 'proxy_failed', 'overlay_unreachable', 'connection_refused']) AS reason;

-- Back-off: doubles, spreads by a quarter, ends at the maximum; the relay's wish counts, up to a day.
DO $$
DECLARE
	delay bigint;
BEGIN
	UPDATE _bigbrotr.relay_sync SET failures = 0 WHERE relay_id = 2;
	UPDATE _bigbrotr.relay_sync SET next_attempt = 200000 WHERE relay_id <> 2; -- so that it is its turn each time
	FOR n IN 0 .. 100 LOOP
		PERFORM _bigbrotr.take_relays('a', 1, 9, 9, 5000, '{clearnet}', false, 100000);
		PERFORM _bigbrotr.report_relay('a', 2, 'ended', 'timeout', '', 0, 0, 0, 10000, 3600000, 1000);
		SELECT next_attempt - 1000 INTO delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
		IF delay NOT BETWEEN least(7.5 * 2 ^ n, 2700) AND least(12.5 * 2 ^ n + 1, 3600) THEN
			RAISE EXCEPTION 'failure %: delay %', n, delay;
		END IF;
	END LOOP;
END
$$;
SELECT count(DISTINCT (hashint4(r) & 1023)) > 90 AS spread FROM generate_series(1, 100) AS r;
UPDATE _bigbrotr.relay_sync SET failures = 0 WHERE relay_id = 2;
CREATE PROCEDURE end_relay(reason text, pause_ms bigint, at bigint) LANGUAGE sql AS $$
	SELECT _bigbrotr.take_relays('a', 1, 9, 9, 5000, '{clearnet}', false, 100000);
	SELECT _bigbrotr.report_relay('a', 2, 'ended', reason, '', pause_ms, 0, 0, 5000, 3600000, at);
$$;
-- How long, in seconds, by the reason and the number of failures.
SELECT reason, array_agg(ceil(_bigbrotr.back_off(reason, failures, failures, 10000, 3600000, 0.5) / 1000) ORDER BY failures) AS seconds
FROM unnest('{stalled,rate_limited,dns_failed,tls_failed,auth_required,proxy_failed,flood}'::text[]) AS reason, unnest('{1,2,10,40}'::integer[]) AS failures
GROUP BY 1 ORDER BY 1;
-- A failure of our own proxy is none of the relay.
CALL end_relay('proxy_failed', 0, 1000);
SELECT failures, next_attempt - 1000 BETWEEN 112 AND 188 AS delayed FROM _bigbrotr.relay_sync WHERE relay_id = 2;
CALL end_relay('rate_limited', 600000, 1000);
SELECT next_attempt - 1000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
CALL end_relay('rate_limited', 4000000000, 1000);
SELECT next_attempt - 1000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
-- A relay that does not let us read is there all the same.
UPDATE _bigbrotr.relay_sync SET next_attempt = bigbrotr.unix_now() + 1000 WHERE relay_id = 2;
SELECT status, phase, waiting_for FROM bigbrotr.sync_status WHERE relay_id = 2;
UPDATE _bigbrotr.relay_sync SET next_attempt = 0 WHERE relay_id = 2;
-- Forgery: long at once, longer each time, whatever pages come between; one is forgiven a day.
CALL end_relay('too_many_invalid', 0, 2000);
SELECT _bigbrotr.count_traffic('{2}', '{0}', '{0}', '{9}', '{9}', '{5}', 2000);
SELECT failures, faults, next_attempt - 2000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
CALL end_relay('too_many_invalid', 0, 3000);
SELECT failures, faults, next_attempt - 3000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
CALL end_relay('flood', 0, 3000 + 86400);
SELECT failures, faults, next_attempt - 3000 - 86400 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
CALL end_relay('flood', 0, 3000 + 86400 * 8);
SELECT faults, next_attempt - 3000 - 86400 * 8 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 2;
UPDATE _bigbrotr.relay_sync SET failures = 2, next_attempt = 5000 WHERE relay_id = 2;
DROP PROCEDURE end_relay;

-- A page read to its end ends the series of failures; traffic alone does not.
SELECT _bigbrotr.count_traffic('{1,2,99}', '{10,0,1}', '{20,1,1}', '{30,1,1}', '{4000,10,1}', '{0,0,1}', 2000);
SELECT failures, last_success FROM _bigbrotr.relay_sync LEFT JOIN _bigbrotr.relay_traffic USING (relay_id) WHERE relay_id = 2;
SELECT _bigbrotr.count_traffic('{1,2}', '{1,0}', '{2,0}', '{3,0}', '{400,0}', '{1,1}', 2001);
SELECT failures, t.* FROM _bigbrotr.relay_traffic AS t JOIN _bigbrotr.relay_sync USING (relay_id) WHERE relay_id < 3 ORDER BY relay_id;
SELECT relay_id, last_seen FROM bigbrotr.relays WHERE last_seen IS NOT NULL ORDER BY 1;

SELECT _bigbrotr.count_refusals('{1,1,2,1,99}', '{bad_sig,bad_sig,bad_sig,too_deep,bad_sig}', '{1,2,3,4,5}', '{a,b,c,d,e}', 3000);
SELECT _bigbrotr.count_refusals('{1}', '{bad_sig}', '{10}', '{f}', 3001);
SELECT * FROM _bigbrotr.relay_refusals ORDER BY 1, 2;
SELECT source, relay_url, reason, kind, refusal_count, extract(epoch FROM first_at)::bigint AS first_at, extract(epoch FROM last_at)::bigint AS last_at, last_detail
FROM bigbrotr.refusals ORDER BY relay_url, reason;

-- All connections lost: everything taken is due again, the back-off stays.
SELECT _bigbrotr.release_relays('a', 4000);
TABLE state;
-- Those waiting longest come first.
SELECT relay_id, since FROM _bigbrotr.due_relays(300000);

-- Two workers: no relay twice; the dead one's leases go to others; one that comes back has lost them.
SELECT _bigbrotr.start_synchronizer('b', 4100, 4000);
SELECT relay_id FROM _bigbrotr.take_relays('a', 1, 9, 9, 5000, '{clearnet,local}', false, 300000);
SELECT relay_id FROM _bigbrotr.take_relays('b', 1, 9, 9, 5000, '{clearnet,local}', false, 300000);
SELECT _bigbrotr.renew_leases('a', 4050), _bigbrotr.renew_leases('c', 4050);
SELECT _bigbrotr.release_relays('c', 4001), _bigbrotr.expire_leases(4049);
SELECT owner, expires, relay_id FROM _bigbrotr.sync_workers LEFT JOIN _bigbrotr.relay_leases USING (owner) ORDER BY 1;
SELECT _bigbrotr.expire_leases(4050), _bigbrotr.hold_leases('a'), _bigbrotr.renew_leases('a', 5000), _bigbrotr.hold_leases('b');
TABLE state;
-- A relay that is archived cannot be deleted.
DELETE FROM bigbrotr.relays WHERE relay_id = (SELECT relay_id FROM _bigbrotr.relay_leases);
-- Restarted under the same name: what it held is due at once.
SELECT _bigbrotr.start_synchronizer('b', 4200, 4100);
SELECT count(*) FROM _bigbrotr.relay_leases;

-- Places of one host and of one site: who finds none waits, and gets the next one.
INSERT INTO bigbrotr.relays (url, network, inserted_at)
	SELECT format('wss://a.crowd.example.org/%s', n), 'clearnet', 0 FROM generate_series(1, 3) AS n
	UNION ALL SELECT format('wss://h%s.crowd.example.org', n), 'clearnet', 0 FROM generate_series(1, 3) AS n;
SELECT _bigbrotr.adopt_relays(), _bigbrotr.adopt_relays();
CREATE VIEW crowd AS SELECT url, waits_for, owner FROM bigbrotr.relays JOIN _bigbrotr.relay_sync USING (relay_id)
	LEFT JOIN _bigbrotr.relay_leases USING (relay_id) WHERE url ~ 'crowd' ORDER BY relay_id;
SELECT url FROM _bigbrotr.take_relays('b', 10, 2, 3, 5000, '{clearnet}', false, 4100);
TABLE crowd;
SELECT relay_url, waiting_for FROM bigbrotr.sync_status WHERE relay_url ~ 'crowd' ORDER BY relay_id;
SELECT count(*) FROM _bigbrotr.crowded_relays('b');
SELECT _bigbrotr.report_relay('b', relay_id, 'ended', '', '', 0, 0, 0, 5000, 3600000, 4110) FROM bigbrotr.relays WHERE url ~ 'a.crowd.*/1';
SELECT url FROM _bigbrotr.take_relays('b', 10, 2, 3, 5000, '{clearnet}', false, 4110);
-- Places of an overlay network, in which each relay is a site of its own.
BEGIN;
INSERT INTO bigbrotr.relays (url, network, inserted_at) SELECT format('ws://r%s.i2p', n), 'i2p', 0 FROM generate_series(1, 3) AS n;
SELECT _bigbrotr.adopt_relays();
SELECT count(*) FROM _bigbrotr.take_relays('b', 10, 2, 3, 2, '{i2p}', false, 4110);
SELECT relay_url, waiting_for FROM bigbrotr.sync_status WHERE network = 'i2p' ORDER BY relay_id;
SELECT count(*) FROM _bigbrotr.crowded_relays('b') AS c (relay) JOIN bigbrotr.relays AS r ON r.relay_id = c.relay WHERE r.network = 'i2p';
SELECT _bigbrotr.end_lease('b', relay_id) FROM bigbrotr.relays WHERE url ~ 'r1.i2p';
SELECT url FROM _bigbrotr.take_relays('b', 10, 2, 3, 2, '{i2p}', false, 4110);
ROLLBACK;
TABLE crowd;
SELECT _bigbrotr.wake_relays(false);
TABLE crowd;
DROP VIEW crowd;
SELECT _bigbrotr.release_relays('b', 4200);
DELETE FROM bigbrotr.relays WHERE url ~ 'crowd';

SELECT relay_url, status, phase, waiting_for, new_event_count, sighting_count, message_count, byte_count, page_count, refusal_count FROM bigbrotr.sync_status ORDER BY relay_id;
SELECT relay_count, paused_count, waiting_count, connecting_count, backfill_count, live_count, backoff_count, event_count, sighting_count,
       message_count, byte_count, page_count, refusal_count, failure_count, partial_seconds, read_fraction, proven_fraction
FROM bigbrotr.sync_totals;

-- The clock was a day ahead until it was set back to 1800000000.
BEGIN;
SELECT bigbrotr.add_relay('wss://clock.example.com') AS clock \gset
UPDATE _bigbrotr.relay_sync SET next_attempt = 1800086400 + 600, next_audit = 1800080000, again_at = '{1800000001,5}' WHERE relay_id = :clock;
INSERT INTO bigbrotr.coverage (relay_id, filter_id, reader, lower, upper, evidence, doubts, observations, events, refused, observed_at)
VALUES (:clock, 0, 0, 0, 1800040000, 'confirmed', '{}', 2, 0, 0, 1800040900), (:clock, 0, 0, 1800040001, 1800050000, 'paged', '{}', 1, 0, 0, 1800050900);
SELECT count(_bigbrotr.adopt_visits());
UPDATE _bigbrotr.relay_visits SET next_visit = 1800086400 + 60 WHERE relay_id = :clock;
SELECT _bigbrotr.observe_relay(:clock, 'test', o.outcome, 'timeout', o.at) FROM (VALUES ('failed', 1799999000), ('answered', 1800040000), ('failed', 1800040100), ('answered', 1800040200), ('failed', 1800040300)) AS o (outcome, at);
-- The relay is none of the priority relays.
INSERT INTO _bigbrotr.sync_workers (owner, expires, priority) VALUES ('ahead', 1800086490, true);
SELECT _bigbrotr.sync_clock_set_back('ahead', 86400, 1800000000);
SELECT next_attempt - 1800086400 AS attempt FROM _bigbrotr.relay_sync WHERE relay_id = :clock;
UPDATE _bigbrotr.sync_workers SET priority = false WHERE owner = 'ahead';
SELECT _bigbrotr.sync_clock_set_back('ahead', 86400, 1800000000), _bigbrotr.visits_clock_set_back(86400, 1800000000);
SELECT expires - 1800000000 AS expires FROM _bigbrotr.sync_workers WHERE owner = 'ahead';
SELECT next_attempt - 1800000000 AS attempt, next_audit - 1800000000 AS audit, again_at FROM _bigbrotr.relay_sync WHERE relay_id = :clock;
SELECT next_visit - 1800000000 AS visit FROM _bigbrotr.relay_visits WHERE relay_id = :clock;
SELECT lower, upper, evidence, observed_at FROM bigbrotr.coverage WHERE relay_id = :clock;
SELECT observed_at, run_since FROM _bigbrotr.relay_health WHERE relay_id = :clock;
SELECT began, ended FROM _bigbrotr.relay_outages WHERE relay_id = :clock ORDER BY began;
SELECT _bigbrotr.observe_relay(:clock, 'test', 'answered', '', 1800000001);
SELECT outcome, observed_at FROM _bigbrotr.relay_health WHERE relay_id = :clock;
ROLLBACK;

-- A deleted relay takes its state along; late news about it do no harm.
CALL bigbrotr.delete_relay('wss://r1.example.com');
SELECT _bigbrotr.count_traffic('{1}', '{1}', '{1}', '{1}', '{1}', '{1}', 5000);
SELECT _bigbrotr.count_refusals('{1}', '{bad_sig}', '{1}', '{f}', 5000);
SELECT count(*) FROM _bigbrotr.relay_refusals WHERE relay_id = 1;

SELECT bigbrotr.insert_relay_metadata(url, NULL, 1, 7000, nip66_present => true, nip66_rtt_open => 12, nip11_name => 'two') FROM bigbrotr.relays WHERE relay_id = 2;
SELECT relay_url, relay_network, generated_at, nip66_present, nip66_openable, nip66_rtt_open, nip11_present, nip11_name FROM bigbrotr.relay_metadata;

-- 100,000 relays that somebody inserted without a state: each is adopted once, and a few of them are leased.
INSERT INTO bigbrotr.relays (url, network, inserted_at) SELECT format('wss://many%s.example.net', n), 'clearnet', n FROM generate_series(1, 100000) AS n;
SELECT _bigbrotr.adopt_relays(), _bigbrotr.adopt_relays();
SELECT count(*), count(DISTINCT s.relay_id), min(s.phase_since), max(s.phase_since) FROM _bigbrotr.relay_sync AS s
	JOIN bigbrotr.relays AS r USING (relay_id) WHERE r.url LIKE 'wss://many%' AND s.phase = 'waiting' AND s.enabled AND s.next_attempt = 0;
-- Which of them are due is read from the index in its order, and not all of them.
CREATE FUNCTION pg_temp.plan_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
	RETURN QUERY EXECUTE 'EXPLAIN (COSTS OFF) ' || statement;
END
$$;
ANALYZE _bigbrotr.relay_sync, bigbrotr.relays;
SELECT count(*) FILTER (WHERE p ~ 'Index (Only )?Scan using relay_sync_due_idx') AS by_index, count(*) FILTER (WHERE p ~ 'Sort|Seq Scan on (relay_sync|relays)') AS of_all
FROM pg_temp.plan_of('SELECT * FROM _bigbrotr.due_relays(8000) LIMIT 50') AS p;
SELECT _bigbrotr.start_synchronizer('many', 9000, 8000);
SELECT count(*) FROM _bigbrotr.take_relays('many', 50, 4, 100, 5000, '{clearnet}', false, 8000);
SELECT count(*) FROM _bigbrotr.relay_leases WHERE owner = 'many';
SELECT _bigbrotr.release_relays('many', 8001);

-- Limits of this archive are no fault of the relay.
SELECT r AS reason, _bigbrotr.refusal_kind(r) FROM unnest('{too_large,assembly_full,paging_full,dns_failed,bad_signature}'::text[]) AS r;

DROP VIEW state;
DROP EXTENSION bigbrotr;
