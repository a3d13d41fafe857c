-- Who is told that a relay changes its status: the log, those who listen, and the receivers of alerts.

-- Who listens is told of few relays: a relay changes its status twice in ten minutes at most, unless an administrator does it,
-- so that what these relays do cannot fill the queue of notifications.
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
COMMENT ON TABLE _bigbrotr.relay_watches IS 'Relays whose changes of status are told by NOTIFY and, if there is one, to a receiver (bigbrotr.watch_relay). Readers have no access: what follows the host of a URL may be a secret';
COMMENT ON COLUMN _bigbrotr.relay_watches.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_watches.failures IS 'Attempts to deliver that failed since one that did not';
COMMENT ON COLUMN _bigbrotr.relay_watches.inserted_at IS 'When it was named, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_watches.alerts IS 'Alerts that were made for this receiver';
COMMENT ON COLUMN _bigbrotr.relay_watches.delivered IS 'Alerts that the receiver took';
COMMENT ON COLUMN _bigbrotr.relay_watches.next_attempt IS 'Nothing is sent before, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_watches.delivered_at IS 'When the receiver took the last one, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_watches.receiver IS 'URL of http or https, or a public key as npub1…; null: there is none';
COMMENT ON COLUMN _bigbrotr.relay_watches.last_error IS 'Why the last attempt failed; null: it did not';

-- Written in the transaction of the change itself: what is committed is delivered, whatever is killed.
CREATE TABLE _bigbrotr.relay_alerts (
	relay_id   integer NOT NULL,
	number     bigint  NOT NULL,
	changed_at bigint  NOT NULL,
	alert_id   uuid    NOT NULL DEFAULT gen_random_uuid(),
	document   text    NOT NULL,
	CONSTRAINT relay_alerts_pkey PRIMARY KEY (relay_id, number),
	CONSTRAINT relay_alerts_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES _bigbrotr.relay_watches ON DELETE CASCADE
);
COMMENT ON TABLE _bigbrotr.relay_alerts IS 'Changes of status that a receiver has not taken yet: a hundred for each relay at most. Readers have no access';
COMMENT ON COLUMN _bigbrotr.relay_alerts.relay_id IS '_bigbrotr.relay_watches.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_alerts.number IS 'Of the alerts of the relay: the order in which they are delivered';
COMMENT ON COLUMN _bigbrotr.relay_alerts.changed_at IS 'When the status changed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_alerts.alert_id IS 'Tells the receiver that it has this one already';
COMMENT ON COLUMN _bigbrotr.relay_alerts.document IS 'JSON, as it is sent';

