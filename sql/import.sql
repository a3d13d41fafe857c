-- Imports in pieces: where they stand, what they refuse.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
\set key '\'\\x0000000000000000000000000000000000000000000000000000000000000001\''
CREATE TABLE lines (n integer, line text);
INSERT INTO lines SELECT n, bigbrotr.sign_event(:key, 1, 'event ' || n, '[["t", "x"]]', 1735689600 + n) FROM generate_series(1, 4) AS n;

SELECT * FROM bigbrotr.begin_import('client', 'wss://relay.example.com');
-- Two whole lines and a half one, which is left; then it comes again, with rubbish behind it.
SELECT length(piece) - length(line) AS whole, bigbrotr.import_lines(1, 0, convert_to(piece, 'UTF8'), false) AS taken
FROM (SELECT string_agg(line, E'\n' ORDER BY n) AS piece FROM lines WHERE n <= 3) AS p, lines WHERE n = 3;
SELECT bigbrotr.import_lines(1, 0, convert_to(line, 'UTF8')) FROM lines WHERE n = 3;
SELECT bigbrotr.import_lines(1, i.bytes, convert_to(E'{"id":"\n' || l.line || E'\n\n' || l.line || E'\r\n' || replace(r.line, 'event 4', E'\u00e9vent') || E'\n', 'UTF8'), false) > 0 AS taken
FROM _bigbrotr.imports AS i, lines AS l, lines AS r WHERE l.n = 3 AND r.n = 4;
SELECT bigbrotr.finish_import(1);
SELECT bigbrotr.import_lines(1, 0, '');
SELECT source, relay_url, finished, done_fraction, line_count, new_count, known_count, refused_count FROM bigbrotr.import_progress;
SELECT line, reason, left(text, 8) AS text FROM bigbrotr.import_rejects ORDER BY line;
SELECT content, tags, bigbrotr.verify_event(e), relay_url
FROM bigbrotr.events AS e JOIN bigbrotr.event_relay USING (event_id) ORDER BY created_at;
SELECT count(*) AS lines, count(*) FILTER (WHERE bigbrotr.verify_event(line)) AS good FROM bigbrotr.export_events() AS line;
SELECT count(*) FROM bigbrotr.export_events('{"since": 1735689603}');
SELECT bigbrotr.export_events('{"kinds": 1}');

-- A signature is verified, unless the id is known.
INSERT INTO lines SELECT 5, overlay(line PLACING '0000' FROM length(line) - 5 FOR 4) FROM lines WHERE n = 4;
INSERT INTO lines SELECT 6, overlay(line PLACING '0000' FROM length(line) - 5 FOR 4) FROM lines WHERE n = 3;
SELECT * FROM bigbrotr.begin_import('forged');
SELECT bigbrotr.import_lines(2, 0, convert_to(string_agg(line, E'\n' ORDER BY n), 'UTF8')) > 0 AS taken FROM lines WHERE n >= 5;
SELECT events_new, events_known, events_refused FROM _bigbrotr.imports WHERE import_id = 2;
SELECT line, reason FROM bigbrotr.import_rejects WHERE import_id = 2;

SET bigbrotr.verify_events = off;
SELECT import_id FROM bigbrotr.begin_import('trusted') AS i, lines, bigbrotr.import_lines(i.import_id, 0, convert_to(line, 'UTF8')) WHERE n = 5;
SELECT events_new, events_refused FROM _bigbrotr.imports WHERE source = 'trusted';
SELECT bigbrotr.verify_event_reason(e) FROM bigbrotr.events AS e WHERE content = 'event 4';
RESET bigbrotr.verify_events;

-- What goes on and what begins anew.
SELECT import_id, bytes > 0 AS goes_on FROM bigbrotr.begin_import('forged');
SELECT import_id, bytes FROM bigbrotr.begin_import('forged', resume => false);
SELECT import_id, bytes FROM bigbrotr.begin_import('forged', size => 1);
SELECT import_id, bytes FROM bigbrotr.begin_import('forged', 'wss://relay.example.com');
SELECT import_id, bytes FROM bigbrotr.begin_import('client', 'wss://relay.example.com');
SELECT bigbrotr.begin_import('x', 'ftp://x');
SELECT bigbrotr.begin_import(NULL);

-- A relay that an administrator deleted or disabled is named by an import, and no service connects to it.
CALL bigbrotr.delete_relay('wss://relay.example.com', NULL);
SELECT bigbrotr.add_relay('wss://disabled.example.com');
SELECT bigbrotr.disable_relay('wss://disabled.example.com');
SELECT import_id FROM bigbrotr.begin_import('client', 'WSS://relay.example.com:443');
SELECT import_id FROM bigbrotr.begin_import('client', 'wss://disabled.example.com');
SELECT import_id FROM bigbrotr.begin_import('client', 'wss://new.example.com');
SELECT r.url, r.status, s.enabled, EXISTS (SELECT FROM _bigbrotr.deleted_relays AS d WHERE d.url = r.url) AS deleted
FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) ORDER BY r.url;

-- A transaction stores one batch, in the order of the ids. Of many lines a part is used, unless they are the last ones.
TRUNCATE bigbrotr.events, bigbrotr.sightings;
SELECT string_agg(bigbrotr.sign_event(:key, 1, 'event ' || n), E'\n') AS many, max(bigbrotr.sign_event(:key, 1, 'event 1', created_at => 1)) AS one FROM generate_series(1, 2000) AS n \gset
SELECT import_id FROM bigbrotr.begin_import('many') \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(:'many', 'UTF8'), false) AS bytes \gset
SELECT :bytes < length(:'many') AS in_part, events_new FROM _bigbrotr.imports WHERE import_id = :import_id;
TRUNCATE bigbrotr.events;
SELECT import_id FROM bigbrotr.begin_import('many', resume => false) \gset
SELECT bigbrotr.import_lines(:import_id, 0, convert_to(:'many', 'UTF8')) = length(:'many') AS whole;
SELECT count(*), count(*) FILTER (WHERE back) AS out_of_order FROM (SELECT event_id < lag(event_id) OVER (ORDER BY eid) AS back FROM bigbrotr.events) AS e;
SELECT bigbrotr.import_lines(import_id, 0, convert_to(repeat(:'one' || E'\n', 100001), 'UTF8')) FROM bigbrotr.begin_import('too many');

DROP TABLE lines;
DROP EXTENSION bigbrotr;
