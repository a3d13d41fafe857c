-- Version 2 of nostr.watch: three relays as in the public parity check of rstate, measured by this archive's own monitor.
CREATE EXTENSION bigbrotr;
\set SHOW_CONTEXT never
CREATE FUNCTION ask(route text, "values" jsonb DEFAULT '{}') RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	statement text := (SELECT DISTINCT c.statement FROM _bigbrotr.api_calls AS c WHERE c.name = route);
	p record;
	item text;
	detail text;
BEGIN
	FOR p IN SELECT c.place, c.parameter FROM _bigbrotr.api_calls AS c WHERE c.name = route AND c.place IS NOT NULL ORDER BY c.place DESC LOOP
		statement := replace(statement, '$' || p.place || '::', quote_nullable("values" ->> p.parameter) || '::');
	END LOOP;
	EXECUTE statement INTO item;
	RETURN item;
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL;
	RETURN jsonb_build_object('error', concat_ws(' ', SQLSTATE, SQLERRM, '|', detail));
END
$$;
GRANT EXECUTE ON FUNCTION ask TO bigbrotr_api;

-- Nothing was measured: an error (503 over HTTP), never an empty list.
SET ROLE bigbrotr_api;
SELECT name, ask(name, '{"relayUrl": "wss://relay1.example.com", "namespace": "nip32.geo", "value": "US", "body": {}}') ->> 'error' AS error
FROM bigbrotr.api_routes WHERE name LIKE 'v2%' AND name <> ALL ('{v2_monitors,v2_monitor,v2_ping,v2_compare}') ORDER BY number;
SELECT ask('v2_ping') ->> 'status' AS status;
RESET ROLE;

INSERT INTO bigbrotr.relays (url, network, inserted_at, status) VALUES ('wss://relay1.example.com', 'clearnet', 1, 'online'), ('wss://relay2.example.com', 'tor', 1, 'online'),
	('wss://relay3.example.com', 'clearnet', 1, 'offline'), ('wss://relay4.example.com', 'clearnet', 1, 'dead'), ('wss://never.example.com', 'clearnet', 1, 'candidate');
WITH documents AS (
	INSERT INTO _bigbrotr.nip11_documents (hash, supported_nips, software, version, document) VALUES
		(sha256('1'), '[1, 11, 42, 50]', 'git+https://github.com/hoytech/strfry.git', '1.0.0', '{"relay_countries": ["US"], "limitation": {"auth_required": true, "payment_required": false}}'),
		(sha256('2'), '[1, 11, "x"]', 'https://git.sr.ht/~gheartsfield/nostr-rs-relay/', '0.8.0', '{}'),
		(sha256('3'), NULL, NULL, NULL, '{"relay_countries": ["de", "*", 7]}') RETURNING nip11_id, hash)
INSERT INTO _bigbrotr.relay_visits (relay_id, host, site, checked_at, rtt_open, rtt_read, rtt_write, nip11_id)
SELECT r.relay_id, 'h', 's', 1700000000 + r.relay_id, m.open, m.read, m.write, d.nip11_id
FROM (VALUES ('wss://relay1.example.com', 50, 30, 25, '1'), ('wss://relay2.example.com', 200, NULL, NULL, '2'), ('wss://relay3.example.com', NULL, NULL, NULL, '3'),
             ('wss://relay4.example.com', NULL, NULL, NULL, NULL), ('wss://never.example.com', NULL, NULL, NULL, NULL)) AS m (url, open, read, write, document)
     JOIN bigbrotr.relays AS r ON r.url = m.url LEFT JOIN documents AS d ON d.hash = sha256(convert_to(m.document, 'UTF8'));
INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, run, run_since, status_since, last_answer)
SELECT r.relay_id, 1, 1, 'monitor', 'answered', 1, 1, 1, CASE right(split_part(r.url, '.', 1), 1) WHEN '1' THEN bigbrotr.unix_now() WHEN '2' THEN bigbrotr.unix_now() - 60
	WHEN '3' THEN bigbrotr.unix_now() - 86400 WHEN '4' THEN bigbrotr.unix_now() - 900000 END FROM bigbrotr.relays AS r;
SET ROLE bigbrotr_api;

