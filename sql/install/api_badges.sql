-- Badges: pictures and a small page about one relay, which its operator can embed in other pages (docs/api.md, "Badges").

CREATE FUNCTION _bigbrotr.api_status_colour(status text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE status WHEN 'online' THEN '#66c20a' WHEN 'unstable' THEN '#eed202' WHEN 'offline' THEN '#c2290a' WHEN 'dead' THEN '#c2290a' ELSE '#999' END;
COMMENT ON FUNCTION _bigbrotr.api_status_colour(text) IS 'Colour of a badge for a status of a relay, as #rgb or #rrggbb';

CREATE FUNCTION _bigbrotr.api_badge(url text, OUT message text, OUT color text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.status, _bigbrotr.api_status_colour(s.status)
		FROM bigbrotr.relays AS r
		     LEFT JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
		     -- The monitor visits such a relay more than once a day: if its last answer is older, no monitor runs, and
		     -- the status is not known.
		     CROSS JOIN LATERAL (SELECT CASE WHEN r.status IN ('online', 'unstable') AND coalesce(h.last_answer, 0) < bigbrotr.unix_now() - 86400
		                                     THEN 'unknown' ELSE r.status END AS status) AS s
		WHERE r.url = _bigbrotr.api_relay_url($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge(text) IS 'Text of the badge of a relay (its status, or unknown if an online or unstable relay has not answered for a day), and its colour';

CREATE FUNCTION _bigbrotr.api_share_words(share double precision) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN share IS NULL THEN 'unknown' WHEN share >= 1 THEN '100 %'
		ELSE trim_scale(trunc(share::numeric * 100, CASE WHEN share > 0.99 THEN 2 ELSE 1 END)) || ' %' END;
COMMENT ON FUNCTION _bigbrotr.api_share_words(double precision) IS 'A share (0 .. 1) as a percentage, rounded down; null: "unknown"';

CREATE FUNCTION _bigbrotr.api_uptime_badge(url text, days integer, OUT message text, OUT color text)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	share CONSTANT double precision := (
		SELECT CASE coalesce(days, 30) WHEN 1 THEN u.uptime_24h WHEN 7 THEN u.uptime_7d WHEN 30 THEN u.uptime_30d WHEN 90 THEN u.uptime_90d END
		FROM bigbrotr.relay_uptime AS u WHERE u.relay_url = _bigbrotr.api_relay_url(url));
BEGIN
	IF days NOT IN (1, 7, 30, 90) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no uptime of %s days', days), DETAIL = 'There are 1, 7, 30 and 90 days.', HINT = 'Leave days out for 30.';
	END IF;
	message := _bigbrotr.api_share_words(share);
	color := CASE WHEN share IS NULL THEN '#999' WHEN share >= 0.99 THEN '#66c20a' WHEN share >= 0.9 THEN '#eed202' ELSE '#c2290a' END;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_uptime_badge(text, integer) IS 'Text of the badge with the uptime of a relay in the last 1, 7, 30 (null) or 90 days, and its colour';

-- Label and message come from functions of this file, never from relays, so they are not escaped.
CREATE FUNCTION _bigbrotr.api_badge_picture(label text, message text, color text) RETURNS text
	LANGUAGE sql IMMUTABLE
	RETURN (SELECT format('<svg xmlns="http://www.w3.org/2000/svg" width="%2$s" height="20" role="img" aria-label="%6$s: %1$s">'
			'<title>%6$s: %1$s</title><rect width="%2$s" height="20" rx="3" fill="#555"/>'
			'<path d="M%7$s 0h%3$sa3 3 0 0 1 3 3v14a3 3 0 0 1-3 3h-%3$sz" fill="%4$s"/>'
			'<g font-family="Verdana,DejaVu Sans,sans-serif" font-size="11" text-anchor="middle">'
			'<text x="%8$s" y="14" fill="#fff">%6$s</text><text x="%5$s" y="14" fill="%9$s">%1$s</text></g></svg>',
			message, s.l + s.m, s.m - 3, color, s.l + s.m / 2, label, s.l, s.l / 2, CASE color WHEN '#c2290a' THEN '#fff' ELSE '#111' END)
		FROM (SELECT 10 + 6 * length(label) AS l, 10 + 8 * length(message) AS m) AS s);
COMMENT ON FUNCTION _bigbrotr.api_badge_picture(text, text, text) IS 'A badge as a picture (SVG) with a label, a message and a colour';

CREATE FUNCTION _bigbrotr.api_badge_json(url text) RETURNS TABLE ("schemaVersion" integer, label text, message text, color text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 1, 'relay', b.message, b.color FROM _bigbrotr.api_badge($1) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge_json(text) IS 'Status of a relay for a badge of shields.io (its endpoint schema)';

CREATE FUNCTION _bigbrotr.api_badge_svg(url text) RETURNS TABLE (item text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.api_badge_picture('relay', b.message, b.color) FROM _bigbrotr.api_badge($1) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_badge_svg(text) IS 'Status of a relay as a picture (SVG)';

CREATE FUNCTION _bigbrotr.api_uptime_badge_json(url text, days integer DEFAULT NULL) RETURNS TABLE ("schemaVersion" integer, label text, message text, color text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 1, 'uptime', b.message, b.color FROM _bigbrotr.api_uptime_badge($1, $2) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_uptime_badge_json(text, integer) IS 'Uptime of a relay for a badge of shields.io (its endpoint schema)';

CREATE FUNCTION _bigbrotr.api_uptime_badge_svg(url text, days integer DEFAULT NULL) RETURNS TABLE (item text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT _bigbrotr.api_badge_picture('uptime', b.message, b.color) FROM _bigbrotr.api_uptime_badge($1, $2) AS b;
	END;
COMMENT ON FUNCTION _bigbrotr.api_uptime_badge_svg(text, integer) IS 'Uptime of a relay as a picture (SVG)';

CREATE FUNCTION _bigbrotr.api_html_text(text text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN replace(replace(replace(replace(replace(text, '&', '&amp;'), '<', '&lt;'), '>', '&gt;'), '"', '&quot;'), '''', '&#39;');
COMMENT ON FUNCTION _bigbrotr.api_html_text(text) IS 'A text with escapes for HTML: for the content of elements and for quoted attributes';

CREATE FUNCTION _bigbrotr.api_embed_bars(url text) RETURNS text
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT string_agg(format('<rect class="%s" x="%s" width="3" height="28"><title>%s: %s</title></rect>',
			CASE WHEN d.observed_seconds = 0 THEN 'none' WHEN d.down_seconds = 0 THEN 'up' WHEN d.down_seconds < d.observed_seconds / 2 THEN 'partly' ELSE 'down' END,
			4 * (d.n - 1),
			to_char(to_timestamp(d.day) AT TIME ZONE 'UTC', 'YYYY-MM-DD'),
			CASE WHEN d.observed_seconds = 0 THEN 'not observed' WHEN d.down_seconds = 0 THEN 'up' ELSE format('down for %s min', ceil(d.down_seconds / 60.0)) END), '' ORDER BY d.day)
		FROM _bigbrotr.api_relay_days(api_embed_bars.url) WITH ORDINALITY AS d (day, observed_seconds, down_seconds, outage_count, n);
	END;
COMMENT ON FUNCTION _bigbrotr.api_embed_bars(text) IS 'The last 90 days of a relay as bars (SVG)';

-- Texts of the relay pass through api_html_text, because they may contain HTML; status and numbers come from the archive.
CREATE FUNCTION _bigbrotr.api_embed(url text) RETURNS TABLE (item text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT format($html$<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%1$s is %2$s</title>
<link rel="stylesheet" href="web/embed.css"></head><body><main>
<h1 dir="auto"><bdi>%1$s</bdi></h1>
<p class="state %2$s"><strong>%2$s</strong>%3$s</p>
<svg viewBox="0 0 360 28" role="img" aria-label="Uptime of the last 90 days: %4$s" preserveAspectRatio="none">%5$s</svg>
<dl><div><dt>30 days</dt><dd>%6$s</dd></div><div><dt>90 days</dt><dd>%4$s</dd></div><div><dt>opens in</dt><dd>%7$s</dd></div></dl>
<p class="by"><a href="./#/relay?url=%8$s" target="_blank" rel="noopener">observed by %9$s</a></p>
</main></body></html>
$html$,
			_bigbrotr.api_html_text(s.relay_url), s.status,
			coalesce(' since ' || to_char(s.status_since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI') || ' UTC', ''),
			_bigbrotr.api_share_words(u.uptime_90d), _bigbrotr.api_embed_bars(s.relay_url), _bigbrotr.api_share_words(u.uptime_30d),
			coalesce(s.rtt_open || ' ms', 'unknown'), _bigbrotr.api_html_text(replace(replace(replace(replace(s.relay_url, '%', '%25'), '&', '%26'), '#', '%23'), '+', '%2B')),
			_bigbrotr.api_html_text(left(current_setting('bigbrotr.api_name'), 100)))
		FROM (SELECT _bigbrotr.api_relay_url($1) AS url OFFSET 0) AS a
		     JOIN bigbrotr.relay_status AS s ON s.relay_url = a.url
		     LEFT JOIN bigbrotr.relay_uptime AS u ON u.relay_url = a.url;
	END;
COMMENT ON FUNCTION _bigbrotr.api_embed(text) IS 'Status of a relay as a small page, to be embedded in another page';
