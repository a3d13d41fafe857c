-- Measurements of relays. Equal documents (NIP-11) are stored once, found by their hash, and so are equal facts (NIP-66: all
-- measurements but the round trips). Measurements of the last two weeks are rows; older measurements are packed, one row per
-- relay and week.

CREATE FUNCTION _bigbrotr.document_countries(document jsonb) RETURNS text[]
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT array_agg(c.country ORDER BY c.country)
		FROM (SELECT DISTINCT upper(e #>> '{}') AS country
		      FROM jsonb_array_elements(CASE jsonb_typeof(document -> 'relay_countries') WHEN 'array' THEN document -> 'relay_countries' END) AS e
		      WHERE e #>> '{}' ~ '^[A-Za-z]{2}$' LIMIT 250) AS c);
COMMENT ON FUNCTION _bigbrotr.document_countries(jsonb) IS 'Country codes of two letters in relay_countries of a document (NIP-11), in capitals, sorted; null: none';

CREATE FUNCTION _bigbrotr.document_nips(supported_nips jsonb) RETURNS jsonb
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN (SELECT jsonb_agg(DISTINCT n)
		FROM jsonb_array_elements(CASE jsonb_typeof(supported_nips) WHEN 'array' THEN supported_nips END) AS n WHERE jsonb_typeof(n) = 'number');
COMMENT ON FUNCTION _bigbrotr.document_nips(jsonb) IS 'Numbers in supported_nips (NIP-11), sorted and without duplicates; null: none';

CREATE FUNCTION _bigbrotr.software_family(software text) RETURNS text
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	RETURN nullif(regexp_replace(regexp_replace(software, '/+$', ''), '^.*/|\.git$', '', 'g'), '');
COMMENT ON FUNCTION _bigbrotr.software_family(text) IS 'Name of a software: last part of its URL, without .git; null: none';

-- Columns that lists of many relays need are generated: they are computed once, when a document is stored.
CREATE TABLE _bigbrotr.nip11_documents (
	nip11_id       integer GENERATED ALWAYS AS IDENTITY,
	hash           bytea   NOT NULL,
	name           text,
	description    text,
	pubkey         text,
	contact        text,
	supported_nips jsonb,
	software       text,
	version        text,
	document       jsonb,
	nips           jsonb  GENERATED ALWAYS AS (_bigbrotr.document_nips(supported_nips)) STORED,
	family         text   GENERATED ALWAYS AS (_bigbrotr.software_family(software)) STORED,
	countries      text[] GENERATED ALWAYS AS (_bigbrotr.document_countries(document)) STORED,
	CONSTRAINT nip11_documents_pkey PRIMARY KEY (nip11_id),
	CONSTRAINT nip11_documents_hash_key UNIQUE (hash)
);
COMMENT ON TABLE _bigbrotr.nip11_documents IS 'Relay information documents (NIP-11) without duplicates';
COMMENT ON COLUMN _bigbrotr.nip11_documents.nip11_id IS 'Short key used by the other tables';
COMMENT ON COLUMN _bigbrotr.nip11_documents.hash IS 'SHA-256 of a JSON array of the columns from name to document, 32 bytes';
COMMENT ON COLUMN _bigbrotr.nip11_documents.name IS 'Field name (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.description IS 'Field description (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.pubkey IS 'Field pubkey (NIP-11) as served; it may be another text than a key';
COMMENT ON COLUMN _bigbrotr.nip11_documents.contact IS 'Field contact (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.supported_nips IS 'Field supported_nips (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.software IS 'Field software (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.version IS 'Field version (NIP-11)';
COMMENT ON COLUMN _bigbrotr.nip11_documents.document IS 'The whole document; null: bigbrotr.insert_relay_metadata gave only the fields';
COMMENT ON COLUMN _bigbrotr.nip11_documents.nips IS 'Numbers in supported_nips, without duplicates; null: none';
COMMENT ON COLUMN _bigbrotr.nip11_documents.family IS 'Name of the software: last part of its URL; null: none';
COMMENT ON COLUMN _bigbrotr.nip11_documents.countries IS 'Codes of relay_countries (NIP-11), two capitals each; null: none';

CREATE TABLE _bigbrotr.nip66_facts (
	nip66_id integer GENERATED ALWAYS AS IDENTITY,
	hash     bytea   NOT NULL,
	facts    jsonb   NOT NULL,
	CONSTRAINT nip66_facts_pkey PRIMARY KEY (nip66_id),
	CONSTRAINT nip66_facts_hash_key UNIQUE (hash)
);
COMMENT ON TABLE _bigbrotr.nip66_facts IS 'Measured facts of relays that rarely change, without duplicates: addresses, certificate, headers, limits, NIPs that were tried';
COMMENT ON COLUMN _bigbrotr.nip66_facts.nip66_id IS 'Short key used by the other tables';
COMMENT ON COLUMN _bigbrotr.nip66_facts.hash IS 'SHA-256 of facts, 32 bytes';
COMMENT ON COLUMN _bigbrotr.nip66_facts.facts IS 'JSON object; docs/monitor.md describes its keys';

CREATE TABLE _bigbrotr.relay_checks (
	relay_id        integer NOT NULL,
	generated_at    bigint  NOT NULL,
	error           text,
	nip66_present   boolean NOT NULL DEFAULT false,
	nip66_openable  boolean,
	nip66_readable  boolean,
	nip66_writable  boolean,
	nip66_rtt_open  integer,
	nip66_rtt_read  integer,
	nip66_rtt_write integer,
	nip66_id        integer,
	nip11_present   boolean NOT NULL DEFAULT false,
	nip11_id        integer,
	CONSTRAINT relay_checks_pkey PRIMARY KEY (relay_id, generated_at),
	CONSTRAINT relay_checks_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE,
	CONSTRAINT relay_checks_nip66_id_fkey FOREIGN KEY (nip66_id) REFERENCES _bigbrotr.nip66_facts,
	CONSTRAINT relay_checks_nip11_id_fkey FOREIGN KEY (nip11_id) REFERENCES _bigbrotr.nip11_documents
);
-- A document or facts can be deleted only after a search for rows that refer to them.
CREATE INDEX relay_checks_nip66_id_idx ON _bigbrotr.relay_checks (nip66_id) WHERE nip66_id IS NOT NULL;
CREATE INDEX relay_checks_nip11_id_idx ON _bigbrotr.relay_checks (nip11_id) WHERE nip11_id IS NOT NULL;
COMMENT ON TABLE _bigbrotr.relay_checks IS 'Measurements of relays that are not packed yet; the view bigbrotr.relay_metadata shows all';
COMMENT ON COLUMN _bigbrotr.relay_checks.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_checks.generated_at IS 'Time of the measurement, Unix seconds';
COMMENT ON COLUMN _bigbrotr.relay_checks.error IS 'Reason code of the failure; null: the relay answered, or the source of the measurement did not say';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_present IS 'Whether the relay was measured (NIP-66)';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_openable IS 'Whether a WebSocket could be opened';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_readable IS 'Whether a REQ was answered';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_writable IS 'Whether an EVENT was accepted';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_rtt_open IS 'Milliseconds to open a connection (NIP-66 tag rtt-open)';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_rtt_read IS 'Milliseconds to the answer of a REQ (NIP-66 tag rtt-read)';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_rtt_write IS 'Milliseconds to the answer of an EVENT (NIP-66 tag rtt-write)';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip66_id IS '_bigbrotr.nip66_facts.nip66_id';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip11_present IS 'Whether a relay information document was served (NIP-11)';
COMMENT ON COLUMN _bigbrotr.relay_checks.nip11_id IS '_bigbrotr.nip11_documents.nip11_id';

CREATE TABLE _bigbrotr.relay_series (
	relay_id        integer NOT NULL,
	week            integer NOT NULL,
	generated_at    integer[] NOT NULL,
	error           text[]    NOT NULL,
	nip66_present   boolean[] NOT NULL,
	nip66_openable  boolean[] NOT NULL,
	nip66_readable  boolean[] NOT NULL,
	nip66_writable  boolean[] NOT NULL,
	nip66_rtt_open  integer[] NOT NULL,
	nip66_rtt_read  integer[] NOT NULL,
	nip66_rtt_write integer[] NOT NULL,
	nip66_id        integer[] NOT NULL,
	nip11_present   boolean[] NOT NULL,
	nip11_id        integer[] NOT NULL,
	CONSTRAINT relay_series_pkey PRIMARY KEY (relay_id, week),
	CONSTRAINT relay_series_relay_id_fkey FOREIGN KEY (relay_id) REFERENCES bigbrotr.relays ON DELETE CASCADE
);
CREATE INDEX relay_series_nip66_id_idx ON _bigbrotr.relay_series USING gin (nip66_id);
CREATE INDEX relay_series_nip11_id_idx ON _bigbrotr.relay_series USING gin (nip11_id);
COMMENT ON TABLE _bigbrotr.relay_series IS 'Packed measurements of relays, one row per relay and week: arrays of equal length, oldest measurement first';
COMMENT ON COLUMN _bigbrotr.relay_series.relay_id IS 'bigbrotr.relays.relay_id';
COMMENT ON COLUMN _bigbrotr.relay_series.week IS 'Number of the week: Unix seconds / 604800';
COMMENT ON COLUMN _bigbrotr.relay_series.generated_at IS 'Time of each measurement, seconds since the beginning of the week';
COMMENT ON COLUMN _bigbrotr.relay_series.error IS '_bigbrotr.relay_checks.error of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_present IS '_bigbrotr.relay_checks.nip66_present of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_openable IS '_bigbrotr.relay_checks.nip66_openable of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_readable IS '_bigbrotr.relay_checks.nip66_readable of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_writable IS '_bigbrotr.relay_checks.nip66_writable of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_rtt_open IS '_bigbrotr.relay_checks.nip66_rtt_open of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_rtt_read IS '_bigbrotr.relay_checks.nip66_rtt_read of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_rtt_write IS '_bigbrotr.relay_checks.nip66_rtt_write of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip66_id IS '_bigbrotr.relay_checks.nip66_id of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip11_present IS '_bigbrotr.relay_checks.nip11_present of each';
COMMENT ON COLUMN _bigbrotr.relay_series.nip11_id IS '_bigbrotr.relay_checks.nip11_id of each';

SELECT pg_extension_config_dump('_bigbrotr.nip11_documents', '');
SELECT pg_extension_config_dump('_bigbrotr.nip11_documents_nip11_id_seq', '');
SELECT pg_extension_config_dump('_bigbrotr.nip66_facts', '');
SELECT pg_extension_config_dump('_bigbrotr.nip66_facts_nip66_id_seq', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_checks', '');
SELECT pg_extension_config_dump('_bigbrotr.relay_series', '');

-- A document is stored before a row refers to it. The lock makes bigbrotr.delete_orphan_nip11 and delete_orphan_nip66 wait for
-- the end of the transaction, so that they do not delete the document in between.
CREATE FUNCTION _bigbrotr.store_nip11(
	name text, description text, pubkey text, contact text, supported_nips jsonb, software text, version text,
	document jsonb) RETURNS integer
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	digest bytea := sha256(convert_to(jsonb_build_array(name, description, pubkey, contact, supported_nips, software, version, document)::text, 'UTF8'));
	known integer;
BEGIN
	IF num_nonnulls(name, description, pubkey, contact, supported_nips, software, version, document) = 0 THEN
		RETURN NULL;
	END IF;
	LOCK TABLE _bigbrotr.nip11_documents IN ROW EXCLUSIVE MODE;
	SELECT d.nip11_id INTO known FROM _bigbrotr.nip11_documents AS d WHERE d.hash = digest;
	IF NOT FOUND THEN
		INSERT INTO _bigbrotr.nip11_documents AS d (hash, name, description, pubkey, contact, supported_nips, software, version, document)
		VALUES (digest, store_nip11.name, store_nip11.description, store_nip11.pubkey, store_nip11.contact, store_nip11.supported_nips,
			store_nip11.software, store_nip11.version, store_nip11.document)
		ON CONFLICT ON CONSTRAINT nip11_documents_hash_key DO UPDATE SET hash = excluded.hash
		RETURNING d.nip11_id INTO known;
	END IF;
	RETURN known;
END
$$;
COMMENT ON FUNCTION _bigbrotr.store_nip11(text, text, text, text, jsonb, text, text, jsonb) IS
	'Stores a document (NIP-11) unless an equal one is stored, and returns its _bigbrotr.nip11_documents.nip11_id; null: all arguments are null';

CREATE FUNCTION _bigbrotr.store_nip66(facts jsonb) RETURNS integer
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	digest bytea := sha256(convert_to(facts::text, 'UTF8'));
	known integer;
BEGIN
	LOCK TABLE _bigbrotr.nip66_facts IN ROW EXCLUSIVE MODE;
	SELECT f.nip66_id INTO known FROM _bigbrotr.nip66_facts AS f WHERE f.hash = digest;
	IF NOT FOUND THEN
		INSERT INTO _bigbrotr.nip66_facts AS f (hash, facts) VALUES (digest, store_nip66.facts)
		ON CONFLICT ON CONSTRAINT nip66_facts_hash_key DO UPDATE SET hash = excluded.hash
		RETURNING f.nip66_id INTO known;
	END IF;
	RETURN known;
END
$$;
COMMENT ON FUNCTION _bigbrotr.store_nip66(jsonb) IS
	'Stores facts of a relay unless equal facts are stored, and returns their _bigbrotr.nip66_facts.nip66_id';

CREATE VIEW _bigbrotr.packed_checks AS
	SELECT s.relay_id, s.week, s.week * 604800::bigint + c.second AS generated_at, c.error, c.nip66_present, c.nip66_openable, c.nip66_readable, c.nip66_writable, c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write, c.nip66_id, c.nip11_present, c.nip11_id
	FROM _bigbrotr.relay_series AS s
	     CROSS JOIN LATERAL unnest(s.generated_at, s.error, s.nip66_present, s.nip66_openable, s.nip66_readable, s.nip66_writable, s.nip66_rtt_open, s.nip66_rtt_read, s.nip66_rtt_write, s.nip66_id, s.nip11_present, s.nip11_id)
	     AS c (second, error, nip66_present, nip66_openable, nip66_readable, nip66_writable, nip66_rtt_open, nip66_rtt_read, nip66_rtt_write, nip66_id, nip11_present, nip11_id);
COMMENT ON VIEW _bigbrotr.packed_checks IS 'Packed measurements as rows, with the columns of _bigbrotr.relay_checks';
COMMENT ON COLUMN _bigbrotr.packed_checks.generated_at IS 'Time of the measurement, Unix seconds';

CREATE FUNCTION _bigbrotr.pack_checks(before bigint, most integer) RETURNS bigint
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		WITH weeks AS MATERIALIZED (
			SELECT DISTINCT c.relay_id, (c.generated_at / 604800)::integer AS week
			FROM _bigbrotr.relay_checks AS c
			WHERE c.generated_at < pack_checks.before / 604800 * 604800 AND c.generated_at BETWEEN 0 AND 1000000000000000
			ORDER BY 1, 2 LIMIT greatest(pack_checks.most, 0)
		), loose AS (
			DELETE FROM _bigbrotr.relay_checks AS c USING weeks AS w
			WHERE c.relay_id = w.relay_id AND c.generated_at >= w.week * 604800::bigint AND c.generated_at < (w.week + 1) * 604800::bigint
			RETURNING c.*
		), packed AS (
			DELETE FROM _bigbrotr.relay_series AS s USING weeks AS w
			WHERE s.relay_id = w.relay_id AND s.week = w.week
			RETURNING s.relay_id, s.week
		), merged AS (
			SELECT l.relay_id, (l.generated_at / 604800)::integer AS week, (l.generated_at % 604800)::integer AS second, l.error, l.nip66_present, l.nip66_openable, l.nip66_readable, l.nip66_writable, l.nip66_rtt_open, l.nip66_rtt_read, l.nip66_rtt_write, l.nip66_id, l.nip11_present, CASE WHEN l.nip11_present THEN l.nip11_id END AS nip11_id
			FROM loose AS l
			UNION ALL
			-- The view still shows the rows that this statement deletes: all parts of a statement read the same snapshot.
			SELECT p.relay_id, p.week, (u.generated_at % 604800)::integer, u.error, u.nip66_present, u.nip66_openable, u.nip66_readable, u.nip66_writable, u.nip66_rtt_open, u.nip66_rtt_read, u.nip66_rtt_write, u.nip66_id, u.nip11_present, u.nip11_id
			FROM packed AS p JOIN _bigbrotr.packed_checks AS u ON u.relay_id = p.relay_id AND u.week = p.week
		), stored AS (
			INSERT INTO _bigbrotr.relay_series
			SELECT m.relay_id, m.week, array_agg(m.second ORDER BY m.second),
			       array_agg(m.error ORDER BY m.second),
			       array_agg(m.nip66_present ORDER BY m.second),
			       array_agg(m.nip66_openable ORDER BY m.second),
			       array_agg(m.nip66_readable ORDER BY m.second),
			       array_agg(m.nip66_writable ORDER BY m.second),
			       array_agg(m.nip66_rtt_open ORDER BY m.second),
			       array_agg(m.nip66_rtt_read ORDER BY m.second),
			       array_agg(m.nip66_rtt_write ORDER BY m.second),
			       array_agg(m.nip66_id ORDER BY m.second),
			       array_agg(m.nip11_present ORDER BY m.second),
			       array_agg(m.nip11_id ORDER BY m.second)
			FROM merged AS m GROUP BY m.relay_id, m.week
		)
		SELECT count(*) FROM weeks;
	END;
COMMENT ON FUNCTION _bigbrotr.pack_checks(bigint, integer) IS
	'Moves measurements of whole weeks that ended before this Unix second from _bigbrotr.relay_checks to _bigbrotr.relay_series: at most "most" pairs of relay and week. Returns the number of pairs';

CREATE FUNCTION _bigbrotr.is_checked(relay integer, at bigint) RETURNS boolean
	LANGUAGE sql STABLE STRICT
	BEGIN ATOMIC
		SELECT EXISTS (SELECT FROM _bigbrotr.relay_checks AS c WHERE c.relay_id = is_checked.relay AND c.generated_at = is_checked.at)
		       OR EXISTS (SELECT FROM _bigbrotr.relay_series AS s
		                  WHERE s.relay_id = is_checked.relay AND s.week = is_checked.at / 604800
		                        AND is_checked.at % 604800 = ANY (s.generated_at));
	END;
COMMENT ON FUNCTION _bigbrotr.is_checked(integer, bigint) IS 'Whether there is a measurement of the relay at this Unix second';

CREATE VIEW bigbrotr.relay_metadata AS
	SELECT r.url AS relay_url, r.network AS relay_network, r.inserted_at AS relay_inserted_at, c.generated_at,
	       c.nip66_present, c.nip66_openable, c.nip66_readable, c.nip66_writable,
	       c.nip66_rtt_open, c.nip66_rtt_read, c.nip66_rtt_write,
	       c.nip11_present, d.name AS nip11_name, d.description AS nip11_description, d.pubkey AS nip11_pubkey,
	       d.contact AS nip11_contact, d.supported_nips AS nip11_supported_nips, d.software AS nip11_software,
	       d.version AS nip11_version
	FROM bigbrotr.relays AS r
	     CROSS JOIN LATERAL (
	         SELECT k.generated_at, k.nip66_present, k.nip66_openable, k.nip66_readable, k.nip66_writable, k.nip66_rtt_open, k.nip66_rtt_read, k.nip66_rtt_write, k.nip11_present, k.nip11_id
	         FROM _bigbrotr.relay_checks AS k WHERE k.relay_id = r.relay_id
	         UNION ALL
	         SELECT u.generated_at, u.nip66_present, u.nip66_openable, u.nip66_readable, u.nip66_writable, u.nip66_rtt_open, u.nip66_rtt_read, u.nip66_rtt_write, u.nip11_present, u.nip11_id
	         FROM _bigbrotr.packed_checks AS u WHERE u.relay_id = r.relay_id) AS c
	     LEFT JOIN _bigbrotr.nip11_documents AS d ON d.nip11_id = c.nip11_id;
COMMENT ON VIEW bigbrotr.relay_metadata IS 'Measurements of relays (NIP-66) and their documents (NIP-11), one row per measurement';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_url IS 'Normalised URL of the relay';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_network IS 'clearnet, tor, i2p, loki or local';
COMMENT ON COLUMN bigbrotr.relay_metadata.relay_inserted_at IS 'When the relay became known, Unix seconds';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_name IS 'Field name of the document (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_description IS 'Field description of the document (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_pubkey IS 'Field pubkey of the document (NIP-11) as served; it may be another text than a key';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_contact IS 'Field contact of the document (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_supported_nips IS 'Field supported_nips of the document (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_software IS 'Field software of the document (NIP-11)';
COMMENT ON COLUMN bigbrotr.relay_metadata.nip11_version IS 'Field version of the document (NIP-11)';
