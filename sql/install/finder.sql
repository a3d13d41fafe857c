-- The finder: relays that events and lists name, the authors and places that name them, and the choice of new relays.

-- A writer adds the eids of new events in the transaction that stores the events. The finder deletes them in the transaction
-- that counts the relays of these events. So the finder reads each event exactly once, whenever its transaction commits; the
-- order of eids is no order of commits, because sessions take eids in advance. pg_dump leaves this table out: a restore fills it.
CREATE TABLE _bigbrotr.finder_queue (
	batch_id bigint GENERATED ALWAYS AS IDENTITY (CACHE 64),
	eids     int8multirange NOT NULL,
	CONSTRAINT finder_queue_pkey PRIMARY KEY (batch_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 1000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.finder_queue IS 'Events that the finder has not read yet';
COMMENT ON COLUMN _bigbrotr.finder_queue.batch_id IS 'Number of the row';
COMMENT ON COLUMN _bigbrotr.finder_queue.eids IS 'Ranges of bigbrotr.events.eid; events that were deleted since then are skipped';

CREATE FUNCTION _bigbrotr.queue_eids(lowers bigint[], uppers bigint[]) RETURNS void
	LANGUAGE sql STRICT
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.finder_queue (eids)
		SELECT range_agg(int8range(r.lower, r.upper, '[]')) FROM unnest(lowers, uppers) AS r (lower, upper)
		WHERE r.lower <= r.upper AND r.upper < 9223372036854775807
		HAVING count(*) > 0;
	END;
COMMENT ON FUNCTION _bigbrotr.queue_eids(bigint[], bigint[]) IS 'Adds events to _bigbrotr.finder_queue: lowest and highest eid of each range, inclusive';

-- While no finder runs, the rows of many batches are merged into one row: adjacent ranges become one range.
CREATE FUNCTION _bigbrotr.fold_finder_queue(most integer DEFAULT 10000) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	taken bigint[] := ARRAY(SELECT q.batch_id FROM _bigbrotr.finder_queue AS q
		WHERE pg_column_size(q.eids) < 4000 ORDER BY q.batch_id LIMIT greatest(most, 0) FOR UPDATE SKIP LOCKED);
BEGIN
	IF cardinality(taken) < 1000 THEN
		RETURN 0;
	END IF;
	WITH gone AS (DELETE FROM _bigbrotr.finder_queue AS q WHERE q.batch_id = ANY (taken) RETURNING q.eids)
	INSERT INTO _bigbrotr.finder_queue (eids) SELECT range_agg(r.r) FROM gone AS g, unnest(g.eids) AS r (r);
	RETURN cardinality(taken);
END
$$;
COMMENT ON FUNCTION _bigbrotr.fold_finder_queue(integer) IS
	'Merges up to "most" rows of _bigbrotr.finder_queue into one, if there are at least a thousand; returns the number of merged rows';

CREATE TABLE _bigbrotr.named_relays (
	name_id      integer GENERATED ALWAYS AS IDENTITY,
	author_count integer NOT NULL DEFAULT 0,
	admitted_at  bigint,
	listed       boolean NOT NULL DEFAULT false,
	url          text    NOT NULL,
	network      text    NOT NULL,
	site         text    NOT NULL,
	CONSTRAINT named_relays_pkey PRIMARY KEY (name_id),
	CONSTRAINT named_relays_url_key UNIQUE (url)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
CREATE INDEX named_relays_site_idx ON _bigbrotr.named_relays (site);
CREATE INDEX named_relays_waiting_idx ON _bigbrotr.named_relays (author_count, name_id) WHERE admitted_at IS NULL;
CREATE INDEX named_relays_listed_idx ON _bigbrotr.named_relays (name_id) WHERE admitted_at IS NULL AND listed;
COMMENT ON TABLE _bigbrotr.named_relays IS 'Relays that events or lists name; the view bigbrotr.candidates shows their state';
COMMENT ON COLUMN _bigbrotr.named_relays.name_id IS 'Short key used by _bigbrotr.naming_authors, naming_places and naming_deltas';
COMMENT ON COLUMN _bigbrotr.named_relays.author_count IS 'Number of rows of _bigbrotr.naming_authors that name the relay, without those that _bigbrotr.naming_deltas still counts';
COMMENT ON COLUMN _bigbrotr.named_relays.admitted_at IS 'When the name was added to bigbrotr.relays, Unix seconds; null: not yet';
COMMENT ON COLUMN _bigbrotr.named_relays.listed IS 'Whether a list names the relay';
COMMENT ON COLUMN _bigbrotr.named_relays.url IS 'Normalised URL of the relay';
COMMENT ON COLUMN _bigbrotr.named_relays.network IS 'Network of the relay, as in bigbrotr.relays';
COMMENT ON COLUMN _bigbrotr.named_relays.site IS 'Registered domain of the host, by the Public Suffix List, or the IPv4 address, or the /64 network of the IPv6 address';

-- One row holds all names of an author, so that the finder reads and counts the names of an author with one look-up.
CREATE TABLE _bigbrotr.naming_authors (
	author   bytea     NOT NULL,
	name_ids integer[] NOT NULL,
	CONSTRAINT naming_authors_pkey PRIMARY KEY (author)
) WITH (fillfactor = 80, toast_tuple_target = 8160, autovacuum_vacuum_scale_factor = 0.1, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.naming_authors IS 'Authors, and the relays that each names';
COMMENT ON COLUMN _bigbrotr.naming_authors.author IS 'Public key of the author, 32 bytes';
COMMENT ON COLUMN _bigbrotr.naming_authors.name_ids IS 'Values of _bigbrotr.named_relays.name_id without duplicates, oldest first';

CREATE TABLE _bigbrotr.naming_places (
	name_id       integer NOT NULL,
	mention_count bigint  NOT NULL,
	first_seen    bigint  NOT NULL,
	last_seen     bigint  NOT NULL,
	place         text    NOT NULL,
	source        text    NOT NULL DEFAULT '',
	CONSTRAINT naming_places_pkey PRIMARY KEY (name_id, place, source)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.naming_places IS 'Places in which a relay is named, and how often; the view bigbrotr.candidate_sources shows URLs';
COMMENT ON COLUMN _bigbrotr.naming_places.name_id IS '_bigbrotr.named_relays.name_id';
COMMENT ON COLUMN _bigbrotr.naming_places.mention_count IS 'Number of events that name the relay in this place; for a list: how often it was read';
COMMENT ON COLUMN _bigbrotr.naming_places.first_seen IS 'When the first of these events was archived, or the list was first read, Unix seconds';
COMMENT ON COLUMN _bigbrotr.naming_places.last_seen IS 'When the last of these events was archived, or the list was last read, Unix seconds';
COMMENT ON COLUMN _bigbrotr.naming_places.place IS 'Place of an event, as in bigbrotr.relay_mentions; seed_list: a list of relays, not an event; web_list: a list of bigbrotr.relay_sources';
COMMENT ON COLUMN _bigbrotr.naming_places.source IS 'Name or URL of the list, cut after 200 characters; empty: events';

-- A batch of events inserts one row with its additions to naming_places and author_count. The finder adds the rows of many
-- batches at once, because upserts are slow.
CREATE TABLE _bigbrotr.naming_deltas (
	delta_id bigint GENERATED ALWAYS AS IDENTITY,
	name_ids integer[] NOT NULL,
	places   text[]    NOT NULL,
	counts   bigint[]  NOT NULL,
	firsts   bigint[]  NOT NULL,
	lasts    bigint[]  NOT NULL,
	CONSTRAINT naming_deltas_pkey PRIMARY KEY (delta_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 100, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.naming_deltas IS 'Counts that are not yet added to _bigbrotr.naming_places and _bigbrotr.named_relays; the arrays are parallel';
COMMENT ON COLUMN _bigbrotr.naming_deltas.delta_id IS 'Number of the row';
COMMENT ON COLUMN _bigbrotr.naming_deltas.name_ids IS 'Values of _bigbrotr.named_relays.name_id';
COMMENT ON COLUMN _bigbrotr.naming_deltas.places IS 'Places, as in _bigbrotr.naming_places; null: the element counts new authors of the relay';
COMMENT ON COLUMN _bigbrotr.naming_deltas.counts IS 'Number of events; of new authors if the place is null';
COMMENT ON COLUMN _bigbrotr.naming_deltas.firsts IS 'When the first event was archived, Unix seconds; null if the place is null';
COMMENT ON COLUMN _bigbrotr.naming_deltas.lasts IS 'When the last event was archived, Unix seconds; null if the place is null';

CREATE TABLE _bigbrotr.refused_names (
	mention_count bigint NOT NULL,
	first_seen    bigint NOT NULL,
	last_seen     bigint NOT NULL,
	reason        text   NOT NULL,
	name          text   NOT NULL,
	CONSTRAINT refused_names_pkey PRIMARY KEY (reason, name)
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 5000, autovacuum_vacuum_cost_delay = 0);
COMMENT ON TABLE _bigbrotr.refused_names IS 'Names in events and in lists of the web that were refused: they are not relays, or there are too many; the view bigbrotr.candidate_rejects shows them';
COMMENT ON COLUMN _bigbrotr.refused_names.mention_count IS 'Number of events with this name, counted once for each place; for a list: number of times the name was read';
COMMENT ON COLUMN _bigbrotr.refused_names.first_seen IS 'When the first event with this name was archived, Unix seconds';
COMMENT ON COLUMN _bigbrotr.refused_names.last_seen IS 'When the last event with this name was archived, Unix seconds';
COMMENT ON COLUMN _bigbrotr.refused_names.reason IS 'Reason code of bigbrotr.normalise_relay_url, local_address, only_blocked, author_limit, site_limit or not_a_string';
COMMENT ON COLUMN _bigbrotr.refused_names.name IS 'The name, cut after 200 bytes; empty: all names beyond the first thousand of a reason, and names that may hold a secret';

CREATE FUNCTION bigbrotr.relay_mentions(
	kind integer, tags bigbrotr.tags, content text,
	OUT place text, OUT relay_url text, OUT network text, OUT name text, OUT reason text) RETURNS SETOF record
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE ROWS 3 COST 1000
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_relay_mentions';
COMMENT ON FUNCTION bigbrotr.relay_mentions(integer, bigbrotr.tags, text) IS
	'Relays that an event names, at most 500, with the place of each: SELECT m.* FROM bigbrotr.events AS e, bigbrotr.relay_mentions(e.kind, e.tags, e.content) AS m. A refused name has a reason code instead of a URL';

CREATE FUNCTION _bigbrotr.read_mentions(
	eids int8multirange, most integer, OUT left_eids bigint[], OUT events bigint, OUT mentions bigint,
	OUT urls text[], OUT networks text[], OUT places text[], OUT counts bigint[], OUT firsts bigint[], OUT lasts bigint[],
	OUT pair_urls text[], OUT authors bytea[],
	OUT reasons text[], OUT names text[], OUT name_counts bigint[], OUT name_firsts bigint[], OUT name_lasts bigint[])
	LANGUAGE c STABLE STRICT
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_read_mentions';
COMMENT ON FUNCTION _bigbrotr.read_mentions(int8multirange, integer) IS
	'Counts the rows of bigbrotr.relay_mentions for these events, until there are "most" mentions; left_eids: events that were not read. Returns three groups of parallel arrays: relays with places; relays with their authors; refused names';

-- A name that may contain a key or a password is counted, but its text is not stored.
CREATE FUNCTION _bigbrotr.refuse_names(reasons text[], names text[], counts bigint[], firsts bigint[], lasts bigint[]) RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		WITH given AS (
			SELECT left(g.reason, 100) AS reason,
			       CASE WHEN g.reason = 'userinfo' OR g.name ~* 'nsec1|secret|token|password' THEN '' ELSE left(g.name, 200) END AS name,
			       sum(g.mentions)::bigint AS mentions, min(g.first) AS first, max(g.last) AS last
			FROM unnest(reasons, names, counts, firsts, lasts) AS g (reason, name, mentions, first, last)
			WHERE num_nulls(g.reason, g.name, g.first, g.last) = 0 AND g.mentions BETWEEN 1 AND 1000000000
			GROUP BY 1, 2
		), placed AS (
			SELECT g.*, r.name IS NOT NULL AS known,
			       row_number() OVER (PARTITION BY g.reason, r.name IS NULL ORDER BY g.first, g.name)
			       + coalesce(k.count, 0) AS place
			FROM given AS g
			     LEFT JOIN _bigbrotr.refused_names AS r ON r.reason = g.reason AND r.name = g.name
			     LEFT JOIN (SELECT c.reason, count(*) FROM _bigbrotr.refused_names AS c GROUP BY c.reason) AS k ON k.reason = g.reason
		)
		INSERT INTO _bigbrotr.refused_names AS r (reason, name, mention_count, first_seen, last_seen)
		SELECT p.reason, CASE WHEN p.known OR p.place <= 1000 THEN p.name ELSE '' END, sum(p.mentions), min(p.first), max(p.last)
		FROM placed AS p GROUP BY 1, 2
		ON CONFLICT ON CONSTRAINT refused_names_pkey DO UPDATE SET mention_count = r.mention_count + excluded.mention_count,
			first_seen = least(r.first_seen, excluded.first_seen), last_seen = greatest(r.last_seen, excluded.last_seen);
	END;
COMMENT ON FUNCTION _bigbrotr.refuse_names(text[], text[], bigint[], bigint[], bigint[]) IS
	'Adds refused names to _bigbrotr.refused_names; parallel arrays: reason code, name, number of events, first and last Unix second';

CREATE FUNCTION _bigbrotr.add_naming_places(
	urls text[], places text[], source text, counts bigint[], firsts bigint[], lasts bigint[]) RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.naming_places AS p (name_id, place, source, mention_count, first_seen, last_seen)
		SELECT n.name_id, left(g.place, 100), left(add_naming_places.source, 200), sum(g.mentions), min(g.first), max(g.last)
		FROM unnest(urls, places, counts, firsts, lasts) AS g (url, place, mentions, first, last)
		     JOIN _bigbrotr.named_relays AS n ON n.url = g.url
		WHERE num_nulls(g.place, add_naming_places.source, g.first, g.last) = 0 AND g.mentions BETWEEN 1 AND 1000000000
		GROUP BY 1, 2
		ON CONFLICT ON CONSTRAINT naming_places_pkey DO UPDATE SET mention_count = p.mention_count + excluded.mention_count,
			first_seen = least(p.first_seen, excluded.first_seen), last_seen = greatest(p.last_seen, excluded.last_seen);
	END;
COMMENT ON FUNCTION _bigbrotr.add_naming_places(text[], text[], text, bigint[], bigint[], bigint[]) IS
	'Adds mentions of relays in _bigbrotr.named_relays to _bigbrotr.naming_places; parallel arrays: URL, place, number of events, first and last Unix second';

-- A list counts like enough authors, because an administrator chose the list.
CREATE FUNCTION _bigbrotr.name_from_list(source text, urls text[], networks text[], at bigint) RETURNS void
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	INSERT INTO _bigbrotr.named_relays AS n (url, network, site, listed, admitted_at)
	SELECT u.url, u.network, s.site, true, (SELECT r.inserted_at FROM bigbrotr.relays AS r WHERE r.url = u.url)
	FROM (SELECT DISTINCT a.url, a.network FROM unnest(urls, networks) AS a (url, network)
	      WHERE num_nulls(a.url, a.network) = 0) AS u,
	     _bigbrotr.relay_site(u.url) AS s
	ON CONFLICT ON CONSTRAINT named_relays_url_key DO UPDATE SET listed = true, admitted_at = coalesce(n.admitted_at, excluded.admitted_at)
	WHERE NOT n.listed;
	PERFORM _bigbrotr.add_naming_places(array_agg(u.url), array_agg('seed_list'::text), source,
		array_agg(1::bigint), array_agg(at), array_agg(at))
	FROM (SELECT DISTINCT unnest(urls) AS url) AS u;
END
$$;
COMMENT ON FUNCTION _bigbrotr.name_from_list(text, text[], text[], bigint) IS 'Stores that a list names these relays (normalised URLs). The caller must have locked _bigbrotr.named_relays';

-- The caller must have locked _bigbrotr.named_relays.
CREATE FUNCTION _bigbrotr.add_names(urls text[], networks text[], firsts bigint[], from_list boolean, names_per_site integer) RETURNS bigint
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	added bigint;
BEGIN
	UPDATE _bigbrotr.named_relays AS n SET listed = true WHERE from_list AND n.url = ANY (urls) AND NOT n.listed;
	WITH new AS (
		SELECT u.url, u.network, s.site, row_number() OVER (PARTITION BY s.site ORDER BY u.first, u.url)
		       + (SELECT count(*) FROM _bigbrotr.named_relays AS o WHERE o.site = s.site) AS place
		FROM unnest(urls, networks, firsts) AS u (url, network, first), _bigbrotr.relay_site(u.url) AS s
		WHERE u.url IS NOT NULL AND u.network IS NOT NULL AND NOT EXISTS (SELECT FROM _bigbrotr.named_relays AS n WHERE n.url = u.url)
	)
	INSERT INTO _bigbrotr.named_relays (url, network, site, listed)
	SELECT n.url, n.network, n.site, coalesce(from_list, false) FROM new AS n WHERE n.place <= names_per_site;
	GET DIAGNOSTICS added = ROW_COUNT;
	RETURN added;
END
$$;
COMMENT ON FUNCTION _bigbrotr.add_names(text[], text[], bigint[], boolean, integer) IS
	'Adds new names to _bigbrotr.named_relays, oldest first, while their site has fewer than names_per_site names; parallel arrays: normalised URL (no duplicates), network, Unix second. Returns the number of added names';

-- The caller must have locked _bigbrotr.named_relays.
CREATE FUNCTION _bigbrotr.fold_namings() RETURNS void
	LANGUAGE sql
	BEGIN ATOMIC
		WITH gone AS (DELETE FROM _bigbrotr.naming_deltas AS d RETURNING d.*), given AS MATERIALIZED (
			SELECT u.name_id, u.place, sum(u.count)::bigint AS count, min(u.first) AS first, max(u.last) AS last
			FROM gone AS g, unnest(g.name_ids, g.places, g.counts, g.firsts, g.lasts) AS u (name_id, place, count, first, last)
			GROUP BY 1, 2
		), placed AS (
			INSERT INTO _bigbrotr.naming_places AS p (name_id, place, mention_count, first_seen, last_seen)
			SELECT g.name_id, g.place, g.count, g.first, g.last FROM given AS g WHERE g.place IS NOT NULL
			ON CONFLICT ON CONSTRAINT naming_places_pkey DO UPDATE SET mention_count = p.mention_count + excluded.mention_count,
				first_seen = least(p.first_seen, excluded.first_seen), last_seen = greatest(p.last_seen, excluded.last_seen)
		)
		UPDATE _bigbrotr.named_relays AS n SET author_count = n.author_count + g.count
		FROM given AS g WHERE g.place IS NULL AND n.name_id = g.name_id;
	END;
COMMENT ON FUNCTION _bigbrotr.fold_namings() IS 'Adds the counts of _bigbrotr.naming_deltas to _bigbrotr.naming_places and _bigbrotr.named_relays, and deletes them there';

-- The table lock lets one finder run at a time, so that the rows of _bigbrotr.named_relays do not change while it counts.
CREATE FUNCTION _bigbrotr.find_relays(
	most integer, names_per_author integer, names_per_site integer,
	OUT events bigint, OUT mentions bigint, OUT named bigint, OUT refused bigint, OUT is_done boolean)
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	SET plan_cache_mode = force_custom_plan -- a generic plan assumes that every array has ten elements
	AS $$
DECLARE
	todo int8multirange;
	part int8multirange;
	seen record;
	given record;
BEGIN
	LOCK TABLE _bigbrotr.named_relays IN SHARE ROW EXCLUSIVE MODE;
	WITH taken AS (
		DELETE FROM _bigbrotr.finder_queue AS q WHERE q.batch_id = ANY (ARRAY(
			SELECT n.batch_id FROM _bigbrotr.finder_queue AS n ORDER BY n.batch_id LIMIT 100 FOR UPDATE SKIP LOCKED))
		RETURNING q.eids
	)
	SELECT range_agg(r.r) INTO todo FROM taken AS t, unnest(t.eids) AS r (r);
	SELECT range_agg(int8range(r.lower, least(r.upper, r.lower + greatest(most, 1) - r.before))) INTO part
	FROM (SELECT lower(u.r) AS lower, upper(u.r) AS upper,
	             coalesce(sum(upper(u.r) - lower(u.r)) OVER (ORDER BY lower(u.r)
	                      ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0)::bigint AS before
	      FROM unnest(todo) AS u (r)) AS r
	WHERE r.before < greatest(most, 1);
	SELECT * INTO seen FROM _bigbrotr.read_mentions(coalesce(part, '{}'), 50000) AS m;
	INSERT INTO _bigbrotr.finder_queue (eids)
	SELECT r.eids FROM (SELECT todo - part + coalesce((SELECT range_agg(int8range(l.eid, l.eid, '[]')) FROM unnest(seen.left_eids) AS l (eid)), '{}') AS eids) AS r
	WHERE NOT isempty(r.eids);
	events := seen.events;
	mentions := seen.mentions;

	-- Pairs of relay and author that are new, of authors that name fewer than names_per_author relays.
	SELECT coalesce(array_agg(c.url), '{}') AS urls, array_agg(c.author) AS authors, array_agg(DISTINCT c.url) FILTER (WHERE c.name_id IS NULL) AS new_urls INTO given
	FROM (SELECT p.url, p.author, n.name_id, coalesce(cardinality(a.name_ids), 0)
	             + row_number() OVER (PARTITION BY p.author ORDER BY n.name_id NULLS LAST, p.url) AS place
	      FROM unnest(seen.pair_urls, seen.authors) AS p (url, author)
	           LEFT JOIN _bigbrotr.named_relays AS n ON n.url = p.url
	           LEFT JOIN _bigbrotr.naming_authors AS a ON a.author = p.author
	      WHERE (n.name_id = ANY (a.name_ids)) IS NOT TRUE AND coalesce(n.author_count, 0) < 10000) AS c
	WHERE c.place <= names_per_author;
	SELECT coalesce(_bigbrotr.add_names(array_agg(u.url), array_agg(u.network), array_agg(u.first), false, names_per_site), 0) INTO named
	FROM (SELECT p.url, p.network, min(p.first) AS first FROM unnest(seen.urls, seen.networks, seen.firsts) AS p (url, network, first)
	      WHERE p.url IN (SELECT unnest(given.new_urls)) GROUP BY 1, 2) AS u;
	WITH ids AS MATERIALIZED (
		SELECT n.name_id, g.author FROM unnest(given.urls, given.authors) AS g (url, author)
		     JOIN _bigbrotr.named_relays AS n ON n.url = g.url
	), authors AS (
		INSERT INTO _bigbrotr.naming_authors AS a (author, name_ids)
		SELECT i.author, array_agg(i.name_id) FROM ids AS i GROUP BY 1
		ON CONFLICT ON CONSTRAINT naming_authors_pkey DO UPDATE SET name_ids = a.name_ids || excluded.name_ids
	)
	INSERT INTO _bigbrotr.naming_deltas (name_ids, places, counts, firsts, lasts)
	SELECT array_agg(d.name_id), array_agg(d.place), array_agg(d.count), array_agg(d.first), array_agg(d.last)
	FROM (SELECT i.name_id, NULL AS place, count(*) AS count, NULL::bigint AS first, NULL::bigint AS last FROM ids AS i GROUP BY 1
	      UNION ALL
	      SELECT n.name_id, p.place, p.count, p.first, p.last
	      FROM unnest(seen.urls, seen.places, seen.counts, seen.firsts, seen.lasts) AS p (url, place, count, first, last)
	           JOIN _bigbrotr.named_relays AS n ON n.url = p.url) AS d
	HAVING count(*) > 0;

	-- URLs of relays that are refused because of a limit, or because events name them only as relays to avoid.
	SELECT seen.reasons || array_agg(r.reason), seen.names || array_agg(r.url), seen.name_counts || array_agg(r.mentions),
	       seen.name_firsts || array_agg(r.first), seen.name_lasts || array_agg(r.last)
	INTO seen.reasons, seen.names, seen.name_counts, seen.name_firsts, seen.name_lasts
	FROM (SELECT p.url, sum(p.mentions)::bigint AS mentions, min(p.first) AS first, max(p.last) AS last,
	             CASE WHEN p.url IN (SELECT unnest(given.urls)) THEN 'site_limit'
	                  WHEN p.url IN (SELECT unnest(seen.pair_urls)) THEN 'author_limit' ELSE 'only_blocked' END AS reason
	      FROM unnest(seen.urls, seen.counts, seen.firsts, seen.lasts) AS p (url, mentions, first, last)
	      WHERE NOT EXISTS (SELECT FROM _bigbrotr.named_relays AS n WHERE n.url = p.url) GROUP BY p.url) AS r;
	PERFORM _bigbrotr.refuse_names(seen.reasons, seen.names, seen.name_counts, seen.name_firsts, seen.name_lasts);
	refused := coalesce((SELECT sum(c.c) FROM unnest(seen.name_counts) AS c (c)), 0);
	is_done := NOT EXISTS (SELECT FROM _bigbrotr.finder_queue);
	IF is_done THEN
		PERFORM _bigbrotr.fold_namings();
	END IF;
END
$$;
COMMENT ON FUNCTION _bigbrotr.find_relays(integer, integer, integer) IS
	'Reads at most "most" events of _bigbrotr.finder_queue and counts the relays that they name. Returns the numbers of events, mentions, new names and refused mentions. A new name needs an author that names fewer than names_per_author relays, and a site with fewer than names_per_site names. is_done: the queue is empty, and all counts are added';

CREATE FUNCTION _bigbrotr.admit_relays(most integer, min_authors integer, relays_per_site integer) RETURNS bigint
	LANGUAGE plpgsql STRICT
	SET search_path = pg_catalog, pg_temp
	AS $$
DECLARE
	at bigint := bigbrotr.unix_now();
	admitted bigint;
BEGIN
	LOCK TABLE _bigbrotr.named_relays IN SHARE ROW EXCLUSIVE MODE;
	PERFORM _bigbrotr.fold_namings();
	UPDATE _bigbrotr.named_relays AS n SET admitted_at = r.inserted_at FROM bigbrotr.relays AS r
	WHERE n.admitted_at IS NULL AND (n.author_count >= min_authors OR n.listed) AND r.url = n.url;
	WITH chosen AS (
		SELECT c.name_id, c.url, c.network
		FROM (SELECT n.name_id, n.url, n.network, n.site, n.author_count,
		             row_number() OVER (PARTITION BY n.site ORDER BY n.author_count DESC, n.name_id) AS place
		      FROM _bigbrotr.named_relays AS n
		      WHERE n.admitted_at IS NULL AND (n.author_count >= min_authors OR n.listed)
		            AND NOT EXISTS (SELECT FROM _bigbrotr.deleted_relays AS d WHERE d.url = n.url)) AS c
		WHERE c.place + (SELECT count(*) FROM _bigbrotr.named_relays AS o WHERE o.site = c.site AND o.admitted_at IS NOT NULL) <= relays_per_site
		ORDER BY c.author_count DESC, c.name_id LIMIT greatest(most, 0)
	), added AS (
		INSERT INTO bigbrotr.relays (url, network, inserted_at)
		SELECT c.url, c.network, at FROM chosen AS c ORDER BY c.url -- every writer uses this order, so that two writers cannot cause a deadlock
		ON CONFLICT ON CONSTRAINT relays_url_key DO NOTHING RETURNING relay_id
	), states AS (
		INSERT INTO _bigbrotr.relay_sync (relay_id, phase_since) SELECT a.relay_id, at FROM added AS a ON CONFLICT DO NOTHING
	), noted AS (
		UPDATE _bigbrotr.named_relays AS n SET admitted_at = at FROM chosen AS c WHERE n.name_id = c.name_id
	)
	SELECT count(*) INTO admitted FROM added;
	RETURN admitted;
END
$$;
COMMENT ON FUNCTION _bigbrotr.admit_relays(integer, integer, integer) IS
	'Adds at most "most" names to bigbrotr.relays, those with the most authors first, and returns the number of new relays. A name needs min_authors authors, or a list, and a site with fewer than relays_per_site relays. Relays that bigbrotr.delete_relay deleted are not added again';
