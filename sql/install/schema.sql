-- Tables of the archive. Timestamps are Unix seconds (UTC) in bigint, as everywhere in Nostr.
-- The install script runs with the search path pg_catalog: every name of ours is qualified.

CREATE SCHEMA bigbrotr;
COMMENT ON SCHEMA bigbrotr IS 'bigbrotr: the Nostr network observatory inside PostgreSQL';

CREATE TABLE bigbrotr.relays (
	relay_id    integer GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	url         text    NOT NULL UNIQUE,
	network     text    NOT NULL CHECK (network IN ('clearnet', 'tor', 'i2p', 'loki', 'local')),
	inserted_at bigint  NOT NULL,
	last_seen   bigint,
	status      text
);

-- No foreign keys to or from the tables of the ingest path: their row triggers cost 11 of 27 us an
-- event. The functions keep the references; bigbrotr.verify_references() proves it.
CREATE TABLE bigbrotr.events (
	eid         bigint  GENERATED ALWAYS AS IDENTITY,
	event_id    bytea   NOT NULL,
	pubkey      bytea   NOT NULL,
	created_at  bigint  NOT NULL,
	kind        integer NOT NULL,
	tags        jsonb   COMPRESSION lz4 NOT NULL,
	content     text    COMPRESSION lz4 NOT NULL,
	sig         bytea   NOT NULL,
	inserted_at bigint  NOT NULL,
	raw         bytea   COMPRESSION lz4,
	CONSTRAINT events_pkey PRIMARY KEY (event_id),
	CONSTRAINT events_eid_key UNIQUE (eid)
);
CREATE INDEX events_pubkey_created_at_idx ON bigbrotr.events (pubkey, created_at);
CREATE INDEX events_kind_created_at_idx ON bigbrotr.events (kind, created_at);
CREATE INDEX events_created_at_idx ON bigbrotr.events (created_at);

CREATE TABLE bigbrotr.sightings (
	eid      bigint  NOT NULL,
	relay_id integer NOT NULL,
	seen_at  bigint  NOT NULL,
	CONSTRAINT sightings_pkey PRIMARY KEY (eid, relay_id)
);
CREATE INDEX sightings_relay_id_idx ON bigbrotr.sightings (relay_id);

-- What is proven, and what was seen in part: ranges, not a cursor, since a cursor cannot say where
-- the holes are. Ranges of one relay and filter never overlap.
CREATE TABLE bigbrotr.coverage (
	relay_id  integer NOT NULL REFERENCES bigbrotr.relays ON DELETE CASCADE,
	filter    jsonb   NOT NULL DEFAULT '{}',
	lower     bigint  NOT NULL,
	upper     bigint  NOT NULL,
	evidence  text    NOT NULL CHECK (evidence IN ('paged', 'exhausted', 'dense')),
	events    bigint  NOT NULL,
	proven_at bigint  NOT NULL,
	CONSTRAINT coverage_pkey PRIMARY KEY (relay_id, filter, lower),
	CHECK (0 <= lower AND lower <= upper)
);

-- What the synchronizer knows of each relay beyond its name: state, counters, back-off.
CREATE TABLE bigbrotr.relay_sync (
	relay_id     integer NOT NULL PRIMARY KEY REFERENCES bigbrotr.relays ON DELETE CASCADE,
	enabled      boolean NOT NULL DEFAULT true,
	phase        text    NOT NULL DEFAULT 'waiting'
	             CHECK (phase IN ('waiting', 'connecting', 'backfill', 'live', 'backoff')),
	phase_since  bigint  NOT NULL,
	next_attempt bigint  NOT NULL DEFAULT 0,
	failures     integer NOT NULL DEFAULT 0,
	last_error   text,
	last_detail  text,
	last_success bigint,
	events       bigint  NOT NULL DEFAULT 0,
	sightings    bigint  NOT NULL DEFAULT 0,
	messages     bigint  NOT NULL DEFAULT 0,
	bytes        bigint  NOT NULL DEFAULT 0,
	pages        bigint  NOT NULL DEFAULT 0
) WITH (fillfactor = 70);

-- What was refused, by relay and reason code.
CREATE TABLE bigbrotr.relay_refusals (
	relay_id    integer NOT NULL REFERENCES bigbrotr.relays ON DELETE CASCADE,
	reason      text    NOT NULL,
	count       bigint  NOT NULL,
	first_at    bigint  NOT NULL,
	last_at     bigint  NOT NULL,
	last_detail text,
	PRIMARY KEY (relay_id, reason)
) WITH (fillfactor = 70);

-- Verified events that the database itself would not take, kept whole with the reason.
CREATE TABLE bigbrotr.event_rejects (
	event_id    bytea  NOT NULL PRIMARY KEY,
	relay_id    integer,
	rejected_at bigint NOT NULL,
	sqlstate    text   NOT NULL,
	message     text   NOT NULL,
	raw         bytea  NOT NULL
);

-- Lines of seed lists that are no relay, by source.
CREATE TABLE bigbrotr.seed_rejects (
	source   text    NOT NULL,
	line     integer NOT NULL,
	text     text    NOT NULL,
	reason   text    NOT NULL,
	read_at  bigint  NOT NULL,
	PRIMARY KEY (source, line)
);

-- Measurements of relays in the original specification's shape; filled by the monitor.
CREATE TABLE bigbrotr.relay_checks (
	relay_id              integer NOT NULL REFERENCES bigbrotr.relays ON DELETE CASCADE,
	generated_at          bigint  NOT NULL,
	nip66_present         boolean NOT NULL DEFAULT false,
	nip66_openable        boolean,
	nip66_readable        boolean,
	nip66_writable        boolean,
	nip66_rtt_open        integer,
	nip66_rtt_read        integer,
	nip66_rtt_write       integer,
	nip11_present         boolean NOT NULL DEFAULT false,
	nip11_name            text,
	nip11_description     text,
	nip11_pubkey          text,
	nip11_contact         text,
	nip11_supported_nips  jsonb,
	nip11_software        text,
	nip11_version         text,
	PRIMARY KEY (relay_id, generated_at)
);
