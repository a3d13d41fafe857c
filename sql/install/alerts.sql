-- Changes of the status of relays go to the log, to sessions that LISTEN, and to the receivers of alerts.

-- Only a hundred relays can be watched. A relay changes its status at most twice in ten minutes, unless an administrator
-- changes it, so that watched relays cannot fill the notification queue.
CREATE TABLE _bigbrotr.relay_watches (
	relay_id     integer NOT NULL,
	failures     integer NOT NULL DEFAULT 0,
	inserted_at  bigint  NOT NULL,
	alerts       bigint  NOT NULL DEFAULT 0,
	delivered    bigint  NOT NULL DEFAULT 0,
	next_attempt bigint  NOT NULL DEFAULT 0,
	delivered_at bigint,
	receiver     text,
	last_error   text,
	CONSTRAINT relay_watches_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_watches_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
) WITH (fillfactor = 70);
COMMENT ON TABLE _bigbrotr.relay_watches IS 'Watched relays (bigbrotr.watch_relay): changes of their status are sent by NOTIFY and to the receiver. Readers have no access, because the path of the receiver''s URL may be a secret';
COMMENT ON COLUMN _bigbrotr.relay_watches.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_watches.failures IS 'Number of failed deliveries since the last successful one';
COMMENT ON COLUMN _bigbrotr.relay_watches.inserted_at IS 'When the watch was added, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_watches.alerts IS 'Number of alerts made for this receiver';
COMMENT ON COLUMN _bigbrotr.relay_watches.delivered IS 'Number of alerts that the receiver accepted';
COMMENT ON COLUMN _bigbrotr.relay_watches.next_attempt IS 'Earliest time of the next attempt, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_watches.delivered_at IS 'When the receiver last accepted an alert, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_watches.receiver IS 'URL of http or https, or a public key as npub1… (NIP-19); null: no receiver';
COMMENT ON COLUMN _bigbrotr.relay_watches.last_error IS 'Error of the last attempt; null: the last attempt succeeded';

-- An alert is written in the transaction that changes the status: no crash can lose the alert of a committed change.
CREATE TABLE _bigbrotr.relay_alerts (
	relay_id   integer NOT NULL,
	number     bigint  NOT NULL,
	changed_at bigint  NOT NULL,
	alert_id   uuid    NOT NULL DEFAULT gen_random_uuid(),
	document   text    NOT NULL,
	CONSTRAINT relay_alerts_pkey PRIMARY KEY (relay_id, number),
	CONSTRAINT relay_alerts_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES _bigbrotr.relay_watches ON DELETE CASCADE
);
COMMENT ON TABLE _bigbrotr.relay_alerts IS 'Alerts that a receiver has not accepted yet: at most a hundred for each relay. Readers have no access';
COMMENT ON COLUMN _bigbrotr.relay_alerts.relay_id IS '_bigbrotr.relay_watches.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_alerts.number IS 'Number of the alert among the alerts of the relay, from 1: alerts are delivered in this order';
COMMENT ON COLUMN _bigbrotr.relay_alerts.changed_at IS 'When the status changed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_alerts.alert_id IS 'Sent with the alert, so that the receiver can recognise a repeated delivery';
COMMENT ON COLUMN _bigbrotr.relay_alerts.document IS 'JSON text that is sent, see _bigbrotr.status_news';

