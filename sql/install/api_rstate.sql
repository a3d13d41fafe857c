-- Routes /v2/… in the format of version 2 of nostr.watch (rstate), with names in camelCase. Values about a relay are
-- measurements of the monitor of this archive, or claims of the relay's document: so each value has support 1 and one author.
-- Relays that have never answered are left out. api_rstate_groups.sql has labels and groups,
-- api_rstate_more.sql places, monitors, and routes that are not served.

CREATE VIEW _bigbrotr.rstate AS
	SELECT r.relay_id, regexp_replace(r.url, '^([a-z]+://[^/]+)/$', '\1') AS url, r.network, r.status, h.last_answer AS seen_at, v.checked_at,
	       v.rtt_open, v.rtt_read, v.rtt_write,
	       d.family, nullif(d.version, '') AS version, d.nips,
	       k.countries, k.asn, g.as_name AS isp,
	       jsonb_strip_nulls(jsonb_build_object('nip32.geo', k.countries,
	           'nip32.asn', nullif(ARRAY[k.asn], '{NULL}'), 'nip32.isp', nullif(ARRAY[g.as_name], '{NULL}'))) AS labels,
	       g.latitude, g.longitude, g.geohash, d.document -> 'limitation' AS limitation
	FROM bigbrotr.relays AS r
	     JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
	     JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
	     LEFT JOIN LATERAL jsonb_to_record(f.facts -> 'geo')
	          AS g (country text, as_number bigint, as_name text, latitude double precision, longitude double precision, geohash text) ON true
	     CROSS JOIN LATERAL (SELECT CASE WHEN g.country IS NULL THEN d.countries ELSE ARRAY[g.country] END AS countries, 'AS' || g.as_number AS asn) AS k
	WHERE h.last_answer IS NOT NULL AND v.checked_at IS NOT NULL AND r.network <> 'local';
COMMENT ON VIEW _bigbrotr.rstate IS 'Relays that have answered, with the fields of version 2 of nostr.watch';
COMMENT ON COLUMN _bigbrotr.rstate.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.rstate.url IS 'Normalised URL of the relay, without a trailing slash';
COMMENT ON COLUMN _bigbrotr.rstate.seen_at IS 'Time of the last answer, Unix seconds';
COMMENT ON COLUMN _bigbrotr.rstate.checked_at IS 'Time of the last visit, Unix seconds';
COMMENT ON COLUMN _bigbrotr.rstate.family IS 'Name of the software: last part of its URL in the document (NIP-11); null: none';
COMMENT ON COLUMN _bigbrotr.rstate.version IS 'Field version of the document (NIP-11); null: none';
COMMENT ON COLUMN _bigbrotr.rstate.nips IS 'Numbers in supported_nips of the document (NIP-11); null: none';
COMMENT ON COLUMN _bigbrotr.rstate.countries IS 'Country of the address of the relay, from bigbrotr.geoip_database; if that is not known, relay_countries of the document (NIP-11); null: none';
COMMENT ON COLUMN _bigbrotr.rstate.asn IS 'Autonomous system of the address: AS and its number; null: not known';
COMMENT ON COLUMN _bigbrotr.rstate.isp IS 'Name of the autonomous system of the address; null: not known';
COMMENT ON COLUMN _bigbrotr.rstate.labels IS 'Lists of labels by namespace (NIP-32). nip32.geo: countries; nip32.asn, nip32.isp: number and name of the autonomous system';
COMMENT ON COLUMN _bigbrotr.rstate.latitude IS 'Latitude of the address (bigbrotr.geoip_database), degrees; null: not known';
COMMENT ON COLUMN _bigbrotr.rstate.longitude IS 'Longitude of the address (bigbrotr.geoip_database), degrees; null: not known';
COMMENT ON COLUMN _bigbrotr.rstate.geohash IS 'Geohash of latitude and longitude; null: not known';
COMMENT ON COLUMN _bigbrotr.rstate.limitation IS 'Field limitation of the document (NIP-11); null: none';

CREATE FUNCTION _bigbrotr.rstate_value(value jsonb, at bigint) RETURNS jsonb
	LANGUAGE sql IMMUTABLE
	RETURN CASE WHEN value <> 'null' THEN jsonb_build_object('value', value, 'support', 1, 'sampleSize', 1, 'lastUpdated', at) END;
