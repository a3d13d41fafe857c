-- Tables of the archive. Timestamps are Unix seconds (UTC) in bigint, as everywhere in Nostr. Autovacuum of small tables
-- that change often starts after a number of changes, not after a share of the rows, and runs without cost delay.

CREATE TABLE bigbrotr.relays (
	relay_id    integer GENERATED ALWAYS AS IDENTITY,
	url         text    NOT NULL,
	network     text    NOT NULL,
	inserted_at bigint  NOT NULL,
	last_seen   bigint,
	status      text    NOT NULL DEFAULT 'candidate',
	CONSTRAINT relays_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relays_url_key UNIQUE (url),
	CONSTRAINT relays_network_check CHECK (network IN ('clearnet', 'tor', 'i2p', 'loki', 'local')),
	CONSTRAINT relays_status_check CHECK (status IN ('candidate', 'online', 'unstable', 'offline', 'dead', 'retired', 'refused', 'ignored'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.relays IS 'Relays, one row per normalised URL';
COMMENT ON COLUMN bigbrotr.relays.relay_id IS 'Short key used by the other tables';
COMMENT ON COLUMN bigbrotr.relays.url IS 'Normalised ws:// or wss:// URL, see bigbrotr.normalise_relay_url';
COMMENT ON COLUMN bigbrotr.relays.network IS 'clearnet, tor, i2p, loki (NIP-66 tag n) or local (not publicly reachable)';
COMMENT ON COLUMN bigbrotr.relays.inserted_at IS 'When the relay became known, Unix seconds';
COMMENT ON COLUMN bigbrotr.relays.last_seen IS 'When the relay last sent a message, Unix seconds; null: never';
COMMENT ON COLUMN bigbrotr.relays.status IS 'candidate: it has never answered in Nostr; online: it answers; unstable: some attempts fail; offline: it failed for half an hour; dead: it failed for a week; retired: it failed for ninety days more; refused: our rules forbid a connection; ignored: an administrator disabled it';

-- The tables of the ingest path have no foreign keys: the row triggers of foreign keys took 11 of 27 us per event. The
-- functions keep the references valid; bigbrotr.verify_references() checks them.
-- In events the columns of variable length come last, and no column is null, so that a row has no padding and no null bitmap.
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
CREATE INDEX events_pubkey_kind_created_at_idx ON bigbrotr.events (pubkey, kind, created_at);
CREATE INDEX events_kind_created_at_idx ON bigbrotr.events (kind, created_at);
CREATE INDEX events_created_at_idx ON bigbrotr.events (created_at);
COMMENT ON TABLE bigbrotr.events IS 'Verified events (NIP-01): id and signature were checked before the row was written';
COMMENT ON COLUMN bigbrotr.events.eid IS 'Short key used by bigbrotr.sightings; its order has no meaning';
COMMENT ON COLUMN bigbrotr.events.created_at IS 'Time that the author states, Unix seconds; may lie in the future, or be milliseconds by mistake (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.inserted_at IS 'When the event was archived, Unix seconds';
COMMENT ON COLUMN bigbrotr.events.kind IS '0 .. 65535 (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.event_id IS 'id: SHA-256 of the canonical form, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.pubkey IS 'Author: x-only secp256k1 public key, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.events.sig IS 'BIP-340 signature over event_id, 64 bytes';
COMMENT ON COLUMN bigbrotr.events.tags IS 'Array of non-empty arrays of strings (NIP-01); U+FFFD replaces U+0000, and raw then holds the exact event';
COMMENT ON COLUMN bigbrotr.events.content IS 'Text (NIP-01); U+FFFD replaces U+0000, and raw then holds the exact event';
COMMENT ON COLUMN bigbrotr.events.raw IS 'Exact JSON (UTF-8) of an event with U+0000, which the types text and bigbrotr.tags cannot store; empty for all other events';

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

-- Coverage is a set of ranges, not a cursor, because a cursor cannot express gaps. Ranges of the same relay, filter and
-- reader never overlap.
CREATE TABLE bigbrotr.coverage (
	relay_id     integer  NOT NULL,
	filter_id    integer  NOT NULL DEFAULT 0,
	reader       integer  NOT NULL DEFAULT 0,
	lower        bigint   NOT NULL,
	upper        bigint   NOT NULL,
	evidence     text     NOT NULL,
	doubts       text[]   NOT NULL DEFAULT '{}',
	observations integer  NOT NULL DEFAULT 1,
	events       bigint   NOT NULL,
	refused      bigint   NOT NULL DEFAULT 0,
	observed_at  bigint   NOT NULL,
	audited_at   bigint,
	CONSTRAINT coverage_pkey PRIMARY KEY (relay_id, filter_id, reader, lower),
	CONSTRAINT coverage_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT coverage_evidence_check CHECK (evidence IN ('partial', 'paged', 'confirmed', 'reconciled')),
	CONSTRAINT coverage_range_check CHECK (0 <= lower AND lower <= upper)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE bigbrotr.coverage IS 'Time ranges of relays that were read, with evidence and doubts. "Read" means evidence paged or better, "proven" means confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.coverage.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.coverage.filter_id IS 'Filter of the requests: bigbrotr.sync_filters.filter_id; 0: everything';
COMMENT ON COLUMN bigbrotr.coverage.reader IS 'As whom the relay was read: 0 anonymous, 1 signed in (NIP-42)';
COMMENT ON COLUMN bigbrotr.coverage.lower IS 'First created_at of the range, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.upper IS 'Last created_at of the range, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.evidence IS 'partial: seen in part; paged: read page by page, without gaps; confirmed: a second reading, on another connection, found nothing new; reconciled: the sets of ids were compared (NIP-77), and all missing events were fetched. A range that begins before the oldest event of the relay takes one observation more, and so does each range of a relay that had left out events which an audit or a confirmation of the last thirty days found';
COMMENT ON COLUMN bigbrotr.coverage.doubts IS 'Codes of reasons to distrust the evidence, sorted; _bigbrotr.doubt_text explains each';
COMMENT ON COLUMN bigbrotr.coverage.observations IS 'Number of times that the whole range was read, at least, each time on another connection; it begins again when the range is contradicted, and when it is first read without doubts';
COMMENT ON COLUMN bigbrotr.coverage.events IS 'Approximate number of events that the relay delivered in the range. When a range is split, its number is divided by length';
COMMENT ON COLUMN bigbrotr.coverage.refused IS 'Approximate number of those delivered events that we refused. When a range is split, its number is divided by length';
COMMENT ON COLUMN bigbrotr.coverage.observed_at IS 'The whole range was read at this time or later, Unix seconds; evidence partial: when it was last tried';
COMMENT ON COLUMN bigbrotr.coverage.audited_at IS 'When another reading last tested a part of the range, Unix seconds; null: never';

-- A row changes when the connection to its relay is opened, has caught up, or ends.
CREATE TABLE _bigbrotr.relay_sync (
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
	last_error_at bigint,
	last_detail  text,
	page_limit   integer NOT NULL DEFAULT 0,
	pace_ms      integer NOT NULL DEFAULT 0,
	oldest       bigint,
	again_at     bigint[] NOT NULL DEFAULT '{}',
	next_audit   bigint  NOT NULL DEFAULT 0,
	clean_audits integer NOT NULL DEFAULT 0,
	withdrawals  bigint  NOT NULL DEFAULT 0,
	withdrawn_at bigint,
	authenticate boolean NOT NULL DEFAULT false,
	reader       integer NOT NULL DEFAULT 0,
	CONSTRAINT relay_sync_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_sync_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_sync_phase_check CHECK (phase IN ('waiting', 'connecting', 'backfill', 'live', 'backoff'))
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_sync_due_idx ON _bigbrotr.relay_sync (next_attempt, relay_id)
	WHERE enabled AND phase IN ('waiting', 'backoff') AND waits_for IS NULL;
CREATE INDEX relay_sync_waits_for_idx ON _bigbrotr.relay_sync (waits_for, next_attempt) WHERE waits_for IS NOT NULL;
COMMENT ON TABLE _bigbrotr.relay_sync IS 'State of the synchronizer, one row per relay';
COMMENT ON COLUMN _bigbrotr.relay_sync.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_sync.enabled IS 'false: the synchronizer does not open the relay';
COMMENT ON COLUMN _bigbrotr.relay_sync.phase IS 'waiting: waits for its turn; connecting: the connection is being opened; backfill: the history is being read, page by page; live: the history was read, new events are subscribed to; backoff: failed, waits for next_attempt';
COMMENT ON COLUMN _bigbrotr.relay_sync.phase_since IS 'When the phase began, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.next_attempt IS 'Earliest time of the next attempt, Unix seconds; 0: never tried';
COMMENT ON COLUMN _bigbrotr.relay_sync.waits_for IS 'Why the relay was skipped when it was due. "host …", "site …", "network …", for priority relays "priority host …", "priority site …", "priority network …": its service has taken all places of the host, the site or the overlay network; permission: local relays are not allowed; proxy: there is no proxy to its network; key: there is no key to sign in with (NIP-42); null: it was not skipped';
COMMENT ON COLUMN _bigbrotr.relay_sync.failures IS 'Number of failed or broken connections since the last page was read';
COMMENT ON COLUMN _bigbrotr.relay_sync.faults IS 'Number of connections that were closed because the relay sent what no honest relay sends; each day without a fault lowers it by one';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_fault IS 'When a connection was last closed for a fault, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_error IS 'Reason code of the last failure; null: a page was read since then';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_detail IS 'Text of the relay or the system about the last failure';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_error_at IS 'Time of last_error, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.page_limit IS 'Highest number of events to ask for in one page, lowered after failures; 0: bigbrotr.sync_page_limit';
COMMENT ON COLUMN _bigbrotr.relay_sync.pace_ms IS 'Milliseconds between two requests, raised after complaints of the relay; 0: no pause';
COMMENT ON COLUMN _bigbrotr.relay_sync.oldest IS 'created_at of the oldest event of the relay, Unix seconds; null: its history was not read to the end';
COMMENT ON COLUMN _bigbrotr.relay_sync.again_at IS 'One time for each depth of _bigbrotr.depths(): when that depth was last read again, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.next_audit IS 'Earliest time of the next audit, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.clean_audits IS 'Number of audits since an audit last found missing events';
COMMENT ON COLUMN _bigbrotr.relay_sync.withdrawals IS 'Number of times that a claim of coverage had to be withdrawn';
COMMENT ON COLUMN _bigbrotr.relay_sync.withdrawn_at IS 'When a claim was last withdrawn, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_sync.authenticate IS 'true: the worker may sign in (NIP-42) when the relay asks for authentication';
COMMENT ON COLUMN _bigbrotr.relay_sync.reader IS 'As whom the relay was last read: 0 anonymous, 1 signed in (NIP-42)';

-- A row is written about every twenty seconds, and when the connection to its relay is opened, has caught up, or ends.
CREATE TABLE _bigbrotr.relay_traffic (
	relay_id     integer NOT NULL,
	events       bigint  NOT NULL DEFAULT 0,
	sightings    bigint  NOT NULL DEFAULT 0,
	messages     bigint  NOT NULL DEFAULT 0,
	bytes        bigint  NOT NULL DEFAULT 0,
	pages        bigint  NOT NULL DEFAULT 0,
	delivered    bigint  NOT NULL DEFAULT 0,
	repeated     bigint  NOT NULL DEFAULT 0,
	seconds      bigint  NOT NULL DEFAULT 0,
	last_success bigint,
	counted_at   bigint,
	sightings_per_second double precision NOT NULL DEFAULT 0,
	seconds_per_second   double precision NOT NULL DEFAULT 0,
	CONSTRAINT relay_traffic_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_traffic_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.relay_traffic IS 'Counters of the synchronizer, one row per relay that sent anything. Up to half a minute late; a crash loses the counts that were not written';
COMMENT ON COLUMN _bigbrotr.relay_traffic.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_traffic.events IS 'Number of events that this relay delivered first';
COMMENT ON COLUMN _bigbrotr.relay_traffic.sightings IS 'Number of sightings archived';
COMMENT ON COLUMN _bigbrotr.relay_traffic.messages IS 'Number of WebSocket messages received';
COMMENT ON COLUMN _bigbrotr.relay_traffic.bytes IS 'Bytes of the WebSocket messages received, after decompression';
COMMENT ON COLUMN _bigbrotr.relay_traffic.pages IS 'Number of pages that were read to their end';
COMMENT ON COLUMN _bigbrotr.relay_traffic.delivered IS 'Number of events delivered in answer to requests';
COMMENT ON COLUMN _bigbrotr.relay_traffic.repeated IS 'Number of delivered events that the same reading had received before';
COMMENT ON COLUMN _bigbrotr.relay_traffic.seconds IS 'Seconds of history that were read';
COMMENT ON COLUMN _bigbrotr.relay_traffic.counted_at IS 'When the counters were last updated, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_traffic.sightings_per_second IS 'Sightings per second, between the last two updates of the counters';
COMMENT ON COLUMN _bigbrotr.relay_traffic.seconds_per_second IS 'Seconds of history read per second of real time, between the last two updates of the counters';
COMMENT ON COLUMN _bigbrotr.relay_traffic.last_success IS 'When a page was last read to its end, Unix seconds; null: never';

-- Leases are run-time state of the workers: pg_dump leaves them out.
CREATE TABLE _bigbrotr.sync_workers (
	owner    text    NOT NULL,
	expires  bigint  NOT NULL,
	priority boolean NOT NULL,
	CONSTRAINT sync_workers_pkey PRIMARY KEY (owner)
) WITH (fillfactor = 50);
COMMENT ON TABLE _bigbrotr.sync_workers IS 'Workers of the synchronizer and the priority synchronizer that hold leases';
COMMENT ON COLUMN _bigbrotr.sync_workers.owner IS 'Name of the worker: system identifier of its server, database, service and instance';
COMMENT ON COLUMN _bigbrotr.sync_workers.expires IS 'End of the leases of the worker, Unix seconds: from then on other workers may end them';
COMMENT ON COLUMN _bigbrotr.sync_workers.priority IS 'true: the worker reads priority relays only; false: all other relays only';

CREATE TABLE _bigbrotr.relay_leases (
	relay_id integer NOT NULL,
	owner    text    NOT NULL,
	host     text    NOT NULL,
	site     text    NOT NULL,
	taken_at bigint  NOT NULL,
	authenticate boolean NOT NULL,
	CONSTRAINT relay_leases_pkey PRIMARY KEY (relay_id),
	CONSTRAINT relay_leases_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays,
	CONSTRAINT relay_leases_owner_fkey FOREIGN KEY (owner) REFERENCES _bigbrotr.sync_workers
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX relay_leases_owner_idx ON _bigbrotr.relay_leases (owner);
CREATE INDEX relay_leases_host_idx ON _bigbrotr.relay_leases (host);
CREATE INDEX relay_leases_site_idx ON _bigbrotr.relay_leases (site);
COMMENT ON TABLE _bigbrotr.relay_leases IS 'Which worker archives which relay now. A relay with a lease cannot be deleted: disable the relay, then wait until the lease is gone';
COMMENT ON COLUMN _bigbrotr.relay_leases.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_leases.owner IS '_bigbrotr.sync_workers.owner';
COMMENT ON COLUMN _bigbrotr.relay_leases.host IS 'Host of the relay''s URL';
COMMENT ON COLUMN _bigbrotr.relay_leases.site IS 'Registered domain of the host, by the Public Suffix List, or the IPv4 address, or the /64 network of the IPv6 address';
COMMENT ON COLUMN _bigbrotr.relay_leases.taken_at IS 'When the worker took the lease, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_leases.authenticate IS '_bigbrotr.relay_sync.authenticate when the worker took the lease';

CREATE TABLE _bigbrotr.relay_refusals (
	relay_id    integer NOT NULL,
	reason      text    NOT NULL,
	count       bigint  NOT NULL,
	first_at    bigint  NOT NULL,
	last_at     bigint  NOT NULL,
	last_detail text,
	CONSTRAINT relay_refusals_pkey PRIMARY KEY (relay_id, reason),
	CONSTRAINT relay_refusals_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 2000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.relay_refusals IS 'Number of refusals of data from relays and of failed connections, by reason';
COMMENT ON COLUMN _bigbrotr.relay_refusals.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_refusals.reason IS 'Reason code, such as id_mismatch';
COMMENT ON COLUMN _bigbrotr.relay_refusals.count IS 'Number of refusals';
COMMENT ON COLUMN _bigbrotr.relay_refusals.first_at IS 'Time of the first refusal, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_refusals.last_at IS 'Time of the last refusal, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_refusals.last_detail IS 'Detail of the last refusal, printable ASCII';

CREATE TABLE bigbrotr.event_rejects (
	event_id    bytea   NOT NULL,
	relay_id    integer,
	rejected_at bigint  NOT NULL,
	sqlstate    text    NOT NULL,
	message     text    NOT NULL,
	raw         bytea   NOT NULL,
	CONSTRAINT event_rejects_pkey PRIMARY KEY (event_id)
);
COMMENT ON TABLE bigbrotr.event_rejects IS 'Verified events that the database refused, with their exact JSON';
COMMENT ON COLUMN bigbrotr.event_rejects.event_id IS 'id of the event, 32 bytes (NIP-01)';
COMMENT ON COLUMN bigbrotr.event_rejects.relay_id IS 'bigbrotr.relays.relay_id of the relay that delivered the event; null: no relay';
COMMENT ON COLUMN bigbrotr.event_rejects.rejected_at IS 'When the database refused the event, Unix seconds';
COMMENT ON COLUMN bigbrotr.event_rejects.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN bigbrotr.event_rejects.message IS 'Message of the error';
COMMENT ON COLUMN bigbrotr.event_rejects.raw IS 'The exact JSON of the event (UTF-8)';

CREATE TABLE _bigbrotr.deleted_events (
	event_id   bytea   NOT NULL,
	created_at bigint  NOT NULL,
	kind       integer NOT NULL,
	CONSTRAINT deleted_events_pkey PRIMARY KEY (event_id)
);
CREATE INDEX deleted_events_created_at_idx ON _bigbrotr.deleted_events (created_at);
COMMENT ON TABLE _bigbrotr.deleted_events IS 'Events that are missing though coverage counts them: an administrator deleted or blocked them, or the database refused them and their row in bigbrotr.event_rejects is gone. bigbrotr.completeness does not call their seconds proven while they are not archived; the row stays when the event is archived again';
COMMENT ON COLUMN _bigbrotr.deleted_events.event_id IS 'id of the event, 32 bytes (NIP-01)';
COMMENT ON COLUMN _bigbrotr.deleted_events.created_at IS 'created_at of the event, Unix seconds';
COMMENT ON COLUMN _bigbrotr.deleted_events.kind IS 'Kind of the event';

CREATE TABLE bigbrotr.seed_rejects (
	source  text    NOT NULL,
	line    integer NOT NULL,
	text    text    NOT NULL,
	reason  text    NOT NULL,
	read_at bigint  NOT NULL,
	CONSTRAINT seed_rejects_pkey PRIMARY KEY (source, line)
);
COMMENT ON TABLE bigbrotr.seed_rejects IS 'Lines of seed lists that are not URLs of relays, from the last load of each list';
COMMENT ON COLUMN bigbrotr.seed_rejects.source IS 'Name of the list, as given to bigbrotr.load_seeds';
COMMENT ON COLUMN bigbrotr.seed_rejects.line IS 'Line number, from 1; 0: the whole list';
COMMENT ON COLUMN bigbrotr.seed_rejects.text IS 'The line, cut after 500 characters; if line is 0: the error';
COMMENT ON COLUMN bigbrotr.seed_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url, or local_address, or unreadable';
COMMENT ON COLUMN bigbrotr.seed_rejects.read_at IS 'When the list was loaded, Unix seconds';

-- pg_dump leaves out the rows of an extension's tables unless pg_extension_config_dump names the table.
SELECT pg_extension_config_dump('bigbrotr.relays', '');
SELECT pg_extension_config_dump('bigbrotr.relays_relay_id_seq', '');
SELECT pg_extension_config_dump('bigbrotr.events', '');
SELECT pg_extension_config_dump('bigbrotr.events_eid_seq', '');
SELECT pg_extension_config_dump('bigbrotr.sightings', '');
SELECT pg_extension_config_dump('bigbrotr.coverage', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_sync', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_traffic', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_refusals', '');
SELECT pg_extension_config_dump('bigbrotr.event_rejects', '');
SELECT pg_extension_config_dump('_bigbrotr.deleted_events', '');
SELECT pg_extension_config_dump('bigbrotr.seed_rejects', '');

