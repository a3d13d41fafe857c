-- From 0.1.0 to 0.2.0: internal objects move to the schema _bigbrotr. Functions, views and triggers are dropped, and created
-- again from the install script; tables keep their rows.

CREATE SCHEMA _bigbrotr;

DO $upgrade$
DECLARE
	item record;
	left_over text;
	dropped boolean;
BEGIN
	FOR item IN
		SELECT t.tgname AS name, t.tgrelid::regclass AS relation
		FROM pg_trigger AS t JOIN pg_proc AS p ON p.oid = t.tgfoid
		WHERE p.pronamespace = 'bigbrotr'::regnamespace AND NOT t.tgisinternal
	LOOP
		EXECUTE format('DROP TRIGGER %I ON %s', item.name, item.relation);
	END LOOP;

	-- Views and routines depend on each other: repeat until no more of them can be dropped.
	LOOP
		dropped := false;
		FOR item IN
			SELECT format('DROP %s %s', CASE d.classid WHEN 'pg_class'::regclass THEN 'VIEW' ELSE 'ROUTINE' END,
			              CASE d.classid WHEN 'pg_class'::regclass THEN d.objid::regclass::text ELSE d.objid::regprocedure::text END) AS command
			FROM pg_depend AS d
			     JOIN pg_extension AS e ON e.oid = d.refobjid AND e.extname = 'bigbrotr'
			     LEFT JOIN pg_class AS c ON d.classid = 'pg_class'::regclass AND c.oid = d.objid
			     LEFT JOIN pg_proc AS p ON d.classid = 'pg_proc'::regclass AND p.oid = d.objid
			WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
			      -- The functions of the type stay: DROP would silently remove some of them from its operator classes.
			      AND (c.relkind = 'v' OR p.proname !~ '^tags_|_to_tags$')
		LOOP
			BEGIN
				EXECUTE item.command;
				dropped := true;
			EXCEPTION WHEN dependent_objects_still_exist THEN
				NULL;
			END;
		END LOOP;
		EXIT WHEN NOT dropped;
	END LOOP;

	-- Functions of the type tags and of indexes remain, and routines that objects of users depend on.
	FOR item IN
		SELECT p.oid::regprocedure AS routine, p.proname AS name FROM pg_proc AS p WHERE p.pronamespace = 'bigbrotr'::regnamespace
	LOOP
		IF item.name !~ '^tags_|_to_tags$' AND item.name <> ALL ('{address_id,is_searchable,search_vector,tag_keys}') THEN
			left_over := concat_ws(', ', left_over, item.routine);
		ELSE
			EXECUTE format('ALTER ROUTINE %s SET SCHEMA _bigbrotr', item.routine);
		END IF;
	END LOOP;
	SELECT concat_ws(', ', left_over, string_agg(c.oid::regclass::text, ', ')) INTO left_over
	FROM pg_class AS c WHERE c.relnamespace = 'bigbrotr'::regnamespace AND c.relkind = 'v';
	IF left_over <> '' THEN
		RAISE dependent_objects_still_exist USING
			MESSAGE = 'objects of other schemas depend on functions or views of bigbrotr that change',
			DETAIL = 'They depend on: ' || left_over || '.',
			HINT = 'Drop your objects, run ALTER EXTENSION bigbrotr UPDATE, and create them again.';
	END IF;
END
$upgrade$;

DROP CAST (jsonb AS bigbrotr.tags);
CREATE CAST (jsonb AS bigbrotr.tags) WITH FUNCTION _bigbrotr.jsonb_to_tags(jsonb) AS ASSIGNMENT;

ALTER TABLE bigbrotr.sync_workers SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.relay_leases SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.relay_refusals SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.deletion_progress SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.imports SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.statistics SET SCHEMA _bigbrotr;
ALTER TABLE bigbrotr.statistics_deltas SET SCHEMA _bigbrotr;

