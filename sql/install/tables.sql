-- Tables of the archive. Timestamps are Unix seconds (UTC) in bigint, as everywhere in Nostr. Small tables that change
-- often are vacuumed after a number of changes, not after a share of their rows, and without a pause.

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
COMMENT ON COLUMN bigbrotr.relays.last_seen IS 'When the relay last sent us anything, Unix seconds; null: never';
COMMENT ON COLUMN bigbrotr.relays.status IS 'candidate: nobody has heard Nostr from it; online; unstable: it answers now and then; offline; dead: it has failed for a week; retired: for months; refused: our rules forbid a connection; ignored: an administrator said so';

-- No foreign keys to or from the tables of the ingest path: their row triggers cost 11 of 27 us an
-- event. The functions keep the references; bigbrotr.verify_references() proves it.
-- In events the columns of variable length come last, and no column is null: no byte is spent on padding or on a null
-- bitmap.
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

-- Which time of a relay's history was read: ranges, not a cursor, since a cursor cannot say where the holes are. Ranges
-- of one relay, filter and reader never overlap.
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
COMMENT ON TABLE bigbrotr.coverage IS 'Time ranges of relays that were read, how well, and what speaks against it. Read means evidence paged or better, proven means confirmed or reconciled';
COMMENT ON COLUMN bigbrotr.coverage.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN bigbrotr.coverage.filter_id IS 'What was asked for: bigbrotr.sync_filters.filter_id; 0: everything';
COMMENT ON COLUMN bigbrotr.coverage.reader IS 'As whom: 0 anonymous, 1 signed in (NIP-42)';
COMMENT ON COLUMN bigbrotr.coverage.lower IS 'First created_at of the range, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.upper IS 'Last created_at of the range, Unix seconds, inclusive';
COMMENT ON COLUMN bigbrotr.coverage.evidence IS 'partial: seen in part; paged: one orderly reading; confirmed: a second one, on another connection, found nothing new; reconciled: the sets of ids were compared (NIP-77) and everything needed was fetched';
COMMENT ON COLUMN bigbrotr.coverage.doubts IS 'What speaks against it, sorted; _bigbrotr.doubt_text(doubt) says what each of them means';
COMMENT ON COLUMN bigbrotr.coverage.observations IS 'How often the whole range was read, at least';
COMMENT ON COLUMN bigbrotr.coverage.events IS 'Events of the range that the relay showed, about: a range that is cut is taken to be evenly filled';
COMMENT ON COLUMN bigbrotr.coverage.refused IS 'Events of the range that it showed and we refused, likewise';
COMMENT ON COLUMN bigbrotr.coverage.observed_at IS 'The whole range was read at this time or later, Unix seconds; partial: when it was last tried';
COMMENT ON COLUMN bigbrotr.coverage.audited_at IS 'When some of the range was last tested by another reading, Unix seconds; null: never';

-- When the synchronizer opens which relay: changes when a relay is opened, caught up or ended.
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
COMMENT ON COLUMN _bigbrotr.relay_sync.enabled IS 'false: the synchronizer leaves the relay alone';
COMMENT ON COLUMN _bigbrotr.relay_sync.phase IS 'waiting: for its turn; connecting; backfill: history is being paged; live: caught up, subscribed to what is new; backoff: failed, waits for next_attempt';
COMMENT ON COLUMN _bigbrotr.relay_sync.phase_since IS 'When the phase began, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.next_attempt IS 'Earliest time of the next attempt, Unix seconds; 0: never tried';
COMMENT ON COLUMN _bigbrotr.relay_sync.waits_for IS 'Why the relay was skipped when it was due: "host …" or "site …", of a priority relay "priority host …" or "priority site …": its service has taken all places of its host or site; permission: local relays are not allowed; proxy: there is none; key: there is none to sign in with; null: it was not skipped';
COMMENT ON COLUMN _bigbrotr.relay_sync.failures IS 'Connections failed or broken since the last page was read';
COMMENT ON COLUMN _bigbrotr.relay_sync.faults IS 'Connections that we cut because the relay sent what no honest relay sends; one is forgiven a day';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_fault IS 'When the last of these was, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_error IS 'Reason code of the last failure; null: a page was read since';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_detail IS 'What the relay or the system said at the last failure';
COMMENT ON COLUMN _bigbrotr.relay_sync.last_error_at IS 'When that was, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.page_limit IS 'Events that one page may ask for, as learned from failures; 0: as bigbrotr.sync_page_limit says';
COMMENT ON COLUMN _bigbrotr.relay_sync.pace_ms IS 'Milliseconds between two requests, as learned from complaints; 0: no pause';
COMMENT ON COLUMN _bigbrotr.relay_sync.oldest IS 'created_at of the oldest event of the relay, Unix seconds; null: its history was not read to the end';
COMMENT ON COLUMN _bigbrotr.relay_sync.again_at IS 'When each of _bigbrotr.depths() was last read again, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.next_audit IS 'Earliest time of the next audit, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.clean_audits IS 'Audits since one found something';
COMMENT ON COLUMN _bigbrotr.relay_sync.withdrawals IS 'How often a claim had to be withdrawn';
COMMENT ON COLUMN _bigbrotr.relay_sync.withdrawn_at IS 'When that was last, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_sync.authenticate IS 'true: if the relay asks who reads, it is told (NIP-42, bigbrotr.authenticate_at)';
COMMENT ON COLUMN _bigbrotr.relay_sync.reader IS 'As whom it was last read: 0 anonymous, 1 signed in';

