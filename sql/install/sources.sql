-- Lists of relays on the web: the lists that the finder reads, and the results of their fetches.

CREATE TABLE _bigbrotr.added_sources (
	fetch_interval bigint  NOT NULL,
	max_bytes      integer NOT NULL,
	max_names      integer NOT NULL,
	enabled        boolean NOT NULL DEFAULT true,
	url            text    NOT NULL,
	path           text,
	CONSTRAINT added_sources_pkey PRIMARY KEY (url)
);
COMMENT ON TABLE _bigbrotr.added_sources IS 'Lists that an administrator added; the view bigbrotr.relay_sources also shows the examples';
COMMENT ON COLUMN _bigbrotr.added_sources.fetch_interval IS 'Seconds between two fetches';
COMMENT ON COLUMN _bigbrotr.added_sources.max_bytes IS 'Maximum size of the document, bytes; a longer document is refused';
COMMENT ON COLUMN _bigbrotr.added_sources.max_names IS 'Maximum number of names; further names are left out';
COMMENT ON COLUMN _bigbrotr.added_sources.enabled IS 'Whether the finder fetches the list';
COMMENT ON COLUMN _bigbrotr.added_sources.url IS 'URL of http or https with a normalised host';
COMMENT ON COLUMN _bigbrotr.added_sources.path IS 'Path (JSONPath) of the names in the JSON; null: the document is text with one name per line';

-- pg_dump leaves this table out: after a restore the finder reads every list again, as it reads every event again.
CREATE TABLE _bigbrotr.relay_fetches (
	next_fetch  bigint  NOT NULL,
	fetched_at  bigint,
	read_at     bigint,
	failures    integer NOT NULL DEFAULT 0,
	http_status integer,
	named       integer,
	refused     integer,
	url         text    NOT NULL,
	reason      text,
	detail      text,
	etag        text,
	modified_at text,
	CONSTRAINT relay_fetches_pkey PRIMARY KEY (url),
	CONSTRAINT relay_fetches_url_fkey FOREIGN KEY (url) REFERENCES _bigbrotr.added_sources ON DELETE CASCADE
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000);
COMMENT ON TABLE _bigbrotr.relay_fetches IS 'Result of the last fetch of each list, and time of the next one';
COMMENT ON COLUMN _bigbrotr.relay_fetches.next_fetch IS 'Time of the next fetch, Unix seconds; during a fetch: time after which the fetch counts as lost';
COMMENT ON COLUMN _bigbrotr.relay_fetches.fetched_at IS 'End of the last fetch, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_fetches.read_at IS 'End of the last successful fetch, Unix seconds; null: never';
COMMENT ON COLUMN _bigbrotr.relay_fetches.failures IS 'Number of failed fetches since the last successful one';
COMMENT ON COLUMN _bigbrotr.relay_fetches.http_status IS 'HTTP status of the last fetch; 0: no answer';
COMMENT ON COLUMN _bigbrotr.relay_fetches.named IS 'Number of relays in the list when it was last read';
COMMENT ON COLUMN _bigbrotr.relay_fetches.refused IS 'Number of refused names and other values in the list when it was last read: not relays, or of a site with too many names';
COMMENT ON COLUMN _bigbrotr.relay_fetches.url IS '_bigbrotr.added_sources.url';
COMMENT ON COLUMN _bigbrotr.relay_fetches.reason IS 'Reason code of the last failure; null: the last fetch succeeded';
COMMENT ON COLUMN _bigbrotr.relay_fetches.detail IS 'Text of the last failure; null: the last fetch succeeded';
COMMENT ON COLUMN _bigbrotr.relay_fetches.etag IS 'Header ETag of the document that was last read; empty: none';
COMMENT ON COLUMN _bigbrotr.relay_fetches.modified_at IS 'Header Last-Modified of the document that was last read; empty: none';

SELECT pg_extension_config_dump('_bigbrotr.added_sources', '');

CREATE FUNCTION _bigbrotr.relay_source_examples(OUT url text, OUT path text) RETURNS SETOF record
	LANGUAGE sql IMMUTABLE PARALLEL SAFE
	BEGIN ATOMIC
		VALUES ('https://api.nostr.watch/v1/online', '$[*]'),
		       ('https://api.nostr.watch/v1/public', '$[*]'),
		       ('https://api.nostr.watch/v2/relays', '$.relays[*]'),
		       ('https://nostr.watch/relays.json', '$.relays[*]');
	END;