-- No worker runs during the upgrade, so no lease is valid.
DELETE FROM _bigbrotr.relay_leases;
DELETE FROM _bigbrotr.sync_workers;
ALTER TABLE _bigbrotr.relay_leases ADD COLUMN authenticate boolean NOT NULL;
ALTER TABLE _bigbrotr.sync_workers ADD COLUMN priority boolean NOT NULL;
ALTER TABLE _bigbrotr.imports ADD COLUMN events_left_out bigint;
UPDATE _bigbrotr.imports SET events_left_out = 0;
ALTER TABLE _bigbrotr.imports ALTER events_left_out SET DEFAULT 0, ALTER events_left_out SET NOT NULL;

-- The grants at the end of this script replace all privileges.
REVOKE ALL ON ALL TABLES IN SCHEMA bigbrotr, _bigbrotr FROM bigbrotr_reader, bigbrotr_writer, bigbrotr_worker, bigbrotr_admin;

-- NEW _bigbrotr.imported_events
-- 0.1.0 did not note which events came by an import without a relay: after such an import, any event without a sighting may
-- be one of them.
INSERT INTO _bigbrotr.imported_events (eid)
SELECT e.eid FROM bigbrotr.events AS e
WHERE EXISTS (SELECT FROM _bigbrotr.imports AS i WHERE i.relay_id IS NULL)
      AND NOT EXISTS (SELECT FROM bigbrotr.sightings AS s WHERE s.eid = e.eid);
-- NEW _bigbrotr.deleted_relays
-- NEW _bigbrotr.deleted_events
-- NEW bigbrotr.unix_now
-- NEW _bigbrotr.sync_filter
-- NEW bigbrotr.sync_filters
-- NEW bigbrotr.blocked_authors
-- NEW bigbrotr.blocked_events
-- NEW bigbrotr.retention_rules
-- NEW bigbrotr.audits
-- NEW _bigbrotr.relay_needs
-- NEW _bigbrotr.relay_comparisons
-- NEW _bigbrotr.relay_priorities
-- NEW _bigbrotr.finder_queue
-- NEW _bigbrotr.named_relays
-- NEW _bigbrotr.naming_authors
-- NEW _bigbrotr.naming_places
-- NEW _bigbrotr.naming_deltas
-- NEW _bigbrotr.refused_names
-- NEW _bigbrotr.relay_publications
-- NEW _bigbrotr.job_requests
-- NEW _bigbrotr.job_provider
-- NEW _bigbrotr.reader_key
-- NEW bigbrotr.trusted_monitors
-- NEW _bigbrotr.added_sources
-- NEW _bigbrotr.relay_fetches

-- One index serves filters with authors, with and without kinds. The administrator may have built it before the upgrade
-- (docs/operations.md); an attempt that failed leaves an index that is not valid.
DO $authors$
BEGIN
	IF NOT EXISTS (SELECT FROM pg_index AS i WHERE i.indexrelid = to_regclass('bigbrotr.events_pubkey_kind_created_at_idx') AND i.indisvalid) THEN
		DROP INDEX IF EXISTS bigbrotr.events_pubkey_kind_created_at_idx;
		CREATE INDEX events_pubkey_kind_created_at_idx ON bigbrotr.events (pubkey, kind, created_at);
	END IF;
END
$authors$;
DROP INDEX IF EXISTS bigbrotr.events_pubkey_created_at_idx;

-- The keys of the tag index now contain the week of the event.
-- NEW _bigbrotr.tag_keys
-- NEW _bigbrotr.tag_keys_match_support
-- NEW _bigbrotr.tag_keys_match
-- NEW _bigbrotr.tag_ranges_selectivity
CREATE OPERATOR _bigbrotr.@@ (LEFTARG = bigint[], RIGHTARG = bigint[], FUNCTION = _bigbrotr.tag_keys_match,
	RESTRICT = _bigbrotr.tag_ranges_selectivity);
