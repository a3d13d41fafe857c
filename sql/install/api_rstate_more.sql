-- More routes in the format of version 2 of nostr.watch (api_rstate.sql): geography, monitors, and routes that are not served.

CREATE FUNCTION _bigbrotr.rstate_area(area jsonb, most integer, skipped integer, format text) RETURNS jsonb
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	shown CONSTANT bigint := _bigbrotr.rstate_number(most, 'limit', 1, 500, 200);
	first CONSTANT bigint := _bigbrotr.rstate_number(skipped, 'offset', 0, 100000, 0);
BEGIN
	PERFORM _bigbrotr.api_measured();
	IF NOT EXISTS (SELECT FROM _bigbrotr.rstate AS s WHERE s.latitude IS NOT NULL) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'the place of no relay is known', DETAIL = 'No file of bigbrotr.geoip_database knew the address of a relay.',
			HINT = '/v2/relays/by/country groups relays by the countries of their documents; an administrator can name such a file.';
	END IF;
	RETURN (SELECT jsonb_build_object('relays', p.relays, 'total', p.total, 'limit', shown, 'offset', first) || area
	        FROM _bigbrotr.rstate_page(area, shown, first, NULL, false, format) AS p);
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_area(jsonb, integer, integer, text) IS
	'Answer of the routes nearby and bbox of version 2 of nostr.watch. area: center and radius, or bbox, which the answer repeats; most, skipped: limit and offset. An error (55000) if the place of no relay is known';

