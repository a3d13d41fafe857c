-- The monitor's half of the database: the life cycle of relays, visits, history, views.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 5) AS n;

-- The state machine: what each outcome makes of each status, the first time and when it has lasted.
SELECT s.status, _bigbrotr.next_status(s.status, 'answered', 1, 0) AS answer, _bigbrotr.next_status(s.status, 'answered', 3, 900) AS answers,
       _bigbrotr.next_status(s.status, 'failed', 1, 0) AS failure, _bigbrotr.next_status(s.status, 'failed', 2, 60) AS minute,
       _bigbrotr.next_status(s.status, 'failed', 3, 1800) AS half_hour, _bigbrotr.next_status(s.status, 'failed', 5, 604800) AS week,
       _bigbrotr.next_status(s.status, 'failed', 8, 97 * 86400) AS quarter, _bigbrotr.next_status(s.status, 'refused', 1, 0) AS refusal,
       _bigbrotr.next_status(s.status, 'refused', 2, 600) AS refusals, _bigbrotr.next_status(s.status, 'unknown', 9, 8640000) AS unknown,
       _bigbrotr.next_status(s.status, 'ignored', 1, 0) AS ignored, _bigbrotr.next_status(s.status, 'wanted', 1, 0) AS wanted
FROM unnest('{candidate,online,unstable,offline,dead,retired,refused,ignored}'::text[]) WITH ORDINALITY AS s (status, n) ORDER BY n;
-- Neither many failures in no time nor few in a long one.
SELECT _bigbrotr.next_status('online', 'failed', 100, 59), _bigbrotr.next_status('unstable', 'failed', 2, 86400), _bigbrotr.next_status('offline', 'failed', 4, 8640000);

