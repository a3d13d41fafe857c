-- Events that hide other events: newer versions (NIP-01), deletion requests (NIP-09) and vanish requests (NIP-62); and events
-- that expire (NIP-40). Hidden events stay archived: the views leave them out.

CREATE FUNCTION bigbrotr.event_address(pubkey bytea, kind integer, tags bigbrotr.tags) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_address';
COMMENT ON FUNCTION bigbrotr.event_address(bytea, integer, bigbrotr.tags) IS
	'Address of a replaceable or addressable event as in a tags: kind:pubkey:d (NIP-01); null: other kinds have no address';

-- The functions that are called for every row have no SET clause, which takes time; they qualify all names.
CREATE FUNCTION _bigbrotr.address_id(pubkey bytea, kind integer, tags bigbrotr.tags) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_address_id';
COMMENT ON FUNCTION _bigbrotr.address_id(bytea, integer, bigbrotr.tags) IS
	'Short key of the address of an event: its SHA-256, 32 bytes; null: the event has no address';

-- The index leaves out the many events that have no address.
CREATE INDEX events_address_idx ON bigbrotr.events (_bigbrotr.address_id(pubkey, kind, tags), created_at)
	WHERE _bigbrotr.address_id(pubkey, kind, tags) IS NOT NULL;

-- In the primary key the author comes before the request, so that a look-up of the requests of one author does not read
-- the requests of others for the same target, which can be many.
CREATE TABLE bigbrotr.deletions (
	target     bytea   NOT NULL,
	by_address boolean NOT NULL,
	pubkey     bytea   NOT NULL,
	event_id   bytea   NOT NULL,
	created_at bigint  NOT NULL,
	CONSTRAINT deletions_pkey PRIMARY KEY (target, by_address, pubkey, event_id)
);
COMMENT ON TABLE bigbrotr.deletions IS 'Targets of deletion requests (NIP-09), archived or not; one row per request and target';
COMMENT ON COLUMN bigbrotr.deletions.target IS 'id of the event, 32 bytes; if by_address is true: _bigbrotr.address_id of the events';
COMMENT ON COLUMN bigbrotr.deletions.by_address IS 'true: the request deletes all versions of an address up to created_at; false: one event';
COMMENT ON COLUMN bigbrotr.deletions.event_id IS 'id of the request (kind 5)';
COMMENT ON COLUMN bigbrotr.deletions.pubkey IS 'Author of the request: only events of this author are deleted';
COMMENT ON COLUMN bigbrotr.deletions.created_at IS 'created_at of the request, Unix seconds';

CREATE TABLE bigbrotr.vanish_requests (
	pubkey     bytea  NOT NULL,
	event_id   bytea  NOT NULL,
	created_at bigint NOT NULL,
	CONSTRAINT vanish_requests_pkey PRIMARY KEY (pubkey, event_id)
);
COMMENT ON TABLE bigbrotr.vanish_requests IS 'Requests to delete all events of an author from all relays (NIP-62)';
COMMENT ON COLUMN bigbrotr.vanish_requests.pubkey IS 'Author of the request: public key, 32 bytes';
COMMENT ON COLUMN bigbrotr.vanish_requests.event_id IS 'id of the request (kind 62)';
COMMENT ON COLUMN bigbrotr.vanish_requests.created_at IS 'The request covers all events of the author up to this time: created_at of the request, Unix seconds';

CREATE FUNCTION _bigbrotr.record_facts(eids bigint[]) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM _bigbrotr.check_elements(cardinality(eids));
	WITH requests AS MATERIALIZED ( -- MATERIALIZED, so that the planner reads the events by eid; no other index helps
		SELECT e.event_id, e.pubkey, e.created_at, e.kind, e.tags FROM bigbrotr.events AS e WHERE e.eid = ANY (eids)
	), vanished AS (
		INSERT INTO bigbrotr.vanish_requests (pubkey, event_id, created_at)
		SELECT r.pubkey, r.event_id, r.created_at FROM requests AS r
		WHERE r.kind = 62 AND 'ALL_RELAYS' = ANY (bigbrotr.tag_values(r.tags, 'relay'))
		ORDER BY 1, 2
		ON CONFLICT ON CONSTRAINT vanish_requests_pkey DO NOTHING
	)
	INSERT INTO bigbrotr.deletions (target, by_address, pubkey, event_id, created_at)
	SELECT decode(v.value, 'hex'), false, r.pubkey, r.event_id, r.created_at
	FROM requests AS r, unnest(bigbrotr.tag_values(r.tags, 'e')) AS v (value)
	WHERE r.kind = 5 AND length(v.value) = 64 AND v.value !~ '[^0-9a-f]'
	UNION
	-- Many clients omit the second colon of an address if d is empty.
	SELECT sha256(convert_to(v.value || CASE WHEN v.value ~ '^[^:]*:[^:]*$' THEN ':' ELSE '' END, 'UTF8')),
	       true, r.pubkey, r.event_id, r.created_at
	FROM requests AS r, unnest(bigbrotr.tag_values(r.tags, 'a')) AS v (value)
	WHERE r.kind = 5 AND split_part(v.value, ':', 2) = encode(r.pubkey, 'hex')
	ORDER BY 1, 2, 3, 4
	ON CONFLICT ON CONSTRAINT deletions_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_facts(bigint[]) IS
	'Stores the targets of the deletion requests (kind 5, NIP-09) and vanish requests (kind 62, NIP-62) among these events. The transaction that stores a new request calls it; a second call changes nothing';

