-- Newer versions, deletions (NIP-09), expiration (NIP-40), vanish requests (NIP-62).
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never

CREATE FUNCTION hex(text) RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT encode(sha256($1::bytea), 'hex') $$;
-- Stores one event, whose id is the hash of its name, and what it says of others.
CREATE FUNCTION store(name text, author text, at bigint, kind integer, VARIADIC tags text[] DEFAULT '{}') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
	stored jsonb := (SELECT coalesce(jsonb_agg(to_jsonb(string_to_array(t, ' '))), '[]') FROM unnest(tags) AS t);
	new bigint;
BEGIN
	INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at)
	VALUES (sha256(name::bytea), sha256(author::bytea), at, kind, stored, name, sha256('a') || sha256('b'), 1) RETURNING eid INTO new;
	PERFORM _bigbrotr.record_facts(ARRAY[new]);
END
$$;
CREATE VIEW seen AS SELECT e.content AS name,
	EXISTS (SELECT FROM bigbrotr.events_current AS c WHERE c.eid = e.eid) AS current,
	EXISTS (SELECT FROM bigbrotr.events_visible AS s WHERE s.eid = e.eid) AS standing,
	EXISTS (SELECT FROM bigbrotr.events_as_published AS p WHERE p.eid = e.eid) AS published,
	EXISTS (SELECT FROM bigbrotr.query_events('{}') AS q WHERE q.eid = e.eid) AS answered,
	EXISTS (SELECT FROM bigbrotr.query_events(jsonb_build_object('ids', jsonb_build_array(hex(e.content)))) AS q) AS by_id,
	EXISTS (SELECT FROM bigbrotr.query_events('{}', true) AS q WHERE q.eid = e.eid) AS as_seen
FROM bigbrotr.events AS e;

SELECT kind, bigbrotr.event_address('\xab', kind, tags::bigbrotr.tags)
FROM unnest('{0,1,3,5,9999,10000,19999,20000,30000,39999,40000}'::integer[]) AS kind, (VALUES ('[["d","x","y"],["d","z"]]'::jsonb)) AS t (tags);
SELECT bigbrotr.event_address('\xab', 30023, t::bigbrotr.tags) FROM unnest(ARRAY['[]', '[["d"]]', '[["d",""]]', '[["D","x"]]', '[["dd","x"],["d","a:b"]]']::jsonb[]) AS t;
SELECT _bigbrotr.address_id('\xab', 30023, '[]') = sha256(convert_to(bigbrotr.event_address('\xab', 30023, '[]'), 'UTF8')), _bigbrotr.address_id('\xab', 1, '[]');

-- The newest version counts; of equal age, the smaller id. Order of arrival does not matter.
SELECT store('profile 2', 'alice', 200, 0), store('profile 1', 'alice', 100, 0, 'd ignored'), store('profile of bob', 'bob', 50, 0),
       store('post a1', 'alice', 100, 30023, 'd a'), store('post a2', 'alice', 101, 30023, 'd a', 'd b'), store('post b', 'alice', 99, 30023, 'd b'),
       store('no d', 'alice', 98, 30023), store('empty d', 'alice', 97, 30023, 'd'), store('other kind', 'alice', 1, 30024, 'd a'),
       store('tie 1', 'alice', 300, 10002), store('tie 2', 'alice', 300, 10002), store('note', 'alice', 1, 1, 'd a'), store('note 2', 'alice', 2, 1, 'd a');
SELECT name, current, published, answered, by_id, as_seen FROM seen ORDER BY name;
SELECT content, event_id = least(sha256('tie 1'), sha256('tie 2')) AS smaller FROM bigbrotr.query_events('{"kinds": [10002]}');

