-- Filters of the synchronizer: the part of a relay's events that it asks for. Without a filter it asks for all events.

CREATE FUNCTION _bigbrotr.sync_filter(filter jsonb) RETURNS jsonb
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_sync_filter';
COMMENT ON FUNCTION _bigbrotr.sync_filter(jsonb) IS
	'The filter (NIP-01) in canonical form: its lists are sorted. An error if it is not a filter, matches nothing, or has one of since, until, limit and search';

-- Coverage refers to rows of this table: only the column enabled of a row changes, and no filter_id is used twice.
CREATE TABLE bigbrotr.sync_filters (
	filter_id   integer GENERATED ALWAYS AS IDENTITY,
	relay_id    integer,
	filter      jsonb   NOT NULL,
	enabled     boolean NOT NULL DEFAULT true,
	inserted_at bigint  NOT NULL DEFAULT bigbrotr.unix_now(),
	CONSTRAINT sync_filters_pkey PRIMARY KEY (filter_id),
	CONSTRAINT sync_filters_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT sync_filters_filter_check CHECK (filter = _bigbrotr.sync_filter(filter))
);
CREATE UNIQUE INDEX sync_filters_filter_idx ON bigbrotr.sync_filters (coalesce(relay_id, 0), md5(filter::text));
COMMENT ON TABLE bigbrotr.sync_filters IS 'Filters that relays are asked for: the relay''s own filters if one of them is enabled, else the filters for all relays, else everything';
COMMENT ON COLUMN bigbrotr.sync_filters.filter_id IS 'Short key used by bigbrotr.coverage, where 0 means everything; 0 has no row in this table';
COMMENT ON COLUMN bigbrotr.sync_filters.relay_id IS 'bigbrotr.relays.relay_id; null: for all relays without filters of their own';
COMMENT ON COLUMN bigbrotr.sync_filters.filter IS 'The filter (NIP-01), without since, until, limit and search';
COMMENT ON COLUMN bigbrotr.sync_filters.enabled IS 'false: relays are no longer asked for the filter; events and coverage of the filter stay';
COMMENT ON COLUMN bigbrotr.sync_filters.inserted_at IS 'When the filter was added, Unix seconds';
SELECT pg_extension_config_dump('bigbrotr.sync_filters', '');
SELECT pg_extension_config_dump('bigbrotr.sync_filters_filter_id_seq', '');

CREATE FUNCTION bigbrotr.add_sync_filter(filter jsonb, relay_url text DEFAULT NULL) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 16;
	wanted jsonb := _bigbrotr.sync_filter(filter);
	relay integer;
	id integer;
BEGIN
	IF wanted IS NULL OR wanted = '{}' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a filter without conditions asks for everything',
			DETAIL = 'Relays without filters are asked for everything.',
			HINT = 'Use bigbrotr.remove_sync_filter to return to that.';
	END IF;
	IF relay_url IS NOT NULL THEN
		relay := bigbrotr.add_relay(relay_url);
	END IF;
	LOCK TABLE bigbrotr.sync_filters IN SHARE ROW EXCLUSIVE MODE;
	UPDATE bigbrotr.sync_filters AS f SET enabled = true
	WHERE coalesce(f.relay_id, 0) = coalesce(relay, 0) AND md5(f.filter::text) = md5(wanted::text)
	RETURNING f.filter_id INTO id;
	IF id IS NULL THEN
		INSERT INTO bigbrotr.sync_filters AS f (relay_id, filter) VALUES (relay, wanted) RETURNING f.filter_id INTO id;
	END IF;
	IF (SELECT count(*) FROM bigbrotr.sync_filters AS f WHERE f.enabled AND f.relay_id IS NOT DISTINCT FROM relay) > most THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('more than %s filters', most),
			DETAIL = 'Each of them is a question of its own to the relay, page after page.',
			HINT = 'Put kinds and authors together into fewer filters.';
	END IF;
	RETURN id;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_sync_filter(jsonb, text) IS
	'Lets the synchronizer ask a relay for this filter (NIP-01, without since, until, limit and search); relay_url null: all relays without filters of their own. The synchronizer closes relays that are open and opens them again. Returns the filter_id. An error if the filter has no condition, or the relay has more than 16 filters';

CREATE FUNCTION bigbrotr.remove_sync_filter(filter_id integer) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE bigbrotr.sync_filters AS f SET enabled = false WHERE f.filter_id = remove_sync_filter.filter_id AND f.enabled;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.remove_sync_filter(integer) IS
	'Ends asking relays for this filter; events that were read with the filter stay, and so does its coverage. false: no filter of this filter_id is enabled';

CREATE FUNCTION _bigbrotr.relay_filters(relay integer, OUT filter_id integer, OUT filter text) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		WITH enabled AS (
			SELECT f.filter_id, f.filter::text AS filter, f.relay_id IS NULL AS general
			FROM bigbrotr.sync_filters AS f
			WHERE f.enabled AND (f.relay_id = relay_filters.relay OR f.relay_id IS NULL)
		)
		SELECT e.filter_id, e.filter FROM enabled AS e
		WHERE e.general = (SELECT bool_and(a.general) FROM enabled AS a)
		UNION ALL
		SELECT 0, '{}' WHERE NOT EXISTS (SELECT FROM enabled)
		ORDER BY 1;
	END;
COMMENT ON FUNCTION _bigbrotr.relay_filters(integer) IS 'Filters that a relay is asked for; filter_id 0 with filter {} means everything';

-- The function compares list by list: each list of held must contain the list of asked with the same key.
CREATE FUNCTION _bigbrotr.filter_implies(asked jsonb, held jsonb) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN jsonb_typeof(held) = 'object' AND NOT EXISTS (
		SELECT FROM jsonb_each(CASE WHEN jsonb_typeof(held) = 'object' THEN held ELSE '{}' END) AS h
		WHERE (asked ? h.key AND asked -> h.key <@ h.value) IS NOT TRUE);
COMMENT ON FUNCTION _bigbrotr.filter_implies(jsonb, jsonb) IS
	'Whether the filter held matches every event that the filter asked matches. Compares list by list, so that it may return false although the implication is true; false if held is not a filter';