CREATE FUNCTION _bigbrotr.certain_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_certain_support';
COMMENT ON FUNCTION _bigbrotr.certain_support(internal) IS
	'Planner support: says that a condition is true for nearly all rows';

CREATE FUNCTION bigbrotr.is_current(event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 SUPPORT _bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_is_current';
COMMENT ON FUNCTION bigbrotr.is_current(bytea, bytea, bigint, integer, bigbrotr.tags) IS
	'Whether no newer version of a replaceable or addressable event is archived; among versions of the same second the smallest id is the newest (NIP-01). true for all other kinds';

CREATE FUNCTION bigbrotr.is_visible(event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 SUPPORT _bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_is_visible';
COMMENT ON FUNCTION bigbrotr.is_visible(bytea, bytea, bigint, integer, bigbrotr.tags) IS
	'Whether an event is neither deleted (NIP-09) nor expired (NIP-40) nor vanished (NIP-62). Requests of a receiver also delete gift wraps (NIP-59); of many receivers, the first ten count';

CREATE VIEW bigbrotr.events_current AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_current IS 'Events without older versions of replaceable and addressable events';

CREATE VIEW bigbrotr.events_visible AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_visible IS 'Events that are neither deleted (NIP-09) nor expired (NIP-40) nor vanished (NIP-62), in all their versions';

CREATE VIEW bigbrotr.events_as_published AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
	  AND bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_as_published IS 'Events that are visible and in their newest version. If the newest version is deleted or expired, no older version replaces it';

-- Events that anonymous clients of the API may see.
CREATE FUNCTION _bigbrotr.is_public(kind integer, tags bigbrotr.tags) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 3 SUPPORT _bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_is_public';
COMMENT ON FUNCTION _bigbrotr.is_public(integer, bigbrotr.tags) IS
	'Whether an event may be shown to anybody: false for protected events (NIP-70), and for encrypted messages and their parts, which only their receivers may fetch (kinds 4, 13, 14, 15, 1059, 1060, 21059; NIP-04, NIP-17)';

CREATE VIEW _bigbrotr.public_versions AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE _bigbrotr.is_public(e.kind, e.tags)
	  AND bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW _bigbrotr.public_versions IS 'Events of bigbrotr.events_visible that may be shown to anybody';

CREATE VIEW _bigbrotr.public_events AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE _bigbrotr.is_public(e.kind, e.tags)
	  AND bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
	  AND bigbrotr.is_visible(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW _bigbrotr.public_events IS 'Events of bigbrotr.events_as_published that may be shown to anybody';

-- Each view needs a function of its own.
DO $views$
DECLARE
	view text;
BEGIN
	FOREACH view IN ARRAY ARRAY['events_current', 'events_visible', 'events_as_published'] LOOP
		EXECUTE format(
			$$CREATE FUNCTION bigbrotr.event_json(event bigbrotr.%I) RETURNS text
				LANGUAGE sql STABLE STRICT PARALLEL SAFE
				RETURN bigbrotr.event_json(ROW(%s)::bigbrotr.events)$$,
			view, (SELECT string_agg(format('(event).%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
			       WHERE a.attrelid = 'bigbrotr.events'::regclass AND a.attnum > 0 AND NOT a.attisdropped));
		EXECUTE format($$COMMENT ON FUNCTION bigbrotr.event_json(bigbrotr.%I) IS 'The event as NIP-01 JSON, exact'$$, view);
	END LOOP;
END
$views$;

SELECT pg_extension_config_dump('bigbrotr.deletions', '');
SELECT pg_extension_config_dump('bigbrotr.vanish_requests', '');
