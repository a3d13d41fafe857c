-- Relays: normalised URLs, adding, enabling and disabling relays, seed lists.

CREATE FUNCTION bigbrotr.normalise_relay_url(
	text text, lenient boolean DEFAULT false,
	OUT url text, OUT network text, OUT reason text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_normalise_relay_url';
COMMENT ON FUNCTION bigbrotr.normalise_relay_url(text, boolean) IS
	'The normalised URL of a relay, and its network: clearnet, tor, i2p, loki or local. If the text is not a relay URL, url is null and reason is a reason code. lenient: accepts bare hosts and http(s) as ws(s)';

CREATE FUNCTION bigbrotr.unix_now() RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN floor(extract(epoch FROM now()))::bigint;
COMMENT ON FUNCTION bigbrotr.unix_now() IS 'Start of the transaction, Unix seconds';

-- bigbrotr.normalise_relay_url accepts local relays; the functions that add relays accept them only if
-- bigbrotr.allow_local_relays is on.
CREATE FUNCTION _bigbrotr.allow_local_relays() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_allow_local_relays';
COMMENT ON FUNCTION _bigbrotr.allow_local_relays() IS 'Value of the setting bigbrotr.allow_local_relays, for every role';

CREATE FUNCTION _bigbrotr.require_relay(given text, OUT url text, OUT network text)
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	reason text;
BEGIN
	SELECT n.url, n.network, n.reason INTO url, network, reason FROM bigbrotr.normalise_relay_url(given) AS n;
	IF reason IS NOT NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no relay URL: %s', left(given, 256), reason),
			DETAIL = 'A relay URL is ws:// or wss:// with a host and perhaps a port and a path.',
			HINT = coalesce('Did you mean ' || (bigbrotr.normalise_relay_url(given, true)).url || '?',
				'bigbrotr.normalise_relay_url(text) returns the reason instead of raising an error.');
	END IF;
	IF network = 'local' AND NOT _bigbrotr.allow_local_relays() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not publicly reachable', url),
			DETAIL = 'Its address is one of this machine or of a private network.',
			HINT = 'Set bigbrotr.allow_local_relays to accept such relays.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.require_relay(text) IS
	'Normalises the URL of a relay; an error if the text is not a relay URL, or if the relay is local and bigbrotr.allow_local_relays is off';

CREATE FUNCTION bigbrotr.add_relay(relay_url text) RETURNS integer
	LANGUAGE plpgsql STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	SELECT * INTO relay FROM _bigbrotr.require_relay(add_relay.relay_url) AS r;
	DELETE FROM _bigbrotr.deleted_relays AS d WHERE d.url = relay.url;
	-- The relay may be known: its deletion has not ended, or functions that insert events added it again.
	IF FOUND AND EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.url = relay.url) THEN
		PERFORM bigbrotr.enable_relay(relay.url);
	END IF;
	PERFORM _bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[bigbrotr.unix_now()]);
	RETURN (SELECT r.relay_id FROM bigbrotr.relays AS r WHERE r.url = relay.url);
END
$$;
COMMENT ON FUNCTION bigbrotr.add_relay(text) IS 'Adds a relay, also one that was deleted, and returns its relay_id; a known relay stays unchanged, unless it was deleted and events added it again: then it is enabled. An error if the text is not a relay URL, or the relay is local and not allowed';

CREATE FUNCTION _bigbrotr.known_relay(given text) RETURNS integer
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known integer := (SELECT r.relay_id FROM bigbrotr.relays AS r WHERE r.url = (bigbrotr.normalise_relay_url(given)).url);
BEGIN
	IF known IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not known', left(given, 256)),
			DETAIL = 'The table bigbrotr.relays has no such URL.',
			HINT = 'bigbrotr.add_relay(relay_url) makes a relay known.';
	END IF;
	RETURN known;
END
$$;
COMMENT ON FUNCTION _bigbrotr.known_relay(text) IS 'relay_id of a relay by its URL in any spelling; an error if the relay is unknown';

CREATE FUNCTION _bigbrotr.set_enabled(given text, wanted boolean) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer := _bigbrotr.known_relay(given);
BEGIN
	IF wanted AND EXISTS (SELECT FROM _bigbrotr.deleted_relays AS d JOIN bigbrotr.relays AS r ON r.url = d.url WHERE r.relay_id = relay) THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('relay "%s" was deleted', left(given, 256)),
			DETAIL = 'Functions that insert events or measurements of it have made it known again.',
			HINT = 'bigbrotr.add_relay(relay_url) ends the deletion and enables the relay.';
	END IF;
	PERFORM _bigbrotr.lock_relays(ARRAY[relay]);
	IF wanted THEN
		-- relay_visits is written before relay_sync and relay_health, as in _bigbrotr.record_visits, to avoid a deadlock.
		UPDATE _bigbrotr.relay_visits AS v SET next_visit = bigbrotr.unix_now()
		WHERE v.relay_id = relay AND v.owner IS NULL AND v.next_visit > bigbrotr.unix_now();
	END IF;
	INSERT INTO _bigbrotr.relay_sync (relay_id, enabled, phase_since) VALUES (relay, wanted, bigbrotr.unix_now())
	ON CONFLICT ON CONSTRAINT relay_sync_pkey DO UPDATE SET enabled = excluded.enabled;
	PERFORM _bigbrotr.observe_relay(relay, 'administrator', CASE WHEN wanted THEN 'wanted' ELSE 'ignored' END, '',
		greatest(bigbrotr.unix_now(), (SELECT h.observed_at FROM _bigbrotr.relay_health AS h WHERE h.relay_id = relay)));
