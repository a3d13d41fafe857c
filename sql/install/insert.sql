-- Functions that check their arguments (bigbrotr.verify_events) and store events and relays, with the names and arguments
-- of the original specification. They run as the owner of the tables, so their callers need no privileges on the tables.

-- These functions take parallel arrays that are checked already. Their result is the same as if each element were inserted
-- alone: the first element of an event, a sighting or a relay is stored, and the last element sets last_seen. A relay that
-- was deleted is added again, because sightings need its relay_id, but disabled: no service connects to it.
-- Known relays are not updated here: a caller that then waits for an event would block those who report about the relay.
CREATE FUNCTION _bigbrotr.insert_relays_checked(urls text[], networks text[], inserted_ats bigint[]) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	added bigint := 0;
	new bigint;
	held bigint;
BEGIN
	FOR round IN 1 .. 10 LOOP
		WITH given AS (
			SELECT DISTINCT ON (a.url) a.url, a.network, a.inserted_at
			FROM unnest(urls, networks, inserted_ats) WITH ORDINALITY AS a (url, network, inserted_at, n) ORDER BY a.url, a.n
		), stored AS (
			INSERT INTO bigbrotr.relays AS r (url, network, status, inserted_at)
			SELECT g.url, g.network, CASE WHEN d.url IS NULL THEN 'candidate' ELSE 'ignored' END, g.inserted_at
			FROM given AS g LEFT JOIN _bigbrotr.deleted_relays AS d ON d.url = g.url ORDER BY g.url
			ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
			RETURNING r.relay_id, r.url
		), synchronized AS (
			INSERT INTO _bigbrotr.relay_sync (relay_id, enabled, phase_since)
			SELECT s.relay_id, NOT EXISTS (SELECT FROM _bigbrotr.deleted_relays AS d WHERE d.url = s.url), bigbrotr.unix_now()
			FROM stored AS s ORDER BY s.relay_id
			ON CONFLICT DO NOTHING
		)
		SELECT count(*) INTO new FROM stored;
		added := added + new;
		PERFORM FROM bigbrotr.relays AS r WHERE r.url = ANY (urls) ORDER BY r.relay_id FOR KEY SHARE;
		GET DIAGNOSTICS held = ROW_COUNT;
		-- A relay may have been deleted between the two statements.
		IF held = (SELECT count(DISTINCT u.url) FROM unnest(urls) AS u (url)) THEN
			RETURN added;
		END IF;
	END LOOP;
	RAISE object_not_in_prerequisite_state USING
		MESSAGE = 'a relay cannot be stored', DETAIL = 'It was missing after each of ten attempts to insert it.',
		HINT = 'Did somebody add triggers or rules to bigbrotr.relays?';
END
$$;
COMMENT ON FUNCTION _bigbrotr.insert_relays_checked(text[], text[], bigint[]) IS
	'Adds relays with normalised URLs, disabled if they were deleted; returns the number of new relays. None of them can be deleted until the transaction ends. Times are Unix seconds';

CREATE FUNCTION _bigbrotr.set_last_seen(urls text[], seen_ats bigint[]) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	WITH seen AS (
		SELECT DISTINCT ON (a.url) a.url, a.seen_at FROM unnest(urls, seen_ats) WITH ORDINALITY AS a (url, seen_at, n)
		ORDER BY a.url, a.n DESC
	), locked AS (
		SELECT r.relay_id, s.seen_at FROM seen AS s JOIN bigbrotr.relays AS r ON r.url = s.url
		ORDER BY r.relay_id FOR NO KEY UPDATE OF r
	)
	UPDATE bigbrotr.relays AS r SET last_seen = l.seen_at FROM locked AS l WHERE r.relay_id = l.relay_id;
END
$$;
COMMENT ON FUNCTION _bigbrotr.set_last_seen(text[], bigint[]) IS
	'Sets last_seen of relays (normalised URLs) to Unix seconds; parallel arrays, and of several elements about one relay the last one counts';