COMMENT ON FUNCTION _bigbrotr.relay_source_examples() IS 'Lists that this version knows; the finder fetches one only after an administrator has enabled it';

CREATE VIEW bigbrotr.relay_sources AS
	SELECT s.url, s.path,
	       CASE WHEN NOT s.enabled THEN 'disabled' WHEN f.fetched_at IS NULL THEN 'waiting' WHEN f.reason IS NULL THEN 'read' ELSE 'failed' END AS source_state,
	       justify_hours(make_interval(secs => s.fetch_interval)) AS fetch_interval, s.max_bytes, s.max_names,
	       f.http_status, f.reason || ': ' || f.detail AS last_error, coalesce(f.failures, 0) AS failures, f.named, f.refused,
	       to_timestamp(f.fetched_at) AS fetched_at, to_timestamp(f.read_at) AS read_at,
	       CASE WHEN s.enabled THEN to_timestamp(coalesce(f.next_fetch, 0)) END AS next_fetch,
	       nullif(f.etag, '') AS etag, nullif(f.modified_at, '') AS modified_at
	FROM _bigbrotr.added_sources AS s LEFT JOIN _bigbrotr.relay_fetches AS f ON f.url = s.url
	UNION ALL
	SELECT e.url, e.path, 'example', NULL, NULL, NULL, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL, NULL
	FROM _bigbrotr.relay_source_examples() AS e
	WHERE NOT EXISTS (SELECT FROM _bigbrotr.added_sources AS s WHERE s.url = e.url);
COMMENT ON VIEW bigbrotr.relay_sources IS 'Lists of relays on the web, and the results of their last fetches';
COMMENT ON COLUMN bigbrotr.relay_sources.url IS 'URL of the list, http or https';
COMMENT ON COLUMN bigbrotr.relay_sources.path IS 'Path (JSONPath) of the names in the JSON; null: the document is text with one name per line';
COMMENT ON COLUMN bigbrotr.relay_sources.source_state IS 'waiting: not fetched yet; read: the last fetch succeeded; failed: the last fetch failed; disabled: by bigbrotr.disable_relay_source; example: not fetched until bigbrotr.enable_relay_source';
COMMENT ON COLUMN bigbrotr.relay_sources.fetch_interval IS 'Time between two fetches; after a failure first shorter, then up to a week';
COMMENT ON COLUMN bigbrotr.relay_sources.max_bytes IS 'Maximum size of the document, bytes; a longer document is refused';
COMMENT ON COLUMN bigbrotr.relay_sources.max_names IS 'Maximum number of names; further names are left out';
COMMENT ON COLUMN bigbrotr.relay_sources.http_status IS 'HTTP status of the last fetch; 304: the list is unchanged; 0: no answer';
COMMENT ON COLUMN bigbrotr.relay_sources.last_error IS 'Reason code and text of the last failure; null: the last fetch succeeded';
COMMENT ON COLUMN bigbrotr.relay_sources.failures IS 'Number of failed fetches since the last successful one';
COMMENT ON COLUMN bigbrotr.relay_sources.named IS 'Number of relays in the list when it was last read';
COMMENT ON COLUMN bigbrotr.relay_sources.refused IS 'Number of refused names and other values in the list when it was last read, see bigbrotr.candidate_rejects';
COMMENT ON COLUMN bigbrotr.relay_sources.fetched_at IS 'End of the last fetch; null: never';
COMMENT ON COLUMN bigbrotr.relay_sources.read_at IS 'End of the last successful fetch; null: never';
COMMENT ON COLUMN bigbrotr.relay_sources.next_fetch IS 'Time of the next fetch; null: disabled';
COMMENT ON COLUMN bigbrotr.relay_sources.etag IS 'Header ETag of the document that was last read; null: none';
COMMENT ON COLUMN bigbrotr.relay_sources.modified_at IS 'Header Last-Modified of the document that was last read; null: none';

-- Hosts of lists and of receivers of alerts obey the same rules as hosts of relays. The net process checks their addresses
-- again when it connects.
CREATE FUNCTION _bigbrotr.require_web_url(given text) RETURNS text
	LANGUAGE plpgsql STABLE
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	parts text[] := regexp_match(given, '^(https?)(://[^/?#]*)([/?][^#]*)?(?:#.*)?$', 'i');
	host record;
