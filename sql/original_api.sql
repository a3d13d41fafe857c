-- The functions of the original specification: its effect, with checks.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SET bigbrotr.verify_events = off; -- signatures are checked further down

-- The original itself stands beside it and gets the same calls.
CREATE SCHEMA original;
SET search_path = original;
SET client_min_messages = warning;
\set ECHO none
\i test/bench/baseline/original.sql
\set ECHO all
CREATE TABLE public.calls AS
	SELECT n, sha256((n % 40)::text::bytea) AS event_id, sha256((n % 7)::text::bytea) AS pubkey, n % 40 * 1000::bigint AS created_at,
	       n % 40 % 5 AS kind, format('[["t","%s"],["e","x"]]', n % 40)::jsonb AS tags, 'content ' || n % 40 AS content,
	       sha256('a') || sha256('b') AS sig, format('wss://r%s.example.com', n % 3) AS relay_url, 'clearnet' AS relay_network,
	       (n % 3 * 10)::bigint AS relay_inserted_at, 1000 + (n * 7 % 11)::bigint AS seen_at
	FROM generate_series(1, 100) AS n;
SELECT count(original.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, relay_url, relay_network, relay_inserted_at, seen_at))
FROM (SELECT * FROM public.calls ORDER BY n) AS c;
RESET search_path;
CREATE VIEW differences AS
	SELECT * FROM (SELECT event_id::text, pubkey::text, created_at, kind, tags::jsonb::text, content, sig::text, inserted_at FROM bigbrotr.events
	               EXCEPT SELECT event_id::text, pubkey::text, created_at, kind, tags::text, content, sig::text, inserted_at FROM original.events) AS a
	UNION ALL SELECT url, network, inserted_at, 0, '', status, '', last_seen FROM (SELECT url, network, inserted_at, last_seen, status FROM bigbrotr.relays
	               EXCEPT SELECT url, network, inserted_at, last_seen, coalesce(status, 'candidate') FROM original.relays) AS b
	UNION ALL SELECT event_id::text, relay_url, seen_at, 0, '', '', '', 0 FROM (SELECT event_id, relay_url, seen_at FROM bigbrotr.event_relay
	               EXCEPT SELECT event_id, relay_url, seen_at FROM original.event_relay) AS c;
CREATE VIEW sizes AS SELECT (SELECT count(*) FROM bigbrotr.events) = (SELECT count(*) FROM original.events) AS events,
	(SELECT count(*) FROM bigbrotr.relays) = (SELECT count(*) FROM original.relays) AS relays,
	(SELECT count(*) FROM bigbrotr.event_relay) = (SELECT count(*) FROM original.event_relay) AS event_relay;

SELECT count(bigbrotr.insert_event(event_id, pubkey, created_at, kind, tags, content, sig, relay_url, relay_network, relay_inserted_at, seen_at))
FROM (SELECT * FROM calls ORDER BY n) AS c;
SELECT * FROM sizes;
SELECT * FROM differences LIMIT 3;
TRUNCATE bigbrotr.events, bigbrotr.sightings;
DELETE FROM bigbrotr.relays;
-- … in hexadecimal digits …
SELECT count(*) FROM (SELECT * FROM calls ORDER BY n) AS c,
	bigbrotr.insert_event(encode(event_id, 'hex'), pubkey::text, created_at, kind, tags, content, upper(encode(sig, 'hex')), relay_url, relay_network, relay_inserted_at, seen_at);
SELECT * FROM sizes;
SELECT * FROM differences LIMIT 3;
TRUNCATE bigbrotr.events, bigbrotr.sightings;
DELETE FROM bigbrotr.relays;
-- … and as batches.
SELECT i.* FROM (SELECT array_agg(to_jsonb(c) || jsonb_build_object('event_id', encode(event_id, 'hex'), 'pubkey', encode(pubkey, 'hex'), 'sig', encode(sig, 'hex')) ORDER BY n) AS list
	FROM calls AS c) AS l, bigbrotr.insert_events_batch(l.list, 30) AS i;
SELECT * FROM sizes;
SELECT * FROM differences LIMIT 3;
SELECT * FROM bigbrotr.insert_events_batch('{}'::jsonb[]);
SELECT * FROM bigbrotr.insert_events_batch(NULL::jsonb[]);
SELECT * FROM bigbrotr.verify_statistics();
SELECT * FROM bigbrotr.verify_references();

