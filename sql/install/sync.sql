-- Functions of the synchronizer: they find due relays, lease them to workers (leases.sql), and record how connections ended.

-- ---- The next relays

-- Not STRICT, so that the planner can inline it and a LIMIT ends the scan early.
CREATE FUNCTION _bigbrotr.due_relays(
	at bigint, OUT relay_id integer, OUT url text, OUT since bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.relay_id, r.url, s.next_attempt
		FROM _bigbrotr.relay_sync AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
		WHERE s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL AND s.next_attempt <= due_relays.at
		      AND NOT EXISTS (SELECT FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = s.relay_id)
		ORDER BY s.next_attempt, s.relay_id;
	END;
COMMENT ON FUNCTION _bigbrotr.due_relays(bigint) IS
	'Relays that are due at this Unix second, without priority relays: first those never tried, then by waiting time, longest first. since: time from which the relay was due, Unix seconds';

CREATE FUNCTION _bigbrotr.due_priority_relays(
	at bigint, OUT relay_id integer, OUT url text, OUT since bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.relay_id, r.url, s.next_attempt
		FROM _bigbrotr.relay_priorities AS p
		     JOIN _bigbrotr.relay_sync AS s ON s.relay_id = p.relay_id
		     JOIN bigbrotr.relays AS r ON r.relay_id = p.relay_id
		WHERE s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL AND s.next_attempt <= due_priority_relays.at
		ORDER BY s.next_attempt, s.relay_id;
	END;
COMMENT ON FUNCTION _bigbrotr.due_priority_relays(bigint) IS 'Priority relays that are due at this Unix second, longest waiting first. since: time from which the relay was due, Unix seconds';

CREATE FUNCTION _bigbrotr.relay_site(url text, OUT host text, OUT site text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_relay_site';
COMMENT ON FUNCTION _bigbrotr.relay_site(text) IS
	'Host of a normalised relay URL, and the site of the host: its registered domain by the Public Suffix List, or the IPv4 address, or the /64 network of the IPv6 address';

-- A relay that may not be opened now gets a reason in waits_for and is not examined again until the reason is gone.
-- Without waits_for, ten thousand relays of one host would be examined each second.
CREATE FUNCTION _bigbrotr.take_relays(
	worker text, places integer, per_host integer, per_site integer, per_network integer, networks text[], has_key boolean, at bigint,
	OUT relay_id integer, OUT url text, OUT page_limit integer, OUT pace_ms integer, OUT authenticate boolean) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 2 * least(greatest(places, 0), 10000) + 100;
	mine boolean; -- true: this worker reads the priority relays
	due record;
	wish text;
	locked bigint;
	taken integer := 0;
BEGIN
	SELECT w.priority INTO mine FROM _bigbrotr.sync_workers AS w WHERE w.owner = worker;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no worker "%s"', left(worker, 64)),
			DETAIL = 'A worker begins by _bigbrotr.start_synchronizer.', HINT = '_bigbrotr.sync_workers shows those that have begun.';
	END IF;
	-- Two workers that take relays at the same time do not see each other's leases, so only one worker of a service takes relays
	-- until it commits. The other one does not wait: it takes none, and the relays stay due.
	PERFORM FROM _bigbrotr.sync_workers AS w WHERE w.priority = mine FOR NO KEY UPDATE SKIP LOCKED;
	GET DIAGNOSTICS locked = ROW_COUNT;
	IF locked < (SELECT count(*) FROM _bigbrotr.sync_workers AS w WHERE w.priority = mine) THEN
		RETURN;
	END IF;
	FOR due IN
		SELECT d.relay_id, d.url, r.network, s.page_limit, s.pace_ms, s.authenticate, p.host, p.site, _bigbrotr.places(p.host, p.site, r.network, mine) AS places
		FROM ((SELECT * FROM _bigbrotr.due_relays(at) LIMIT CASE WHEN mine THEN 0 ELSE most END)
		      UNION ALL
		      (SELECT * FROM _bigbrotr.due_priority_relays(at) LIMIT CASE WHEN mine THEN most ELSE 0 END)) AS d
		     JOIN _bigbrotr.relay_sync AS s ON s.relay_id = d.relay_id
		     JOIN bigbrotr.relays AS r ON r.relay_id = d.relay_id
		     CROSS JOIN LATERAL _bigbrotr.relay_site(d.url) AS p
		ORDER BY d.since, d.relay_id
	LOOP
		EXIT WHEN taken >= places;
		-- Another session may be changing this relay. The query of the loop locks no rows, because the loop fetches
		-- more rows than it uses.
		PERFORM FROM _bigbrotr.relay_sync AS s
		WHERE s.relay_id = due.relay_id AND s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL
		FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		wish := CASE
			WHEN due.network <> ALL (networks) THEN CASE due.network WHEN 'local' THEN 'permission' ELSE 'proxy' END
			WHEN due.authenticate AND NOT has_key THEN 'key'
			WHEN (SELECT count(*) FROM _bigbrotr.relay_leases AS l JOIN _bigbrotr.sync_workers AS w ON w.owner = l.owner
			      WHERE l.host = due.host AND w.priority = mine) >= per_host THEN due.places[1]
			WHEN (SELECT count(*) FROM _bigbrotr.relay_leases AS l JOIN _bigbrotr.sync_workers AS w ON w.owner = l.owner
			      WHERE l.site = due.site AND w.priority = mine) >= per_site THEN due.places[2]
			WHEN due.places[3] IS NOT NULL AND (
			      SELECT count(*) FROM _bigbrotr.relay_leases AS l JOIN _bigbrotr.sync_workers AS w ON w.owner = l.owner
			           JOIN bigbrotr.relays AS r ON r.relay_id = l.relay_id
			      WHERE r.network = due.network AND w.priority = mine) >= per_network THEN due.places[3]
		END;
		IF wish IS NOT NULL THEN
			UPDATE _bigbrotr.relay_sync AS s SET waits_for = wish WHERE s.relay_id = due.relay_id;
			CONTINUE;
		END IF;
		INSERT INTO _bigbrotr.relay_leases (relay_id, owner, host, site, taken_at, authenticate)
		VALUES (due.relay_id, worker, due.host, due.site, at, due.authenticate);
		UPDATE _bigbrotr.relay_sync AS s SET phase = 'connecting', phase_since = at WHERE s.relay_id = due.relay_id;
		taken := taken + 1;
		relay_id := due.relay_id;
		url := due.url;
		page_limit := due.page_limit;
		pace_ms := due.pace_ms;
		authenticate := due.authenticate;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION _bigbrotr.take_relays(text, integer, integer, integer, integer, text[], boolean, bigint) IS
	'Leases at most "places" due relays of these networks to a worker: priority relays or all others, as _bigbrotr.start_synchronizer registered it. All workers of its service together hold at most per_host relays of one host, per_site of one site and per_network of one overlay network (tor, i2p, loki); the other relays wait. has_key: whether the worker has a key to sign in with (NIP-42). page_limit: events per page, 0: bigbrotr.sync_page_limit; pace_ms: milliseconds between two requests, 0: no pause; authenticate: whether the worker may sign in. An error if the worker is not registered';

CREATE FUNCTION _bigbrotr.wake_relays(everyone boolean) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	woken bigint;
BEGIN
	-- Two workers that wake relays in different orders could deadlock. A relay that is locked now is woken by a
	-- later call.
	UPDATE _bigbrotr.relay_sync AS s SET waits_for = NULL
	WHERE s.relay_id IN (SELECT k.relay_id FROM _bigbrotr.relay_sync AS k
		WHERE k.waits_for IS NOT NULL AND (everyone OR k.relay_id IN (
			SELECT DISTINCT ON (w.waits_for) w.relay_id FROM _bigbrotr.relay_sync AS w
			WHERE w.waits_for IS NOT NULL AND w.enabled ORDER BY w.waits_for, w.next_attempt))
		ORDER BY k.relay_id FOR NO KEY UPDATE SKIP LOCKED);
	GET DIAGNOSTICS woken = ROW_COUNT;
	RETURN woken;
END
$$;
COMMENT ON FUNCTION _bigbrotr.wake_relays(boolean) IS
	'Makes relays due that were skipped (waits_for): all of them if everyone is true, which is for changed settings; else, for each value of waits_for, the relay that has waited longest. Returns the number of relays';

CREATE FUNCTION _bigbrotr.unwanted_relays(worker text, networks text[]) RETURNS SETOF integer
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT l.relay_id FROM _bigbrotr.relay_leases AS l
		     JOIN _bigbrotr.relay_sync AS s ON s.relay_id = l.relay_id
		     JOIN bigbrotr.relays AS r ON r.relay_id = l.relay_id
		     JOIN _bigbrotr.sync_workers AS w ON w.owner = l.owner
		WHERE l.owner = unwanted_relays.worker AND NOT (s.enabled AND r.network = ANY (unwanted_relays.networks) AND s.authenticate = l.authenticate
		      AND w.priority = EXISTS (SELECT FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = l.relay_id));
	END;
COMMENT ON FUNCTION _bigbrotr.unwanted_relays(text, text[]) IS
	'Relays that a worker holds and must close: the relay was disabled, its network is not in networks, its authenticate was changed, or it now belongs to the other service (priority)';

CREATE FUNCTION _bigbrotr.note_reader(relay integer, whom integer) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.relay_sync AS s SET reader = note_reader.whom WHERE s.relay_id = note_reader.relay AND s.reader <> note_reader.whom;
	END;
COMMENT ON FUNCTION _bigbrotr.note_reader(integer, integer) IS 'Stores as whom a relay is read from now on: 0 anonymous, 1 signed in (NIP-42)';

CREATE FUNCTION _bigbrotr.crowded_relays(worker text) RETURNS SETOF integer
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT l.relay_id FROM _bigbrotr.relay_leases AS l JOIN _bigbrotr.sync_workers AS w ON w.owner = l.owner
		     JOIN bigbrotr.relays AS r ON r.relay_id = l.relay_id
		WHERE l.owner = crowded_relays.worker AND EXISTS (
			SELECT FROM _bigbrotr.relay_sync AS s
			WHERE s.enabled AND s.waits_for = ANY (_bigbrotr.places(l.host, l.site, r.network, w.priority)));
	END;
COMMENT ON FUNCTION _bigbrotr.crowded_relays(text) IS
	'Relays that the worker holds while another relay waits for a place of the same host, site or network';

-- ---- End of a connection and its counters

CREATE FUNCTION _bigbrotr.end_kind(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE
		WHEN reason IN ('', 'address_full') THEN 'told'
		WHEN reason IN ('no_proxy', 'proxy_failed') THEN 'ours'
		WHEN reason IN ('rate_limited', 'auth_required', 'auth_refused', 'closed_by_relay') THEN 'refused'
		WHEN reason IN ('too_many_invalid', 'flood', 'too_deep', 'bad_utf8', 'binary_frame') THEN 'fault'
		ELSE 'failed' END;
COMMENT ON FUNCTION _bigbrotr.end_kind(text) IS
	'Kind of the end of a connection, by its reason code. told: this side closed it; ours: the way from this server to the network of the relay failed, which says nothing about the relay; refused: the relay answers but does not let us read; fault: the relay sent what no honest relay sends; failed: every other reason';

CREATE FUNCTION _bigbrotr.back_off(
	reason text, failures integer, faults integer, first_ms bigint, longest_ms bigint, spread double precision) RETURNS double precision
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE
		WHEN _bigbrotr.end_kind(reason) = 'fault' THEN longest_ms * 2.0 ^ (least(greatest(faults, 1), 7) - 1)
		WHEN _bigbrotr.end_kind(reason) = 'ours' THEN least(longest_ms, 30.0 * first_ms * (0.75 + spread / 2))
		ELSE least(longest_ms * CASE WHEN reason IN ('dns_failed', 'tls_failed', 'auth_required', 'auth_refused') THEN 24.0 ELSE 1.0 END,
		           first_ms * 2.0 ^ (least(greatest(failures, 1), 41) - 1) * (0.75 + spread / 2)) END;
COMMENT ON FUNCTION _bigbrotr.back_off(text, integer, integer, bigint, bigint, double precision) IS
	'Milliseconds until a relay is tried again after a connection ended for this reason. A fault (_bigbrotr.end_kind): longest_ms, doubled with each fault up to 64 times; a failure of our own way to its network: 30 times first_ms; any other: first_ms, doubled with each failure up to longest_ms, or up to 24 times longest_ms where only the operator of the relay can change something: its name or certificate is wrong, or it wants to know us. spread, 0 to 1: makes it up to a quarter shorter or longer, 0.5 neither; faults have none';

CREATE FUNCTION _bigbrotr.report_relay(
	worker text, relay integer, event text, reason text, detail text, pause_ms bigint,
	page_limit integer, pace_ms integer, retry_delay_ms bigint, retry_delay_max_ms bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	kind text := _bigbrotr.end_kind(reason);
	known _bigbrotr.relay_sync;
	-- A priority relay is tried again within its interval, unless it asked for a pause or is banned for a fault.
	soon_ms bigint := (SELECT 1000 * _bigbrotr.read_after(p.read_interval) FROM _bigbrotr.relay_priorities AS p WHERE p.relay_id = relay);
	delay_ms double precision;
BEGIN
	IF event <> ALL ('{connected,caught_up,ended}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no report "%s"', left(event, 64)),
			DETAIL = 'There are connected, caught_up and ended.', HINT = 'The reason of "ended" says why; it is empty if all went well.';
	END IF;
	IF NOT EXISTS (SELECT FROM _bigbrotr.relay_leases AS l WHERE l.relay_id = relay AND l.owner = worker) THEN
		RETURN;
	END IF;
	IF event = 'ended' THEN
		PERFORM _bigbrotr.end_lease(worker, relay);
	END IF;
	-- An open WebSocket is no answer in Nostr. A connection that breaks after it was open is not counted as a failure: the
	-- next attempt shows whether the relay is there.
	IF event = 'caught_up' OR event = 'ended' AND reason IN ('auth_required', 'auth_refused', 'closed_by_relay') THEN
		PERFORM _bigbrotr.observe_relay(relay, 'synchronizer', 'answered', '', at);
	ELSIF event = 'ended' AND kind = 'failed'
	      AND EXISTS (SELECT FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = relay AND s.phase = 'connecting') THEN
		PERFORM _bigbrotr.observe_relay(relay, 'synchronizer', CASE WHEN reason IN ('local_address', 'blocked_port') THEN 'refused' ELSE 'failed' END, reason, at);
	END IF;
	UPDATE _bigbrotr.relay_sync AS s
	SET page_limit = coalesce(nullif(report_relay.page_limit, 0), s.page_limit),
	    pace_ms = coalesce(nullif(report_relay.pace_ms, 0), s.pace_ms)
	WHERE s.relay_id = relay AND (report_relay.page_limit NOT IN (0, s.page_limit) OR report_relay.pace_ms NOT IN (0, s.pace_ms));

	IF event = 'connected' THEN
		UPDATE _bigbrotr.relay_sync AS s SET phase = 'backfill', phase_since = at WHERE s.relay_id = relay;
	ELSIF event = 'caught_up' THEN
		UPDATE _bigbrotr.relay_sync AS s SET phase = 'live', phase_since = at WHERE s.relay_id = relay AND s.phase <> 'live';
		UPDATE _bigbrotr.relay_priorities AS p SET read_at = at, kept = p.kept + (m.missed = 0)::integer, missed = p.missed + m.missed
		FROM (SELECT _bigbrotr.missed_intervals(i.read_interval, coalesce(i.read_at, i.inserted_at), at) AS missed
		      FROM _bigbrotr.relay_priorities AS i WHERE i.relay_id = relay) AS m
		WHERE p.relay_id = relay AND reason = '';
	ELSIF kind = 'told' THEN
		UPDATE _bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at + least(pause_ms, soon_ms) / 1000
		WHERE s.relay_id = relay;
	ELSE
		SELECT * INTO STRICT known FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = relay FOR NO KEY UPDATE;
		IF kind <> 'ours' THEN
			known.failures := known.failures + 1;
		END IF;
		IF kind = 'fault' THEN
			-- Each day without a fault lowers the count by one. Pages that are read without error do not lower it.
			known.faults := greatest(0, known.faults - (at - coalesce(known.last_fault, at)) / 86400) + 1;
			known.last_fault := at;
		END IF;
		-- The spread keeps relays that failed at the same time from being tried at the same time.
		delay_ms := _bigbrotr.back_off(reason, known.failures, known.faults, retry_delay_ms, retry_delay_max_ms,
			(hashint4(relay # (known.failures - 1)) & 1023) / 1024.0);
		IF kind <> 'fault' THEN
			delay_ms := least(delay_ms, soon_ms);
		END IF;
		-- A relay may ask for a pause of a day at most.
		UPDATE _bigbrotr.relay_sync AS s SET
			phase = 'backoff', phase_since = at, failures = known.failures, faults = known.faults, last_fault = known.last_fault,
			last_error = reason, last_error_at = at, last_detail = detail,
			next_attempt = at + ceil(greatest(delay_ms, least(pause_ms, 86400000)) / 1000)::bigint
		WHERE s.relay_id = relay;
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.report_relay(text, integer, text, text, text, bigint, integer, integer, bigint, bigint, bigint) IS
	'Records what happened to a leased relay; does nothing if the worker does not hold the lease. event: connected, caught_up or ended, which ends the lease; reason: reason code of the failure, else empty; detail: text of the relay or the system; pause_ms: the relay is not opened again for this time; page_limit, pace_ms: values learned from this connection, 0: none; retry_delay_ms, retry_delay_max_ms: first and longest back-off; at: Unix seconds. An error if event is another word';

CREATE FUNCTION _bigbrotr.count_traffic(
	relay_ids integer[], new_events bigint[], new_sightings bigint[], new_messages bigint[], new_bytes bigint[],
	new_pages bigint[], at bigint,
	new_seconds bigint[] DEFAULT '{}', new_delivered bigint[] DEFAULT '{}', new_repeated bigint[] DEFAULT '{}') RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- SKIP LOCKED, because waiting could cause a deadlock: others hold locks on several relays while they wait for rows about them. The
	-- next message of a relay that is skipped sets last_seen.
	UPDATE bigbrotr.relays AS r SET last_seen = at
	WHERE r.relay_id IN (
		SELECT k.relay_id FROM bigbrotr.relays AS k
		     JOIN unnest(relay_ids, new_messages) AS a (relay_id, messages) ON a.relay_id = k.relay_id
		WHERE a.messages > 0 AND k.last_seen IS DISTINCT FROM at
		FOR NO KEY UPDATE OF k SKIP LOCKED);
	INSERT INTO _bigbrotr.relay_traffic AS t (relay_id, events, sightings, messages, bytes, pages, delivered, repeated, last_success,
		counted_at, seconds)
	SELECT a.relay_id, coalesce(a.events, 0), coalesce(a.sightings, 0), coalesce(a.messages, 0), coalesce(a.bytes, 0),
	       coalesce(a.pages, 0), coalesce(a.delivered, 0), coalesce(a.repeated, 0), CASE WHEN a.pages > 0 THEN at END,
	       at, coalesce(a.seconds, 0)
	FROM unnest(relay_ids, new_events, new_sightings, new_messages, new_bytes, new_pages, new_seconds, new_delivered, new_repeated)
	     AS a (relay_id, events, sightings, messages, bytes, pages, seconds, delivered, repeated)
	WHERE EXISTS (SELECT FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = a.relay_id)
	ORDER BY a.relay_id
	ON CONFLICT ON CONSTRAINT relay_traffic_pkey DO UPDATE SET
		events = t.events + excluded.events, sightings = t.sightings + excluded.sightings,
		messages = t.messages + excluded.messages, bytes = t.bytes + excluded.bytes, pages = t.pages + excluded.pages,
		delivered = t.delivered + excluded.delivered, repeated = t.repeated + excluded.repeated, counted_at = excluded.counted_at,
		sightings_per_second = excluded.sightings::double precision / greatest(excluded.counted_at - t.counted_at, 1),
		seconds = t.seconds + excluded.seconds,
		seconds_per_second = excluded.seconds::double precision / greatest(excluded.counted_at - t.counted_at, 1),
		last_success = coalesce(excluded.last_success, t.last_success);
	UPDATE _bigbrotr.relay_sync AS s SET failures = 0, last_error = CASE WHEN s.phase = 'backoff' THEN s.last_error END,
		last_detail = CASE WHEN s.phase = 'backoff' THEN s.last_detail END, last_error_at = CASE WHEN s.phase = 'backoff' THEN s.last_error_at END
	FROM unnest(relay_ids, new_pages) AS a (relay_id, pages)
	WHERE s.relay_id = a.relay_id AND a.pages > 0 AND s.failures > 0;
	-- A page is an answer in Nostr. For a relay that is online, one answer in ten minutes is recorded. SKIP LOCKED, because
	-- waiting could cause a deadlock as above; the next page is recorded instead.
	PERFORM _bigbrotr.observe_relay(k.relay_id, 'synchronizer', 'answered', '', at)
	FROM (SELECT r.relay_id
	      FROM unnest(relay_ids, new_pages) AS a (relay_id, pages)
	           JOIN bigbrotr.relays AS r ON r.relay_id = a.relay_id
	           LEFT JOIN _bigbrotr.relay_health AS h ON h.relay_id = a.relay_id
	      WHERE a.pages > 0 AND NOT (r.status = 'online' AND coalesce(h.last_answer > at - 600, false))
	      ORDER BY r.relay_id FOR NO KEY UPDATE OF r SKIP LOCKED) AS k;
END
$$;
COMMENT ON FUNCTION _bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint, bigint[], bigint[], bigint[]) IS
	'Adds to the counters in _bigbrotr.relay_traffic; the arrays have one element per relay, and no relay twice. A page that was read to its end resets the count of failures. at: Unix seconds';

CREATE FUNCTION _bigbrotr.refusal_kind(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN reason IN ('too_large', 'frame_too_large', 'message_too_large', 'too_many_tags', 'bad_kind', 'bad_tags',
		'local_address', 'address_full', 'no_memory', 'assembly_full', 'paging_full')
		THEN 'policy'
		WHEN reason IN ('dns_failed', 'dns_timeout', 'connect_timeout', 'connection_refused', 'connection_lost', 'tls_failed',
		'handshake_failed', 'blocked_port', 'no_proxy', 'proxy_failed', 'overlay_unreachable', 'stalled', 'auth_required', 'auth_refused', 'rate_limited', 'closed_by_relay')
		THEN 'connection'
		ELSE 'fault' END;
COMMENT ON FUNCTION _bigbrotr.refusal_kind(text) IS
	'Kind of a reason code. policy: a limit of this archive that an honest relay may reach; connection: the connection failed, or the relay refused to answer; fault: the relay sent what no honest relay sends';

CREATE FUNCTION _bigbrotr.count_refusals(
	relay_ids integer[], reasons text[], counts bigint[], details text[], at bigint) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.relay_refusals AS f (relay_id, reason, count, first_at, last_at, last_detail)
		SELECT a.relay_id, left(a.reason, 64), sum(a.count), count_refusals.at, count_refusals.at,
		       (array_agg(a.detail ORDER BY a.n DESC))[1]
		FROM unnest(count_refusals.relay_ids, count_refusals.reasons, count_refusals.counts, count_refusals.details)
		     WITH ORDINALITY AS a (relay_id, reason, count, detail, n)
		     JOIN bigbrotr.relays AS r ON r.relay_id = a.relay_id
		WHERE a.reason IS NOT NULL AND a.count IS NOT NULL
		GROUP BY 1, 2 ORDER BY 1, 2
		ON CONFLICT ON CONSTRAINT relay_refusals_pkey
		DO UPDATE SET count = f.count + excluded.count, last_at = excluded.last_at, last_detail = excluded.last_detail;
	END;
COMMENT ON FUNCTION _bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint) IS
	'Counts refused data and failed connections of relays by reason code; details: text about the last one of each; at: Unix seconds';

-- ---- The key with which the synchronizer signs in

CREATE TABLE _bigbrotr.reader_key (
	only_one boolean NOT NULL DEFAULT true,
	pubkey   bytea   NOT NULL,
	CONSTRAINT reader_key_pkey PRIMARY KEY (only_one),
	CONSTRAINT reader_key_only_one_check CHECK (only_one),
	CONSTRAINT reader_key_pubkey_check CHECK (octet_length(pubkey) = 32)
);
COMMENT ON TABLE _bigbrotr.reader_key IS 'Whose signature coverage with reader 1 is about: one row, or none if no synchronizer had a key';
COMMENT ON COLUMN _bigbrotr.reader_key.only_one IS 'Always true: the table has one row at most';
COMMENT ON COLUMN _bigbrotr.reader_key.pubkey IS 'Public key of bigbrotr.key_file, 32 bytes';
SELECT pg_extension_config_dump('_bigbrotr.reader_key', '');

CREATE FUNCTION _bigbrotr.note_reader_key(key bytea, changed boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF octet_length(key) <> 32 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('a key of %s bytes is none', octet_length(key)), DETAIL = 'A public key has 32 bytes.',
			HINT = 'The synchronizer gives that of bigbrotr.key_file.';
	END IF;
	INSERT INTO _bigbrotr.reader_key AS k (pubkey) VALUES (key)
	ON CONFLICT ON CONSTRAINT reader_key_pkey DO UPDATE SET pubkey = excluded.pubkey WHERE k.pubkey <> excluded.pubkey;
	IF NOT FOUND AND NOT changed THEN
		RETURN;
	END IF;
	-- These locks keep other sessions from changing coverage meanwhile, as in bigbrotr.read_again.
	PERFORM FROM _bigbrotr.sync_workers AS w ORDER BY w.owner FOR UPDATE;
	PERFORM FROM _bigbrotr.relay_sync AS s ORDER BY s.relay_id FOR NO KEY UPDATE;
	DELETE FROM bigbrotr.coverage AS c WHERE c.reader = 1;
END
$$;
COMMENT ON FUNCTION _bigbrotr.note_reader_key(bytea, boolean) IS
	'Registers the public key (32 bytes) with which relays are read from now on. If it is another one than before, or the worker had another one (changed), deletes the coverage of reader 1: what a relay shows to one key says nothing about what it shows to another';