-- A relay's way through it.
CREATE FUNCTION observed(relay integer, outcome text, reason text, at bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT concat_ws(' ', at, outcome, '→', _bigbrotr.observe_relay(relay, 'test', outcome, reason, at)) $$;
SELECT observed(1, o.outcome, o.reason, o.at) FROM (VALUES
	(1, 'failed', 'connection_refused', 1000), (2, 'answered', '', 1100), (3, 'failed', 'connection_refused', 2000), (4, 'answered', '', 2010),
	(5, 'failed', 'connection_refused', 3000), (6, 'failed', 'connection_refused', 3010), (7, 'failed', 'connection_refused', 3060),
	(8, 'failed', 'connection_refused', 4799), (9, 'failed', 'connection_refused', 4800), (10, 'answered', '', 5000), (11, 'answered', '', 5100),
	(12, 'answered', '', 5900), (13, 'failed', 'tls_failed', 6000), (14, 'failed', 'tls_failed', 5999)) AS o (n, outcome, reason, at) ORDER BY o.n;
SELECT began, ended, reason FROM _bigbrotr.relay_outages WHERE relay_id = 1 ORDER BY began;
SELECT relay_url, change FROM bigbrotr.relay_changes ORDER BY changed_at;
SELECT _bigbrotr.observe_relay(1, 'test', 'exploded', '', 7000);
SELECT _bigbrotr.observe_relay(99, 'test', 'answered', '', 7000);
-- The coarser word of the synchronizer does not replace what the monitor found, only what is no longer true.
CREATE FUNCTION told(observer text, reason text, at bigint) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM _bigbrotr.observe_relay(2, observer, 'failed', reason, at);
	RETURN concat_ws(' ', observer, reason, '→', (SELECT h.reason FROM _bigbrotr.relay_health AS h WHERE h.relay_id = 2));
END $$;
SELECT told(o.observer, o.reason, o.at) FROM (VALUES (1001, 'monitor', 'web_server'), (1002, 'synchronizer', 'handshake_failed'), (1003, 'synchronizer', 'tls_failed'),
	(1004, 'monitor', 'bad_certificate'), (1005, 'synchronizer', 'tls_failed'), (1006, 'monitor', 'tls_failed')) AS o (at, observer, reason) ORDER BY o.at;
SELECT told('synchronizer', 'handshake_failed', 1007), told('monitor', 'http_error', 1000), told('monitor', 'bad_certificate', 1000);
-- An administrator.
SELECT bigbrotr.disable_relay('wss://r1.example.com');
SELECT status, _bigbrotr.observe_relay(1, 'test', 'answered', '', bigbrotr.unix_now()) FROM bigbrotr.relays WHERE relay_id = 1;
SELECT bigbrotr.enable_relay('wss://r1.example.com');
SELECT status FROM bigbrotr.relays WHERE relay_id = 1;

-- This server was cut off: nobody is offline. A refused connection is no sign of that.
DELETE FROM _bigbrotr.relay_health;
UPDATE bigbrotr.relays SET status = 'candidate';
SELECT relay_id, _bigbrotr.observe_relay(relay_id, 'test', 'answered', '', 10000) FROM bigbrotr.relays ORDER BY 1;
SELECT n, relay_id, _bigbrotr.observe_relay(relay_id, 'test', 'failed', CASE relay_id WHEN 5 THEN 'connection_refused' ELSE 'connect_timeout' END, 11000 + n * 900)
FROM generate_series(0, 4) AS n, bigbrotr.relays ORDER BY n, relay_id;
SELECT relay_id, outcome, run_outcome, run, last_failure FROM _bigbrotr.relay_health ORDER BY 1;
SELECT relay_id, began FROM _bigbrotr.relay_outages WHERE ended IS NULL ORDER BY 1;
-- One of many is not many.
SELECT relay_id, _bigbrotr.observe_relay(relay_id, 'test', 'answered', '', 20000) FROM bigbrotr.relays WHERE relay_id < 4 ORDER BY 1;
SELECT _bigbrotr.observe_relay(4, 'test', 'failed', 'connect_timeout', 20000 + n) FROM generate_series(0, 60, 30) AS n;

-- How often a relay is visited.
SELECT s.status, _bigbrotr.visit_interval(s.status, 'answered', 1, 'normal') AS normal, _bigbrotr.visit_interval(s.status, 'failed', 1, 'normal') AS failed,
       _bigbrotr.visit_interval(s.status, 'failed', 20, 'normal') AS often, _bigbrotr.visit_interval(s.status, 'failed', 20, 'quiet') AS quiet,
       _bigbrotr.visit_interval(s.status, 'failed', 20, 'sweep') AS sweep, _bigbrotr.visit_interval(s.status, 'unknown', 1, 'normal') AS blind
FROM unnest('{candidate,online,unstable,offline,dead,retired,refused,ignored}'::text[]) WITH ORDINALITY AS s (status, n) ORDER BY n;

-- Leases: two workers, at most two visits at a host, and what is lost comes back.
SELECT bigbrotr.add_relay(format('wss://crowd.example.org/%s', n)) FROM generate_series(1, 3) AS n;
SELECT bigbrotr.disable_relay('wss://r5.example.com');
SELECT _bigbrotr.adopt_visits(), _bigbrotr.adopt_visits();
SELECT * FROM _bigbrotr.take_visits('a', 3, 2, 9, 9, '{clearnet}', 30000, 60);
SELECT * FROM _bigbrotr.take_visits('b', 100, 2, 9, 9, '{clearnet}', 30000, 60);
SELECT * FROM _bigbrotr.take_visits('b', 100, 2, 9, 9, '{clearnet}', 30001, 60);
SELECT relay_id, owner, next_visit FROM _bigbrotr.relay_visits ORDER BY 1;
SELECT _bigbrotr.release_visits('b', 30002), count(*) FROM _bigbrotr.take_visits('c', 100, 9, 3, 9, '{clearnet}', 30059, 60);
SELECT * FROM _bigbrotr.take_visits('c', 100, 9, 9, 9, '{clearnet}', 30060, 60);
-- A relay that is enabled or retried is due for a visit now, unless a visit is under way.
BEGIN;
UPDATE _bigbrotr.relay_visits SET next_visit = 99999999999, owner = CASE relay_id WHEN 3 THEN 'a' END WHERE relay_id < 6;
SELECT bigbrotr.retry_relay('wss://r2.example.com'), bigbrotr.enable_relay('wss://r3.example.com'), bigbrotr.enable_relay('wss://r5.example.com');
SELECT relay_id, owner, next_visit = bigbrotr.unix_now() AS due FROM _bigbrotr.relay_visits WHERE relay_id < 6 ORDER BY 1;
ROLLBACK;

-- What visits bring: stored once, and a row in the history where something changed.
CREATE FUNCTION visited(worker text, relay integer, at bigint, reason text, document text, facts text, rtt integer DEFAULT 10) RETURNS bigint LANGUAGE sql AS $$
	SELECT _bigbrotr.record_visits(worker, ARRAY[relay], ARRAY[at], ARRAY[CASE reason WHEN '' THEN 'answered' WHEN 'network_unreachable' THEN 'unknown' ELSE 'failed' END], ARRAY[reason],
		ARRAY[reason = ''], ARRAY[reason = ''], ARRAY[NULL::boolean], ARRAY[CASE reason WHEN '' THEN rtt END], ARRAY[CASE reason WHEN '' THEN 2 * rtt END], ARRAY[NULL::integer],
		ARRAY[document], ARRAY[facts], ARRAY[format('{"steps":[{"step":"dns","ms":1,"error":""},{"step":"connect","ms":%s,"error":"%s","address":"192.0.2.1","port":443,"detail":"said"}]}', rtt, reason)], ARRAY[facts IS NOT NULL], 'normal') $$;
SELECT visited('nobody', 1, 31000, '', NULL, NULL);
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 1, 31000, '', '{"name":"one","supported_nips":[42,1,"11","x",1,70000,{}],"software":7,"version":1.5,"pubkey":null}', '{"nips":{"11":true,"42":false}}');
SELECT visited('a', 1, 31001, '', NULL, NULL);
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 1, 32000, '', '{"version":1.5,"pubkey":null,"supported_nips":[42,1,"11","x",1,70000,{}],"software":7,"name":"one"}', '{"nips":{"11":true,"42":false}}', 20),
       visited('a', 2, 32000, '', '{"name":"one","supported_nips":[42,1,"11","x",1,70000,{}],"software":7,"version":1.5,"pubkey":null}', '[1]', 40),
       visited('a', 3, 32000, 'tls_failed', 'no JSON', '{"name":"\u0000"}');
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 1, 33000, '', '{"name":"two"}', '{"nips":{"11":true,"42":true}}', 30);
SELECT nip11_id, name, supported_nips, software, version, pubkey FROM _bigbrotr.nip11_documents ORDER BY 1;
SELECT relay_id, generated_at, error, nip66_openable, nip66_rtt_open, nip66_rtt_read, nip66_id, nip11_present, nip11_id FROM _bigbrotr.relay_checks ORDER BY 1, 2;
SELECT relay_url, aspect, change FROM bigbrotr.relay_changes WHERE changed_at >= to_timestamp(31000) ORDER BY changed_at, 1, 2;
SELECT relay_id, owner, tried_at, next_visit - checked_at BETWEEN 3240 AND 3960 AS hourly, rtt_open FROM _bigbrotr.relay_visits WHERE relay_id < 4 ORDER BY 1;
SELECT relay_url, generated_at, nip66_rtt_read, nip11_name, nip11_supported_nips FROM bigbrotr.relay_metadata ORDER BY 1, 2;
SELECT relay_url, status, reason, reason_in_words, rtt_open, name, software FROM bigbrotr.relay_status WHERE last_visit IS NOT NULL ORDER BY 1;
SELECT software, version, relay_count, online_count FROM bigbrotr.relays_by_software ORDER BY 1, 2;
SELECT relay_url, nip, claimed, observed FROM bigbrotr.nip_support ORDER BY 1, 2;
-- What is claimed of the wrong type is no limit.
BEGIN;
UPDATE _bigbrotr.relay_sync SET page_limit = 250, pace_ms = 500 WHERE relay_id = 1;
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 1, 33001, '', '{"limitation":{"max_limit":500,"max_subscriptions":"many","max_message_length":131072,"auth_required":false,"payment_required":1,"restricted_writes":null,"min_pow_difficulty":8.5}}',
	'{"limit_ignored":true,"nips":{"42":true},"write":{"accepted":false,"reason":"auth_required"}}');
