-- Data of the web page: the table of relays, one relay over time, and statistics of relays (docs/api.md, "The page").

CREATE VIEW bigbrotr.relay_overview AS
	SELECT r.url AS relay_url, r.network, r.status, to_timestamp(h.status_since) AS status_since,
	       CASE WHEN h.reason <> '' THEN _bigbrotr.error_words(h.reason) END AS reason_in_words,
	       left(d.name, 200) AS name, left(d.software, 200) AS software, left(d.version, 100) AS version,
	       CASE WHEN f.facts -> 'geo' ->> 'country' IS NULL THEN d.countries ELSE ARRAY[f.facts -> 'geo' ->> 'country'] END AS countries, d.document -> 'limitation' -> 'payment_required' = 'true' AS paid,
	       v.rtt_open, v.rtt_read, u.uptime_30d, coalesce(c.count, 0) AS sighting_count, to_timestamp(v.checked_at) AS last_visit
	FROM bigbrotr.relays AS r
	     LEFT JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
	     LEFT JOIN bigbrotr.relay_uptime AS u ON u.relay_url = r.url
	     LEFT JOIN _bigbrotr.current_statistics AS c ON c.subject = 'relay' AND c.key = r.relay_id;
COMMENT ON VIEW bigbrotr.relay_overview IS 'One row per relay: status, latency, uptime, and fields of the document (NIP-11), of which long texts are truncated';
COMMENT ON COLUMN bigbrotr.relay_overview.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_overview.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_overview.status_since IS 'When the status of the relay changed last; null: never observed';
COMMENT ON COLUMN bigbrotr.relay_overview.reason_in_words IS 'Reason of the last failure, in words; null: the relay answered at the last observation';
COMMENT ON COLUMN bigbrotr.relay_overview.name IS 'Field name of the document (NIP-11), truncated to 200 characters';
COMMENT ON COLUMN bigbrotr.relay_overview.software IS 'Field software of the document (NIP-11), truncated to 200 characters';
COMMENT ON COLUMN bigbrotr.relay_overview.version IS 'Field version of the document (NIP-11), truncated to 100 characters';
COMMENT ON COLUMN bigbrotr.relay_overview.countries IS 'Country of the address of the relay (ISO 3166-1), from bigbrotr.geoip_database; if that is not known, the countries in the document (NIP-11), which nobody checks; null: none';
COMMENT ON COLUMN bigbrotr.relay_overview.paid IS 'Whether the document (NIP-11) demands a payment; null: it does not say';
COMMENT ON COLUMN bigbrotr.relay_overview.rtt_open IS 'Milliseconds to open a connection, at the last visit; null: not measured';
COMMENT ON COLUMN bigbrotr.relay_overview.rtt_read IS 'Milliseconds to the answer of a REQ, at the last visit; null: not measured';
COMMENT ON COLUMN bigbrotr.relay_overview.uptime_30d IS 'Share of the last 30 days in which the relay answered, 0 .. 1; null: not observed';
COMMENT ON COLUMN bigbrotr.relay_overview.sighting_count IS 'Number of archived events that the relay delivered, exact';
COMMENT ON COLUMN bigbrotr.relay_overview.last_visit IS 'Time of the last visit of the monitor; null: never';

CREATE FUNCTION _bigbrotr.api_place_after(place jsonb, OUT key double precision, OUT url text)
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF place IS NULL THEN
		RETURN;
	END IF;
	IF jsonb_typeof(place) <> 'array' OR jsonb_typeof(place -> 0) IS DISTINCT FROM 'number' OR jsonb_typeof(place -> 1) IS DISTINCT FROM 'string'
	   OR abs((place ->> 0)::numeric) > 1e18
	THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'this is no position in these rows', DETAIL = 'A position is an array with a number and a URL.', HINT = 'Take it from the answer before.';
	END IF;
	key := (place ->> 0)::numeric::double precision;
	url := place ->> 1;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_place_after(jsonb) IS 'Sort key and URL in a position of a row of the table of relays (JSON array, from a cursor); null: both are null. An error if the position is not valid';

