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

-- Nothing was measured: an error (503 over HTTP), never an empty list. What is not served is another one (501), always.
SET ROLE bigbrotr_api;
SELECT name, ask(name, '{"relayUrl": "wss://relay1.example.com", "namespace": "nip32.geo", "value": "US", "body": {}, "lat": "1", "lon": "2", "sw.lat": "1", "sw.lon": "2", "ne.lat": "3", "ne.lon": "4"}') ->> 'error' AS error
FROM bigbrotr.api_routes WHERE name LIKE 'v2%' AND name <> ALL ('{v2_monitors,v2_monitor,v2_ping,v2_post_ping,v2_compare}') ORDER BY number;
SELECT ask('v2_ping') ->> 'status' AS status, ask('v2_post_ping') ->> 'status' AS by_post;
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
SELECT ask('v2_ping') ->> 'status' AS status;

-- Places: an error while none is known. The country of an address counts, not that of the document.
SELECT ask('v2_nearby', '{"lat": "52.5", "lon": "13.4"}'), ask('v2_bbox', '{"sw.lat": "0", "sw.lon": "0", "ne.lat": "1", "ne.lon": "1"}');
RESET ROLE;
WITH facts AS (
	INSERT INTO _bigbrotr.nip66_facts (hash, facts) VALUES
		(sha256('1'), '{"geo": {"country": "DE", "latitude": 52.52, "longitude": 13.405, "geohash": "u33db", "as_number": 64500, "as_name": "Example Network"}}'),
		(sha256('3'), '{"geo": {"latitude": -16.8, "longitude": 180, "geohash": "xbpbp"}}'), (sha256('4'), '{"geo": {"country": "WS", "latitude": -13.8, "longitude": -171.8, "geohash": "2jt5m"}}')
	RETURNING nip66_id, hash)
UPDATE _bigbrotr.relay_visits AS v SET nip66_id = f.nip66_id FROM bigbrotr.relays AS r JOIN facts AS f ON f.hash = sha256(convert_to(right(split_part(r.url, '.', 1), 1), 'UTF8'))
WHERE r.relay_id = v.relay_id;
SET ROLE bigbrotr_api;
SELECT ask('v2_nearby', '{"lat": "52.5", "lon": "13.4", "format": "simple"}') AS berlin;
SELECT ask('v2_nearby', '{"lat": "52.53", "lon": "13.405", "radius": "1", "format": "simple"}') -> 'relays' AS none, ask('v2_nearby', '{"lat": "52.53", "lon": "13.405", "radius": "1.2", "format": "simple"}') -> 'relays' AS one;
SELECT jsonb_path_query_array(ask('v2_nearby', v), '$.relays[*].relayUrl') AS relays, jsonb_path_query_array(ask('v2_nearby', v), '$.relays[*].distance') AS distances
FROM unnest(ARRAY['{"lat": "-16.9", "lon": "-179.9", "radius": "2000"}', '{"lat": "90", "lon": "-77", "radius": "1e6"}', '{"lat": "90", "lon": "1e-7", "radius": "1000000", "limit": "1", "offset": "1"}']::jsonb[]) AS v;
SELECT v AS box, jsonb_path_query_array(ask('v2_bbox', jsonb_build_object('sw.lat', v[1], 'sw.lon', v[2], 'ne.lat', v[3], 'ne.lon', v[4], 'format', 'simple')), '$.relays[*]') AS relays
FROM unnest(ARRAY['50 10 55 15', '-20 170 -10 180', '-20 -180 -10 -170', '-20 170 -10 -170', '-90 -180 90 180', '0 -170 10 170']) AS t, LATERAL (SELECT string_to_array(t, ' ') AS v) AS x;
SELECT ask('v2_bbox', '{"sw.lat": "50", "sw.lon": "10.25", "ne.lat": "55", "ne.lon": "15", "format": "simple"}');
SELECT jsonb_pretty(ask('v2_nearby_full', '{"lat": "52.52", "lon": "13.405"}') #> '{relays,0,geo}') AS geo, ask('v2_nearby_detailed', '{"lat": "52.52", "lon": "13.405"}') #> '{relays,0,geo,authors}' AS none,
       ask('v2_bbox_full', '{"sw.lat": "50", "sw.lon": "10", "ne.lat": "55", "ne.lon": "15"}') #> '{relays,0,contributingAuthors}' AS authors,
       ask('v2_bbox_detailed', '{"sw.lat": "50", "sw.lon": "10", "ne.lat": "55", "ne.lon": "15"}') #> '{relays,0,distance}' AS no_distance;
SELECT ask('v2_labels', '{"relayUrl": "wss://relay1.example.com"}'), ask('v2_labels', '{"relayUrl": "wss://relay3.example.com"}'), ask('v2_labels_list'), ask('v2_labels_list', '{"namespace": "nip32.asn"}');
SELECT ask('v2_by_label', '{"namespace": "NIP32.asn", "value": " as64500", "format": "simple"}') -> 'relays' AS relays, ask('v2_by_label_full', '{"namespace": "nip32.isp", "value": "example network"}') #> '{relays,0,contributingAuthors}' AS authors,
       ask('v2_by_label_detailed', '{"namespace": "nip32.geo", "value": "ws"}') #> '{relays,0,country,value}' AS country, ask('v2_by_country') AS countries;
RESET ROLE;
UPDATE _bigbrotr.relay_visits SET nip66_id = NULL;
-- Monitors, with what their announcements say.
SELECT bigbrotr.insert_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig, 'wss://relay1.example.com', NULL, 1, 1)
FROM bigbrotr.parse_event(bigbrotr.sign_event(sha256('m'), 10166, '', '[["frequency", "1800"], ["timeout", "open", "5000"], ["timeout", "nip11", "3000"], ["timeout", "dns", "1"], ["timeout", "read", "fast"], ["timeout"], ["c", "ws"], ["c", "nip11"], ["c", "ws"], ["c"], ["g", "u33"], ["g", "u33db"], ["g", "somewhere"]]', 1700000000)) AS e;
-- Neither a protected announcement is shown nor an expired one.
SELECT bigbrotr.insert_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig, 'wss://relay1.example.com', NULL, 1, 1)
FROM unnest(ARRAY['[["-"]]', '[["expiration", "1700000001"]]']) WITH ORDINALITY AS t (tags, n),
	bigbrotr.parse_event(bigbrotr.sign_event(sha256(n::text::bytea), 10166, '', t.tags::bigbrotr.tags, 1700000000)) AS e;