-- Deletions: only one's own; before what they delete arrives as well as after.
TRUNCATE bigbrotr.events;
SELECT store('early deletion', 'alice', 10, 5, 'e ' || hex('late note'), 'e not-an-id', 'k 1'),
       store('late note', 'alice', 5, 1), store('kept note', 'alice', 5, 1),
       store('early note', 'alice', 5, 1), store('late deletion', 'alice', 10, 5, 'e ' || hex('early note'), 'e ' || hex('note of bob'), 'e ' || hex('early deletion')),
       store('note of bob', 'bob', 5, 1),
       store('article 1', 'alice', 5, 30023, 'd x:y'), store('article 2', 'alice', 15, 30023, 'd x:y'), store('article by bob', 'bob', 5, 30023, 'd x:y'),
       store('article deletion', 'alice', 10, 5, 'a 30023:' || hex('alice') || ':x:y', 'a 30023:' || hex('bob') || ':x:y'),
       store('list', 'alice', 5, 10002), store('list deletion', 'alice', 5, 5, 'a 10002:' || hex('alice')),
       store('newest', 'alice', 20, 30024, 'd q'), store('older', 'alice', 19, 30024, 'd q'), store('newest deletion', 'alice', 30, 5, 'e ' || hex('newest')),
       store('gift', 'throw-away', 5, 1059, 'p ' || hex('carol')), store('gift deletion', 'carol', 6, 5, 'e ' || hex('gift')),
       store('note for carol', 'dave', 5, 1, 'p ' || hex('carol')), store('no deletion', 'carol', 6, 5, 'e ' || hex('note for carol'));
SELECT name, standing, published, answered, by_id, as_seen FROM seen ORDER BY name;
SELECT count(*), count(*) FILTER (WHERE by_address) AS by_address FROM bigbrotr.deletions;
SELECT _bigbrotr.record_facts(array_agg(eid)) FROM bigbrotr.events;
SELECT count(*), count(*) FILTER (WHERE by_address) AS by_address FROM bigbrotr.deletions;

-- Expiration: at its second it is over; what is no number does not count.
TRUNCATE bigbrotr.events;
SELECT store('expired', 'alice', 1, 1, 'expiration 1000'), store('expires now', 'alice', 1, 1, 'expiration ' || bigbrotr.unix_now()),
       store('not yet', 'alice', 1, 1, 'expiration 99999999999'), store('never', 'alice', 1, 1, 'expiration soon'), store('first counts', 'alice', 1, 1, 'expiration 99999999999', 'expiration 1');
SELECT name, standing, published, answered, by_id, as_seen FROM seen ORDER BY name;

-- Vanish requests: everything until then, deletions too, gifts to the author too; the request stays.
TRUNCATE bigbrotr.events;
SELECT store('before', 'erin', 5, 1), store('deletion before', 'erin', 5, 5, 'e ' || hex('x')), store('vanish', 'erin', 6, 62, 'relay wss://a.example.com', 'relay ALL_RELAYS'),
       store('same second', 'erin', 6, 1), store('after', 'erin', 7, 1), store('gift before', 'throw-away', 5, 1059, 'p ' || hex('erin')),
       store('unrelated', 'frank', 5, 1, 'p ' || hex('erin')), store('elsewhere', 'frank', 9, 62, 'relay wss://a.example.com'), store('vanish deletion', 'erin', 8, 5, 'e ' || hex('vanish'));
SELECT name, standing, published, answered, by_id, as_seen FROM seen ORDER BY name;

-- Rows of every view can be exported.
SELECT bool_and(bigbrotr.event_json(e) = bigbrotr.event_json(c)) AS current,
       bool_and(bigbrotr.event_json(e) = bigbrotr.event_json(t)) AS standing, bool_and(bigbrotr.event_json(e) = bigbrotr.event_json(p)) AS published, count(*)
FROM bigbrotr.events AS e JOIN bigbrotr.events_current AS c USING (eid)
     JOIN bigbrotr.events_visible AS t USING (eid) JOIN bigbrotr.events_as_published AS p USING (eid);

