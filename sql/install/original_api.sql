-- The functions of the original specification for events, with its names and arguments. They check what they
-- are given (bigbrotr.verify_events) and feed _bigbrotr.insert_verified_events.

CREATE FUNCTION _bigbrotr.limit_time(purpose text) RETURNS void
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_limit_time';
COMMENT ON FUNCTION _bigbrotr.limit_time(text) IS
	'Lets the running statement go on for at most bigbrotr.query_timeout, procedure_timeout or batch_timeout (purpose: query, procedure, batch) from now (query: from its first call in the statement), and never longer than statement_timeout allows';

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
	'The batch size wanted, null: bigbrotr.default_batch_size; an error above bigbrotr.max_batch_size';

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
	'Bytes from hexadecimal digits, also with \x before them; name: for the error';

-- What is wrong with an event is an error that names it.
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
	'An error if a part is missing or, with bigbrotr.verify_events, if id or signature are wrong';

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
	'Normalises a relay''s URL; an error if it is none, or of another network (null: any)';

-- Elements that run in parallel, checked already. In the order of the arrays, the first one counts
-- for an event, a sighting and a relay, the last one for last_seen: as if inserted one by one.
CREATE FUNCTION _bigbrotr.insert_relays_checked(
	urls text[], networks text[], inserted_ats bigint[], last_seens bigint[]) RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		WITH given AS (
			SELECT a.url, (array_agg(a.network ORDER BY a.n))[1] AS network,
			       (array_agg(a.inserted_at ORDER BY a.n))[1] AS inserted_at,
			       (array_agg(a.last_seen ORDER BY a.n DESC))[1] AS last_seen
			FROM unnest(urls, networks, inserted_ats, last_seens) WITH ORDINALITY
			     AS a (url, network, inserted_at, last_seen, n)
			GROUP BY a.url
		), stored AS (
			INSERT INTO bigbrotr.relays AS r (url, network, inserted_at, last_seen)
			SELECT g.url, g.network, g.inserted_at, g.last_seen FROM given AS g ORDER BY g.url
			ON CONFLICT ON CONSTRAINT relays_url_key
			DO UPDATE SET last_seen = coalesce(excluded.last_seen, r.last_seen)
			RETURNING r.relay_id, r.xmax = 0 AS new -- who meets a row, updates it, which sets xmax
		), synchronized AS (
			INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since)
			SELECT s.relay_id, bigbrotr.unix_now() FROM stored AS s ORDER BY s.relay_id
			ON CONFLICT DO NOTHING
		)
		SELECT count(*) FROM stored AS s WHERE s.new;
	END;
COMMENT ON FUNCTION _bigbrotr.insert_relays_checked(text[], text[], bigint[], bigint[]) IS
	'Makes relays known and notes when they were last seen (null: not), for URLs in normal form; returns how many are new';

-- Events first and sightings then, all of a list in the order of all writers: two that bring the same wait
-- for each other, but never in a circle.
CREATE FUNCTION _bigbrotr.insert_events_checked(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], all_tags jsonb[], contents text[],
	sigs bytea[], relay_urls text[], relay_networks text[], relay_inserted_ats bigint[], seen_ats bigint[],
	size integer DEFAULT NULL, OUT events bigint, OUT sightings bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	list record;
	lowest integer := 1;
	highest integer;
	added record;
	refused record;
BEGIN
	PERFORM _bigbrotr.insert_relays_checked(relay_urls, relay_networks, relay_inserted_ats, seen_ats);
	SELECT array_agg(e.event_id) AS ids, array_agg(e.pubkey) AS pubkeys, array_agg(e.created_at) AS created_ats,
	       array_agg(e.kind) AS kinds, array_agg(e.tags::text) AS tags, array_agg(e.content) AS contents,
	       array_agg(e.sig) AS sigs, array_agg(NULL::bytea) AS raws, array_agg(e.seen_at) AS seen_ats
	INTO list
	FROM (SELECT DISTINCT ON (a.event_id) a.* FROM
	      unnest(event_ids, pubkeys, created_ats, kinds, all_tags, contents, sigs, seen_ats) WITH ORDINALITY
	      AS a (event_id, pubkey, created_at, kind, tags, content, sig, seen_at, n)
	      ORDER BY a.event_id, a.n) AS e;
	events := 0;
	WHILE lowest <= cardinality(list.ids) LOOP
		-- An event counts as archived when it was seen: together go those of one time.
		highest := lowest;
		WHILE highest - lowest + 1 < size AND list.seen_ats[highest + 1] = list.seen_ats[lowest] LOOP
			highest := highest + 1;
		END LOOP;
		SELECT i.* INTO added FROM _bigbrotr.insert_verified_events(
			list.ids[lowest:highest], list.pubkeys[lowest:highest], list.created_ats[lowest:highest],
			list.kinds[lowest:highest], list.tags[lowest:highest], list.contents[lowest:highest],
			list.sigs[lowest:highest], list.raws[lowest:highest], '{}', '{}', '{}', list.seen_ats[lowest]) AS i;
		events := events + added.events;
		IF added.rejected > 0 THEN
			SELECT r.* INTO refused FROM bigbrotr.event_rejects AS r WHERE r.event_id = ANY (event_ids) LIMIT 1;
			RAISE EXCEPTION USING ERRCODE = refused.sqlstate,
				MESSAGE = concat('element ' || CASE WHEN size IS NOT NULL THEN array_position(event_ids, refused.event_id) END || ' of the events: ',
					format('event %s cannot be stored: %s', encode(refused.event_id, 'hex'), refused.message)),
				DETAIL = 'It is valid, but the database refuses it.',
				HINT = 'Did somebody add constraints to the tables?';
		END IF;
		lowest := highest + 1;
	END LOOP;
	SELECT i.sightings INTO sightings
	FROM (SELECT coalesce(array_agg(a.event_id ORDER BY a.n), '{}') AS event_ids,
	             coalesce(array_agg(r.relay_id ORDER BY a.n), '{}') AS relay_ids,
	             coalesce(array_agg(a.seen_at ORDER BY a.n), '{}') AS seen_ats
	      FROM unnest(event_ids, relay_urls, seen_ats) WITH ORDINALITY AS a (event_id, url, seen_at, n)
	           JOIN bigbrotr.relays AS r ON r.url = a.url) AS s,
	     _bigbrotr.insert_verified_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
		s.event_ids, s.relay_ids, s.seen_ats, bigbrotr.unix_now()) AS i;