SELECT pg_extension_config_dump('_bigbrotr.relay_watches', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_alerts', '');

CREATE FUNCTION _bigbrotr.log_status(observer text, line text) RETURNS void
	AS 'MODULE_PATHNAME', 'bigbrotr_log_status'
	LANGUAGE C STRICT
	SET search_path = pg_catalog, pg_temp;
COMMENT ON FUNCTION _bigbrotr.log_status(text, text) IS
	'A line in the log, if bigbrotr.log_level lets lines of this service (observer) through at info; a hundred a minute at most';

CREATE FUNCTION _bigbrotr.status_news(relay_url text, before text, after text, reason text, at bigint) RETURNS text
	LANGUAGE sql STABLE STRICT
	RETURN json_build_object('relay_url', relay_url, 'status', after, 'before', before, 'reason', nullif(reason, ''), 'changed_at', at)::text;
COMMENT ON FUNCTION _bigbrotr.status_news(text, text, text, text, bigint) IS 'A change of status as those who listen and the receivers get it';

CREATE FUNCTION _bigbrotr.tell_status(relay integer, observer text, before text, after text, reason text, at bigint) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.log_status(tell_status.observer,
			format('relay %s: %s, was %s', r.url, tell_status.after, tell_status.before) || coalesce(' (' || nullif(tell_status.reason, '') || ')', ''))
		FROM bigbrotr.relays AS r WHERE r.relay_id = tell_status.relay;
		-- To notify is an error where the queue is full: a session that listens and does not read must not stop the monitor.
		SELECT pg_notify('bigbrotr_relay_status', _bigbrotr.status_news(r.url, tell_status.before, tell_status.after, tell_status.reason, tell_status.at))
		FROM _bigbrotr.relay_watches AS w JOIN bigbrotr.relays AS r ON r.relay_id = w.relay_id
		WHERE w.relay_id = tell_status.relay AND pg_notification_queue_usage() < 0.5;
		-- The watch is locked before its alerts, as in record_alert.
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
	'Tells the log of a change of status, and, of a relay of bigbrotr.watch_relay, who listens to the channel bigbrotr_relay_status and, by a row of relay_alerts, the receiver';

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
	-- Others that watch wait; a relay that changes its status does not.
	LOCK TABLE _bigbrotr.relay_watches IN SHARE UPDATE EXCLUSIVE MODE;
	IF NOT EXISTS (SELECT FROM _bigbrotr.relay_watches AS w WHERE w.relay_id = relay AND w.receiver IS NOT DISTINCT FROM target) THEN
		-- With the alerts for another receiver.
		DELETE FROM _bigbrotr.relay_watches AS w WHERE w.relay_id = relay;
		INSERT INTO _bigbrotr.relay_watches (relay_id, inserted_at, receiver) VALUES (relay, bigbrotr.unix_now(), target);
	END IF;
	IF (SELECT count(*) FROM _bigbrotr.relay_watches) > most THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('more than %s relays are watched', most),
			DETAIL = 'Each change of their status is a notification.',
			HINT = 'bigbrotr.unwatch_relay(url) makes room. Of all relays bigbrotr.relay_changes tells.';
	END IF;
	RETURN relay;
END
$$;
COMMENT ON FUNCTION bigbrotr.watch_relay(text, text) IS
	'From now on each change of the status of this relay is told to those that LISTEN to bigbrotr_relay_status: JSON with relay_url, status, before, reason (null: it answered), changed_at (Unix seconds). The publisher sends the same to the receiver: by POST to a URL of http or https, in words as a private message (NIP-17) to a key, npub1…; null: to nobody. A hundred relays at most. Returns its relay_id';

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
COMMENT ON FUNCTION bigbrotr.unwatch_relay(text) IS 'Ends bigbrotr.watch_relay for a relay; false: it was not watched';

CREATE VIEW bigbrotr.watched_relays AS
	SELECT r.url AS relay_url, r.status, to_timestamp(w.inserted_at) AS inserted_at, substring(w.receiver, '^https?://[^/]+|^npub1.*') AS receiver,
	       w.delivered, a.waiting, w.alerts - w.delivered - a.waiting AS given_up, to_timestamp(w.delivered_at) AS delivered_at,
	       w.last_error, CASE WHEN a.waiting > 0 THEN to_timestamp(w.next_attempt) END AS next_attempt
	FROM _bigbrotr.relay_watches AS w
	     JOIN bigbrotr.relays AS r ON r.relay_id = w.relay_id
	     CROSS JOIN LATERAL (SELECT count(*) AS waiting FROM _bigbrotr.relay_alerts AS q WHERE q.relay_id = w.relay_id) AS a;
COMMENT ON VIEW bigbrotr.watched_relays IS 'Relays of bigbrotr.watch_relay, and what their receivers took';
COMMENT ON COLUMN bigbrotr.watched_relays.relay_url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.watched_relays.status IS 'Status of the relay now';
COMMENT ON COLUMN bigbrotr.watched_relays.inserted_at IS 'When it was named';
COMMENT ON COLUMN bigbrotr.watched_relays.receiver IS 'Where alerts go; of a URL the host, as the rest may be a secret; null: only those who listen are told';
COMMENT ON COLUMN bigbrotr.watched_relays.delivered IS 'Alerts that the receiver took';
COMMENT ON COLUMN bigbrotr.watched_relays.waiting IS 'Alerts that are still to be delivered, a hundred at most';
COMMENT ON COLUMN bigbrotr.watched_relays.given_up IS 'Alerts that were not delivered and are not tried any more: they were three days old, or a hundred newer ones waited';
COMMENT ON COLUMN bigbrotr.watched_relays.delivered_at IS 'When the receiver took the last one; null: never';
COMMENT ON COLUMN bigbrotr.watched_relays.last_error IS 'Why the last attempt failed; null: it did not';
COMMENT ON COLUMN bigbrotr.watched_relays.next_attempt IS 'Earliest time of the next attempt; null: nothing waits';
