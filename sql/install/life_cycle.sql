-- The life cycle of a relay: bigbrotr.relays.status. Only _bigbrotr.observe_relay writes it, by the rules of
-- _bigbrotr.next_status; monitor and synchronizer contribute observations.
--
--   candidate   nobody has heard Nostr from it
--   online      it answers
--   unstable    it answers now and then: it failed twice in a row, or has answered again after it was offline
--   offline     it failed for half an hour, at least three times in a row
--   dead        it failed for a week
--   retired     it failed for ninety days after that
--   refused     our rules forbid a connection (its name has an address that is not public, its port is blocked)
--   ignored     an administrator said so (bigbrotr.disable_relay)
--
-- An answer in Nostr is proof that the relay is there. A failure is a sample: no single one changes a status, and no
-- series of failures does that began less than the time of its rule ago.

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
COMMENT ON TABLE _bigbrotr.relay_health IS 'What was observed of each relay last: the memory of the life cycle (bigbrotr.relays.status)';
COMMENT ON COLUMN _bigbrotr.relay_health.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_health.first_observed IS 'First observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.observed_at IS 'Last observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.observer IS 'Which service made it';
COMMENT ON COLUMN _bigbrotr.relay_health.outcome IS 'answered: in Nostr; failed; refused: our rules forbid a connection; unknown: it failed while this side was blind, which says nothing about the relay';
COMMENT ON COLUMN _bigbrotr.relay_health.reason IS 'Reason code of the failure; empty: it answered';
COMMENT ON COLUMN _bigbrotr.relay_health.run_outcome IS 'The last outcome that was not unknown; null: there is none since the relay was enabled';
COMMENT ON COLUMN _bigbrotr.relay_health.run IS 'Observations in a row with that outcome; unknown ones are not counted';
COMMENT ON COLUMN _bigbrotr.relay_health.run_since IS 'First of these, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.status_since IS 'When bigbrotr.relays.status changed last, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_health.last_answer IS 'Last answer in Nostr, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_health.last_failure IS 'Last failure, Unix seconds; null: never';

CREATE TABLE _bigbrotr.relay_outages (
	relay_id integer NOT NULL,
	began    bigint  NOT NULL,
	ended    bigint,
	reason   text    NOT NULL,
	CONSTRAINT relay_outages_pkey PRIMARY KEY (relay_id, began),
	CONSTRAINT relay_outages_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
);
CREATE INDEX relay_outages_open_idx ON _bigbrotr.relay_outages (relay_id) WHERE ended IS NULL;
COMMENT ON TABLE _bigbrotr.relay_outages IS 'From the first failed observation of a relay to its next answer';
COMMENT ON COLUMN _bigbrotr.relay_outages.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_outages.began IS 'First failed observation, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_outages.ended IS 'First answer after it, Unix seconds; null: none yet';
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
COMMENT ON TABLE _bigbrotr.relay_history IS 'What changed of a relay; bigbrotr.relay_changes says it in words';
COMMENT ON COLUMN _bigbrotr.relay_history.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_history.at IS 'When that was noticed, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_history.aspect IS 'status; nip11: the document it serves; nip66: what was measured of it';
COMMENT ON COLUMN _bigbrotr.relay_history.before IS 'The status, _bigbrotr.nip11_documents.nip11_id or _bigbrotr.nip66_facts.nip66_id until then; null: none';
COMMENT ON COLUMN _bigbrotr.relay_history.after IS 'Likewise, from then on; null: none';

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
	'The status (bigbrotr.relays.status) of a relay after an observation. outcome: answered, failed, refused, unknown, ignored (an administrator disables the relay), wanted (enables it); run: observations in a row with this outcome, this one included; lasted: seconds since the first of them';

-- Of a failure of this kind it cannot be told whether the relay or the way to it is to blame.
CREATE FUNCTION _bigbrotr.is_path_error(reason text) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN reason IN ('dns_failed', 'dns_timeout', 'name_servers_silent', 'connect_timeout', 'network_unreachable', 'connection_lost', 'no_answer', 'stalled');
COMMENT ON FUNCTION _bigbrotr.is_path_error(text) IS
	'Is it a reason code of failures that a broken connection of this server to the network causes as well?';

CREATE FUNCTION _bigbrotr.is_blind() RETURNS boolean
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT count(*) >= 3 AND 4 * count(*) FILTER (WHERE h.outcome IN ('failed', 'unknown') AND _bigbrotr.is_path_error(h.reason)) >= 3 * count(*)
		FROM (SELECT o.outcome, o.reason
		      FROM _bigbrotr.relay_health AS o JOIN bigbrotr.relays AS r ON r.relay_id = o.relay_id
		      WHERE r.status IN ('online', 'unstable')
		      ORDER BY o.observed_at DESC LIMIT 20) AS h;
	END;
COMMENT ON FUNCTION _bigbrotr.is_blind() IS
	'Is it rather this server that is cut off? Then three quarters of the relays that are online or unstable and were observed last (20, three at least) failed by path errors';

CREATE FUNCTION _bigbrotr.observe_relay(relay integer, observer text, outcome text, reason text, at bigint) RETURNS text
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known _bigbrotr.relay_health;
	judged text := outcome;
	before text := (SELECT r.status FROM bigbrotr.relays AS r WHERE r.relay_id = relay);
	after text;
	told text;
	-- The synchronizer does not tell apart what answers at an address; the monitor does.
	finer CONSTANT text[] := '{handshake_failed<web_server,handshake_failed<http_error,handshake_failed<redirect,tls_failed<bad_certificate}';
BEGIN
	IF outcome <> ALL ('{answered,failed,refused,unknown,ignored,wanted}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no outcome "%s"', left(outcome, 64)),
			DETAIL = 'There are answered, failed, refused and unknown, and ignored and wanted for administrators.',
			HINT = 'unknown: the observer could not look.';
	END IF;
	PERFORM _bigbrotr.check_time(at);
	SELECT h.* INTO known FROM _bigbrotr.relay_health AS h WHERE h.relay_id = relay FOR NO KEY UPDATE;
	IF before IS NULL OR known.observed_at > at THEN
		-- A visit that began earlier may say more of the same failure.
		UPDATE _bigbrotr.relay_health AS h SET reason = observe_relay.reason
		WHERE h.relay_id = relay AND h.outcome = 'failed' AND observe_relay.outcome = 'failed' AND h.reason || '<' || observe_relay.reason = ANY (finer);
		RETURN before;
	END IF;
	IF outcome IN ('ignored', 'wanted') THEN
		judged := 'unknown';
		known.run_outcome := NULL;
		known.run := 0;
		known.run_since := at;
	ELSIF outcome = 'failed' AND _bigbrotr.is_path_error(reason) AND _bigbrotr.is_blind() THEN
		judged := 'unknown';
		-- What failed while this server went blind says as little.
		IF known.run_outcome = 'failed' AND known.run_since > at - 1800 THEN
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
	-- Of a relay that goes on failing, the finer word stays.
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
		-- Another service was the first to observe it, meanwhile: what it saw counts, too.
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
	'Notes what a service (observer) observed of a relay and moves its status on, which it returns; null: there is no such relay. outcome: as _bigbrotr.next_status takes it; reason: reason code of a failure, else empty. An observation older than the last one counts for nothing';
