\echo Use "CREATE EXTENSION bigbrotr" to load this file. \quit
-- Roles. They belong to the cluster, not to the extension: made if missing, never dropped by it.
--   bigbrotr_reader  reads everything
--   bigbrotr_writer  reader; feeds the archive through the functions below
--   bigbrotr_admin   writer; relays, deletions, services
--   bigbrotr_worker  writer; the background workers (before version 17 the server demands LOGIN;
--                    it has no password)

DO $roles$
DECLARE
	role record;
BEGIN
	FOR role IN
		SELECT * FROM (VALUES
			('bigbrotr_reader', 'NOLOGIN', 'bigbrotr: reads the archive'),
			('bigbrotr_writer', 'NOLOGIN', 'bigbrotr: feeds the archive'),
			('bigbrotr_admin', 'NOLOGIN', 'bigbrotr: manages relays and services'),
			('bigbrotr_worker', 'LOGIN', 'bigbrotr: the background workers run as this role')
		) AS wanted (name, login, comment)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role.name) THEN
			EXECUTE format('CREATE ROLE %I %s', role.name, role.login);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.name, role.comment);
		END IF;
	END LOOP;
	FOR role IN
		SELECT * FROM (VALUES
			('bigbrotr_writer', 'bigbrotr_reader'),
			('bigbrotr_admin', 'bigbrotr_writer'),
			('bigbrotr_worker', 'bigbrotr_writer')
		) AS wanted (member, parent)
	LOOP
		IF NOT pg_has_role(role.member, role.parent, 'MEMBER') THEN
			EXECUTE format('GRANT %I TO %I', role.parent, role.member);
		END IF;
	END LOOP;
END
$roles$;

-- The schema, and the type of an event's tags. To the outside tags are JSON; stored they take half of
-- what jsonb takes (src/nostr/packed_tags.h).
-- The install script runs with the search path pg_catalog: every name of ours is qualified.

CREATE SCHEMA bigbrotr;
COMMENT ON SCHEMA bigbrotr IS 'bigbrotr: the Nostr network observatory inside PostgreSQL';

CREATE TYPE bigbrotr.tags;

CREATE FUNCTION bigbrotr.tags_in(cstring) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_in';
COMMENT ON FUNCTION bigbrotr.tags_in(cstring) IS 'Input: JSON text';
CREATE FUNCTION bigbrotr.tags_out(bigbrotr.tags) RETURNS cstring
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_out';
COMMENT ON FUNCTION bigbrotr.tags_out(bigbrotr.tags) IS 'Output: JSON text in the canonical form (NIP-01)';
CREATE FUNCTION bigbrotr.tags_recv(internal) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_recv';
COMMENT ON FUNCTION bigbrotr.tags_recv(internal) IS 'Binary input, as that of jsonb: a byte 1, then JSON text';
CREATE FUNCTION bigbrotr.tags_send(bigbrotr.tags) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_send';
COMMENT ON FUNCTION bigbrotr.tags_send(bigbrotr.tags) IS 'Binary output, as that of jsonb: a byte 1, then JSON text';

CREATE TYPE bigbrotr.tags (
	INPUT = bigbrotr.tags_in,
	OUTPUT = bigbrotr.tags_out,
	RECEIVE = bigbrotr.tags_recv,
	SEND = bigbrotr.tags_send,
	ALIGNMENT = int4,
	STORAGE = extended
);
COMMENT ON TYPE bigbrotr.tags IS
	'Tags of an event (NIP-01): an array of non-empty arrays of strings, as JSON. Turns into jsonb and back by itself, so that operators and functions of jsonb work on it (but || with a bare literal joins texts: write tags::jsonb)';

-- Casts.
CREATE FUNCTION bigbrotr.tags_to_jsonb(tags bigbrotr.tags) RETURNS jsonb
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_jsonb';
COMMENT ON FUNCTION bigbrotr.tags_to_jsonb(bigbrotr.tags) IS 'Tags as jsonb: the cast';
CREATE FUNCTION bigbrotr.tags_to_json(tags bigbrotr.tags) RETURNS json
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tags_to_json';
COMMENT ON FUNCTION bigbrotr.tags_to_json(bigbrotr.tags) IS
	'Tags as json in the canonical form (NIP-01): the cast, which to_jsonb and row_to_json use';
CREATE FUNCTION bigbrotr.jsonb_to_tags(tags jsonb) RETURNS bigbrotr.tags
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_jsonb_to_tags';
COMMENT ON FUNCTION bigbrotr.jsonb_to_tags(jsonb) IS 'Tags from jsonb: the cast';

CREATE CAST (bigbrotr.tags AS jsonb) WITH FUNCTION bigbrotr.tags_to_jsonb(bigbrotr.tags) AS IMPLICIT;
COMMENT ON CAST (bigbrotr.tags AS jsonb) IS 'All that jsonb can do, tags can';
CREATE CAST (bigbrotr.tags AS json) WITH FUNCTION bigbrotr.tags_to_json(bigbrotr.tags);
COMMENT ON CAST (bigbrotr.tags AS json) IS 'Explicit only: the operators are those of jsonb';
CREATE CAST (jsonb AS bigbrotr.tags) WITH FUNCTION bigbrotr.jsonb_to_tags(jsonb) AS IMPLICIT;
COMMENT ON CAST (jsonb AS bigbrotr.tags) IS 'For functions on tags; an error for what is no tags';

-- Equal tags are equal bytes. So rows can be compared, sorted, grouped; the order itself means nothing.
DO $operators$
DECLARE
	item record;
BEGIN
	FOR item IN
		SELECT * FROM (VALUES
			('=', 'eq', '=', '<>', 'eqsel', 'eqjoinsel', 'Whether the tags are the same, in the same order'),
			('<>', 'ne', '<>', '=', 'neqsel', 'neqjoinsel', 'Whether the tags differ'),
			('<', 'lt', '>', '>=', 'scalarltsel', 'scalarltjoinsel', 'Order of the stored bytes'),
			('<=', 'le', '>=', '>', 'scalarlesel', 'scalarlejoinsel', 'Order of the stored bytes'),
			('>', 'gt', '<', '<=', 'scalargtsel', 'scalargtjoinsel', 'Order of the stored bytes'),
			('>=', 'ge', '<=', '<', 'scalargesel', 'scalargejoinsel', 'Order of the stored bytes')
		) AS o (operator, name, commutator, negator, restriction, "join", comment)
	LOOP
		EXECUTE format('CREATE FUNCTION bigbrotr.tags_%1$s(a bigbrotr.tags, b bigbrotr.tags) RETURNS boolean
			LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF AS %2$L', item.name, 'bytea' || item.name);
		EXECUTE format('COMMENT ON FUNCTION bigbrotr.tags_%s(bigbrotr.tags, bigbrotr.tags) IS %L', item.name, item.comment);
		EXECUTE format('CREATE OPERATOR bigbrotr.%1$s (LEFTARG = bigbrotr.tags, RIGHTARG = bigbrotr.tags,
			FUNCTION = bigbrotr.tags_%2$s, COMMUTATOR = OPERATOR(bigbrotr.%3$s), NEGATOR = OPERATOR(bigbrotr.%4$s),
			RESTRICT = %5$s, JOIN = %6$s %7$s)', item.operator, item.name, item.commutator, item.negator,
			item.restriction, item."join", CASE item.operator WHEN '=' THEN ', HASHES, MERGES' ELSE '' END);
		EXECUTE format('COMMENT ON OPERATOR bigbrotr.%s (bigbrotr.tags, bigbrotr.tags) IS %L', item.operator, item.comment);
	END LOOP;
END
$operators$;

CREATE FUNCTION bigbrotr.tags_cmp(a bigbrotr.tags, b bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE LEAKPROOF
	AS 'byteacmp';
COMMENT ON FUNCTION bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags) IS 'Order of the stored bytes: below, equal or above zero';
CREATE FUNCTION bigbrotr.tags_hash(tags bigbrotr.tags) RETURNS integer
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlena';
COMMENT ON FUNCTION bigbrotr.tags_hash(bigbrotr.tags) IS 'Hash of the stored bytes';
CREATE FUNCTION bigbrotr.tags_hash_extended(tags bigbrotr.tags, seed bigint) RETURNS bigint
	LANGUAGE internal IMMUTABLE STRICT PARALLEL SAFE
	AS 'hashvarlenaextended';
COMMENT ON FUNCTION bigbrotr.tags_hash_extended(bigbrotr.tags, bigint) IS 'Hash of the stored bytes';

CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING btree AS
	OPERATOR 1 bigbrotr.<, OPERATOR 2 bigbrotr.<=, OPERATOR 3 bigbrotr.=, OPERATOR 4 bigbrotr.>=, OPERATOR 5 bigbrotr.>,
	FUNCTION 1 bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING btree IS 'To sort and group rows with tags';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING btree IS 'To sort and group rows with tags';
CREATE OPERATOR CLASS bigbrotr.tags_ops DEFAULT FOR TYPE bigbrotr.tags USING hash AS
	OPERATOR 1 bigbrotr.=,
	FUNCTION 1 bigbrotr.tags_hash(bigbrotr.tags),
	FUNCTION 2 bigbrotr.tags_hash_extended(bigbrotr.tags, bigint);
COMMENT ON OPERATOR CLASS bigbrotr.tags_ops USING hash IS 'To group and join rows with tags';
COMMENT ON OPERATOR FAMILY bigbrotr.tags_ops USING hash IS 'To group and join rows with tags';