-- The cases of the parity check.
SELECT a -> 'total' AS total, a -> 'limit' AS "limit", jsonb_path_query_array(a, '$.relays[*].relayUrl') AS relays FROM ask('v2_relays', '{"limit": 10, "offset": 0, "sortBy": "url"}') AS a;
SELECT jsonb_pretty(ask('v2_state', '{"relayUrl": "wss://relay1.example.com/"}') #- '{relay,lastSeenAt}' #- '{relay,lastOpenAt}');
SELECT jsonb_path_query_array(ask('v2_search', '{"body": {"network": "clearnet", "limit": 100, "offset": 0}}'), '$.relays[*].relayUrl') AS relays;
SELECT ask('v2_by_label', '{"namespace": "nip32.geo", "value": "US", "format": "simple"}');
SELECT ask('v2_by_nip', '{"minSupport": "0.0"}');
SELECT ask('v2_by_country');

-- Formats, orders, pages.
SELECT ask('v2_relays', '{"format": "simple", "limit": 2, "offset": 1}');
SELECT ask('v2_relays', '{"format": "simple", "sortBy": "lastSeen", "sortOrder": "desc"}') -> 'relays' AS relays;
SELECT ask('v2_relays', '{"format": "simple", "sortOrder": "desc"}') -> 'relays' AS relays;
SELECT ask('v2_relays', '{"format": "simple", "sortBy": "updated"}') -> 'relays' AS relays;
SELECT ask('v2_relays_full', '{"limit": 1}') #> '{relays,0,contributingAuthors}' AS authors, ask('v2_relays_detailed', '{"limit": 1}') #> '{relays,0,contributingAuthors}' AS none;
-- Searches: all conditions hold.
SELECT search, jsonb_path_query_array(ask('v2_search', jsonb_build_object('body', search || '{"format": "simple"}')), '$.relays[*]') AS relays
FROM unnest(ARRAY['{"nips": [1]}', '{"nips": [1, 50]}', '{"nips": [2]}', '{"software": {"family": "NOSTR-RS-RELAY"}}', '{"software": {"family": "strfry", "version": "2"}}',
	'{"labels": [{"namespace": "nip32.geo", "value": "de "}]}', '{"labels": [{"namespace": "other", "value": "DE"}]}', '{"maxLatency": {"open": 100}}', '{"maxLatency": {"open": 300, "read": 10}}',
	'{"network": "tor", "nips": [11], "minSupport": 0.5}', '{}']::jsonb[]) AS search;
SELECT ask('v2_search_detailed', '{"body": {"nips": [50], "format": "simple"}}') #> '{relays,0,software,family,value}' AS family;
SELECT ask('v2_labels', '{"relayUrl": "wss://relay3.example.com"}'), ask('v2_labels', '{"relayUrl": "wss://relay3.example.com", "namespace": "x"}'), ask('v2_labels_list');
SELECT ask('v2_by_software'), ask('v2_by_software', '{"family": "strfry"}'), ask('v2_by_software', '{"family": "none"}');
SELECT ask('v2_by_network');
SELECT ask('v2_by_nip') AS common, ask('v2_of_nip', '{"nip": 42}') AS of_nip;
SELECT a -> 'comparison' AS comparison, jsonb_array_length(a -> 'relays') AS relays FROM ask('v2_compare', '{"body": {"relayUrls": ["wss://relay1.example.com", "wss://relay2.example.com"]}}') AS a;
SELECT name, ask(name, '{"body": {}}') FROM bigbrotr.api_routes WHERE name ~ '^v2_(get_)?(online|offline|dead)$' ORDER BY number;
SELECT ask('v2_online', '{"body": {"onlineWindowSeconds": 100000, "network": "clearnet"}}') -> 'relays' AS online, ask('v2_dead', '{"body": {"deadThresholdSeconds": 3600}}') -> 'relays' AS dead;
SELECT ask('v2_monitors'), ask('v2_monitor', jsonb_build_object('pubkey', repeat('0', 64)));
SELECT ask('v2_ping') ->> 'status' AS status;

-- What is wrong is an error.
SELECT route, "values", ask(route, "values") ->> 'error' AS error FROM (VALUES ('v2_state', '{"relayUrl": "wss://nowhere.example.com"}'::jsonb), ('v2_state', '{"relayUrl": "wss://never.example.com"}'),
	('v2_relays', '{"limit": 201}'), ('v2_relays', '{"offset": -1}'), ('v2_relays', '{"sortBy": "x; DROP"}'), ('v2_relays', '{"sortOrder": "up"}'), ('v2_relays', '{"format": "xml"}'),
	('v2_by_nip', '{"minSupport": "2"}'), ('v2_by_country', '{"countryCode": "de"}'), ('v2_search', '{"body": []}'), ('v2_search', '{"body": {"other": 1}}'), ('v2_search', '{"body": {"nips": ["1"]}}'),
	('v2_search', '{"body": {"nips": 1}}'), ('v2_search', '{"body": {"labels": [{"namespace": "a"}]}}'), ('v2_search', '{"body": {"labels": ["a"]}}'), ('v2_search', '{"body": {"limit": "5"}}'), ('v2_search', '{"body": {"limit": 1e99}}'),
	('v2_search', '{"body": {"limit": 1.5}}'), ('v2_search', '{"body": {"network": 7}}'), ('v2_search', '{"body": {"maxLatency": {"open": "fast"}}}'), ('v2_compare', '{"body": {}}'), ('v2_compare', '{"body": {"relayUrls": []}}'),
	('v2_compare', '{"body": {"relayUrls": [1]}}'), ('v2_compare', '{"body": {"relayUrls": ["wss://nowhere.example.com"]}}'), ('v2_online', '{"body": {"onlineWindowSeconds": 5}}'), ('v2_dead', '{"body": {"deadThresholdSeconds": 60}}'),
	('v2_monitor', '{"pubkey": "x"}')) AS w (route, "values");
RESET ROLE;
DROP FUNCTION ask;
DROP EXTENSION bigbrotr;
