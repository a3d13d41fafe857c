-- Relay URLs and seed lists.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never

SELECT i.url AS input, n.*
FROM unnest(ARRAY['WSS://Relay.Example.com:443/', 'ws://relay.example.com:80', 'wss://relay.example.com/path/', 'nos.lol',
                  'https://nos.lol', '', 'wss://user:pw@relay.example.com', 'wss://[2001:DB8::1]:7777', 'wss://127.0.0.1:8080',
                  'wss://bücher.example.com', E'wss://a\tb.example.com']) AS i (url),
     bigbrotr.normalise_relay_url(i.url) AS n;
SELECT left(i.url, 20) AS input, n.*
FROM unnest(ARRAY['nos.lol', 'https://nos.lol', 'ftp://nos.lol', repeat('x', 3000)]) AS i (url),
     bigbrotr.normalise_relay_url(i.url, true) AS n;
SELECT bigbrotr.normalise_relay_url(NULL);

SELECT bigbrotr.add_relay('wss://relay.example.com');
SELECT bigbrotr.add_relay('WSS://relay.example.com:443/');
SELECT bigbrotr.add_relay('relay.example.com');
SELECT bigbrotr.add_relay('ws://127.0.0.1:7777');
SELECT url, network, last_seen, status FROM bigbrotr.relays ORDER BY relay_id;

SELECT * FROM bigbrotr.load_seeds('first', E'# comment\n\n  \t\r\nwss://nos.lol\r\nnos.lol/\nwss://relay.example.com\n  # indented comment\nfoo bar\nmailto:x\nwss://localhost:1\nwss://last.example.com');
SELECT source, line, text, reason FROM bigbrotr.seed_rejects ORDER BY source, line;
SELECT r.url, r.network, s.phase, s.next_attempt FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s USING (relay_id) ORDER BY r.relay_id;
-- A second load replaces the rejects of its own source only.
SELECT * FROM bigbrotr.load_seeds('second', 'nonsense nonsense');
SELECT * FROM bigbrotr.load_seeds('first', E'wss://nos.lol\n:::\n' || repeat('y', 600));
SELECT source, line, length(text), reason FROM bigbrotr.seed_rejects ORDER BY source, line;
SELECT * FROM bigbrotr.load_seeds('empty', '');
SELECT * FROM bigbrotr.load_seeds('huge', repeat('x', 16 * 1024 * 1024 + 1));
SELECT source, seed_list, reason, refusal_count FROM bigbrotr.refusals ORDER BY 1, 2, 3;
-- No numbers are used up by relays that are known.
SELECT max(relay_id) < 20 AS frugal FROM bigbrotr.relays;

CALL bigbrotr.delete_relay('wss://nos.lol');
CALL bigbrotr.delete_relay('wss://nos.lol');
SELECT count(*) FROM _bigbrotr.relay_sync;

DROP EXTENSION bigbrotr;