-- Limits.
SELECT bigbrotr.insert_events_batch('{}'::jsonb[], 1001);
SELECT bigbrotr.insert_relays_batch('{}'::jsonb[], 0);
SET bigbrotr.max_batch_size = 50;
SELECT bigbrotr.insert_events_batch('{}'::jsonb[]);
SET bigbrotr.default_batch_size = 20;
SELECT bigbrotr.insert_events_batch('{}'::jsonb[]);
RESET bigbrotr.max_batch_size;
RESET bigbrotr.default_batch_size;
SET bigbrotr.procedure_timeout = '500ms';
SELECT _bigbrotr.limit_time('procedure') IS NULL, pg_sleep(60);
SELECT _bigbrotr.limit_time('procedure');
SELECT 'the next statement has its own time';
SET statement_timeout = '500ms';
SET bigbrotr.procedure_timeout = '1h';
SELECT _bigbrotr.limit_time('procedure'), _bigbrotr.limit_time('procedure'), pg_sleep(60);
RESET statement_timeout;
RESET bigbrotr.procedure_timeout;
SET bigbrotr.query_timeout = '500ms';
SELECT bigbrotr.count_events('{}') > 0, pg_sleep(60);
SELECT (SELECT count(*) FROM bigbrotr.query_events('{}')) > 0, pg_sleep(60);
RESET bigbrotr.query_timeout;
SELECT _bigbrotr.limit_time('lunch');

-- Verified unless told otherwise: a good one, and three that are not.
RESET bigbrotr.verify_events;
CREATE TABLE good AS SELECT '7f6d0ae8ea1a4d3b1e2c5f9b8f3f0d6f7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4' AS secret;
CREATE FUNCTION made(content text, OUT call jsonb) LANGUAGE sql AS $$
	SELECT jsonb_build_object('event_id', s ->> 'id', 'pubkey', s ->> 'pubkey', 'created_at', (s ->> 'created_at')::bigint, 'kind', (s ->> 'kind')::integer,
		'tags', s -> 'tags', 'content', s ->> 'content', 'sig', s ->> 'sig', 'relay_url', 'wss://Relay.Example.com/', 'relay_network', 'clearnet', 'relay_inserted_at', 1, 'seen_at', 2)
	FROM (SELECT bigbrotr.sign_event(decode(secret, 'hex'), 1, content, '[["t","é\n"]]', 1700000000)::jsonb AS s FROM good) AS x
$$;
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('good'), made('also good')]);
\set VERBOSITY terse
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"content":"z"}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y'), made('z') || jsonb_build_object('sig', repeat('00', 64))]);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x') || '{"event_id":"abc"}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"created_at":"soon"}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') - 'content' - 'kind']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"tags":[[1]]}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"kind":65536}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), NULL]);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), '[]']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"relay_url":"http://x"}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y') || '{"relay_network":"tor"}']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), (made('y') || '{"relay_url":"ws://127.0.0.1"}') - 'relay_network']);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[(made('text') - 'event_id' || jsonb_build_object('id', made('text') -> 'event_id'))::text]);
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x')::text, '{"event_id"']);
SELECT * FROM bigbrotr.insert_events_batch('{}'::text[]);
ALTER TABLE bigbrotr.events ADD CONSTRAINT mine CHECK (content <> 'unwanted');
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y'), made('unwanted')], 2);
-- Events that the database refused at another time are not named.
INSERT INTO bigbrotr.event_rejects (event_id, rejected_at, sqlstate, message, raw)
	SELECT decode(made(c) ->> 'event_id', 'hex'), 2, '23514', 'earlier', '{}' FROM unnest('{x,y}'::text[]) AS c;
SELECT * FROM bigbrotr.insert_events_batch(ARRAY[made('x'), made('y'), made('unwanted')]);
DELETE FROM bigbrotr.event_rejects;
ALTER TABLE bigbrotr.events DROP CONSTRAINT mine;
SELECT bigbrotr.insert_event(sha256('x'), sha256('y'), 1, 1, '[]', '', sha256('a') || sha256('b'), 'wss://r1.example.com', 'clearnet', 1, 1);
SELECT bigbrotr.insert_event('xyz', 'y', 1, 1, '[]', '', '', 'wss://r1.example.com', 'clearnet', 1, 1);
SET bigbrotr.verify_events = off;
SELECT bigbrotr.insert_event(sha256('x'), sha256('y'), 1, 65536, '[]', '', sha256('a') || sha256('b'), 'wss://r1.example.com', 'clearnet', 1, 1);
RESET bigbrotr.verify_events;
\set VERBOSITY default
SELECT e.content, v.relay_url FROM bigbrotr.event_relay AS v JOIN bigbrotr.events AS e USING (event_id) WHERE e.content ~ 'good|^[xyz]$' ORDER BY 1;

-- Relays and measurements.
SELECT bigbrotr.insert_relay('wss://new.example.com', 'clearnet', 5);
SELECT bigbrotr.insert_relay('wss://new.example.com', NULL, 6);
SELECT bigbrotr.insert_relays_batch(ARRAY['{"url":"wss://new.example.com","network":"clearnet","inserted_at":7}',
	'{"url":"ws://rgwwj75k7qddogklx5dqy7fxzxkcio2mhpz6xif7wnih6ahzsnk55pad.onion","network":"tor","inserted_at":8}', '{"url":"wss://newer.example.com","inserted_at":9}']::jsonb[]);
SELECT bigbrotr.insert_relays_batch(ARRAY['{"url":"wss://new.example.com","network":"clearnet","inserted_at":7}', '{"url":"x","inserted_at":1}']::jsonb[]);
SELECT r.url, r.network, r.inserted_at, r.last_seen, s.phase FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) WHERE r.url !~ '/r\d' ORDER BY 1;
SELECT bigbrotr.insert_relays_batch(ARRAY['{"url":"wss://text.example.com","inserted_at":3}']);
SELECT bigbrotr.insert_relay_metadata('wss://new.example.com', 'clearnet', 5, 100, nip66_present => true, nip66_openable => true, nip66_rtt_open => 150,
	nip11_present => true, nip11_name => 'Example Relay', nip11_supported_nips => '[1,2,9,11]');