\x on
SELECT * FROM bigbrotr.relay_limits WHERE relay_url ~ 'r[12]' ORDER BY 1;
\x off
ROLLBACK;
SELECT * FROM bigbrotr.explain_relay('wss://R3.example.com') WHERE explain_relay !~ '^(Its archiving|  of its history)';
SELECT * FROM bigbrotr.explain_relay('wss://r4.example.com') WHERE explain_relay !~ '^(Its archiving|  of its history)';
-- What a visit measured of a relay that did not answer is kept in its story, and is no fact about the relay.
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 3, 33000, 'bad_certificate', NULL, '{"addresses":["192.0.2.1","2001:db8::1"],"cname":"host.example.net","server":"nginx","tls":{"valid":false,"fault":"certificate has expired","issuer":"CN=ca","subject":"CN=r3","names":["r3.example.com","*.example.com"],"not_before":1000,"not_after":30000,"fingerprint":"00","protocol":"TLSv1.3"},"geo":{"country":"DE","as_number":64496,"as_name":"net"},"nip11":{"status":200,"cors":false,"final_url":"https://example.com/","faults":{"name":"null","limitation":"not_an_object"}}}');
SELECT * FROM bigbrotr.explain_relay('wss://r3.example.com') WHERE explain_relay !~ '^(Its archiving|  of its history)';
SELECT nip66_id FROM _bigbrotr.relay_visits WHERE relay_id = 3;
-- A visit at which this server could not look leaves that story alone.
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 3, 33100, 'network_unreachable', NULL, NULL);
SELECT outcome, visited_at, facts ->> 'server' AS server FROM _bigbrotr.relay_stories WHERE relay_id = 3 ORDER BY 1;
SELECT line FROM bigbrotr.explain_relay('wss://r3.example.com') AS line WHERE line ~ '^The last';
-- Nor does one that failed as everywhere else.
BEGIN;
UPDATE _bigbrotr.relay_visits SET owner = 'a';
UPDATE bigbrotr.relays SET status = 'online';
UPDATE _bigbrotr.relay_health SET outcome = 'failed', reason = 'connect_timeout';
SELECT visited('a', 3, 33200, 'connect_timeout', NULL, NULL);
SELECT outcome, visited_at FROM _bigbrotr.relay_stories WHERE relay_id = 3 ORDER BY 1;
ROLLBACK;
SELECT * FROM bigbrotr.explain_relay('wss://nobody.example.com');
SET timezone = 'UTC';
SELECT checked_at, answered, reason, rtt_open, document ->> 'name' AS name, facts FROM bigbrotr.relay_at('wss://r1.example.com', to_timestamp(32999));
SELECT checked_at, answered, reason, document FROM bigbrotr.relay_at('wss://r3.example.com', to_timestamp(99999));
SELECT * FROM bigbrotr.relay_at('wss://r1.example.com', to_timestamp(1));
-- A relay that changes with each visit fills no disk.
DO $$
BEGIN
	FOR n IN 1 .. 20 LOOP
		UPDATE _bigbrotr.relay_visits SET owner = 'a';
		PERFORM visited('a', 2, 40000 + n, '', format('{"name":"%s"}', n), format('{"server":"%s","nips":{}}', n));
	END LOOP;