SELECT pg_extension_config_dump('_bigbrotr.relay_watches', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_alerts', '');

CREATE FUNCTION _bigbrotr.log_status(observer text, line text, detail text) RETURNS void
	AS 'MODULE_PATHNAME', 'bigbrotr_log_status'
	LANGUAGE C STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION _bigbrotr.log_status(text, text, text) IS
	'Writes a line with a detail to the log, if bigbrotr.log_level includes level info of this service (observer); at most a hundred lines a minute';

CREATE FUNCTION _bigbrotr.status_news(relay_url text, before text, after text, reason text, at bigint) RETURNS text
	LANGUAGE sql STABLE STRICT
	RETURN json_build_object('relay_url', relay_url, 'status', after, 'before', before, 'reason', nullif(reason, ''), 'changed_at', at)::text;
COMMENT ON FUNCTION _bigbrotr.status_news(text, text, text, text, bigint) IS 'A change of status as a JSON text: relay_url, status, before, reason (reason code; null: the relay answered), changed_at (Unix seconds)';

CREATE FUNCTION _bigbrotr.tell_status(relay integer, observer text, before text, after text, reason text, at bigint) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.log_status(tell_status.observer,
			format('relay %s: %s, was %s', r.url, tell_status.after, tell_status.before) || coalesce(' (' || nullif(tell_status.reason, '') || ')', ''),
			concat_ws(' ', 'relay=' || r.url, 'task=' || CASE tell_status.observer WHEN 'monitor' THEN 'visit' WHEN 'synchronizer' THEN 'read' ELSE 'administration' END,
				'reason=' || nullif(tell_status.reason, '')))
		FROM bigbrotr.relays AS r WHERE r.relay_id = tell_status.relay;
		-- NOTIFY raises an error if the notification queue is full. A session that listens and does not read must not stop
		-- the monitor.
		SELECT pg_notify('bigbrotr_relay_status', _bigbrotr.status_news(r.url, tell_status.before, tell_status.after, tell_status.reason, tell_status.at))
		FROM _bigbrotr.relay_watches AS w JOIN bigbrotr.relays AS r ON r.relay_id = w.relay_id
		WHERE w.relay_id = tell_status.relay AND pg_notification_queue_usage() < 0.5;
		-- Like record_alert, lock the watch before its alerts, to avoid a deadlock.
		UPDATE _bigbrotr.relay_watches AS w SET alerts = w.alerts + 1 WHERE w.relay_id = tell_status.relay AND w.receiver IS NOT NULL;
		INSERT INTO _bigbrotr.relay_alerts (relay_id, number, changed_at, document)
		SELECT w.relay_id, w.alerts, tell_status.at,
		       _bigbrotr.status_news(r.url, tell_status.before, tell_status.after, tell_status.reason, tell_status.at)
		FROM _bigbrotr.relay_watches AS w JOIN bigbrotr.relays AS r ON r.relay_id = w.relay_id
		WHERE w.relay_id = tell_status.relay AND w.receiver IS NOT NULL;
		DELETE FROM _bigbrotr.relay_alerts AS a USING _bigbrotr.relay_watches AS w
		WHERE a.relay_id = tell_status.relay AND w.relay_id = a.relay_id AND a.number <= w.alerts - 100;
	END;
COMMENT ON FUNCTION _bigbrotr.tell_status(integer, text, text, text, text, bigint) IS
	'Writes a change of status to the log. For a watched relay (bigbrotr.watch_relay) also sends it on the channel bigbrotr_relay_status, and adds an alert for the receiver to _bigbrotr.relay_alerts';

CREATE FUNCTION bigbrotr.watch_relay(relay_url text, receiver text DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 100;
	relay CONSTANT integer := _bigbrotr.known_relay(relay_url);
	target CONSTANT text := CASE WHEN receiver ^@ 'npub1' THEN bigbrotr.npub_encode(bigbrotr.npub_decode(receiver))
	                             WHEN receiver IS NOT NULL THEN _bigbrotr.require_web_url(receiver) END;
BEGIN
	IF relay IS NULL THEN
		RETURN NULL;
	END IF;
	-- Concurrent calls of this function wait; changes of the status of relays do not.
	LOCK TABLE _bigbrotr.relay_watches IN SHARE UPDATE EXCLUSIVE MODE;
	IF NOT EXISTS (SELECT FROM _bigbrotr.relay_watches AS w WHERE w.relay_id = relay AND w.receiver IS NOT DISTINCT FROM target) THEN
		-- The cascade also deletes the alerts for the former receiver.
		DELETE FROM _bigbrotr.relay_watches AS w WHERE w.relay_id = relay;
		INSERT INTO _bigbrotr.relay_watches (relay_id, inserted_at, receiver) VALUES (relay, bigbrotr.unix_now(), target);
	END IF;
	IF (SELECT count(*) FROM _bigbrotr.relay_watches) > most THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('more than %s relays are watched', most),
			DETAIL = 'Each change of their status is a notification.',
			HINT = 'bigbrotr.unwatch_relay(url) makes room. bigbrotr.relay_changes shows the changes of all relays.';
	END IF;
	RETURN relay;
END
$$;
COMMENT ON FUNCTION bigbrotr.watch_relay(text, text) IS
	'Sends each later change of the status of this relay on the channel bigbrotr_relay_status (LISTEN) as JSON: relay_url, status, before, reason (reason code; null: the relay answered), changed_at (Unix seconds). The publisher also sends it to the receiver: by POST to a URL of http or https, or in words as a private message (NIP-17) to a key npub1…; null: no receiver. Returns the relay_id. An error if the relay is unknown, or a hundred relays are watched already';

CREATE FUNCTION bigbrotr.unwatch_relay(relay_url text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	DELETE FROM _bigbrotr.relay_watches AS w USING bigbrotr.relays AS r
	WHERE r.relay_id = w.relay_id AND r.url = (bigbrotr.normalise_relay_url(unwatch_relay.relay_url)).url;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.unwatch_relay(text) IS 'Ends bigbrotr.watch_relay for a relay; false: the relay was not watched';

CREATE VIEW bigbrotr.watched_relays AS
	SELECT r.url AS relay_url, r.status, to_timestamp(w.inserted_at) AS inserted_at, substring(w.receiver, '^https?://[^/]+|^npub1.*') AS receiver,
	       w.delivered, a.waiting, w.alerts - w.delivered - a.waiting AS given_up, to_timestamp(w.delivered_at) AS delivered_at,
	       w.last_error, CASE WHEN a.waiting > 0 THEN to_timestamp(w.next_attempt) END AS next_attempt
	FROM _bigbrotr.relay_watches AS w
	     JOIN bigbrotr.relays AS r ON r.relay_id = w.relay_id
	     CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM _bigbrotr.relay_alerts AS q WHERE q.relay_id = w.relay_id) AS a;
COMMENT ON VIEW bigbrotr.watched_relays IS 'Relays of bigbrotr.watch_relay, and the deliveries to their receivers';
COMMENT ON COLUMN bigbrotr.watched_relays.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.watched_relays.status IS 'Status of the relay now';
COMMENT ON COLUMN bigbrotr.watched_relays.inserted_at IS 'When the watch was added';
COMMENT ON COLUMN bigbrotr.watched_relays.receiver IS 'Receiver of alerts: a public key npub1…, or scheme and host of a URL, whose path may be a secret; null: only NOTIFY';
COMMENT ON COLUMN bigbrotr.watched_relays.delivered IS 'Number of alerts that the receiver accepted';
COMMENT ON COLUMN bigbrotr.watched_relays.waiting IS 'Number of alerts that are not delivered yet, at most a hundred';
COMMENT ON COLUMN bigbrotr.watched_relays.given_up IS 'Number of alerts that were not delivered and are no longer tried: an alert is given up after three days, or when a hundred newer alerts wait';
COMMENT ON COLUMN bigbrotr.watched_relays.delivered_at IS 'When the receiver last accepted an alert; null: never';
COMMENT ON COLUMN bigbrotr.watched_relays.last_error IS 'Error of the last attempt; null: the last attempt succeeded';
COMMENT ON COLUMN bigbrotr.watched_relays.next_attempt IS 'Earliest time of the next attempt; null: no alert waits';
