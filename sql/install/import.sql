-- Imports and exports: events as lines of JSON.

CREATE TABLE _bigbrotr.imports (
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
	events_left_out bigint NOT NULL DEFAULT 0,
	CONSTRAINT imports_pkey PRIMARY KEY (import_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.imports IS 'Imports of events as lines of JSON, and their progress; the view bigbrotr.import_progress shows more';
COMMENT ON COLUMN _bigbrotr.imports.import_id IS 'Number of the import';
COMMENT ON COLUMN _bigbrotr.imports.source IS 'Path of the file on the server, or a name that the client gave';
COMMENT ON COLUMN _bigbrotr.imports.relay_id IS 'bigbrotr.relays.relay_id of the relay that showed the events; null: no sightings are stored';
COMMENT ON COLUMN _bigbrotr.imports.size IS 'Bytes of the file when the import began; null: not known';
COMMENT ON COLUMN _bigbrotr.imports.bytes IS 'Number of bytes that were read; the import continues at this position';
COMMENT ON COLUMN _bigbrotr.imports.lines IS 'Number of lines that were read, with blank lines';
COMMENT ON COLUMN _bigbrotr.imports.skipping IS 'true: bytes is a position within a line that is too long, and the rest of the line is skipped';
COMMENT ON COLUMN _bigbrotr.imports.events_new IS 'Number of events archived by the import';
COMMENT ON COLUMN _bigbrotr.imports.events_known IS 'Number of events that were archived before, or are repeated in the file';
COMMENT ON COLUMN _bigbrotr.imports.events_left_out IS 'Number of valid events that a block, a retention rule or an earlier rejection (bigbrotr.event_rejects) kept out of the archive';
COMMENT ON COLUMN _bigbrotr.imports.events_refused IS 'Number of refused lines, see bigbrotr.import_rejects';
COMMENT ON COLUMN _bigbrotr.imports.started_at IS 'When the import began, Unix seconds';
COMMENT ON COLUMN _bigbrotr.imports.updated_at IS 'When the import last stored something, Unix seconds';
COMMENT ON COLUMN _bigbrotr.imports.finished_at IS 'When the last line was stored, Unix seconds; null: not yet';

CREATE TABLE bigbrotr.import_rejects (
	import_id bigint NOT NULL,
	line      bigint NOT NULL,
	reason    text   NOT NULL,
	text      text   NOT NULL,
	CONSTRAINT import_rejects_pkey PRIMARY KEY (import_id, line),
	CONSTRAINT import_rejects_import_id_fkey FOREIGN KEY (import_id) REFERENCES _bigbrotr.imports ON DELETE CASCADE
);
COMMENT ON TABLE bigbrotr.import_rejects IS 'Lines of imports that were refused';
COMMENT ON COLUMN bigbrotr.import_rejects.import_id IS '_bigbrotr.imports.import_id';
COMMENT ON COLUMN bigbrotr.import_rejects.line IS 'Line number, from 1';
COMMENT ON COLUMN bigbrotr.import_rejects.reason IS 'Reason code of bigbrotr.verify_event_reason; rejected_by_database: the event is in bigbrotr.event_rejects';
COMMENT ON COLUMN bigbrotr.import_rejects.text IS 'Beginning of the line, as printable ASCII; empty if the line is not a JSON object, so that a file which was imported by mistake is not shown';

-- Imported events without a relay have no sightings: this table keeps bigbrotr.delete_orphan_events from deleting them.
CREATE TABLE _bigbrotr.imported_events (
	eid bigint NOT NULL,
	CONSTRAINT imported_events_pkey PRIMARY KEY (eid)
);
COMMENT ON TABLE _bigbrotr.imported_events IS 'Events of imports without a relay; bigbrotr.delete_orphan_events does not delete them';
COMMENT ON COLUMN _bigbrotr.imported_events.eid IS 'bigbrotr.events.eid';
SELECT pg_extension_config_dump('_bigbrotr.imported_events', '');

SELECT pg_extension_config_dump('_bigbrotr.imports', '');
SELECT pg_extension_config_dump('_bigbrotr.imports_import_id_seq', '');
SELECT pg_extension_config_dump('bigbrotr.import_rejects', '');

CREATE VIEW bigbrotr.import_progress AS
	SELECT i.import_id, i.source, r.url AS relay_url, i.finished_at IS NOT NULL AS finished, i.bytes, i.size,
	       CASE WHEN i.finished_at IS NOT NULL THEN 1 ELSE least(1, i.bytes / nullif(i.size, 0)::double precision) END AS done_fraction,
	       i.lines AS line_count, i.events_new AS new_count, i.events_known AS known_count,
	       i.events_left_out AS left_out_count, i.events_refused AS refused_count,
	       (i.events_new + i.events_known + i.events_left_out) / greatest(1, i.updated_at - i.started_at) AS events_per_second,
	       to_timestamp(i.started_at) AS started_at, to_timestamp(i.updated_at) AS updated_at,
	       to_timestamp(i.finished_at) AS finished_at
	FROM _bigbrotr.imports AS i LEFT JOIN bigbrotr.relays AS r ON r.relay_id = i.relay_id;
COMMENT ON VIEW bigbrotr.import_progress IS 'Progress of each import';
COMMENT ON COLUMN bigbrotr.import_progress.relay_url IS 'Normalised URL of the relay that showed the events; null: no sightings are stored';
COMMENT ON COLUMN bigbrotr.import_progress.finished IS 'Whether all lines are stored';
COMMENT ON COLUMN bigbrotr.import_progress.done_fraction IS 'Share of the file that was read, 0 .. 1; null: not known';
COMMENT ON COLUMN bigbrotr.import_progress.line_count IS 'Number of lines that were read, with blank lines';
COMMENT ON COLUMN bigbrotr.import_progress.new_count IS 'Number of events archived by the import';
COMMENT ON COLUMN bigbrotr.import_progress.known_count IS 'Number of events that were archived before, or are repeated in the file';
COMMENT ON COLUMN bigbrotr.import_progress.left_out_count IS 'Number of valid events that a block, a retention rule or an earlier rejection (bigbrotr.event_rejects) kept out of the archive';
COMMENT ON COLUMN bigbrotr.import_progress.refused_count IS 'Number of refused lines, see bigbrotr.import_rejects';
COMMENT ON COLUMN bigbrotr.import_progress.events_per_second IS 'Events per second from started_at to updated_at, with interruptions';
COMMENT ON COLUMN bigbrotr.import_progress.started_at IS 'When the import began';
COMMENT ON COLUMN bigbrotr.import_progress.updated_at IS 'When the import last stored something';
COMMENT ON COLUMN bigbrotr.import_progress.finished_at IS 'When the last line was stored; null: not yet';

CREATE FUNCTION bigbrotr.begin_import(
	source text, relay_url text DEFAULT NULL, size bigint DEFAULT NULL, resume boolean DEFAULT true,
	OUT import_id bigint, OUT bytes bigint)
	LANGUAGE plpgsql SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known record;
	seen_on integer;
BEGIN
	-- As with the functions that insert events, a relay that was deleted becomes known again, and stays disabled.
	IF relay_url IS NOT NULL THEN
		SELECT * INTO known FROM _bigbrotr.require_relay(relay_url) AS r;
		PERFORM _bigbrotr.insert_relays_checked(ARRAY[known.url], ARRAY[known.network], ARRAY[bigbrotr.unix_now()]);
		seen_on := (SELECT r.relay_id FROM bigbrotr.relays AS r WHERE r.url = known.url);
	END IF;
	IF source IS NULL THEN
		RAISE null_value_not_allowed USING
			MESSAGE = 'the import lacks its source', DETAIL = 'An import that was interrupted is found by its source.',
			HINT = 'Any name will do.';
	END IF;
	IF resume THEN
		SELECT i.import_id, i.bytes INTO import_id, bytes FROM _bigbrotr.imports AS i
		WHERE i.source = begin_import.source AND i.finished_at IS NULL
		      AND i.relay_id IS NOT DISTINCT FROM seen_on
		      AND i.size IS NOT DISTINCT FROM begin_import.size
		ORDER BY i.import_id DESC LIMIT 1;
	END IF;
	IF import_id IS NULL THEN
		INSERT INTO _bigbrotr.imports AS i (source, relay_id, size, started_at, updated_at)
		VALUES (begin_import.source, seen_on, begin_import.size, bigbrotr.unix_now(), bigbrotr.unix_now())
		RETURNING i.import_id, i.bytes INTO import_id, bytes;
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.begin_import(text, text, bigint, boolean) IS
	'Begins an import. resume true: continues the last unfinished import of the same source, relay and size, if there is one. bytes: position at which to continue';

CREATE FUNCTION bigbrotr.import_lines(
	import_id bigint, "position" bigint, chunk bytea, last boolean DEFAULT true) RETURNS bigint
	LANGUAGE c STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_import_lines';
COMMENT ON FUNCTION bigbrotr.import_lines(bigint, bigint, bytea, boolean) IS
	'Archives the events of a chunk of an import, one per line; the chunk begins at byte "position". Verifies the events unless bigbrotr.verify_events is off. If last is false, an unfinished line at the end is not used, and of very many lines only the first ones are. If last is true, all lines are used; there may be 100000 events. Returns the number of used bytes; send the other bytes again at the beginning of the next chunk';

CREATE FUNCTION bigbrotr.finish_import(import_id bigint) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		UPDATE _bigbrotr.imports AS i SET finished_at = bigbrotr.unix_now()
		WHERE i.import_id = finish_import.import_id AND i.finished_at IS NULL;
	END;
COMMENT ON FUNCTION bigbrotr.finish_import(bigint) IS 'Ends an import after its last chunk';

CREATE PROCEDURE bigbrotr.import_events(path text, relay_url text DEFAULT NULL, resume boolean DEFAULT true)
	LANGUAGE c
	AS 'MODULE_PATHNAME', 'bigbrotr_import_events';
COMMENT ON PROCEDURE bigbrotr.import_events(text, text, boolean) IS
	'Archives the events of a file on the server, one JSON object per line, in several transactions. relay_url: URL of the relay that showed the events. Refused lines are in bigbrotr.import_rejects, the progress in bigbrotr.import_progress. After an interruption, call it again: it continues, unless resume is false. Needs the role pg_read_server_files';

CREATE FUNCTION bigbrotr.export_events(filter jsonb DEFAULT '{}') RETURNS SETOF text
	LANGUAGE sql STABLE PARALLEL SAFE ROWS 1000000
	BEGIN ATOMIC
		SELECT bigbrotr.event_json(e) FROM bigbrotr.events AS e
		WHERE bigbrotr.event_matches(e, export_events.filter)
		ORDER BY e.created_at, e.event_id;
	END;
COMMENT ON FUNCTION bigbrotr.export_events(jsonb) IS
	'Events that match a filter (NIP-01) as exact NIP-01 JSON, in the order of created_at and id; the filter has no limit, and without a filter all events are returned. bigbrotr.import_events reads this format; the program bigbrotr-export writes it to a file or a pipe';