END
$$;
SELECT aspect, count(*) FROM _bigbrotr.relay_history WHERE relay_id = 2 AND aspect <> 'status' GROUP BY 1 ORDER BY 1;
-- What is not kept is not said to have been served or measured. What is kept is, when it comes again.
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 2, 40021, '', '{"name":"7"}', '{"nips":{},"server":"8"}');
SELECT c.generated_at, c.nip11_present, d.name, f.facts ->> 'server' AS server
FROM _bigbrotr.relay_checks AS c LEFT JOIN _bigbrotr.nip11_documents AS d USING (nip11_id) LEFT JOIN _bigbrotr.nip66_facts AS f USING (nip66_id)
WHERE c.relay_id = 2 AND c.generated_at IN (40001, 40007, 40008, 40009, 40020, 40021) ORDER BY 1;
SELECT nip11_present, nip11_name FROM bigbrotr.relay_metadata WHERE relay_url ~ 'r2' AND generated_at = 40008;
-- How many subscriptions a relay allows, as far as its document says so.
BEGIN;
CREATE FUNCTION allowed(said text) RETURNS integer LANGUAGE plpgsql AS $$
BEGIN
	UPDATE _bigbrotr.relay_visits SET nip11_id = _bigbrotr.store_document(format('{"limitation":{"max_subscriptions":%s}}', said)) WHERE relay_id = 2;
	RETURN _bigbrotr.allowed_subscriptions(2);
END $$;
SELECT said, allowed(said) FROM unnest(ARRAY['20', '1', '0', '-1', '1.5', '"20"', 'null', '[]', '99999', '100000', '1e9']) AS s (said);
UPDATE _bigbrotr.relay_visits SET nip11_id = NULL WHERE relay_id = 2;
SELECT _bigbrotr.allowed_subscriptions(2), _bigbrotr.allowed_subscriptions(99);
ROLLBACK;