SELECT bigbrotr.insert_relay_metadata('wss://new.example.com', 'clearnet', 5, 100);
SELECT bigbrotr.insert_relay_metadata('wss://measured.example.com', 'clearnet', 5, 101, nip11_name => 'nobody asked', nip66_rtt_open => 7);
SELECT relay_url, generated_at, nip66_present, nip66_rtt_open, nip11_present, nip11_name, nip11_supported_nips FROM bigbrotr.relay_metadata ORDER BY 1;
-- The same as a batch gives the same; again it gives nothing.
CREATE TABLE measured AS SELECT * FROM bigbrotr.relay_metadata;
DELETE FROM _bigbrotr.relay_checks;
DELETE FROM bigbrotr.relays WHERE url ~ 'measured';
SELECT bigbrotr.insert_relay_metadata_batch(list, 1), bigbrotr.insert_relay_metadata_batch(list || list)
FROM (SELECT array_agg(to_jsonb(m) || '{"relay_id":7,"more":"x"}') AS list FROM measured AS m) AS m;
SELECT * FROM measured EXCEPT SELECT * FROM bigbrotr.relay_metadata;
SELECT bigbrotr.insert_relay_metadata_batch(ARRAY[e || '{"nip11_name":"first"}', e || '{"nip11_name":"second","nip66_present":null}', e || '{"relay_url":"wss://NEW.example.com:443/"}']::jsonb[]),
       bigbrotr.insert_relay_metadata_batch('{}'::jsonb[]), bigbrotr.insert_relay_metadata_batch(NULL::jsonb[])
FROM (SELECT '{"relay_url":"wss://batch.example.com","relay_inserted_at":3,"generated_at":200}'::jsonb) AS x (e);
SELECT relay_url, relay_inserted_at, generated_at, nip66_present, nip11_present, nip11_name FROM bigbrotr.relay_metadata WHERE generated_at = 200 ORDER BY 1;
\set VERBOSITY terse
SELECT bigbrotr.insert_relay_metadata_batch(ARRAY[e, e - 'generated_at']), 'no time' FROM (SELECT to_jsonb(m) || '{"generated_at":300}' FROM measured AS m) AS x (e);
SELECT bigbrotr.insert_relay_metadata_batch(ARRAY[e, e || '{"relay_network":"tor"}'], 1) FROM (SELECT to_jsonb(m) || '{"generated_at":300}' FROM measured AS m) AS x (e);
SELECT bigbrotr.insert_relay_metadata_batch(ARRAY[e, e || '{"nip66_rtt_open":"fast"}']) FROM (SELECT to_jsonb(m) || '{"generated_at":300}' FROM measured AS m) AS x (e);
SELECT bigbrotr.insert_relay_metadata_batch(ARRAY[e, '[]']) FROM (SELECT to_jsonb(m) || '{"generated_at":300}' FROM measured AS m) AS x (e);
SELECT bigbrotr.insert_relay_metadata_batch('{}'::jsonb[], 1001);
\set VERBOSITY default
SELECT count(*) FROM bigbrotr.relay_metadata WHERE generated_at = 300;
DELETE FROM _bigbrotr.relay_checks WHERE generated_at = 200;

-- Orphans.
SELECT bigbrotr.delete_orphan_events();
DELETE FROM bigbrotr.sightings AS s USING bigbrotr.events AS e WHERE e.eid = s.eid AND e.content ~ '[147]$';
CALL bigbrotr.cleanup_orphans();
CALL bigbrotr.cleanup_orphans();
SELECT count(*), count(*) FILTER (WHERE content ~ '[147]$') AS orphans FROM bigbrotr.events;
DELETE FROM bigbrotr.sightings AS s USING bigbrotr.events AS e WHERE e.eid = s.eid AND e.content ~ '[25]$';
SELECT bigbrotr.delete_orphan_events();
SELECT nip11_name, nip66_rtt_open FROM bigbrotr.relay_metadata ORDER BY relay_url;
BEGIN;
CALL bigbrotr.cleanup_orphans();
ROLLBACK;
SELECT * FROM bigbrotr.verify_statistics();
SELECT * FROM bigbrotr.verify_references();

DROP VIEW differences, sizes;
DROP FUNCTION made;
DROP TABLE calls, good, measured;
DROP SCHEMA original CASCADE;
DROP EXTENSION bigbrotr;