-- Requests of strangers are not even read: how many entries of the index are, however many there are.
BEGIN;
CREATE FUNCTION entries_read(statement text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
	before bigint := pg_stat_get_xact_tuples_returned('bigbrotr.deletions_pkey'::regclass);
BEGIN
	EXECUTE statement;
	RETURN pg_stat_get_xact_tuples_returned('bigbrotr.deletions_pkey'::regclass) - before;
END
$$;
SELECT count(store('target ' || n, 'victim', 5, 1)) FROM generate_series(1, 20) AS n;
SELECT store('target article', 'victim', 5, 30023, 'd x'), store('target gift', 'throw-away', 5, 1059, 'p ' || hex('victim'), 'p ' || hex('other victim'));
SELECT count(store('stranger ' || s, 'stranger ' || s, 10, 5, VARIADIC
	ARRAY(SELECT 'e ' || hex(content) FROM bigbrotr.events WHERE content LIKE 'target %') || ARRAY['a 30023:' || hex('victim') || ':x']))
FROM generate_series(1, 1000) AS s;
SELECT count(*) AS requests, entries_read($$SELECT count(*) FROM bigbrotr.events_visible WHERE content LIKE 'target %'$$) FROM bigbrotr.deletions WHERE target = sha256('target 7');
SELECT store('own request', 'victim', 11, 5, 'e ' || hex('target 7'), 'e ' || hex('target gift'), 'a 30023:' || hex('victim') || ':x');
SELECT entries_read($$SELECT count(*) FROM bigbrotr.events_visible WHERE content LIKE 'target %'$$);
SELECT content FROM bigbrotr.events AS e WHERE content LIKE 'target %' AND NOT EXISTS (SELECT FROM bigbrotr.events_visible AS s WHERE s.eid = e.eid) ORDER BY 1;
-- Of many receivers of a gift wrap the first ten count.
SELECT store('gift of ' || n, 'throw-away', 5, 1059, VARIADIC
	ARRAY(SELECT 'p ' || hex('friend ' || f) FROM generate_series(1, n - 1) AS f) || ARRAY['p ' || hex('victim')]) FROM unnest(ARRAY[10, 11]) AS n;
SELECT store('request for gifts', 'victim', 11, 5, 'e ' || hex('gift of 10'), 'e ' || hex('gift of 11'));
SELECT content, cardinality(_bigbrotr.masters(e)) AS masters FROM bigbrotr.events AS e
WHERE content LIKE 'gift of %' AND EXISTS (SELECT FROM bigbrotr.events_visible AS s WHERE s.eid = e.eid);
ROLLBACK;

-- None of these look-ups needed the statement that stands in for a missing index.
SELECT count(*) FROM pg_backend_memory_contexts WHERE ident LIKE 'SELECT FROM bigbrotr.%';

-- Without the indexes, or with others in their place, answers are the same.
CREATE TABLE answers AS SELECT name, current, standing FROM seen;
CREATE FUNCTION wrong_answers() RETURNS SETOF text LANGUAGE sql AS $$ SELECT name FROM answers JOIN seen AS s USING (name) WHERE (s.current, s.standing) IS DISTINCT FROM (answers.current, answers.standing) $$;
SELECT count(*) FILTER (WHERE standing) > 0 AS some_stand, count(*) FILTER (WHERE NOT standing) > 0 AS some_do_not FROM answers;
SELECT store('old profile', 'frank', 1, 0), store('new profile', 'frank', 2, 0), store('old article', 'frank', 1, 30023, 'd x'), store('new article', 'frank', 2, 30023, 'd x');
INSERT INTO answers SELECT name, current, standing FROM seen WHERE name ~ '^(old|new) ';
SELECT name, current FROM answers WHERE name ~ '^(old|new) ' ORDER BY 1;
ALTER INDEX bigbrotr.events_address_idx RENAME TO another_name;
SELECT wrong_answers();
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'bigbrotr.another_name'::regclass;
SELECT wrong_answers();
DROP INDEX bigbrotr.another_name;
SELECT wrong_answers();
CREATE INDEX events_address_idx ON bigbrotr.events (_bigbrotr.address_id(pubkey, kind, tags), created_at) WHERE _bigbrotr.address_id(pubkey, kind, tags) IS NOT NULL AND kind = 0;
SELECT wrong_answers();
DROP INDEX bigbrotr.events_address_idx;
CREATE INDEX events_address_idx ON bigbrotr.events (event_id, created_at);
SELECT wrong_answers();
DROP INDEX bigbrotr.events_address_idx;
CREATE INDEX events_address_idx ON bigbrotr.events (_bigbrotr.address_id(pubkey, kind, tags), created_at DESC);
SELECT wrong_answers();
ALTER TABLE bigbrotr.deletions DROP CONSTRAINT deletions_pkey;
ALTER TABLE bigbrotr.vanish_requests DROP CONSTRAINT vanish_requests_pkey;
SELECT wrong_answers();
ALTER TABLE bigbrotr.deletions ADD CONSTRAINT deletions_pkey PRIMARY KEY (target, by_address, pubkey, event_id);
ALTER TABLE bigbrotr.vanish_requests ADD CONSTRAINT vanish_requests_pkey PRIMARY KEY (pubkey, event_id);

-- What a statement keeps open is closed with it, however it ends; and with the transaction, if it is an expression of PL/pgSQL.
BEGIN;
DECLARE c CURSOR FOR SELECT e.content <> '' AS shown FROM bigbrotr.events_as_published AS e ORDER BY e.eid;
FETCH c;
SAVEPOINT s;
SELECT 1 / (length(content) - length(content)) FROM bigbrotr.events_as_published;
ROLLBACK TO s;
FETCH c;
COMMIT;
DO $$
DECLARE
	e record;
	good boolean;
BEGIN
	FOR e IN SELECT * FROM bigbrotr.events LOOP
		BEGIN
			good := bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags) AND bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
			IF e.eid % 2 = 0 THEN
				PERFORM 1 / 0;
			END IF;
		EXCEPTION WHEN division_by_zero THEN
			good := bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
		END;
		IF e.eid % 3 = 0 THEN
			COMMIT;
		ELSIF e.eid % 3 = 1 THEN
			ROLLBACK;
		END IF;
	END LOOP;