-- Latency and uptime count from now.
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 4, bigbrotr.unix_now() - 3000, '', NULL, NULL, 10);
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 4, bigbrotr.unix_now() - 2000, '', NULL, NULL, 30);
UPDATE _bigbrotr.relay_visits SET owner = 'a';
SELECT visited('a', 4, bigbrotr.unix_now() - 1000, 'tls_failed', NULL, NULL);
SELECT * FROM bigbrotr.relay_latency;
DELETE FROM _bigbrotr.relay_outages;
-- The third relay has not been heard of for two days: of these, nothing is said.
UPDATE _bigbrotr.relay_health SET first_observed = bigbrotr.unix_now() - 10 * 86400, last_answer = bigbrotr.unix_now() - CASE relay_id WHEN 3 THEN 2 * 86400 ELSE 0 END;
INSERT INTO _bigbrotr.relay_outages VALUES (1, bigbrotr.unix_now() - 20 * 3600, bigbrotr.unix_now() - 14 * 3600, 'x'), (1, bigbrotr.unix_now() - 6 * 3600, NULL, 'x'),
	(2, bigbrotr.unix_now() - 10 * 86400, bigbrotr.unix_now() - 5 * 86400, 'x');
SELECT relay_url, round(uptime_24h::numeric, 3) AS day, round(uptime_7d::numeric, 3) AS week, round(uptime_30d::numeric, 3) AS month, round(uptime_90d::numeric, 3) AS quarter, outage_count
FROM bigbrotr.relay_uptime WHERE relay_url < 'wss://r4' ORDER BY 1;
-- A relay that is disabled in an outage is not up afterwards: what follows is not known.
INSERT INTO _bigbrotr.relay_outages VALUES (3, bigbrotr.unix_now() - 24 * 3600, NULL, 'x');
SELECT bigbrotr.disable_relay('wss://r3.example.com');
UPDATE _bigbrotr.relay_outages SET began = began - 4 * 86400, ended = ended - 4 * 86400 WHERE relay_id = 3;
UPDATE _bigbrotr.relay_health SET last_answer = last_answer - 5 * 86400 WHERE relay_id = 3;
SELECT round(uptime_24h::numeric, 3) AS day, round(uptime_7d::numeric, 3) AS week, outage_count FROM bigbrotr.relay_uptime WHERE relay_url ~ 'r3';
SELECT relay_id, round(sum(observed_seconds) / 3600) AS observed, round(sum(down_seconds) / 3600) AS down
FROM bigbrotr.relays CROSS JOIN LATERAL _bigbrotr.api_relay_days(url) WHERE relay_id < 4 OR url ~ 'crowd' GROUP BY 1 ORDER BY 1;
SELECT (to_timestamp(day) AT TIME ZONE 'UTC')::date - (now() AT TIME ZONE 'UTC')::date AS day, up_count, observed_count FROM _bigbrotr.api_statistics_availability() WHERE day BETWEEN bigbrotr.unix_now() - 7 * 86400 AND bigbrotr.unix_now() - 3 * 86400;