-- What came from each relay: written every twenty seconds or so, and when a relay is opened, caught up or ended.
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
COMMENT ON TABLE _bigbrotr.relay_traffic IS 'Counters of the synchronizer, one row per relay that was heard of. Up to half a minute behind; a crash loses what was not written';
COMMENT ON COLUMN _bigbrotr.relay_traffic.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_traffic.events IS 'Events first archived through this relay';
COMMENT ON COLUMN _bigbrotr.relay_traffic.sightings IS 'Sightings archived';
COMMENT ON COLUMN _bigbrotr.relay_traffic.messages IS 'WebSocket messages received';
COMMENT ON COLUMN _bigbrotr.relay_traffic.bytes IS 'Bytes of these messages, inflated';
COMMENT ON COLUMN _bigbrotr.relay_traffic.pages IS 'Pages read to their end';
COMMENT ON COLUMN _bigbrotr.relay_traffic.delivered IS 'Events that came in answer to questions';
COMMENT ON COLUMN _bigbrotr.relay_traffic.repeated IS 'Of these: events that the same reading had been shown before';
COMMENT ON COLUMN _bigbrotr.relay_traffic.seconds IS 'Seconds of history that were read';
COMMENT ON COLUMN _bigbrotr.relay_traffic.counted_at IS 'When the counters were last written, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_traffic.sightings_per_second IS 'Sightings per second between counted_at and the time before';
COMMENT ON COLUMN _bigbrotr.relay_traffic.seconds_per_second IS 'Seconds of history per second, likewise';
COMMENT ON COLUMN _bigbrotr.relay_traffic.last_success IS 'When a page was last read to its end, Unix seconds';

-- Which worker has which relay until when. Run-time state: not dumped.
CREATE TABLE _bigbrotr.sync_workers (
	owner    text    NOT NULL,
	expires  bigint  NOT NULL,
	priority boolean NOT NULL,
	CONSTRAINT sync_workers_pkey PRIMARY KEY (owner)
) WITH (fillfactor = 50);
COMMENT ON TABLE _bigbrotr.sync_workers IS 'Workers that archive relays';
COMMENT ON COLUMN _bigbrotr.sync_workers.owner IS 'Name of the worker: system identifier of its server, database, service and instance';
COMMENT ON COLUMN _bigbrotr.sync_workers.expires IS 'From then on others may take its leases away, Unix seconds';
COMMENT ON COLUMN _bigbrotr.sync_workers.priority IS 'true: it reads the priority relays, and no others; false: all others';

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
COMMENT ON TABLE _bigbrotr.relay_leases IS 'Which worker archives which relay now. A relay with a lease cannot be deleted: disable it, then wait until the lease is gone';
COMMENT ON COLUMN _bigbrotr.relay_leases.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_leases.owner IS '_bigbrotr.sync_workers.owner';
COMMENT ON COLUMN _bigbrotr.relay_leases.host IS 'Host of the relay''s URL';
COMMENT ON COLUMN _bigbrotr.relay_leases.site IS 'Registered domain of the host, by the Public Suffix List, or the address itself';
COMMENT ON COLUMN _bigbrotr.relay_leases.taken_at IS 'Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_leases.authenticate IS '_bigbrotr.relay_sync.authenticate at that time';

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
COMMENT ON TABLE _bigbrotr.relay_refusals IS 'What relays sent and we refused, counted by reason';
COMMENT ON COLUMN _bigbrotr.relay_refusals.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_refusals.reason IS 'Reason code, such as id_mismatch';
COMMENT ON COLUMN _bigbrotr.relay_refusals.count IS 'How often';
COMMENT ON COLUMN _bigbrotr.relay_refusals.first_at IS 'First time, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_refusals.last_at IS 'Last time, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_refusals.last_detail IS 'What was refused the last time, printable ASCII';

CREATE TABLE bigbrotr.event_rejects (
	event_id    bytea   NOT NULL,
	relay_id    integer,
	rejected_at bigint  NOT NULL,
	sqlstate    text    NOT NULL,
	message     text    NOT NULL,
	raw         bytea   NOT NULL,
	CONSTRAINT event_rejects_pkey PRIMARY KEY (event_id)
);
COMMENT ON TABLE bigbrotr.event_rejects IS 'Verified events that the database refused, kept whole';
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
COMMENT ON TABLE bigbrotr.seed_rejects IS 'Lines of seed lists that name no relay, as of the last load of each list';
COMMENT ON COLUMN bigbrotr.seed_rejects.source IS 'Name of the list, as given to bigbrotr.load_seeds';
COMMENT ON COLUMN bigbrotr.seed_rejects.line IS 'Line number, from 1; 0: the whole list';
COMMENT ON COLUMN bigbrotr.seed_rejects.text IS 'The line, cut after 500 characters; of the whole list: what is wrong with it';
COMMENT ON COLUMN bigbrotr.seed_rejects.reason IS 'Reason code of bigbrotr.normalise_relay_url, local_address or unreadable';
COMMENT ON COLUMN bigbrotr.seed_rejects.read_at IS 'When the list was loaded, Unix seconds';

-- pg_dump leaves out the rows of an extension's tables unless they are named here.
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
SELECT pg_extension_config_dump('bigbrotr.seed_rejects', '');