END
$$;
ALTER TABLE bigbrotr.deletions SET (fillfactor = 90);
DELETE FROM bigbrotr.events WHERE content ~ '^(old|new) ';
DROP FUNCTION wrong_answers;
DROP TABLE answers;

-- Nothing is really deleted but on demand; then it still does not come back into view.
-- Interrupted, it goes on where it was, then begins anew.
INSERT INTO _bigbrotr.deletion_progress
	SELECT 'delete_withdrawn', eid FROM bigbrotr.events AS e
	WHERE NOT EXISTS (SELECT FROM bigbrotr.events_visible AS s WHERE s.eid = e.eid) ORDER BY eid OFFSET 1 LIMIT 1;
CALL bigbrotr.delete_withdrawn();
TABLE _bigbrotr.deletion_progress;
CALL bigbrotr.delete_withdrawn();
INSERT INTO _bigbrotr.deletion_progress SELECT 'delete_withdrawn', max(eid) + 1 FROM bigbrotr.events;
CALL bigbrotr.delete_withdrawn();
TABLE _bigbrotr.deletion_progress;
SELECT store('before', 'erin', 5, 1);
SELECT name, published FROM seen ORDER BY name;
SELECT bigbrotr.count_events('{}'), bigbrotr.count_events('{}', true);

-- An event explained: what is archived of it, and why it is not shown.
CREATE FUNCTION explained(id text) RETURNS SETOF text LANGUAGE sql
	AS $$ SELECT regexp_replace(regexp_replace(line, '[0-9a-f]{64}', 'HEX', 'g'), 'archived since [^:]*:..:.. UTC', 'archived') FROM bigbrotr.explain_event(id) AS line $$;
CREATE FUNCTION explained_event(tags bigbrotr.tags, kind integer DEFAULT 1, at bigint DEFAULT 1700000000, content text DEFAULT 'explained') RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	event jsonb := bigbrotr.sign_event(sha256('explained'), kind, content, tags, at)::jsonb;
BEGIN
	PERFORM bigbrotr.insert_events_batch(ARRAY[event || '{"relay_url": "wss://one.example.com", "relay_network": "clearnet", "relay_inserted_at": 1, "seen_at": 1700000100}']);
	RETURN QUERY SELECT explained(event ->> 'id');
END
$$;
SELECT explained_event('[]');
SELECT explained_event('[["expiration", "1700000001"]]');
SELECT explained_event('[["-"]]');
SELECT explained_event('[]', 0, 1700000000);
SELECT explained_event('[]', 0, 1700000001);
SELECT explained(bigbrotr.sign_event(sha256('explained'), 0, 'explained', '[]', 1700000000)::jsonb ->> 'id');
SELECT explained_event(format('[["e", "%s"]]', bigbrotr.sign_event(sha256('explained'), 1, 'explained', '[]', 1700000000)::jsonb ->> 'id')::bigbrotr.tags, 5, 1700000002);
SELECT explained(bigbrotr.sign_event(sha256('explained'), 1, 'explained', '[]', 1700000000)::jsonb ->> 'id');
SELECT explained(repeat('0', 64));
SELECT explained('nobody');
DROP FUNCTION explained, explained_event;

DROP VIEW seen;
DROP FUNCTION store, hex;
DROP EXTENSION bigbrotr;
