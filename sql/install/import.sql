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
	CONSTRAINT imports_pkey PRIMARY KEY (import_id)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.imports IS 'Imports of lines of JSON, and how far they are; the view bigbrotr.import_progress shows more';
COMMENT ON COLUMN _bigbrotr.imports.import_id IS 'Number of the import';
COMMENT ON COLUMN _bigbrotr.imports.source IS 'Path of the file on the server, or the name that a client gave';
COMMENT ON COLUMN _bigbrotr.imports.relay_id IS 'bigbrotr.relays.relay_id of the relay where the events were seen; null: no sightings';
COMMENT ON COLUMN _bigbrotr.imports.size IS 'Bytes of the file when the import began; null: not known';
COMMENT ON COLUMN _bigbrotr.imports.bytes IS 'Bytes that were read: the import goes on here';
COMMENT ON COLUMN _bigbrotr.imports.lines IS 'Lines that were read, blank ones included';
COMMENT ON COLUMN _bigbrotr.imports.skipping IS 'Whether bytes lies within a line that is too large, whose rest is skipped';
COMMENT ON COLUMN _bigbrotr.imports.events_new IS 'Events archived';
COMMENT ON COLUMN _bigbrotr.imports.events_known IS 'Events that were archived before, or are in the file twice';
COMMENT ON COLUMN _bigbrotr.imports.events_refused IS 'Lines refused, see bigbrotr.import_rejects';
COMMENT ON COLUMN _bigbrotr.imports.started_at IS 'When it began, Unix seconds';
COMMENT ON COLUMN _bigbrotr.imports.updated_at IS 'When it last stored something, Unix seconds';
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

-- Events that came by imports without a relay. They are not orphans.
CREATE TABLE _bigbrotr.imported_events (
	eid bigint NOT NULL,
	CONSTRAINT imported_events_pkey PRIMARY KEY (eid)
);
COMMENT ON TABLE _bigbrotr.imported_events IS 'Events of imports that name no relay: bigbrotr.delete_orphan_events does not delete them';
COMMENT ON COLUMN _bigbrotr.imported_events.eid IS 'bigbrotr.events.eid';
SELECT pg_extension_config_dump('_bigbrotr.imported_events', '');

SELECT pg_extension_config_dump('_bigbrotr.imports', '');
SELECT pg_extension_config_dump('_bigbrotr.imports_import_id_seq', '');
SELECT pg_extension_config_dump('bigbrotr.import_rejects', '');

CREATE VIEW bigbrotr.import_progress AS
	SELECT i.import_id, i.source, r.url AS relay_url, i.finished_at IS NOT NULL AS finished, i.bytes, i.size,
	       CASE WHEN i.finished_at IS NOT NULL THEN 1 ELSE least(1, i.bytes / nullif(i.size, 0)::double precision) END AS done_fraction,
	       i.lines AS line_count, i.events_new AS new_count, i.events_known AS known_count, i.events_refused AS refused_count,
	       (i.events_new + i.events_known) / greatest(1, i.updated_at - i.started_at) AS events_per_second,
	       to_timestamp(i.started_at) AS started_at, to_timestamp(i.updated_at) AS updated_at,
	       to_timestamp(i.finished_at) AS finished_at
	FROM _bigbrotr.imports AS i LEFT JOIN bigbrotr.relays AS r ON r.relay_id = i.relay_id;
COMMENT ON VIEW bigbrotr.import_progress IS 'How far each import is';
COMMENT ON COLUMN bigbrotr.import_progress.relay_url IS 'Where the events were seen; null: no sightings';
COMMENT ON COLUMN bigbrotr.import_progress.finished IS 'Whether all lines are stored';
COMMENT ON COLUMN bigbrotr.import_progress.done_fraction IS 'Share of the file that was read, 0 .. 1; null: not known';
COMMENT ON COLUMN bigbrotr.import_progress.line_count IS 'Lines that were read';
COMMENT ON COLUMN bigbrotr.import_progress.new_count IS 'Events archived';
COMMENT ON COLUMN bigbrotr.import_progress.known_count IS 'Events that were archived before, or are in the file twice';
COMMENT ON COLUMN bigbrotr.import_progress.refused_count IS 'Lines refused, see bigbrotr.import_rejects';
COMMENT ON COLUMN bigbrotr.import_progress.events_per_second IS 'Mean rate, interruptions included';
COMMENT ON COLUMN bigbrotr.import_progress.started_at IS 'When it began';
COMMENT ON COLUMN bigbrotr.import_progress.updated_at IS 'When it last stored something';
COMMENT ON COLUMN bigbrotr.import_progress.finished_at IS 'When the last line was stored; null: not yet';

CREATE FUNCTION bigbrotr.begin_import(
	source text, relay text DEFAULT NULL, size bigint DEFAULT NULL, resume boolean DEFAULT true,
	OUT import_id bigint, OUT bytes bigint)
	LANGUAGE plpgsql SECURITY DEFINER
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
	'Begins an import, or with resume goes on with one of the same source, relay and size that was not finished; bytes: where to go on';

CREATE FUNCTION bigbrotr.import_lines(
	import_id bigint, "position" bigint, chunk bytea, last boolean DEFAULT true) RETURNS bigint
	LANGUAGE c STRICT SECURITY DEFINER
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_import_lines';
COMMENT ON FUNCTION bigbrotr.import_lines(bigint, bigint, bytea, boolean) IS
	'Archives the events of a piece of an import that begins at this byte: one event a line, verified unless bigbrotr.verify_events is off. Unless it is the last piece, an unfinished line at its end is left. Returns how many bytes were used; send the others again, with the next piece behind them';

CREATE FUNCTION bigbrotr.finish_import(import_id bigint) RETURNS void
	LANGUAGE sql SECURITY DEFINER
	BEGIN ATOMIC
		UPDATE _bigbrotr.imports AS i SET finished_at = bigbrotr.unix_now()
		WHERE i.import_id = finish_import.import_id AND i.finished_at IS NULL;
	END;
COMMENT ON FUNCTION bigbrotr.finish_import(bigint) IS 'Ends an import: all of it was sent';

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
	'The events that match a filter without a limit, all without a filter, as NIP-01 JSON, exact, in the order of created_at and id: what bigbrotr.import_events reads. bigbrotr-export writes them to a file or a pipe';
