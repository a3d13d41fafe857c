-- Events that the publisher sends to relays, the answers of the relays, and the delivery of alerts.

CREATE TABLE _bigbrotr.relay_publications (
	relay_url    text    NOT NULL,
	kind         integer NOT NULL,
	subject      text    NOT NULL,
	event_id     bytea   NOT NULL,
	pubkey       bytea   NOT NULL,
	sent_at      bigint  NOT NULL,
	outcome      text    NOT NULL,
	detail       text    NOT NULL,
	failures     integer NOT NULL,
	next_attempt bigint  NOT NULL,
	accepted_at  bigint,
	content_hash bytea,
	CONSTRAINT relay_publications_pkey PRIMARY KEY (relay_url, kind, subject),
	CONSTRAINT relay_publications_outcome_check CHECK (outcome IN ('accepted', 'refused', 'failed'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.relay_publications IS 'The last event of each kind and subject that the publisher sent to a relay; the view bigbrotr.publications shows it';
COMMENT ON COLUMN _bigbrotr.relay_publications.relay_url IS 'Normalised URL of the relay that received the event, one of bigbrotr.publish_relays';
COMMENT ON COLUMN _bigbrotr.relay_publications.kind IS 'Kind of the event';
COMMENT ON COLUMN _bigbrotr.relay_publications.subject IS 'Normalised URL of the relay that the event is about (kind 30166, NIP-66); empty: the event is about the monitor itself';
COMMENT ON COLUMN _bigbrotr.relay_publications.event_id IS 'Id of the last event sent, 32 bytes';
COMMENT ON COLUMN _bigbrotr.relay_publications.pubkey IS 'Public key that signed the last event sent, 32 bytes';
COMMENT ON COLUMN _bigbrotr.relay_publications.sent_at IS 'When the last event was sent, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_publications.outcome IS 'accepted: the relay answered OK true; refused: the relay answered OK false; failed: no answer';
COMMENT ON COLUMN _bigbrotr.relay_publications.detail IS 'Text of the answer of the relay, or the reason of the failure';
COMMENT ON COLUMN _bigbrotr.relay_publications.failures IS 'Number of attempts since an event was last accepted';
COMMENT ON COLUMN _bigbrotr.relay_publications.next_attempt IS 'Earliest time of the next attempt, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_publications.accepted_at IS 'created_at of the last event that the relay accepted; null: none';
COMMENT ON COLUMN _bigbrotr.relay_publications.content_hash IS 'Hash of the tags and content of the last accepted event; of kind 30166 hash of the document and the facts; null: none was accepted';
SELECT pg_extension_config_dump('_bigbrotr.relay_publications', '');

CREATE VIEW bigbrotr.publications AS
	SELECT p.relay_url, p.kind, nullif(p.subject, '') AS subject, p.outcome, nullif(p.detail, '') AS detail, p.event_id,
	       to_timestamp(p.sent_at) AS sent_at, to_timestamp(p.accepted_at) AS accepted_at, p.failures AS failure_count,
	       CASE WHEN p.failures > 0 THEN to_timestamp(p.next_attempt) END AS next_attempt
	FROM _bigbrotr.relay_publications AS p;
COMMENT ON VIEW bigbrotr.publications IS 'Last event of each kind and subject that the publisher sent to each of bigbrotr.publish_relays, and the answer of the relay';
COMMENT ON COLUMN bigbrotr.publications.relay_url IS 'Normalised URL of the relay that received the event';
COMMENT ON COLUMN bigbrotr.publications.kind IS 'Kind of the event: 0 profile, 10002 relay list (NIP-65), 10166 monitor announcement, 30166 report about a relay (NIP-66)';
COMMENT ON COLUMN bigbrotr.publications.subject IS 'Normalised URL of the relay that the event is about; null: the event is about the monitor itself';
COMMENT ON COLUMN bigbrotr.publications.outcome IS 'accepted: the relay answered OK true; refused: the relay answered OK false; failed: no answer';
COMMENT ON COLUMN bigbrotr.publications.detail IS 'Text of the answer of the relay, or the reason of the failure; null: none';
COMMENT ON COLUMN bigbrotr.publications.event_id IS 'Id of the last event sent, 32 bytes';
COMMENT ON COLUMN bigbrotr.publications.sent_at IS 'When the last event was sent';
COMMENT ON COLUMN bigbrotr.publications.accepted_at IS 'created_at of the last event that the relay accepted; null: none';
COMMENT ON COLUMN bigbrotr.publications.failure_count IS 'Number of attempts since an event was last accepted';
COMMENT ON COLUMN bigbrotr.publications.next_attempt IS 'Earliest time of the next attempt after a failure; null: the last attempt succeeded';

-- ---- Events to send

-- Not STRICT, because last is null for a relay that was never sent an event.
CREATE FUNCTION _bigbrotr.may_publish(
	last _bigbrotr.relay_publications, content_hash bytea, created_at bigint, every bigint, pause bigint, at bigint) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (last).relay_url IS NULL
	       OR (last).next_attempt <= at AND created_at > coalesce((last).accepted_at, -1)
	          AND ((last).outcome <> 'accepted' OR (last).sent_at <= at - every
	               OR (last).sent_at <= at - pause AND (last).content_hash <> content_hash);
COMMENT ON FUNCTION _bigbrotr.may_publish(_bigbrotr.relay_publications, bytea, bigint, bigint, bigint, bigint) IS
	'Whether to send an event now. last: row of the last event of this kind and subject; null: send. The new event must have a later created_at than the last accepted event. After an accepted event, wait every seconds, or pause seconds if content_hash changed; after a failure, wait until next_attempt. created_at, at: Unix seconds';

CREATE FUNCTION _bigbrotr.publication_due(relay_url text, kind integer, content_hash bytea, every bigint, at bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT coalesce((SELECT _bigbrotr.may_publish(p, publication_due.content_hash, publication_due.at, publication_due.every, 0, publication_due.at)
		                 FROM _bigbrotr.relay_publications AS p
		                 WHERE p.relay_url = publication_due.relay_url AND p.kind = publication_due.kind AND p.subject = ''), true);
	END;
COMMENT ON FUNCTION _bigbrotr.publication_due(text, integer, bytea, bigint, bigint) IS
	'Whether to send a relay an event about the monitor itself now: at once if content_hash changed, else every seconds after the last accepted event; after a failure at next_attempt. at: Unix seconds';

CREATE FUNCTION _bigbrotr.announcement(at bigint, OUT frequency bigint, OUT writes boolean, OUT networks text, OUT locates boolean)
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.check_time(announcement.at);
		SELECT f.frequency, current_setting('bigbrotr.monitor_write_check')::boolean, string_agg(DISTINCT r.network, ',' ORDER BY r.network),
		       coalesce(bool_or(v.facts ? 'geo'), false)
		FROM (SELECT _bigbrotr.visit_interval('online', 'answered', 1, current_setting('bigbrotr.politeness')) AS frequency) AS f
		     LEFT JOIN (SELECT v.relay_id, v.checked_at, f.facts FROM _bigbrotr.relay_visits AS v
		                LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = v.nip66_id) AS v
		     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
		     ON v.checked_at > announcement.at - 2 * f.frequency
		GROUP BY f.frequency;
	END;
COMMENT ON FUNCTION _bigbrotr.announcement(bigint) IS
	'Facts for the announcement of the monitor (kind 10166, NIP-66). frequency: seconds between two visits to a relay that answers; writes: whether visits send an EVENT; networks: networks that were visited lately, separated by commas, null: none; locates: whether the location of any of these relays is known. at: Unix seconds';

-- The digest leaves out round trips, which differ at each visit; document and facts change rarely (_bigbrotr.may_change).
CREATE FUNCTION _bigbrotr.relays_to_publish(
	target text, with_local boolean, every bigint, pause bigint, most integer, at bigint,
	OUT url text, OUT network text, OUT checked_at bigint, OUT rtt_open integer, OUT rtt_read integer, OUT rtt_write integer,
	OUT nips text, OUT auth boolean, OUT payment boolean, OUT writes boolean, OUT pow boolean, OUT topics text, OUT document text,
	OUT digest bytea, OUT geohash text, OUT country text, OUT as_number bigint, OUT languages text) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT c.url, c.network, c.checked_at, c.rtt_open, c.rtt_read, c.rtt_write, n.nips, d.auth, d.payment, d.writes, d.pow, t.topics,
		       -- Many relays refuse larger events.
		       coalesce(CASE WHEN octet_length(i.document::text) <= 32768 THEN i.document::text END, ''), c.digest, g.geohash, g.country, g.as_number, u.languages
		FROM (
			SELECT r.url, r.network, v.checked_at, v.rtt_open, v.rtt_read, v.rtt_write, v.nip11_id, v.nip66_id, h.hidden, b.digest
			FROM _bigbrotr.relay_visits AS v
			     JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
			     JOIN _bigbrotr.relay_stories AS s ON s.relay_id = v.relay_id AND s.outcome = 'answered' AND s.visited_at = v.checked_at
			     LEFT JOIN _bigbrotr.relay_publications AS p ON p.relay_url = relays_to_publish.target AND p.kind = 30166 AND p.subject = r.url
			     CROSS JOIN LATERAL (SELECT s.story @> '[{"step": "read", "error": "auth_required"}]' AS hidden) AS h
			     CROSS JOIN LATERAL (SELECT convert_to(format('%s %s %s', v.nip11_id, v.nip66_id, h.hidden), 'UTF8') AS digest) AS b
			WHERE v.checked_at > relays_to_publish.at - 2 * relays_to_publish.every AND (r.network <> 'local' OR relays_to_publish.with_local)
			      AND _bigbrotr.may_publish(p, b.digest, v.checked_at, relays_to_publish.every, relays_to_publish.pause, relays_to_publish.at)
			ORDER BY v.checked_at LIMIT greatest(relays_to_publish.most, 0)) AS c
		     LEFT JOIN _bigbrotr.nip11_documents AS i ON i.nip11_id = c.nip11_id
		     LEFT JOIN _bigbrotr.nip66_facts AS f ON f.nip66_id = c.nip66_id
		     LEFT JOIN LATERAL jsonb_to_record(f.facts -> 'geo') AS g (geohash text, country text, as_number bigint) ON true
		     CROSS JOIN LATERAL (SELECT (f.facts -> 'write' ->> 'accepted')::boolean AS accepted, f.facts -> 'write' ->> 'reason' AS refusal) AS w
		     CROSS JOIN LATERAL (SELECT
		         CASE WHEN c.hidden OR w.refusal = 'auth_required' THEN true WHEN w.accepted THEN false ELSE _bigbrotr.demanded(i.document, 'auth_required') END AS auth,
		         CASE WHEN w.accepted THEN false ELSE _bigbrotr.demanded(i.document, 'payment_required') END AS payment,
		         CASE WHEN w.accepted THEN false WHEN w.refusal IN ('restricted', 'blocked') THEN true ELSE _bigbrotr.demanded(i.document, 'restricted_writes') END AS writes,
		         CASE WHEN w.accepted THEN false WHEN w.refusal = 'pow' THEN true ELSE _bigbrotr.demanded(i.document, 'min_pow_difficulty') END AS pow) AS d
		     -- A NIP that was tried and failed is not listed.
		     CROSS JOIN LATERAL (SELECT string_agg(l.nip::text, ',' ORDER BY l.nip) AS nips
		                         FROM (SELECT q.nip FROM bigbrotr.nip_support AS q
		                               WHERE q.relay_url = c.url AND (q.nip = 1 OR coalesce(q.observed, q.claimed))
		                               ORDER BY q.nip LIMIT 100) AS l) AS n
		     CROSS JOIN LATERAL (SELECT string_agg(e.topic #>> '{}', E'\n' ORDER BY e.n) AS topics
		                         FROM jsonb_array_elements(CASE jsonb_typeof(i.document -> 'tags') WHEN 'array' THEN i.document -> 'tags' END)
		                              WITH ORDINALITY AS e (topic, n)
		                         WHERE e.n <= 20 AND jsonb_typeof(e.topic) = 'string' AND length(e.topic #>> '{}') BETWEEN 1 AND 100
		                               AND e.topic #>> '{}' !~ '[[:cntrl:]]') AS t
		     -- The language alone is published: "en-419" becomes "en", and "*" is left out.
		     CROSS JOIN LATERAL (SELECT string_agg(DISTINCT lower(left(e.tag, 2) COLLATE "C"), ',') AS languages
		                         FROM jsonb_array_elements_text(CASE jsonb_typeof(i.document -> 'language_tags') WHEN 'array' THEN i.document -> 'language_tags' END)
		                              WITH ORDINALITY AS e (tag, n)
		                         WHERE e.n <= 20 AND e.tag ~* '^[a-z]{2}(-|$)') AS u
		ORDER BY c.checked_at;
	END;
COMMENT ON FUNCTION _bigbrotr.relays_to_publish(text, boolean, bigint, bigint, integer, bigint) IS
	'Reports (kind 30166, NIP-66) that are due to be sent to a relay (target), about relays that answered at their last visit: every seconds after the last accepted report, or after pause seconds if the document (NIP-11) or a fact changed. with_local: also about relays of the network local; most: maximum number of rows; at: Unix seconds. rtt_open, rtt_read, rtt_write: milliseconds; topics: one per line; document: JSON, empty: none or more than 32 kB; digest: content_hash of the report';

CREATE FUNCTION _bigbrotr.record_publications(
	relay_url text, pubkey bytea, kinds integer[], subjects text[], event_ids bytea[], created_ats bigint[], content_hashes bytea[],
	outcomes text[], details text[], at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	recorded bigint;
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(kinds)), _bigbrotr.check_time(at);
	INSERT INTO _bigbrotr.relay_publications AS p (
		relay_url, kind, subject, event_id, pubkey, sent_at, outcome, detail, failures, next_attempt, accepted_at, content_hash)
	SELECT record_publications.relay_url, n.kind, n.subject, n.event_id, record_publications.pubkey, at, n.outcome, n.detail,
	       (n.outcome <> 'accepted')::integer, CASE n.outcome WHEN 'accepted' THEN at ELSE at + 60 END,
	       CASE n.outcome WHEN 'accepted' THEN n.created_at END, CASE n.outcome WHEN 'accepted' THEN n.content_hash END
	FROM unnest(kinds, subjects, event_ids, created_ats, content_hashes, outcomes, details)
	         AS n (kind, subject, event_id, created_at, content_hash, outcome, detail)
	WHERE num_nulls(n.kind, n.subject, n.event_id, n.detail) = 0 AND n.outcome IN ('accepted', 'refused', 'failed')
	ORDER BY n.kind, n.subject
	ON CONFLICT ON CONSTRAINT relay_publications_pkey DO UPDATE SET
		event_id = excluded.event_id, pubkey = excluded.pubkey, sent_at = excluded.sent_at, outcome = excluded.outcome, detail = excluded.detail,
		failures = CASE excluded.outcome WHEN 'accepted' THEN 0 ELSE p.failures + 1 END,
		next_attempt = at + CASE excluded.outcome WHEN 'accepted' THEN 0 WHEN 'failed' THEN 60 ELSE least(86400, 60 * 2 ^ least(p.failures, 11))::bigint END,
		accepted_at = coalesce(excluded.accepted_at, p.accepted_at),
		content_hash = coalesce(excluded.content_hash, p.content_hash);
	GET DIAGNOSTICS recorded = ROW_COUNT;
	RETURN recorded;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_publications(text, bytea, integer[], text[], bytea[], bigint[], bytea[], text[], text[], bigint) IS
	'Stores the answers of a relay to events that were sent to it; parallel arrays. outcomes: accepted, refused or failed; at: Unix seconds. After a failure the next attempt follows in a minute; each further refusal doubles this time, up to a day. Returns the number of stored answers';

CREATE FUNCTION _bigbrotr.trim_publications(before bigint) RETURNS bigint
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		WITH gone AS (DELETE FROM _bigbrotr.relay_publications AS p WHERE p.sent_at < trim_publications.before RETURNING p.kind)
		SELECT count(*) FROM gone AS g;
	END;
COMMENT ON FUNCTION _bigbrotr.trim_publications(bigint) IS
	'Deletes rows whose last event was sent before this Unix second: the relay or the subject no longer exists, or is no longer used. Returns their number';

-- ---- Alerts (alerts.sql)

CREATE FUNCTION _bigbrotr.inbox_relays(reader bytea) RETURNS text
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT coalesce(string_agg(DISTINCT l.url, ','), '')
		FROM (SELECT n.url
		      FROM (SELECT e.tags FROM bigbrotr.events AS e WHERE e.pubkey = inbox_relays.reader AND e.kind = 10050
		            ORDER BY e.created_at DESC, e.event_id LIMIT 1) AS e
		           CROSS JOIN LATERAL jsonb_array_elements(e.tags::jsonb) WITH ORDINALITY AS t (tag, place)
		           CROSS JOIN LATERAL bigbrotr.normalise_relay_url(t.tag ->> 1) AS n
		      WHERE t.tag ->> 0 = 'relay' AND n.url IS NOT NULL AND (n.network <> 'local' OR _bigbrotr.allow_local_relays())
		      ORDER BY t.place LIMIT 5) AS l;
	END;
COMMENT ON FUNCTION _bigbrotr.inbox_relays(bytea) IS
	'Relays that take private messages for a public key, from its newest archived list (kind 10050, NIP-17): at most five URLs, separated by commas; empty: none';

CREATE FUNCTION _bigbrotr.news_in_words(news json) RETURNS text
	LANGUAGE sql STABLE STRICT
	RETURN format('%s is %s, was %s', news ->> 'relay_url', news ->> 'status', news ->> 'before')
	       || coalesce(': ' || _bigbrotr.error_words(news ->> 'reason'), '');
COMMENT ON FUNCTION _bigbrotr.news_in_words(json) IS 'A change of status (JSON of _bigbrotr.status_news) as a sentence';

CREATE FUNCTION _bigbrotr.due_alerts(
	busy integer[], most integer, posts_wait boolean, at bigint,
	OUT relay_id integer, OUT alert_id text, OUT receiver text, OUT document text, OUT changed_at bigint, OUT inbox text) RETURNS SETOF record
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT w.relay_id, a.alert_id::text, w.receiver, CASE WHEN m.key IS NULL THEN a.document ELSE _bigbrotr.news_in_words(a.document::json) END,
		       a.changed_at, coalesce(_bigbrotr.inbox_relays(m.key), '')
		FROM _bigbrotr.relay_watches AS w
		     CROSS JOIN LATERAL (SELECT q.* FROM _bigbrotr.relay_alerts AS q WHERE q.relay_id = w.relay_id ORDER BY q.number LIMIT 1) AS a
		     CROSS JOIN LATERAL (SELECT CASE WHEN w.receiver ^@ 'npub1' THEN bigbrotr.npub_decode(w.receiver) END AS key) AS m
		WHERE w.next_attempt <= due_alerts.at AND w.relay_id <> ALL (due_alerts.busy)
		-- Receivers that fail, and URLs without a signing secret, are sorted last, so that they do not fill the LIMIT.
		ORDER BY m.key IS NULL AND due_alerts.posts_wait, w.failures, a.changed_at, w.relay_id LIMIT greatest(due_alerts.most, 0);
	END;
COMMENT ON FUNCTION _bigbrotr.due_alerts(integer[], integer, boolean, bigint) IS
	'The first alert of each watched relay whose next attempt is due, without the relays in busy, at most "most"; alerts for URLs come last if posts_wait is true. For a private message, document is a sentence and inbox lists the relays of the receiver (_bigbrotr.inbox_relays); for a URL, document is JSON and inbox is empty';

CREATE FUNCTION _bigbrotr.record_alert(relay integer, alert text, error text, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_time(at);
	-- If the alert was deleted meanwhile, change nothing: the relay may have another receiver now.
	UPDATE _bigbrotr.relay_watches AS w SET
		delivered = w.delivered + (error = '')::integer,
		delivered_at = CASE error WHEN '' THEN at ELSE w.delivered_at END,
		failures = CASE error WHEN '' THEN 0 ELSE w.failures + 1 END,
		-- Back-off: 10 seconds, doubled with each failure, up to an hour.
		next_attempt = CASE error WHEN '' THEN 0 ELSE at + least(10 * (1 << least(w.failures, 20)), 3600) END,
		last_error = nullif(error, '')
	WHERE w.relay_id = relay
	      AND EXISTS (SELECT FROM _bigbrotr.relay_alerts AS a WHERE a.relay_id = relay AND a.alert_id::text = record_alert.alert);
	DELETE FROM _bigbrotr.relay_alerts AS a
	WHERE a.relay_id = relay AND (error = '' AND a.alert_id::text = record_alert.alert OR a.changed_at < at - 3 * 86400);
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_alert(integer, text, text, bigint) IS
	'Stores the result of sending an alert; error empty: the receiver accepted it. After a failure the next attempt follows in 10 seconds; each further failure doubles this time, up to an hour. Deletes accepted alerts, and alerts that are older than three days. at: Unix seconds';