SET ROLE bigbrotr_api;
SELECT jsonb_pretty(ask('v2_monitors') #- '{monitors,0,eventId}');
SELECT ask('v2_monitor', jsonb_build_object('pubkey', ask('v2_monitors') #>> '{monitors,0,pubkey}')) #> '{monitor,frequency}' AS frequency, ask('v2_monitor', jsonb_build_object('pubkey', repeat('0', 64))) AS nobody;

-- What is wrong is an error.
SELECT route, "values", ask(route, "values") ->> 'error' AS error FROM (VALUES ('v2_state', '{"relayUrl": "wss://nowhere.example.com"}'::jsonb), ('v2_state', '{"relayUrl": "wss://never.example.com"}'),
	('v2_relays', '{"limit": 201}'), ('v2_relays', '{"offset": -1}'), ('v2_relays', '{"sortBy": "x; DROP"}'), ('v2_relays', '{"sortOrder": "up"}'), ('v2_relays', '{"format": "xml"}'),
	('v2_by_nip', '{"minSupport": "2"}'), ('v2_by_country', '{"countryCode": "de"}'), ('v2_search', '{"body": []}'), ('v2_search', '{"body": {"other": 1}}'), ('v2_search', '{"body": {"nips": ["1"]}}'),
	('v2_search', '{"body": {"nips": 1}}'), ('v2_search', '{"body": {"labels": [{"namespace": "a"}]}}'), ('v2_search', '{"body": {"labels": ["a"]}}'), ('v2_search', '{"body": {"limit": "5"}}'), ('v2_search', '{"body": {"limit": 1e99}}'),
	('v2_search', '{"body": {"limit": 1.5}}'), ('v2_search', '{"body": {"network": 7}}'), ('v2_search', '{"body": {"maxLatency": {"open": "fast"}}}'), ('v2_compare', '{"body": {}}'), ('v2_compare', '{"body": {"relayUrls": []}}'),
	('v2_compare', '{"body": {"relayUrls": [1]}}'), ('v2_compare', '{"body": {"relayUrls": ["wss://nowhere.example.com"]}}'), ('v2_online', '{"body": {"onlineWindowSeconds": 5}}'), ('v2_dead', '{"body": {"deadThresholdSeconds": 60}}'),
	('v2_monitor', '{"pubkey": "x"}'), ('v2_nearby', '{"lat": "91", "lon": "0"}'), ('v2_nearby', '{"lat": "NaN", "lon": "0"}'), ('v2_nearby', '{"lat": "0", "lon": "-180.000001"}'), ('v2_nearby', '{"lat": "0", "lon": "1e99"}'),
	('v2_nearby', '{"lat": "Infinity", "lon": "0"}'), ('v2_nearby', '{"lat": "0x10", "lon": "0"}'), ('v2_nearby', '{"lat": "", "lon": "0"}'), ('v2_nearby', '{"lat": "1_0", "lon": "0"}'), ('v2_nearby', '{"lat": " 1", "lon": "0"}'), ('v2_nearby', '{"lat": "1e999", "lon": "0"}'),
	('v2_nearby', '{"lat": "0", "lon": "0", "radius": "0.99"}'), ('v2_nearby', '{"lat": "0", "lon": "0", "radius": "-5"}'), ('v2_nearby', '{"lat": "0", "lon": "0", "radius": "1000001"}'), ('v2_nearby', '{"lat": "0", "lon": "0", "limit": "501"}'),
	('v2_nearby', '{"lat": "0", "lon": "0", "offset": "-1"}'), ('v2_bbox', '{"sw.lat": "5", "sw.lon": "0", "ne.lat": "4", "ne.lon": "1"}'), ('v2_bbox', '{"sw.lat": "5", "sw.lon": "0", "ne.lat": "6", "ne.lon": "181"}')) AS w (route, "values");
RESET ROLE;
DROP FUNCTION ask;
DROP EXTENSION bigbrotr;
