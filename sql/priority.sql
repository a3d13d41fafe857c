-- Priority relays: whose they are, when their interval is kept and when it is missed.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SELECT bigbrotr.add_relay(format('wss://r%s.example.com', n)) FROM generate_series(1, 3) AS n;

-- By URL, in any spelling; a relay that is not known becomes known.
SELECT bigbrotr.add_priority_relay('WSS://r2.example.com', '2 minutes');
SELECT bigbrotr.add_priority_relay('wss://new.example.com');
SELECT relay_url, read_interval, interval_state, last_read, kept_count, missed_count, listed FROM bigbrotr.priority_relays ORDER BY 1;
SELECT bigbrotr.add_priority_relay('wss://r2.example.com', '100 s');
SELECT relay_url, read_interval FROM bigbrotr.priority_relays ORDER BY 1;
SELECT bigbrotr.add_priority_relay('no relay');
SELECT bigbrotr.add_priority_relay('wss://r1.example.com', '0.5 s');
SELECT bigbrotr.add_priority_relay('wss://r1.example.com', '8 days');
SELECT bigbrotr.add_priority_relay(NULL), bigbrotr.remove_priority_relay('wss://nobody.example.com'), bigbrotr.remove_priority_relay('wss://r1.example.com');

-- Each service leases its own relays only.
SELECT _bigbrotr.start_synchronizer('s', 200, 100), _bigbrotr.start_synchronizer('p', 200, 100, true);
SELECT relay_id FROM _bigbrotr.due_relays(100);
SELECT relay_id FROM _bigbrotr.due_priority_relays(100);
SELECT relay_id, url FROM _bigbrotr.take_relays('p', 9, 9, 9, 5000, '{clearnet}', false, 100);
SELECT relay_id, url FROM _bigbrotr.take_relays('s', 9, 9, 9, 5000, '{clearnet}', false, 100);
SELECT * FROM _bigbrotr.unwanted_relays('s', '{clearnet}');
SELECT * FROM _bigbrotr.unwanted_relays('p', '{clearnet}');

-- A change: who has the relay open closes it, and the other one takes it.
SELECT bigbrotr.add_priority_relay('wss://r1.example.com'), bigbrotr.remove_priority_relay('wss://r2.example.com');
SELECT * FROM _bigbrotr.unwanted_relays('s', '{clearnet}');
SELECT * FROM _bigbrotr.unwanted_relays('p', '{clearnet}');
SELECT relay_id FROM _bigbrotr.take_relays('p', 9, 9, 9, 5000, '{clearnet}', false, 101);
SELECT _bigbrotr.report_relay('s', 1, 'ended', '', '', 0, 0, 0, 5000, 3600000, 110), _bigbrotr.report_relay('p', 2, 'ended', '', '', 0, 0, 0, 5000, 3600000, 110);
SELECT relay_id FROM _bigbrotr.take_relays('p', 9, 9, 9, 5000, '{clearnet}', false, 110);
SELECT relay_id FROM _bigbrotr.take_relays('s', 9, 9, 9, 5000, '{clearnet}', false, 110);
SELECT relay_id, owner FROM _bigbrotr.relay_leases ORDER BY 1;

-- Places of one host: each service has its own, and a free one goes to a relay of the same service.
SELECT bigbrotr.add_relay(format('wss://crowd.example.org/%s', n)) FROM generate_series(1, 5) AS n;
SELECT bigbrotr.add_priority_relay(format('wss://crowd.example.org/%s', n)) FROM generate_series(4, 5) AS n;
SELECT relay_id, url FROM _bigbrotr.take_relays('s', 9, 1, 9, 5000, '{clearnet}', false, 120);
SELECT relay_id, url FROM _bigbrotr.take_relays('p', 9, 1, 9, 5000, '{clearnet}', false, 120);
SELECT relay_id, waits_for FROM _bigbrotr.relay_sync WHERE waits_for IS NOT NULL ORDER BY 1;
SELECT relay_url, waiting_for FROM bigbrotr.sync_status WHERE relay_url ~ 'crowd' ORDER BY 1;
SELECT * FROM _bigbrotr.crowded_relays('s');
SELECT * FROM _bigbrotr.crowded_relays('p');
SELECT _bigbrotr.report_relay('p', 11, 'ended', '', '', 60000, 0, 0, 5000, 3600000, 120);
SELECT relay_id, waits_for FROM _bigbrotr.relay_sync WHERE waits_for IS NOT NULL ORDER BY 1;
SELECT relay_id, url FROM _bigbrotr.take_relays('p', 9, 1, 9, 5000, '{clearnet}', false, 120);
-- It waits for a place, and may have one of the other service.
SELECT bigbrotr.add_priority_relay('wss://crowd.example.org/3');
SELECT relay_id, waits_for FROM _bigbrotr.relay_sync WHERE waits_for IS NOT NULL ORDER BY 1;
SELECT bigbrotr.remove_priority_relay(format('wss://crowd.example.org/%s', n)) FROM generate_series(3, 5) AS n;

