-- Lists of relays in the form of version 1 of nostr.watch, which many clients read, and badges.

-- Clients delete their lists when they are shown an empty one: so an archive that has not visited relays gives an error.
CREATE FUNCTION _bigbrotr.api_measured() RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF NOT EXISTS (SELECT FROM _bigbrotr.relay_visits AS v WHERE v.checked_at IS NOT NULL) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = 'no relay was visited yet', DETAIL = 'The monitor of this archive has not run.', HINT = 'Try again in an hour.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_measured() IS 'An error (55000) if the monitor has never visited a relay';

CREATE FUNCTION _bigbrotr.api_plain_urls(network text, statuses text[], paid boolean, nip integer) RETURNS TABLE (item json)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
#variable_conflict use_column
BEGIN
	PERFORM _bigbrotr.api_measured();
	network := coalesce(_bigbrotr.api_word(network, 'network', '{all,clearnet,tor,i2p,loki}'), 'clearnet');
	RETURN QUERY
		SELECT to_json(regexp_replace(r.url, '^([a-z]+://[^/]+)/$', '\1'))
		FROM bigbrotr.relays AS r
		     LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
		     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
		WHERE r.status = ANY (statuses) AND r.network <> 'local' AND ($1 = 'all' OR r.network = $1)
		      AND (paid IS NULL OR paid = coalesce(d.document -> 'limitation' -> 'payment_required' = 'true', false))
		      AND (nip IS NULL OR d.supported_nips @> to_jsonb(nip))
		ORDER BY r.url;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_plain_urls(text, text[], boolean, integer) IS
	'URLs of relays without the slash at the end: of a network (null: clearnet; all), with one of these statuses, with or without payment, whose document names a NIP';

CREATE FUNCTION _bigbrotr.api_v1_online(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', NULL, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_online(text) IS 'Relays that answer, as nostr.watch lists them';

CREATE FUNCTION _bigbrotr.api_v1_offline(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{offline,dead}', NULL, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_offline(text) IS 'Relays that do not answer, as nostr.watch lists them';

CREATE FUNCTION _bigbrotr.api_v1_public(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', false, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_public(text) IS 'Relays that answer and do not say that they demand a payment, as nostr.watch lists them';

CREATE FUNCTION _bigbrotr.api_v1_paid(network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($1, '{online,unstable}', true, NULL) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_paid(text) IS 'Relays that answer and say that they demand a payment, as nostr.watch lists them';

CREATE FUNCTION _bigbrotr.api_v1_nip(nip integer, network text DEFAULT NULL) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.item FROM _bigbrotr.api_plain_urls($2, '{online,unstable}', NULL, $1) AS u;
	END;
COMMENT ON FUNCTION _bigbrotr.api_v1_nip(integer, text) IS 'Relays that answer and say that they support a NIP, as nostr.watch lists them';

CREATE FUNCTION _bigbrotr.api_badge(url text, OUT message text, OUT color text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT r.status, CASE r.status WHEN 'online' THEN '#66c20a' WHEN 'unstable' THEN '#eed202' WHEN 'offline' THEN '#c2290a'
		                 WHEN 'dead' THEN '#c2290a' ELSE '#999' END
		FROM bigbrotr.relays AS r WHERE r.url = _bigbrotr.api_relay_url($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge(text) IS 'What a badge says of a relay, and its colour';

CREATE FUNCTION _bigbrotr.api_badge_json(url text) RETURNS TABLE ("schemaVersion" integer, label text, message text, color text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 1, 'relay', b.message, b.color FROM _bigbrotr.api_badge($1) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge_json(text) IS 'Status of a relay for a badge of shields.io (schema of its endpoint badge)';

CREATE FUNCTION _bigbrotr.api_badge_svg(url text) RETURNS TABLE (item text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT format('<svg xmlns="http://www.w3.org/2000/svg" width="%2$s" height="20" role="img" aria-label="relay: %1$s">'
			'<title>relay: %1$s</title><rect width="%2$s" height="20" rx="3" fill="#555"/>'
			'<path d="M40 0h%3$sa3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-%3$sz" fill="%4$s"/>'
			'<g fill="#fff" font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
			'<text x="20" y="14">relay</text><text x="%5$s" y="14">%1$s</text></g></svg>',
			b.message, 50 + 8 * length(b.message), 7 + 8 * length(b.message), b.color, 45 + 4 * length(b.message))
		FROM _bigbrotr.api_badge($1) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge_svg(text) IS 'Status of a relay as a picture (SVG)';