-- NEW _bigbrotr.tag_ranges
-- NEW _bigbrotr.compare_tag_range
-- NEW _bigbrotr.tag_ranges_found
CREATE OPERATOR CLASS _bigbrotr.tag_key_ops FOR TYPE bigint[] USING gin AS
	OPERATOR 1 _bigbrotr.@@,
	FUNCTION 1 btint8cmp(bigint, bigint),
	FUNCTION 2 ginarrayextract(anyarray, internal, internal),
	FUNCTION 3 _bigbrotr.tag_ranges(bigint[], internal, smallint, internal, internal, internal, internal),
	FUNCTION 5 _bigbrotr.compare_tag_range(bigint, bigint, smallint, internal),
	FUNCTION 6 _bigbrotr.tag_ranges_found(internal, smallint, bigint[], integer, internal, internal, internal),
	STORAGE bigint;
DO $tags$
BEGIN
	IF to_regclass('bigbrotr.events_tags_idx') IS NOT NULL THEN
		DROP INDEX bigbrotr.events_tags_idx;
		CREATE INDEX events_tags_idx ON bigbrotr.events USING gin (_bigbrotr.tag_keys(tags, created_at) _bigbrotr.tag_key_ops)
			WITH (gin_pending_list_limit = 512);
	END IF;
END
$tags$;
-- Without the index, the function was dropped with the others.
DROP FUNCTION IF EXISTS _bigbrotr.tag_keys(bigbrotr.tags);

-- The finder has to read the archived events. The lock waits for writers, because the events of a running transaction would
-- be missing from the queue.
LOCK TABLE bigbrotr.events IN SHARE MODE;
INSERT INTO _bigbrotr.finder_queue (eids)
SELECT range_agg(int8range(i.lower, i.upper, '[]'))
FROM (SELECT min(c.eid) AS lower, max(c.eid) AS upper, c.eid >> 16 AS piece
      FROM (SELECT eid, eid - row_number() OVER (ORDER BY eid) AS island FROM bigbrotr.events) AS c
      GROUP BY c.island, c.eid >> 16) AS i
GROUP BY i.piece;

-- Tables with new columns are created again, so that their columns have the order of a new database.
-- NEW _bigbrotr.relay_sync
INSERT INTO _bigbrotr.relay_sync (
	relay_id, enabled, phase, phase_since, next_attempt, waits_for, failures, faults, last_fault, last_error, last_detail, page_limit, pace_ms)
SELECT relay_id, enabled, phase, phase_since, next_attempt, waits_for, failures, faults, last_fault, last_error, last_detail, page_limit, pace_ms
FROM bigbrotr.relay_sync;
ALTER EXTENSION bigbrotr DROP TABLE bigbrotr.relay_sync;
DROP TABLE bigbrotr.relay_sync;

-- NEW _bigbrotr.relay_traffic
INSERT INTO _bigbrotr.relay_traffic (relay_id, events, sightings, messages, bytes, pages, last_success)
SELECT relay_id, events, sightings, messages, bytes, pages, last_success FROM bigbrotr.relay_traffic;
ALTER EXTENSION bigbrotr DROP TABLE bigbrotr.relay_traffic;
DROP TABLE bigbrotr.relay_traffic;

-- In 0.1.0 one empty answer of a relay proved years of coverage. Such coverage becomes paged until a second reading agrees.
ALTER TABLE bigbrotr.coverage SET SCHEMA _bigbrotr;
ALTER TABLE _bigbrotr.coverage RENAME TO former_coverage;
-- NEW bigbrotr.coverage
INSERT INTO bigbrotr.coverage (relay_id, lower, upper, evidence, doubts, events, observed_at)
SELECT relay_id, lower, upper, CASE evidence WHEN 'dense' THEN 'partial' ELSE 'paged' END,
       CASE evidence WHEN 'dense' THEN ARRAY['dense'] ELSE ARRAY[]::text[] END, events, proven_at
FROM _bigbrotr.former_coverage WHERE filter = '{}';
ALTER EXTENSION bigbrotr DROP TABLE _bigbrotr.former_coverage;
DROP TABLE _bigbrotr.former_coverage;