BEGIN
	SELECT * INTO host FROM bigbrotr.normalise_relay_url(CASE lower(parts[1]) WHEN 'http' THEN 'ws' ELSE 'wss' END || parts[2]) AS n;
	IF octet_length(given) > 2000 OR given ~ '[^!-~]' OR parts IS NULL OR host.url IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no URL of http or https', left(given, 256)),
			DETAIL = 'Such a URL is http:// or https:// with a host, at most 2000 characters of ASCII, without user and password.',
			HINT = 'Write other characters as percent escapes.';
	END IF;
	IF host.network = 'local' AND NOT _bigbrotr.allow_local_relays() THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is not publicly reachable', left(given, 256)),
			DETAIL = 'Its address is one of this machine or of a private network.',
			HINT = 'Set bigbrotr.allow_local_relays to accept such addresses.';
	END IF;
	RETURN 'http' || substr(host.url, 3) || coalesce(parts[3], '/');
END
$$;
COMMENT ON FUNCTION _bigbrotr.require_web_url(text) IS 'Normalises the host of a URL of http or https; an error if the text is not such a URL, or the host is local and bigbrotr.allow_local_relays is off';

CREATE FUNCTION bigbrotr.add_relay_source(
	url text, path text DEFAULT '$[*]', fetch_interval interval DEFAULT '1 day',
	max_bytes integer DEFAULT 1048576, max_names integer DEFAULT 10000) RETURNS void
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	most CONSTANT integer := 100;
	normal text := _bigbrotr.require_web_url(add_relay_source.url);
	seconds bigint := extract(epoch FROM fetch_interval)::bigint;
BEGIN
	IF path !~ '^\$(\.\*|\.[A-Za-z_][A-Za-z0-9_]*|\."[^"\\]*"|\[(\*|[0-9]{1,6})\])*$' OR octet_length(path) > 200 THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('"%s" is no path to the names of a list', left(path, 256)),
			DETAIL = 'A path is $ and then any number of .name ."name" .* [*] [7]; it may have 200 bytes.',
			HINT = 'NULL stands for text with one name a line.';
	END IF;
	IF (seconds BETWEEN 600 AND 31622400 AND max_bytes BETWEEN 1 AND 8388608 AND max_names BETWEEN 1 AND 20000) IS NOT TRUE THEN
		RAISE invalid_parameter_value USING
			MESSAGE = 'a limit of a list is out of range',
			DETAIL = 'fetch_interval is 10 minutes to 366 days, max_bytes 1 to 8388608, max_names 1 to 20000.',
			HINT = 'Other arguments than these have defaults.';
	END IF;
	LOCK TABLE _bigbrotr.added_sources IN SHARE ROW EXCLUSIVE MODE;
	DELETE FROM _bigbrotr.added_sources AS s WHERE s.url = normal;
	INSERT INTO _bigbrotr.added_sources (url, path, fetch_interval, max_bytes, max_names)
	VALUES (normal, add_relay_source.path, seconds, add_relay_source.max_bytes, add_relay_source.max_names);
	IF (SELECT count(*) FROM _bigbrotr.added_sources) > most THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('more than %s lists', most),
			DETAIL = 'Each of them is fetched again and again.',
			HINT = 'bigbrotr.remove_relay_source(url) removes one.';
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.add_relay_source(text, text, interval, integer, integer) IS
	'Lets the finder read a list of relays on the web: JSON, in which path (JSONPath) leads to the names ($[*], $.relays[*].url, $.relays.*[*]), or, if path is null, text with one name per line. Replaces a list of the same URL, which is then read again. An error if an argument is out of range';

CREATE FUNCTION _bigbrotr.known_relay_source(given text) RETURNS text
	LANGUAGE plpgsql STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	known text := (SELECT s.url FROM _bigbrotr.added_sources AS s WHERE s.url = given);
BEGIN
	-- Compare the text itself first: a list whose URL is no longer allowed can then still be removed.
	IF known IS NULL THEN
		known := (SELECT s.url FROM _bigbrotr.added_sources AS s WHERE s.url = _bigbrotr.require_web_url(given));
	END IF;
	IF known IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('list "%s" is not known', left(given, 256)),
			DETAIL = 'The view bigbrotr.relay_sources has no such list that was added or enabled.',
			HINT = 'bigbrotr.add_relay_source(url) adds a list.';
	END IF;
	RETURN known;
END
$$;
COMMENT ON FUNCTION _bigbrotr.known_relay_source(text) IS 'URL of a list as it is in _bigbrotr.added_sources; an error if there is no such list';