END
$$;
COMMENT ON FUNCTION _bigbrotr.set_enabled(text, boolean) IS 'Part of bigbrotr.enable_relay and bigbrotr.disable_relay. An error if the relay is unknown';

CREATE FUNCTION bigbrotr.enable_relay(relay_url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.set_enabled(relay_url, true);
	END;
COMMENT ON FUNCTION bigbrotr.enable_relay(text) IS 'Ends bigbrotr.disable_relay; the monitor visits the relay now. An error if the relay is unknown, or was deleted: bigbrotr.add_relay ends that';
CREATE FUNCTION bigbrotr.disable_relay(relay_url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		SELECT _bigbrotr.set_enabled(relay_url, false);
	END;
COMMENT ON FUNCTION bigbrotr.disable_relay(text) IS
	'Keeps the services from connecting to a relay until bigbrotr.enable_relay; archived events stay. An error if the relay is unknown';

CREATE FUNCTION bigbrotr.authenticate_at(relay_url text, allowed boolean DEFAULT true) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE _bigbrotr.relay_sync AS s SET authenticate = allowed
	FROM bigbrotr.relays AS r
	WHERE r.relay_id = s.relay_id AND r.url = (bigbrotr.normalise_relay_url(authenticate_at.relay_url)).url;
	IF NOT FOUND THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not known', left(authenticate_at.relay_url, 256)),
			DETAIL = 'The table bigbrotr.relays has no such URL.',
			HINT = 'bigbrotr.add_relay(relay_url) makes a relay known.';
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.authenticate_at(text, boolean) IS
	'Lets the synchronizer sign in to a relay with the key of bigbrotr.key_file when the relay asks for authentication (NIP-42); allowed false: ends this. Coverage of a reading while signed in is separate, see bigbrotr.coverage.reader. An error if the relay is unknown';

CREATE FUNCTION bigbrotr.retry_relay(relay_url text) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	state record;
BEGIN
	SELECT s.relay_id, s.enabled, s.phase INTO state
	FROM _bigbrotr.relay_sync AS s WHERE s.relay_id = _bigbrotr.known_relay(retry_relay.relay_url);
	IF NOT state.enabled THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('relay "%s" is disabled', left(retry_relay.relay_url, 256)),
			DETAIL = 'No service connects to it.', HINT = 'bigbrotr.enable_relay(url) ends that.';
	ELSIF state.phase IN ('connecting', 'backfill', 'live') THEN
		RAISE NOTICE 'relay "%" is open already', left(retry_relay.relay_url, 256);
	END IF;
	UPDATE _bigbrotr.relay_visits AS v SET next_visit = bigbrotr.unix_now()
	WHERE v.relay_id = state.relay_id AND v.owner IS NULL AND v.next_visit > bigbrotr.unix_now();
	UPDATE _bigbrotr.relay_sync AS s SET next_attempt = 0, waits_for = NULL
	WHERE s.relay_id = state.relay_id AND s.phase IN ('waiting', 'backoff');
END
$$;
COMMENT ON FUNCTION bigbrotr.retry_relay(text) IS
	'Makes a relay due now that waits after a failure, a pause or a ban, and its next visit of the monitor; it may still wait for a place. An error if the relay is unknown or disabled';

-- This table keeps a deleted relay from coming back: seed lists and the finder leave it out, and functions that insert events
-- of the relay add it disabled.
CREATE TABLE _bigbrotr.deleted_relays (
	url        text   NOT NULL,
	deleted_at bigint NOT NULL,
	CONSTRAINT deleted_relays_pkey PRIMARY KEY (url)
);
COMMENT ON TABLE _bigbrotr.deleted_relays IS 'Relays that bigbrotr.delete_relay deleted: no service connects to them until bigbrotr.add_relay is called';
COMMENT ON COLUMN _bigbrotr.deleted_relays.url IS 'Normalised URL of the relay';
COMMENT ON COLUMN _bigbrotr.deleted_relays.deleted_at IS 'When the relay was deleted, Unix seconds';
SELECT pg_extension_config_dump('_bigbrotr.deleted_relays', '');

CREATE FUNCTION bigbrotr.load_seeds(
	source text, content text,
	OUT added bigint, OUT known bigint, OUT refused bigint)
	LANGUAGE plpgsql STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	at bigint := bigbrotr.unix_now();
	accepted bigint;
	urls text[];
	networks text[];
BEGIN
	IF octet_length(content) > 16 * 1024 * 1024 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('seed list "%s" has %s bytes', left(source, 256), octet_length(content)),
			DETAIL = 'A seed list may have 16 MB.',
			HINT = 'Load it in parts, under names of their own.';
	END IF;
	IF length(source) > 1000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the name of a seed list has %s characters', length(source)),
			DETAIL = 'It may have 1000.',
			HINT = 'The second argument is the list itself.';
	END IF;

	LOCK TABLE _bigbrotr.named_relays IN SHARE ROW EXCLUSIVE MODE; -- before all other locks, as the finder does, to avoid a deadlock
	DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = load_seeds.source;
	WITH lines AS MATERIALIZED (
		SELECT l.line, l.text, n.url, n.network,
		       CASE WHEN n.network = 'local' AND NOT _bigbrotr.allow_local_relays()
		            THEN 'local_address' ELSE n.reason END AS reason
		FROM string_to_table(load_seeds.content, E'\n') WITH ORDINALITY AS l (text, line),
		     bigbrotr.normalise_relay_url(l.text, true) AS n
		WHERE btrim(l.text, E' \t\r') <> '' AND btrim(l.text, E' \t\r') NOT LIKE '#%'
	), rejects AS (
		INSERT INTO bigbrotr.seed_rejects (source, line, text, reason, read_at)
		SELECT load_seeds.source, l.line, left(rtrim(l.text, E'\r'), 500), l.reason, at
		FROM lines AS l WHERE l.reason IS NOT NULL
	), relays AS (
		INSERT INTO bigbrotr.relays (url, network, inserted_at)
		SELECT l.url, min(l.network), at FROM lines AS l
		WHERE l.reason IS NULL AND NOT EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.url = l.url)
		      AND NOT EXISTS (SELECT FROM _bigbrotr.deleted_relays AS d WHERE d.url = l.url)
		GROUP BY l.url ORDER BY l.url -- every writer uses this order, so that two writers cannot cause a deadlock
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
		RETURNING relay_id
	), states AS (
		INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since) SELECT relay_id, at FROM relays
	)
	SELECT count(*) FILTER (WHERE l.reason IS NULL), count(*) FILTER (WHERE l.reason IS NOT NULL),
	       (SELECT count(*) FROM relays), array_agg(l.url) FILTER (WHERE l.reason IS NULL), array_agg(l.network) FILTER (WHERE l.reason IS NULL)
	INTO accepted, refused, added, urls, networks FROM lines AS l;
	known := accepted - added;
	PERFORM _bigbrotr.name_from_list(load_seeds.source, urls, networks, at);