-- The sort key of each order is a number, so that one condition finds the next page. Relays without a value come last.
CREATE FUNCTION _bigbrotr.api_relay_table(
	part text DEFAULT NULL, status text DEFAULT NULL, network text DEFAULT NULL, nip integer DEFAULT NULL, country text DEFAULT NULL,
	software text DEFAULT NULL, paid boolean DEFAULT NULL, sort text DEFAULT NULL, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS TABLE (item json, sort_key double precision, relay_url text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT row_to_json(o), k.key, o.relay_url
		FROM (SELECT k.key, k.relay_url
		      FROM (SELECT o.relay_url, coalesce(
		                   CASE WHEN $8 LIKE '-%' THEN -1 ELSE 1 END * CASE ltrim($8, '-')
		                       WHEN 'status' THEN array_position('{online,unstable,candidate,offline,dead,retired,refused,ignored}', o.status)
		                       WHEN 'latency' THEN o.rtt_open WHEN 'uptime' THEN o.uptime_30d WHEN 'events' THEN o.sighting_count
		                       WHEN 'since' THEN extract(epoch FROM o.status_since)::double precision ELSE 0 END, 1e18) AS key
		            FROM bigbrotr.relay_overview AS o
		            WHERE ($1 IS NULL OR strpos(lower(o.relay_url), lower($1)) > 0 OR strpos(lower(o.name), lower($1)) > 0)
		                  AND ($2 IS NULL OR o.status = ANY (CASE _bigbrotr.api_word($2, 'status', '{up,down,candidate,online,unstable,offline,dead,retired,refused,ignored}')
		                      WHEN 'up' THEN '{online,unstable}'::text[] WHEN 'down' THEN '{offline,dead,retired}' ELSE ARRAY[$2] END))
		                  AND ($3 IS NULL OR o.network = _bigbrotr.api_word($3, 'network', '{clearnet,tor,i2p,loki,local}'))
		                  AND ($4 IS NULL OR EXISTS (
		                      SELECT FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
		                             JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
		                      WHERE r.url = o.relay_url AND d.supported_nips @> to_jsonb($4)))
		                  AND ($5 IS NULL OR upper($5) = ANY (o.countries))
		                  AND ($6 IS NULL OR strpos(lower(o.software), lower($6)) > 0)
		                  AND ($7 IS NULL OR coalesce(o.paid, false) = $7)) AS k
		           CROSS JOIN _bigbrotr.api_place_after($10) AS p
		      WHERE (_bigbrotr.api_word($8, 'sort', '{url,status,latency,uptime,events,since,-status,-latency,-uptime,-events,-since}') IS NULL OR true)
		            AND ($10 IS NULL OR (k.key, k.relay_url) > (p.key, p.url))
		      ORDER BY k.key, k.relay_url LIMIT _bigbrotr.api_rows($9)) AS k
		     JOIN bigbrotr.relay_overview AS o ON o.relay_url = k.relay_url
		ORDER BY k.key, k.relay_url;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_table(text, text, text, integer, text, text, boolean, text, integer, jsonb) IS
	'Relays, one row each, filtered and sorted. A relay whose sort value changes between two pages can be missing or come twice; in the order of URLs this cannot happen';

CREATE FUNCTION _bigbrotr.api_relay_days(url text) RETURNS TABLE (day bigint, observed_seconds bigint, down_seconds bigint, outage_count bigint)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		-- MATERIALIZED, so that the outages are read once, not for each day.
		WITH known AS MATERIALIZED (
			SELECT r.relay_id, t.at, h.first_observed, h.last_answer
			FROM (SELECT _bigbrotr.api_relay_url($1) AS url OFFSET 0) AS a
			     JOIN bigbrotr.relays AS r ON r.url = a.url
			     CROSS JOIN bigbrotr.unix_now() AS t (at)
			     LEFT JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
		), outages AS MATERIALIZED (
			SELECT o.began, coalesce(o.ended, k.at) AS ended FROM known AS k JOIN _bigbrotr.relay_outages AS o ON o.relay_id = k.relay_id
		)
		SELECT d.day, greatest(least(d.day + 86400, e.seen) - greatest(d.day, k.first_observed), 0), coalesce(o.down, 0)::bigint, coalesce(o.outages, 0)
		FROM known AS k
		     CROSS JOIN LATERAL generate_series(k.at / 86400 * 86400 - 89 * 86400, k.at, 86400) AS d (day)
		     -- Observed until this time, as in bigbrotr.relay_uptime.
		     CROSS JOIN LATERAL (SELECT coalesce(greatest(k.last_answer, (SELECT max(o.ended) FROM outages AS o)), 0) AS seen) AS e
		     LEFT JOIN LATERAL (
		         SELECT sum(least(o.ended, d.day + 86400) - greatest(o.began, d.day)) AS down, count(*) AS outages
		         FROM outages AS o
		         WHERE o.began < d.day + 86400 AND o.ended > d.day) AS o ON true
		ORDER BY d.day;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_days(text) IS
	'Uptime of a relay on each of the last 90 days (UTC), oldest first: observed seconds, seconds in which the relay was down, and number of outages';

CREATE FUNCTION _bigbrotr.api_relay_latencies(url text, since bigint DEFAULT NULL, until bigint DEFAULT NULL, step integer DEFAULT NULL)
	RETURNS TABLE (began bigint, visit_count bigint, answer_count bigint, open_low double precision, open_median double precision, open_high double precision,
		read_low double precision, read_median double precision, read_high double precision)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known CONSTANT text := _bigbrotr.api_relay_url(url);
	last_second CONSTANT bigint := _bigbrotr.unix_time(coalesce(_bigbrotr.api_time(until), now()));
	first_second CONSTANT bigint := _bigbrotr.unix_time(coalesce(_bigbrotr.api_time(since), to_timestamp(greatest(last_second - 90 * 86400, 0))));
	seconds CONSTANT bigint := coalesce(step, 86400);
BEGIN
	IF seconds < 60 OR (last_second - first_second) / seconds > 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s seconds are no step of this time', seconds), DETAIL = 'A step has a minute or more, and an answer 1000 steps.',
			HINT = 'Give a larger step, or a later since.';
	END IF;
	RETURN QUERY
		SELECT s.began, s.visits, s.answers, s.open[1], s.open[2], s.open[3], s.read[1], s.read[2], s.read[3]
		FROM (SELECT c.generated_at / seconds * seconds AS began, count(*) AS visits, count(*) FILTER (WHERE c.error IS NULL) AS answers,
		             percentile_cont('{0.25,0.5,0.75}'::double precision[]) WITHIN GROUP (ORDER BY c.nip66_rtt_open) AS open,
		             percentile_cont('{0.25,0.5,0.75}'::double precision[]) WITHIN GROUP (ORDER BY c.nip66_rtt_read) AS read
		      FROM bigbrotr.relays AS r
		           CROSS JOIN LATERAL (
		               SELECT k.generated_at, k.error, k.nip66_rtt_open, k.nip66_rtt_read FROM _bigbrotr.relay_checks AS k
		               WHERE k.relay_id = r.relay_id AND k.nip66_present
		               UNION ALL
		               SELECT p.generated_at, p.error, p.nip66_rtt_open, p.nip66_rtt_read FROM _bigbrotr.packed_checks AS p
		               WHERE p.relay_id = r.relay_id AND p.nip66_present AND p.week BETWEEN first_second / 604800 AND last_second / 604800) AS c
		      WHERE r.url = known AND c.generated_at BETWEEN first_second AND last_second GROUP BY 1) AS s
		ORDER BY s.began;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_relay_latencies(text, bigint, bigint, integer) IS
	'Latency of a relay over time, in steps (default: a day): quartiles and median in milliseconds, number of visits, and number of visits at which the relay answered';

CREATE FUNCTION _bigbrotr.api_relay_nips(url text) RETURNS SETOF bigbrotr.nip_support
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT n.* FROM bigbrotr.nip_support AS n WHERE n.relay_url = _bigbrotr.api_relay_url($1) ORDER BY n.nip LIMIT 1000;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_nips(text) IS 'NIPs that a relay claims to support, and the results of the monitor''s own tests';

CREATE FUNCTION _bigbrotr.api_overview()
	RETURNS TABLE (event_count bigint, sighting_count bigint, sightings_per_second double precision, relay_count bigint, online_count bigint, unstable_count bigint,
		visited_count bigint, live_count bigint, read_fraction double precision, proven_fraction double precision, fractions_counted_at timestamptz,
		last_visit timestamptz, measured_at timestamptz)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT e.event_count, e.sighting_count, t.rate, r.relays, r.online, r.unstable, v.visited, s.live, f.read, f.proven, to_timestamp(f.counted_at),
		       to_timestamp(v.last), now()
		FROM bigbrotr.total_statistics AS e
		     CROSS JOIN (SELECT coalesce(sum(t.sightings_per_second), 0)::double precision AS rate
		                 FROM _bigbrotr.relay_traffic AS t WHERE t.counted_at > bigbrotr.unix_now() - 60) AS t
		     CROSS JOIN (SELECT count(*) AS live FROM _bigbrotr.relay_sync AS s WHERE s.enabled AND s.phase = 'live') AS s
		     CROSS JOIN (SELECT count(*) AS relays, count(*) FILTER (WHERE r.status = 'online') AS online,
		                        count(*) FILTER (WHERE r.status = 'unstable') AS unstable FROM bigbrotr.relays AS r) AS r
		     CROSS JOIN (SELECT count(v.checked_at) AS visited, max(v.checked_at) AS last FROM _bigbrotr.relay_visits AS v) AS v
		     -- Both fractions need the coverage of all relays, which is too much for each request: the refresher counts them.
		     CROSS JOIN (SELECT max(f.counted_at) AS counted_at, max(s.value) FILTER (WHERE s.family = 'sync_read_ratio') AS read,
		                        max(s.value) FILTER (WHERE s.family = 'sync_proven_ratio') AS proven
		                 FROM _bigbrotr.archive_figures AS f
		                      CROSS JOIN LATERAL jsonb_to_recordset(f.samples) AS s (family text, value double precision)) AS f;
	END;
COMMENT ON FUNCTION _bigbrotr.api_overview() IS
	'The archive in one row: number of events and relays, how complete it is, and time of the last visit of the monitor. The refresher counts read_fraction and proven_fraction twice a minute; null: never counted';

CREATE FUNCTION _bigbrotr.api_statistics_groups() RETURNS TABLE (aspect text, value text, relay_count bigint, online_count bigint)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH known AS MATERIALIZED (
			SELECT r.status, r.network, r.status IN ('online', 'unstable') AS is_up, v.nip11_id, f.facts -> 'geo' ->> 'country' AS country
			FROM bigbrotr.relays AS r LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
			     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
		), documents AS MATERIALIZED (
			-- Grouped by document, because many relays serve the same one.
			SELECT d.nip11_id, left(d.software, 200) AS software, d.countries AS countries,
			       d.document -> 'limitation' -> 'payment_required' = 'true' AS paid, d.nips, k.relays, k.up, k.unplaced, k.unplaced_up
			FROM (SELECT k.nip11_id, count(*) AS relays, count(*) FILTER (WHERE k.is_up) AS up,
			             count(*) FILTER (WHERE k.country IS NULL) AS unplaced, count(*) FILTER (WHERE k.country IS NULL AND k.is_up) AS unplaced_up
			      FROM known AS k WHERE k.nip11_id IS NOT NULL GROUP BY 1) AS k
			     JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = k.nip11_id
		), nips AS (
			SELECT e AS nip, sum(d.relays) AS relays, sum(d.up) AS up
			FROM documents AS d CROSS JOIN LATERAL jsonb_array_elements_text(d.nips) AS e GROUP BY e
		), named AS (
			SELECT 'status' AS aspect, k.status AS value, 1 AS relays, k.is_up::integer AS up FROM known AS k
			UNION ALL SELECT 'network', k.network, 1, k.is_up::integer FROM known AS k
			UNION ALL SELECT 'software', d.software, d.relays, d.up FROM documents AS d WHERE d.software <> ''
			UNION ALL SELECT 'payment', CASE d.paid WHEN true THEN 'demanded' WHEN false THEN 'not demanded' ELSE 'not said' END, d.relays, d.up FROM documents AS d
			-- As in bigbrotr.relay_overview: the countries of the document count only if the country of the address is not known.
			UNION ALL SELECT 'country', k.country, 1, k.is_up::integer FROM known AS k WHERE k.country IS NOT NULL
			UNION ALL SELECT 'country', c.country, d.unplaced, d.unplaced_up FROM documents AS d CROSS JOIN LATERAL unnest(d.countries) AS c (country) WHERE d.unplaced > 0
			UNION ALL SELECT 'nip', n.nip, n.relays, n.up FROM nips AS n WHERE n.nip ~ '^[0-9]{1,5}$'
		), counted AS (
			SELECT n.aspect, n.value, sum(n.relays)::bigint AS relays, sum(n.up)::bigint AS online
			FROM named AS n GROUP BY n.aspect, n.value
		)
		SELECT p.aspect, p.value, p.relays, p.online
		FROM (SELECT c.*, row_number() OVER (PARTITION BY c.aspect ORDER BY c.relays DESC, c.value) AS place FROM counted AS c) AS p
		WHERE p.place <= 250
		ORDER BY p.aspect, p.place;
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics_groups() IS
	'Number of relays, and of relays that answer, by status, network, software, payment, country and NIP: the 250 most frequent values of each. Software, payment and NIP come from the documents (NIP-11), the country from the address or, if that is not known, the document';

CREATE FUNCTION _bigbrotr.api_statistics_availability() RETURNS TABLE (day bigint, up_count bigint, observed_count bigint)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH clock AS MATERIALIZED (
			SELECT bigbrotr.unix_now() AS at
		), known AS (
			-- As in bigbrotr.relay_uptime. The state of a relay is known until a day after its last answer; if the relay was disabled
			-- in an outage, until the end of that outage.
			SELECT h.first_observed, CASE WHEN o.down_until > coalesce(h.last_answer, 0) THEN o.down_until ELSE h.last_answer + 86400 END AS known_until
			FROM _bigbrotr.relay_health AS h
			     LEFT JOIN (SELECT o.relay_id, max(coalesce(o.ended, k.at)) AS down_until FROM _bigbrotr.relay_outages AS o CROSS JOIN clock AS k GROUP BY 1) AS o
			     ON o.relay_id = h.relay_id
			WHERE greatest(h.last_answer, o.down_until) IS NOT NULL
		), outages AS (
			SELECT o.began, o.ended FROM _bigbrotr.relay_outages AS o CROSS JOIN clock AS t WHERE o.ended IS NULL OR o.ended >= t.at - 89 * 86400
		), changes AS (
			SELECT k.first_observed AS at, 1 AS up, 1 AS observed FROM known AS k
			UNION ALL SELECT o.began, -1, 0 FROM outages AS o
			UNION ALL SELECT o.ended, 1, 0 FROM outages AS o WHERE o.ended IS NOT NULL
			UNION ALL SELECT k.known_until, -1, -1 FROM known AS k CROSS JOIN clock AS t WHERE k.known_until < t.at
		), days AS (
			SELECT greatest(c.at, t.at - 89 * 86400) / 86400 * 86400 AS day, sum(c.up) AS up, sum(c.observed) AS observed
			FROM changes AS c CROSS JOIN clock AS t GROUP BY 1
		), sums AS (
			SELECT d.day, (sum(coalesce(s.up, 0)) OVER w)::bigint AS up, (sum(coalesce(s.observed, 0)) OVER w)::bigint AS observed
			FROM clock AS t
			     CROSS JOIN LATERAL generate_series(t.at / 86400 * 86400 - 89 * 86400, t.at, 86400) AS d (day)
			     LEFT JOIN days AS s ON s.day = d.day
			WINDOW w AS (ORDER BY d.day)
		)
		SELECT s.day, s.up, s.observed FROM sums AS s WHERE s.observed > 0 ORDER BY s.day;
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics_availability() IS
	'Number of relays that were observed, and of those that were up, at the end of each of the last 90 days (UTC), oldest first. A relay counts as observed until a day after its last answer';