-- Writes events first, then sightings, in the order of every writer (archive.sql), so that two writers cannot cause a deadlock.
CREATE FUNCTION _bigbrotr.insert_events_checked(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], all_tags jsonb[], contents text[],
	sigs bytea[], relay_urls text[], relay_networks text[], relay_inserted_ats bigint[], seen_ats bigint[],
	size integer DEFAULT NULL, OUT events bigint, OUT sightings bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	-- Others who report about these relays wait as soon as last_seen is set, so that is done last; but with a fixed snapshot at once,
	-- because an update by others meanwhile would be an error.
	is_fixed CONSTANT boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
	left_out bytea[] := '{}';
	batch record;
	added record;
	refused record;
BEGIN
	PERFORM _bigbrotr.insert_relays_checked(relay_urls, relay_networks, relay_inserted_ats);
	IF is_fixed THEN
		PERFORM _bigbrotr.set_last_seen(relay_urls, seen_ats);
	END IF;
	events := 0;
	-- To avoid a deadlock, every writer writes to blocked_events first, then to events and sightings, and to deleted_events last. So
	-- blocked events are left out once, before the first batch. The transaction has an id since it locked the relays: a block that
	-- is not seen here waits for the transaction (_bigbrotr.wait_for_writers).
	IF EXISTS (SELECT FROM bigbrotr.blocked_events) OR EXISTS (SELECT FROM bigbrotr.blocked_authors) THEN
		left_out := _bigbrotr.leave_out_blocked(event_ids, pubkeys, bigbrotr.unix_now());
	END IF;
	-- insert_verified_events() takes one inserted_at for all its events, and here it is their seen_at. So the events, in the order of
	-- ids that every writer uses, are cut into runs of equal seen_at, and runs into batches.
	FOR batch IN
		WITH given AS (
			SELECT DISTINCT ON (a.event_id) a.* FROM
			unnest(event_ids, pubkeys, created_ats, kinds, all_tags, contents, sigs, seen_ats) WITH ORDINALITY
			AS a (event_id, pubkey, created_at, kind, tags, content, sig, seen_at, n)
			WHERE NOT EXISTS (SELECT FROM unnest(left_out) AS l (event_id) WHERE l.event_id = a.event_id)
			ORDER BY a.event_id, a.n
		), marked AS (
			SELECT g.*, g.seen_at IS DISTINCT FROM lag(g.seen_at) OVER (ORDER BY g.event_id) AS begins FROM given AS g
		), runs AS (
			SELECT m.*, count(*) FILTER (WHERE m.begins) OVER (ORDER BY m.event_id) AS run FROM marked AS m
		), places AS (
			SELECT r.*, (row_number() OVER (PARTITION BY r.run ORDER BY r.event_id) - 1) / coalesce(size, 1) AS part FROM runs AS r
		)
		SELECT array_agg(p.event_id ORDER BY p.event_id) AS ids, array_agg(p.pubkey ORDER BY p.event_id) AS pubkeys,
		       array_agg(p.created_at ORDER BY p.event_id) AS created_ats, array_agg(p.kind ORDER BY p.event_id) AS kinds,
		       array_agg(p.tags::text ORDER BY p.event_id) AS tags, array_agg(p.content ORDER BY p.event_id) AS contents,
		       array_agg(p.sig ORDER BY p.event_id) AS sigs, array_agg(NULL::bytea) AS raws, p.seen_at
		FROM places AS p GROUP BY p.run, p.part, p.seen_at ORDER BY p.run, p.part
	LOOP
		SELECT i.* INTO added FROM _bigbrotr.insert_verified_events(batch.ids, batch.pubkeys, batch.created_ats, batch.kinds, batch.tags,
			batch.contents, batch.sigs, batch.raws, '{}', '{}', '{}', batch.seen_at, true) AS i;
		events := events + added.events;
		IF added.rejected > 0 THEN
			-- Other events of the batch may have been rejected earlier, and archived since.
			SELECT r.* INTO refused FROM bigbrotr.event_rejects AS r
			WHERE r.event_id = ANY (batch.ids) AND NOT EXISTS (SELECT FROM bigbrotr.events AS e WHERE e.event_id = r.event_id)
			ORDER BY r.rejected_at = batch.seen_at DESC LIMIT 1;
			RAISE EXCEPTION USING ERRCODE = refused.sqlstate,
				MESSAGE = concat('element ' || CASE WHEN size IS NOT NULL THEN array_position(event_ids, refused.event_id) END || ' of the events: ',
					format('event %s cannot be stored: %s', encode(refused.event_id, 'hex'), refused.message)),
				DETAIL = 'It is valid, but the database refuses it.',
				HINT = 'Did somebody add constraints to the tables?';
		END IF;
	END LOOP;
	SELECT i.sightings INTO sightings
	FROM (SELECT coalesce(array_agg(a.event_id ORDER BY a.n), '{}') AS event_ids,
	             coalesce(array_agg(r.relay_id ORDER BY a.n), '{}') AS relay_ids,
	             coalesce(array_agg(a.seen_at ORDER BY a.n), '{}') AS seen_ats
	      FROM unnest(event_ids, relay_urls, seen_ats) WITH ORDINALITY AS a (event_id, url, seen_at, n)
	           JOIN bigbrotr.relays AS r ON r.url = a.url) AS s,
	     _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
		s.event_ids, s.relay_ids, s.seen_ats, bigbrotr.unix_now()) AS i;
	PERFORM _bigbrotr.note_missing(array_agg(a.event_id), array_agg(a.created_at), array_agg(a.kind))
	FROM unnest(event_ids, created_ats, kinds) AS a (event_id, created_at, kind) WHERE a.event_id = ANY (left_out)
	HAVING count(*) > 0;
	IF NOT is_fixed THEN
		PERFORM _bigbrotr.set_last_seen(relay_urls, seen_ats);
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer) IS
	'Archives events with their relays and sightings, with the same result as bigbrotr.insert_event for each. size: events in a batch; null: one. Returns the numbers of new events and new sightings. An error if the database refuses an event';