END
$$;
COMMENT ON FUNCTION bigbrotr.load_seeds(text, text) IS
	'Adds the relays of a list (content: one URL per line; # begins a comment line; source: its name). added, known, refused: number of lines; known: the relay was known before, was deleted, or is repeated in the list. Refused lines with their reasons replace those of an earlier load of the same source in bigbrotr.seed_rejects. An error if the list has more than 16 MB';

CREATE FUNCTION _bigbrotr.reject_seeds(source text, problem text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = reject_seeds.source;
		INSERT INTO bigbrotr.seed_rejects (source, line, text, reason, read_at)
		VALUES (left(reject_seeds.source, 1000), 0, left(reject_seeds.problem, 500), 'unreadable', bigbrotr.unix_now());
	END;
COMMENT ON FUNCTION _bigbrotr.reject_seeds(text, text) IS
	'Stores in bigbrotr.seed_rejects, as line 0, why a whole list could not be read';

CREATE FUNCTION _bigbrotr.warn_of_size() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF current_setting('bigbrotr.max_database_size') = '0' AND current_setting('bigbrotr.services') ~ '\msynchronizer\M' THEN
		RAISE WARNING USING
			MESSAGE = 'the background workers begin to archive the relays of the seed list, and the size of the archive has no limit',
			DETAIL = format('They read all of the history of each relay; ten million events take about 8 GB. They stop when a disk has less than %s free (bigbrotr.min_free_disk).',
				current_setting('bigbrotr.min_free_disk')),
			HINT = 'Set bigbrotr.max_database_size. bigbrotr.seed_file chooses the relays, bigbrotr.add_sync_filter the events; SELECT bigbrotr.stop_service(''synchronizer''); stops reading.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.warn_of_size() IS
	'Warns that the synchronizer archives whole relays, unless bigbrotr.max_database_size limits the archive';