-- Kept and missed: from the end of one reading to the end of the next.
UPDATE _bigbrotr.relay_priorities SET inserted_at = 1000 WHERE relay_id = 1;
CREATE VIEW kept AS SELECT read_interval, read_at, kept, missed FROM _bigbrotr.relay_priorities WHERE relay_id = 1;
SELECT _bigbrotr.report_relay('p', 1, 'connected', '', '', 0, 0, 0, 5000, 3600000, 1010);
TABLE kept;
SELECT _bigbrotr.report_relay('p', 1, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 1060);
TABLE kept;
SELECT _bigbrotr.report_relay('p', 1, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 1121);
TABLE kept;
SELECT _bigbrotr.report_relay('p', 1, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 1121 + 180);
TABLE kept;
-- Events were dropped: that is no reading. A clock that goes back takes nothing back.
SELECT _bigbrotr.report_relay('p', 1, 'caught_up', 'no_memory', '', 0, 0, 0, 5000, 3600000, 1302);
SELECT _bigbrotr.report_relay('p', 1, 'caught_up', '', '', 0, 0, 0, 5000, 3600000, 1200);
TABLE kept;
-- As of now.
UPDATE _bigbrotr.relay_priorities SET read_at = bigbrotr.unix_now() - 10 WHERE relay_id = 1;
SELECT interval_state, missed_count FROM bigbrotr.priority_relays WHERE relay_url = 'wss://r1.example.com';
UPDATE _bigbrotr.relay_priorities SET read_at = bigbrotr.unix_now() - 190 WHERE relay_id = 1;
SELECT interval_state, missed_count FROM bigbrotr.priority_relays WHERE relay_url = 'wss://r1.example.com';
SELECT relay_id, read_interval, interval_state FROM bigbrotr.sync_status WHERE relay_id < 5 ORDER BY 1;

-- After a failure it is tried again within the interval, whatever the back-off; a pause that it asks for, and a ban, count.
UPDATE _bigbrotr.relay_sync SET failures = 20 WHERE relay_id IN (1, 2);
SELECT _bigbrotr.report_relay('p', 1, 'ended', 'dns_failed', '', 0, 0, 0, 5000, 3600000, 2000), _bigbrotr.report_relay('s', 2, 'ended', 'dns_failed', '', 0, 0, 0, 5000, 3600000, 2000);
SELECT relay_id, next_attempt - 2000 <= 45 AS soon FROM _bigbrotr.relay_sync WHERE relay_id IN (1, 2) ORDER BY 1;
CREATE PROCEDURE end_relay(reason text, pause_ms bigint) LANGUAGE sql AS $$
	UPDATE _bigbrotr.relay_sync SET next_attempt = 0 WHERE relay_id = 1;
	SELECT _bigbrotr.take_relays('p', 1, 9, 9, 5000, '{clearnet}', false, 3000);
	SELECT _bigbrotr.report_relay('p', 1, 'ended', reason, '', pause_ms, 0, 0, 5000, 3600000, 3000);
$$;
CALL end_relay('rate_limited', 600000);
SELECT next_attempt - 3000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 1;
CALL end_relay('flood', 0);
SELECT next_attempt - 3000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 1;
-- One that ended well is not left alone for longer either.
CALL end_relay('', 300000);
SELECT next_attempt - 3000 AS delay FROM _bigbrotr.relay_sync WHERE relay_id = 1;
UPDATE _bigbrotr.relay_sync SET next_attempt = 0 WHERE relay_id = 1;
SELECT waiting_for FROM bigbrotr.sync_status WHERE relay_id = 1;

-- The file: takes out what it brought, and leaves alone what was said by hand.
SELECT * FROM _bigbrotr.list_priority_relays('file', E'# ours\nwss://listed.example.com\nr1.example.com\r\nnonsense\nwss://listed.example.com\nwss://two.example.com');
SELECT relay_url, read_interval, listed FROM bigbrotr.priority_relays ORDER BY 1;
SELECT line, text FROM bigbrotr.seed_rejects WHERE source = 'file';
SELECT bigbrotr.add_priority_relay('wss://two.example.com', '5 s');
SELECT * FROM _bigbrotr.list_priority_relays('file', 'wss://r3.example.com');
SELECT relay_url, read_interval, listed FROM bigbrotr.priority_relays ORDER BY 1;
SELECT * FROM _bigbrotr.list_priority_relays('', '');
SELECT relay_url, read_interval, listed FROM bigbrotr.priority_relays ORDER BY 1;
-- No more than there are places.
SELECT * FROM _bigbrotr.list_priority_relays('file', (SELECT string_agg(format('wss://m%s.example.com', n), E'\n') FROM generate_series(1, 1200) AS n));
SELECT count(*), count(*) FILTER (WHERE listed) AS listed FROM bigbrotr.priority_relays;
SELECT bigbrotr.add_priority_relay('wss://one-more.example.com');
SELECT * FROM _bigbrotr.list_priority_relays('', '');
-- A relay that is deleted is no priority relay.
UPDATE _bigbrotr.relay_sync SET phase = 'waiting' WHERE relay_id = 1;
CALL bigbrotr.delete_relay('wss://r1.example.com');
SELECT relay_url FROM bigbrotr.priority_relays ORDER BY 1;

DROP PROCEDURE end_relay;
DROP VIEW kept;
DROP EXTENSION bigbrotr;
