-- Nostr in SQL: what the functions say, and how they refuse.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
SET search_path = bigbrotr, public;
\set key '\'\\x0000000000000000000000000000000000000000000000000000000000000001\''

-- Events: made, signed, read and checked.
SELECT public_key(:key);
SELECT event_id(public_key(:key), 1735689600, 1, '[]', '');
SELECT canonical_json(public_key(:key), 1735689607, 30023, '[["d", "a\"b"], ["t", "café", ""], ["-"]]', E'tab\t nl\n / \x01');
CREATE TABLE signed (n integer, json text);
INSERT INTO signed SELECT n, sign_event(:key, n, E'content "' || n || E'"\n\\', jsonb_build_array(jsonb_build_array('t', n::text, ''))::tags, 1735689600 + n)
	FROM generate_series(0, 65535, 5461) AS n;
SELECT count(*) AS signed, count(*) FILTER (WHERE verify_event(json)) AS good,
       count(*) FILTER (WHERE verify_event_reason(json) IS NULL) AS without_fault,
       count(*) FILTER (WHERE verify_event(convert_to(json, 'UTF8'))) AS good_bytes
FROM signed;
SELECT count(*) FILTER (WHERE p.pubkey = public_key(:key) AND p.kind = s.n AND p.created_at = 1735689600 + s.n
			AND p.event_id = event_id(p.pubkey, p.created_at, p.kind, p.tags, p.content) AND p.raw = ''
			AND tag_value(p.tags, 't') = s.n::text
			AND verify_event(p.event_id, p.pubkey, p.created_at, p.kind, p.tags, p.content, p.sig)) AS exact
FROM signed AS s, parse_event(s.json) AS p;
SELECT verify_event_reason(replace(json, 'content \"', 'other \"')) AS content, verify_event_reason(replace(json, '"kind":0', '"kind":1')) AS kind,
       verify_event_reason(overlay(json PLACING CASE right(left(json, -2), 2) WHEN '00' THEN '01' ELSE '00' END FROM length(json) - 3 FOR 2)) AS sig, verify_event_reason(json || 'x') AS rest
FROM signed WHERE n = 0;
SELECT verify_event_reason(p.event_id, p.pubkey, p.created_at, p.kind, p.tags, p.content || 'x', p.sig) AS content,
       verify_event_reason(p.event_id, p.pubkey, p.created_at, p.kind, p.tags, p.content, p.event_id || p.event_id) AS sig
FROM signed AS s, parse_event(s.json) AS p WHERE n = 0;
SELECT verify_event(NULL::text), verify_event_reason(NULL::text), parse_event(NULL::text);

-- As archived, with U+0000 too.
SELECT cardinality(_bigbrotr.store_events(ARRAY[p.event_id], ARRAY[p.pubkey], ARRAY[p.created_at], ARRAY[p.kind], ARRAY[p.tags::text], ARRAY[p.content], ARRAY[p.sig], ARRAY[p.raw], 1))
FROM signed AS s, parse_event(s.json) AS p WHERE n = 5461;
SELECT tags, content = E'nul \uFFFD here' AS readable, convert_from(raw, 'UTF8') AS raw
FROM parse_event('{"id":"b4fca5e58f1b72f74fc83cdfa3af32537f526d20429506acb7e295b0718325ab","pubkey":"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","created_at":1735689600,"kind":1,"tags":[],"content":"nul \u0000 here","sig":"368ab2e26eef829ed99524b6dbd4310fe6802ca8dc5d895a1f90c1830fcf4245465c4ce29b43a9abc223b5b12ed0bb60fb125e5ca0c75d3ca1579339ff099ed4"}');
SELECT cardinality(_bigbrotr.store_events(ARRAY[p.event_id], ARRAY[p.pubkey], ARRAY[p.created_at], ARRAY[p.kind], ARRAY[p.tags::text], ARRAY[p.content], ARRAY[p.sig], ARRAY[p.raw], 1))
FROM parse_event('{"id":"b4fca5e58f1b72f74fc83cdfa3af32537f526d20429506acb7e295b0718325ab","pubkey":"79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798","created_at":1735689600,"kind":1,"tags":[],"content":"nul \u0000 here","sig":"368ab2e26eef829ed99524b6dbd4310fe6802ca8dc5d895a1f90c1830fcf4245465c4ce29b43a9abc223b5b12ed0bb60fb125e5ca0c75d3ca1579339ff099ed4"}') AS p;
SELECT count(*) AS archived, count(*) FILTER (WHERE verify_event(e)) AS good FROM events AS e;
UPDATE events SET content = content || '!' WHERE raw = '';
UPDATE events SET event_id = sha256('other') WHERE raw <> '';
SELECT verify_event_reason(e) FROM events AS e;

-- Every refusal names its reason.
SELECT parse_event('');
SELECT parse_event('[]');
SELECT parse_event('{"id":1}');
SELECT parse_event('{"kind":65536}');
SELECT parse_event('\xff'::bytea);
SELECT parse_event(repeat('[', 100000));
SELECT parse_event(format('{"x":"%s"}', repeat('x', 1 << 20)));
SELECT event_id('\x00', 0, 0, '[]', '');
SELECT event_id(sha256(''), -1, 0, '[]', '');
SELECT event_id(sha256(''), 0, 65536, '[]', '');
SELECT event_id(sha256(''), 0, 0, '{"a": "b"}', '');
SELECT event_id(sha256(''), 0, 0, '[["a"], "b"]', '');
SELECT event_id(sha256(''), 0, 0, '[["a"], {"b": 1}]', '');
SELECT event_id(sha256(''), 0, 0, '[[]]', '');
SELECT event_id(sha256(''), 0, 0, '[["a", 1]]', '');
SELECT event_id(sha256(''), 0, 0, '[["a", ["b"]]]', '');
SELECT event_id(sha256(''), 0, 0, '"tags"', '');
SELECT event_id(sha256(''), 0, 0, '[["a"]]', NULL);
SELECT sign_event('\x01', 1);
SELECT sign_event(decode(repeat('00', 32), 'hex'), 1);
SELECT public_key(decode(repeat('ff', 32), 'hex'));