CREATE FUNCTION bigbrotr.insert_event(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags jsonb, content text, sig bytea,
	relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	PERFORM _bigbrotr.check_event(event_id, pubkey, created_at, kind, tags, content, sig, seen_at);
	SELECT * INTO relay FROM _bigbrotr.check_relay(relay_url, relay_network, relay_inserted_at) AS r;
	PERFORM _bigbrotr.insert_events_checked(ARRAY[event_id], ARRAY[pubkey], ARRAY[created_at], ARRAY[kind], ARRAY[tags],
		ARRAY[content], ARRAY[sig], ARRAY[relay.url], ARRAY[relay.network], ARRAY[relay_inserted_at], ARRAY[seen_at]);
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_event(bytea, bytea, bigint, integer, jsonb, text, bytea, text, text, bigint, bigint) IS
	'Archives an event that a relay delivered: adds the event, the relay and the sighting if they are new, and sets last_seen of the relay. Times are Unix seconds; relay_network null: the network of the URL. An error if the event or the relay is not valid';

CREATE FUNCTION bigbrotr.insert_event(
	event_id text, pubkey text, created_at bigint, kind integer, tags jsonb, content text, sig text,
	relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT bigbrotr.insert_event(
			_bigbrotr.hex_argument(event_id, 'event_id', 32), _bigbrotr.hex_argument(pubkey, 'pubkey', 32), created_at, kind,
			tags, content, _bigbrotr.hex_argument(sig, 'sig', 64), relay_url, relay_network, relay_inserted_at, seen_at);
	END;
COMMENT ON FUNCTION bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint) IS
	'bigbrotr.insert_event with event_id, pubkey and sig as hexadecimal digits';

CREATE FUNCTION bigbrotr.insert_events_batch(
	events jsonb[], batch_size integer DEFAULT NULL, OUT inserted_events bigint, OUT inserted_sightings bigint)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	checked jsonb[] := _bigbrotr.check_list(events, 'events', batch_size);
	list record;
BEGIN
	SELECT array_agg(r.event_id) AS ids, array_agg(r.pubkey) AS pubkeys, array_agg(r.created_at) AS created_ats, array_agg(r.kind) AS kinds,
	       array_agg(r.tags) AS tags, array_agg(r.content) AS contents, array_agg(r.sig) AS sigs, array_agg(r.relay_url) AS urls,
	       array_agg(r.relay_network) AS networks, array_agg(r.relay_inserted_at) AS inserted_ats, array_agg(r.seen_at) AS seen_ats
	INTO list
	FROM unnest(checked) AS c (element),
	     jsonb_to_record(c.element) AS r (event_id bytea, pubkey bytea, created_at bigint, kind integer, tags jsonb, content text,
		sig bytea, relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint);
	SELECT i.events, i.sightings INTO inserted_events, inserted_sightings FROM _bigbrotr.insert_events_checked(
		list.ids, list.pubkeys, list.created_ats, list.kinds, list.tags, list.contents, list.sigs, list.urls, list.networks,
		list.inserted_ats, list.seen_ats, _bigbrotr.batch_size(batch_size)) AS i;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_events_batch(jsonb[], integer) IS
	'bigbrotr.insert_event for a list of JSON objects: keys are the names of its arguments, or id for event_id (NIP-01); ids, keys and signatures are hexadecimal digits. Returns the numbers of new events and new sightings. If one element is not valid, nothing is stored, and the error says its number, from 1';

CREATE FUNCTION bigbrotr.insert_events_batch(
	events text[], batch_size integer DEFAULT NULL, OUT inserted_events bigint, OUT inserted_sightings bigint)
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT i.inserted_events, i.inserted_sightings
		FROM bigbrotr.insert_events_batch(_bigbrotr.jsonb_elements(events, 'events'), batch_size) AS i;
	END;
COMMENT ON FUNCTION bigbrotr.insert_events_batch(text[], integer) IS 'bigbrotr.insert_events_batch for a list of JSON texts';

CREATE FUNCTION bigbrotr.insert_relay(url text, network text, inserted_at bigint) RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	SELECT * INTO relay FROM _bigbrotr.check_relay(url, network, inserted_at) AS r;
	PERFORM _bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[inserted_at]);
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay(text, text, bigint) IS
	'Adds a relay, if it is not known; network null: the network of the URL; inserted_at: Unix seconds. An error if the URL is not valid or of another network';

