-- The life cycle of a relay: bigbrotr.relays.status. Only _bigbrotr.observe_relay writes it, by the rules of
-- _bigbrotr.next_status; monitor and synchronizer contribute observations.
--
--   candidate   the relay has never answered in Nostr
--   online      the relay answers
--   unstable    the relay failed twice in a row, or has answered again after it was offline
--   offline     the relay failed for half an hour, at least three times in a row
--   dead        the relay failed for a week
--   retired     the relay failed for ninety more days
--   refused     our rules forbid a connection: its name has an address that is not public, or its port is blocked
--   ignored     an administrator disabled the relay (bigbrotr.disable_relay)
--
-- An answer in Nostr proves that the relay is there. A failure proves little: a status changes only after several failures in
-- a row, the first of them at least as long ago as the rule of the status says.

CREATE TABLE _bigbrotr.relay_health (
	relay_id       integer NOT NULL,
	first_observed bigint  NOT NULL,
	observed_at    bigint  NOT NULL,
	observer       text    NOT NULL,
	outcome        text    NOT NULL,
	reason         text    NOT NULL DEFAULT '',
	run_outcome    text,
	run            integer NOT NULL,
	run_since      bigint  NOT NULL,
	status_since   bigint  NOT NULL,
	last_answer    bigint,
	last_failure   bigint,
	CONSTRAINT relay_health_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_health_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_health_outcome_check CHECK (outcome IN ('answered', 'failed', 'refused', 'unknown'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_health_observed_at_idx ON _bigbrotr.relay_health (observed_at);
COMMENT ON TABLE _bigbrotr.relay_health IS 'Last observation of each relay, and the state of its life cycle (bigbrotr.relays.status)';
COMMENT ON COLUMN _bigbrotr.relay_health.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_health.first_observed IS 'Time of the first observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.observed_at IS 'Time of the last observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.observer IS 'Service that made the last observation';
COMMENT ON COLUMN _bigbrotr.relay_health.outcome IS 'answered: the relay answered in Nostr; failed; refused: our rules forbid a connection; unknown: the relay failed while this server had no network connection (_bigbrotr.is_blind), or an administrator enabled or disabled it';
COMMENT ON COLUMN _bigbrotr.relay_health.reason IS 'Reason code of the failure; empty: the relay answered';
COMMENT ON COLUMN _bigbrotr.relay_health.run_outcome IS 'Last outcome other than unknown; null: none since the relay was enabled';
COMMENT ON COLUMN _bigbrotr.relay_health.run IS 'Number of observations in a row with run_outcome; observations with outcome unknown are skipped';
COMMENT ON COLUMN _bigbrotr.relay_health.run_since IS 'Time of the first observation of this run, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.status_since IS 'When bigbrotr.relays.status last changed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.last_answer IS 'Time of the last answer in Nostr, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_health.last_failure IS 'Time of the last failure, Unix seconds; null: never';

CREATE TABLE _bigbrotr.relay_outages (
	relay_id integer NOT NULL,
	began    bigint  NOT NULL,
	ended    bigint,
	reason   text    NOT NULL,
	CONSTRAINT relay_outages_pkey PRIMARY KEY (relay_id, began),
	CONSTRAINT relay_outages_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
);
CREATE INDEX relay_outages_open_idx ON _bigbrotr.relay_outages (relay_id) WHERE ended IS NULL;
COMMENT ON TABLE _bigbrotr.relay_outages IS 'Outages: from the first failed observation of a relay to its next answer';
COMMENT ON COLUMN _bigbrotr.relay_outages.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_outages.began IS 'Time of the first failed observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_outages.ended IS 'Time of the next answer, or when the relay was disabled, Unix seconds; null: the outage lasts';
COMMENT ON COLUMN _bigbrotr.relay_outages.reason IS 'Reason code of the first failure';

CREATE TABLE _bigbrotr.relay_history (
	relay_id integer NOT NULL,
	at       bigint  NOT NULL,
	aspect   text    NOT NULL,
	before   text,
	after    text,
	CONSTRAINT relay_history_pkey PRIMARY KEY (relay_id, aspect, at),
	CONSTRAINT relay_history_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_history_aspect_check CHECK (aspect IN ('status', 'nip11', 'nip66'))
);
CREATE INDEX relay_history_before_idx ON _bigbrotr.relay_history (before) WHERE aspect <> 'status';
CREATE INDEX relay_history_after_idx ON _bigbrotr.relay_history (after) WHERE aspect <> 'status';
COMMENT ON TABLE _bigbrotr.relay_history IS 'Changes of relays; bigbrotr.relay_changes shows them in words';
COMMENT ON COLUMN _bigbrotr.relay_history.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_history.at IS 'When the change was noticed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_history.aspect IS 'What changed. status: bigbrotr.relays.status; nip11: the document of the relay (NIP-11); nip66: its measured facts (NIP-66)';
COMMENT ON COLUMN _bigbrotr.relay_history.before IS 'Value before the change: the status, _bigbrotr.nip11_documents.nip11_id or _bigbrotr.nip66_facts.nip66_id; null: none';
COMMENT ON COLUMN _bigbrotr.relay_history.after IS 'Value after the change: the status, _bigbrotr.nip11_documents.nip11_id or _bigbrotr.nip66_facts.nip66_id; null: none';

SELECT pg_extension_config_dump('_bigbrotr.relay_health', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_outages', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_history', '');

CREATE FUNCTION _bigbrotr.next_status(status text, outcome text, run integer, lasted bigint) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE
		WHEN outcome = 'ignored' THEN 'ignored'
		WHEN outcome = 'wanted' THEN CASE status WHEN 'ignored' THEN 'candidate' ELSE status END
		WHEN status = 'ignored' THEN 'ignored'
		WHEN outcome = 'answered' THEN CASE
			WHEN status IN ('candidate', 'online') THEN 'online'
			WHEN status = 'unstable' AND run >= 3 AND lasted >= 900 THEN 'online'
			ELSE 'unstable' END
		WHEN outcome = 'failed' THEN CASE
			WHEN status = 'online' AND run >= 2 AND lasted >= 60 THEN 'unstable'
			WHEN status = 'unstable' AND run >= 3 AND lasted >= 1800 THEN 'offline'
			WHEN status IN ('candidate', 'offline', 'refused') AND run >= 5 AND lasted >= 7 * 86400 THEN 'dead'
			WHEN status = 'dead' AND run >= 8 AND lasted >= 97 * 86400 THEN 'retired'
			ELSE status END
		WHEN outcome = 'refused' THEN CASE WHEN run >= 2 AND lasted >= 600 THEN 'refused' ELSE status END
		ELSE status END;
COMMENT ON FUNCTION _bigbrotr.next_status(text, text, integer, bigint) IS
	'The status (bigbrotr.relays.status) of a relay after an observation. outcome: answered, failed, refused, unknown, ignored (an administrator disables the relay), wanted (an administrator enables it); run: number of observations in a row with this outcome, with this one; lasted: seconds since the first of them';

-- A failure with one of these reason codes can come from the relay or from the network between this server and the relay.
CREATE FUNCTION _bigbrotr.is_path_error(reason text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN reason IN ('dns_failed', 'dns_timeout', 'name_servers_silent', 'connect_timeout', 'network_unreachable', 'overlay_unreachable', 'connection_lost', 'no_answer', 'stalled');
COMMENT ON FUNCTION _bigbrotr.is_path_error(text) IS
	'Whether a failure with this reason code can also come from a broken network connection of this server';

CREATE FUNCTION _bigbrotr.is_blind(network text) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT count(*) >= 3 AND 4 * count(*) FILTER (WHERE h.outcome IN ('failed', 'unknown') AND _bigbrotr.is_path_error(h.reason)) >= 3 * count(*)
		FROM (SELECT o.outcome, o.reason
		      FROM _bigbrotr.relay_health AS o JOIN bigbrotr.relays AS r ON r.relay_id = o.relay_id
		      WHERE r.status IN ('online', 'unstable') AND r.network = is_blind.network
		      ORDER BY o.observed_at DESC LIMIT 20) AS h;
	END;
COMMENT ON FUNCTION _bigbrotr.is_blind(text) IS
	'Whether this server, not the relays, has lost its connection to a network (bigbrotr.relays.network) that it reaches without a proxy: of the 20 relays of this network with status online or unstable that were observed last (at least three), three quarters failed with path errors';

-- The archive may know only one or two relays of a network behind a proxy, and visits them an hour apart. So answers from
-- before the failures do not show whether the network has an outage now.
CREATE FUNCTION _bigbrotr.has_answered(network text, since bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT EXISTS (
			SELECT FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_health AS h ON h.relay_id = r.relay_id
			WHERE r.network = has_answered.network AND h.last_answer >= has_answered.since);
	END;
COMMENT ON FUNCTION _bigbrotr.has_answered(text, bigint) IS
	'Whether any relay of a network (bigbrotr.relays.network) has answered in or after this Unix second';

CREATE FUNCTION _bigbrotr.observe_relay(relay integer, observer text, outcome text, reason text, at bigint) RETURNS text
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known _bigbrotr.relay_health;
	judged text := outcome;
	before text;
	its_network text;
	after text;
	told text;
	-- Pairs "coarse<finer": the monitor reports a finer reason code than the synchronizer for the same failure.
	finer CONSTANT text[] := '{handshake_failed<web_server,handshake_failed<http_error,handshake_failed<redirect,tls_failed<bad_certificate}';
BEGIN
	IF outcome <> ALL ('{answered,failed,refused,unknown,ignored,wanted}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no outcome "%s"', left(outcome, 64)),
			DETAIL = 'There are answered, failed, refused and unknown, and ignored and wanted for administrators.',
			HINT = 'unknown: the observer could not look.';
	END IF;
	PERFORM _bigbrotr.check_time(at);
	SELECT r.status, r.network INTO before, its_network FROM bigbrotr.relays AS r WHERE r.relay_id = relay;
	SELECT h.* INTO known FROM _bigbrotr.relay_health AS h WHERE h.relay_id = relay FOR NO KEY UPDATE;
	IF before IS NULL OR known.observed_at > at THEN
		-- An older visit of the monitor may have a finer reason code for the failure that the synchronizer reported.
		UPDATE _bigbrotr.relay_health AS h SET reason = observe_relay.reason
		WHERE h.relay_id = relay AND h.outcome = 'failed' AND observe_relay.outcome = 'failed' AND h.reason || '<' || observe_relay.reason = ANY (finer);
		RETURN before;
	END IF;
	IF outcome IN ('ignored', 'wanted') THEN
		judged := 'unknown';
		known.run_outcome := NULL;
		known.run := 0;
		known.run_since := at;
	ELSIF outcome = 'failed' AND _bigbrotr.is_path_error(reason) AND (CASE
			WHEN its_network IN ('clearnet', 'local') THEN _bigbrotr.is_blind(its_network)
			ELSE known.run_outcome = 'failed' AND NOT _bigbrotr.has_answered(its_network, known.run_since) END) THEN
		judged := 'unknown';
		-- Failures of the last half hour say nothing about the relay either: this server may have been losing its
		-- connection by then.
		IF known.run_outcome = 'failed' AND known.run_since > at - 1800 AND its_network IN ('clearnet', 'local') THEN
			known.run_outcome := NULL;
			known.run := 0;
		END IF;
		DELETE FROM _bigbrotr.relay_outages AS o
		WHERE o.relay_id = relay AND o.ended IS NULL AND o.began > at - 1800 AND _bigbrotr.is_path_error(o.reason);
	END IF;
	IF judged <> 'unknown' THEN
		known.run := CASE WHEN known.run_outcome = judged THEN known.run + 1 ELSE 1 END;
		known.run_since := CASE WHEN known.run_outcome = judged THEN known.run_since ELSE at END;
		known.run_outcome := judged;
	END IF;
	-- If the monitor has reported a finer reason code for this failure, keep it.
	told := CASE WHEN judged = 'failed' AND known.outcome = 'failed' AND observer <> 'monitor' AND observe_relay.reason || '<' || known.reason = ANY (finer)
		THEN known.reason ELSE observe_relay.reason END;
	after := _bigbrotr.next_status(before, CASE WHEN outcome IN ('ignored', 'wanted') THEN outcome ELSE judged END,
		coalesce(known.run, 0), at - coalesce(known.run_since, at));
	INSERT INTO _bigbrotr.relay_health AS h (relay_id, first_observed, observed_at, observer, outcome, reason, run_outcome, run, run_since,
		status_since, last_answer, last_failure)
	VALUES (relay, at, at, observe_relay.observer, judged, told, known.run_outcome, coalesce(known.run, 0),
		coalesce(known.run_since, at), at, CASE judged WHEN 'answered' THEN at END, CASE WHEN judged IN ('failed', 'refused') THEN at END)
	ON CONFLICT ON CONSTRAINT relay_health_pkey DO UPDATE SET
		observed_at = excluded.observed_at, observer = excluded.observer, outcome = excluded.outcome, reason = excluded.reason,
		run_outcome = excluded.run_outcome, run = excluded.run, run_since = excluded.run_since,
		status_since = CASE WHEN after = before THEN h.status_since ELSE excluded.status_since END,
		last_answer = coalesce(excluded.last_answer, h.last_answer), last_failure = coalesce(excluded.last_failure, h.last_failure)
		WHERE known.relay_id IS NOT NULL;
	IF NOT FOUND THEN
		-- Another session has inserted the first observation of this relay meanwhile: judge again, with that observation.
		RETURN _bigbrotr.observe_relay(relay, observer, outcome, reason, at);
	END IF;

	IF judged = 'answered' OR outcome = 'ignored' THEN
		UPDATE _bigbrotr.relay_outages AS o SET ended = at WHERE o.relay_id = relay AND o.ended IS NULL;
	ELSIF judged IN ('failed', 'refused') THEN
		INSERT INTO _bigbrotr.relay_outages (relay_id, began, reason)
		SELECT relay, at, observe_relay.reason
		WHERE NOT EXISTS (SELECT FROM _bigbrotr.relay_outages AS o WHERE o.relay_id = relay AND o.ended IS NULL)
		ON CONFLICT DO NOTHING;
	END IF;
	IF after <> before THEN
		UPDATE bigbrotr.relays AS r SET status = after WHERE r.relay_id = relay;
		INSERT INTO _bigbrotr.relay_history (relay_id, at, aspect, before, after)
		VALUES (relay, at, 'status', before, after)
		ON CONFLICT ON CONSTRAINT relay_history_pkey DO UPDATE SET after = excluded.after;
		PERFORM _bigbrotr.tell_status(relay, observer, before, after, told, at);
	END IF;
	RETURN after;
END
$$;
COMMENT ON FUNCTION _bigbrotr.observe_relay(integer, text, text, text, bigint) IS
	'Stores an observation of a relay by a service (observer), and returns the new status of the relay; null: there is no such relay. outcome: as in _bigbrotr.next_status, an error if another word; reason: reason code of a failure, else empty; at: Unix seconds. An observation older than the last one changes no status';