-- Packed measurements are the same measurements.
CREATE TABLE unpacked AS SELECT * FROM bigbrotr.relay_metadata;
SELECT _bigbrotr.pack_checks(604800, 2), _bigbrotr.pack_checks(604800, 100);
SELECT relay_id, week, generated_at, nip66_rtt_open FROM _bigbrotr.relay_series WHERE relay_id <> 2 ORDER BY 1;
SELECT count(*) FROM _bigbrotr.relay_checks;
(SELECT * FROM unpacked EXCEPT SELECT * FROM bigbrotr.relay_metadata) UNION ALL (SELECT * FROM bigbrotr.relay_metadata EXCEPT SELECT * FROM unpacked);
SELECT bigbrotr.insert_relay_metadata('wss://r1.example.com', NULL, 1, 32000, nip66_rtt_open => 1), bigbrotr.insert_relay_metadata('wss://r1.example.com', NULL, 1, 32001, nip66_rtt_open => 1);
SELECT _bigbrotr.pack_checks(604800, 100);
SELECT generated_at, nip66_rtt_open FROM bigbrotr.relay_metadata WHERE relay_url ~ 'r1' ORDER BY 1;
SELECT checked_at, answered, rtt_open FROM bigbrotr.relay_at('wss://r1.example.com', to_timestamp(32999));
-- What is old goes, with what only it referred to.
SELECT bigbrotr.delete_orphan_nip11(), bigbrotr.delete_orphan_nip66();
SELECT _bigbrotr.trim_history(604800, 1);
SELECT _bigbrotr.trim_history(604800, 100);
SELECT _bigbrotr.trim_history(604800, 100);
SELECT count(*) FROM _bigbrotr.relay_series;
SELECT name FROM _bigbrotr.nip11_documents ORDER BY nip11_id;
-- Not what is still so: the last change of each aspect stays.
SELECT relay_id, aspect, count(*), max(at) FROM _bigbrotr.relay_history WHERE relay_id < 3 AND at < 604800 GROUP BY 1, 2 ORDER BY 1, 2;
SELECT checked_at, document ->> 'name' AS name, facts FROM bigbrotr.relay_at('wss://r1.example.com', now());
-- A document stays as long as a row of any table refers to it.
BEGIN;
INSERT INTO _bigbrotr.nip11_documents (hash, name) SELECT sha256(convert_to(p, 'UTF8')), p FROM unnest('{visit,check,series,before,after,none,never}'::text[]) AS p;
CREATE FUNCTION document(called text) RETURNS integer LANGUAGE sql AS 'SELECT nip11_id FROM _bigbrotr.nip11_documents WHERE name = called';
INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip11_present, nip11_id) VALUES (1, 604800, true, document('series'));
SELECT _bigbrotr.pack_checks(2 * 604800, 100);
INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip11_present, nip11_id) VALUES (1, 604801, true, document('check'));
INSERT INTO _bigbrotr.relay_history VALUES (1, 604801, 'nip11', document('before')::text, document('after')::text);
UPDATE _bigbrotr.relay_visits SET nip11_id = document('visit') WHERE relay_id = 1;
INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip11_present, nip11_id) SELECT 1, nip11_id, true, nip11_id FROM _bigbrotr.nip11_documents WHERE name <> 'never';
SELECT _bigbrotr.trim_history(604800, 100);
SELECT name FROM _bigbrotr.nip11_documents ORDER BY nip11_id;
SELECT _bigbrotr.delete_unused('nip11', ARRAY[document('visit')]), _bigbrotr.delete_unused('nip11', '{}'), _bigbrotr.delete_unused('nip11'), _bigbrotr.delete_unused('nip66');
ROLLBACK;

-- A network behind a proxy that answers for nobody: its relays fail only while another one of them answers.
DELETE FROM _bigbrotr.relay_health;
UPDATE bigbrotr.relays SET status = 'candidate';
SELECT bigbrotr.add_relay(format('ws://n%s.i2p', n)) FROM generate_series(1, 2) AS n;
CREATE FUNCTION reach(host text, answers boolean, at bigint) RETURNS text LANGUAGE sql AS
	$$ SELECT _bigbrotr.observe_relay(relay_id, 'test', CASE WHEN answers THEN 'answered' ELSE 'failed' END, CASE WHEN answers THEN '' ELSE 'overlay_unreachable' END, at)
	   FROM bigbrotr.relays WHERE url ~ host $$;
SELECT reach('n1.i2p', false, 40000) AS n1;
SELECT outcome, run FROM _bigbrotr.relay_health;
SELECT reach('n1.i2p', true, 40100) AS n1, reach('n2.i2p', true, 40100) AS n2;
-- Only one of them is visited during an outage of the proxy: the old answer of the other one says nothing.
SELECT reach('n1.i2p', false, 40200 + n * 120) AS n1 FROM generate_series(0, 5) AS n ORDER BY n;
SELECT reach('n1.i2p', true, 40990) AS n1;
-- The proxy has no network: nobody is offline. That other networks answer changes nothing.
SELECT reach('r1.example', true, 41000 + n * 1000) AS r1, reach('n1.i2p', false, 41000 + n * 1000) AS n1, reach('n2.i2p', false, 41000 + n * 1000) AS n2
FROM generate_series(0, 5) AS n ORDER BY n;
SELECT r.url, h.outcome, h.run FROM _bigbrotr.relay_health AS h JOIN bigbrotr.relays AS r ON r.relay_id = h.relay_id WHERE r.network = 'i2p' ORDER BY 1;
-- One is gone, and the other one answers. Of the last one nothing is claimed.
SELECT reach('n2.i2p', true, 50000 + n * 1000) AS n2, reach('n1.i2p', false, 50000 + n * 1000) AS n1 FROM generate_series(0, 5) AS n ORDER BY n;
SELECT reach('n2.i2p', false, 60000 + n * 1000) AS n2 FROM generate_series(0, 5) AS n ORDER BY n;
DROP EXTENSION bigbrotr;