GRANT EXECUTE ON FUNCTION
	bigbrotr.tags_to_jsonb(bigbrotr.tags),
	bigbrotr.tags_to_json(bigbrotr.tags),
	bigbrotr.jsonb_to_tags(jsonb),
	bigbrotr.tags_eq(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_ne(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_lt(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_le(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_gt(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_ge(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_cmp(bigbrotr.tags, bigbrotr.tags),
	bigbrotr.tags_hash(bigbrotr.tags),
	bigbrotr.tags_hash_extended(bigbrotr.tags, bigint)
	TO bigbrotr_reader;
-- Tables of the archive. Timestamps are Unix seconds (UTC) in bigint, as everywhere in Nostr. Small tables that change
-- often are vacuumed after a number of changes, not after a share of their rows, and without a pause.

CREATE TABLE bigbrotr.relays (
	relay_id    integer GENERATED ALWAYS AS IDENTITY,
	url         text    NOT NULL,
	network     text    NOT NULL,
	inserted_at bigint  NOT NULL,
	last_seen   bigint,
	status      text,
	CONSTRAINT relays_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relays_url_key UNIQUE (url),
	CONSTRAINT relays_network_check CHECK (network IN ('clearnet', 'tor', 'i2p', 'loki', 'local'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.relays IS 'Relays, one row per normalised URL';
COMMENT ON COLUMN bigbrotr.relays.relay_id IS 'Short key used by the other tables';
COMMENT ON COLUMN bigbrotr.relays.url IS 'Normalised ws:// or wss:// URL, see bigbrotr.normalise_relay_url';
COMMENT ON COLUMN bigbrotr.relays.network IS 'clearnet, tor, i2p, loki (NIP-66 tag n) or local (not publicly reachable)';
COMMENT ON COLUMN bigbrotr.relays.inserted_at IS 'When the relay became known, Unix seconds';
COMMENT ON COLUMN bigbrotr.relays.last_seen IS 'When the relay last sent us anything, Unix seconds; null: never';
COMMENT ON COLUMN bigbrotr.relays.status IS 'online: the last connection attempt succeeded; offline: it failed or the connection broke; null: not tried';

-- No foreign keys to or from the tables of the ingest path: their row triggers cost 11 of 27 us an
-- event. The functions keep the references; bigbrotr.verify_references() proves it.
-- Of the columns of events the long ones come last, and none is null: so no byte goes to padding or
-- a map of nulls.
CREATE TABLE bigbrotr.events (
	eid         bigint  GENERATED ALWAYS AS IDENTITY (CACHE 64),
	created_at  bigint  NOT NULL,
	inserted_at bigint  NOT NULL,
	kind        integer NOT NULL,
	event_id    bytea   NOT NULL,
	pubkey      bytea   NOT NULL,
	sig         bytea   NOT NULL,
	tags        bigbrotr.tags NOT NULL,
	content     text    NOT NULL,
	raw         bytea   NOT NULL DEFAULT '',
	CONSTRAINT events_pkey PRIMARY KEY (event_id),
	CONSTRAINT events_eid_key UNIQUE (eid),
	CONSTRAINT events_sizes_check CHECK (octet_length(event_id) = 32 AND octet_length(pubkey) = 32 AND octet_length(sig) = 64),
	CONSTRAINT events_created_at_check CHECK (created_at >= 0),
	CONSTRAINT events_kind_check CHECK (kind BETWEEN 0 AND 65535)
);
DO $compression$
BEGIN
	IF 'lz4' = ANY ((SELECT s.enumvals FROM pg_settings AS s WHERE s.name = 'default_toast_compression')::text[]) THEN
		ALTER TABLE bigbrotr.events ALTER tags SET COMPRESSION lz4, ALTER content SET COMPRESSION lz4, ALTER raw SET COMPRESSION lz4;
	ELSE
		RAISE WARNING USING
			MESSAGE = 'the archive takes more time to write and read than necessary',
			DETAIL = 'This server was built without LZ4: long tags and texts are compressed by pglz.',
			HINT = 'Use a server that was built with it (--with-lz4).';
	END IF;
END
$compression$;
CREATE INDEX events_pubkey_created_at_idx ON bigbrotr.events (pubkey, created_at);
CREATE INDEX events_kind_created_at_idx ON bigbrotr.events (kind, created_at);
CREATE INDEX events_created_at_idx ON bigbrotr.events (created_at);
COMMENT ON TABLE bigbrotr.events IS 'Verified events (NIP-01): id and signature were checked before the row was written';
COMMENT ON COLUMN bigbrotr.events.eid IS 'Short key used by bigbrotr.sightings; says nothing about order';
COMMENT ON COLUMN bigbrotr.events.created_at IS 'What the author claims, Unix seconds; may lie in the future or be milliseconds by mistake (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.inserted_at IS 'When it was archived, Unix seconds';
COMMENT ON COLUMN bigbrotr.events.kind IS '0 .. 65535 (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.event_id IS 'id: SHA-256 of the canonical form, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.pubkey IS 'Author: x-only secp256k1 public key, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.sig IS 'BIP-340 signature over event_id, 64 bytes';
COMMENT ON COLUMN bigbrotr.events.tags IS 'Array of non-empty arrays of strings (NIP-01); U+FFFD stands for U+0000, then raw is set';
COMMENT ON COLUMN bigbrotr.events.content IS 'Text (NIP-01); U+FFFD stands for U+0000, then raw is set';
COMMENT ON COLUMN bigbrotr.events.raw IS 'The exact JSON (UTF-8) of an event with U+0000, which text and tags cannot hold; empty for all others';

CREATE TABLE bigbrotr.sightings (
	eid      bigint  NOT NULL,
	relay_id integer NOT NULL,
	seen_at  bigint  NOT NULL,
	CONSTRAINT sightings_pkey PRIMARY KEY (eid, relay_id)
);
CREATE INDEX sightings_relay_id_idx ON bigbrotr.sightings (relay_id);
COMMENT ON TABLE bigbrotr.sightings IS 'Which relay delivered which event; the view bigbrotr.event_relay shows ids and URLs';
COMMENT ON COLUMN bigbrotr.sightings.eid IS 'bigbrotr.events.eid';
COMMENT ON COLUMN bigbrotr.sightings.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.sightings.seen_at IS 'When the relay first delivered the event, Unix seconds';

-- What is proven, and what was seen in part: ranges, not a cursor, since a cursor cannot say where
-- the holes are. Ranges of one relay and filter never overlap; proven ones do not even touch.
CREATE TABLE bigbrotr.coverage (
	relay_id  integer NOT NULL,
	filter    jsonb   NOT NULL DEFAULT '{}',
	lower     bigint  NOT NULL,
	upper     bigint  NOT NULL,
	evidence  text    NOT NULL,
	events    bigint  NOT NULL,
	proven_at bigint  NOT NULL,
	CONSTRAINT coverage_pkey PRIMARY KEY (relay_id, filter, lower),
	CONSTRAINT coverage_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT coverage_evidence_check CHECK (evidence IN ('paged', 'exhausted', 'dense')),
	CONSTRAINT coverage_range_check CHECK (0 <= lower AND lower <= upper)
);
COMMENT ON TABLE bigbrotr.coverage IS 'Time ranges for which it is proven that everything a relay served is archived';
COMMENT ON COLUMN bigbrotr.coverage.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.coverage.filter IS 'The NIP-01 filter asked, without since, until and limit; {}: all events';
COMMENT ON COLUMN bigbrotr.coverage.lower IS 'First created_at covered, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.upper IS 'Last created_at covered, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.evidence IS 'exhausted: read until nothing older came; paged: read until the relay went on to older events; dense: a second with more events than a page holds, seen in part, NOT proven; where a relay has a thousand of these, also a range from one to another';
COMMENT ON COLUMN bigbrotr.coverage.events IS 'Events delivered in the range while it was read; more than the true number where seconds were read twice';
COMMENT ON COLUMN bigbrotr.coverage.proven_at IS 'All of the range was read at this time or later, Unix seconds; of a dense one: when it was last tried';

-- When the synchronizer opens which relay: changes when a relay is opened, caught up or ended.
CREATE TABLE bigbrotr.relay_sync (
	relay_id     integer NOT NULL,
	enabled      boolean NOT NULL DEFAULT true,
	phase        text    NOT NULL DEFAULT 'waiting',
	phase_since  bigint  NOT NULL,
	next_attempt bigint  NOT NULL DEFAULT 0,
	waits_for    text,
	failures     integer NOT NULL DEFAULT 0,
	faults       integer NOT NULL DEFAULT 0,
	last_fault   bigint,
	last_error   text,
	last_detail  text,
	page_limit   integer NOT NULL DEFAULT 0,
	pace_ms      integer NOT NULL DEFAULT 0,
	CONSTRAINT relay_sync_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_sync_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_sync_phase_check CHECK (phase IN ('waiting', 'connecting', 'backfill', 'live', 'backoff'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_sync_due_idx ON bigbrotr.relay_sync (next_attempt, relay_id)
	WHERE enabled AND phase IN ('waiting', 'backoff') AND waits_for IS NULL;
CREATE INDEX relay_sync_waits_for_idx ON bigbrotr.relay_sync (waits_for, next_attempt) WHERE waits_for IS NOT NULL;
COMMENT ON TABLE bigbrotr.relay_sync IS 'State of the synchronizer, one row per relay';
COMMENT ON COLUMN bigbrotr.relay_sync.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_sync.enabled IS 'false: the synchronizer leaves the relay alone';
COMMENT ON COLUMN bigbrotr.relay_sync.phase IS 'waiting: for its turn; connecting; backfill: history is being paged; live: caught up, subscribed to what is new; backoff: failed, waits for next_attempt';
COMMENT ON COLUMN bigbrotr.relay_sync.phase_since IS 'When the phase began, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_sync.next_attempt IS 'Not opened before, Unix seconds; 0: never tried';
COMMENT ON COLUMN bigbrotr.relay_sync.waits_for IS 'Why the relay was passed over at its turn: "host …" or "site …": all places of its host or site are taken; permission: local relays are not allowed; proxy: there is none; null: it was not';
COMMENT ON COLUMN bigbrotr.relay_sync.failures IS 'Connections failed or broken since the last page was read';
COMMENT ON COLUMN bigbrotr.relay_sync.faults IS 'Connections that we cut since the relay sent what no honest one sends; one is forgiven a day';
COMMENT ON COLUMN bigbrotr.relay_sync.last_fault IS 'When the last of these was, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_sync.last_error IS 'Reason code of the last failure';
COMMENT ON COLUMN bigbrotr.relay_sync.last_detail IS 'What the relay or the system said at the last failure';
COMMENT ON COLUMN bigbrotr.relay_sync.page_limit IS 'Events that one page may ask for, as learned from failures; 0: as bigbrotr.sync_page_limit says';
COMMENT ON COLUMN bigbrotr.relay_sync.pace_ms IS 'Milliseconds between two requests, as learned from complaints; 0: no pause';

-- What came from each relay: written every twenty seconds or so, and when a relay is opened, caught up or ended.
CREATE TABLE bigbrotr.relay_traffic (
	relay_id     integer NOT NULL,
	events       bigint  NOT NULL DEFAULT 0,
	sightings    bigint  NOT NULL DEFAULT 0,
	messages     bigint  NOT NULL DEFAULT 0,
	bytes        bigint  NOT NULL DEFAULT 0,
	pages        bigint  NOT NULL DEFAULT 0,
	last_success bigint,
	CONSTRAINT relay_traffic_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_traffic_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.relay_traffic IS 'Counters of the synchronizer, one row per relay that was heard of. Up to half a minute behind; what a crash meets uncounted stays uncounted';
COMMENT ON COLUMN bigbrotr.relay_traffic.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_traffic.events IS 'Events first archived through this relay';
COMMENT ON COLUMN bigbrotr.relay_traffic.sightings IS 'Sightings archived';
COMMENT ON COLUMN bigbrotr.relay_traffic.messages IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.relay_traffic.bytes IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.relay_traffic.pages IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.relay_traffic.last_success IS 'When a page was last read to its end, Unix seconds';

-- Who works on which relay until when. Run-time state: not dumped.
CREATE TABLE bigbrotr.sync_workers (
	owner   text   NOT NULL,
	expires bigint NOT NULL,
	CONSTRAINT sync_workers_pkey PRIMARY KEY (owner)
) WITH (fillfactor = 50);
COMMENT ON TABLE bigbrotr.sync_workers IS 'Workers that archive relays';
COMMENT ON COLUMN bigbrotr.sync_workers.owner IS 'Name of the worker: system identifier of its server, database, service and instance';
COMMENT ON COLUMN bigbrotr.sync_workers.expires IS 'From then on others may take its leases away, Unix seconds';

CREATE TABLE bigbrotr.relay_leases (
	relay_id integer NOT NULL,
	owner    text    NOT NULL,
	host     text    NOT NULL,
	site     text    NOT NULL,
	taken_at bigint  NOT NULL,
	CONSTRAINT relay_leases_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_leases_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays,
	CONSTRAINT relay_leases_owner_fkey FOREIGN KEY (owner) REFERENCES bigbrotr.sync_workers
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_leases_owner_idx ON bigbrotr.relay_leases (owner);
CREATE INDEX relay_leases_host_idx ON bigbrotr.relay_leases (host);
CREATE INDEX relay_leases_site_idx ON bigbrotr.relay_leases (site);
COMMENT ON TABLE bigbrotr.relay_leases IS 'Which worker archives which relay now. A relay with a lease cannot be deleted: disable it, then wait until the lease is gone';
COMMENT ON COLUMN bigbrotr.relay_leases.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_leases.owner IS 'bigbrotr.sync_workers.owner';
COMMENT ON COLUMN bigbrotr.relay_leases.host IS 'Host of the relay''s URL';
COMMENT ON COLUMN bigbrotr.relay_leases.site IS 'Domain that somebody registered, by the Public Suffix List; of an address the address itself';
COMMENT ON COLUMN bigbrotr.relay_leases.taken_at IS 'Unix seconds';

CREATE TABLE bigbrotr.relay_refusals (
	relay_id    integer NOT NULL,
	reason      text    NOT NULL,
	count       bigint  NOT NULL,
	first_at    bigint  NOT NULL,
	last_at     bigint  NOT NULL,
	last_detail text,
	CONSTRAINT relay_refusals_pkey PRIMARY KEY (relay_id, reason),
	CONSTRAINT relay_refusals_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.relay_refusals IS 'What relays sent and we refused, counted by reason';
COMMENT ON COLUMN bigbrotr.relay_refusals.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_refusals.reason IS 'Reason code, such as id_mismatch';
COMMENT ON COLUMN bigbrotr.relay_refusals.count IS 'How often';
COMMENT ON COLUMN bigbrotr.relay_refusals.first_at IS 'First time, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_refusals.last_at IS 'Last time, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_refusals.last_detail IS 'What was refused the last time, printable ASCII';

CREATE TABLE bigbrotr.event_rejects (
	event_id    bytea   NOT NULL,
	relay_id    integer,
	rejected_at bigint  NOT NULL,
	sqlstate    text    NOT NULL,
	message     text    NOT NULL,
	raw         bytea   NOT NULL,
	CONSTRAINT event_rejects_pkey PRIMARY KEY (event_id)
);
COMMENT ON TABLE bigbrotr.event_rejects IS 'Verified events that the database itself would not take, kept whole';
COMMENT ON COLUMN bigbrotr.event_rejects.event_id IS 'id of the event, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.event_rejects.relay_id IS 'bigbrotr.relays.relay_id of the relay that delivered it';
COMMENT ON COLUMN bigbrotr.event_rejects.rejected_at IS 'Unix seconds';
COMMENT ON COLUMN bigbrotr.event_rejects.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN bigbrotr.event_rejects.message IS 'Message of the error';
COMMENT ON COLUMN bigbrotr.event_rejects.raw IS 'The exact JSON of the event (UTF-8)';

CREATE TABLE bigbrotr.seed_rejects (
	source  text    NOT NULL,
	line    integer NOT NULL,
	text    text    NOT NULL,
	reason  text    NOT NULL,
	read_at bigint  NOT NULL,
	CONSTRAINT seed_rejects_pkey PRIMARY KEY (source, line)
);
COMMENT ON TABLE bigbrotr.seed_rejects IS 'Lines of seed lists that are no relay, as of the last load of each list';
COMMENT ON COLUMN bigbrotr.seed_rejects.source IS 'Name of the list, as given to bigbrotr.load_seeds';
COMMENT ON COLUMN bigbrotr.seed_rejects.line IS 'Line number, from 1; 0: the whole list';
COMMENT ON COLUMN bigbrotr.seed_rejects.text IS 'The line, cut after 500 characters; of the whole list: what is wrong with it';
COMMENT ON COLUMN bigbrotr.seed_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url, local_address or unreadable';
COMMENT ON COLUMN bigbrotr.seed_rejects.read_at IS 'When the list was loaded, Unix seconds';

CREATE TABLE bigbrotr.relay_checks (
	relay_id             integer NOT NULL,
	generated_at         bigint  NOT NULL,
	nip66_present        boolean NOT NULL DEFAULT false,
	nip66_openable       boolean,
	nip66_readable       boolean,
	nip66_writable       boolean,
	nip66_rtt_open       integer,
	nip66_rtt_read       integer,
	nip66_rtt_write      integer,
	nip11_present        boolean NOT NULL DEFAULT false,
	nip11_name           text,
	nip11_description    text,
	nip11_pubkey         text,
	nip11_contact        text,
	nip11_supported_nips jsonb,
	nip11_software       text,
	nip11_version        text,
	CONSTRAINT relay_checks_pkey PRIMARY KEY (relay_id, generated_at),
	CONSTRAINT relay_checks_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
);
COMMENT ON TABLE bigbrotr.relay_checks IS 'Measurements of relays; the view bigbrotr.relay_metadata shows URLs';
COMMENT ON COLUMN bigbrotr.relay_checks.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_checks.generated_at IS 'When it was measured, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_present IS 'Whether the relay was measured (NIP-66)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_openable IS 'Whether a WebSocket could be opened';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_readable IS 'Whether a REQ was answered';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_writable IS 'Whether an EVENT was accepted';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_rtt_open IS 'Milliseconds to open (NIP-66 tag rtt-open)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_rtt_read IS 'Milliseconds to the answer of a REQ (NIP-66 tag rtt-read)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip66_rtt_write IS 'Milliseconds to the answer of an EVENT (NIP-66 tag rtt-write)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_present IS 'Whether a relay information document was served (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_name IS 'name (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_description IS 'description (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_pubkey IS 'pubkey as served; not always a key (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_contact IS 'contact (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_supported_nips IS 'supported_nips (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_software IS 'software (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_checks.nip11_version IS 'version (NIP-11)';

-- pg_dump takes the rows of these along (those of an extension's tables it leaves out otherwise).
SELECT pg_extension_config_dump('bigbrotr.relays', '');
SELECT pg_extension_config_dump('bigbrotr.relays_relay_id_seq', '');
SELECT pg_extension_config_dump('bigbrotr.events', '');
SELECT pg_extension_config_dump('bigbrotr.events_eid_seq', '');
SELECT pg_extension_config_dump('bigbrotr.sightings', '');
SELECT pg_extension_config_dump('bigbrotr.coverage', '');
SELECT pg_extension_config_dump('bigbrotr.relay_sync', '');
SELECT pg_extension_config_dump('bigbrotr.relay_traffic', '');
SELECT pg_extension_config_dump('bigbrotr.relay_refusals', '');
SELECT pg_extension_config_dump('bigbrotr.event_rejects', '');
SELECT pg_extension_config_dump('bigbrotr.seed_rejects', '');
SELECT pg_extension_config_dump('bigbrotr.relay_checks', '');

-- The services: what they do, and how to command them. Everything acts on the current database; all
-- state is in shared memory, so nothing here waits for, or is undone by, a transaction.

CREATE FUNCTION bigbrotr.service_states(
	OUT database text,
	OUT service text,
	OUT instance integer,
	OUT state text,
	OUT pid integer,
	OUT since timestamptz,
	OUT last_success timestamptz,
	OUT last_error text,
	OUT sqlstate text,
	OUT health text,
	OUT health_checks bigint,
	OUT health_failures bigint,
	OUT restarts bigint,
	OUT cycles bigint,
	OUT cycle_last_ms double precision,
	OUT cycle_mean_ms double precision,
	OUT cycle_max_ms double precision,
	OUT next_start timestamptz,
	OUT waiting_for text)
	RETURNS SETOF record
	LANGUAGE C VOLATILE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_states';
COMMENT ON FUNCTION bigbrotr.service_states() IS 'rows of view bigbrotr.services';

CREATE VIEW bigbrotr.services AS
	SELECT * FROM bigbrotr.service_states();
COMMENT ON VIEW bigbrotr.services IS
	'the services of all served databases: what each one does now, and how it fares';
COMMENT ON COLUMN bigbrotr.services.database IS 'the database it serves';
COMMENT ON COLUMN bigbrotr.services.service IS 'its name, as the functions service_… take it';
COMMENT ON COLUMN bigbrotr.services.instance IS 'number of the worker among those of the service in this database, from 1 on';
COMMENT ON COLUMN bigbrotr.services.state IS
	'disabled: not to run; enabled: waits for what it needs; running; backoff: failed, starts again at next_start; draining: being ended; paused; done: ran to its end';
COMMENT ON COLUMN bigbrotr.services.pid IS 'process of its worker, as in pg_stat_activity';
COMMENT ON COLUMN bigbrotr.services.since IS 'when it came into its state';
COMMENT ON COLUMN bigbrotr.services.last_success IS 'the last commit or the end of the last good cycle';
COMMENT ON COLUMN bigbrotr.services.last_error IS 'the last failure, or why the service cannot start yet; null in sessions of another database';
COMMENT ON COLUMN bigbrotr.services.sqlstate IS 'error code of last_error';
COMMENT ON COLUMN bigbrotr.services.health IS 'result of the last health check: unknown, healthy or unhealthy';
COMMENT ON COLUMN bigbrotr.services.health_checks IS 'since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.health_failures IS 'health checks without a good result, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.restarts IS 'starts after the first one in this run of the server, those after a crash included';
COMMENT ON COLUMN bigbrotr.services.cycles IS 'since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.cycle_last_ms IS 'time of the last cycle';
COMMENT ON COLUMN bigbrotr.services.cycle_mean_ms IS 'mean time of a cycle, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.cycle_max_ms IS 'longest time of a cycle, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.next_start IS 'when it is tried again; null if it runs or waits for no time';
COMMENT ON COLUMN bigbrotr.services.waiting_for IS 'what it waits for now; null if for nothing, and in sessions of another database';

CREATE FUNCTION bigbrotr.service_start(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_start';
COMMENT ON FUNCTION bigbrotr.service_start(text) IS
	'starts a service that was stopped, is done, waits after a failure or was given up after crashes';

CREATE FUNCTION bigbrotr.service_stop(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_stop';
COMMENT ON FUNCTION bigbrotr.service_stop(text) IS
	'stops a service until it is started again, also over a restart of the server; returns when its workers are gone';

CREATE FUNCTION bigbrotr.service_restart(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_restart';
COMMENT ON FUNCTION bigbrotr.service_restart(text) IS 'ends the workers of a service and starts new ones';

CREATE FUNCTION bigbrotr.service_pause(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_pause';
COMMENT ON FUNCTION bigbrotr.service_pause(text) IS
	'keeps a service from working, with its workers and their connections, until service_resume, also over a restart of the server';

CREATE FUNCTION bigbrotr.service_resume(name text) RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_resume';
COMMENT ON FUNCTION bigbrotr.service_resume(text) IS 'ends service_pause';

CREATE FUNCTION bigbrotr.service_wait(name text, state text, timeout interval DEFAULT '30 s')
	RETURNS boolean
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_wait';
COMMENT ON FUNCTION bigbrotr.service_wait(text, text, interval) IS
	'waits until all workers of a service are in a state; false if that takes longer';

CREATE FUNCTION bigbrotr.health_check(name text) RETURNS boolean
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_health_check';
COMMENT ON FUNCTION bigbrotr.health_check(text) IS
	'asks a service now whether it is well; false if it is not, does not run or does not answer within 30 s';

CREATE FUNCTION bigbrotr.service_stats(name text, instance integer DEFAULT 1) RETURNS jsonb
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_stats';
COMMENT ON FUNCTION bigbrotr.service_stats(text, integer) IS
	'statistics of one worker of a service since its start: {name, uptime_seconds, health_checks {total, failed, success_rate}, custom {…}}';

CREATE FUNCTION bigbrotr.stop_workers() RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_stop_workers';
COMMENT ON FUNCTION bigbrotr.stop_workers() IS
	'service_stop for all services of this database';

CREATE FUNCTION bigbrotr.start_workers() RETURNS void
	LANGUAGE C VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_start_workers';
COMMENT ON FUNCTION bigbrotr.start_workers() IS
	'service_start for all services of this database';

CREATE FUNCTION bigbrotr.setting_declarations(
	OUT name text,
	OUT part text,
	OUT default_value text,
	OUT minimum text,
	OUT maximum text)
	RETURNS SETOF record
	LANGUAGE C STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_setting_declarations';
COMMENT ON FUNCTION bigbrotr.setting_declarations() IS
	'the settings as the library declares them, for view bigbrotr.settings';

CREATE VIEW bigbrotr.settings AS
	SELECT d.name, current_setting(d.name) AS value, d.default_value, d.minimum, d.maximum,
		s.context, d.part, s.source, s.short_desc AS meaning
	FROM bigbrotr.setting_declarations() AS d JOIN pg_settings AS s ON s.name = d.name;
COMMENT ON VIEW bigbrotr.settings IS 'Settings of bigbrotr in this session; those that only administrators may see are shown to them alone';
COMMENT ON COLUMN bigbrotr.settings.name IS 'Name of the setting';
COMMENT ON COLUMN bigbrotr.settings.value IS 'Its value, with unit';
COMMENT ON COLUMN bigbrotr.settings.default_value IS 'The value that it has if nobody sets it';
COMMENT ON COLUMN bigbrotr.settings.minimum IS 'The least value allowed; null if it is no number';
COMMENT ON COLUMN bigbrotr.settings.maximum IS 'The largest value allowed; null if it is no number or only the type limits it';
COMMENT ON COLUMN bigbrotr.settings.context IS 'How it can be set, as in pg_settings: sighup takes a reload, superuser and user a SET';
COMMENT ON COLUMN bigbrotr.settings.part IS 'What it is for: frame (all services), functions (SQL functions), or the service of that name';
COMMENT ON COLUMN bigbrotr.settings.source IS 'Where the value comes from, as in pg_settings: default, configuration file, session …';
COMMENT ON COLUMN bigbrotr.settings.meaning IS 'What it does';

GRANT EXECUTE ON FUNCTION
	bigbrotr.service_states(),
	bigbrotr.service_stats(text, integer),
	bigbrotr.service_wait(text, text, interval),
	bigbrotr.setting_declarations()
	TO bigbrotr_reader;
GRANT EXECUTE ON FUNCTION
	bigbrotr.service_start(text),
	bigbrotr.service_stop(text),
	bigbrotr.service_restart(text),
	bigbrotr.service_pause(text),
	bigbrotr.service_resume(text),
	bigbrotr.health_check(text),
	bigbrotr.stop_workers(),
	bigbrotr.start_workers()
	TO bigbrotr_admin;
-- Functions of the archive: relays, seed lists, events, sightings.
-- Arrays run in parallel: their n-th elements belong together.

CREATE FUNCTION bigbrotr.normalise_relay_url(
	text text, lenient boolean DEFAULT false,
	OUT url text, OUT network text, OUT reason text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_normalise_relay_url';
COMMENT ON FUNCTION bigbrotr.normalise_relay_url(text, boolean) IS
	'One spelling for one relay endpoint, and its network; if it is no relay URL, url is null and reason a reason code. lenient: bare hosts and http(s) are read as ws(s)';

CREATE FUNCTION bigbrotr.unix_now() RETURNS bigint
	LANGUAGE sql STABLE PARALLEL SAFE
	RETURN floor(extract(epoch FROM now()))::bigint;
COMMENT ON FUNCTION bigbrotr.unix_now() IS 'Start of the transaction, Unix seconds';

-- Policy beside the pure normaliser: local relays only if a setting says so.
CREATE FUNCTION bigbrotr.allow_local_relays() RETURNS boolean
	LANGUAGE c STABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_allow_local_relays';
COMMENT ON FUNCTION bigbrotr.allow_local_relays() IS 'The setting bigbrotr.allow_local_relays, for everybody';

CREATE FUNCTION bigbrotr.require_relay(given text, OUT url text, OUT network text)
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
			HINT = 'bigbrotr.normalise_relay_url(text) returns the reason instead of raising an error.';
	END IF;
	IF network = 'local' AND NOT bigbrotr.allow_local_relays() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('relay "%s" is not publicly reachable', url),
			DETAIL = 'Its address is one of this machine or of a private network.',
			HINT = 'Set bigbrotr.allow_local_relays to accept such relays.';
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.require_relay(text) IS
	'Normalises a relay''s URL; an error if it is none, or of a relay that is not allowed';

CREATE FUNCTION bigbrotr.add_relay(url text) RETURNS integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
	id integer;
BEGIN
	SELECT * INTO relay FROM bigbrotr.require_relay(add_relay.url) AS r;
	INSERT INTO bigbrotr.relays AS r (url, network, inserted_at)
		VALUES (relay.url, relay.network, bigbrotr.unix_now())
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
		RETURNING r.relay_id INTO id;
	IF id IS NULL THEN
		SELECT r.relay_id INTO STRICT id FROM bigbrotr.relays AS r WHERE r.url = relay.url;
	END IF;
	INSERT INTO bigbrotr.relay_sync (relay_id, phase_since) VALUES (id, bigbrotr.unix_now())
		ON CONFLICT DO NOTHING;
	RETURN id;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_relay(text) IS 'Makes a relay known, if it is not yet, and returns its relay_id';

CREATE FUNCTION bigbrotr.load_seeds(
	source text, content text,
	OUT added bigint, OUT known bigint, OUT refused bigint)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	at bigint := bigbrotr.unix_now();
	accepted bigint;
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

	DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = load_seeds.source;
	WITH lines AS MATERIALIZED (
		SELECT l.line, l.text, n.url, n.network,
		       CASE WHEN n.network = 'local' AND NOT bigbrotr.allow_local_relays()
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
		GROUP BY l.url ORDER BY min(l.line)
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING
		RETURNING relay_id
	), states AS (
		INSERT INTO bigbrotr.relay_sync (relay_id, phase_since) SELECT relay_id, at FROM relays
	)
	SELECT count(*) FILTER (WHERE l.reason IS NULL), count(*) FILTER (WHERE l.reason IS NOT NULL),
	       (SELECT count(*) FROM relays)
	INTO accepted, refused, added FROM lines AS l;
	known := accepted - added;
END
$$;
COMMENT ON FUNCTION bigbrotr.load_seeds(text, text) IS
	'Makes the relays of a list known: one URL a line, # begins a comment line. known: lines whose relay was known before or stands above. Refused lines are in bigbrotr.seed_rejects with their reason, which replace those of an earlier load of the same source';

CREATE FUNCTION bigbrotr.reject_seeds(source text, problem text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		DELETE FROM bigbrotr.seed_rejects AS r WHERE r.source = reject_seeds.source;
		INSERT INTO bigbrotr.seed_rejects (source, line, text, reason, read_at)
		VALUES (left(reject_seeds.source, 1000), 0, left(reject_seeds.problem, 500), 'unreadable', bigbrotr.unix_now());
	END;
COMMENT ON FUNCTION bigbrotr.reject_seeds(text, text) IS
	'Notes in bigbrotr.seed_rejects why a whole list could not be read, as line 0';

CREATE FUNCTION bigbrotr.known_events(event_ids bytea[]) RETURNS boolean[]
	LANGUAGE c STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_known_events';
COMMENT ON FUNCTION bigbrotr.known_events(bytea[]) IS
	'For each id: is the event archived, or rejected by the database for good?';

-- One statement does not allocate memory without bound, however long a list is.
CREATE FUNCTION bigbrotr.check_elements(elements integer) RETURNS void
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
COMMENT ON FUNCTION bigbrotr.check_elements(integer) IS 'An error if a list given to a function has more elements than a list may have';

CREATE FUNCTION bigbrotr.hold_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_hold_events';
COMMENT ON FUNCTION bigbrotr.hold_events(bytea[]) IS
	'For each id the eid of the event, null: it is not archived. The events cannot be deleted until the transaction ends. To be called before rows that refer to them are written';

-- Events sorted by id, then sightings by eid and relay, as every writer does it: two that bring the
-- same wait for each other, but never in a circle.
CREATE FUNCTION bigbrotr.store_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[], at bigint) RETURNS bytea[]
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	stored bytea[];
	speaking bigint[]; -- of others: deletion and vanish requests
BEGIN
	PERFORM bigbrotr.check_elements(cardinality(event_ids));
	IF (cardinality(event_ids) = ALL (ARRAY[cardinality(pubkeys), cardinality(created_ats), cardinality(kinds),
		cardinality(tags), cardinality(contents), cardinality(sigs), cardinality(raws)])) IS NOT TRUE THEN
		RAISE array_subscript_error USING
			MESSAGE = 'the arrays of events differ in length',
			DETAIL = 'Their n-th elements belong together.', HINT = 'An array for a part that is missing is made of nulls.';
	END IF;
	WITH new AS (
		INSERT INTO bigbrotr.events (created_at, inserted_at, kind, event_id, pubkey, sig, tags, content, raw)
		SELECT a.created_at, at, a.kind, a.event_id, a.pubkey, a.sig, a.tags::bigbrotr.tags, a.content, coalesce(a.raw, '')
		FROM unnest(event_ids, pubkeys, created_ats, kinds, tags, contents, sigs, raws) WITH ORDINALITY
		     AS a (event_id, pubkey, created_at, kind, tags, content, sig, raw, n)
		ORDER BY a.event_id, a.n
		ON CONFLICT ON CONSTRAINT events_pkey DO NOTHING
		RETURNING event_id, eid, kind
	)
	SELECT array_agg(event_id), array_agg(eid) FILTER (WHERE kind IN (5, 62)) INTO stored, speaking FROM new;
	IF speaking IS NOT NULL THEN
		PERFORM bigbrotr.record_facts(speaking);
	END IF;
	RETURN coalesce(stored, '{}');
END
$$;
COMMENT ON FUNCTION bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint) IS
	'Archives verified events (nothing is verified here) and returns the ids of those that are new. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; at: Unix seconds';

CREATE FUNCTION bigbrotr.hold_relays(relay_ids integer[]) RETURNS integer[]
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM bigbrotr.check_elements(cardinality(relay_ids));
	RETURN ARRAY(SELECT r.relay_id FROM bigbrotr.relays AS r
		WHERE r.relay_id = ANY (ARRAY(SELECT DISTINCT unnest(relay_ids)))
		ORDER BY r.relay_id FOR KEY SHARE);
END
$$;
COMMENT ON FUNCTION bigbrotr.hold_relays(integer[]) IS
	'Those of the relays that exist; they cannot be deleted until the transaction ends. To be called before anything else is written about them: a deletion takes its locks in the same order';

CREATE FUNCTION bigbrotr.store_sightings(
	event_ids bytea[], relay_ids integer[], seen_ats bigint[],
	OUT relay_id integer, OUT new bigint) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	existing integer[];
	eids bigint[];
BEGIN
	IF (cardinality(event_ids) = ALL (ARRAY[cardinality(relay_ids), cardinality(seen_ats)])) IS NOT TRUE THEN
		RAISE array_subscript_error USING
			MESSAGE = 'the arrays of sightings differ in length',
			DETAIL = 'Their n-th elements belong together.', HINT = 'Each sighting has an event, a relay and a time.';
	END IF;
	eids := bigbrotr.hold_events(event_ids);
	existing := bigbrotr.hold_relays(relay_ids);
	RETURN QUERY
	WITH stored AS (
		INSERT INTO bigbrotr.sightings AS s (eid, relay_id, seen_at)
		SELECT a.eid, a.relay_id, a.seen_at
		FROM unnest(eids, relay_ids, seen_ats) WITH ORDINALITY AS a (eid, relay_id, seen_at, n)
		WHERE a.eid IS NOT NULL AND a.relay_id = ANY (existing)
		ORDER BY a.eid, a.relay_id, a.n
		ON CONFLICT ON CONSTRAINT sightings_pkey DO NOTHING
		RETURNING s.relay_id
	)
	SELECT stored.relay_id, count(*) FROM stored GROUP BY stored.relay_id;
END
$$;
COMMENT ON FUNCTION bigbrotr.store_sightings(bytea[], integer[], bigint[]) IS
	'Archives which relay delivered which event at which Unix second and returns how many are new for each relay. Passes over unknown events and relays';

CREATE FUNCTION bigbrotr.reject_event(
	event_id bytea, relay_id integer, code text, message text, raw bytea, at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF (octet_length(event_id) = 32 AND num_nulls(code, message, raw, at) = 0) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('event %s cannot be kept as rejected', coalesce(left(encode(event_id, 'hex'), 80), '(without id)')),
			DETAIL = 'An id of 32 bytes, SQLSTATE, message, JSON and time are wanted.',
			HINT = 'Only the relay may be null.';
	END IF;
	INSERT INTO bigbrotr.event_rejects AS r (event_id, relay_id, rejected_at, sqlstate, message, raw)
	VALUES (reject_event.event_id, reject_event.relay_id, at, code, reject_event.message, reject_event.raw)
	ON CONFLICT ON CONSTRAINT event_rejects_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION bigbrotr.reject_event(bytea, integer, text, text, bytea, bigint) IS
	'Keeps an event that could not be stored, with the SQLSTATE and message of the error';

CREATE FUNCTION bigbrotr.insert_events(
	event_ids bytea[], pubkeys bytea[], created_ats bigint[], kinds integer[], tags text[],
	contents text[], sigs bytea[], raws bytea[],
	seen_ids bytea[], relay_ids integer[], seen_ats bigint[], at bigint,
	OUT events bigint, OUT sightings bigint, OUT rejected bigint, OUT missing bytea[])
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_events';
COMMENT ON FUNCTION bigbrotr.insert_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint) IS
	'Archives a batch of verified events (nothing is verified here) and of sightings, by direct table access where the tables allow it, and returns how many are new. What the database refuses goes to bigbrotr.event_rejects, the rest is stored. tags: JSON texts; raws: null or empty, or the exact JSON of an event with U+0000; seen_ids: events that relays delivered, of the batch or not; missing: those of them that are neither archived nor rejected, whose sightings are passed over; at: Unix seconds';

CREATE FUNCTION bigbrotr.insert_sightings(
	event_ids bytea[], relay_ids integer[], seen_ats bigint[],
	OUT known boolean[], OUT sightings bigint)
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_insert_sightings';
COMMENT ON FUNCTION bigbrotr.insert_sightings(bytea[], integer[], bigint[]) IS
	'Archives which relay delivered which event at which Unix second, of events that are archived, and returns how many are new, and for each whether its event is archived or was rejected by the database for good. What is not known: verify it and hand it to bigbrotr.insert_events, with its sighting';

CREATE FUNCTION bigbrotr.event_json(event bigbrotr.events) RETURNS text
	LANGUAGE sql STABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN (event).raw <> '' THEN convert_from((event).raw, 'UTF8')
	ELSE format('{"id":"%s","pubkey":"%s","created_at":%s,"kind":%s,"tags":%s,"content":%s,"sig":"%s"}',
		encode((event).event_id, 'hex'), encode((event).pubkey, 'hex'), (event).created_at, (event).kind,
		(event).tags, to_json((event).content), encode((event).sig, 'hex')) END;
COMMENT ON FUNCTION bigbrotr.event_json(bigbrotr.events) IS
	'The event as NIP-01 JSON, exact: parsed and hashed it gives its id again. SELECT bigbrotr.event_json(e) FROM bigbrotr.events e';

CREATE FUNCTION bigbrotr.verify_references(
	OUT problem text, OUT eid bigint, OUT relay_id integer, OUT rows bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT 'sightings of a missing event', s.eid, NULL::integer, count(*)
		FROM bigbrotr.sightings AS s
		WHERE NOT EXISTS (SELECT FROM bigbrotr.events AS e WHERE e.eid = s.eid) GROUP BY s.eid
		UNION ALL
		SELECT 'sightings of a missing relay', NULL, s.relay_id, count(*)
		FROM bigbrotr.sightings AS s
		WHERE NOT EXISTS (SELECT FROM bigbrotr.relays AS r WHERE r.relay_id = s.relay_id) GROUP BY s.relay_id
		UNION ALL
		SELECT 'overlapping coverage', NULL, a.relay_id, count(*)
		FROM bigbrotr.coverage AS a JOIN bigbrotr.coverage AS b
		     ON a.relay_id = b.relay_id AND a.filter = b.filter
		        AND a.lower < b.lower AND b.lower <= a.upper
		GROUP BY a.relay_id;
	END;
COMMENT ON FUNCTION bigbrotr.verify_references() IS
	'Proves what no foreign key proves; no row: sound. Reads everything. rows: how many rows are concerned';

-- Exact counts. Whoever writes or deletes events and sightings appends rows of differences in the
-- same transaction: writers never wait for each other. The refresher folds these rows into the
-- totals; the views add both. Nothing here is dumped: on restore the triggers count again.

CREATE TABLE bigbrotr.statistics (
	subject text   NOT NULL,
	key     bigint NOT NULL,
	count   bigint NOT NULL,
	CONSTRAINT statistics_pkey PRIMARY KEY (subject, key),
	CONSTRAINT statistics_subject_check CHECK (subject IN ('kind', 'day', 'relay'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.statistics IS 'Counts as of the last fold; bigbrotr.current_statistics adds what came since';
COMMENT ON COLUMN bigbrotr.statistics.subject IS 'kind, day: events of a kind or a day; relay: sightings of a relay';
COMMENT ON COLUMN bigbrotr.statistics.key IS 'The kind; the first Unix second of the day (UTC, of created_at); the relay_id';
COMMENT ON COLUMN bigbrotr.statistics.count IS 'How many';

-- A key, so that logical replication can publish deletions; vacuumed often, since each fold reads over what
-- earlier ones deleted.
CREATE TABLE bigbrotr.statistics_deltas (
	delta_id bigint  GENERATED ALWAYS AS IDENTITY (CACHE 64),
	subject text     NOT NULL,
	keys    bigint[] NOT NULL,
	counts  bigint[] NOT NULL,
	CONSTRAINT statistics_deltas_pkey PRIMARY KEY (delta_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.statistics_deltas IS 'What to add to bigbrotr.statistics: one row for each batch and subject; the arrays run in parallel';
COMMENT ON COLUMN bigbrotr.statistics_deltas.delta_id IS 'Number of the row; says nothing about order';
COMMENT ON COLUMN bigbrotr.statistics_deltas.subject IS 'As in bigbrotr.statistics';
COMMENT ON COLUMN bigbrotr.statistics_deltas.keys IS 'Keys, as in bigbrotr.statistics';
COMMENT ON COLUMN bigbrotr.statistics_deltas.counts IS 'Rows added, negative: deleted';

-- The direct way of bigbrotr.insert_events() does what the triggers on INSERT do.
CREATE FUNCTION bigbrotr.count_events() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	each bigint := TG_ARGV[0];
BEGIN
	INSERT INTO bigbrotr.statistics_deltas (subject, keys, counts)
	SELECT c.subject, array_agg(c.key), array_agg(each * c.count)
	FROM (SELECT 'kind' AS subject, kind::bigint AS key, count(*) FROM changed GROUP BY 2
	      UNION ALL
	      SELECT 'day', created_at / 86400 * 86400, count(*) FROM changed GROUP BY 2) AS c
	GROUP BY c.subject;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_events() IS
	'Trigger: counts events that are new or gone (argument: 1 or -1) for bigbrotr.statistics';

CREATE FUNCTION bigbrotr.count_sightings() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	each bigint := TG_ARGV[0];
BEGIN
	INSERT INTO bigbrotr.statistics_deltas (subject, keys, counts)
	SELECT 'relay', array_agg(c.relay_id), array_agg(each * c.count)
	FROM (SELECT relay_id, count(*) FROM changed GROUP BY 1) AS c HAVING count(*) > 0;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_sightings() IS
	'Trigger: counts sightings that are new or gone (argument: 1 or -1) for bigbrotr.statistics';

CREATE VIEW bigbrotr.current_statistics AS
	SELECT c.subject, c.key, sum(c.count)::bigint AS count
	FROM (SELECT s.subject, s.key, s.count FROM bigbrotr.statistics AS s
	      UNION ALL
	      SELECT d.subject, k.key, k.count FROM bigbrotr.statistics_deltas AS d,
	             unnest(d.keys, d.counts) AS k (key, count)) AS c
	GROUP BY c.subject, c.key
	HAVING sum(c.count) <> 0;
COMMENT ON VIEW bigbrotr.current_statistics IS 'Exact counts, as the tables are now';
COMMENT ON COLUMN bigbrotr.current_statistics.subject IS 'kind, day: events of a kind or a day; relay: sightings of a relay';
COMMENT ON COLUMN bigbrotr.current_statistics.key IS 'The kind; the first Unix second of the day (UTC, of created_at); the relay_id';
COMMENT ON COLUMN bigbrotr.current_statistics.count IS 'How many';

CREATE VIEW bigbrotr.kind_statistics AS
	SELECT s.key::integer AS kind, s.count AS events
	FROM bigbrotr.current_statistics AS s WHERE s.subject = 'kind';
COMMENT ON VIEW bigbrotr.kind_statistics IS 'Events of each kind, exact';
COMMENT ON COLUMN bigbrotr.kind_statistics.kind IS '0 .. 65535 (NIP-01)';
COMMENT ON COLUMN bigbrotr.kind_statistics.events IS 'Events archived';

CREATE VIEW bigbrotr.day_statistics AS
	SELECT s.key AS day, s.count AS events
	FROM bigbrotr.current_statistics AS s WHERE s.subject = 'day';
COMMENT ON VIEW bigbrotr.day_statistics IS 'Events of each day (UTC) by created_at, exact';
COMMENT ON COLUMN bigbrotr.day_statistics.day IS 'First second of the day, Unix seconds';
COMMENT ON COLUMN bigbrotr.day_statistics.events IS 'Events archived';

CREATE VIEW bigbrotr.relay_statistics AS
	SELECT s.key::integer AS relay_id, r.url, s.count AS sightings
	FROM bigbrotr.current_statistics AS s LEFT JOIN bigbrotr.relays AS r ON r.relay_id = s.key
	WHERE s.subject = 'relay';
COMMENT ON VIEW bigbrotr.relay_statistics IS 'Events that each relay delivered, exact';
COMMENT ON COLUMN bigbrotr.relay_statistics.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_statistics.url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.relay_statistics.sightings IS 'Events it delivered, whether others did so as well or not';

CREATE VIEW bigbrotr.total_statistics AS
	SELECT coalesce(sum(s.count) FILTER (WHERE s.subject = 'kind'), 0)::bigint AS events,
	       coalesce(sum(s.count) FILTER (WHERE s.subject = 'relay'), 0)::bigint AS sightings
	FROM bigbrotr.current_statistics AS s;
COMMENT ON VIEW bigbrotr.total_statistics IS 'Rows of bigbrotr.events and bigbrotr.sightings, exact, without reading them';
COMMENT ON COLUMN bigbrotr.total_statistics.events IS 'Events archived';
COMMENT ON COLUMN bigbrotr.total_statistics.sightings IS 'Sightings archived';

-- A truncated table has no rows: what was counted is taken back. Nobody else can write meanwhile.
CREATE FUNCTION bigbrotr.count_truncated() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	INSERT INTO bigbrotr.statistics_deltas (subject, keys, counts)
	SELECT s.subject, array_agg(s.key), array_agg(-s.count)
	FROM bigbrotr.current_statistics AS s
	WHERE (s.subject = 'relay') = (TG_TABLE_NAME = 'sightings')
	GROUP BY s.subject;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_truncated() IS 'Trigger: counts for bigbrotr.statistics that a table was emptied';

CREATE TRIGGER count_inserted AFTER INSERT ON bigbrotr.events
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION bigbrotr.count_events('1');
CREATE TRIGGER count_deleted AFTER DELETE ON bigbrotr.events
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION bigbrotr.count_events('-1');
CREATE TRIGGER count_updated_from AFTER UPDATE ON bigbrotr.events
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION bigbrotr.count_events('-1');
CREATE TRIGGER count_updated_to AFTER UPDATE ON bigbrotr.events
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION bigbrotr.count_events('1');
CREATE TRIGGER count_truncated AFTER TRUNCATE ON bigbrotr.events
	EXECUTE FUNCTION bigbrotr.count_truncated();

CREATE TRIGGER count_inserted AFTER INSERT ON bigbrotr.sightings
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION bigbrotr.count_sightings('1');
CREATE TRIGGER count_deleted AFTER DELETE ON bigbrotr.sightings
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION bigbrotr.count_sightings('-1');
CREATE TRIGGER count_updated_from AFTER UPDATE ON bigbrotr.sightings
	REFERENCING OLD TABLE AS changed EXECUTE FUNCTION bigbrotr.count_sightings('-1');
CREATE TRIGGER count_updated_to AFTER UPDATE ON bigbrotr.sightings
	REFERENCING NEW TABLE AS changed EXECUTE FUNCTION bigbrotr.count_sightings('1');
CREATE TRIGGER count_truncated AFTER TRUNCATE ON bigbrotr.sightings
	EXECUTE FUNCTION bigbrotr.count_truncated();

CREATE FUNCTION bigbrotr.fold_statistics(most integer DEFAULT 10000) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	folded bigint;
BEGIN
	LOCK TABLE bigbrotr.statistics IN SHARE ROW EXCLUSIVE MODE; -- one fold at a time
	WITH gone AS (
		DELETE FROM bigbrotr.statistics_deltas AS d
		WHERE d.ctid = ANY (ARRAY(SELECT n.ctid FROM bigbrotr.statistics_deltas AS n LIMIT greatest(most, 0)))
		RETURNING *
	), added AS (
		INSERT INTO bigbrotr.statistics AS s (subject, key, count)
		SELECT g.subject, k.key, sum(k.count) FROM gone AS g, unnest(g.keys, g.counts) AS k (key, count) GROUP BY 1, 2
		ON CONFLICT ON CONSTRAINT statistics_pkey DO UPDATE SET count = s.count + excluded.count
	)
	SELECT count(*) INTO folded FROM gone;
	RETURN folded;
END
$$;
COMMENT ON FUNCTION bigbrotr.fold_statistics(integer) IS
	'Adds at most so many rows of bigbrotr.statistics_deltas to bigbrotr.statistics and returns how many. Changes no count that the views show';

CREATE FUNCTION bigbrotr.verify_statistics(
	OUT subject text, OUT key bigint, OUT counted bigint, OUT actual bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT subject, key, coalesce(s.count, 0), coalesce(a.count, 0)
		FROM bigbrotr.current_statistics AS s
		     FULL JOIN (SELECT 'kind' AS subject, e.kind::bigint AS key, count(*) FROM bigbrotr.events AS e GROUP BY 2
		                UNION ALL
		                SELECT 'day', e.created_at / 86400 * 86400, count(*) FROM bigbrotr.events AS e GROUP BY 2
		                UNION ALL
		                SELECT 'relay', x.relay_id, count(*) FROM bigbrotr.sightings AS x GROUP BY 2) AS a
		     USING (subject, key)
		WHERE s.count IS DISTINCT FROM a.count
		ORDER BY 1, 2;
	END;
COMMENT ON FUNCTION bigbrotr.verify_statistics() IS
	'Counts everything again and returns where bigbrotr.current_statistics differs; no row: exact. Reads all events and sightings';

CREATE FUNCTION bigbrotr.count_authors(kinds integer[] DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE sql STABLE
	RETURN (SELECT count(DISTINCT e.pubkey) FROM bigbrotr.events AS e
		WHERE (count_authors.kinds IS NULL OR e.kind = ANY (count_authors.kinds))
		      AND (count_authors.since IS NULL OR e.created_at >= count_authors.since)
		      AND (count_authors.until IS NULL OR e.created_at <= count_authors.until));
COMMENT ON FUNCTION bigbrotr.count_authors(integer[], bigint, bigint) IS
	'How many authors have events of these kinds in these seconds (inclusive; null: all), exact';

CREATE FUNCTION bigbrotr.estimate_authors(kinds integer[] DEFAULT NULL, since bigint DEFAULT NULL, until bigint DEFAULT NULL)
	RETURNS bigint
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	place name := (SELECT n.nspname FROM pg_extension AS x JOIN pg_namespace AS n ON n.oid = x.extnamespace
	               WHERE x.extname = 'hll' AND has_schema_privilege(n.oid, 'USAGE'));
	authors bigint;
BEGIN
	IF place IS NULL THEN
		RETURN bigbrotr.count_authors(kinds, since, until);
	END IF;
	-- All arguments are given, with their types: nobody's function of the same name fits better.
	EXECUTE format(
		'SELECT round(%1$I.hll_cardinality(%1$I.hll_add_agg(%1$I.hll_hash_bytea(e.pubkey, 0))))
		 FROM bigbrotr.events AS e
		 WHERE ($1 IS NULL OR e.kind = ANY ($1)) AND ($2 IS NULL OR e.created_at >= $2)
		       AND ($3 IS NULL OR e.created_at <= $3)', place)
		INTO authors USING kinds, since, until;
	RETURN coalesce(authors, 0);
END
$$;
COMMENT ON FUNCTION bigbrotr.estimate_authors(integer[], bigint, bigint) IS
	'Like bigbrotr.count_authors, but by HyperLogLog (within some percent, in little memory) where the extension hll is installed';
-- Nostr in SQL: events, tags, NIP-19 and the small facts. Nothing here reads or writes a table.
-- Immutable C functions run no SQL: no search path can lead them astray, so none is set (it costs
-- more than most of them).

-- Events. Limits: 1 MiB of JSON, 10000 tags, 64 levels of nesting.
CREATE FUNCTION bigbrotr.parse_event(
	"json" text,
	OUT event_id bytea, OUT pubkey bytea, OUT created_at bigint, OUT kind integer,
	OUT tags bigbrotr.tags, OUT content text, OUT sig bytea, OUT raw bytea)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_parse_event';
CREATE FUNCTION bigbrotr.parse_event(
	"json" bytea,
	OUT event_id bytea, OUT pubkey bytea, OUT created_at bigint, OUT kind integer,
	OUT tags bigbrotr.tags, OUT content text, OUT sig bytea, OUT raw bytea)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_parse_event';
COMMENT ON FUNCTION bigbrotr.parse_event(text) IS
	'An event given as NIP-01 JSON, in the columns of bigbrotr.events. Checked strictly, the id too, but not the signature; an event that is refused is an error that names the reason. With U+0000 in it: U+FFFD in tags and content, and raw is its exact JSON';
COMMENT ON FUNCTION bigbrotr.parse_event(bytea) IS
	'The same for JSON as bytes, which need not be valid UTF-8';

CREATE FUNCTION bigbrotr.verify_event("json" text) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json';
CREATE FUNCTION bigbrotr.verify_event("json" bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json';
CREATE FUNCTION bigbrotr.verify_event(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text, sig bytea) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_fields';
COMMENT ON FUNCTION bigbrotr.verify_event(text) IS
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is good (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea) IS
	'Whether the JSON is a well-formed event whose id is its hash and whose signature is good (NIP-01)';
COMMENT ON FUNCTION bigbrotr.verify_event(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Whether the id is the hash of the event and the signature is good (NIP-01)';

CREATE FUNCTION bigbrotr.verify_event_reason("json" text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json_reason';
CREATE FUNCTION bigbrotr.verify_event_reason("json" bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_json_reason';
CREATE FUNCTION bigbrotr.verify_event_reason(
	event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text, sig bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_verify_fields_reason';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(text) IS
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null for a good event';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea) IS
	'Why bigbrotr.verify_event is false, as a reason code such as id_mismatch; null for a good event';
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea) IS
	'Why bigbrotr.verify_event is false: id_mismatch or bad_signature; null for a good event';

CREATE FUNCTION bigbrotr.verify_event_reason(event bigbrotr.events) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
	RETURN CASE WHEN (event).raw = ''
		THEN bigbrotr.verify_event_reason((event).event_id, (event).pubkey, (event).created_at, (event).kind,
			(event).tags, (event).content, (event).sig)
		ELSE coalesce(bigbrotr.verify_event_reason((event).raw),
			CASE WHEN (bigbrotr.parse_event((event).raw)).event_id <> (event).event_id THEN 'id_mismatch' END)
		END;
CREATE FUNCTION bigbrotr.verify_event(event bigbrotr.events) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE COST 10000
	RETURN bigbrotr.verify_event_reason(event) IS NULL;
COMMENT ON FUNCTION bigbrotr.verify_event_reason(bigbrotr.events) IS
	'What is wrong with an archived event; null for a good one. SELECT event_id FROM bigbrotr.events AS e WHERE NOT bigbrotr.verify_event(e)';
COMMENT ON FUNCTION bigbrotr.verify_event(bigbrotr.events) IS
	'Whether an archived event still hashes to its id and its signature is good';

CREATE FUNCTION bigbrotr.event_id(
	pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 20
	AS 'MODULE_PATHNAME', 'bigbrotr_event_id';
COMMENT ON FUNCTION bigbrotr.event_id(bytea, bigint, integer, bigbrotr.tags, text) IS
	'The id that an event of these fields has: SHA-256 of its canonical form (NIP-01)';

CREATE FUNCTION bigbrotr.canonical_json(
	pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags, content text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10
	AS 'MODULE_PATHNAME', 'bigbrotr_canonical_json';
COMMENT ON FUNCTION bigbrotr.canonical_json(bytea, bigint, integer, bigbrotr.tags, text) IS
	'The canonical form of an event, whose UTF-8 bytes are hashed: [0,"<pubkey>",<created_at>,<kind>,<tags>,"<content>"] (NIP-01)';

CREATE FUNCTION bigbrotr.kind_class(kind integer) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_kind_class';
COMMENT ON FUNCTION bigbrotr.kind_class(integer) IS
	'regular, replaceable, ephemeral or addressable (NIP-01); kinds that NIP-01 puts into no class are regular, as practised';

CREATE FUNCTION bigbrotr.pow_bits(event_id bytea) RETURNS integer
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_pow_bits';
COMMENT ON FUNCTION bigbrotr.pow_bits(bytea) IS 'Proof of work: leading zero bits of an id (NIP-13)';

-- Tags.
CREATE FUNCTION bigbrotr.tag_values(tags bigbrotr.tags, name text) RETURNS text[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_values';
COMMENT ON FUNCTION bigbrotr.tag_values(bigbrotr.tags, text) IS
	'The values (second items) of all tags of this name, in their order; tags without a value are left out';

CREATE FUNCTION bigbrotr.tag_value(tags bigbrotr.tags, name text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_value';
COMMENT ON FUNCTION bigbrotr.tag_value(bigbrotr.tags, text) IS
	'The value (second item) of the first tag of this name; null without such a tag or value';

CREATE FUNCTION bigbrotr.d_tag(tags bigbrotr.tags) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_d_tag';
COMMENT ON FUNCTION bigbrotr.d_tag(bigbrotr.tags) IS
	'The identifier of an addressable event: value of the first d tag, empty if there is none (NIP-01)';

CREATE FUNCTION bigbrotr.expiration(tags bigbrotr.tags) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_expiration';
COMMENT ON FUNCTION bigbrotr.expiration(bigbrotr.tags) IS
	'When the event expires, Unix seconds: from then on it counts as gone (NIP-40); null: never, or the tag holds no decimal number';

-- NIP-19 and NIP-21.
CREATE FUNCTION bigbrotr.nip19_decode(
	text text, allow_secret boolean DEFAULT false,
	OUT type text, OUT data bytea, OUT relays text[], OUT author bytea, OUT kind integer, OUT identifier text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_decode';
COMMENT ON FUNCTION bigbrotr.nip19_decode(text, boolean) IS
	'What npub1…, note1…, nprofile1…, nevent1…, naddr1… or nrelay1… say, with or without nostr: before it. data: public key or event id. nsec1… is refused unless allow_secret is true (NIP-19)';

CREATE FUNCTION bigbrotr.nip19_encode(
	type text, data bytea DEFAULT NULL, relays text[] DEFAULT '{}', author bytea DEFAULT NULL,
	kind integer DEFAULT NULL, identifier text DEFAULT NULL, allow_secret boolean DEFAULT false) RETURNS text
	LANGUAGE c IMMUTABLE PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_encode';
COMMENT ON FUNCTION bigbrotr.nip19_encode(text, bytea, text[], bytea, integer, text, boolean) IS
	'The NIP-19 text of this type (npub, note, nprofile, nevent, naddr, nrelay; nsec only if allow_secret is true)';

CREATE FUNCTION bigbrotr.nip19_reason(text text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nip19_reason';
COMMENT ON FUNCTION bigbrotr.nip19_reason(text) IS
	'Why bigbrotr.nip19_decode refuses a text, as a reason code such as bad_checksum; null for a good one';

CREATE FUNCTION bigbrotr.npub_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_npub_decode';
COMMENT ON FUNCTION bigbrotr.npub_decode(text) IS 'The public key in npub1… (NIP-19)';
CREATE FUNCTION bigbrotr.note_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_note_decode';
COMMENT ON FUNCTION bigbrotr.note_decode(text) IS 'The event id in note1… (NIP-19)';
CREATE FUNCTION bigbrotr.nsec_decode(text text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nsec_decode';
COMMENT ON FUNCTION bigbrotr.nsec_decode(text) IS
	'The secret key in nsec1… (NIP-19). Pass it as a parameter: statements may be logged';
CREATE FUNCTION bigbrotr.npub_encode(pubkey bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_npub_encode';
COMMENT ON FUNCTION bigbrotr.npub_encode(bytea) IS 'A public key as npub1… (NIP-19)';
CREATE FUNCTION bigbrotr.note_encode(event_id bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_note_encode';
COMMENT ON FUNCTION bigbrotr.note_encode(bytea) IS 'An event id as note1… (NIP-19)';
CREATE FUNCTION bigbrotr.nsec_encode(secret_key bytea) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_nsec_encode';
COMMENT ON FUNCTION bigbrotr.nsec_encode(bytea) IS
	'A secret key as nsec1… (NIP-19). Pass it as a parameter: statements may be logged';

CREATE FUNCTION bigbrotr.nprofile_encode(pubkey bytea, relays text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('nprofile', pubkey, relays);
COMMENT ON FUNCTION bigbrotr.nprofile_encode(bytea, text[]) IS 'A profile and where to find it as nprofile1… (NIP-19)';
CREATE FUNCTION bigbrotr.nevent_encode(
	event_id bytea, relays text[] DEFAULT '{}', author bytea DEFAULT NULL, kind integer DEFAULT NULL) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('nevent', event_id, relays, author, kind);
COMMENT ON FUNCTION bigbrotr.nevent_encode(bytea, text[], bytea, integer) IS 'An event and where to find it as nevent1… (NIP-19)';
CREATE FUNCTION bigbrotr.naddr_encode(
	author bytea, kind integer, identifier text DEFAULT '', relays text[] DEFAULT '{}') RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN bigbrotr.nip19_encode('naddr', NULL, relays, author, kind, identifier);
COMMENT ON FUNCTION bigbrotr.naddr_encode(bytea, integer, text, text[]) IS
	'A replaceable or addressable event and where to find it as naddr1… (NIP-19)';

-- The rest.
CREATE FUNCTION bigbrotr.bolt11_amount(invoice text) RETURNS bigint
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_amount';
COMMENT ON FUNCTION bigbrotr.bolt11_amount(text) IS
	'The amount of a Lightning invoice in millisatoshi (BOLT 11); null if it leaves the amount to the payer';
CREATE FUNCTION bigbrotr.bolt11_reason(invoice text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_bolt11_reason';
COMMENT ON FUNCTION bigbrotr.bolt11_reason(text) IS
	'Why bigbrotr.bolt11_amount refuses a text, as a reason code such as bad_checksum; null for an invoice';

CREATE FUNCTION bigbrotr.from_hex(hex text) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_from_hex';
COMMENT ON FUNCTION bigbrotr.from_hex(text) IS 'Bytes of lower-case hex digits, as Nostr writes ids, keys and signatures';
CREATE FUNCTION bigbrotr.to_hex(bytes bytea) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN encode(bytes, 'hex');
COMMENT ON FUNCTION bigbrotr.to_hex(bytea) IS 'Lower-case hex digits of bytes';

CREATE FUNCTION bigbrotr.relay_network(url text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN (bigbrotr.normalise_relay_url(url)).network;
COMMENT ON FUNCTION bigbrotr.relay_network(text) IS
	'clearnet, tor, i2p, loki or local; null if it is no relay URL, see bigbrotr.normalise_relay_url for the reason';

-- Keys pass through and are stored nowhere.
CREATE FUNCTION bigbrotr.public_key(secret_key bytea) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10000
	AS 'MODULE_PATHNAME', 'bigbrotr_public_key';
COMMENT ON FUNCTION bigbrotr.public_key(bytea) IS
	'The public key of a secret key. The key is not kept, but pass it as a parameter: statements may be logged';
CREATE FUNCTION bigbrotr.sign_event(
	secret_key bytea, kind integer, content text DEFAULT '', tags bigbrotr.tags DEFAULT '[]',
	created_at bigint DEFAULT bigbrotr.unix_now()) RETURNS text
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE COST 10000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_sign_event';
COMMENT ON FUNCTION bigbrotr.sign_event(bytea, integer, text, bigbrotr.tags, bigint) IS
	'A signed event as NIP-01 JSON. The key is not kept, but pass it as a parameter: statements may be logged';

GRANT EXECUTE ON FUNCTION
	bigbrotr.parse_event(text),
	bigbrotr.parse_event(bytea),
	bigbrotr.verify_event(text),
	bigbrotr.verify_event(bytea),
	bigbrotr.verify_event(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea),
	bigbrotr.verify_event(bigbrotr.events),
	bigbrotr.verify_event_reason(text),
	bigbrotr.verify_event_reason(bytea),
	bigbrotr.verify_event_reason(bytea, bytea, bigint, integer, bigbrotr.tags, text, bytea),
	bigbrotr.verify_event_reason(bigbrotr.events),
	bigbrotr.event_id(bytea, bigint, integer, bigbrotr.tags, text),
	bigbrotr.canonical_json(bytea, bigint, integer, bigbrotr.tags, text),
	bigbrotr.kind_class(integer),
	bigbrotr.pow_bits(bytea),
	bigbrotr.tag_values(bigbrotr.tags, text),
	bigbrotr.tag_value(bigbrotr.tags, text),
	bigbrotr.d_tag(bigbrotr.tags),
	bigbrotr.expiration(bigbrotr.tags),
	bigbrotr.nip19_decode(text, boolean),
	bigbrotr.nip19_encode(text, bytea, text[], bytea, integer, text, boolean),
	bigbrotr.nip19_reason(text),
	bigbrotr.npub_decode(text),
	bigbrotr.note_decode(text),
	bigbrotr.nsec_decode(text),
	bigbrotr.npub_encode(bytea),
	bigbrotr.note_encode(bytea),
	bigbrotr.nsec_encode(bytea),
	bigbrotr.nprofile_encode(bytea, text[]),
	bigbrotr.nevent_encode(bytea, text[], bytea, integer),
	bigbrotr.naddr_encode(bytea, integer, text, text[]),
	bigbrotr.bolt11_amount(text),
	bigbrotr.bolt11_reason(text),
	bigbrotr.from_hex(text),
	bigbrotr.to_hex(bytea),
	bigbrotr.relay_network(text),
	bigbrotr.public_key(bytea),
	bigbrotr.sign_event(bytea, integer, text, bigbrotr.tags, bigint)
	TO bigbrotr_reader;

-- What events say about other events: newer versions, deletions (NIP-09), vanish requests (NIP-62);
-- and about themselves: expiration (NIP-40). Nothing is removed because of it: the views leave out.

CREATE FUNCTION bigbrotr.address(pubkey bytea, kind integer, tags bigbrotr.tags) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_address';
COMMENT ON FUNCTION bigbrotr.address(bytea, integer, bigbrotr.tags) IS
	'kind:pubkey:d of a replaceable or addressable event, as a tags name it (NIP-01); null for other kinds';

-- No SET here and below: these are called for every row, and name everything in full.
CREATE FUNCTION bigbrotr.address_id(pubkey bytea, kind integer, tags bigbrotr.tags) RETURNS bytea
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'bigbrotr_address_id';
COMMENT ON FUNCTION bigbrotr.address_id(bytea, integer, bigbrotr.tags) IS
	'SHA-256 of the address of an event, 32 bytes: a short key for it; null if it has none';

-- Only the few events that have an address are in it.
CREATE INDEX events_address_idx ON bigbrotr.events (bigbrotr.address_id(pubkey, kind, tags), created_at)
	WHERE bigbrotr.address_id(pubkey, kind, tags) IS NOT NULL;

-- The author stands in the key before the request: whoever looks for those of an author reads no others,
-- however many strangers name the same target.
CREATE TABLE bigbrotr.deletions (
	target     bytea   NOT NULL,
	by_address boolean NOT NULL,
	pubkey     bytea   NOT NULL,
	event_id   bytea   NOT NULL,
	created_at bigint  NOT NULL,
	CONSTRAINT deletions_pkey PRIMARY KEY (target, by_address, pubkey, event_id)
);
COMMENT ON TABLE bigbrotr.deletions IS 'What deletion requests (NIP-09) name, whether we have it or not; one row per request and target';
COMMENT ON COLUMN bigbrotr.deletions.target IS 'id of the event; by_address: bigbrotr.address_id of the events';
COMMENT ON COLUMN bigbrotr.deletions.by_address IS 'All versions until created_at are meant';
COMMENT ON COLUMN bigbrotr.deletions.event_id IS 'id of the request (kind 5)';
COMMENT ON COLUMN bigbrotr.deletions.pubkey IS 'Author of the request: only what is theirs is deleted';
COMMENT ON COLUMN bigbrotr.deletions.created_at IS 'created_at of the request, Unix seconds';

CREATE TABLE bigbrotr.vanish_requests (
	pubkey     bytea  NOT NULL,
	event_id   bytea  NOT NULL,
	created_at bigint NOT NULL,
	CONSTRAINT vanish_requests_pkey PRIMARY KEY (pubkey, event_id)
);
COMMENT ON TABLE bigbrotr.vanish_requests IS 'Who wants everything gone that was published until when, from all relays (NIP-62)';
COMMENT ON COLUMN bigbrotr.vanish_requests.pubkey IS 'Who';
COMMENT ON COLUMN bigbrotr.vanish_requests.event_id IS 'id of the request (kind 62)';
COMMENT ON COLUMN bigbrotr.vanish_requests.created_at IS 'Until when, Unix seconds';

CREATE FUNCTION bigbrotr.record_facts(eids bigint[]) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM bigbrotr.check_elements(cardinality(eids));
	WITH requests AS MATERIALIZED ( -- by eid: no other index is of use
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
	-- The second colon is often left out where nothing follows it.
	SELECT sha256(convert_to(v.value || CASE WHEN v.value ~ '^[^:]*:[^:]*$' THEN ':' ELSE '' END, 'UTF8')),
	       true, r.pubkey, r.event_id, r.created_at
	FROM requests AS r, unnest(bigbrotr.tag_values(r.tags, 'a')) AS v (value)
	WHERE r.kind = 5 AND split_part(v.value, ':', 2) = encode(r.pubkey, 'hex')
	ORDER BY 1, 2, 3, 4
	ON CONFLICT ON CONSTRAINT deletions_pkey DO NOTHING;
END
$$;
COMMENT ON FUNCTION bigbrotr.record_facts(bigint[]) IS
	'Writes down what the deletion (kind 5) and vanish requests (kind 62) among these events ask for. For every new one in the transaction that stores it; again is harmless';

CREATE FUNCTION bigbrotr.certain_support(internal) RETURNS internal
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_certain_support';
COMMENT ON FUNCTION bigbrotr.certain_support(internal) IS
	'Tells the planner that a condition holds for nearly all rows it is asked about';

CREATE FUNCTION bigbrotr.is_current(event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 SUPPORT bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_is_current';
COMMENT ON FUNCTION bigbrotr.is_current(bytea, bytea, bigint, integer, bigbrotr.tags) IS
	'Whether no newer version of a replaceable or addressable event is archived: of equal age the smaller id is the newer one (NIP-01). true for all other kinds';

CREATE FUNCTION bigbrotr.is_standing(event_id bytea, pubkey bytea, created_at bigint, kind integer, tags bigbrotr.tags) RETURNS boolean
	LANGUAGE c STABLE STRICT PARALLEL SAFE COST 100 SUPPORT bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_is_standing';
COMMENT ON FUNCTION bigbrotr.is_standing(bytea, bytea, bigint, integer, bigbrotr.tags) IS
	'Whether an event is neither deleted (NIP-09) nor expired (NIP-40) nor vanished (NIP-62). Deletions and vanish requests of the receiver concern gift wraps (NIP-59) too';

CREATE VIEW bigbrotr.events_current AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_current IS 'Events without the older versions of replaceable and addressable ones';

CREATE VIEW bigbrotr.events_standing AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_standing(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_standing IS 'Events that are neither deleted (NIP-09) nor expired (NIP-40) nor vanished (NIP-62), in all their versions';

CREATE VIEW bigbrotr.events_as_published AS
	SELECT e.* FROM bigbrotr.events AS e
	WHERE bigbrotr.is_current(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)
	  AND bigbrotr.is_standing(e.event_id, e.pubkey, e.created_at, e.kind, e.tags);
COMMENT ON VIEW bigbrotr.events_as_published IS 'Events as their authors want them to be seen now: standing, and the newest versions. A newest version that is withdrawn does not bring an older one back';

CREATE VIEW bigbrotr.events_as_seen AS SELECT e.* FROM bigbrotr.events AS e;
COMMENT ON VIEW bigbrotr.events_as_seen IS 'Everything that relays delivered: the same as bigbrotr.events';

-- Of each view, the columns are those of the table, and its rows can be exported.
DO $views$
DECLARE
	view text;
	item record;
BEGIN
	FOREACH view IN ARRAY ARRAY['events_current', 'events_standing', 'events_as_published', 'events_as_seen'] LOOP
		FOR item IN SELECT a.attname, col_description(a.attrelid, a.attnum) AS comment FROM pg_attribute AS a
		            WHERE a.attrelid = 'bigbrotr.events'::regclass AND a.attnum > 0 AND NOT a.attisdropped
		LOOP
			EXECUTE format('COMMENT ON COLUMN bigbrotr.%I.%I IS %L', view, item.attname, item.comment);
		END LOOP;
		EXECUTE format(
			$$CREATE FUNCTION bigbrotr.event_json(event bigbrotr.%I) RETURNS text
				LANGUAGE sql STABLE STRICT PARALLEL SAFE
				RETURN bigbrotr.event_json(ROW(%s)::bigbrotr.events)$$,
			view, (SELECT string_agg(format('(event).%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute AS a
			       WHERE a.attrelid = 'bigbrotr.events'::regclass AND a.attnum > 0 AND NOT a.attisdropped));
		EXECUTE format($$COMMENT ON FUNCTION bigbrotr.event_json(bigbrotr.%I) IS 'The event as NIP-01 JSON, exact'$$, view);
		EXECUTE format('GRANT EXECUTE ON FUNCTION bigbrotr.event_json(bigbrotr.%I) TO bigbrotr_reader', view);
	END LOOP;
END
$views$;

SELECT pg_extension_config_dump('bigbrotr.deletions', '');
SELECT pg_extension_config_dump('bigbrotr.vanish_requests', '');

GRANT EXECUTE ON FUNCTION
	bigbrotr.is_current(bytea, bytea, bigint, integer, bigbrotr.tags),
	bigbrotr.is_standing(bytea, bytea, bigint, integer, bigbrotr.tags)
	TO bigbrotr_reader;
GRANT INSERT ON bigbrotr.deletions, bigbrotr.vanish_requests TO bigbrotr_writer;
GRANT EXECUTE ON FUNCTION bigbrotr.record_facts(bigint[]) TO bigbrotr_writer;
-- NIP-01 filters as SQL. event_matches(e, '<filter>') becomes plain conditions while the statement
-- is planned; query() is a statement made of them.

-- Called for every row, so without SET; the C code names everything in full. The costs put cheap
-- conditions before those that read tags.
CREATE FUNCTION bigbrotr.tag_keys(tags bigbrotr.tags) RETURNS bigint[]
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 5
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_keys';
COMMENT ON FUNCTION bigbrotr.tag_keys(bigbrotr.tags) IS
	'For each tag with a name of one letter, a hash of name and first value: what the tag index holds';

CREATE FUNCTION bigbrotr.tag_matches(tags bigbrotr.tags, name text, "values" text[]) RETURNS boolean
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 3 SUPPORT bigbrotr.certain_support
	AS 'MODULE_PATHNAME', 'bigbrotr_tag_matches';
COMMENT ON FUNCTION bigbrotr.tag_matches(bigbrotr.tags, text, text[]) IS
	'Whether some tag of that name, a letter, has one of the values as its first: exact, without index';

-- NIP-50. What stands beyond the first 100,000 characters is not searched; of the words sought, the
-- first 10,000 characters count (endless ones would need endless stack).
CREATE FUNCTION bigbrotr.is_searchable(kind integer) RETURNS boolean
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN kind <> ALL ('{4,13,443,444,445,1059,1234,7375,7376,17375,21059,23194,23195,24133,31234}'::integer[]);
COMMENT ON FUNCTION bigbrotr.is_searchable(integer) IS 'false for kinds whose content is encrypted';

CREATE FUNCTION bigbrotr.search_vector(kind integer, content text) RETURNS tsvector
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN CASE WHEN bigbrotr.is_searchable(kind) THEN to_tsvector('simple'::regconfig, "left"(content, 100000))
	       ELSE ''::tsvector END;
COMMENT ON FUNCTION bigbrotr.search_vector(integer, text) IS
	'Words of an event''s content; none for kinds whose content is encrypted';

CREATE FUNCTION bigbrotr.search_matches(kind integer, content text, words text) RETURNS boolean
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN bigbrotr.search_vector(kind, content) @@ websearch_to_tsquery('simple'::regconfig, "left"(words, 10000))
	       AND bigbrotr.is_searchable(kind);
COMMENT ON FUNCTION bigbrotr.search_matches(integer, text, text) IS
	'Whether the content holds the words, which are read as by websearch_to_tsquery';

CREATE FUNCTION bigbrotr.search_rank(kind integer, content text, words text) RETURNS real
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN ts_rank(bigbrotr.search_vector(kind, content), websearch_to_tsquery('simple'::regconfig, "left"(words, 10000)));
COMMENT ON FUNCTION bigbrotr.search_rank(integer, text, text) IS 'How well the content fits the words, see ts_rank';

CREATE FUNCTION bigbrotr.event_matches_support(internal) RETURNS internal
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_event_matches_support';
COMMENT ON FUNCTION bigbrotr.event_matches_support(internal) IS 'Makes conditions on columns of bigbrotr.event_matches with a constant filter';

-- One for the table and one for each view on it.
DO $event_matches$
DECLARE
	relation text;
BEGIN
	FOREACH relation IN ARRAY ARRAY['events', 'events_as_seen', 'events_current', 'events_standing', 'events_as_published'] LOOP
		EXECUTE format(
			$$CREATE FUNCTION bigbrotr.event_matches(event bigbrotr.%I, filter jsonb) RETURNS boolean
				LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE COST 10 SUPPORT bigbrotr.event_matches_support
				AS 'MODULE_PATHNAME', 'bigbrotr_event_matches'$$, relation);
		EXECUTE format($$COMMENT ON FUNCTION bigbrotr.event_matches(bigbrotr.%1$I, jsonb) IS
			'Whether the event matches the filter (NIP-01, NIP-50), its limit aside. With a constant filter it uses indexes: SELECT … FROM bigbrotr.%1$I AS e WHERE bigbrotr.event_matches(e, ''{"kinds": [1]}'')'$$, relation);
		EXECUTE format('GRANT EXECUTE ON FUNCTION bigbrotr.event_matches(bigbrotr.%I, jsonb) TO bigbrotr_reader', relation);
	END LOOP;
END
$event_matches$;

CREATE FUNCTION bigbrotr.query_sql(filters jsonb, as_seen boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_query_sql';
COMMENT ON FUNCTION bigbrotr.query_sql(jsonb, boolean) IS
	'The statement that bigbrotr.query runs: to EXPLAIN it, or to build on it';

-- Without parallel workers: most answers are there before these have started.
CREATE FUNCTION bigbrotr.query(filters jsonb, as_seen boolean DEFAULT false) RETURNS SETOF bigbrotr.events
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE ROWS 100
	SET search_path = pg_catalog, pg_temp
	SET max_parallel_workers_per_gather = 0
	AS $$
BEGIN
	PERFORM bigbrotr.limit_time('query');
	RETURN QUERY EXECUTE bigbrotr.query_sql(filters, as_seen);
END
$$;
COMMENT ON FUNCTION bigbrotr.query(jsonb, boolean) IS
	'The events that a filter (NIP-01), or an array of them, asks for: newest first, of equal age the smaller id first; by relevance if the only filter has search. As published: without what is deleted, expired or vanished, and without older versions unless their ids are asked for. as_seen: everything that was delivered';

CREATE FUNCTION bigbrotr.count_sql(filters jsonb, as_seen boolean DEFAULT false) RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_count_sql';
COMMENT ON FUNCTION bigbrotr.count_sql(jsonb, boolean) IS 'The statement that bigbrotr.count runs';

CREATE FUNCTION bigbrotr.count(filters jsonb, as_seen boolean DEFAULT false) RETURNS bigint
	LANGUAGE plpgsql STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	events bigint;
BEGIN
	PERFORM bigbrotr.limit_time('query');
	EXECUTE bigbrotr.count_sql(filters, as_seen) INTO STRICT events;
	RETURN events;
END
$$;
COMMENT ON FUNCTION bigbrotr.count(jsonb, boolean) IS
	'How many events match a filter, or at least one of an array of them; limits mean nothing (NIP-45). as_seen: as for bigbrotr.query';

-- Whoever waits for a lock on events holds up all who come after: so these functions wait for two seconds only.
CREATE FUNCTION bigbrotr.announce_index(statement text) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF EXISTS (SELECT FROM bigbrotr.events) THEN
		RAISE NOTICE USING
			MESSAGE = 'nothing can be archived while the index is built',
			DETAIL = 'What relays deliver waits until then; nothing is lost.',
			HINT = format('To build it while the archive goes on, cancel this and run: %s', statement);
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.announce_index(text) IS 'Says that an index can also be built by this statement, CREATE INDEX CONCURRENTLY';

-- The tag index is there from the start, since most questions on Nostr need it. Without it nothing
-- but speed is lost. The short pending list bounds what a search has to read beside the index, and how long
-- the batch takes that merges it into the index.
CREATE FUNCTION bigbrotr.create_tag_index() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '2s'
	AS $$
BEGIN
	PERFORM bigbrotr.announce_index('CREATE INDEX CONCURRENTLY events_tags_idx ON bigbrotr.events USING gin (bigbrotr.tag_keys(tags)) WITH (gin_pending_list_limit = 512)');
	CREATE INDEX events_tags_idx ON bigbrotr.events USING gin (bigbrotr.tag_keys(tags)) WITH (gin_pending_list_limit = 512);
END
$$;
COMMENT ON FUNCTION bigbrotr.create_tag_index() IS
	'Creates the index that tag conditions use (it is there from the start, see drop_tag_index). ANALYZE bigbrotr.events afterwards. Nothing is archived meanwhile: CREATE INDEX CONCURRENTLY events_tags_idx ON bigbrotr.events USING gin (bigbrotr.tag_keys(tags)) WITH (gin_pending_list_limit = 512) does the same beside the archive';

CREATE FUNCTION bigbrotr.drop_tag_index() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '2s'
	AS $$
BEGIN
	DROP INDEX bigbrotr.events_tags_idx;
END
$$;
COMMENT ON FUNCTION bigbrotr.drop_tag_index() IS
	'Drops the tag index, for archives that are only written to: inserts are faster, tag conditions read all that the rest of their filter leaves';

SELECT bigbrotr.create_tag_index();

CREATE FUNCTION bigbrotr.create_search_index() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '2s'
	AS $$
BEGIN
	PERFORM bigbrotr.announce_index('CREATE INDEX CONCURRENTLY events_search_idx ON bigbrotr.events USING gin (bigbrotr.search_vector(kind, content))');
	CREATE INDEX events_search_idx ON bigbrotr.events USING gin (bigbrotr.search_vector(kind, content));
END
$$;
COMMENT ON FUNCTION bigbrotr.create_search_index() IS
	'Creates the full-text index that search (NIP-50) uses; without it every event that the rest of the filter leaves is read. Nothing is archived meanwhile: CREATE INDEX CONCURRENTLY events_search_idx ON bigbrotr.events USING gin (bigbrotr.search_vector(kind, content)) does the same beside the archive';

CREATE FUNCTION bigbrotr.drop_search_index() RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	SET lock_timeout = '2s'
	AS $$
BEGIN
	DROP INDEX bigbrotr.events_search_idx;
END
$$;
COMMENT ON FUNCTION bigbrotr.drop_search_index() IS 'Drops the full-text index';

GRANT EXECUTE ON FUNCTION
	bigbrotr.address(bytea, integer, bigbrotr.tags),
	bigbrotr.address_id(bytea, integer, bigbrotr.tags),
	bigbrotr.tag_keys(bigbrotr.tags),
	bigbrotr.tag_matches(bigbrotr.tags, text, text[]),
	bigbrotr.is_searchable(integer),
	bigbrotr.search_vector(integer, text),
	bigbrotr.search_matches(integer, text, text),
	bigbrotr.search_rank(integer, text, text),
	bigbrotr.query_sql(jsonb, boolean),
	bigbrotr.query(jsonb, boolean),
	bigbrotr.count_sql(jsonb, boolean),
	bigbrotr.count(jsonb, boolean)
	TO bigbrotr_reader;
-- Coverage: what is proven of each relay's history, and what is left to be read.

-- A relay has at most so many dense ranges: with more, the lowest half of them becomes one range. It claims
-- less, and neither the table nor a look for gaps grows with what a relay makes up.
CREATE FUNCTION bigbrotr.merge_dense(relay integer, most integer, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	merged record;
BEGIN
	IF most < 1 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('%s dense ranges are too few', most),
			DETAIL = 'Merging leaves one range at least.', HINT = 'bigbrotr.claim_coverage allows 1000.';
	END IF;
	IF (SELECT count(*) FROM bigbrotr.coverage AS c
	    WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense') <= most THEN
		RETURN;
	END IF;
	SELECT min(d.lower) AS lower, max(d.upper) AS upper, sum(d.events)::bigint AS events INTO merged
	FROM (SELECT c.lower, c.upper, c.events FROM bigbrotr.coverage AS c
	      WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
	      ORDER BY c.lower LIMIT most / 2 + 1) AS d;
	-- A proven range does not reach over a dense one: what lies between two of them lies there as a whole.
	DELETE FROM bigbrotr.coverage AS c
	WHERE c.relay_id = relay AND c.filter = '{}' AND c.lower BETWEEN merged.lower AND merged.upper;
	INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
	VALUES (relay, merged.lower, merged.upper, 'dense', merged.events, at);
END
$$;
COMMENT ON FUNCTION bigbrotr.merge_dense(integer, integer, bigint) IS
	'If a relay has more dense ranges than most: makes one of the lowest half of them and of all between them, which is then not proven any more. A part of bigbrotr.claim_coverage';

CREATE FUNCTION bigbrotr.claim_coverage(
	relay integer, first_second bigint, last_second bigint, proof text, delivered bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	merged record;
	parts record;
BEGIN
	IF first_second < 0 OR first_second > last_second OR last_second > at THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('seconds %s to %s cannot be claimed at %s', first_second, last_second, at),
			DETAIL = 'A claim begins at 0 or later, does not end before it begins and not in the future.',
			HINT = 'All three are Unix seconds.';
	END IF;
	IF proof <> ALL ('{paged,exhausted,dense}') OR proof = 'dense' AND first_second <> last_second THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no proof for seconds %s to %s', left(proof, 64), first_second, last_second),
			DETAIL = 'There are paged, exhausted and dense, the last one for a single second.',
			HINT = 'See the comment on bigbrotr.coverage.evidence.';
	END IF;
	IF bigbrotr.hold_relays(ARRAY[relay]) = '{}' THEN
		RETURN; -- deleted meanwhile
	END IF;

	IF proof = 'dense' THEN
		UPDATE bigbrotr.coverage AS c SET events = greatest(c.events, delivered), proven_at = at
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
		      AND c.lower <= first_second AND c.upper >= first_second;
		IF NOT FOUND THEN
			INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
			SELECT relay, first_second, first_second, 'dense', delivered, at
			WHERE NOT EXISTS (SELECT FROM bigbrotr.coverage AS c
				WHERE c.relay_id = relay AND c.filter = '{}' AND c.lower <= first_second AND c.upper >= first_second);
			PERFORM bigbrotr.merge_dense(relay, 1000, at);
		END IF;
		RETURN;
	END IF;

	-- What is left of a dense range on either side of the claim was tried just now.
	WITH overlapped AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence = 'dense'
		      AND c.lower <= last_second AND c.upper >= first_second
		RETURNING c.lower, c.upper, c.events
	)
	SELECT array_agg(p.lower) AS lowers, array_agg(p.upper) AS uppers, array_agg(p.events) AS events INTO parts
	FROM (SELECT o.lower, first_second - 1, o.events FROM overlapped AS o WHERE o.lower < first_second
	      UNION ALL SELECT last_second + 1, o.upper, o.events FROM overlapped AS o WHERE o.upper > last_second)
	     AS p (lower, upper, events);

	-- Proven ranges that touch become one. What its lowest part is, the whole is: "exhausted" says
	-- that nothing older is left below, and the rest above has been read as well.
	WITH touching AS (
		DELETE FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' AND c.evidence <> 'dense'
		      AND c.lower - 1 <= last_second AND c.upper >= first_second - 1
		RETURNING c.lower, c.upper, c.evidence, c.events, c.proven_at
	), parts AS (
		SELECT * FROM touching
		UNION ALL SELECT first_second, last_second, proof, delivered, at
	)
	SELECT min(p.lower) AS lower, max(p.upper) AS upper,
	       (array_agg(p.evidence ORDER BY p.lower, p.evidence))[1] AS evidence,
	       sum(p.events)::bigint AS events, min(p.proven_at) AS proven_at
	INTO merged FROM parts AS p;

	INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, events, proven_at)
	SELECT relay, merged.lower, merged.upper, merged.evidence, merged.events, merged.proven_at
	UNION ALL SELECT relay, p.lower, p.upper, 'dense', p.events, at
	FROM unnest(parts.lowers, parts.uppers, parts.events) AS p (lower, upper, events);
END
$$;
COMMENT ON FUNCTION bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint) IS
	'Records that a relay''s events of these seconds (created_at, inclusive) are archived as far as it served them; proof: paged, exhausted or dense; delivered: number of events; at: Unix seconds. Ranges that touch are merged; a dense second is replaced by its proof. Of 1,000 dense ranges of one relay the lowest half becomes one';

CREATE FUNCTION bigbrotr.trim_coverage(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	deleted bigint;
	cut bigint;
BEGIN
	DELETE FROM bigbrotr.coverage AS c WHERE c.lower > at;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	UPDATE bigbrotr.coverage AS c SET upper = at WHERE c.upper > at;
	GET DIAGNOSTICS cut = ROW_COUNT;
	RETURN deleted + cut;
END
$$;
COMMENT ON FUNCTION bigbrotr.trim_coverage(bigint) IS
	'Withdraws what coverage says about seconds after this one: it was claimed while the clock was wrong. Returns how many ranges it changed';

-- A loop, since it ends where the caller has enough: it reads no more rows than it returns.
CREATE FUNCTION bigbrotr.gaps(
	relay integer, at bigint, tried_before bigint DEFAULT NULL, most integer DEFAULT NULL,
	OUT lower bigint, OUT upper bigint, OUT reason text, OUT tried_at bigint) RETURNS SETOF record
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known record;
	returned integer := 0;
	above bigint := at; -- the last second that no range seen so far says anything about
BEGIN
	FOR known IN
		SELECT c.lower, c.upper, c.evidence, c.proven_at FROM bigbrotr.coverage AS c
		WHERE c.relay_id = relay AND c.filter = '{}' ORDER BY c.lower DESC
	LOOP
		IF known.upper < above THEN
			lower := known.upper + 1;
			upper := above;
			reason := 'unread';
			tried_at := NULL;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		IF known.evidence = 'dense' AND known.lower <= at AND (known.proven_at < tried_before) IS NOT FALSE THEN
			lower := known.lower;
			upper := least(known.upper, at);
			reason := 'dense';
			tried_at := known.proven_at;
			RETURN NEXT;
			returned := returned + 1;
			EXIT WHEN returned >= most;
		END IF;
		above := least(above, known.lower - 1);
	END LOOP;
	IF above >= 0 AND (returned >= most) IS NOT TRUE THEN
		lower := 0;
		upper := above;
		reason := 'unread';
		tried_at := NULL;
		RETURN NEXT;
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.gaps(integer, bigint, bigint, integer) IS
	'What is not proven of a relay''s history from 0 to the Unix second given, newest first; reason unread, or dense: more events in one second than a page holds, last tried at tried_at. tried_before: without dense ranges that were tried since; most: no more than so many rows';
-- Functions of the synchronizer: who works on which relay, which relay is due, what came of it.

-- ---- Workers and their leases. A worker may touch a relay only while it holds the relay's lease, and the
-- lease only while its row in sync_workers is there. Each of its transactions locks that one row
-- (hold_leases) instead of one row for each relay: whoever takes its leases away waits for them, and no relay
-- with a lease can be deleted.

CREATE FUNCTION bigbrotr.hold_leases(worker text) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	PERFORM FROM bigbrotr.sync_workers AS w WHERE w.owner = worker FOR KEY SHARE;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.hold_leases(text) IS
	'Whether the worker still has its leases; if so, nobody takes one of them away until the end of the transaction';

CREATE FUNCTION bigbrotr.renew_leases(worker text, until bigint) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	UPDATE bigbrotr.sync_workers AS w SET expires = until WHERE w.owner = worker;
	RETURN FOUND;
END
$$;
COMMENT ON FUNCTION bigbrotr.renew_leases(text, bigint) IS
	'Keeps the leases of a worker until this Unix second; false: they expired and were taken away';

-- The place that a relay gives up goes to the one of its host, and of its site, that waits longest.
CREATE FUNCTION bigbrotr.end_lease(worker text, relay integer) RETURNS boolean
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	ended record;
	place text;
BEGIN
	DELETE FROM bigbrotr.relay_leases AS l WHERE l.relay_id = relay AND l.owner = worker RETURNING * INTO ended;
	IF NOT FOUND THEN
		RETURN false;
	END IF;
	FOREACH place IN ARRAY ARRAY['host ' || ended.host, 'site ' || ended.site] LOOP
		UPDATE bigbrotr.relay_sync AS s SET waits_for = NULL
		WHERE s.relay_id = (
			SELECT w.relay_id FROM bigbrotr.relay_sync AS w
			WHERE w.waits_for = place AND w.enabled ORDER BY w.next_attempt, w.relay_id
			LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED);
	END LOOP;
	RETURN true;
END
$$;
COMMENT ON FUNCTION bigbrotr.end_lease(text, integer) IS
	'Gives a lease back and lets a relay that waits for a place of the same host or site be due; false: the worker did not hold it';

CREATE FUNCTION bigbrotr.release_relays(worker text, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay integer;
	released bigint := 0;
BEGIN
	FOR relay IN SELECT l.relay_id FROM bigbrotr.relay_leases AS l WHERE l.owner = worker ORDER BY l.relay_id LOOP
		UPDATE bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at WHERE s.relay_id = relay;
		PERFORM bigbrotr.end_lease(worker, relay);
		released := released + 1;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION bigbrotr.release_relays(text, bigint) IS
	'All connections of the worker are gone: the relays it held are due again. Returns how many';

CREATE FUNCTION bigbrotr.expire_leases(at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	dead text;
	released bigint := 0;
BEGIN
	FOR dead IN
		SELECT w.owner FROM bigbrotr.sync_workers AS w WHERE w.expires <= at ORDER BY w.owner FOR UPDATE SKIP LOCKED
	LOOP
		released := released + bigbrotr.release_relays(dead, at);
		DELETE FROM bigbrotr.sync_workers AS w WHERE w.owner = dead;
	END LOOP;
	RETURN released;
END
$$;
COMMENT ON FUNCTION bigbrotr.expire_leases(bigint) IS
	'Takes the leases of workers away that did not renew them; those that are writing just now are left alone. Returns how many';

CREATE FUNCTION bigbrotr.adopt_relays() RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	adopted bigint;
BEGIN
	INSERT INTO bigbrotr.relay_sync (relay_id, phase_since)
	SELECT r.relay_id, r.inserted_at FROM bigbrotr.relays AS r
	WHERE NOT EXISTS (SELECT FROM bigbrotr.relay_sync AS s WHERE s.relay_id = r.relay_id)
	ORDER BY r.relay_id
	ON CONFLICT DO NOTHING;
	GET DIAGNOSTICS adopted = ROW_COUNT;
	RETURN adopted;
END
$$;
COMMENT ON FUNCTION bigbrotr.adopt_relays() IS
	'Lets relays be archived that were inserted without a row in bigbrotr.relay_sync. Returns how many';

CREATE FUNCTION bigbrotr.start_synchronizer(worker text, until bigint, at bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	released bigint;
BEGIN
	IF length(worker) > 200 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('the name of a worker has %s characters', length(worker)),
			DETAIL = 'It may have 200.', HINT = 'Give the server, the database and the worker, as the synchronizer does.';
	END IF;
	INSERT INTO bigbrotr.sync_workers AS w (owner, expires) VALUES (worker, until)
	ON CONFLICT ON CONSTRAINT sync_workers_pkey DO UPDATE SET expires = excluded.expires;
	released := bigbrotr.release_relays(worker, at);
	PERFORM bigbrotr.adopt_relays();
	-- After a restore nobody holds what was open when it was dumped, and other settings may hold.
	UPDATE bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at
	WHERE s.phase IN ('connecting', 'backfill', 'live')
	      AND NOT EXISTS (SELECT FROM bigbrotr.relay_leases AS l WHERE l.relay_id = s.relay_id);
	UPDATE bigbrotr.relay_sync AS s SET waits_for = NULL WHERE s.waits_for IS NOT NULL;
	PERFORM bigbrotr.trim_coverage(at);
	RETURN released;
END
$$;
COMMENT ON FUNCTION bigbrotr.start_synchronizer(text, bigint, bigint) IS
	'A worker begins: it takes leases until this Unix second, and gives back what it held under the same name. Returns how many relays these were';

-- ---- Whose turn it is

-- Not STRICT, so that the planner sees through it and a LIMIT reads no more than it wants.
CREATE FUNCTION bigbrotr.due_relays(
	at bigint, OUT relay_id integer, OUT url text, OUT since bigint) RETURNS SETOF record
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT s.relay_id, r.url, s.next_attempt
		FROM bigbrotr.relay_sync AS s JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
		WHERE s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL AND s.next_attempt <= due_relays.at
		ORDER BY s.next_attempt, s.relay_id;
	END;
COMMENT ON FUNCTION bigbrotr.due_relays(bigint) IS
	'Relays whose turn it is at this Unix second: never tried ones first, then those waiting longest';

CREATE FUNCTION bigbrotr.relay_site(url text, OUT host text, OUT site text)
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_relay_site';
COMMENT ON FUNCTION bigbrotr.relay_site(text) IS
	'Host of a normalised relay URL, and the site it belongs to: the domain that somebody registered, by the Public Suffix List; of an address the address itself';

-- A relay that may not be opened now waits for what stands in waits_for and is no more looked at until then:
-- ten thousand names of one host are each passed over once, not each second.
CREATE FUNCTION bigbrotr.take_relays(
	worker text, places integer, per_host integer, per_site integer, allow_local boolean, at bigint,
	OUT relay_id integer, OUT url text, OUT page_limit integer, OUT pace_ms integer) RETURNS SETOF record
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	due record;
	wish text;
	taken integer := 0;
BEGIN
	IF NOT EXISTS (SELECT FROM bigbrotr.sync_workers AS w WHERE w.owner = worker) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('there is no worker "%s"', left(worker, 64)),
			DETAIL = 'A worker begins by bigbrotr.start_synchronizer.', HINT = 'bigbrotr.sync_workers shows those that have begun.';
	END IF;
	FOR due IN
		SELECT s.relay_id, r.url, r.network, s.page_limit, s.pace_ms, p.host, p.site
		FROM bigbrotr.relay_sync AS s
		     JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id
		     CROSS JOIN LATERAL bigbrotr.relay_site(r.url) AS p
		WHERE s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL AND s.next_attempt <= at
		ORDER BY s.next_attempt, s.relay_id
		LIMIT 2 * least(greatest(places, 0), 10000) + 100
	LOOP
		EXIT WHEN taken >= places;
		-- Another worker may be taking it. Not locked above: a loop fetches more rows than it uses.
		PERFORM FROM bigbrotr.relay_sync AS s
		WHERE s.relay_id = due.relay_id AND s.enabled AND s.phase IN ('waiting', 'backoff') AND s.waits_for IS NULL
		FOR NO KEY UPDATE SKIP LOCKED;
		CONTINUE WHEN NOT FOUND;
		wish := CASE
			WHEN due.network = 'local' AND NOT allow_local THEN 'permission'
			WHEN due.network NOT IN ('clearnet', 'local') THEN 'proxy'
			WHEN (SELECT count(*) FROM bigbrotr.relay_leases AS l WHERE l.host = due.host) >= per_host THEN 'host ' || due.host
			WHEN (SELECT count(*) FROM bigbrotr.relay_leases AS l WHERE l.site = due.site) >= per_site THEN 'site ' || due.site
		END;
		IF wish IS NOT NULL THEN
			UPDATE bigbrotr.relay_sync AS s SET waits_for = wish WHERE s.relay_id = due.relay_id;
			CONTINUE;
		END IF;
		INSERT INTO bigbrotr.relay_leases (relay_id, owner, host, site, taken_at)
		VALUES (due.relay_id, worker, due.host, due.site, at);
		UPDATE bigbrotr.relay_sync AS s SET phase = 'connecting', phase_since = at WHERE s.relay_id = due.relay_id;
		taken := taken + 1;
		relay_id := due.relay_id;
		url := due.url;
		page_limit := due.page_limit;
		pace_ms := due.pace_ms;
		RETURN NEXT;
	END LOOP;
END
$$;
COMMENT ON FUNCTION bigbrotr.take_relays(text, integer, integer, integer, boolean, bigint) IS
	'Leases so many of the due relays to a worker, so that no more than per_host of one host and per_site of one site are leased; what does not fit is passed over and waits. page_limit, pace_ms: what was learned of the relay, 0: nothing';

CREATE FUNCTION bigbrotr.wake_relays(everyone boolean) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	woken bigint;
BEGIN
	UPDATE bigbrotr.relay_sync AS s SET waits_for = NULL
	WHERE s.waits_for IS NOT NULL AND (everyone OR s.relay_id IN (
		SELECT DISTINCT ON (w.waits_for) w.relay_id FROM bigbrotr.relay_sync AS w
		WHERE w.waits_for IS NOT NULL AND w.enabled ORDER BY w.waits_for, w.next_attempt));
	GET DIAGNOSTICS woken = ROW_COUNT;
	RETURN woken;
END
$$;
COMMENT ON FUNCTION bigbrotr.wake_relays(boolean) IS
	'Lets relays be due that were passed over: everyone, after settings have changed, or the first one of each host and site. Returns how many';

CREATE FUNCTION bigbrotr.unwanted_relays(worker text, allow_local boolean) RETURNS SETOF integer
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT l.relay_id FROM bigbrotr.relay_leases AS l
		     JOIN bigbrotr.relay_sync AS s ON s.relay_id = l.relay_id
		     JOIN bigbrotr.relays AS r ON r.relay_id = l.relay_id
		WHERE l.owner = unwanted_relays.worker AND NOT (s.enabled AND (r.network <> 'local' OR unwanted_relays.allow_local));
	END;
COMMENT ON FUNCTION bigbrotr.unwanted_relays(text, boolean) IS
	'Those of the relays a worker holds that are to be left alone: disabled or no longer allowed';

CREATE FUNCTION bigbrotr.crowded_relays(worker text) RETURNS SETOF integer
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT l.relay_id FROM bigbrotr.relay_leases AS l
		WHERE l.owner = crowded_relays.worker AND EXISTS (
			SELECT FROM bigbrotr.relay_sync AS s
			WHERE s.enabled AND s.waits_for IN ('host ' || l.host, 'site ' || l.site));
	END;
COMMENT ON FUNCTION bigbrotr.crowded_relays(text) IS
	'Those of the relays a worker holds for whose place another one of their host or site waits';

-- ---- What came of it

CREATE FUNCTION bigbrotr.end_kind(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE
		WHEN reason IN ('', 'address_full') THEN 'told'
		WHEN reason IN ('rate_limited', 'auth_required', 'closed_by_relay') THEN 'refused'
		WHEN reason IN ('too_many_invalid', 'flood', 'too_deep', 'bad_utf8', 'binary_frame') THEN 'fault'
		ELSE 'failed' END;
COMMENT ON FUNCTION bigbrotr.end_kind(text) IS
	'Why a connection ended, by its reason code. told: by us; refused: the relay is there but does not let us read; fault: the relay sent what no honest one sends; failed: everything else';

CREATE FUNCTION bigbrotr.report_relay(
	worker text, relay integer, event text, reason text, detail text, pause_ms bigint,
	page_limit integer, pace_ms integer, retry_delay_ms bigint, retry_delay_max_ms bigint, at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	kind text := bigbrotr.end_kind(reason);
	status_now text := CASE WHEN event = 'connected' OR kind IN ('refused', 'fault') THEN 'online'
	                        WHEN event = 'ended' AND kind = 'failed' THEN 'offline' END;
	known bigbrotr.relay_sync;
	delay_ms double precision;
BEGIN
	IF event <> ALL ('{connected,caught_up,ended}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is nothing a relay can report', left(event, 64)),
			DETAIL = 'There are connected, caught_up and ended.', HINT = 'Of "ended", reason says why; it is empty if all went well.';
	END IF;
	IF NOT EXISTS (SELECT FROM bigbrotr.relay_leases AS l WHERE l.relay_id = relay AND l.owner = worker) THEN
		RETURN;
	END IF;
	IF event = 'ended' THEN
		PERFORM bigbrotr.end_lease(worker, relay);
	END IF;
	UPDATE bigbrotr.relays AS r SET status = status_now
	WHERE r.relay_id = relay AND status_now IS NOT NULL AND r.status IS DISTINCT FROM status_now;
	UPDATE bigbrotr.relay_sync AS s
	SET page_limit = coalesce(nullif(report_relay.page_limit, 0), s.page_limit),
	    pace_ms = coalesce(nullif(report_relay.pace_ms, 0), s.pace_ms)
	WHERE s.relay_id = relay AND (report_relay.page_limit NOT IN (0, s.page_limit) OR report_relay.pace_ms NOT IN (0, s.pace_ms));

	IF event = 'connected' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'backfill', phase_since = at WHERE s.relay_id = relay;
	ELSIF event = 'caught_up' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'live', phase_since = at WHERE s.relay_id = relay AND s.phase <> 'live';
	ELSIF kind = 'told' THEN
		UPDATE bigbrotr.relay_sync AS s SET phase = 'waiting', phase_since = at, next_attempt = at + pause_ms / 1000 WHERE s.relay_id = relay;
	ELSE
		SELECT * INTO STRICT known FROM bigbrotr.relay_sync AS s WHERE s.relay_id = relay FOR NO KEY UPDATE;
		known.failures := known.failures + 1;
		IF kind = 'fault' THEN
			-- One is forgiven for each day without another one; a good page forgives none.
			known.faults := greatest(0, known.faults - (at - coalesce(known.last_fault, at)) / 86400) + 1;
			known.last_fault := at;
			delay_ms := retry_delay_max_ms * 2.0 ^ least(known.faults - 1, 6);
		ELSE
			-- Doubles from failure to failure, give or take a quarter, so that relays that failed
			-- together do not come back together.
			delay_ms := least(retry_delay_max_ms, retry_delay_ms * 2.0 ^ least(known.failures - 1, 40)
				* (0.75 + (hashint4(relay # (known.failures - 1)) & 1023) / 2048.0));
		END IF;
		-- What the relay asks for counts up to a day.
		UPDATE bigbrotr.relay_sync AS s SET
			phase = 'backoff', phase_since = at, failures = known.failures, faults = known.faults, last_fault = known.last_fault,
			last_error = reason, last_detail = detail,
			next_attempt = at + ceil(greatest(delay_ms, least(pause_ms, 86400000)) / 1000)::bigint
		WHERE s.relay_id = relay;
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.report_relay(text, integer, text, text, text, bigint, integer, integer, bigint, bigint, bigint) IS
	'What became of a leased relay; nothing happens if the worker does not hold it. event: connected, caught_up or ended, which ends the lease; reason: why it failed, else empty; pause_ms: how long it is to be left alone at least; page_limit, pace_ms: what was learned of it, 0: nothing; at: Unix seconds';

CREATE FUNCTION bigbrotr.count_traffic(
	relay_ids integer[], new_events bigint[], new_sightings bigint[], new_messages bigint[], new_bytes bigint[],
	new_pages bigint[], at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	-- Others that have locked a relay's row note the same: to wait for one of them could be a deadlock, since
	-- insert_events_batch locks relays before events.
	UPDATE bigbrotr.relays AS r SET last_seen = at
	WHERE r.relay_id IN (
		SELECT k.relay_id FROM bigbrotr.relays AS k
		     JOIN unnest(relay_ids, new_messages) AS a (relay_id, messages) ON a.relay_id = k.relay_id
		WHERE a.messages > 0 AND k.last_seen IS DISTINCT FROM at
		FOR NO KEY UPDATE OF k SKIP LOCKED);
	INSERT INTO bigbrotr.relay_traffic AS t (relay_id, events, sightings, messages, bytes, pages, last_success)
	SELECT a.relay_id, coalesce(a.events, 0), coalesce(a.sightings, 0), coalesce(a.messages, 0), coalesce(a.bytes, 0),
	       coalesce(a.pages, 0), CASE WHEN a.pages > 0 THEN at END
	FROM unnest(relay_ids, new_events, new_sightings, new_messages, new_bytes, new_pages)
	     AS a (relay_id, events, sightings, messages, bytes, pages)
	WHERE EXISTS (SELECT FROM bigbrotr.relay_sync AS s WHERE s.relay_id = a.relay_id)
	ORDER BY a.relay_id
	ON CONFLICT ON CONSTRAINT relay_traffic_pkey DO UPDATE SET
		events = t.events + excluded.events, sightings = t.sightings + excluded.sightings,
		messages = t.messages + excluded.messages, bytes = t.bytes + excluded.bytes, pages = t.pages + excluded.pages,
		last_success = coalesce(excluded.last_success, t.last_success);
	UPDATE bigbrotr.relay_sync AS s SET failures = 0
	FROM unnest(relay_ids, new_pages) AS a (relay_id, pages)
	WHERE s.relay_id = a.relay_id AND a.pages > 0 AND s.failures > 0;
END
$$;
COMMENT ON FUNCTION bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint) IS
	'Adds to the counters in bigbrotr.relay_traffic (no relay twice). A page read to its end ends a series of failures';

CREATE FUNCTION bigbrotr.refusal_kind(reason text) RETURNS text
	LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
	RETURN CASE WHEN reason IN ('too_large', 'frame_too_large', 'message_too_large', 'too_many_tags', 'bad_kind', 'bad_tags',
		'local_address', 'address_full', 'no_memory')
		THEN 'policy' ELSE 'fault' END;
COMMENT ON FUNCTION bigbrotr.refusal_kind(text) IS
	'Of a refusal''s reason code: policy, a limit of ours that an honest relay may pass, or fault, what no honest relay sends';

CREATE FUNCTION bigbrotr.count_refusals(
	relay_ids integer[], reasons text[], counts bigint[], details text[], at bigint) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		INSERT INTO bigbrotr.relay_refusals AS f (relay_id, reason, count, first_at, last_at, last_detail)
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
COMMENT ON FUNCTION bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint) IS
	'Counts what relays sent and we refused, by reason code; details: of the last one each; at: Unix seconds';
-- Views: the original specification's names, and what users ask about progress.

CREATE VIEW bigbrotr.event_relay AS
	SELECT e.event_id, r.url AS relay_url, s.seen_at
	FROM bigbrotr.sightings AS s
	     JOIN bigbrotr.events AS e ON e.eid = s.eid
	     JOIN bigbrotr.relays AS r ON r.relay_id = s.relay_id;
COMMENT ON VIEW bigbrotr.event_relay IS 'Which relay delivered which event';
COMMENT ON COLUMN bigbrotr.event_relay.event_id IS 'id of the event, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.event_relay.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.event_relay.seen_at IS 'When the relay first delivered the event, Unix seconds';

CREATE VIEW bigbrotr.relay_metadata AS
	SELECT r.url AS relay_url, r.network AS relay_network, r.inserted_at AS relay_inserted_at, c.generated_at,
	       c.nip66_present, c.nip66_openable, c.nip66_readable, c.nip66_writable,
	       c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write,
	       c.nip11_present, c.nip11_name, c.nip11_description, c.nip11_pubkey, c.nip11_contact,
	       c.nip11_supported_nips, c.nip11_software, c.nip11_version
	FROM bigbrotr.relay_checks AS c JOIN bigbrotr.relays AS r ON r.relay_id = c.relay_id;
COMMENT ON VIEW bigbrotr.relay_metadata IS 'Measurements of relays (NIP-66) and the documents they serve (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_inserted_at IS 'When the relay became known, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_metadata.generated_at IS 'When it was measured, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_present IS 'Whether the relay was measured (NIP-66)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_openable IS 'Whether a WebSocket could be opened';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_readable IS 'Whether a REQ was answered';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_writable IS 'Whether an EVENT was accepted';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_rtt_open IS 'Milliseconds to open (NIP-66 tag rtt-open)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_rtt_read IS 'Milliseconds to the answer of a REQ (NIP-66 tag rtt-read)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip66_rtt_write IS 'Milliseconds to the answer of an EVENT (NIP-66 tag rtt-write)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_present IS 'Whether a relay information document was served (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_name IS 'name (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_description IS 'description (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_pubkey IS 'pubkey as served; not always a key (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_contact IS 'contact (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_supported_nips IS 'supported_nips (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_software IS 'software (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_version IS 'version (NIP-11)';

CREATE VIEW bigbrotr.refusals AS
	SELECT 'relay'::text AS source, r.url AS name, f.reason, bigbrotr.refusal_kind(f.reason) AS kind,
	       f.count, f.first_at, f.last_at, f.last_detail
	FROM bigbrotr.relay_refusals AS f JOIN bigbrotr.relays AS r ON r.relay_id = f.relay_id
	UNION ALL
	SELECT 'database', coalesce(r.url, ''), j.sqlstate, 'database', count(*), min(j.rejected_at), max(j.rejected_at),
	       (array_agg(j.message ORDER BY j.rejected_at DESC))[1]
	FROM bigbrotr.event_rejects AS j LEFT JOIN bigbrotr.relays AS r ON r.relay_id = j.relay_id
	GROUP BY r.url, j.sqlstate
	UNION ALL
	SELECT 'seeds', s.source, s.reason, 'fault', count(*), min(s.read_at), max(s.read_at), (array_agg(s.text ORDER BY s.line DESC))[1]
	FROM bigbrotr.seed_rejects AS s
	GROUP BY s.source, s.reason;
COMMENT ON VIEW bigbrotr.refusals IS 'Everything that was not archived, counted by reason';
COMMENT ON COLUMN bigbrotr.refusals.source IS 'relay: sent by a relay; database: verified, but the database would not take it (bigbrotr.event_rejects); seeds: a line of a seed list (bigbrotr.seed_rejects)';
COMMENT ON COLUMN bigbrotr.refusals.name IS 'URL of the relay, or name of the seed list';
COMMENT ON COLUMN bigbrotr.refusals.reason IS 'Reason code, or SQLSTATE';
COMMENT ON COLUMN bigbrotr.refusals.kind IS 'policy: a limit of ours; fault: it is not what it should be; database: see the error';
COMMENT ON COLUMN bigbrotr.refusals.count IS 'How often';
COMMENT ON COLUMN bigbrotr.refusals.first_at IS 'First time, Unix seconds';
COMMENT ON COLUMN bigbrotr.refusals.last_at IS 'Last time, Unix seconds';
COMMENT ON COLUMN bigbrotr.refusals.last_detail IS 'What it was the last time';

CREATE VIEW bigbrotr.coverage_gaps AS
	SELECT r.url AS relay_url, g.lower, g.upper, g.upper - g.lower + 1 AS seconds, g.reason, g.tried_at
	FROM bigbrotr.relays AS r, bigbrotr.gaps(r.relay_id, bigbrotr.unix_now()) AS g;
COMMENT ON VIEW bigbrotr.coverage_gaps IS 'What is not proven of each relay''s history, from 0 until now';
COMMENT ON COLUMN bigbrotr.coverage_gaps.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.coverage_gaps.lower IS 'First created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.upper IS 'Last created_at of the gap, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage_gaps.seconds IS 'Length of the gap';
COMMENT ON COLUMN bigbrotr.coverage_gaps.reason IS 'unread; or dense: more events in one second than the relay shows in a page';
COMMENT ON COLUMN bigbrotr.coverage_gaps.tried_at IS 'When a dense second was last tried, Unix seconds';

CREATE VIEW bigbrotr.relay_progress AS
	SELECT r.relay_id, r.url, r.network, r.status, coalesce(s.enabled, true) AS enabled,
	       coalesce(s.phase, 'waiting') AS phase, s.phase_since,
	       CASE
	           WHEN NOT s.enabled THEN 'to be enabled'
	           WHEN s.waits_for LIKE 'host %' THEN 'a place of its host (bigbrotr.sync_connections_per_host)'
	           WHEN s.waits_for LIKE 'site %' THEN 'a place of its site (bigbrotr.sync_connections_per_site)'
	           WHEN s.waits_for = 'permission' THEN 'permission to open local relays (bigbrotr.allow_local_relays)'
	           WHEN s.waits_for = 'proxy' THEN 'a proxy to its network'
	           WHEN s.phase IN ('connecting', 'backfill', 'live') THEN NULL
	           WHEN s.next_attempt <= bigbrotr.unix_now() IS NOT FALSE THEN 'a place (bigbrotr.sync_connections)'
	           WHEN s.phase = 'waiting' THEN 'its next turn'
	           WHEN s.last_error = 'rate_limited' THEN 'the end of the pause that the relay asked for'
	           WHEN s.last_error = 'auth_required' THEN 'authentication, which the relay demands'
	           WHEN bigbrotr.end_kind(s.last_error) = 'fault' THEN 'the end of its ban for what it sent'
	           ELSE 'the next attempt after a failure' END AS waiting_for,
	       coalesce(t.events, 0) AS events, coalesce(t.sightings, 0) AS sightings,
	       coalesce(t.messages, 0) AS messages, coalesce(t.bytes, 0) AS bytes, coalesce(t.pages, 0) AS pages,
	       c.proven_seconds, c.dense_seconds, c.proven_from, c.proven_until,
	       least(1, c.proven_seconds::double precision / (bigbrotr.unix_now() + 1)) AS coverage,
	       f.refusals, coalesce(s.failures, 0) AS failures, coalesce(s.faults, 0) AS faults,
	       s.last_error, s.last_detail, t.last_success, s.next_attempt, l.owner
	FROM bigbrotr.relays AS r
	     LEFT JOIN bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
	     LEFT JOIN bigbrotr.relay_traffic AS t ON t.relay_id = r.relay_id
	     LEFT JOIN bigbrotr.relay_leases AS l ON l.relay_id = r.relay_id
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(c.upper - c.lower + 1) FILTER (WHERE c.evidence <> 'dense'), 0)::bigint AS proven_seconds,
	                coalesce(sum(c.upper - c.lower + 1) FILTER (WHERE c.evidence = 'dense'), 0)::bigint AS dense_seconds,
	                min(c.lower) FILTER (WHERE c.evidence <> 'dense') AS proven_from,
	                max(c.upper) FILTER (WHERE c.evidence <> 'dense') AS proven_until
	         FROM bigbrotr.coverage AS c WHERE c.relay_id = r.relay_id AND c.filter = '{}') AS c
	     CROSS JOIN LATERAL (
	         SELECT coalesce(sum(f.count), 0)::bigint AS refusals
	         FROM bigbrotr.relay_refusals AS f WHERE f.relay_id = r.relay_id) AS f;
COMMENT ON VIEW bigbrotr.relay_progress IS 'How far each relay is archived';
COMMENT ON COLUMN bigbrotr.relay_progress.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.relay_progress.url IS 'Normalised URL';
COMMENT ON COLUMN bigbrotr.relay_progress.network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_progress.status IS 'online, offline or null (not tried)';
COMMENT ON COLUMN bigbrotr.relay_progress.enabled IS 'false: the synchronizer leaves the relay alone';
COMMENT ON COLUMN bigbrotr.relay_progress.phase IS 'waiting, connecting, backfill, live or backoff, see bigbrotr.relay_sync';
COMMENT ON COLUMN bigbrotr.relay_progress.phase_since IS 'When the phase began, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_progress.waiting_for IS 'In words: what must come before it is opened; null: it is open';
COMMENT ON COLUMN bigbrotr.relay_progress.events IS 'Events first archived through this relay';
COMMENT ON COLUMN bigbrotr.relay_progress.sightings IS 'Sightings archived';
COMMENT ON COLUMN bigbrotr.relay_progress.messages IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.relay_progress.bytes IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.relay_progress.pages IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_seconds IS 'Seconds of history proven to be archived';
COMMENT ON COLUMN bigbrotr.relay_progress.dense_seconds IS 'Seconds seen in part, since one of them has more events than a page holds';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_from IS 'Oldest second proven, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_progress.proven_until IS 'Newest second proven, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_progress.coverage IS 'Share of the history from 0 until now that is proven, 0 .. 1';
COMMENT ON COLUMN bigbrotr.relay_progress.refusals IS 'What was refused, see bigbrotr.refusals';
COMMENT ON COLUMN bigbrotr.relay_progress.failures IS 'Connections failed or broken since the last page was read';
COMMENT ON COLUMN bigbrotr.relay_progress.faults IS 'Connections that we cut since the relay sent what no honest one sends; one is forgiven a day';
COMMENT ON COLUMN bigbrotr.relay_progress.last_error IS 'Reason code of the last failure';
COMMENT ON COLUMN bigbrotr.relay_progress.last_detail IS 'What the relay or the system said at the last failure';
COMMENT ON COLUMN bigbrotr.relay_progress.last_success IS 'When a page was last read to its end, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_progress.next_attempt IS 'Not opened before, Unix seconds; 0: never tried';
COMMENT ON COLUMN bigbrotr.relay_progress.owner IS 'Worker that archives it now, see bigbrotr.relay_leases';

CREATE VIEW bigbrotr.sync_progress AS
	SELECT count(*) AS relays,
	       count(*) FILTER (WHERE NOT p.enabled) AS disabled,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'waiting') AS waiting,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'connecting') AS connecting,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'backfill') AS backfill,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'live') AS live,
	       count(*) FILTER (WHERE p.enabled AND p.phase = 'backoff') AS backoff,
	       coalesce(sum(p.events), 0)::bigint AS events,
	       coalesce(sum(p.sightings), 0)::bigint AS sightings,
	       coalesce(sum(p.messages), 0)::bigint AS messages,
	       coalesce(sum(p.bytes), 0)::bigint AS bytes,
	       coalesce(sum(p.pages), 0)::bigint AS pages,
	       coalesce(sum(p.refusals), 0)::bigint AS refusals,
	       coalesce(sum(p.dense_seconds), 0)::bigint AS dense_seconds,
	       coalesce(avg(p.coverage) FILTER (WHERE p.enabled), 0) AS coverage
	FROM bigbrotr.relay_progress AS p;
COMMENT ON VIEW bigbrotr.sync_progress IS 'How far the archive is, in one row';
COMMENT ON COLUMN bigbrotr.sync_progress.relays IS 'Relays known';
COMMENT ON COLUMN bigbrotr.sync_progress.disabled IS 'Relays the synchronizer leaves alone; the following five add up to the rest';
COMMENT ON COLUMN bigbrotr.sync_progress.waiting IS 'Relays waiting for their turn';
COMMENT ON COLUMN bigbrotr.sync_progress.connecting IS 'Relays being connected to';
COMMENT ON COLUMN bigbrotr.sync_progress.backfill IS 'Relays whose history is being paged';
COMMENT ON COLUMN bigbrotr.sync_progress.live IS 'Relays caught up, subscribed to what is new';
COMMENT ON COLUMN bigbrotr.sync_progress.backoff IS 'Relays that failed and wait for the next attempt';
COMMENT ON COLUMN bigbrotr.sync_progress.events IS 'Events archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_progress.sightings IS 'Sightings archived by the synchronizer';
COMMENT ON COLUMN bigbrotr.sync_progress.messages IS 'WebSocket messages received';
COMMENT ON COLUMN bigbrotr.sync_progress.bytes IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN bigbrotr.sync_progress.pages IS 'Pages read to their end';
COMMENT ON COLUMN bigbrotr.sync_progress.refusals IS 'What relays sent and was refused, see bigbrotr.refusals';
COMMENT ON COLUMN bigbrotr.sync_progress.dense_seconds IS 'Seconds seen in part, since one of them has more events than a page holds';
COMMENT ON COLUMN bigbrotr.sync_progress.coverage IS 'Mean share of the enabled relays'' history that is proven, 0 .. 1';

-- The functions of the original specification for events, with its names and arguments. They check what they
-- are given (bigbrotr.verify_events) and feed bigbrotr.insert_events.

CREATE FUNCTION bigbrotr.limit_time(purpose text) RETURNS void
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_limit_time';
COMMENT ON FUNCTION bigbrotr.limit_time(text) IS
	'Lets the running statement go on for at most bigbrotr.query_timeout, procedure_timeout or batch_timeout (purpose: query, procedure, batch) from now (query: from its first call in the statement), and never longer than statement_timeout allows';

CREATE FUNCTION bigbrotr.batch_size(wanted integer) RETURNS integer
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
COMMENT ON FUNCTION bigbrotr.batch_size(integer) IS
	'The batch size wanted, null: bigbrotr.default_batch_size; an error above bigbrotr.max_batch_size';

CREATE FUNCTION bigbrotr.hex_argument(value text, name text, bytes integer) RETURNS bytea
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
COMMENT ON FUNCTION bigbrotr.hex_argument(text, text, integer) IS
	'Bytes from hexadecimal digits, also with \x before them; name: for the error';

-- What is wrong with an event is an error that names it.
CREATE FUNCTION bigbrotr.check_event(
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
		reason := bigbrotr.verify_event_reason(event_id, pubkey, created_at, kind, tags, content, sig);
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
COMMENT ON FUNCTION bigbrotr.check_event(bytea, bytea, bigint, integer, jsonb, text, bytea, bigint) IS
	'An error if a part is missing or, with bigbrotr.verify_events, if id or signature are wrong';

CREATE FUNCTION bigbrotr.check_relay(INOUT url text, INOUT network text, inserted_at bigint)
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
	SELECT * INTO relay FROM bigbrotr.require_relay(check_relay.url) AS r;
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
COMMENT ON FUNCTION bigbrotr.check_relay(text, text, bigint) IS
	'Normalises a relay''s URL; an error if it is none, or of another network (null: any)';

-- Elements that run in parallel, checked already. In the order of the arrays, the first one counts
-- for an event, a sighting and a relay, the last one for last_seen: as if inserted one by one.
CREATE FUNCTION bigbrotr.insert_relays_checked(
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
			INSERT INTO bigbrotr.relay_sync (relay_id, phase_since)
			SELECT s.relay_id, bigbrotr.unix_now() FROM stored AS s ORDER BY s.relay_id
			ON CONFLICT DO NOTHING
		)
		SELECT count(*) FROM stored AS s WHERE s.new;
	END;
COMMENT ON FUNCTION bigbrotr.insert_relays_checked(text[], text[], bigint[], bigint[]) IS
	'Makes relays known and notes when they were last seen (null: not), for URLs in normal form; returns how many are new';

-- Events first and sightings then, all of a list in the order of all writers: two that bring the same wait
-- for each other, but never in a circle.
CREATE FUNCTION bigbrotr.insert_events_checked(
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
	PERFORM bigbrotr.insert_relays_checked(relay_urls, relay_networks, relay_inserted_ats, seen_ats);
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
		SELECT i.* INTO added FROM bigbrotr.insert_events(
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
	     bigbrotr.insert_events('{}', '{}', '{}', '{}', '{}', '{}', '{}', '{}',
		s.event_ids, s.relay_ids, s.seen_ats, bigbrotr.unix_now()) AS i;
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer) IS
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
	PERFORM bigbrotr.limit_time('procedure');
	PERFORM bigbrotr.check_event(event_id, pubkey, created_at, kind, tags, content, sig, seen_at);
	SELECT * INTO relay FROM bigbrotr.check_relay(relay_url, relay_network, relay_inserted_at) AS r;
	PERFORM bigbrotr.insert_events_checked(ARRAY[event_id], ARRAY[pubkey], ARRAY[created_at], ARRAY[kind], ARRAY[tags],
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
			bigbrotr.hex_argument(event_id, 'event_id', 32), bigbrotr.hex_argument(pubkey, 'pubkey', 32), created_at, kind,
			tags, content, bigbrotr.hex_argument(sig, 'sig', 64), relay_url, relay_network, relay_inserted_at, seen_at);
	END;
COMMENT ON FUNCTION bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint) IS
	'The same with event_id, pubkey and sig as hexadecimal digits';

-- Lists of JSON as text, as many drivers send them.
CREATE FUNCTION bigbrotr.jsonb_elements(elements text[], name text) RETURNS jsonb[]
	LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	converted jsonb[] := '{}';
	element text;
BEGIN
	PERFORM bigbrotr.check_elements(cardinality(elements));
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
COMMENT ON FUNCTION bigbrotr.jsonb_elements(text[], text) IS 'JSON texts as jsonb; name: of the list, for the error';

CREATE FUNCTION bigbrotr.insert_events_batch(
	events jsonb[], batch_size integer DEFAULT NULL, OUT inserted_events bigint, OUT inserted_sightings bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	size integer := bigbrotr.batch_size(batch_size);
	e record;
	relay record;
	ids bytea[] := '{}'; pubkeys bytea[] := '{}'; created_ats bigint[] := '{}'; kinds integer[] := '{}'; tags jsonb[] := '{}';
	contents text[] := '{}'; sigs bytea[] := '{}';
	urls text[] := '{}'; networks text[] := '{}'; inserted_ats bigint[] := '{}'; seen_ats bigint[] := '{}';
	detail text;
	hint text;
BEGIN
	PERFORM bigbrotr.limit_time('batch'), bigbrotr.check_elements(cardinality(events));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(events), 0) LOOP
			IF (jsonb_typeof(events[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT bigbrotr.hex_argument(coalesce(r.event_id, r.id), 'event_id', 32) AS event_id,
			       bigbrotr.hex_argument(r.pubkey, 'pubkey', 32) AS pubkey, r.created_at, r.kind, r.tags, r.content,
			       bigbrotr.hex_argument(r.sig, 'sig', 64) AS sig,
			       r.relay_url, r.relay_network, r.relay_inserted_at, r.seen_at
			INTO e
			FROM jsonb_to_record(events[n]) AS r (event_id text, id text, pubkey text, created_at bigint, kind integer,
				tags jsonb, content text, sig text, relay_url text, relay_network text, relay_inserted_at bigint,
				seen_at bigint);
			PERFORM bigbrotr.check_event(e.event_id, e.pubkey, e.created_at, e.kind, e.tags, e.content, e.sig, e.seen_at);
			SELECT * INTO relay FROM bigbrotr.check_relay(e.relay_url, e.relay_network, e.relay_inserted_at) AS r;
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
	SELECT i.events, i.sightings INTO inserted_events, inserted_sightings FROM bigbrotr.insert_events_checked(
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
		FROM bigbrotr.insert_events_batch(bigbrotr.jsonb_elements(events, 'events'), batch_size) AS i;
	END;
COMMENT ON FUNCTION bigbrotr.insert_events_batch(text[], integer) IS 'The same for a list of JSON texts';
-- The functions of the original specification for relays and their measurements.

CREATE FUNCTION bigbrotr.insert_relay(url text, network text, inserted_at bigint) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	relay record;
BEGIN
	PERFORM bigbrotr.limit_time('procedure');
	SELECT * INTO relay FROM bigbrotr.check_relay(url, network, inserted_at) AS r;
	PERFORM bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[inserted_at], ARRAY[NULL::bigint]);
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
	PERFORM bigbrotr.limit_time('batch'), bigbrotr.batch_size(batch_size), bigbrotr.check_elements(cardinality(relays));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(relays), 0) LOOP
			IF (jsonb_typeof(relays[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT * INTO given FROM jsonb_to_record(relays[n]) AS r (url text, network text, inserted_at bigint);
			SELECT * INTO relay FROM bigbrotr.check_relay(given.url, given.network, given.inserted_at) AS r;
			urls := urls || relay.url; networks := networks || relay.network;
			inserted_ats := inserted_ats || given.inserted_at;
		END LOOP;
	EXCEPTION WHEN data_exception OR null_value_not_allowed THEN
		GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
		RAISE EXCEPTION USING ERRCODE = SQLSTATE, MESSAGE = format('element %s of the relays: %s', cardinality(inserted_ats) + 1, SQLERRM),
			DETAIL = coalesce(nullif(detail, ''), 'Nothing of the list was stored.'),
			HINT = coalesce(nullif(hint, ''), 'Correct the element or leave it out.');
	END;
	RETURN bigbrotr.insert_relays_checked(urls, networks, inserted_ats, array_fill(NULL::bigint, ARRAY[cardinality(urls)]));
END
$$;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(jsonb[], integer) IS
	'bigbrotr.insert_relay for a list of objects with its arguments as keys, and how many relays were new. All or nothing; the error names the element that is wrong, from 1';

CREATE FUNCTION bigbrotr.insert_relays_batch(relays text[], batch_size integer DEFAULT NULL) RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.insert_relays_batch(bigbrotr.jsonb_elements(relays, 'relays'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relays_batch(text[], integer) IS 'The same for a list of JSON texts';

CREATE FUNCTION bigbrotr.check_measurement(generated_at bigint) RETURNS void
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
COMMENT ON FUNCTION bigbrotr.check_measurement(bigint) IS 'An error if a measurement has no time';

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
	PERFORM bigbrotr.limit_time('procedure');
	PERFORM bigbrotr.check_measurement(generated_at);
	SELECT * INTO relay FROM bigbrotr.check_relay(relay_url, relay_network, relay_inserted_at) AS r;
	PERFORM bigbrotr.insert_relays_checked(ARRAY[relay.url], ARRAY[relay.network], ARRAY[relay_inserted_at], ARRAY[NULL::bigint]);
	INSERT INTO bigbrotr.relay_checks
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
	PERFORM bigbrotr.limit_time('batch'), bigbrotr.batch_size(batch_size), bigbrotr.check_elements(cardinality(metadata));
	BEGIN
		FOR n IN 1 .. coalesce(cardinality(metadata), 0) LOOP
			IF (jsonb_typeof(metadata[n]) = 'object') IS NOT TRUE THEN
				RAISE invalid_parameter_value USING MESSAGE = 'it is no JSON object';
			END IF;
			SELECT * INTO given FROM jsonb_populate_record(NULL::bigbrotr.relay_metadata, metadata[n]) AS m;
			PERFORM bigbrotr.check_measurement(given.generated_at);
			SELECT * INTO relay FROM bigbrotr.check_relay(given.relay_url, given.relay_network, given.relay_inserted_at) AS r;
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
	PERFORM bigbrotr.insert_relays_checked(urls, networks, inserted_ats, array_fill(NULL::bigint, ARRAY[cardinality(urls)]));
	INSERT INTO bigbrotr.relay_checks
	SELECT c.*
	FROM unnest(urls, checks) WITH ORDINALITY AS g (url, measured, n)
	     JOIN bigbrotr.relays AS r ON r.url = g.url,
	     jsonb_populate_record(NULL::bigbrotr.relay_checks, g.measured || jsonb_build_object('relay_id', r.relay_id)) AS c
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
		SELECT bigbrotr.insert_relay_metadata_batch(bigbrotr.jsonb_elements(metadata, 'metadata'), batch_size);
	END;
COMMENT ON FUNCTION bigbrotr.insert_relay_metadata_batch(text[], integer) IS 'The same for a list of JSON texts';
-- Deletions. They go in slices, lock no table against writers, and can be called again where they were
-- interrupted. How writers and deletions find each other: src/archive/event_lock.h.
-- A procedure cannot both commit and SET search_path: it sets it itself, in each of its transactions.

CREATE TABLE bigbrotr.deletion_progress (
	deletion text   NOT NULL,
	next_eid bigint NOT NULL,
	CONSTRAINT deletion_progress_pkey PRIMARY KEY (deletion)
);
COMMENT ON TABLE bigbrotr.deletion_progress IS 'How far a deletion is that was interrupted. Deletions lock this table, writers only if they get it at once';
COMMENT ON COLUMN bigbrotr.deletion_progress.deletion IS 'The procedure';
COMMENT ON COLUMN bigbrotr.deletion_progress.next_eid IS 'The events before this eid (bigbrotr.events.eid) are done with';

CREATE FUNCTION bigbrotr.take_events(event_ids bytea[]) RETURNS bigint[]
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_take_events';
COMMENT ON FUNCTION bigbrotr.take_events(bytea[]) IS
	'Locks events that the transaction is going to delete and returns the eid of each, null: it is not archived. The next statement sees all of their sightings, and none is added';

CREATE FUNCTION bigbrotr.delete_events(event_ids bytea[]) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	eids bigint[] := bigbrotr.take_events(event_ids);
	deleted bigint;
BEGIN
	DELETE FROM bigbrotr.events AS e WHERE e.eid = ANY (eids);
	GET DIAGNOSTICS deleted = ROW_COUNT;
	DELETE FROM bigbrotr.sightings AS s WHERE s.eid = ANY (eids);
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_events(bytea[]) IS
	'Deletes events with their sightings, at most 100,000 at a time, and returns how many there were. Coverage stays: they are not asked for again';

-- The relay is disabled first, so that nobody adds to what is being deleted; its row goes last. The rows are
-- found once, since each slice would read over all that is deleted already. Two deletions of sightings at
-- the same time could wait for each other's rows: the table lock lets one slice be made at a time.
CREATE PROCEDURE bigbrotr.delete_relay(url text, INOUT sightings bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT integer := 10000;
	id integer;
	place record;
	places tid[];
	total bigint;
	deleted bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	sightings := NULL;
	SELECT r.relay_id INTO id FROM bigbrotr.relays AS r WHERE r.url = delete_relay.url;
	IF id IS NULL THEN
		RETURN;
	END IF;
	INSERT INTO bigbrotr.relay_sync (relay_id, enabled, phase_since) VALUES (id, false, bigbrotr.unix_now())
		ON CONFLICT ON CONSTRAINT relay_sync_pkey DO UPDATE SET enabled = false;
	sightings := 0;
	COMMIT;
	-- The worker that archives it closes it and gives its lease back.
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		PERFORM bigbrotr.expire_leases(bigbrotr.unix_now());
		EXIT WHEN NOT EXISTS (SELECT FROM bigbrotr.relay_leases AS l WHERE l.relay_id = id);
		COMMIT;
		PERFORM pg_catalog.pg_sleep(0.1);
	END LOOP;
	LOOP
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
		places := '{}';
		total := 0;
		FOR place IN SELECT s.ctid AS tid FROM bigbrotr.sightings AS s WHERE s.relay_id = id LOOP
			total := total + 1;
			places := array_append(places, place.tid);
			IF cardinality(places) = slice THEN
				LOCK TABLE bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
				-- A place may hold another row by now.
				DELETE FROM bigbrotr.sightings AS s WHERE s.ctid = ANY (places) AND s.relay_id = id;
				GET DIAGNOSTICS deleted = ROW_COUNT;
				sightings := sightings + deleted;
				places := '{}';
				COMMIT;
				PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
			END IF;
		END LOOP;
		EXIT WHEN total < slice;
	END LOOP;
	LOCK TABLE bigbrotr.deletion_progress IN SHARE ROW EXCLUSIVE MODE;
	-- Waits for those who are writing about the relay; the next statement sees what they wrote.
	DELETE FROM bigbrotr.relays AS r WHERE r.relay_id = id;
	DELETE FROM bigbrotr.sightings AS s WHERE s.relay_id = id;
	GET DIAGNOSTICS deleted = ROW_COUNT;
	sightings := sightings + deleted;
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_relay(text, bigint) IS
	'CALL bigbrotr.delete_relay(url): forgets a relay with its sightings, coverage and counters, in slices that are committed one by one, and gives how many sightings there were; null: the relay is not known. Its events stay. Disables the relay first: interrupted, it can be called again. Not inside a transaction block. To stop archiving a relay, set relay_sync.enabled to false instead';

-- What nothing refers to any more. Planned each time: a slice and the whole table want different plans.
CREATE FUNCTION bigbrotr.delete_orphan_events(
	first_eid bigint DEFAULT 0, last_eid bigint DEFAULT 9223372036854775807) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan
	AS $$
DECLARE
	next bigint := first_eid;
	orphans record;
	eids bigint[];
	gone bigint;
	deleted bigint := 0;
BEGIN
	PERFORM bigbrotr.limit_time('procedure');
	LOOP
		SELECT array_agg(o.event_id) AS ids, max(o.eid) AS last INTO orphans
		FROM (SELECT e.event_id, e.eid FROM bigbrotr.events AS e
		      WHERE e.eid BETWEEN next AND last_eid
		            AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid)
		      ORDER BY e.eid LIMIT 100000) AS o;
		EXIT WHEN orphans.ids IS NULL;
		eids := bigbrotr.take_events(orphans.ids);
		-- A sighting may have come in before they were locked.
		DELETE FROM bigbrotr.events AS e
		WHERE e.eid = ANY (eids) AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid);
		GET DIAGNOSTICS gone = ROW_COUNT;
		deleted := deleted + gone;
		EXIT WHEN orphans.last = last_eid;
		next := orphans.last + 1;
	END LOOP;
	RETURN deleted;
END
$$;
COMMENT ON FUNCTION bigbrotr.delete_orphan_events(bigint, bigint) IS
	'Deletes the events that no relay delivered (of these eids, inclusive) and returns how many there were; imported ones may be among them';

-- The documents stand in the checks themselves; a check that says it has none refers to none.
CREATE FUNCTION bigbrotr.delete_orphan_nip11() RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.limit_time('procedure');
		WITH gone AS (
			UPDATE bigbrotr.relay_checks AS c
			SET nip11_name = NULL, nip11_description = NULL, nip11_pubkey = NULL, nip11_contact = NULL,
			    nip11_supported_nips = NULL, nip11_software = NULL, nip11_version = NULL
			WHERE NOT c.nip11_present
			      AND num_nonnulls(c.nip11_name, c.nip11_description, c.nip11_pubkey, c.nip11_contact,
				c.nip11_supported_nips, c.nip11_software, c.nip11_version) > 0
			RETURNING c.relay_id
		)
		SELECT count(*) FROM gone;
	END;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip11() IS
	'Deletes the NIP-11 parts of measurements that say they have none, and returns how many there were';

CREATE FUNCTION bigbrotr.delete_orphan_nip66() RETURNS bigint
	LANGUAGE sql
	BEGIN ATOMIC
		SELECT bigbrotr.limit_time('procedure');
		WITH gone AS (
			UPDATE bigbrotr.relay_checks AS c
			SET nip66_openable = NULL, nip66_readable = NULL, nip66_writable = NULL,
			    nip66_rtt_open = NULL, nip66_rtt_read = NULL, nip66_rtt_write = NULL
			WHERE NOT c.nip66_present
			      AND num_nonnulls(c.nip66_openable, c.nip66_readable, c.nip66_writable,
				c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write) > 0
			RETURNING c.relay_id
		)
		SELECT count(*) FROM gone;
	END;
COMMENT ON FUNCTION bigbrotr.delete_orphan_nip66() IS
	'Deletes the NIP-66 parts of measurements that say they have none, and returns how many there were';

-- Where a pass over the events by slices of their eids begins: where the last one was interrupted.
CREATE FUNCTION bigbrotr.begin_pass(deletion text) RETURNS bigint
	LANGUAGE sql STABLE
	BEGIN ATOMIC
		SELECT coalesce((SELECT min(e.eid) FROM bigbrotr.events AS e WHERE e.eid >= (
			SELECT p.next_eid FROM bigbrotr.deletion_progress AS p WHERE p.deletion = begin_pass.deletion)),
			(SELECT min(e.eid) FROM bigbrotr.events AS e));
	END;
COMMENT ON FUNCTION bigbrotr.begin_pass(text) IS
	'The eid (bigbrotr.events.eid) at which a deletion goes on, or begins; null: there are no events';

CREATE FUNCTION bigbrotr.note_progress(deletion text, done bigint) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	following bigint;
BEGIN
	IF deletion <> ALL ('{cleanup_orphans,delete_withdrawn}') THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is not a deletion that notes its progress', left(deletion, 64)),
			DETAIL = 'There are cleanup_orphans and delete_withdrawn.', HINT = 'They call this function themselves.';
	END IF;
	SELECT min(e.eid) INTO following FROM bigbrotr.events AS e WHERE e.eid > done;
	IF following IS NULL THEN
		DELETE FROM bigbrotr.deletion_progress AS p WHERE p.deletion = note_progress.deletion;
	ELSE
		INSERT INTO bigbrotr.deletion_progress AS p (deletion, next_eid) VALUES (note_progress.deletion, following)
			ON CONFLICT ON CONSTRAINT deletion_progress_pkey DO UPDATE SET next_eid = excluded.next_eid;
	END IF;
	RETURN following;
END
$$;
COMMENT ON FUNCTION bigbrotr.note_progress(text, bigint) IS
	'Notes that a deletion has done with the events up to this eid and returns the next one; null: it has read all, and begins anew when it is called again';

CREATE PROCEDURE bigbrotr.cleanup_orphans(
	INOUT events bigint DEFAULT NULL, INOUT nip11 bigint DEFAULT NULL, INOUT nip66 bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT bigint := 10000;
	next bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	events := 0;
	next := bigbrotr.begin_pass('cleanup_orphans');
	WHILE next IS NOT NULL LOOP
		-- A slice is small, whatever the planner believes of a table that grew.
		PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
		events := events + bigbrotr.delete_orphan_events(next, next + slice - 1);
		next := bigbrotr.note_progress('cleanup_orphans', next + slice - 1);
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
	nip11 := bigbrotr.delete_orphan_nip11();
	COMMIT;
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	nip66 := bigbrotr.delete_orphan_nip66();
END
$$;
COMMENT ON PROCEDURE bigbrotr.cleanup_orphans(bigint, bigint, bigint) IS
	'CALL bigbrotr.cleanup_orphans(): delete_orphan_events, _nip11 and _nip66, in slices that are committed one by one; gives the three numbers. Interrupted, it goes on where it was when called again. Not inside a transaction block';

CREATE PROCEDURE bigbrotr.delete_withdrawn(INOUT events bigint DEFAULT NULL)
	LANGUAGE plpgsql
	AS $$
DECLARE
	slice CONSTANT bigint := 10000;
	next bigint;
BEGIN
	PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	events := 0;
	next := bigbrotr.begin_pass('delete_withdrawn');
	WHILE next IS NOT NULL LOOP
		PERFORM pg_catalog.set_config('enable_seqscan', 'off', true);
		events := events + bigbrotr.delete_events(ARRAY(
			SELECT e.event_id FROM bigbrotr.events AS e
			WHERE e.eid BETWEEN next AND next + slice - 1
			      AND NOT bigbrotr.is_standing(e.event_id, e.pubkey, e.created_at, e.kind, e.tags)));
		next := bigbrotr.note_progress('delete_withdrawn', next + slice - 1);
		COMMIT;
		PERFORM pg_catalog.set_config('search_path', 'pg_catalog, pg_temp', true);
	END LOOP;
END
$$;
COMMENT ON PROCEDURE bigbrotr.delete_withdrawn(bigint) IS
	'CALL bigbrotr.delete_withdrawn(): really deletes events that are deleted (NIP-09), expired (NIP-40) or vanished (NIP-62), in slices that are committed one by one, and gives how many. What was asked for stays known: they do not come back into view. Reads all events; interrupted, it goes on where it was when called again. Not inside a transaction block';

SELECT pg_extension_config_dump('bigbrotr.deletion_progress', '');

GRANT DELETE ON bigbrotr.events, bigbrotr.sightings, bigbrotr.relays TO bigbrotr_admin;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.deletion_progress TO bigbrotr_admin;
GRANT EXECUTE ON FUNCTION
	bigbrotr.take_events(bytea[]),
	bigbrotr.delete_events(bytea[]),
	bigbrotr.delete_orphan_events(bigint, bigint),
	bigbrotr.delete_orphan_nip11(),
	bigbrotr.delete_orphan_nip66(),
	bigbrotr.begin_pass(text),
	bigbrotr.note_progress(text, bigint)
	TO bigbrotr_admin;
GRANT EXECUTE ON PROCEDURE
	bigbrotr.delete_relay(text, bigint),
	bigbrotr.cleanup_orphans(bigint, bigint, bigint),
	bigbrotr.delete_withdrawn(bigint)
	TO bigbrotr_admin;
-- Imports and exports: events as lines of JSON.

CREATE TABLE bigbrotr.imports (
	import_id      bigint  GENERATED ALWAYS AS IDENTITY,
	source         text    NOT NULL,
	relay_id       integer,
	size           bigint,
	bytes          bigint  NOT NULL DEFAULT 0,
	lines          bigint  NOT NULL DEFAULT 0,
	skipping       boolean NOT NULL DEFAULT false,
	events_new     bigint  NOT NULL DEFAULT 0,
	events_known   bigint  NOT NULL DEFAULT 0,
	events_refused bigint  NOT NULL DEFAULT 0,
	started_at     bigint  NOT NULL,
	updated_at     bigint  NOT NULL,
	finished_at    bigint,
	CONSTRAINT imports_pkey PRIMARY KEY (import_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.imports IS 'Imports of lines of JSON, and how far they are; the view bigbrotr.import_progress shows more';
COMMENT ON COLUMN bigbrotr.imports.import_id IS 'Number of the import';
COMMENT ON COLUMN bigbrotr.imports.source IS 'Path of the file on the server, or the name that a client gave';
COMMENT ON COLUMN bigbrotr.imports.relay_id IS 'bigbrotr.relays.relay_id of the relay where the events were seen; null: no sightings';
COMMENT ON COLUMN bigbrotr.imports.size IS 'Bytes of the file when the import began; null: not known';
COMMENT ON COLUMN bigbrotr.imports.bytes IS 'Bytes that are done with: the import goes on here';
COMMENT ON COLUMN bigbrotr.imports.lines IS 'Lines that are done with, blank ones included';
COMMENT ON COLUMN bigbrotr.imports.skipping IS 'Whether bytes stands inside a line that is too large, the rest of which is left out';
COMMENT ON COLUMN bigbrotr.imports.events_new IS 'Events archived';
COMMENT ON COLUMN bigbrotr.imports.events_known IS 'Events that were archived before, or stand twice';
COMMENT ON COLUMN bigbrotr.imports.events_refused IS 'Lines refused, see bigbrotr.import_rejects';
COMMENT ON COLUMN bigbrotr.imports.started_at IS 'When it began, Unix seconds';
COMMENT ON COLUMN bigbrotr.imports.updated_at IS 'When it last stored something, Unix seconds';
COMMENT ON COLUMN bigbrotr.imports.finished_at IS 'When the last line was stored, Unix seconds; null: not yet';

CREATE TABLE bigbrotr.import_rejects (
	import_id bigint NOT NULL,
	line      bigint NOT NULL,
	reason    text   NOT NULL,
	text      text   NOT NULL,
	CONSTRAINT import_rejects_pkey PRIMARY KEY (import_id, line),
	CONSTRAINT import_rejects_import_id_fkey FOREIGN KEY (import_id) REFERENCES bigbrotr.imports ON DELETE CASCADE
);
COMMENT ON TABLE bigbrotr.import_rejects IS 'Lines of imports that were refused';
COMMENT ON COLUMN bigbrotr.import_rejects.import_id IS 'bigbrotr.imports.import_id';
COMMENT ON COLUMN bigbrotr.import_rejects.line IS 'Line number, from 1';
COMMENT ON COLUMN bigbrotr.import_rejects.reason IS 'Reason code of bigbrotr.verify_event_reason; rejected_by_database: the event is in bigbrotr.event_rejects';
COMMENT ON COLUMN bigbrotr.import_rejects.text IS 'Beginning of the line, as printable ASCII; empty if the line is no JSON object: nothing of a file that was imported by mistake is shown';

SELECT pg_extension_config_dump('bigbrotr.imports', '');
SELECT pg_extension_config_dump('bigbrotr.imports_import_id_seq', '');
SELECT pg_extension_config_dump('bigbrotr.import_rejects', '');

CREATE VIEW bigbrotr.import_progress AS
	SELECT i.import_id, i.source, r.url AS relay_url, i.finished_at IS NOT NULL AS finished, i.bytes, i.size,
	       CASE WHEN i.finished_at IS NOT NULL THEN 1 ELSE least(1, i.bytes / nullif(i.size, 0)::double precision) END AS done,
	       i.lines, i.events_new, i.events_known, i.events_refused,
	       (i.events_new + i.events_known) / greatest(1, i.updated_at - i.started_at) AS events_per_second,
	       i.started_at, i.updated_at, i.finished_at
	FROM bigbrotr.imports AS i LEFT JOIN bigbrotr.relays AS r ON r.relay_id = i.relay_id;
COMMENT ON VIEW bigbrotr.import_progress IS 'How far each import is';
COMMENT ON COLUMN bigbrotr.import_progress.import_id IS 'Number of the import';
COMMENT ON COLUMN bigbrotr.import_progress.source IS 'Path of the file on the server, or the name that a client gave';
COMMENT ON COLUMN bigbrotr.import_progress.relay_url IS 'Where the events were seen; null: no sightings';
COMMENT ON COLUMN bigbrotr.import_progress.finished IS 'Whether all lines are stored';
COMMENT ON COLUMN bigbrotr.import_progress.bytes IS 'Bytes that are done with';
COMMENT ON COLUMN bigbrotr.import_progress.size IS 'Bytes of the file when the import began; null: not known';
COMMENT ON COLUMN bigbrotr.import_progress.done IS 'Share of the file that is done with, 0 .. 1; null: not known';
COMMENT ON COLUMN bigbrotr.import_progress.lines IS 'Lines that are done with';
COMMENT ON COLUMN bigbrotr.import_progress.events_new IS 'Events archived';
COMMENT ON COLUMN bigbrotr.import_progress.events_known IS 'Events that were archived before, or stand twice';
COMMENT ON COLUMN bigbrotr.import_progress.events_refused IS 'Lines refused, see bigbrotr.import_rejects';
COMMENT ON COLUMN bigbrotr.import_progress.events_per_second IS 'Mean rate, interruptions included';
COMMENT ON COLUMN bigbrotr.import_progress.started_at IS 'When it began, Unix seconds';
COMMENT ON COLUMN bigbrotr.import_progress.updated_at IS 'When it last stored something, Unix seconds';
COMMENT ON COLUMN bigbrotr.import_progress.finished_at IS 'When the last line was stored, Unix seconds; null: not yet';

CREATE FUNCTION bigbrotr.import_begin(
	source text, relay text DEFAULT NULL, size bigint DEFAULT NULL, resume boolean DEFAULT true,
	OUT import_id bigint, OUT bytes bigint)
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	seen_on integer := CASE WHEN relay IS NOT NULL THEN bigbrotr.add_relay(relay) END;
BEGIN
	IF source IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the import lacks its source', DETAIL = 'By its source an interrupted import is found again.',
			HINT = 'Any name will do.';
	END IF;
	IF resume THEN
		SELECT i.import_id, i.bytes INTO import_id, bytes FROM bigbrotr.imports AS i
		WHERE i.source = import_begin.source AND i.finished_at IS NULL
		      AND i.relay_id IS NOT DISTINCT FROM seen_on
		      AND i.size IS NOT DISTINCT FROM import_begin.size
		ORDER BY i.import_id DESC LIMIT 1;
	END IF;
	IF import_id IS NULL THEN
		INSERT INTO bigbrotr.imports AS i (source, relay_id, size, started_at, updated_at)
		VALUES (import_begin.source, seen_on, import_begin.size, bigbrotr.unix_now(), bigbrotr.unix_now())
		RETURNING i.import_id, i.bytes INTO import_id, bytes;
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.import_begin(text, text, bigint, boolean) IS
	'Begins an import, or with resume goes on with one of the same source, relay and size that was not finished; bytes: where to go on';

CREATE FUNCTION bigbrotr.import_lines(
	import_id bigint, "position" bigint, chunk bytea, last boolean DEFAULT true) RETURNS bigint
	LANGUAGE c STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_import_lines';
COMMENT ON FUNCTION bigbrotr.import_lines(bigint, bigint, bytea, boolean) IS
	'Archives the events of a piece of an import that begins at this byte: one event a line, verified unless bigbrotr.verify_events is off. Unless it is the last piece, an unfinished line at its end is left. Returns how many bytes are done with; bring the others again';

CREATE FUNCTION bigbrotr.import_finish(import_id bigint) RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		UPDATE bigbrotr.imports AS i SET finished_at = bigbrotr.unix_now()
		WHERE i.import_id = import_finish.import_id AND i.finished_at IS NULL;
	END;
COMMENT ON FUNCTION bigbrotr.import_finish(bigint) IS 'Says that all of an import is there';

CREATE PROCEDURE bigbrotr.import_events(path text, relay text DEFAULT NULL, resume boolean DEFAULT true)
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'bigbrotr_import_events';
COMMENT ON PROCEDURE bigbrotr.import_events(text, text, boolean) IS
	'Archives the events of a file of the server, one JSON object a line, and commits as it goes; relay: where they were seen. Bad lines go to bigbrotr.import_rejects, progress is shown by bigbrotr.import_progress. Called again after an interruption it goes on where it was, unless resume is false. Needs pg_read_server_files';

CREATE FUNCTION bigbrotr.export_events(filter jsonb DEFAULT '{}') RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000000
	BEGIN ATOMIC
		SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e
		WHERE bigbrotr.event_matches(e, export_events.filter)
		ORDER BY e.created_at, e.event_id;
	END;
COMMENT ON FUNCTION bigbrotr.export_events(jsonb) IS
	'The events that match a filter (its limit aside), all without one, as NIP-01 JSON, exact, in the order of created_at and id: what bigbrotr.import_events reads. bigbrotr-export writes them to a file or a pipe';

REVOKE ALL ON PROCEDURE bigbrotr.import_events(text, text, boolean) FROM PUBLIC;
GRANT INSERT, UPDATE ON bigbrotr.imports TO bigbrotr_writer;
GRANT INSERT ON bigbrotr.import_rejects TO bigbrotr_writer;
GRANT DELETE ON bigbrotr.imports, bigbrotr.import_rejects TO bigbrotr_admin;
GRANT EXECUTE ON FUNCTION
	bigbrotr.import_begin(text, text, bigint, boolean),
	bigbrotr.import_lines(bigint, bigint, bytea, boolean),
	bigbrotr.import_finish(bigint)
	TO bigbrotr_writer;
GRANT EXECUTE ON FUNCTION bigbrotr.export_events(jsonb) TO bigbrotr_reader;
GRANT EXECUTE ON PROCEDURE bigbrotr.import_events(text, text, boolean) TO bigbrotr_writer;

-- Who may do what. Tables belong to the extension's owner; nobody gets TRIGGER or ownership on what
-- the workers write, else they could run code as the worker.

REVOKE ALL ON ALL ROUTINES IN SCHEMA bigbrotr FROM PUBLIC;
GRANT USAGE ON SCHEMA bigbrotr TO bigbrotr_reader;

-- Reading: all tables and views.
GRANT SELECT ON ALL TABLES IN SCHEMA bigbrotr TO bigbrotr_reader;
GRANT SELECT ON ALL SEQUENCES IN SCHEMA bigbrotr TO bigbrotr_reader;
GRANT EXECUTE ON FUNCTION
	bigbrotr.normalise_relay_url(text, boolean),
	bigbrotr.unix_now(),
	bigbrotr.allow_local_relays(),
	bigbrotr.known_events(bytea[]),
	bigbrotr.event_json(bigbrotr.events),
	bigbrotr.gaps(integer, bigint, bigint, integer),
	bigbrotr.relay_site(text),
	bigbrotr.due_relays(bigint),
	bigbrotr.unwanted_relays(text, boolean),
	bigbrotr.crowded_relays(text),
	bigbrotr.end_kind(text),
	bigbrotr.refusal_kind(text),
	bigbrotr.limit_time(text),
	bigbrotr.batch_size(integer),
	bigbrotr.hex_argument(text, text, integer),
	bigbrotr.verify_references(),
	bigbrotr.verify_statistics(),
	bigbrotr.count_authors(integer[], bigint, bigint),
	bigbrotr.estimate_authors(integer[], bigint, bigint)
	TO bigbrotr_reader;

-- Feeding the archive.
GRANT INSERT ON bigbrotr.events, bigbrotr.sightings, bigbrotr.event_rejects TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.statistics_deltas TO bigbrotr_writer;
GRANT INSERT, UPDATE ON bigbrotr.statistics TO bigbrotr_writer;
GRANT INSERT, UPDATE ON bigbrotr.relays, bigbrotr.relay_sync, bigbrotr.relay_traffic, bigbrotr.relay_refusals TO bigbrotr_writer;
GRANT INSERT, UPDATE, DELETE ON bigbrotr.coverage, bigbrotr.sync_workers TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.relay_leases TO bigbrotr_writer;
GRANT INSERT ON bigbrotr.relay_checks TO bigbrotr_writer;
GRANT INSERT, DELETE ON bigbrotr.seed_rejects TO bigbrotr_writer;
GRANT EXECUTE ON FUNCTION
	bigbrotr.add_relay(text),
	bigbrotr.load_seeds(text, text),
	bigbrotr.reject_seeds(text, text),
	bigbrotr.store_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bigint),
	bigbrotr.check_elements(integer),
	bigbrotr.hold_events(bytea[]),
	bigbrotr.hold_relays(integer[]),
	bigbrotr.store_sightings(bytea[], integer[], bigint[]),
	bigbrotr.insert_events(bytea[], bytea[], bigint[], integer[], text[], text[], bytea[], bytea[], bytea[], integer[], bigint[], bigint),
	bigbrotr.insert_sightings(bytea[], integer[], bigint[]),
	bigbrotr.fold_statistics(integer),
	bigbrotr.check_event(bytea, bytea, bigint, integer, jsonb, text, bytea, bigint),
	bigbrotr.require_relay(text),
	bigbrotr.check_relay(text, text, bigint),
	bigbrotr.insert_relays_checked(text[], text[], bigint[], bigint[]),
	bigbrotr.insert_events_checked(bytea[], bytea[], bigint[], integer[], jsonb[], text[], bytea[], text[], text[], bigint[], bigint[], integer),
	bigbrotr.insert_event(bytea, bytea, bigint, integer, jsonb, text, bytea, text, text, bigint, bigint),
	bigbrotr.insert_event(text, text, bigint, integer, jsonb, text, text, text, text, bigint, bigint),
	bigbrotr.jsonb_elements(text[], text),
	bigbrotr.insert_events_batch(jsonb[], integer),
	bigbrotr.insert_events_batch(text[], integer),
	bigbrotr.insert_relay(text, text, bigint),
	bigbrotr.insert_relays_batch(jsonb[], integer),
	bigbrotr.insert_relays_batch(text[], integer),
	bigbrotr.check_measurement(bigint),
	bigbrotr.insert_relay_metadata(text, text, bigint, bigint, boolean, boolean, boolean, boolean, integer, integer, integer, boolean, text, text, text, text, jsonb, text, text),
	bigbrotr.insert_relay_metadata_batch(jsonb[], integer),
	bigbrotr.insert_relay_metadata_batch(text[], integer),
	bigbrotr.reject_event(bytea, integer, text, text, bytea, bigint),
	bigbrotr.claim_coverage(integer, bigint, bigint, text, bigint, bigint),
	bigbrotr.merge_dense(integer, integer, bigint),
	bigbrotr.trim_coverage(bigint),
	bigbrotr.hold_leases(text),
	bigbrotr.renew_leases(text, bigint),
	bigbrotr.end_lease(text, integer),
	bigbrotr.release_relays(text, bigint),
	bigbrotr.expire_leases(bigint),
	bigbrotr.adopt_relays(),
	bigbrotr.start_synchronizer(text, bigint, bigint),
	bigbrotr.take_relays(text, integer, integer, integer, boolean, bigint),
	bigbrotr.wake_relays(boolean),
	bigbrotr.report_relay(text, integer, text, text, text, bigint, integer, integer, bigint, bigint, bigint),
	bigbrotr.count_traffic(integer[], bigint[], bigint[], bigint[], bigint[], bigint[], bigint),
	bigbrotr.count_refusals(integer[], text[], bigint[], text[], bigint)
	TO bigbrotr_writer;

-- Managing: what deletes, and the functions of the services, is granted beside them.
GRANT UPDATE ON bigbrotr.relay_checks TO bigbrotr_admin;
GRANT DELETE ON bigbrotr.event_rejects, bigbrotr.relay_refusals TO bigbrotr_admin;
