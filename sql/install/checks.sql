-- Checks of arguments: limits of time and size, and errors that name the wrong argument.

CREATE FUNCTION _bigbrotr.limit_time(purpose text) RETURNS void
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_limit_time';
COMMENT ON FUNCTION _bigbrotr.limit_time(text) IS
	'Limits the running statement to bigbrotr.query_timeout, procedure_timeout or batch_timeout (purpose: query, procedure, batch), counted from this call (query: from the first call in the statement), and never beyond statement_timeout';

CREATE FUNCTION _bigbrotr.batch_size(wanted integer) RETURNS integer
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most integer := current_setting('bigbrotr.max_batch_size')::integer;
	size integer := coalesce(wanted, current_setting('bigbrotr.default_batch_size')::integer);
BEGIN
	IF size < 1 OR size > most THEN
		RAISE numeric_value_out_of_range USING
			MESSAGE = format('batch size %s is out of range', size),
			DETAIL = format('A batch has 1 to %s elements (bigbrotr.max_batch_size).', most),
			HINT = 'The list itself may be longer: it is taken in batches of that size.';
	END IF;
	RETURN size;
END
$$;
COMMENT ON FUNCTION _bigbrotr.batch_size(integer) IS
	'The wanted batch size; null: bigbrotr.default_batch_size. An error if it is less than 1 or more than bigbrotr.max_batch_size';

CREATE FUNCTION _bigbrotr.hex_argument(value text, name text, bytes integer) RETURNS bytea
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	digits text := CASE WHEN value LIKE '\\x%' THEN substr(value, 3) ELSE value END;
BEGIN
	IF (digits ~ '^[0-9a-fA-F]*$' AND length(digits) / 2.0 = bytes) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is not %s hexadecimal digits', left(name, 64), 2 * bytes::bigint),
			DETAIL = coalesce(format('It is "%s".', left(value, 200)), 'It is null.'),
			HINT = 'Ids and keys have 64 digits, signatures 128.';
	END IF;
	RETURN decode(digits, 'hex');
END
$$;
COMMENT ON FUNCTION _bigbrotr.hex_argument(text, text, integer) IS
	'Bytes of hexadecimal digits, with or without leading \x; an error if there are not two digits for each of the bytes. name: name of the value in the error';

-- The limit bounds the memory that one statement allocates.
CREATE FUNCTION _bigbrotr.check_elements(elements integer) RETURNS void
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF elements > 100000 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the list has %s elements', elements),
			DETAIL = 'A list may have 100000 elements.', HINT = 'Call the function several times, each time with a part of the list.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_elements(integer) IS 'Raises an error if a list has more than 100,000 elements';

CREATE FUNCTION _bigbrotr.check_time(at bigint) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (at BETWEEN 0 AND 9224318015999) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s is not a time', coalesce(at::text, 'null')),
			DETAIL = 'A time is from 0 to 9224318015999 Unix seconds, the last second of a timestamp.',
			HINT = 'bigbrotr.unix_now() gives the present.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_time(bigint) IS 'Raises an error if this is not a time in Unix seconds';

-- With this upper limit, sums of counts do not overflow.
CREATE FUNCTION _bigbrotr.check_counts(counts bigint[]) RETURNS void
	LANGUAGE plpgsql IMMUTABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(counts));
	IF (0 <= ALL (counts) AND 1000000000000000 >= ALL (counts)) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a count is out of range',
			DETAIL = format('The counts are %s.', left(array_to_string(counts, ', ', 'null'), 200)),
			HINT = 'A count is from 0 to 1000000000000000.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_counts(bigint[]) IS 'Raises an error if one of these numbers is not a count: 0 to 10^15';