CREATE FUNCTION _bigbrotr.api_v2_nearby(lat text, lon text, radius text DEFAULT NULL, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, format text DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.rstate_area(jsonb_build_object(
			'center', jsonb_build_object('lat', _bigbrotr.rstate_decimal($1, 'lat', -90, 90), 'lon', _bigbrotr.rstate_decimal($2, 'lon', -180, 180)),
			'radius', coalesce(_bigbrotr.rstate_decimal($3, 'radius', 1, 1000000), 100)), $4, $5, $6);
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_nearby(text, text, text, integer, integer, text) IS
	'Relays whose addresses are within radius kilometres of a point, nearest first, each with its distance, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.rstate_box(south double precision, west double precision, north double precision, east double precision) RETURNS jsonb
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF south > north THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'sw.lat is north of ne.lat', DETAIL = format('They are %s and %s.', south, north),
			HINT = 'sw is the corner in the south-west. A box that crosses the meridian of 180 degrees has sw.lon greater than ne.lon.';
	END IF;
	RETURN jsonb_build_object('bbox', jsonb_build_object(
		'sw', jsonb_build_object('lat', south, 'lon', west), 'ne', jsonb_build_object('lat', north, 'lon', east)));
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_box(double precision, double precision, double precision, double precision) IS 'A box in the format of version 2 of nostr.watch (degrees); an error if south is greater than north';

CREATE FUNCTION _bigbrotr.api_v2_bbox(
	"sw.lat" text, "sw.lon" text, "ne.lat" text, "ne.lon" text, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, format text DEFAULT NULL)
	RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.rstate_area(_bigbrotr.rstate_box(
			_bigbrotr.rstate_decimal($1, 'sw.lat', -90, 90), _bigbrotr.rstate_decimal($2, 'sw.lon', -180, 180),
			_bigbrotr.rstate_decimal($3, 'ne.lat', -90, 90), _bigbrotr.rstate_decimal($4, 'ne.lon', -180, 180)), $5, $6, $7);
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_bbox(text, text, text, text, integer, integer, text) IS
	'Relays whose addresses are in a box, in the order of their URLs, in the format of nostr.watch; a box whose sw.lon is greater than its ne.lon crosses the meridian of 180 degrees';

-- Routes whose path ends with the format.
DO $formats$
DECLARE
	shown text;
BEGIN
	FOREACH shown IN ARRAY '{detailed,full}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION _bigbrotr.api_v2_nearby_%1$s(lat text, lon text, radius text DEFAULT NULL, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL)
			RETURNS TABLE (item jsonb) LANGUAGE sql STABLE
			BEGIN ATOMIC SELECT r.item FROM _bigbrotr.api_v2_nearby($1, $2, $3, $4, $5, %1$L) AS r; END', shown);
		EXECUTE format('CREATE FUNCTION _bigbrotr.api_v2_bbox_%1$s("sw.lat" text, "sw.lon" text, "ne.lat" text, "ne.lon" text, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL)
			RETURNS TABLE (item jsonb) LANGUAGE sql STABLE
			BEGIN ATOMIC SELECT r.item FROM _bigbrotr.api_v2_bbox($1, $2, $3, $4, $5, $6, %1$L) AS r; END', shown);
		EXECUTE format('CREATE FUNCTION _bigbrotr.api_v2_by_label_%1$s(namespace text, value text, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL)
			RETURNS TABLE (item jsonb) LANGUAGE sql STABLE
			BEGIN ATOMIC SELECT r.item FROM _bigbrotr.api_v2_by_label($1, $2, $3, $4, %1$L) AS r; END', shown);
		EXECUTE format('COMMENT ON FUNCTION _bigbrotr.api_v2_nearby_%1$s IS %2$L; COMMENT ON FUNCTION _bigbrotr.api_v2_bbox_%1$s IS %3$L; COMMENT ON FUNCTION _bigbrotr.api_v2_by_label_%1$s IS %4$L',
			shown, format('Relays whose addresses are within radius kilometres of a point, nearest first, in the format %s of nostr.watch', shown),
			format('Relays whose addresses are in a box, in the order of their URLs, in the format %s of nostr.watch', shown),
			format('Relays with a label, in the format %s of nostr.watch', shown));
	END LOOP;
END
$formats$;

CREATE FUNCTION _bigbrotr.rstate_monitors() RETURNS TABLE (pubkey text, seen_at bigint, item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT encode(m.pubkey, 'hex'), a.seen_at, jsonb_strip_nulls(jsonb_build_object('pubkey', encode(m.pubkey, 'hex'), 'frequency', m.frequency,
			'timeout', (SELECT coalesce(jsonb_object_agg(CASE t ->> 1 WHEN 'nip11' THEN 'info' ELSE t ->> 1 END, (t ->> 2)::bigint), '{}') FROM jsonb_array_elements(a.tags) AS t
			            WHERE t ->> 0 = 'timeout' AND t ->> 1 IN ('open', 'read', 'write', 'info', 'nip11') AND t ->> 2 ~ '^[0-9]{1,9}$'),
			'checks', (SELECT coalesce(jsonb_agg(DISTINCT c.name), '[]') FROM (SELECT left(t ->> 1, 64) AS name FROM jsonb_array_elements(a.tags) AS t
			           WHERE t ->> 0 = 'c' AND t ->> 1 <> '' LIMIT 50) AS c),
			'geo', (SELECT jsonb_build_object('lat', round(g.latitude::numeric, 4), 'lon', round(g.longitude::numeric, 4), 'precision', length(t ->> 1))
			        FROM jsonb_array_elements(a.tags) AS t CROSS JOIN LATERAL _bigbrotr.geohash_point(t ->> 1) AS g
			        WHERE t ->> 0 = 'g' AND g.latitude IS NOT NULL ORDER BY length(t ->> 1) DESC, t ->> 1 LIMIT 1),
			'lastSeen', a.seen_at, 'eventId', a.event_id))
		FROM bigbrotr.monitors AS m
		     CROSS JOIN LATERAL (SELECT e.created_at AS seen_at, encode(e.event_id, 'hex') AS event_id, e.tags::jsonb AS tags FROM _bigbrotr.public_events AS e
		                         WHERE e.kind = 10166 AND e.pubkey = m.pubkey ORDER BY e.created_at DESC, e.event_id LIMIT 1) AS a;
	END;
COMMENT ON FUNCTION _bigbrotr.rstate_monitors() IS 'Monitors (bigbrotr.monitors) in the format of version 2 of nostr.watch, with facts of their announcements (kind 10166)';

CREATE FUNCTION _bigbrotr.api_v2_monitors("limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('monitors', coalesce((SELECT jsonb_agg(p.item ORDER BY p.seen_at DESC, p.pubkey)
			FROM (SELECT m.item, m.seen_at, m.pubkey FROM _bigbrotr.rstate_monitors() AS m ORDER BY m.seen_at DESC, m.pubkey LIMIT a.most OFFSET a.skipped) AS p), '[]'),
			'total', (SELECT count(*) FROM bigbrotr.monitors), 'limit', a.most, 'offset', a.skipped)
		FROM (SELECT _bigbrotr.rstate_number($1, 'limit', 1, 200, 50) AS most, _bigbrotr.rstate_number($2, 'offset', 0, 100000, 0) AS skipped) AS a;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_monitors(integer, integer) IS 'Other monitors whose announcements (NIP-66) are archived, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_monitor(pubkey text) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('monitor', m.item) FROM _bigbrotr.rstate_monitors() AS m WHERE m.pubkey = encode(bigbrotr.pubkey($1), 'hex');
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_monitor(text) IS 'One monitor whose announcement (NIP-66) is archived, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_ping() RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('status', CASE WHEN v.visited > 0 THEN 'ok' ELSE 'degraded' END, 'version', _bigbrotr.library_version(),
			'relayCount', jsonb_build_object('transport', v.visited, 'ingestion', v.visited), 'observationCount', v.visited,
			'timestamp', floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint, 'ready', v.visited > 0)
		FROM (SELECT count(*) AS visited FROM _bigbrotr.relay_visits AS r WHERE r.checked_at IS NOT NULL) AS v;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_ping() IS 'Whether the monitor has visited relays, and how many, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_post_ping(body text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT p.item FROM _bigbrotr.api_v2_ping() AS p;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_post_ping(text) IS 'Whether the monitor has visited relays, and how many, in the format of nostr.watch (POST)';

CREATE FUNCTION _bigbrotr.rstate_not_served(what text, why text, instead text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	RAISE feature_not_supported USING MESSAGE = format('%s is not served here', what), DETAIL = why, HINT = instead;
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_not_served(text, text, text) IS 'Raises an error (0A000, HTTP 501): this archive cannot answer this route of nostr.watch truthfully. what: what was asked for; why: the reason; instead: what to ask instead';

-- nostr.watch computes scores and weights from many monitors by its own rules. Numbers by other rules under the same names
-- would mislead clients.
DO $not_served$
DECLARE
	one record;
BEGIN
	FOR one IN SELECT v.name, v.parameters, v.what, v.why, v.instead FROM (VALUES
		('trust', '"relayUrl" text DEFAULT NULL', 'A score of trust', 'This archive measures relays and judges none.', '/api/v1/relays/uptime and /api/v1/relays/latency say what was measured of a relay.'),
		('trust_list', 'status text DEFAULT NULL, "minScore" text DEFAULT NULL, "minConfidence" text DEFAULT NULL, "includeUnreachable" text DEFAULT NULL, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL',
			'A list of scores of trust', 'This archive measures relays and judges none.', '/api/v1/relays/table?sort=-uptime lists relays by what was measured of them.'),
		('monitor_analytics', 'pubkey text, "includeRelayUrls" text DEFAULT NULL', 'A score of a monitor', 'This archive holds what monitors say and judges none of them.',
			'/v2/monitors/{pubkey} has the announcement of a monitor; /api/v1/events?kinds=30166&authors={pubkey} what it says of relays.'),
		('analytics', '"limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, "includeRelayUrls" text DEFAULT NULL', 'A list of scores of monitors', 'This archive holds what monitors say and judges none of them.',
			'/v2/monitors lists the monitors.'),
		('policy', '', 'A policy for weighing monitors', 'What is said of relays here is what one monitor measured: nothing is weighed.', '/v2/relays/state?format=full names that monitor.'),
		('set_policy', 'body text DEFAULT NULL', 'A change of the policy for weighing monitors', 'What is said of relays here is what one monitor measured: nothing is weighed.', 'Settings are changed by the administrator of this archive.'),
		('subscribe', 'body text DEFAULT NULL', 'A subscription', 'The API keeps no state of its clients.', '/api/v1/live/relays streams each change of the status of relays.'),
		('subscriptions', '"sessionId" text DEFAULT NULL', 'A list of subscriptions', 'The API keeps no state of its clients.', '/api/v1/live/relays streams each change of the status of relays.'),
		('subscription_events', '"sessionId" text DEFAULT NULL', 'A stream of subscriptions', 'The API keeps no state of its clients.', '/api/v1/live/relays streams each change of the status of relays.'),
		('payments', '', 'A list of prices', 'Nothing here is paid for.', 'Ask without a payment.')
		) AS v (name, parameters, what, why, instead)
	LOOP
		EXECUTE format('CREATE FUNCTION _bigbrotr.api_v2_%s(%s) RETURNS TABLE (item jsonb) LANGUAGE sql STABLE
			BEGIN ATOMIC SELECT _bigbrotr.rstate_not_served(%L, %L, %L); END', one.name, one.parameters, one.what, one.why, one.instead);
		EXECUTE format('COMMENT ON FUNCTION _bigbrotr.api_v2_%s IS %L', one.name, format('Not served, always an error (501): %s. %s %s', lower(left(one.what, 1)) || substr(one.what, 2), one.why, one.instead));
	END LOOP;
END
$not_served$;
