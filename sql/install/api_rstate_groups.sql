-- Version 2 of nostr.watch (api_rstate.sql): labels, groups of relays, comparisons, and which of many relays are in a state.

CREATE FUNCTION _bigbrotr.api_v2_labels("relayUrl" text, namespace text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('labels', CASE WHEN $2 IS NULL THEN r.labels ELSE jsonb_build_object($2, coalesce(r.labels -> $2, '[]')) END)
		FROM _bigbrotr.rstate_known($1) AS r;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_labels(text, text) IS 'Labels of a relay, in the format of nostr.watch: countries (nip32.geo), number and name of its autonomous system (nip32.asn, nip32.isp)';

CREATE FUNCTION _bigbrotr.api_v2_labels_list(namespace text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		SELECT jsonb_build_object('namespaces', coalesce(jsonb_agg(n.name ORDER BY n.name), '[]'), 'labels', coalesce(jsonb_object_agg(n.name, n.labels), '{}'))
		FROM (SELECT l.name, jsonb_agg(l.label ORDER BY l.label) AS labels
		      FROM (SELECT DISTINCT l.name, v AS label
		            FROM _bigbrotr.rstate AS s
		                 CROSS JOIN LATERAL (VALUES ('nip32.geo', s.countries), ('nip32.asn', ARRAY[s.asn]), ('nip32.isp', ARRAY[s.isp])) AS l (name, labels)
		                 CROSS JOIN LATERAL unnest(l.labels) AS v
		            WHERE v IS NOT NULL AND ($1 IS NULL OR l.name = $1)) AS l
		      GROUP BY 1) AS n;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_v2_labels_list(text) IS 'All labels of relays, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_by_label(namespace text, value text, "limit" integer DEFAULT NULL, "offset" integer DEFAULT NULL, format text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relays', p.relays, 'label', jsonb_build_object('namespace', $1, 'value', $2), 'total', p.total)
		FROM _bigbrotr.rstate_page(jsonb_build_object('labels', jsonb_build_array(jsonb_build_object('namespace', $1, 'value', $2))),
			_bigbrotr.rstate_number($3, 'limit', 1, 200, 100), _bigbrotr.rstate_number($4, 'offset', 0, 100000, 0), NULL, false, $5) AS p;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_by_label(text, text, integer, integer, text) IS 'Relays with a label, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_by_software(family text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		SELECT CASE WHEN api_v2_by_software.family IS NULL THEN jsonb_build_object('groups', coalesce(jsonb_object_agg(g.family, g.urls), '{}'))
		            ELSE jsonb_build_object('relays', coalesce(jsonb_agg(g.urls) -> 0, '[]'), 'total', coalesce(sum(jsonb_array_length(g.urls)), 0)) END
		FROM (SELECT s.family, jsonb_agg(s.url ORDER BY s.url) AS urls FROM _bigbrotr.rstate AS s
		      WHERE s.family IS NOT NULL AND (api_v2_by_software.family IS NULL OR s.family = api_v2_by_software.family) GROUP BY 1) AS g;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_v2_by_software(text) IS 'URLs of relays, grouped by software, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_by_network() RETURNS TABLE (item jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		SELECT jsonb_build_object('groups', coalesce(jsonb_agg(jsonb_build_object('network', g.network, 'count', g.relays, 'relays', g.urls) ORDER BY g.relays DESC, g.network), '[]'))
		FROM (SELECT s.network, count(*) AS relays, jsonb_agg(s.url ORDER BY s.url) AS urls FROM _bigbrotr.rstate AS s GROUP BY 1) AS g;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_v2_by_network() IS 'URLs of relays, grouped by network, in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_by_nip(nip integer DEFAULT NULL, "minSupport" text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	least_share CONSTANT double precision := coalesce(_bigbrotr.rstate_decimal("minSupport", 'minSupport', 0, 1), 0.5);
BEGIN
	PERFORM _bigbrotr.api_measured();
	-- The share does not matter if the request names a NIP.
	RETURN QUERY
		WITH relays AS MATERIALIZED (
			SELECT s.url, s.nips FROM _bigbrotr.rstate AS s
		), wanted AS (
			SELECT n.nip, n.relays, n.share
			FROM (SELECT n AS nip, count(*) AS relays, count(*)::numeric / (SELECT count(*) FROM relays) AS share
			      FROM relays AS r CROSS JOIN LATERAL jsonb_array_elements(r.nips) AS n GROUP BY n) AS n
			WHERE CASE WHEN api_v2_by_nip.nip IS NULL THEN n.share >= least_share ELSE n.nip = to_jsonb(api_v2_by_nip.nip) END
		)
		SELECT jsonb_build_object('groups', coalesce(jsonb_agg(jsonb_build_object('nip', w.nip, 'count', w.relays, 'avgSupport', round(w.share, 4),
			'relays', (SELECT jsonb_agg(r.url ORDER BY r.url) FROM relays AS r WHERE r.nips @> w.nip)) ORDER BY w.relays DESC, w.nip), '[]'))
		FROM wanted AS w;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_v2_by_nip(integer, text) IS 'URLs of relays, grouped by the NIPs in their documents (NIP-11), in the format of nostr.watch; without a number, only NIPs that at least the share minSupport of all relays lists';

CREATE FUNCTION _bigbrotr.api_v2_by_country("countryCode" text DEFAULT NULL) RETURNS TABLE (item jsonb)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF "countryCode" !~ '^[A-Z]{2}$' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'countryCode is no code of a country', DETAIL = 'It has two upper-case letters.', HINT = 'Example: DE';
	END IF;
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		SELECT jsonb_build_object('groups', coalesce(jsonb_agg(jsonb_build_object('countryCode', g.code, 'count', g.relays, 'relays', g.urls) ORDER BY g.relays DESC, g.code), '[]'))
		FROM (SELECT c AS code, count(*) AS relays, jsonb_agg(s.url ORDER BY s.url) AS urls
		      FROM _bigbrotr.rstate AS s CROSS JOIN LATERAL unnest(s.countries) AS c
		      WHERE "countryCode" IS NULL OR c = "countryCode" GROUP BY 1) AS g;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_v2_by_country(text) IS 'URLs of relays, grouped by country, in the format of nostr.watch: country of the address or, if that is not known, countries in the document (NIP-11)';

CREATE FUNCTION _bigbrotr.api_v2_compare(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH relays AS MATERIALIZED (
			SELECT _bigbrotr.rstate_known(u.url) AS s, u.place
			FROM _bigbrotr.rstate_body($1, '{relayUrls}') AS b
			     CROSS JOIN LATERAL jsonb_array_elements_text(coalesce(b -> 'relayUrls', '[]')) WITH ORDINALITY AS u (url, place)
		), items AS (
			SELECT r.s, r.place, _bigbrotr.rstate_item(r.s, 'full', a.author) AS item FROM relays AS r CROSS JOIN (SELECT _bigbrotr.rstate_author() AS author OFFSET 0) AS a
		)
		SELECT jsonb_build_object('relays', coalesce(jsonb_agg(i.item ORDER BY i.place), '[]'), 'comparison', jsonb_build_object(
			'common', jsonb_build_object(
				'nips', (SELECT coalesce(jsonb_agg(n.nip ORDER BY n.nip), '[]')
				         FROM (SELECT e::numeric AS nip FROM items AS j CROSS JOIN LATERAL jsonb_array_elements_text((j.s).nips) AS e GROUP BY 1
				               HAVING count(*) = (SELECT count(*) FROM items)) AS n),
				'requirements', (SELECT coalesce(jsonb_agg(q.name ORDER BY q.name), '[]')
				                 FROM (SELECT e.key AS name FROM items AS j CROSS JOIN LATERAL jsonb_each(j.item -> 'requirements') AS e WHERE e.value -> 'value' = 'true' GROUP BY 1
				                       HAVING count(*) = (SELECT count(*) FROM items)) AS q)),
			'differences', jsonb_build_object('network', count(DISTINCT (i.s).network) > 1, 'software', count(DISTINCT coalesce((i.s).family, '')) > 1,
				'latency', coalesce(max((i.s).rtt_open) > 1.2 * avg((i.s).rtt_open) OR min((i.s).rtt_open) < 0.8 * avg((i.s).rtt_open), false))))
		FROM items AS i;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_compare(jsonb) IS 'Up to ten relays (relayUrls) side by side, in the format of nostr.watch';

-- online: the last answer is within onlineWindowSeconds; dead: it is older than deadThresholdSeconds; offline: between both.
CREATE FUNCTION _bigbrotr.rstate_urls(state text, body jsonb) RETURNS TABLE (urls jsonb, total bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	given CONSTANT jsonb := _bigbrotr.rstate_body(coalesce(body, '{}'), '{onlineWindowSeconds,offlineThresholdSeconds,deadThresholdSeconds,network,labels}');
	fresh CONSTANT bigint := bigbrotr.unix_now() - _bigbrotr.rstate_number(
		coalesce((given ->> 'onlineWindowSeconds')::numeric, (given ->> 'offlineThresholdSeconds')::numeric), 'onlineWindowSeconds', 60, 1e9, 7200);
	stale CONSTANT bigint := bigbrotr.unix_now() - _bigbrotr.rstate_number((given ->> 'deadThresholdSeconds')::numeric, 'deadThresholdSeconds', 3600, 1e9, 604800);
BEGIN
	PERFORM _bigbrotr.api_measured();
	RETURN QUERY
		SELECT coalesce(jsonb_agg(s.url ORDER BY s.url), '[]'), count(*) FROM _bigbrotr.rstate_found(given) AS s
		WHERE CASE state WHEN 'online' THEN s.seen_at >= fresh WHEN 'dead' THEN s.seen_at < stale ELSE s.seen_at < fresh AND s.seen_at >= stale END;
END
$$;
COMMENT ON FUNCTION _bigbrotr.rstate_urls(text, jsonb) IS 'URLs of the relays in a state (online, offline, dead), by the rules of nostr.watch; body: body of the request, or null';

CREATE FUNCTION _bigbrotr.api_v2_online(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relays', u.urls, 'total', u.total, 'limit', 0, 'offset', 0) FROM _bigbrotr.rstate_urls('online', $1) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_online(jsonb) IS 'URLs of relays that answered in the last two hours (onlineWindowSeconds), in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_offline(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relays', u.urls, 'total', u.total) FROM _bigbrotr.rstate_urls('offline', $1) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_offline(jsonb) IS 'URLs of relays that answered in the last week (deadThresholdSeconds), but not in the last two hours (onlineWindowSeconds), in the format of nostr.watch';

CREATE FUNCTION _bigbrotr.api_v2_dead(body jsonb) RETURNS TABLE (item jsonb)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT jsonb_build_object('relays', u.urls, 'total', u.total) FROM _bigbrotr.rstate_urls('dead', $1) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v2_dead(jsonb) IS 'URLs of relays that answered once, but not in the last week (deadThresholdSeconds), in the format of nostr.watch';

-- Some clients request these paths with GET.
DO $by_get$
DECLARE
	list text;
BEGIN
	FOREACH list IN ARRAY '{online,offline,dead}'::text[] LOOP
		EXECUTE format('CREATE FUNCTION _bigbrotr.api_v2_get_%1$s() RETURNS TABLE (item jsonb) LANGUAGE sql STABLE
			BEGIN ATOMIC SELECT o.item FROM _bigbrotr.api_v2_%1$s(NULL) AS o; END', list);
		EXECUTE format('COMMENT ON FUNCTION _bigbrotr.api_v2_get_%s() IS %L', list, format('URLs of relays that are %s by the rules of nostr.watch, with its default times', list));
	END LOOP;
END
$by_get$;