CREATE FUNCTION _bigbrotr.check_event(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags jsonb, content text, sig bytea,
	seen_at bigint) RETURNS void
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	reason text;
BEGIN
	IF num_nulls(event_id, pubkey, created_at, kind, tags, content, sig, seen_at) > 0 THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('event %s lacks %s', coalesce(encode(event_id, 'hex'), '(without id)'), (
				SELECT string_agg(c.name, ', ' ORDER BY c.n)
				FROM (VALUES (1, 'event_id', event_id IS NULL), (2, 'pubkey', pubkey IS NULL),
				             (3, 'created_at', created_at IS NULL), (4, 'kind', kind IS NULL),
				             (5, 'tags', tags IS NULL), (6, 'content', content IS NULL),
				             (7, 'sig', sig IS NULL), (8, 'seen_at', seen_at IS NULL)) AS c (n, name, missing)
				WHERE c.missing)),
			DETAIL = 'No part of an event may be null, nor the time when it was seen.',
			HINT = 'Empty tags are ''[]'', empty content is ''''.';
	END IF;
	IF coalesce(current_setting('bigbrotr.verify_events', true), 'on')::boolean THEN
		reason := bigbrotr.verify_event_reason(event_id, pubkey, created_at, kind, tags::bigbrotr.tags, content, sig);
		IF reason IS NOT NULL THEN
			RAISE data_exception USING
				MESSAGE = format('event %s is not valid: %s', encode(event_id, 'hex'), reason),
				DETAIL = CASE reason WHEN 'id_mismatch' THEN 'The id is not the SHA-256 of the event.'
				                     WHEN 'bad_signature' THEN 'The signature is not the author''s.'
				                     ELSE 'Its parts contradict each other.' END,
				HINT = 'bigbrotr.verify_event_reason(…) returns the reason instead of raising an error.';
		END IF;
	ELSIF octet_length(event_id) <> 32 OR octet_length(pubkey) <> 32 OR octet_length(sig) <> 64
	      OR created_at < 0 OR kind NOT BETWEEN 0 AND 65535 THEN
		RAISE data_exception USING
			MESSAGE = format('event %s is not valid', left(encode(event_id, 'hex'), 80)),
			DETAIL = 'An id or key has another length than 32 bytes, a signature than 64, or created_at or kind is out of range.',
			HINT = 'created_at goes from 0 to 9223372036854775807, kind from 0 to 65535.';
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_event(bytea, bytea, bigint, integer, jsonb, text, bytea, bigint) IS
	'Raises an error if a part of an event is missing or, with bigbrotr.verify_events, if id or signature are wrong';

CREATE FUNCTION _bigbrotr.check_relay(INOUT url text, INOUT network text, inserted_at bigint)
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	IF url IS NULL OR inserted_at IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = format('relay %s lacks its URL or the time when it became known', coalesce(left(url, 256), '(without URL)')),
			DETAIL = 'Neither may be null.', HINT = 'Times are Unix seconds.';
	END IF;
	SELECT * INTO relay FROM _bigbrotr.require_relay(check_relay.url) AS r;
	IF network <> relay.network THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not in network "%s"', relay.url, left(network, 64)),
			DETAIL = format('Its URL says "%s".', relay.network),
			HINT = 'null leaves the network to the URL.';
	END IF;
	url := relay.url;
	network := relay.network;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_relay(text, text, bigint) IS
	'Normalises the URL of a relay; an error if the text is not a relay URL, or if its network is another one (null: any)';

-- Many drivers send lists of JSON as lists of text.
CREATE FUNCTION _bigbrotr.jsonb_elements(elements text[], name text) RETURNS jsonb[]
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	converted jsonb[] := '{}';
	element text;
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(elements));
	BEGIN
		FOREACH element IN ARRAY coalesce(elements, '{}') LOOP
			converted := array_append(converted, element::jsonb);
		END LOOP;
	EXCEPTION WHEN data_exception OR statement_too_complex THEN
		RAISE invalid_text_representation USING
			MESSAGE = format('element %s of the %s: %s', cardinality(converted) + 1, name, SQLERRM),
			DETAIL = 'Nothing of the list was stored.', HINT = 'Each element is to be a JSON object; U+0000 cannot stand in it.';
	END;
	RETURN converted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.jsonb_elements(text[], text) IS 'JSON texts as jsonb; an error if one of them is not JSON. name: name of the list in the error';

CREATE FUNCTION _bigbrotr.check_object(element jsonb, list text) RETURNS jsonb
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	given record;
	relay record;
BEGIN
	IF (jsonb_typeof(element) = 'object') IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'it is no JSON object', DETAIL = 'Nothing of the list was stored.', HINT = 'Correct the element or leave it out.';
	END IF;
	IF list = 'events' THEN
		SELECT _bigbrotr.hex_argument(coalesce(r.event_id, r.id), 'event_id', 32) AS event_id,
		       _bigbrotr.hex_argument(r.pubkey, 'pubkey', 32) AS pubkey, r.created_at, r.kind, r.tags, r.content,
		       _bigbrotr.hex_argument(r.sig, 'sig', 64) AS sig, r.relay_url, r.relay_network, r.relay_inserted_at, r.seen_at
		INTO given
		FROM jsonb_to_record(element) AS r (event_id text, id text, pubkey text, created_at bigint, kind integer, tags jsonb,
			content text, sig text, relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint);
		PERFORM _bigbrotr.check_event(given.event_id, given.pubkey, given.created_at, given.kind, given.tags, given.content,
			given.sig, given.seen_at);
		SELECT * INTO relay FROM _bigbrotr.check_relay(given.relay_url, given.relay_network, given.relay_inserted_at) AS r;
		RETURN element || jsonb_build_object('event_id', given.event_id, 'pubkey', given.pubkey, 'sig', given.sig,
			'relay_url', relay.url, 'relay_network', relay.network);
	ELSIF list = 'relays' THEN
		SELECT * INTO given FROM jsonb_to_record(element) AS r (url text, network text, inserted_at bigint);
		SELECT * INTO relay FROM _bigbrotr.check_relay(given.url, given.network, given.inserted_at) AS r;
		RETURN element || jsonb_build_object('url', relay.url, 'network', relay.network);
	ELSE
		SELECT * INTO given FROM jsonb_populate_record(NULL::bigbrotr.relay_metadata, element) AS m;
		PERFORM _bigbrotr.check_measurement(given.generated_at);
		SELECT * INTO relay FROM _bigbrotr.check_relay(given.relay_url, given.relay_network, given.relay_inserted_at) AS r;
		RETURN element || jsonb_build_object('relay_url', relay.url, 'relay_network', relay.network,
			'nip66_present', coalesce(given.nip66_present, false), 'nip11_present', coalesce(given.nip11_present, false));
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_object(jsonb, text) IS
	'Checks an element of a list (events, relays or metadata), and returns it with the normalised URL of the relay; an error if it is not valid';

CREATE FUNCTION _bigbrotr.check_list(list jsonb[], name text, batch_size integer) RETURNS jsonb[]
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	checked jsonb[] := '{}';
	element jsonb;
	detail text;
	hint text;
BEGIN
	PERFORM _bigbrotr.limit_time('batch'), _bigbrotr.batch_size(batch_size), _bigbrotr.check_elements(cardinality(list));
	BEGIN
		FOREACH element IN ARRAY coalesce(list, '{}') LOOP
			checked := array_append(checked, _bigbrotr.check_object(element, name));
		END LOOP;
	EXCEPTION WHEN data_exception OR null_value_not_allowed THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('element %s of the %s: %s', cardinality(checked) + 1, name, SQLERRM),
			DETAIL = coalesce(nullif(detail, ''), 'Nothing of the list was stored.'),
			HINT = coalesce(nullif(hint, ''), 'Correct the element or leave it out.');
	END;
	RETURN checked;
END
$$;
COMMENT ON FUNCTION _bigbrotr.check_list(jsonb[], text, integer) IS
	'Checks each element of a list (name: events, relays or metadata), and returns the checked elements; the error names the number of the wrong element. Limits the time, the size of a batch and the length of the list';

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
COMMENT ON FUNCTION _bigbrotr.check_measurement(bigint) IS 'Raises an error if a measurement has no time';
