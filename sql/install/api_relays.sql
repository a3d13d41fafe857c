-- Functions of the API about relays and the archive (docs/api.md).

CREATE FUNCTION _bigbrotr.api_relay_url(url text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known CONSTANT text := (SELECT r.url FROM bigbrotr.relays AS r WHERE r.url = (SELECT n.url FROM bigbrotr.normalise_relay_url($1, true) AS n));
BEGIN
	IF known IS NULL THEN
		RAISE no_data_found USING
			MESSAGE = format('relay "%s" is not known', left($1, 256)), DETAIL = 'This archive has never heard of it.',
			HINT = '/api/v1/relays lists the relays; /api/v1/candidates the names that no relay is known by yet.';
	END IF;
	RETURN known;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_relay_url(text) IS 'URL of a known relay, from any spelling; an error (P0002) if the relay is unknown';

CREATE FUNCTION _bigbrotr.api_word(given text, name text, words text[]) RETURNS text
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF given <> ALL (words) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no value of %s', left(given, 64), name), DETAIL = format('There are %s.', array_to_string(words, ', ')),
			HINT = '/openapi.json describes each parameter.';
	END IF;
	RETURN given;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_word(text, text, text[]) IS 'The value of a parameter (name), or null; an error if it is not one of the words';

CREATE FUNCTION _bigbrotr.api_relays(
	status text DEFAULT NULL, network text DEFAULT NULL, nip integer DEFAULT NULL, country text DEFAULT NULL, software text DEFAULT NULL,
	row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL) RETURNS SETOF bigbrotr.relay_status
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.*
		FROM bigbrotr.relay_status AS s
		WHERE ($7 IS NULL OR s.relay_url > $7 ->> 0)
		      AND ($1 IS NULL OR s.status = _bigbrotr.api_word($1, 'status', '{candidate,online,unstable,offline,dead,retired,refused,ignored}'))
		      AND ($2 IS NULL OR s.network = _bigbrotr.api_word($2, 'network', '{clearnet,tor,i2p,loki,local}'))
		      AND ($5 IS NULL OR strpos(lower(s.software), lower($5)) > 0)
		      AND ($4 IS NULL OR s.country = upper($4))
		      AND ($3 IS NULL OR EXISTS (
		          SELECT FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
		                 JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
		          WHERE r.url = s.relay_url AND d.supported_nips @> to_jsonb($3)))
		ORDER BY s.relay_url LIMIT _bigbrotr.api_rows($6);
	END;
COMMENT ON FUNCTION _bigbrotr.api_relays(text, text, integer, text, text, integer, jsonb) IS 'Relays with their status, in the order of their URLs';

CREATE FUNCTION _bigbrotr.api_relay(url text) RETURNS TABLE (
	status bigbrotr.relay_status, uptime bigbrotr.relay_uptime, latency bigbrotr.relay_latency, sync bigbrotr.sync_status,
	document jsonb, facts jsonb, sighting_count bigint)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s, u, l, y, d.document, f.facts, coalesce((SELECT c.count FROM _bigbrotr.current_statistics AS c WHERE c.subject = 'relay' AND c.key = r.relay_id), 0)
		FROM (SELECT _bigbrotr.api_relay_url($1) AS url OFFSET 0) AS a
		     JOIN bigbrotr.relays AS r ON r.url = a.url
		     JOIN bigbrotr.relay_status AS s ON s.relay_url = a.url
		     LEFT JOIN bigbrotr.relay_uptime AS u ON u.relay_url = a.url
		     LEFT JOIN bigbrotr.relay_latency AS l ON l.relay_url = a.url
		     LEFT JOIN bigbrotr.sync_status AS y ON y.relay_url = a.url
		     LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
		     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
		     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay(text) IS
	'Facts about a relay: status, uptime and latency, coverage, number of events that it delivered, its document (NIP-11) and the measured facts (NIP-66)';

CREATE FUNCTION _bigbrotr.api_relay_uptime(url text) RETURNS SETOF bigbrotr.relay_uptime
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT u.* FROM bigbrotr.relay_uptime AS u WHERE u.relay_url = _bigbrotr.api_relay_url($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_uptime(text) IS 'Share of the last day, week, month and quarter in which a relay answered';

CREATE FUNCTION _bigbrotr.api_relay_latency(url text) RETURNS SETOF bigbrotr.relay_latency
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT l.* FROM bigbrotr.relay_latency AS l WHERE l.relay_url = _bigbrotr.api_relay_url($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_latency(text) IS 'Latency of a relay in the last seven days';

CREATE FUNCTION _bigbrotr.api_relay_changes(url text, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL) RETURNS SETOF bigbrotr.relay_changes
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT c.* FROM bigbrotr.relay_changes AS c
		WHERE c.relay_url = _bigbrotr.api_relay_url($1)
		      AND ($3 IS NULL OR c.changed_at < _bigbrotr.api_time_after($3) OR c.changed_at = _bigbrotr.api_time_after($3) AND c.aspect > $3 ->> 1)
		ORDER BY c.changed_at DESC, c.aspect LIMIT _bigbrotr.api_rows($2);
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_changes(text, integer, jsonb) IS 'Changes of a relay, newest first: of its status, its document (NIP-11) and its measured facts (NIP-66)';

CREATE FUNCTION _bigbrotr.api_relay_history(
	url text, since bigint DEFAULT NULL, until bigint DEFAULT NULL, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS TABLE (generated_at bigint, error text, rtt_open integer, rtt_read integer, rtt_write integer)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT c.generated_at, c.error, c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write
		FROM bigbrotr.relays AS r
		     CROSS JOIN LATERAL (
		         SELECT k.generated_at, k.error, k.nip66_rtt_open, k.nip66_rtt_read, k.nip66_rtt_write
		         FROM _bigbrotr.relay_checks AS k WHERE k.relay_id = r.relay_id AND k.nip66_present
		         UNION ALL
		         SELECT p.generated_at, p.error, p.nip66_rtt_open, p.nip66_rtt_read, p.nip66_rtt_write
		         FROM _bigbrotr.packed_checks AS p
		         WHERE p.relay_id = r.relay_id AND p.nip66_present AND p.week >= coalesce($2, 0) / 604800
		     ) AS c
		WHERE r.url = _bigbrotr.api_relay_url($1) AND c.generated_at >= coalesce($2, c.generated_at)
		      AND c.generated_at <= coalesce($3, c.generated_at) AND ($5 IS NULL OR c.generated_at < _bigbrotr.api_number_after($5))
		ORDER BY c.generated_at DESC LIMIT _bigbrotr.api_rows($4);
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_history(text, bigint, bigint, integer, jsonb) IS 'Measurements of a relay, newest first';

CREATE FUNCTION _bigbrotr.api_relay_explanation(url text) RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT to_json(e.line)
		FROM bigbrotr.explain_relay(_bigbrotr.api_relay_url($1)) WITH ORDINALITY AS e (line, n) ORDER BY e.n;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_explanation(text) IS 'Status of a relay and the steps of its last visits, in words';

CREATE FUNCTION _bigbrotr.api_time(second bigint) RETURNS timestamptz
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF second NOT BETWEEN 0 AND 9224318015999 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no second %s', second), DETAIL = 'Times are Unix seconds, from 0 on.', HINT = 'A number of milliseconds is a thousand times as large.';
	END IF;
	RETURN to_timestamp(second);
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_time(bigint) IS 'A time from Unix seconds; null: null. An error if it is out of range';

CREATE FUNCTION _bigbrotr.api_relay_coverage(
	url text, since bigint DEFAULT NULL, until bigint DEFAULT NULL, filter jsonb DEFAULT NULL, signed_in boolean DEFAULT NULL)
	RETURNS TABLE (lower timestamptz, upper timestamptz, seconds bigint, share double precision, evidence text, doubts text[], reason text, observed_at timestamptz)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT c.lower, c.upper, c.seconds, c.share, c.evidence, c.doubts, c.reason, c.observed_at
		FROM bigbrotr.coverage_between(_bigbrotr.api_relay_url($1), _bigbrotr.api_time($2), coalesce(_bigbrotr.api_time($3), now()),
			coalesce($4, '{}'), coalesce($5, false)) AS c;
	END;
COMMENT ON FUNCTION _bigbrotr.api_relay_coverage(text, bigint, bigint, jsonb, boolean) IS
	'How completely a relay is archived between two times, one row for each part of the time: evidence and doubts';

CREATE FUNCTION _bigbrotr.api_completeness(
	url text, since bigint, until bigint, filter jsonb DEFAULT NULL, signed_in boolean DEFAULT NULL)
	RETURNS TABLE (answer text, proven double precision, read double precision, observed_at timestamptz, reasons text[])
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT c.answer, c.proven, c.read, c.observed_at, c.reasons
		FROM bigbrotr.completeness(_bigbrotr.api_relay_url($1), coalesce($4, '{}'), _bigbrotr.api_time($2), _bigbrotr.api_time($3), coalesce($5, false)) AS c;
	END;
COMMENT ON FUNCTION _bigbrotr.api_completeness(text, bigint, bigint, jsonb, boolean) IS
	'Whether all events of a relay between two times that match a filter are archived. answer: proven, read (once, or with doubts), no (there are gaps) or not known; reasons: why, in words';

CREATE FUNCTION _bigbrotr.api_statistics() RETURNS SETOF bigbrotr.total_statistics
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT t.* FROM bigbrotr.total_statistics AS t;
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics() IS 'Number of archived events and sightings, exact';

CREATE FUNCTION _bigbrotr.api_statistics_kinds(row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL) RETURNS SETOF bigbrotr.kind_statistics
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT k.* FROM bigbrotr.kind_statistics AS k WHERE $2 IS NULL OR k.kind > _bigbrotr.api_number_after($2) ORDER BY k.kind LIMIT _bigbrotr.api_rows($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics_kinds(integer, jsonb) IS 'Number of events of each kind, exact';

CREATE FUNCTION _bigbrotr.api_statistics_days(row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL) RETURNS SETOF bigbrotr.day_statistics
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT d.* FROM bigbrotr.day_statistics AS d WHERE $2 IS NULL OR d.day < _bigbrotr.api_number_after($2) ORDER BY d.day DESC LIMIT _bigbrotr.api_rows($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics_days(integer, jsonb) IS 'Number of events of each day (UTC) by created_at, exact, newest day first';

CREATE FUNCTION _bigbrotr.api_statistics_relays(row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL) RETURNS SETOF bigbrotr.relay_statistics
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT r.* FROM bigbrotr.relay_statistics AS r WHERE $2 IS NULL OR r.relay_id > _bigbrotr.api_number_after($2) ORDER BY r.relay_id LIMIT _bigbrotr.api_rows($1);
	END;
COMMENT ON FUNCTION _bigbrotr.api_statistics_relays(integer, jsonb) IS 'Number of events that each relay delivered, exact';

CREATE FUNCTION _bigbrotr.api_candidates(state text DEFAULT NULL, network text DEFAULT NULL, row_limit integer DEFAULT NULL, after jsonb DEFAULT NULL)
	RETURNS SETOF bigbrotr.candidates
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT c.* FROM bigbrotr.candidates AS c
		WHERE ($4 IS NULL OR c.relay_url > $4 ->> 0)
		      AND ($1 IS NULL OR c.candidate_state = _bigbrotr.api_word($1, 'state', '{relay,deleted,waiting}'))
		      AND ($2 IS NULL OR c.network = _bigbrotr.api_word($2, 'network', '{clearnet,tor,i2p,loki,local}'))
		ORDER BY c.relay_url LIMIT _bigbrotr.api_rows($3);
	END;
COMMENT ON FUNCTION _bigbrotr.api_candidates(text, text, integer, jsonb) IS 'Relays that events and lists name, and their state';

-- Process ids and error texts are for the operator only, so this function leaves them out.
CREATE FUNCTION _bigbrotr.api_services() RETURNS TABLE (service text, instance integer, state text, health text, since timestamptz, last_success timestamptz)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.service, s.instance, s.state, s.health, s.since, s.last_success
		FROM bigbrotr.services AS s WHERE s.database = current_database() ORDER BY s.service, s.instance;
	END;
COMMENT ON FUNCTION _bigbrotr.api_services() IS 'Services of this archive, their state and health';

CREATE FUNCTION _bigbrotr.api_live_relays() RETURNS TABLE (item json, relay_url text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT json_build_object('relay_url', s.relay_url, 'network', s.network, 'status', s.status, 'status_since', s.status_since), s.relay_url
		FROM bigbrotr.relay_status AS s;
	END;
COMMENT ON FUNCTION _bigbrotr.api_live_relays() IS
	'Relays whose status has changed, checked every ten seconds: server-sent events with the names begin, change and missed. The header Last-Event-ID continues after a broken connection';

CREATE FUNCTION _bigbrotr.api_live_progress() RETURNS TABLE (item json)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT json_build_object('statistics', (SELECT row_to_json(t) FROM _bigbrotr.api_statistics() AS t),
			'services', (SELECT json_agg(s) FROM _bigbrotr.api_services() AS s));
	END;
COMMENT ON FUNCTION _bigbrotr.api_live_progress() IS
	'Number of archived events and state of the services, first at once, then at each change, checked every ten seconds: server-sent events with the names begin and change';

CREATE FUNCTION _bigbrotr.api_ready() RETURNS TABLE (status text)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 'ready'::text;
	END;
COMMENT ON FUNCTION _bigbrotr.api_ready() IS 'Answers if the database can be queried';
