-- The relay endpoint of the net process calls these functions. A function returns a cursor if its rows are to be sent as soon
-- as they are found; a set-returning function makes all rows before the first one is sent.
CREATE FUNCTION _bigbrotr.api_req(filters jsonb) RETURNS refcursor
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	SET cursor_tuple_fraction = 1
	AS $$
DECLARE
	single CONSTANT jsonb := CASE WHEN jsonb_typeof(filters) = 'array' AND jsonb_array_length(filters) = 1 AND jsonb_typeof(filters -> 0) = 'object' THEN filters -> 0 END;
	events refcursor;
BEGIN
	PERFORM _bigbrotr.limit_time('query');
	IF single - '{ids,limit}'::text[] = '{}' AND single @? '$.ids[*]' AND single ->> 'ids' ~ '^\["[0-9a-f]{64}"(, "[0-9a-f]{64}")*\]$'
	   AND coalesce(single ->> 'limit', '1') ~ '^[0-9]{1,9}$'
	THEN
		OPEN events NO SCROLL FOR SELECT e, '' FROM _bigbrotr.api_events_of_ids(
			ARRAY(SELECT decode(i, 'hex') FROM jsonb_array_elements_text(single -> 'ids') AS i), (single ->> 'limit')::bigint) AS e;
	ELSE
		OPEN events NO SCROLL FOR EXECUTE format($query$SELECT bigbrotr.event_json(row(q.eid, q.created_at, q.inserted_at, q.kind, q.event_id,
			q.pubkey, q.sig, q.tags, q.content, q.raw)::bigbrotr.events), '' FROM (%s) AS q$query$, _bigbrotr.public_query_sql(filters));
	END IF;
	RETURN events;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_req(jsonb) IS 'Opens a cursor of the events of a REQ (NIP-01), as many as the limits of the filters allow';

-- NIP-45 defines this offset, so that clients can merge the registers of several relays.
CREATE FUNCTION _bigbrotr.api_hll_offset(filters jsonb) RETURNS integer
	LANGUAGE sql IMMUTABLE STRICT
	SET search_path = pg_catalog, pg_temp
	RETURN (
		SELECT ('x' || substr(CASE WHEN v.value ~ '^[0-9a-f]{64}$' THEN v.value
		                           WHEN v.value ~ '^[0-9]+:[0-9a-f]{64}:' THEN split_part(v.value, ':', 2)
		                           ELSE encode(sha256(convert_to(v.value, 'UTF8')), 'hex') END, 33, 1))::bit(4)::integer + 8
		FROM (SELECT min(t.value ->> 0) AS value
		      FROM jsonb_each(CASE WHEN jsonb_typeof(filters) = 'array' AND jsonb_array_length(filters) = 1 AND jsonb_typeof(filters -> 0) = 'object'
		                           THEN filters -> 0 ELSE '{}' END) AS t
		      WHERE t.key LIKE '#%'
		      HAVING count(*) = 1 AND bool_and(jsonb_array_length(CASE jsonb_typeof(t.value) WHEN 'array' THEN t.value ELSE '[]' END) = 1)) AS v);
COMMENT ON FUNCTION _bigbrotr.api_hll_offset(jsonb) IS
	'Offset of the byte of a public key that selects its HyperLogLog register (NIP-45), 8 .. 23, for one filter with one value of one tag; null: other filters';

CREATE FUNCTION _bigbrotr.api_count_req(filters jsonb) RETURNS TABLE (item text)
	LANGUAGE plpgsql VOLATILE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place CONSTANT integer := _bigbrotr.api_hll_offset(filters);
	estimate record;
BEGIN
	PERFORM _bigbrotr.limit_time('query');
	SELECT e.count, e.is_many INTO estimate FROM _bigbrotr.api_estimate(filters) AS e;
	IF estimate.is_many THEN
		RETURN QUERY SELECT format('{"count":%s,"approximate":true}', estimate.count);
		RETURN;
	ELSIF place IS NULL THEN
		RETURN QUERY SELECT format('{"count":%s}', c.count) FROM _bigbrotr.api_count_of(filters, 'exact') AS c;
		RETURN;
	END IF;
	-- A register holds a maximum over its events: one plus the number of leading zero bits in the seven bytes of the public
	-- key that follow the byte of the register.
	RETURN QUERY EXECUTE format($query$
		WITH registers AS (
			SELECT get_byte(q.pubkey, %1$s) AS place, count(*) AS events,
			       max(coalesce(nullif(strpos(('x' || encode(substr(q.pubkey, %2$s, 7), 'hex'))::bit(56)::text, '1'), 0), 57)) AS value
			FROM (%3$s) AS q GROUP BY 1
		)
		SELECT concat('{"count":', coalesce(sum(r.events), 0), ',"hll":"', string_agg(lpad(to_hex(coalesce(r.value, 0)), 2, '0'), '' ORDER BY n), '"}')
		FROM generate_series(0, 255) AS n LEFT JOIN registers AS r ON r.place = n$query$,
		place, place + 2, _bigbrotr.public_query_sql((filters -> 0) - 'limit'));
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_count_req(jsonb) IS
	'Answer to a COUNT (NIP-45): exact if a fast count of at most 5000 events is expected, else the estimate of the planner with approximate true. An exact answer for one value of one tag contains HyperLogLog registers of the authors, which clients can merge with the registers of other relays';

CREATE FUNCTION _bigbrotr.api_news(eids jsonb) RETURNS TABLE (item text, place bigint)
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT bigbrotr.event_json(row(e.eid, e.created_at, e.inserted_at, e.kind, e.event_id, e.pubkey, e.sig, e.tags, e.content, e.raw)::bigbrotr.events), n.place
		FROM jsonb_path_query(api_news.eids, '$[*] ? (@.type() == "number" && @ >= 0 && @ <= 9223372036854775807)') WITH ORDINALITY AS n (eid, place)
		     JOIN _bigbrotr.public_events AS e ON e.eid = n.eid::bigint
		ORDER BY n.place;
	END;
COMMENT ON FUNCTION _bigbrotr.api_news(jsonb) IS 'New events for subscriptions (NIP-01), in the order of the given eids, only events that may be shown to anybody; place: position of the eid in the list, from 1';

CREATE FUNCTION _bigbrotr.api_records(filters jsonb, row_limit integer) RETURNS refcursor
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	SET cursor_tuple_fraction = 1
	AS $$
DECLARE
	records refcursor;
BEGIN
	PERFORM _bigbrotr.limit_time('query');
	OPEN records NO SCROLL FOR EXECUTE format($query$SELECT q.created_at || ' ' || encode(q.event_id, 'hex'), '' FROM (%s) AS q LIMIT %s$query$,
		_bigbrotr.public_query_sql(filters), _bigbrotr.api_rows(row_limit));
	RETURN records;
END
$$;
COMMENT ON FUNCTION _bigbrotr.api_records(jsonb, integer) IS
	'Opens a cursor of created_at and id of the events that match a filter, for set reconciliation (NIP-77); at most row_limit';