-- Kinds, proof of work.
SELECT k AS kind, kind_class(k) FROM unnest('{0,1,3,45,9999,10000,19999,20000,29999,30000,39999,40000,65535}'::integer[]) AS k;
SELECT kind_class(-1);
SELECT pow_bits('\x000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358'), pow_bits(decode(repeat('00', 32), 'hex'));
SELECT pow_bits('\x00');

-- Tags.
CREATE VIEW tagged AS SELECT '[["e", "1"], ["p", "2", "wss://x"], ["e"], ["e", "3", "", "root"], ["expiration", "1700000000"], ["d", "id"]]'::bigbrotr.tags AS tags;
SELECT tag_values(tags, 'e'), tag_value(tags, 'e') AS first, tag_values(tags, 'x') AS none, tag_value(tags, 'x') AS no_value, d_tag(tags), expiration(tags) FROM tagged;
SELECT t, d_tag(t), tag_value(t, 'd'), expiration(t)
FROM unnest(ARRAY['[]', '[["d"]]', '[["d", ""]]', '[["d"], ["d", "second"]]', '[["expiration", "soon"]]', '[["expiration"], ["expiration", "1"]]',
	'[["expiration", "-1"]]', '[["expiration", "99999999999999999999"]]']::bigbrotr.tags[]) AS t;
SELECT tag_value('[["a"], 1]', 'x');
SELECT tag_values('null', 'x');

-- NIP-19.
SELECT npub_encode('\x7e7e9c42a91bfef19fa929e5fda1b72e0ebc1a4c1141673e2794234d86addf4e'), npub_decode('npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg');
SELECT note_decode(note_encode(sha256('a'))) = sha256('a') AS note, nsec_decode(nsec_encode(:key)) = :key AS nsec;
SELECT * FROM nip19_decode('nostr:naddr1qqyrzwrxvc6ngvfkqyghwumn8ghj7enfv96x5ctx9e3k7mgzyqalp33lewf5vdq847t6te0wvnags0gs0mu72kz8938tn24wlfze6qcyqqq823cph95ag');
SELECT * FROM nip19_decode('nrelay1qqthwumn8ghj7un9d3shjtn90psk6urvv5hxxmmdu9x9vf');
SELECT * FROM nip19_decode(nevent_encode(sha256('a'), '{wss://a.example.com,ws://b.example.com}', sha256('b'), 1));
SELECT * FROM nip19_decode(nprofile_encode(sha256('a')));
SELECT * FROM nip19_decode(naddr_encode(sha256('a'), 10002));
SELECT nip19_encode('nrelay', relays => '{wss://relay.example.com}');
SELECT type, data FROM nip19_decode('nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5', allow_secret => true);
SELECT nip19_decode('nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5');
SELECT nip19_encode('nsec', :key);
SELECT nip19_encode('nsec', :key, allow_secret => true) = nsec_encode(:key) AS asked;
SELECT t, nip19_reason(t) FROM unnest(ARRAY['', 'npub1', 'npub', 'NPUB180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6w6', 'nPub180', 'npub180cvv07tjdrrgpa0j7j7tmnyl2yr6yr7l8j4s3evf6u64th6gkwsyjh6wq',
	'nprofile1qythwumn8ghj7un9d3shjtn90psk6urvv5hxxmmdcxc3h6', 'nostr:nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5', E'\u00e9']) AS t;
SELECT nip19_decode('npub1x');
SELECT npub_decode(note_encode(sha256('a')));
SELECT note_decode('npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg');
SELECT nip19_encode('npub');
SELECT nip19_encode('nothing', sha256('a'));
SELECT nip19_encode(NULL);
SELECT nip19_encode('npub', sha256('a'), kind => 1);
SELECT nip19_encode('nevent', sha256('a'), kind => -1);
SELECT nip19_encode('nevent', sha256('a'), ARRAY[repeat('x', 256)]);
SELECT nip19_encode('nevent', sha256('a'), array_fill(repeat('x', 255), '{20}'));
SELECT nip19_encode('nprofile', '\x00');

-- Invoices, hex, relays.
SELECT bolt11_amount('lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpuaztrnwngzn3kdzw5hydlzf03qdgm2hdq27cqv3agm2awhz5se903vruatfhq77w3ls4evs3ch9zw97j25emudupq63nyw24cg27h2rspfj9srp');
SELECT bolt11_amount('lnbc2500u1pvjluez');
SELECT t, bolt11_reason(t) FROM unnest(ARRAY['', 'lnbc1', 'npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg']) AS t;
SELECT from_hex('00ff'), from_hex(''), to_hex('\x00ff'::bytea);
SELECT from_hex('0');
SELECT from_hex('AB');
SELECT relay_network('wss://relay.example.com'), relay_network('ws://localhost'), relay_network('nonsense');

RESET search_path;
DROP VIEW bigbrotr.tagged;
DROP TABLE bigbrotr.signed;
DROP EXTENSION bigbrotr;