-- A relay that was never tried is a candidate.
UPDATE bigbrotr.relays SET status = 'candidate' WHERE status IS NULL OR status <> ALL ('{online,offline}');
ALTER TABLE bigbrotr.relays ALTER status SET DEFAULT 'candidate', ALTER status SET NOT NULL,
	ADD CONSTRAINT relays_status_check CHECK (status IN ('candidate', 'online', 'unstable', 'offline', 'dead', 'retired', 'refused', 'ignored'));

-- NEW _bigbrotr.relay_health
-- NEW _bigbrotr.relay_outages
-- NEW _bigbrotr.relay_history
-- The monitor visits no relay with status ignored. A relay that was disabled gets what bigbrotr.disable_relay writes now.
WITH disabled AS (
	SELECT r.relay_id, r.status, bigbrotr.unix_now() AS at
	FROM bigbrotr.relays AS r JOIN _bigbrotr.relay_sync AS s ON s.relay_id = r.relay_id
	WHERE NOT s.enabled
), observed AS (
	INSERT INTO _bigbrotr.relay_health (relay_id, first_observed, observed_at, observer, outcome, run, run_since, status_since)
	SELECT d.relay_id, d.at, d.at, 'administrator', 'unknown', 0, d.at, d.at FROM disabled AS d
), noted AS (
	INSERT INTO _bigbrotr.relay_history (relay_id, at, aspect, before, after)
	SELECT d.relay_id, d.at, 'status', d.status, 'ignored' FROM disabled AS d
)
UPDATE bigbrotr.relays AS r SET status = 'ignored' FROM disabled AS d WHERE r.relay_id = d.relay_id;
-- NEW _bigbrotr.document_nips
-- NEW _bigbrotr.software_family
-- NEW _bigbrotr.document_countries
-- NEW _bigbrotr.nip11_documents
-- NEW _bigbrotr.nip66_facts
-- NEW _bigbrotr.relay_visits
-- NEW _bigbrotr.relay_stories

-- Documents get a table of their own, which stores equal documents once.
INSERT INTO _bigbrotr.nip11_documents (hash, name, description, pubkey, contact, supported_nips, software, version)
SELECT DISTINCT sha256(convert_to(jsonb_build_array(nip11_name, nip11_description, nip11_pubkey, nip11_contact, nip11_supported_nips,
	nip11_software, nip11_version, NULL)::text, 'UTF8')), nip11_name, nip11_description, nip11_pubkey, nip11_contact, nip11_supported_nips,
	nip11_software, nip11_version
FROM bigbrotr.relay_checks
WHERE num_nonnulls(nip11_name, nip11_description, nip11_pubkey, nip11_contact, nip11_supported_nips, nip11_software, nip11_version) > 0;
-- NEW _bigbrotr.relay_checks
INSERT INTO _bigbrotr.relay_checks (relay_id, generated_at, nip66_present, nip66_openable, nip66_readable, nip66_writable,
	nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, nip11_present, nip11_id)
SELECT c.relay_id, c.generated_at, c.nip66_present, c.nip66_openable, c.nip66_readable, c.nip66_writable,
	c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write, c.nip11_present, d.nip11_id
FROM bigbrotr.relay_checks AS c LEFT JOIN _bigbrotr.nip11_documents AS d
	ON d.hash = sha256(convert_to(jsonb_build_array(c.nip11_name, c.nip11_description, c.nip11_pubkey, c.nip11_contact, c.nip11_supported_nips,
		c.nip11_software, c.nip11_version, NULL)::text, 'UTF8'));
ALTER EXTENSION bigbrotr DROP TABLE bigbrotr.relay_checks;
DROP TABLE bigbrotr.relay_checks;
-- NEW _bigbrotr.relay_series

-- NEW _bigbrotr.issued_keys
-- NEW _bigbrotr.key_usage
-- NEW _bigbrotr.archive_figures
-- NEW _bigbrotr.past_counts
-- NEW _bigbrotr.relay_watches
-- NEW _bigbrotr.relay_alerts