CREATE FUNCTION bigbrotr.remove_relay_source(url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		DELETE FROM _bigbrotr.added_sources AS s WHERE s.url = _bigbrotr.known_relay_source(remove_relay_source.url);
	END;
COMMENT ON FUNCTION bigbrotr.remove_relay_source(text) IS 'Removes a list, which is not fetched any more; relays that it named stay candidates. An error if there is no such list';

CREATE FUNCTION bigbrotr.enable_relay_source(url text) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	example record;
BEGIN
	SELECT * INTO example FROM _bigbrotr.relay_source_examples() AS e WHERE e.url = enable_relay_source.url;
	IF example.url IS NOT NULL AND NOT EXISTS (SELECT FROM _bigbrotr.added_sources AS s WHERE s.url = example.url) THEN
		PERFORM bigbrotr.add_relay_source(example.url, example.path);
	ELSE
		UPDATE _bigbrotr.added_sources AS s SET enabled = true WHERE s.url = _bigbrotr.known_relay_source(enable_relay_source.url);
	END IF;
END
$$;
COMMENT ON FUNCTION bigbrotr.enable_relay_source(text) IS 'Ends bigbrotr.disable_relay_source; for an example: adds it as a list that the finder reads. An error if there is no such list';

CREATE FUNCTION bigbrotr.disable_relay_source(url text) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		UPDATE _bigbrotr.added_sources AS s SET enabled = false WHERE s.url = _bigbrotr.known_relay_source(disable_relay_source.url);
	END;
COMMENT ON FUNCTION bigbrotr.disable_relay_source(text) IS 'Stops fetching a list until bigbrotr.enable_relay_source; relays that it named stay candidates. An error if there is no such list';

-- ---- Functions for the finder

CREATE FUNCTION _bigbrotr.take_relay_sources(
	most integer, at bigint, lease bigint,
	OUT url text, OUT path text, OUT etag text, OUT modified_at text, OUT max_bytes integer, OUT max_names integer) RETURNS SETOF record
	LANGUAGE sql
	BEGIN ATOMIC
		WITH due AS (
			SELECT s.url FROM _bigbrotr.added_sources AS s LEFT JOIN _bigbrotr.relay_fetches AS f ON f.url = s.url
			WHERE s.enabled AND coalesce(f.next_fetch, 0) <= take_relay_sources.at
			ORDER BY coalesce(f.next_fetch, 0), s.url LIMIT greatest(take_relay_sources.most, 0)
		), leased AS (
			INSERT INTO _bigbrotr.relay_fetches AS f (url, next_fetch)
			SELECT d.url, take_relay_sources.at + take_relay_sources.lease FROM due AS d ORDER BY d.url
			-- Another finder may have leased the list meanwhile.
			ON CONFLICT ON CONSTRAINT relay_fetches_pkey DO UPDATE SET next_fetch = excluded.next_fetch
			WHERE f.next_fetch <= take_relay_sources.at
			RETURNING f.url, f.etag, f.modified_at
		)
		SELECT l.url, coalesce(s.path, ''), coalesce(l.etag, ''), coalesce(l.modified_at, ''), s.max_bytes, s.max_names
		FROM leased AS l JOIN _bigbrotr.added_sources AS s ON s.url = l.url;
	END;
COMMENT ON FUNCTION _bigbrotr.take_relay_sources(integer, bigint, bigint) IS
	'Leases at most "most" due lists to the caller, each for "lease" seconds: no other finder takes them meanwhile. at: Unix seconds';

-- A name in a list counts like a name in events with enough authors, because an administrator chose the list.
CREATE FUNCTION _bigbrotr.name_from_web(
	source text, names text[], other_values bigint, at bigint, names_per_site integer,
	OUT named integer, OUT refused integer, OUT added bigint)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	seen record;
BEGIN
	LOCK TABLE _bigbrotr.named_relays IN SHARE ROW EXCLUSIVE MODE;
	WITH given AS MATERIALIZED (
		SELECT g.name, g.times, n.url, n.network,
		       CASE WHEN n.network = 'local' AND NOT _bigbrotr.allow_local_relays() THEN 'local_address' ELSE n.reason END AS reason
		FROM (SELECT u.name, count(*) AS times FROM unnest(names) AS u (name) GROUP BY u.name) AS g, bigbrotr.normalise_relay_url(g.name, true) AS n
	)
	SELECT u.*, r.* INTO seen
	FROM (SELECT array_agg(d.url) AS urls, array_agg(d.network) AS networks
	      FROM (SELECT DISTINCT g.url, g.network FROM given AS g WHERE g.reason IS NULL) AS d) AS u,
	     (SELECT array_agg(g.reason) AS reasons, array_agg(coalesce(g.url, g.name)) AS names, array_agg(g.times) AS counts
	      FROM given AS g WHERE g.reason IS NOT NULL AND g.reason <> 'empty') AS r;
	added := _bigbrotr.add_names(seen.urls, seen.networks, (SELECT array_agg(at) FROM unnest(seen.urls)), true, names_per_site);
	PERFORM _bigbrotr.add_naming_places(array_agg(u.url), array_agg('web_list'::text), source, array_agg(1::bigint), array_agg(at), array_agg(at))
	FROM unnest(seen.urls) AS u (url);

	SELECT seen.reasons || array_agg(u.url_reason), seen.names || array_agg(u.url), seen.counts || array_agg(1::bigint)
	INTO seen.reasons, seen.names, seen.counts
	FROM (SELECT 'site_limit'::text AS url_reason, u.url FROM unnest(seen.urls) AS u (url)
	      WHERE NOT EXISTS (SELECT FROM _bigbrotr.named_relays AS n WHERE n.url = u.url)) AS u;
	IF other_values > 0 THEN
		seen.reasons := seen.reasons || 'not_a_string'::text;
		seen.names := seen.names || ''::text;
		seen.counts := seen.counts || other_values;
	END IF;
	PERFORM _bigbrotr.refuse_names(array_agg(r.reason), array_agg(r.name), array_agg(r.count), array_agg(at), array_agg(at))
	FROM unnest(seen.reasons, seen.names, seen.counts) AS r (reason, name, count);
	refused := least(coalesce((SELECT sum(c.c) FROM unnest(seen.counts) AS c (c)), 0), 2147483647);
	named := (SELECT count(*) FROM unnest(seen.urls) AS u (url) JOIN _bigbrotr.named_relays AS n ON n.url = u.url);
END
$$;
COMMENT ON FUNCTION _bigbrotr.name_from_web(text, text[], bigint, bigint, integer) IS
	'Adds the names of a list that was read to the candidates; other_values: number of values that are not strings. Returns the numbers of relays in the list, of refused names, and of new candidates';

CREATE FUNCTION _bigbrotr.record_fetch(
	url text, at bigint, http_status integer, reason text, detail text, etag text, modified_at text,
	names text[], other_values bigint, names_per_site integer) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	counts record;
BEGIN
	IF NOT EXISTS (SELECT FROM _bigbrotr.added_sources AS s WHERE s.url = record_fetch.url) THEN
		RETURN 0;
	ELSIF names IS NOT NULL THEN
		SELECT * INTO counts FROM _bigbrotr.name_from_web(record_fetch.url, names, other_values, at, names_per_site) AS n;
	ELSE
		SELECT NULL::integer AS named, NULL::integer AS refused, 0::bigint AS added INTO counts;
	END IF;
	UPDATE _bigbrotr.relay_fetches AS f SET
		fetched_at = record_fetch.at, http_status = record_fetch.http_status,
		reason = nullif(record_fetch.reason, ''), detail = CASE WHEN record_fetch.reason <> '' THEN record_fetch.detail END,
		read_at = CASE WHEN record_fetch.reason <> '' THEN f.read_at ELSE record_fetch.at END,
		named = coalesce(counts.named, f.named), refused = coalesce(counts.refused, f.refused),
		etag = CASE WHEN names IS NULL THEN f.etag ELSE record_fetch.etag END,
		modified_at = CASE WHEN names IS NULL THEN f.modified_at ELSE record_fetch.modified_at END,
		failures = CASE WHEN record_fetch.reason <> '' THEN f.failures + 1 ELSE 0 END,
		-- Back-off: 5 minutes, doubled with each failure, up to a week or, if that is longer, the interval.
		next_fetch = record_fetch.at + CASE WHEN record_fetch.reason <> ''
			THEN least(300 * (1 << least(f.failures, 20))::bigint, greatest(s.fetch_interval, 604800)) ELSE s.fetch_interval END
	FROM _bigbrotr.added_sources AS s WHERE f.url = record_fetch.url AND s.url = f.url;
	RETURN counts.added;
END
$$;
COMMENT ON FUNCTION _bigbrotr.record_fetch(text, bigint, integer, text, text, text, text, text[], bigint, integer) IS
	'Stores the result of the fetch of a list. reason: reason code of the failure, empty: success; names: names in the document, null: no new document (failed or unchanged). Ignores a list that was removed meanwhile. Returns the number of new candidates. at: Unix seconds';
