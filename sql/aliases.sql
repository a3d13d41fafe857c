-- Relays that are probably one: why, and what is none.
CREATE EXTENSION bigbrotr;
-- A visited relay: its addresses, and its document.
CREATE FUNCTION visited(url text, addresses text, document text) RETURNS integer LANGUAGE plpgsql AS $$
DECLARE
	relay integer := bigbrotr.add_relay(url);
BEGIN
	INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, nip66_id, nip11_id)
	SELECT relay, s.host, s.site, CASE WHEN addresses <> '' THEN _bigbrotr.store_nip66(addresses::jsonb) END, _bigbrotr.store_document(document)
	FROM _bigbrotr.relay_site(url) AS s;
	RETURN relay;
END
$$;
\set key 79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798
\set other c6047f9441ed7d6d3045406e95c07cd85c778e4b8cef3ca7abac09b95c709ee5
SELECT count(visited(url, addresses, document)) FROM (VALUES
	-- scheme
	('wss://a.com/x', '', NULL), ('ws://a.com/x', '', NULL), ('ws://a.com', '', NULL),
	-- address
	('wss://name.com:4848/x', '{"addresses":["8.8.4.4","2a00:1450:4001::1"]}', NULL), ('wss://8.8.4.4:4848/x', '{"addresses":["8.8.4.4"]}', NULL),
	('wss://[2a00:1450:4001::1]:4848/x', '', NULL), ('wss://8.8.4.4/x', '', NULL), ('ws://8.8.4.4:4848/x', '', NULL), ('wss://other.com:4848/x', '{"addresses":["8.8.4.4"]}', NULL),
	('wss://odd.com', '{"addresses":"8.8.4.4"}', NULL),
	-- key
	('wss://k1.com', '', '{"self":"' || :'key' || '","name":"1"}'), ('wss://k2.com', '', '{"self":"' || :'key' || '","name":"2"}'),
	('wss://k3.com/p', '', '{"self":"' || :'key' || '","name":"3"}'), ('wss://k4.com', '', '{"self":"none"}'), ('wss://k5.com', '', '{"self":"none","name":"5"}'),
	-- document
	('wss://d1.com', '', '{"name":"d","pubkey":"' || :'other' || '"}'), ('wss://d2.com', '', '{"name":"d","pubkey":"' || :'other' || '"}'),
	('wss://d3.com', '', '{"name":"e","pubkey":"' || :'other' || '"}'),
	-- What every relay of a program serves before somebody changes it is no sign.
	('wss://e1.com', '', '{"name":"strfry default","pubkey":"unset"}'), ('wss://e2.com', '', '{"name":"strfry default","pubkey":"unset"}')) AS v (url, addresses, document);
SELECT * FROM bigbrotr.relay_aliases ORDER BY reason, relay_url, alias_url;
-- Not merged.
SELECT count(*) FROM bigbrotr.relays;
DROP FUNCTION visited;
SET bigbrotr.allow_drop_extension = on;
DROP EXTENSION bigbrotr;