END
$$;
COMMENT ON FUNCTION _bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer) IS
	'Archives events with their relays and sightings, as so many calls of bigbrotr.insert_event would do it; size: how many at once, if they are a list';

CREATE FUNCTION bigbrotr.insert_event(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags jsonb, content text, sig bytea,
	relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint) RETURNS void
	LANGUAGE plpgsql
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
	'Archives an event that a relay delivered: event and sighting if they are new, relay and its last_seen. Times are Unix seconds; relay_network null: as its URL says';

CREATE FUNCTION bigbrotr.insert_event(
	event_id text, pubkey text, created_at bigint, kind integer, tags jsonb, content text, sig text,
	relay_url text, relay_network text, relay_inserted_at bigint, seen_at bigint) RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.insert_event(
			_bigbrotr.hex_argument(event_id, 'event_id', 32), _bigbrotr.hex_argument(pubkey, 'pubkey', 32), created_at, kind,
			tags, content, _bigbrotr.hex_argument(sig, 'sig', 64), relay_url, relay_network, relay_inserted_at, seen_at);
	END;
COMMENT ON FUNCTION bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint) IS
	'The same with event_id, pubkey and sig as hexadecimal digits';

-- Lists of JSON as text, as many drivers send them.
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
COMMENT ON FUNCTION _bigbrotr.jsonb_elements(text[], text) IS 'JSON texts as jsonb; name: of the list, for the error';

CREATE FUNCTION bigbrotr.insert_events_batch(
	events jsonb[], batch_size integer DEFAULT NULL, OUT inserted_events bigint, OUT inserted_sightings bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	size integer := _bigbrotr.batch_size(batch_size);
	e record;
	relay record;
	ids bytea[] := '{}'; pubkeys bytea[] := '{}'; created_ats bigint[] := '{}'; kinds integer[] := '{}'; tags jsonb[] := '{}';
	contents text[] := '{}'; sigs bytea[] := '{}';
	urls text[] := '{}'; networks text[] := '{}'; inserted_ats bigint[] := '{}'; seen_ats bigint[] := '{}';
	detail text;
	hint text;
BEGIN
	PERFORM _bigbrotr.limit_time('batch'), _bigbrotr.check_elements(cardinality(events));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(events), 0) LOOP
			IF (jsonb_typeof(events[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT _bigbrotr.hex_argument(coalesce(r.event_id, r.id), 'event_id', 32) AS event_id,
			       _bigbrotr.hex_argument(r.pubkey, 'pubkey', 32) AS pubkey, r.created_at, r.kind, r.tags, r.content,
			       _bigbrotr.hex_argument(r.sig, 'sig', 64) AS sig,
			       r.relay_url, r.relay_network, r.relay_inserted_at, r.seen_at
			INTO e
			FROM jsonb_to_record(events[n]) AS r (event_id text, id text, pubkey text, created_at bigint, kind integer,
				tags jsonb, content text, sig text, relay_url text, relay_network text, relay_inserted_at bigint,
				seen_at bigint);
			PERFORM _bigbrotr.check_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig, e.seen_at);
			SELECT * INTO relay FROM _bigbrotr.check_relay(e.relay_url, e.relay_network, e.relay_inserted_at) AS r;
			ids := ids || e.event_id; pubkeys := pubkeys || e.pubkey; created_ats := created_ats || e.created_at;
			kinds := kinds || e.kind; tags := array_append(tags, e.tags); contents := contents || e.content;
			sigs := sigs || e.sig; urls := urls || relay.url; networks := networks || relay.network;
			inserted_ats := inserted_ats || e.relay_inserted_at; seen_ats := seen_ats || e.seen_at;
		END LOOP;
	EXCEPTION WHEN data_exception OR null_value_not_allowed THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('element %s of the events: %s', cardinality(seen_ats) + 1, SQLERRM),
			DETAIL = coalesce(nullif(detail, ''), 'Nothing of the list was stored.'),
			HINT = coalesce(nullif(hint, ''), 'Correct the element or leave it out.');
	END;
	SELECT i.events, i.sightings INTO inserted_events, inserted_sightings FROM _bigbrotr.insert_events_checked(
		ids, pubkeys, created_ats, kinds, tags, contents, sigs, urls, networks, inserted_ats, seen_ats, size) AS i;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_events_batch(jsonb[], integer) IS
	'bigbrotr.insert_event for a list of objects with its arguments as keys (hexadecimal digits), and how many events and sightings were new. id may stand for event_id, as in NIP-01. All or nothing; the error names the element that is wrong, from 1';

CREATE FUNCTION bigbrotr.insert_events_batch(
	events text[], batch_size integer DEFAULT NULL, OUT inserted_events bigint, OUT inserted_sightings bigint)
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT i.inserted_events, i.inserted_sightings
		FROM bigbrotr.insert_events_batch(_bigbrotr.jsonb_elements(events, 'events'), batch_size) AS i;
	END;
COMMENT ON FUNCTION bigbrotr.insert_events_batch(text[], integer) IS 'The same for a list of JSON texts';