CREATE FUNCTION bigbrotr.insert_relays_batch(relays jsonb[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT _bigbrotr.insert_relays_checked(array_agg(r.url), array_agg(r.network), array_agg(r.inserted_at))
		FROM unnest(_bigbrotr.check_list(relays, 'relays', batch_size)) AS c (element),
		     jsonb_to_record(c.element) AS r (url text, network text, inserted_at bigint);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(jsonb[], integer) IS
	'bigbrotr.insert_relay for a list of JSON objects: keys are the names of its arguments. Returns the number of new relays. If one element is not valid, nothing is stored, and the error says its number, from 1';

CREATE FUNCTION bigbrotr.insert_relays_batch(relays text[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT bigbrotr.insert_relays_batch(_bigbrotr.jsonb_elements(relays, 'relays'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(text[], integer) IS 'bigbrotr.insert_relays_batch for a list of JSON texts';

CREATE FUNCTION bigbrotr.insert_relay_metadata(
	relay_url text, relay_network text, relay_inserted_at bigint, generated_at bigint,
	nip66_present boolean DEFAULT false, nip66_openable boolean DEFAULT NULL, nip66_readable boolean DEFAULT NULL,
	nip66_writable boolean DEFAULT NULL, nip66_rtt_open integer DEFAULT NULL, nip66_rtt_read integer DEFAULT NULL,
	nip66_rtt_write integer DEFAULT NULL, nip11_present boolean DEFAULT false, nip11_name text DEFAULT NULL,
	nip11_description text DEFAULT NULL, nip11_pubkey text DEFAULT NULL, nip11_contact text DEFAULT NULL,
	nip11_supported_nips jsonb DEFAULT NULL, nip11_software text DEFAULT NULL, nip11_version text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	PERFORM _bigbrotr.check_measurement(generated_at);
	SELECT * INTO relay FROM _bigbrotr.check_relay(relay_url, relay_network, relay_inserted_at) AS r;
	PERFORM _bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[relay_inserted_at]);
	INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_openable, nip66_readable, nip66_writable,
		nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, nip11_present, nip11_id)
	SELECT r.relay_id, insert_relay_metadata.generated_at, coalesce(nip66_present, false), nip66_openable, nip66_readable, nip66_writable,
	       nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, coalesce(nip11_present, false),
	       _bigbrotr.store_nip11(nip11_name, nip11_description, nip11_pubkey, nip11_contact, nip11_supported_nips, nip11_software, nip11_version, NULL)
	FROM bigbrotr.relays AS r
	WHERE r.url = relay.url AND NOT _bigbrotr.is_checked(r.relay_id, insert_relay_metadata.generated_at)
	ON CONFLICT ON CONSTRAINT relay_checks_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata(text, text, bigint, bigint, boolean, boolean, boolean, boolean, integer, integer, integer, boolean, text, text, text, text, jsonb, text, text) IS
	'Stores a measurement of a relay, unless there is one of the same second (generated_at, Unix seconds); adds the relay if it is not known. Round trips are milliseconds. An error if generated_at is null or the relay is not valid';

CREATE FUNCTION bigbrotr.insert_relay_metadata_batch(metadata jsonb[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	checked jsonb[] := _bigbrotr.check_list(metadata, 'metadata', batch_size);
	added bigint;
BEGIN
	PERFORM _bigbrotr.insert_relays_checked(array_agg(r.relay_url), array_agg(r.relay_network), array_agg(r.relay_inserted_at))
	FROM unnest(checked) AS c (element),
	     jsonb_to_record(c.element) AS r (relay_url text, relay_network text, relay_inserted_at bigint);
	INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_openable, nip66_readable, nip66_writable,
		nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, nip11_present, nip11_id)
	SELECT DISTINCT ON (r.relay_id, m.generated_at)
	       r.relay_id, m.generated_at, m.nip66_present, m.nip66_openable, m.nip66_readable, m.nip66_writable,
	       m.nip66_rtt_open, m.nip66_rtt_read, m.nip66_rtt_write, m.nip11_present,
	       _bigbrotr.store_nip11(m.nip11_name, m.nip11_description, m.nip11_pubkey, m.nip11_contact, m.nip11_supported_nips, m.nip11_software,
	                             m.nip11_version, NULL)
	FROM unnest(checked) WITH ORDINALITY AS c (element, n)
	     CROSS JOIN LATERAL jsonb_populate_record(NULL::bigbrotr.relay_metadata, c.element) AS m
	     JOIN bigbrotr.relays AS r ON r.url = m.relay_url
	WHERE NOT _bigbrotr.is_checked(r.relay_id, m.generated_at)
	ORDER BY r.relay_id, m.generated_at, c.n
	ON CONFLICT ON CONSTRAINT relay_checks_pkey DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata_batch(jsonb[], integer) IS
	'bigbrotr.insert_relay_metadata for a list of JSON objects: keys are the names of its arguments. Returns the number of new measurements. If one element is not valid, nothing is stored, and the error says its number, from 1';

CREATE FUNCTION bigbrotr.insert_relay_metadata_batch(metadata text[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		SELECT bigbrotr.insert_relay_metadata_batch(_bigbrotr.jsonb_elements(metadata, 'metadata'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata_batch(text[], integer) IS 'bigbrotr.insert_relay_metadata_batch for a list of JSON texts';
