-- What people type to find something: keys and ids in all their spellings, times, broken texts; and what they are
-- told when it makes no sense.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
\set hex 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798
SELECT bigbrotr.npub_encode(k) AS npub, bigbrotr.nprofile_encode(k, '{wss://relay.example.com}') AS nprofile,
       bigbrotr.note_encode(k) AS note, bigbrotr.nevent_encode(k) AS nevent, bigbrotr.naddr_encode(k, 30023, 'an article') AS naddr,
       bigbrotr.naddr_encode(k, 10002) AS list, bigbrotr.nsec_encode(k) AS nsec
FROM bigbrotr.from_hex(:'hex') AS k \gset
\echo :npub :note

-- Each spelling is the same key or id.
SELECT t, bigbrotr.pubkey(t) = bigbrotr.from_hex(:'hex') AS same FROM unnest(ARRAY[:'hex', :'npub', 'nostr:' || :'npub', :'nprofile']) AS t;
SELECT t, bigbrotr.event_id(t) = bigbrotr.from_hex(:'hex') AS same FROM unnest(ARRAY[:'hex', :'note', 'nostr:' || :'nevent']) AS t;
-- What is none is an error, and secret keys are not repeated.
SELECT bigbrotr.pubkey(:'note');
SELECT bigbrotr.pubkey(:'nsec');
SELECT bigbrotr.pubkey('79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798');
SELECT bigbrotr.pubkey('satoshi');
SELECT bigbrotr.pubkey(:'npub' || 'q');
SELECT bigbrotr.event_id(:'npub');
SELECT bigbrotr.event_id('');

INSERT INTO bigbrotr.events (event_id, pubkey, created_at, kind, tags, content, sig, inserted_at) VALUES
	(sha256('profile'), bigbrotr.pubkey(:'npub'), 100, 0, '[]', '{"name": "satoshi"}', sha256('a') || sha256('b'), 1),
	(sha256('broken'), sha256('x'), 100, 0, '[]', '{"name": "nobody', sha256('a') || sha256('b'), 1),
	(sha256('nul'), sha256('y'), 100, 0, '[]', '{"name": "\u0000"}', sha256('a') || sha256('b'), 1),
	(sha256('old article'), bigbrotr.pubkey(:'npub'), 100, 30023, '[["d","an article"]]', 'old', sha256('a') || sha256('b'), 1),
	(sha256('article'), bigbrotr.pubkey(:'npub'), 200, 30023, '[["d","an article"]]', 'new', sha256('a') || sha256('b'), 1),
	(sha256('other article'), bigbrotr.pubkey(:'npub'), 300, 30023, '[["d","another article"]]', 'other', sha256('a') || sha256('b'), 1),
	(sha256('list'), bigbrotr.pubkey(:'npub'), 200, 10002, '[]', 'list', sha256('a') || sha256('b'), 1),
	(bigbrotr.event_id(:'note'), sha256('z'), 1700000000, 1, jsonb_build_array(jsonb_build_array('p', :'hex'))::bigbrotr.tags, 'a "note"', sha256('a') || sha256('b'), 1);

-- Filters take them, too.
SELECT bigbrotr.count_events(jsonb_build_object('authors', jsonb_build_array(:'npub'))) AS npub,
       bigbrotr.count_events(jsonb_build_object('#p', jsonb_build_array(:'nprofile'))) AS nprofile,
       bigbrotr.count_events(jsonb_build_object('ids', jsonb_build_array(:'note'))) AS note,
       (SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, jsonb_build_object('#p', jsonb_build_array(:'npub')))) AS condition;
SELECT bigbrotr.count_events(jsonb_build_object('authors', jsonb_build_array(:'note')));
SELECT bigbrotr.count_events('{"ids": ["nonsense"]}');
SELECT bigbrotr.count_events('{"#hashtag": ["nostr"]}');
SELECT count(*) FROM bigbrotr.events AS e WHERE bigbrotr.event_matches(e, '{"kinds": [1], "limit": 5}');
SELECT bigbrotr.export_events('{"limit": 1}');

-- find: the event that a text names.
SELECT t, (SELECT string_agg(f.content, ', ') FROM bigbrotr.find(t) AS f) AS content
FROM unnest(ARRAY[:'npub', :'nprofile', :'hex', :'note', :'nevent', :'naddr', :'list', repeat('0', 64)]) WITH ORDINALITY AS n (t, i) ORDER BY i;
SELECT * FROM bigbrotr.find('satoshi');
SELECT * FROM bigbrotr.find(bigbrotr.nip19_encode('nrelay', relays => '{wss://relay.example.com}'));
DELETE FROM bigbrotr.events WHERE kind = 1;
SELECT content FROM bigbrotr.find(:'hex');

-- One JSON array, in the order of query_events.
SELECT e ->> 'content' AS content, e -> 'created_at' AS created_at
FROM json_array_elements(bigbrotr.query_json('{"kinds": [30023, 10002]}')) AS e;
SELECT bigbrotr.query_json('{"kinds": [7]}');

-- Times.
SELECT bigbrotr.unix('2009-01-03 18:15:05+00') AS genesis, bigbrotr.unix('1969-12-31 23:59:59.5+00') AS before, bigbrotr.unix('infinity');
SET enable_seqscan = off;
EXPLAIN (COSTS OFF) SELECT content FROM bigbrotr.events WHERE created_at >= bigbrotr.unix(now() - interval '7 days');
RESET enable_seqscan;

-- Texts that are not what they should be.
SELECT bigbrotr.content_json(content) ->> 'name' AS name, content FROM bigbrotr.events WHERE kind = 0 ORDER BY content;
SELECT bigbrotr.content_json(repeat('[', 100000)), bigbrotr.content_json('1e1000000'), bigbrotr.content_json(''), bigbrotr.content_json(NULL);
SELECT bigbrotr.bolt11_amount('lnbc2500u1pvjluez', strict => false) AS broken;
SELECT bigbrotr.bolt11_amount('lnbc2500u1pvjluez');

-- Search tells that it has no index, until it has one; administrators may make it.
SELECT count(*) FROM bigbrotr.query_events('{"search": "other"}');
SELECT bigbrotr.count_events('[{"kinds": [1]}, {"search": "other"}]');
SET ROLE bigbrotr_admin;
SELECT bigbrotr.create_search_index();
SELECT count(*) FROM bigbrotr.query_events('{"search": "other"}');
SELECT bigbrotr.drop_search_index();
RESET ROLE;
SET ROLE bigbrotr_writer;
SELECT bigbrotr.create_search_index();
RESET ROLE;
DROP EXTENSION bigbrotr;
