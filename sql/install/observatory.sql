-- Views of relays for users: status, uptime, latency, software, NIPs and changes.

-- Not STRICT, so that the planner can inline it.
CREATE FUNCTION _bigbrotr.error_words(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE reason
		WHEN '' THEN 'it answers in Nostr'
		WHEN 'numeric' THEN 'its URL has an address and no name'
		WHEN 'no_tls' THEN 'its URL is one without TLS'
		WHEN 'overlay_network' THEN 'its network has no names'
		WHEN 'dns_failed' THEN 'its name has no address'
		WHEN 'dns_timeout' THEN 'no name server answered in time'
		WHEN 'local_address' THEN 'its name has an address that is not public'
		WHEN 'blocked_port' THEN 'its port belongs to another protocol'
		WHEN 'connect_timeout' THEN 'nothing answered at its address in time'
		WHEN 'connection_refused' THEN 'nothing listens on its port'
		WHEN 'name_servers_silent' THEN 'no name server answered anything'
		WHEN 'network_unreachable' THEN 'this machine has no way to its address'
		WHEN 'connection_lost' THEN 'it closed the connection'
		WHEN 'tls_failed' THEN 'TLS failed'
		WHEN 'bad_certificate' THEN 'its certificate is not valid'
		WHEN 'handshake_failed' THEN 'it does not open a WebSocket'
		WHEN 'web_page' THEN 'an ordinary web page is served there'
		WHEN 'web_server' THEN 'an ordinary web server answers there'
		WHEN 'redirect' THEN 'it sends its visitors elsewhere'
		WHEN 'bad_redirect' THEN 'it sends its visitors to what is no address'
		WHEN 'too_many_redirects' THEN 'it sends its visitors from one address to the next'
		WHEN 'not_json' THEN 'what is served there is no JSON'
		WHEN 'not_an_object' THEN 'what is served there is no JSON object'
		WHEN 'too_deep' THEN 'what is served there has too many levels'
		WHEN 'too_large' THEN 'what is served there is too large'
		WHEN 'bad_encoding' THEN 'what is served there is not encoded as it says'
		WHEN 'document_timeout' THEN 'the document did not come in time'
		WHEN 'http_error' THEN 'its web server answers with an error'
		WHEN 'no_answer' THEN 'it did not answer in time'
		WHEN 'stalled' THEN 'it accepted the question and said nothing'
		WHEN 'notice' THEN 'it answered with a NOTICE'
		WHEN 'refused' THEN 'it refused, without a reason code'
		WHEN 'error' THEN 'it says that it failed'
		WHEN 'invalid' THEN 'it says that what it was sent is not valid'
		WHEN 'unsupported' THEN 'it says that it does not support this'
		WHEN 'duplicate' THEN 'it says that it has the event'
		WHEN 'mute' THEN 'it says that nobody listened to the event'
		WHEN 'ignored' THEN 'it shows events that do not match'
		WHEN 'no_events' THEN 'it has shown no event'
		WHEN 'no_hint' THEN 'it does not say whether it has more'
		WHEN 'none_sent' THEN 'it did not ask who is there'
		WHEN 'flood' THEN 'it sent much more than it was asked for'
		WHEN 'binary_frame' THEN 'it sent bytes instead of text'
		WHEN 'frame_too_large' THEN 'it sent a message that is too large'
		WHEN 'assembly_full' THEN 'this side held too many messages that were not whole'
		WHEN 'paging_full' THEN 'this side held too many events to compare'
		WHEN 'malformed_event' THEN 'this side was to send an event that is not valid'
		WHEN 'ephemeral' THEN 'the event is of a kind that is not stored'
		WHEN 'auth_required' THEN 'it demands authentication'
		WHEN 'auth_refused' THEN 'it did not accept the authentication'
		WHEN 'restricted' THEN 'it takes no events from this key'
		WHEN 'blocked' THEN 'it has blocked this key or this server'
		WHEN 'pow' THEN 'it demands proof of work'
		WHEN 'not_found' THEN 'it took the event and does not show it'
		WHEN 'rate_limited' THEN 'it says that it is asked too often'
		WHEN 'closed_by_relay' THEN 'it refused the question'
		WHEN 'no_proxy' THEN 'there is no proxy to its network'
		WHEN 'overlay_unreachable' THEN 'the proxy to its network does not reach it'
		WHEN 'proxy_failed' THEN 'the proxy to its network failed'
		WHEN 'address_full' THEN 'too many relays were being visited at its address'
		ELSE replace(reason, '_', ' ') END;
COMMENT ON FUNCTION _bigbrotr.error_words(text) IS 'What a reason code of the monitor or the synchronizer means, in words; empty: the relay answers';

CREATE VIEW bigbrotr.relay_status AS
	SELECT r.url AS relay_url, r.network, r.status, to_timestamp(h.status_since) AS status_since,
	       to_timestamp(h.last_answer) AS last_answer, to_timestamp(h.last_failure) AS last_failure,
	       nullif(h.reason, '') AS reason, CASE WHEN h.reason <> '' THEN _bigbrotr.error_words(h.reason) END AS reason_in_words,
	       CASE h.outcome WHEN 'unknown' THEN 0 ELSE h.run END AS run,
	       to_timestamp(v.checked_at) AS last_visit, to_timestamp(nullif(v.next_visit, 0)) AS next_visit,
	       v.rtt_open, v.rtt_read, v.rtt_write, d.name, d.software, d.version,
	       g.country, g.region, g.city, g.geohash, g.as_number, g.as_name
	FROM bigbrotr.relays AS r
	     LEFT JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.relay_visits AS v ON v.relay_id = r.relay_id
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
	     LEFT JOIN LATERAL jsonb_to_record(f.facts -> 'geo')
	          AS g (country text, region text, city text, geohash text, as_number bigint, as_name text) ON true;
COMMENT ON VIEW bigbrotr.relay_status IS 'Status of each relay, the reason of its last failure, and results of the last visit of the monitor';
COMMENT ON COLUMN bigbrotr.relay_status.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_status.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_status.status_since IS 'When the status of the relay changed last; null: never observed';
COMMENT ON COLUMN bigbrotr.relay_status.last_answer IS 'Time of the last answer in Nostr; null: never';
COMMENT ON COLUMN bigbrotr.relay_status.last_failure IS 'Time of the last failure; null: never';
COMMENT ON COLUMN bigbrotr.relay_status.reason IS 'Reason code of the last observation; null: the relay answered, or was never observed';
COMMENT ON COLUMN bigbrotr.relay_status.reason_in_words IS 'Meaning of the reason code, in words';
COMMENT ON COLUMN bigbrotr.relay_status.run IS 'Number of observations in a row with the outcome of the last one; 0: its outcome was unknown, because this server had no connection to the network';
COMMENT ON COLUMN bigbrotr.relay_status.last_visit IS 'Time of the last visit of the monitor; null: never visited';
COMMENT ON COLUMN bigbrotr.relay_status.next_visit IS 'Earliest time of the next visit of the monitor; null: the relay was never visited and is due';
COMMENT ON COLUMN bigbrotr.relay_status.name IS 'Field name of the document of the relay (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_status.software IS 'Field software of the document of the relay (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_status.version IS 'Field version of the document of the relay (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_status.country IS 'Country of the address at which the monitor reached the relay, ISO 3166-1 code, from bigbrotr.geoip_database; null: not known';
COMMENT ON COLUMN bigbrotr.relay_status.region IS 'Region of the country, in English; null: not known';
COMMENT ON COLUMN bigbrotr.relay_status.city IS 'City, in English; null: not known';
COMMENT ON COLUMN bigbrotr.relay_status.geohash IS 'Geohash of the coordinates, five characters; null: not known';
COMMENT ON COLUMN bigbrotr.relay_status.as_number IS 'Number of the autonomous system that the address belongs to; null: not known';
COMMENT ON COLUMN bigbrotr.relay_status.as_name IS 'Name of the autonomous system that the address belongs to; null: not known';

CREATE FUNCTION _bigbrotr.share_up(since bigint, observed_since bigint, at bigint, down bigint) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN 1 - coalesce(down, 0) / nullif(greatest(at::double precision - greatest(since, observed_since), 0), 0);
COMMENT ON FUNCTION _bigbrotr.share_up(bigint, bigint, bigint, bigint) IS
	'Share (0 .. 1) of the time from since, or from observed_since if that is later, until at, in which a relay was up: all of this time but down seconds; null: this time is empty. Arguments: Unix seconds';

CREATE VIEW bigbrotr.relay_uptime AS
	SELECT r.url AS relay_url, r.status, to_timestamp(h.first_observed) AS observed_since,
	       _bigbrotr.share_up(t.at - 86400, h.first_observed, e.seen, o.down_24h) AS uptime_24h,
	       _bigbrotr.share_up(t.at - 7 * 86400, h.first_observed, e.seen, o.down_7d) AS uptime_7d,
	       _bigbrotr.share_up(t.at - 30 * 86400, h.first_observed, e.seen, o.down_30d) AS uptime_30d,
	       _bigbrotr.share_up(t.at - 90 * 86400, h.first_observed, e.seen, o.down_90d) AS uptime_90d,
	       coalesce(o.outages, 0) AS outage_count, to_timestamp(o.last_outage) AS last_outage
	FROM (SELECT bigbrotr.unix_now() AS at OFFSET 0) AS t -- one call, not one for each row
	     CROSS JOIN _bigbrotr.relay_health AS h
	     JOIN bigbrotr.relays AS r ON r.relay_id = h.relay_id
	     LEFT JOIN (
	         SELECT d.relay_id, count(*) AS outages, max(d.began) AS last_outage, max(d.until) AS down_until,
	                sum(greatest(d.until - greatest(d.began, d.at - 86400), 0))::bigint AS down_24h,
	                sum(greatest(d.until - greatest(d.began, d.at - 7 * 86400), 0))::bigint AS down_7d,
	                sum(greatest(d.until - greatest(d.began, d.at - 30 * 86400), 0))::bigint AS down_30d,
	                sum(d.until - greatest(d.began, d.at - 90 * 86400))::bigint AS down_90d
	         FROM (SELECT o.relay_id, o.began, coalesce(o.ended, t.at) AS until, t.at
	               FROM _bigbrotr.relay_outages AS o CROSS JOIN (SELECT bigbrotr.unix_now() AS at OFFSET 0) AS t) AS d
	         WHERE d.until > d.at - 90 * 86400
	         GROUP BY d.relay_id) AS o ON o.relay_id = h.relay_id
	     -- Nothing is known of a relay after its last answer or the end of its last outage, whichever is later: uptime does not count
	     -- that time.
	     CROSS JOIN LATERAL (SELECT greatest(h.last_answer, o.down_until) AS seen) AS e;
COMMENT ON VIEW bigbrotr.relay_uptime IS 'Share of the last day, week, month and quarter in which each relay answered. An outage lasts from the first failed visit to the next answer, or until the relay is disabled. Time of which nothing is known is not counted: after the last answer of a relay that was up, and while a relay is disabled';
COMMENT ON COLUMN bigbrotr.relay_uptime.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_uptime.observed_since IS 'Time of the first observation; earlier time is not counted';
COMMENT ON COLUMN bigbrotr.relay_uptime.uptime_24h IS 'Share of the last 24 hours, 0 .. 1; null: nothing is known of them';
COMMENT ON COLUMN bigbrotr.relay_uptime.uptime_7d IS 'Share of the last 7 days, 0 .. 1; null: nothing is known of them';
COMMENT ON COLUMN bigbrotr.relay_uptime.uptime_30d IS 'Share of the last 30 days, 0 .. 1; null: nothing is known of them';
COMMENT ON COLUMN bigbrotr.relay_uptime.uptime_90d IS 'Share of the last 90 days, 0 .. 1; null: nothing is known of them';
COMMENT ON COLUMN bigbrotr.relay_uptime.outage_count IS 'Number of outages in the last 90 days';
COMMENT ON COLUMN bigbrotr.relay_uptime.last_outage IS 'Begin of the last outage of the last 90 days; null: none';

CREATE VIEW bigbrotr.relay_latency AS
	SELECT r.url AS relay_url, c.visits AS visit_count, c.answers AS answer_count,
	       1 - c.answers::double precision / nullif(c.visits, 0) AS loss,
	       c.open[2] AS open_median, c.open[3] - c.open[1] AS open_spread, c.read[2] AS read_median, c.read[3] - c.read[1] AS read_spread
	FROM bigbrotr.relays AS r
	     -- LATERAL, so that a query for one relay does not compute the figures of all relays.
	     CROSS JOIN LATERAL (
	         SELECT count(*) AS visits, count(*) FILTER (WHERE k.error IS NULL) AS answers,
	                percentile_cont('{0.25,0.5,0.75}'::double precision[]) WITHIN GROUP (ORDER BY k.nip66_rtt_open) AS open,
	                percentile_cont('{0.25,0.5,0.75}'::double precision[]) WITHIN GROUP (ORDER BY k.nip66_rtt_read) AS read
	         FROM _bigbrotr.relay_checks AS k
	         WHERE k.relay_id = r.relay_id AND k.nip66_present AND k.generated_at > (SELECT bigbrotr.unix_now()) - 604800
	         HAVING count(*) > 0) AS c;
COMMENT ON VIEW bigbrotr.relay_latency IS 'How fast relays answered in the last seven days';
COMMENT ON COLUMN bigbrotr.relay_latency.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_latency.visit_count IS 'Number of visits';
COMMENT ON COLUMN bigbrotr.relay_latency.answer_count IS 'Number of visits at which the relay answered';
COMMENT ON COLUMN bigbrotr.relay_latency.loss IS 'Share of visits without an answer, 0 .. 1';
COMMENT ON COLUMN bigbrotr.relay_latency.open_median IS 'Milliseconds to open a connection, median';
COMMENT ON COLUMN bigbrotr.relay_latency.open_spread IS 'Interquartile range of the milliseconds to open a connection';
COMMENT ON COLUMN bigbrotr.relay_latency.read_median IS 'Milliseconds to the answer of a REQ, median';
COMMENT ON COLUMN bigbrotr.relay_latency.read_spread IS 'Interquartile range of the milliseconds to the answer of a REQ';

CREATE FUNCTION _bigbrotr.differences(before jsonb, after jsonb) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT string_agg(k.key || ': ' || coalesce(left(before ->> k.key, 100), 'nothing') || ' → ' || coalesce(left(after ->> k.key, 100), 'nothing'), '; ' ORDER BY k.key)
	        FROM jsonb_object_keys(CASE jsonb_typeof(before) WHEN 'object' THEN before ELSE '{}' END || CASE jsonb_typeof(after) WHEN 'object' THEN after ELSE '{}' END) AS k (key)
	        WHERE coalesce(before -> k.key, 'null') <> coalesce(after -> k.key, 'null'));
COMMENT ON FUNCTION _bigbrotr.differences(jsonb, jsonb) IS 'The keys whose values differ between two JSON objects, in words: "key: value before → value after; …", values cut after 100 characters; null: no key differs';

CREATE VIEW bigbrotr.relay_changes AS
	SELECT r.url AS relay_url, to_timestamp(h.at) AS changed_at, h.aspect,
	       CASE h.aspect
	           WHEN 'status' THEN h.before || ' → ' || h.after
	           WHEN 'nip11' THEN _bigbrotr.differences(
	               (SELECT d.document FROM _bigbrotr.nip11_documents AS d WHERE d.nip11_id = h.before::integer),
	               (SELECT d.document FROM _bigbrotr.nip11_documents AS d WHERE d.nip11_id = h.after::integer))
	           ELSE _bigbrotr.differences(
	               (SELECT f.facts FROM _bigbrotr.nip66_facts AS f WHERE f.nip66_id = h.before::integer),
	               (SELECT f.facts FROM _bigbrotr.nip66_facts AS f WHERE f.nip66_id = h.after::integer)) END AS change
	FROM _bigbrotr.relay_history AS h JOIN bigbrotr.relays AS r ON r.relay_id = h.relay_id;
COMMENT ON VIEW bigbrotr.relay_changes IS 'Changes of relays in words: of the status, the document (NIP-11) and the measured facts (NIP-66). Of the document and of the facts, at most eight changes in a week are stored';
COMMENT ON COLUMN bigbrotr.relay_changes.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_changes.changed_at IS 'When the change was noticed';
COMMENT ON COLUMN bigbrotr.relay_changes.change IS 'Values before and after the change';

CREATE VIEW bigbrotr.relays_by_software AS
	SELECT d.software, d.version, count(*) AS relay_count, count(*) FILTER (WHERE r.status = 'online') AS online_count
	FROM _bigbrotr.relay_visits AS v
	     JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
	GROUP BY d.software, d.version;
COMMENT ON VIEW bigbrotr.relays_by_software IS 'Number of relays by the software and version that their last documents name (NIP-11)';
COMMENT ON COLUMN bigbrotr.relays_by_software.software IS 'Field software of the document; null: missing';
COMMENT ON COLUMN bigbrotr.relays_by_software.version IS 'Field version of the document; null: missing';
COMMENT ON COLUMN bigbrotr.relays_by_software.relay_count IS 'Number of relays';
COMMENT ON COLUMN bigbrotr.relays_by_software.online_count IS 'Number of relays whose status is online';

CREATE VIEW bigbrotr.nip_support AS
	SELECT r.url AS relay_url, n.nip, d.supported_nips IS NOT NULL AND d.supported_nips @> to_jsonb(n.nip) AS claimed,
	       (f.facts -> 'nips' ->> n.nip::text)::boolean AS observed
	FROM _bigbrotr.relay_visits AS v
	     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
	     CROSS JOIN LATERAL (
	         SELECT e::integer AS nip FROM jsonb_array_elements_text(CASE jsonb_typeof(d.supported_nips) WHEN 'array' THEN d.supported_nips END) AS e
	         WHERE e ~ '^[0-9]{1,5}$'
	         UNION SELECT k::integer FROM jsonb_object_keys(CASE jsonb_typeof(f.facts -> 'nips') WHEN 'object' THEN f.facts -> 'nips' END) AS k) AS n;
COMMENT ON VIEW bigbrotr.nip_support IS 'NIPs that relays claim to support, and the results of the monitor''s own tests';
COMMENT ON COLUMN bigbrotr.nip_support.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.nip_support.nip IS 'Number of the NIP';
COMMENT ON COLUMN bigbrotr.nip_support.claimed IS 'Whether the document of the relay (NIP-11) lists the NIP';
COMMENT ON COLUMN bigbrotr.nip_support.observed IS 'Whether the NIP worked when the monitor tried it; null: not tried, or the relay had no reason to show it (NIP-42)';

CREATE FUNCTION _bigbrotr.demanded(document jsonb, key text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE jsonb_typeof(document -> 'limitation' -> key)
	            WHEN 'boolean' THEN (document -> 'limitation' ->> key)::boolean
	            WHEN 'number' THEN (document -> 'limitation' ->> key)::numeric > 0 END;
COMMENT ON FUNCTION _bigbrotr.demanded(jsonb, text) IS
	'Whether limitation in a document (NIP-11) demands this key: auth_required, payment_required, restricted_writes or min_pow_difficulty; null: the document does not say';

CREATE FUNCTION _bigbrotr.claimed_number(document jsonb, key text) RETURNS numeric
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE jsonb_typeof(document -> 'limitation' -> key) WHEN 'number' THEN (document -> 'limitation' ->> key)::numeric END;
COMMENT ON FUNCTION _bigbrotr.claimed_number(jsonb, text) IS
	'The number under this key in limitation of a document (NIP-11); null: the key is missing, or its value is not a number';

CREATE VIEW bigbrotr.relay_limits AS
	SELECT r.url AS relay_url,
	       _bigbrotr.claimed_number(d.document, 'max_limit') AS claimed_max_limit, nullif(y.page_limit, 0) AS observed_page_limit,
	       (f.facts ->> 'limit_ignored')::boolean AS observed_limit_ignored,
	       _bigbrotr.claimed_number(d.document, 'default_limit') AS claimed_default_limit,
	       _bigbrotr.claimed_number(d.document, 'max_subscriptions') AS claimed_max_subscriptions, nullif(y.pace_ms, 0) AS observed_pace_ms,
	       _bigbrotr.claimed_number(d.document, 'max_message_length') AS claimed_max_message_length,
	       _bigbrotr.claimed_number(d.document, 'max_subid_length') AS claimed_max_subid_length,
	       _bigbrotr.claimed_number(d.document, 'max_event_tags') AS claimed_max_event_tags,
	       _bigbrotr.claimed_number(d.document, 'max_content_length') AS claimed_max_content_length,
	       _bigbrotr.claimed_number(d.document, 'created_at_lower_limit') AS claimed_created_at_lower_limit,
	       _bigbrotr.claimed_number(d.document, 'created_at_upper_limit') AS claimed_created_at_upper_limit,
	       _bigbrotr.demanded(d.document, 'auth_required') AS claimed_auth_required,
	       (f.facts -> 'nips' ->> '42')::boolean AS observed_challenge,
	       CASE WHEN s.story IS NULL THEN NULL ELSE s.story @> '[{"step": "read", "error": "auth_required"}]' END AS observed_auth_required,
	       _bigbrotr.demanded(d.document, 'payment_required') AS claimed_payment_required,
	       _bigbrotr.demanded(d.document, 'restricted_writes') AS claimed_restricted_writes,
	       _bigbrotr.claimed_number(d.document, 'min_pow_difficulty') AS claimed_min_pow_difficulty,
	       (f.facts -> 'write' ->> 'accepted')::boolean AS observed_write_accepted, f.facts -> 'write' ->> 'reason' AS observed_write_refusal
	FROM _bigbrotr.relay_visits AS v
	     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = v.nip11_id
	     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id
	     LEFT JOIN _bigbrotr.relay_sync AS y ON y.relay_id = v.relay_id
	     LEFT JOIN _bigbrotr.relay_stories AS s ON s.relay_id = v.relay_id AND s.outcome = 'answered';
COMMENT ON VIEW bigbrotr.relay_limits IS 'Limits that relays claim in their documents (NIP-11, limitation), and limits that monitor and synchronizer observed; null: not claimed, or not observed';
COMMENT ON COLUMN bigbrotr.relay_limits.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_limit IS 'Maximum number of events in one answer';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_page_limit IS 'Number of events that the synchronizer asks for in one page, lowered after failures';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_limit_ignored IS 'Whether the relay sent more events than it was asked for';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_default_limit IS 'Number of events in an answer to a REQ without a limit';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_subscriptions IS 'Maximum number of subscriptions of one connection';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_pace_ms IS 'Milliseconds between two requests of the synchronizer, raised after complaints of the relay';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_message_length IS 'Maximum size of one message, bytes';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_subid_length IS 'Maximum length of the id of a subscription, characters';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_event_tags IS 'Maximum number of tags of one event';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_max_content_length IS 'Maximum length of the content of one event, characters';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_created_at_lower_limit IS 'Maximum age of an event by its created_at, seconds';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_created_at_upper_limit IS 'Maximum time that created_at of an event may lie in the future, seconds';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_auth_required IS 'Whether the relay demands authentication (NIP-42)';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_challenge IS 'Whether the relay sent a challenge (AUTH, NIP-42); null: it had no reason to, or was not tried';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_auth_required IS 'Whether the relay refused the REQ of the last visit that went well, because it demands authentication';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_payment_required IS 'Whether the relay demands a payment';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_restricted_writes IS 'Whether the relay accepts events only under conditions';
COMMENT ON COLUMN bigbrotr.relay_limits.claimed_min_pow_difficulty IS 'Proof of work that an event needs, bits (NIP-13)';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_write_accepted IS 'Whether the relay accepted the event of the last write check; null: there was no write check';
COMMENT ON COLUMN bigbrotr.relay_limits.observed_write_refusal IS 'Reason code of the failure of the last write check; null: accepted, or there was no write check';

CREATE FUNCTION bigbrotr.relay_at(
	relay_url text, at timestamptz,
	OUT status text, OUT checked_at timestamptz, OUT answered boolean, OUT reason text, OUT rtt_open integer, OUT rtt_read integer,
	OUT document jsonb, OUT facts jsonb)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer := _bigbrotr.known_relay(relay_url);
	second bigint := _bigbrotr.unix_time(at);
	last_check record;
BEGIN
	status := coalesce(
		(SELECT h.after FROM _bigbrotr.relay_history AS h WHERE h.relay_id = relay AND h.aspect = 'status' AND h.at <= second ORDER BY h.at DESC LIMIT 1),
		(SELECT h.before FROM _bigbrotr.relay_history AS h WHERE h.relay_id = relay AND h.aspect = 'status' ORDER BY h.at LIMIT 1),
		(SELECT r.status FROM bigbrotr.relays AS r WHERE r.relay_id = relay));
	SELECT c.generated_at, c.error, c.nip66_rtt_open, c.nip66_rtt_read INTO last_check
	FROM ((SELECT c.generated_at, c.error, c.nip66_rtt_open, c.nip66_rtt_read FROM _bigbrotr.relay_checks AS c
	       WHERE c.relay_id = relay AND c.generated_at <= second AND c.nip66_present ORDER BY c.generated_at DESC LIMIT 1)
	      UNION ALL
	      (SELECT u.generated_at, u.error, u.nip66_rtt_open, u.nip66_rtt_read FROM _bigbrotr.packed_checks AS u
	       WHERE u.relay_id = relay AND u.generated_at <= second AND u.nip66_present
	             AND u.week IN (SELECT s.week FROM _bigbrotr.relay_series AS s
	                            WHERE s.relay_id = relay AND s.week <= second / 604800 ORDER BY s.week DESC LIMIT 2)
	       ORDER BY u.generated_at DESC LIMIT 1)) AS c
	ORDER BY c.generated_at DESC LIMIT 1;
	IF FOUND THEN
		checked_at := to_timestamp(last_check.generated_at);
		answered := last_check.error IS NULL;
		reason := last_check.error;
		rtt_open := last_check.nip66_rtt_open;
		rtt_read := last_check.nip66_rtt_read;
	END IF;
	document := (SELECT d.document FROM _bigbrotr.relay_history AS h JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = h.after::integer
	             WHERE h.relay_id = relay AND h.aspect = 'nip11' AND h.at <= second ORDER BY h.at DESC LIMIT 1);
	facts := (SELECT f.facts FROM _bigbrotr.relay_history AS h JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = h.after::integer
	          WHERE h.relay_id = relay AND h.aspect = 'nip66' AND h.at <= second ORDER BY h.at DESC LIMIT 1);
END
$$;
COMMENT ON FUNCTION bigbrotr.relay_at(text, timestamptz) IS
	'What was known of a relay at a time: its status, the last measurement until then (rtt_open, rtt_read: milliseconds), its document (NIP-11) and the measured facts (NIP-66). Reaches as far back as bigbrotr.monitor_retention. An error if the relay is unknown';

-- ---- State of the whole archive. The initializer logs these rows when the services start.

CREATE VIEW bigbrotr.health_report AS
	SELECT 'version' AS item, v.required_schema = v.schema AS good,
	       format('library %s, schema %s, PostgreSQL %s', v.library, v.schema, current_setting('server_version'))
	       || CASE WHEN v.required_schema <> v.schema THEN format('; the library needs schema %s', v.required_schema) ELSE '' END AS detail
	FROM bigbrotr.version() AS v
	UNION ALL
	SELECT 'service ' || s.service || CASE WHEN s.instance > 1 THEN ' ' || s.instance ELSE '' END,
	       s.state <> 'backoff' AND s.health <> 'unhealthy' AND (s.state NOT IN ('disabled', 'enabled') OR coalesce(s.last_error, '') = ''),
	       concat_ws(', ', s.state, CASE s.health WHEN 'unknown' THEN NULL ELSE s.health END, 'waits for ' || s.waiting_for, nullif(s.last_error, ''))
	FROM bigbrotr.services AS s WHERE s.database = current_database()
	UNION ALL
	SELECT 'relays', count(*) > 0,
	       CASE WHEN count(*) = 0 THEN 'none is known' ELSE format('%s known', count(*)) END
	       || coalesce(': ' || (SELECT string_agg(format('%s %s', k.relays, k.status), ', ' ORDER BY k.relays DESC, k.status)
	                            FROM (SELECT o.status, count(*) AS relays FROM bigbrotr.relays AS o GROUP BY o.status) AS k), '')
	FROM bigbrotr.relays
	UNION ALL
	SELECT 'archive', true, format('%s events of %s deliveries, %s', t.event_count, t.sighting_count, pg_size_pretty(pg_database_size(current_database())))
	FROM bigbrotr.sync_totals AS t
	UNION ALL
	SELECT 'list ' || r.source, bool_and(r.line > 0),
	       CASE WHEN bool_and(r.line > 0) THEN format('%s lines refused (bigbrotr.seed_rejects)', count(*)) ELSE min(r.text) FILTER (WHERE r.line = 0) END
	FROM bigbrotr.seed_rejects AS r WHERE r.read_at >= _bigbrotr.unix_time(pg_postmaster_start_time()) GROUP BY r.source;
COMMENT ON VIEW bigbrotr.health_report IS 'State of the archive: version, each service, number of relays, number of events, and the relay lists that were read since the server started. The initializer logs these rows when the services start';
COMMENT ON COLUMN bigbrotr.health_report.item IS 'Subject of the row';
COMMENT ON COLUMN bigbrotr.health_report.good IS 'false: an administrator should look into it';
COMMENT ON COLUMN bigbrotr.health_report.detail IS 'State of the subject, in words';