COMMENT ON FUNCTION _bigbrotr.rstate_value(jsonb, bigint) IS 'A value in the format of nostr.watch, with one monitor as support; at: time of the measurement, Unix seconds; null: there is no value';

CREATE FUNCTION _bigbrotr.rstate_author() RETURNS text
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT encode(p.pubkey, 'hex') FROM _bigbrotr.relay_publications AS p ORDER BY p.sent_at DESC LIMIT 1;
	END;
COMMENT ON FUNCTION _bigbrotr.rstate_author() IS 'Public key of the monitor of this archive, in hexadecimal digits; null: the publisher has sent nothing';

CREATE FUNCTION _bigbrotr.rstate_item(relay _bigbrotr.rstate, format text, author text) RETURNS jsonb
	LANGUAGE sql STABLE
	RETURN CASE format WHEN 'simple' THEN to_jsonb((relay).url) ELSE jsonb_strip_nulls(jsonb_build_object(
		'relayUrl', (relay).url,
		'network', _bigbrotr.rstate_value(to_jsonb((relay).network), (relay).checked_at),
		'software', jsonb_build_object('family', _bigbrotr.rstate_value(to_jsonb((relay).family), (relay).checked_at),
			'version', _bigbrotr.rstate_value(to_jsonb((relay).version), (relay).checked_at)),
		'country', _bigbrotr.rstate_value((relay).labels #> '{nip32.geo,0}', (relay).checked_at),
		'requirements', jsonb_build_object(
			'auth', _bigbrotr.rstate_value(to_jsonb((relay).limitation -> 'auth_required' = 'true'), (relay).checked_at),
			'payment', _bigbrotr.rstate_value(to_jsonb((relay).limitation -> 'payment_required' = 'true'), (relay).checked_at)),
		'rtt', jsonb_build_object('open', _bigbrotr.rstate_value(to_jsonb((relay).rtt_open), (relay).checked_at),
			'read', _bigbrotr.rstate_value(to_jsonb((relay).rtt_read), (relay).checked_at),
			'write', _bigbrotr.rstate_value(to_jsonb((relay).rtt_write), (relay).checked_at)),
		'nips', jsonb_build_object('list', coalesce((relay).nips, '[]'),
			'support', coalesce((SELECT jsonb_object_agg(n, 1) FROM jsonb_array_elements_text((relay).nips) AS n), '{}')),
		'labels', (relay).labels,
		'geo', CASE WHEN (relay).latitude IS NOT NULL THEN jsonb_build_object('lat', (relay).latitude, 'lon', (relay).longitude,
			'precision', length((relay).geohash), 'geohash', (relay).geohash, 'support', 1,
			'authors', CASE format WHEN 'full' THEN to_jsonb(array_remove(ARRAY[author], NULL)) END) END,
		'updated_at', (relay).checked_at, 'observationCount', 1,
		'contributingAuthors', CASE format WHEN 'full' THEN to_jsonb(array_remove(ARRAY[author], NULL)) END,
		'lastSeenAt', (relay).seen_at, 'lastOpenAt', (relay).seen_at)) END;
COMMENT ON FUNCTION _bigbrotr.rstate_item(_bigbrotr.rstate, text, text) IS 'A relay in a format of version 2 of nostr.watch: simple, detailed, or full (with the author)';

CREATE FUNCTION _bigbrotr.rstate_number(number numeric, name text, lowest numeric, highest numeric, otherwise numeric) RETURNS bigint
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF coalesce(number, otherwise) NOT BETWEEN greatest(lowest, -9e18) AND least(highest, 9e18) OR number <> trunc(number) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is not from %s to %s', name, lowest, highest), DETAIL = format('It is %s.', left(number::text, 30)), HINT = 'It is an integer.';
	END IF;
	RETURN coalesce(number, otherwise);
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_number(numeric, text, numeric, numeric, numeric) IS 'The integer of a parameter (name), or otherwise if it is null; an error if it is not an integer from lowest to highest';

-- Accepts an exponent, because JavaScript writes small numbers with an exponent.
CREATE FUNCTION _bigbrotr.rstate_decimal(given text, name text, lowest numeric, highest numeric) RETURNS double precision
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (CASE WHEN given ~ '^[+-]?([0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20})([eE][+-]?[0-9]{1,2})?$' THEN given::numeric NOT BETWEEN lowest AND highest ELSE given IS NOT NULL END) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is not a number from %s to %s', name, lowest, highest), DETAIL = format('It is "%s".', left(given, 30)), HINT = 'Write it with a point: 0.5';
	END IF;
	RETURN round(given::numeric, 9);
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_decimal(text, text, numeric, numeric) IS 'The decimal number of a parameter (name), rounded to nine decimals; null: null. An error if it is not a number from lowest to highest';

-- An unknown member is an error, although nostr.watch ignores it: a client would take the answer for that of another search.
CREATE FUNCTION _bigbrotr.rstate_body(body jsonb, members text[]) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	other CONSTANT text := (SELECT k FROM jsonb_object_keys(CASE jsonb_typeof(body) WHEN 'object' THEN body ELSE '{}' END) AS k WHERE k <> ALL (members) LIMIT 1);
	wrong CONSTANT text := CASE
		WHEN jsonb_typeof(body) <> 'object' THEN 'the body'
		WHEN other IS NOT NULL THEN left(other, 64)
		WHEN jsonb_typeof(body -> 'network') <> 'string' THEN 'network'
		WHEN jsonb_typeof(body -> 'format') <> 'string' THEN 'format'
		WHEN jsonb_typeof(body -> 'nips') <> 'array' OR body @? '$.nips[*] ? (@.type() != "number")' THEN 'nips'
		WHEN jsonb_typeof(body -> 'software') <> 'object' OR body @? '$.software.* ? (@.type() != "string")' THEN 'software'
		WHEN jsonb_typeof(body -> 'labels') <> 'array' OR body @? '$.labels[*] ? (@.type() != "object" || !(@.namespace.type() == "string") || !(@.value.type() == "string"))' THEN 'labels'
		WHEN jsonb_typeof(body -> 'maxLatency') <> 'object' OR body @? '$.maxLatency.* ? (@.type() != "number")' THEN 'maxLatency'
		WHEN members = '{relayUrls}' AND body -> 'relayUrls' IS NULL OR jsonb_typeof(body -> 'relayUrls') <> 'array' OR jsonb_array_length(CASE jsonb_typeof(body -> 'relayUrls') WHEN 'array' THEN body -> 'relayUrls' ELSE '[1]' END) NOT BETWEEN 1 AND 10
		     OR body @? '$.relayUrls[*] ? (@.type() != "string")' THEN 'relayUrls'
		ELSE (SELECT k.key FROM jsonb_each(body) AS k
		      WHERE k.key = ANY ('{limit,offset,onlineWindowSeconds,offlineThresholdSeconds,deadThresholdSeconds,minSupport}') AND jsonb_typeof(k.value) <> 'number' LIMIT 1) END;
BEGIN
	IF wrong IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is not as expected', wrong), DETAIL = format('The body is an object with some of %s.', array_to_string(members, ', ')),
			HINT = '/openapi.json describes the paths.';
	END IF;
	RETURN body;
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_body(jsonb, text[]) IS 'The body of a request in the format of version 2 of nostr.watch, unchanged; an error if it has other members than these, or a member of a wrong type';

-- A relay must meet all conditions. Members of search are those of the body of a search, and center, radius and bbox as in the
-- answers of nearby and bbox. The query computes only columns that a condition needs.
CREATE FUNCTION _bigbrotr.rstate_found(search jsonb)
	RETURNS TABLE (relay_id integer, url text, checked_at bigint, seen_at bigint, km double precision)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.relay_id, s.url, s.checked_at, s.seen_at, d.km
		FROM _bigbrotr.rstate AS s
		     CROSS JOIN LATERAL (SELECT CASE WHEN $1 -> 'center' IS NOT NULL THEN _bigbrotr.distance_km(s.latitude, s.longitude,
				($1 #>> '{center,lat}')::double precision, ($1 #>> '{center,lon}')::double precision) END AS km) AS d
		WHERE ($1 ->> 'network' IS NULL OR s.network = $1 ->> 'network')
		      AND ($1 -> 'nips' IS NULL OR coalesce(s.nips, '[]') @> ($1 -> 'nips'))
		      AND ($1 #>> '{software,family}' IS NULL OR lower(s.family) = lower($1 #>> '{software,family}'))
		      AND ($1 #>> '{software,version}' IS NULL OR s.version = $1 #>> '{software,version}')
		      AND ($1 #>> '{maxLatency,open}' IS NULL OR s.rtt_open <= ($1 #>> '{maxLatency,open}')::numeric)
		      AND ($1 #>> '{maxLatency,read}' IS NULL OR s.rtt_read <= ($1 #>> '{maxLatency,read}')::numeric)
		      AND ($1 #>> '{maxLatency,write}' IS NULL OR s.rtt_write <= ($1 #>> '{maxLatency,write}')::numeric)
		      AND ($1 -> 'labels' IS NULL OR NOT EXISTS (
		          SELECT FROM jsonb_array_elements($1 -> 'labels') AS l
		          WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(s.labels -> lower(btrim(l ->> 'namespace'))) AS v WHERE lower(v) = lower(btrim(l ->> 'value')))))
		      AND ($1 -> 'center' IS NULL OR d.km <= ($1 ->> 'radius')::double precision)
		      AND ($1 -> 'bbox' IS NULL OR _bigbrotr.is_in_box(s.latitude, s.longitude,
		          ($1 #>> '{bbox,sw,lat}')::double precision, ($1 #>> '{bbox,sw,lon}')::double precision,
		          ($1 #>> '{bbox,ne,lat}')::double precision, ($1 #>> '{bbox,ne,lon}')::double precision));
	END;
COMMENT ON FUNCTION _bigbrotr.rstate_found(jsonb) IS 'Relays that a search of version 2 of nostr.watch finds (null: all). km: distance from center, kilometres, null: no center; checked_at, seen_at: Unix seconds';

CREATE FUNCTION _bigbrotr.rstate_page(search jsonb, row_limit bigint, skipped bigint, sort_by text, descending boolean, format text)
	RETURNS TABLE (relays jsonb, total bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	shown CONSTANT text := coalesce(_bigbrotr.api_word(format, 'format', '{simple,detailed,full}'), 'detailed');
	author CONSTANT text := CASE shown WHEN 'full' THEN _bigbrotr.rstate_author() END;
	sorted CONSTANT text := coalesce(_bigbrotr.api_word(sort_by, 'sortBy', '{url,updated,observationCount,lastSeen}'), 'url');
BEGIN
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		WITH found AS MATERIALIZED (
			SELECT f.* FROM _bigbrotr.rstate_found(search) AS f
		), page AS MATERIALIZED (
			SELECT f.relay_id, f.km, row_number() OVER (ORDER BY f.km,
				CASE WHEN descending THEN NULL WHEN sorted = 'updated' THEN f.checked_at WHEN sorted = 'lastSeen' THEN f.seen_at END,
				CASE WHEN NOT descending THEN NULL WHEN sorted = 'updated' THEN f.checked_at WHEN sorted = 'lastSeen' THEN f.seen_at END DESC,
				CASE WHEN descending AND sorted = 'url' THEN f.url END DESC, f.url) AS place
			FROM found AS f
			ORDER BY place LIMIT row_limit OFFSET skipped
		)
		SELECT coalesce(jsonb_agg(CASE WHEN p.km IS NULL OR shown = 'simple' THEN i.item ELSE i.item || jsonb_build_object('distance', round(p.km::numeric, 1)) END
			ORDER BY p.place), '[]'), (SELECT count(*) FROM found)
		FROM page AS p JOIN _bigbrotr.rstate AS s ON s.relay_id = p.relay_id CROSS JOIN LATERAL (SELECT _bigbrotr.rstate_item(s, shown, author) AS item) AS i;
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_page(jsonb, bigint, bigint, text, boolean, text) IS 'A page of the relays that a search finds (null: all): at most row_limit after skipped rows, nearest first if the search has a center, else by sort_by (url, updated, observationCount, lastSeen), in a format (simple, detailed, full). total: number of all found relays. An error if a word is unknown, or no relay was ever visited';

CREATE FUNCTION _bigbrotr.api_v2_relays("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, "sortBy" text DEFAULT NULL, "sortOrder" text DEFAULT NULL, format text DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relays', p.relays, 'total', p.total, 'limit', a.most, 'offset', a.skipped)
		FROM (SELECT _bigbrotr.rstate_number($1, 'limit', 1, 200, 50) AS most, _bigbrotr.rstate_number($2, 'offset', 0, 100000, 0) AS skipped) AS a
		     CROSS JOIN LATERAL _bigbrotr.rstate_page(NULL, a.most, a.skipped, $3, _bigbrotr.api_word($4, 'sortOrder', '{asc,desc}') IS NOT DISTINCT FROM 'desc', $5) AS p;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_relays(integer, integer, text, text, text) IS 'A page of the relays that have answered, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_relays_detailed("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, "sortBy" text DEFAULT NULL, "sortOrder" text DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT r.item FROM _bigbrotr.api_v2_relays($1, $2, $3, $4, 'detailed') AS r;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_relays_detailed(integer, integer, text, text) IS 'A page of the relays that have answered, in the format detailed of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_relays_full("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, "sortBy" text DEFAULT NULL, "sortOrder" text DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT r.item FROM _bigbrotr.api_v2_relays($1, $2, $3, $4, 'full') AS r;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_relays_full(integer, integer, text, text) IS 'A page of the relays that have answered, in the format full of nostr.watch';

CREATE FUNCTION _bigbrotr.rstate_known(url text) RETURNS _bigbrotr.rstate
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay _bigbrotr.rstate;
BEGIN
	PERFORM _bigbrotr.api_measured();
	SELECT * INTO relay FROM _bigbrotr.rstate AS s
	WHERE s.url = (SELECT regexp_replace(n.url, '^([a-z]+://[^/]+)/$', '\1') FROM bigbrotr.normalise_relay_url(rstate_known.url, true) AS n);
	IF NOT FOUND THEN
		RAISE no_data_found USING
			MESSAGE = format('Relay %s not found', left(rstate_known.url, 256)), DETAIL = 'It has never answered this archive.', HINT = '/v2/relays lists the relays.';
	END IF;
	RETURN relay;
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_known(text) IS 'The row of _bigbrotr.rstate of a relay, from its URL in any spelling; an error (P0002) if the relay is unknown';

CREATE FUNCTION _bigbrotr.api_v2_state("relayUrl" text, format text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relay', _bigbrotr.rstate_item(_bigbrotr.rstate_known($1),
			CASE _bigbrotr.api_word($2, 'format', '{simple,detailed,full}') WHEN 'full' THEN 'full' ELSE 'detailed' END, _bigbrotr.rstate_author()));
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_state(text, text) IS 'One relay, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.rstate_search(body jsonb, format text) RETURNS jsonb
	LANGUAGE sql STABLE
	RETURN (
		SELECT jsonb_build_object('relays', p.relays, 'total', p.total, 'limit', a.most, 'offset', a.skipped)
		FROM (SELECT b AS body, _bigbrotr.rstate_number((b ->> 'limit')::numeric, 'limit', 1, 500, 100) AS most,
		             _bigbrotr.rstate_number((b ->> 'offset')::numeric, 'offset', 0, 100000, 0) AS skipped
		      FROM _bigbrotr.rstate_body(rstate_search.body, '{network,nips,software,labels,maxLatency,minSupport,limit,offset,format}') AS b) AS a
		     CROSS JOIN LATERAL _bigbrotr.rstate_page(a.body, a.most, a.skipped, NULL, false, coalesce(rstate_search.format, a.body ->> 'format')) AS p);
COMMENT ON FUNCTION _bigbrotr.rstate_search(jsonb, text) IS 'Answer to a search of version 2 of nostr.watch; format null: the format in the body';

CREATE FUNCTION _bigbrotr.api_v2_search(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.rstate_search($1, NULL);
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_search(jsonb) IS 'Relays that meet all conditions of the body (network, nips, software, labels, maxLatency), in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_search_detailed(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.rstate_search($1, 'detailed');
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_search_detailed(jsonb) IS 'Relays that meet all conditions of the body (network, nips, software, labels, maxLatency), in the format detailed of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_search_full(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.rstate_search($1, 'full');
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_search_full(jsonb) IS 'Relays that meet all conditions of the body (network, nips, software, labels, maxLatency), in the format full of nostr.watch';
