-- The functions of the original specification for relays and their measurements.

CREATE FUNCTION bigbrotr.insert_relay(url text, network text, inserted_at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	SELECT * INTO relay FROM _bigbrotr.check_relay(url, network, inserted_at) AS r;
	PERFORM _bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[inserted_at], ARRAY[NULL::bigint]);
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay(text, text, bigint) IS
	'Makes a relay known, if it is not yet; network null: as its URL says; inserted_at: Unix seconds';

CREATE FUNCTION bigbrotr.insert_relays_batch(relays jsonb[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	given record;
	relay record;
	urls text[] := '{}'; networks text[] := '{}'; inserted_ats bigint[] := '{}';
	detail text;
	hint text;
BEGIN
	PERFORM _bigbrotr.limit_time('batch'), _bigbrotr.batch_size(batch_size), _bigbrotr.check_elements(cardinality(relays));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(relays), 0) LOOP
			IF (jsonb_typeof(relays[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT * INTO given FROM jsonb_to_record(relays[n]) AS r (url text, network text, inserted_at bigint);
			SELECT * INTO relay FROM _bigbrotr.check_relay(given.url, given.network, given.inserted_at) AS r;
			urls := urls || relay.url; networks := networks || relay.network;
			inserted_ats := inserted_ats || given.inserted_at;
		END LOOP;
	EXCEPTION WHEN data_exception OR null_value_not_allowed THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('element %s of the relays: %s', cardinality(inserted_ats) + 1, SQLERRM),
			DETAIL = coalesce(nullif(detail, ''), 'Nothing of the list was stored.'),
			HINT = coalesce(nullif(hint, ''), 'Correct the element or leave it out.');
	END;
	RETURN _bigbrotr.insert_relays_checked(urls, networks, inserted_ats, array_fill(NULL::bigint, ARRAY[cardinality(urls)]));
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(jsonb[], integer) IS
	'bigbrotr.insert_relay for a list of objects with its arguments as keys, and how many relays were new. All or nothing; the error names the element that is wrong, from 1';

CREATE FUNCTION bigbrotr.insert_relays_batch(relays text[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.insert_relays_batch(_bigbrotr.jsonb_elements(relays, 'relays'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(text[], integer) IS 'The same for a list of JSON texts';

CREATE FUNCTION _bigbrotr.check_measurement(generated_at bigint) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF generated_at IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the measurement lacks generated_at',
			DETAIL = 'It is the time of the measurement and part of its key.', HINT = 'Times are Unix seconds.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_measurement(bigint) IS 'An error if a measurement has no time';

CREATE FUNCTION bigbrotr.insert_relay_metadata(
	relay_url text, relay_network text, relay_inserted_at bigint, generated_at bigint,
	nip66_present boolean DEFAULT false, nip66_openable boolean DEFAULT NULL, nip66_readable boolean DEFAULT NULL,
	nip66_writable boolean DEFAULT NULL, nip66_rtt_open integer DEFAULT NULL, nip66_rtt_read integer DEFAULT NULL,
	nip66_rtt_write integer DEFAULT NULL, nip11_present boolean DEFAULT false, nip11_name text DEFAULT NULL,
	nip11_description text DEFAULT NULL, nip11_pubkey text DEFAULT NULL, nip11_contact text DEFAULT NULL,
	nip11_supported_nips jsonb DEFAULT NULL, nip11_software text DEFAULT NULL, nip11_version text DEFAULT NULL)
	RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM _bigbrotr.limit_time('procedure');
	PERFORM _bigbrotr.check_measurement(generated_at);
	SELECT * INTO relay FROM _bigbrotr.check_relay(relay_url, relay_network, relay_inserted_at) AS r;
	PERFORM _bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[relay_inserted_at], ARRAY[NULL::bigint]);
	INSERT INTO _bigbrotr.relay_checks
	SELECT r.relay_id, generated_at, coalesce(nip66_present, false), nip66_openable, nip66_readable, nip66_writable,
	       nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, coalesce(nip11_present, false), nip11_name,
	       nip11_description, nip11_pubkey, nip11_contact, nip11_supported_nips, nip11_software, nip11_version
	FROM bigbrotr.relays AS r WHERE r.url = relay.url
	ON CONFLICT ON CONSTRAINT relay_checks_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata(text, text, bigint, bigint, boolean, boolean, boolean, boolean, integer, integer, integer, boolean, text, text, text, text, jsonb, text, text) IS
	'Stores a measurement of a relay, if there is none of that second yet; makes the relay known';

CREATE FUNCTION bigbrotr.insert_relay_metadata_batch(metadata jsonb[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	given record;
	relay record;
	urls text[] := '{}'; networks text[] := '{}'; inserted_ats bigint[] := '{}'; checks jsonb[] := '{}';
	added bigint;
	detail text;
	hint text;
BEGIN
	PERFORM _bigbrotr.limit_time('batch'), _bigbrotr.batch_size(batch_size), _bigbrotr.check_elements(cardinality(metadata));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(metadata), 0) LOOP
			IF (jsonb_typeof(metadata[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT * INTO given FROM jsonb_populate_record(NULL::bigbrotr.relay_metadata, metadata[n]) AS m;
			PERFORM _bigbrotr.check_measurement(given.generated_at);
			SELECT * INTO relay FROM _bigbrotr.check_relay(given.relay_url, given.relay_network, given.relay_inserted_at) AS r;
			urls := urls || relay.url; networks := networks || relay.network;
			inserted_ats := inserted_ats || given.relay_inserted_at;
			checks := array_append(checks, metadata[n] || jsonb_build_object(
				'nip66_present', coalesce(given.nip66_present, false), 'nip11_present', coalesce(given.nip11_present, false)));
		END LOOP;
	EXCEPTION WHEN data_exception OR null_value_not_allowed THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('element %s of the metadata: %s', cardinality(checks) + 1, SQLERRM),
			DETAIL = coalesce(nullif(detail, ''), 'Nothing of the list was stored.'),
			HINT = coalesce(nullif(hint, ''), 'Correct the element or leave it out.');
	END;
	PERFORM _bigbrotr.insert_relays_checked(urls, networks, inserted_ats, array_fill(NULL::bigint, ARRAY[cardinality(urls)]));
	INSERT INTO _bigbrotr.relay_checks
	SELECT c.*
	FROM unnest(urls, checks) WITH ORDINALITY AS g (url, measured, n)
	     JOIN bigbrotr.relays AS r ON r.url = g.url,
	     jsonb_populate_record(NULL::_bigbrotr.relay_checks, g.measured || jsonb_build_object('relay_id', r.relay_id)) AS c
	ORDER BY c.relay_id, c.generated_at, g.n
	ON CONFLICT ON CONSTRAINT relay_checks_pkey DO NOTHING;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata_batch(jsonb[], integer) IS
	'bigbrotr.insert_relay_metadata for a list of objects with its arguments as keys, and how many measurements were new. All or nothing; the error names the element that is wrong, from 1';

CREATE FUNCTION bigbrotr.insert_relay_metadata_batch(metadata text[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.insert_relay_metadata_batch(_bigbrotr.jsonb_elements(metadata, 'metadata'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata_batch(text[], integer) IS 'The same for a list of JSON texts';
