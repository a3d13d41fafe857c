-- Metrics for Prometheus: bigbrotr.metrics() as rows, /metrics of the api service as text (OpenMetrics 1.0). No label holds a
-- URL, a key or anything else that strangers can add: each value of a label is a time series in Prometheus.

-- The refresher counts these figures twice a minute, because their tables grow with the number of relays: a scrape reads
-- one row and stays cheap.
CREATE TABLE _bigbrotr.archive_figures (
	single     boolean NOT NULL DEFAULT true,
	counted_at bigint  NOT NULL,
	samples    jsonb   NOT NULL,
	CONSTRAINT archive_figures_pkey PRIMARY KEY (single),
	CONSTRAINT archive_figures_single_check CHECK (single)
);
COMMENT ON TABLE _bigbrotr.archive_figures IS 'Figures of the archive, as the refresher counted them last: one row';
COMMENT ON COLUMN _bigbrotr.archive_figures.single IS 'Always true: the table has one row';
COMMENT ON COLUMN _bigbrotr.archive_figures.counted_at IS 'When the refresher counted the figures, Unix seconds';
COMMENT ON COLUMN _bigbrotr.archive_figures.samples IS 'Rows of _bigbrotr.archive_samples(), as a JSON array of objects';

-- Prometheus takes a counter that falls for one that began again at 0, so its rates would show the whole value as new.
CREATE TABLE _bigbrotr.past_counts (
	family text   NOT NULL,
	reason text   NOT NULL,
	count  bigint NOT NULL,
	CONSTRAINT past_counts_pkey PRIMARY KEY (family, reason)
);
COMMENT ON TABLE _bigbrotr.past_counts IS 'Sums of the counters of deleted rows, so that metrics that are sums over rows do not fall when rows are deleted';
COMMENT ON COLUMN _bigbrotr.past_counts.family IS 'The family of the metric, without bigbrotr_';
COMMENT ON COLUMN _bigbrotr.past_counts.reason IS 'Reason code, where the metric has it as a label; else empty';
COMMENT ON COLUMN _bigbrotr.past_counts.count IS 'Sum of the rows that were deleted';
SELECT pg_extension_config_dump('_bigbrotr.past_counts', '');

CREATE FUNCTION _bigbrotr.keep_counts() RETURNS trigger
	LANGUAGE plpgsql
	SET search_path = pg_catalog, pg_temp
	AS $$
BEGIN
	IF TG_TABLE_NAME = 'relay_traffic' THEN
		INSERT INTO _bigbrotr.past_counts AS p (family, reason, count)
		SELECT m.family, '', m.count
		FROM (SELECT sum(g.events) AS events, sum(g.sightings) AS sightings, sum(g.messages) AS messages, sum(g.bytes) AS bytes, sum(g.pages) AS pages FROM gone AS g) AS g
		     CROSS JOIN LATERAL (VALUES ('sync_events', g.events), ('sync_sightings', g.sightings), ('sync_messages', g.messages),
		         ('sync_received_bytes', g.bytes), ('sync_pages', g.pages)) AS m (family, count)
		WHERE m.count > 0 ORDER BY 1
		ON CONFLICT ON CONSTRAINT past_counts_pkey DO UPDATE SET count = p.count + excluded.count;
	ELSIF TG_TABLE_NAME = 'relay_refusals' THEN
		INSERT INTO _bigbrotr.past_counts AS p (family, reason, count)
		SELECT 'sync_refusals', g.reason, sum(g.count) FROM gone AS g GROUP BY g.reason ORDER BY g.reason
		ON CONFLICT ON CONSTRAINT past_counts_pkey DO UPDATE SET count = p.count + excluded.count;
	ELSIF TG_TABLE_NAME = 'relay_sync' THEN
		INSERT INTO _bigbrotr.past_counts AS p (family, reason, count)
		SELECT 'coverage_withdrawals', '', sum(g.withdrawals) FROM gone AS g HAVING sum(g.withdrawals) > 0
		ON CONFLICT ON CONSTRAINT past_counts_pkey DO UPDATE SET count = p.count + excluded.count;
	ELSE
		INSERT INTO _bigbrotr.past_counts AS p (family, reason, count)
		SELECT 'archive_rejected_events', '', count(*) FROM gone AS g HAVING count(*) > 0
		ON CONFLICT ON CONSTRAINT past_counts_pkey DO UPDATE SET count = p.count + excluded.count;
	END IF;
	RETURN NULL;
END
$$;
COMMENT ON FUNCTION _bigbrotr.keep_counts() IS 'Trigger: adds what deleted rows had counted to _bigbrotr.past_counts';

CREATE TRIGGER keep_counts AFTER DELETE ON _bigbrotr.relay_traffic
	REFERENCING OLD TABLE AS gone EXECUTE FUNCTION _bigbrotr.keep_counts();
CREATE TRIGGER keep_counts AFTER DELETE ON _bigbrotr.relay_refusals
	REFERENCING OLD TABLE AS gone EXECUTE FUNCTION _bigbrotr.keep_counts();
CREATE TRIGGER keep_counts AFTER DELETE ON _bigbrotr.relay_sync
	REFERENCING OLD TABLE AS gone EXECUTE FUNCTION _bigbrotr.keep_counts();
CREATE TRIGGER keep_counts AFTER DELETE ON bigbrotr.event_rejects
	REFERENCING OLD TABLE AS gone EXECUTE FUNCTION _bigbrotr.keep_counts();

CREATE FUNCTION _bigbrotr.archive_samples(OUT family text, OUT suffix text, OUT labels jsonb, OUT value double precision) RETURNS SETOF record
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		WITH deltas AS MATERIALIZED (
			SELECT d.subject, sum(d.count::double precision) AS count
			FROM (SELECT s.subject, s.count FROM _bigbrotr.statistics AS s WHERE s.subject IN ('kind', 'relay')
			      UNION ALL
			      SELECT d.subject, c.count FROM _bigbrotr.statistics_deltas AS d, unnest(d.counts) AS c (count) WHERE d.subject IN ('kind', 'relay')) AS d
			GROUP BY d.subject
		), now AS MATERIALIZED (
			SELECT bigbrotr.unix_now() AS at
		), sync AS MATERIALIZED (
			SELECT s.relay_id, CASE WHEN s.enabled THEN s.phase ELSE 'paused' END AS phase, s.last_error, s.withdrawals FROM _bigbrotr.relay_sync AS s
		), covered AS MATERIALIZED (
			SELECT c.evidence, count(*) AS ranges, sum((c.upper - c.lower + 1)::double precision) AS seconds, count(nullif(c.doubts, '{}')) AS doubted
			FROM bigbrotr.coverage AS c GROUP BY c.evidence
		), live AS MATERIALIZED (
			-- Quantiles need a sample of some hundred relays, not all of them.
			SELECT (SELECT max(c.upper) FROM bigbrotr.coverage AS c WHERE c.relay_id = l.relay_id AND c.evidence <> 'partial') AS upper
			FROM (SELECT s.relay_id, row_number() OVER () AS n, count(*) OVER () AS all FROM sync AS s WHERE s.phase = 'live') AS l
			WHERE l.n % (l.all / 300 + 1) = 0
		), counters AS MATERIALIZED (
			SELECT c.family, c.reason, sum(c.count)::double precision AS count
			FROM (SELECT m.family, '' AS reason, m.count
			      FROM (SELECT sum(t.events) AS events, sum(t.sightings) AS sightings, sum(t.messages) AS messages, sum(t.bytes) AS bytes, sum(t.pages) AS pages
			            FROM _bigbrotr.relay_traffic AS t) AS t
			           CROSS JOIN LATERAL (VALUES ('sync_events', coalesce(t.events, 0)), ('sync_sightings', coalesce(t.sightings, 0)), ('sync_messages', coalesce(t.messages, 0)),
			               ('sync_received_bytes', coalesce(t.bytes, 0)), ('sync_pages', coalesce(t.pages, 0))) AS m (family, count)
			      UNION ALL
			      SELECT 'sync_refusals', f.reason, f.count FROM _bigbrotr.relay_refusals AS f
			      UNION ALL
			      SELECT 'coverage_withdrawals', '', coalesce(sum(s.withdrawals), 0) FROM sync AS s
			      UNION ALL
			      SELECT 'archive_rejected_events', '', count(*) FROM bigbrotr.event_rejects AS r
			      UNION ALL
			      SELECT p.family, p.reason, p.count FROM _bigbrotr.past_counts AS p) AS c
			GROUP BY c.family, c.reason
		)
		SELECT 'archive_counted_timestamp_seconds' AS family, '' AS suffix, '{}'::jsonb AS labels, n.at::double precision AS value FROM now AS n
		UNION ALL
		SELECT CASE n.subject WHEN 'kind' THEN 'archive_events' ELSE 'archive_sightings' END, '', '{}', coalesce(d.count, 0)
		FROM (VALUES ('kind'), ('relay')) AS n (subject) LEFT JOIN deltas AS d ON d.subject = n.subject
		UNION ALL
		SELECT 'archive_size_bytes', '', '{}', pg_database_size(d.oid)
		FROM pg_database AS d WHERE d.datname = current_database() AND has_database_privilege(d.oid, 'CONNECT')
		UNION ALL
		SELECT 'archive_statistics_deltas', '', '{}', count(*) FROM _bigbrotr.statistics_deltas AS d
		UNION ALL
		SELECT m.metric, '', jsonb_build_object('table', t.relname), m.value
		FROM pg_class AS t
		     CROSS JOIN LATERAL (VALUES ('table_size_bytes', pg_total_relation_size(t.oid)), ('table_live_rows', pg_stat_get_live_tuples(t.oid)),
		         ('table_dead_rows', pg_stat_get_dead_tuples(t.oid))) AS m (metric, value)
		WHERE t.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace) AND t.relkind = 'r'
		UNION ALL
		SELECT 'relays', '', jsonb_build_object('status', r.status, 'network', r.network), count(*) FROM bigbrotr.relays AS r GROUP BY r.status, r.network
		UNION ALL
		SELECT 'sync_relays', '', jsonb_build_object('phase', n.phase), coalesce(c.count, 0)
		FROM unnest('{paused,waiting,connecting,backfill,live,backoff}'::text[]) AS n (phase)
		     LEFT JOIN (SELECT s.phase, count(*) AS count FROM sync AS s GROUP BY s.phase) AS c ON c.phase = n.phase
		UNION ALL
		-- The averages leave out relays that were never reached: such relays say nothing about how complete the archive of
		-- the other relays is.
		SELECT m.metric, '', '{}', coalesce(m.value, 0)
		FROM (SELECT avg(s.read_fraction) AS read, avg(s.proven_fraction) AS proven
		      FROM bigbrotr.sync_status AS s WHERE s.phase <> 'paused' AND s.last_success IS NOT NULL) AS s
		     CROSS JOIN LATERAL (VALUES ('sync_read_ratio', s.read), ('sync_proven_ratio', s.proven)) AS m (metric, value)
		UNION ALL
		SELECT 'sync_backoff_relays', '', jsonb_build_object('reason', coalesce(s.last_error, '')), count(*) FROM sync AS s WHERE s.phase = 'backoff' GROUP BY s.last_error
		UNION ALL
		SELECT 'sync_lag_seconds', '', jsonb_build_object('quantile', q.quantile::text), q.value
		FROM (SELECT unnest(ARRAY[0.5, 0.9, 1]) AS quantile,
		             unnest(percentile_cont(ARRAY[0.5, 0.9, 1]::double precision[]) WITHIN GROUP (ORDER BY greatest(n.at - l.upper, 0)::double precision)) AS value
		      FROM live AS l, now AS n) AS q
		WHERE q.value IS NOT NULL
		UNION ALL
		SELECT c.family, '_total', CASE c.family WHEN 'sync_refusals' THEN jsonb_build_object('reason', c.reason, 'kind', _bigbrotr.refusal_kind(c.reason)) ELSE '{}' END, c.count
		FROM counters AS c
		UNION ALL
		SELECT 'sync_last_success_timestamp_seconds', '', '{}', max(t.last_success) FROM _bigbrotr.relay_traffic AS t HAVING max(t.last_success) IS NOT NULL
		UNION ALL
		SELECT 'coverage_' || m.metric, '', jsonb_build_object('evidence', e.evidence), m.value
		FROM (SELECT n.evidence, coalesce(c.seconds, 0) AS seconds, coalesce(c.ranges, 0) AS ranges, coalesce(c.doubted, 0) AS doubted
		      FROM unnest('{partial,paged,confirmed,reconciled}'::text[]) AS n (evidence) LEFT JOIN covered AS c ON c.evidence = n.evidence) AS e
		     CROSS JOIN LATERAL (VALUES ('seconds', e.seconds), ('ranges', e.ranges), ('doubted_ranges', e.doubted)) AS m (metric, value)
		UNION ALL
		SELECT 'coverage_gaps', '', '{}', count(*)
		FROM (SELECT c.lower, greatest(lag(c.upper, 1, -1::bigint) OVER (PARTITION BY c.relay_id, c.filter_id ORDER BY c.lower), f.since - 1) AS before
		      FROM bigbrotr.coverage AS c
		           JOIN (SELECT f.filter_id, _bigbrotr.asked_since(f.filter_id) AS since
		                 FROM (SELECT 0 AS filter_id UNION ALL SELECT s.filter_id FROM bigbrotr.sync_filters AS s WHERE s.enabled) AS f) AS f ON f.filter_id = c.filter_id
		           JOIN _bigbrotr.relay_sync AS s ON s.relay_id = c.relay_id AND s.reader = c.reader
		      WHERE c.evidence <> 'partial') AS c
		WHERE c.lower > c.before + 1
		UNION ALL
		SELECT 'priority_relays', '', jsonb_build_object('state', n.state), coalesce(c.count, 0)
		FROM unnest('{kept,missed}'::text[]) AS n (state)
		     LEFT JOIN (SELECT p.interval_state, count(*) AS count FROM bigbrotr.priority_relays AS p GROUP BY p.interval_state) AS c ON c.interval_state = n.state
		UNION ALL
		SELECT 'monitor_relays', '', jsonb_build_object('outcome', h.outcome, 'reason', h.reason), count(*) FROM _bigbrotr.relay_health AS h GROUP BY h.outcome, h.reason
		UNION ALL
		SELECT m.metric, '', '{}', m.value
		FROM (SELECT count(*) AS due, coalesce(max(n.at - v.next_visit) FILTER (WHERE v.next_visit > 0), 0) AS overdue
		      FROM now AS n JOIN _bigbrotr.relay_visits AS v ON v.next_visit <= n.at) AS d
		     CROSS JOIN LATERAL (VALUES ('monitor_due_relays', d.due), ('monitor_overdue_seconds', d.overdue)) AS m (metric, value)
		UNION ALL
		SELECT 'monitor_sweep_seconds', '', '{}', greatest(min(n.at) - min(v.checked_at), 0)
		FROM now AS n, _bigbrotr.relay_visits AS v JOIN bigbrotr.relays AS r ON r.relay_id = v.relay_id
		WHERE r.status IN ('online', 'unstable') HAVING min(v.checked_at) IS NOT NULL
		UNION ALL
		SELECT 'monitor_open_seconds', '', jsonb_build_object('quantile', q.quantile::text), q.value / 1000
		FROM (SELECT unnest(ARRAY[0.5, 0.9, 0.99]) AS quantile,
		             unnest(percentile_cont(ARRAY[0.5, 0.9, 0.99]::double precision[]) WITHIN GROUP (ORDER BY v.rtt_open)) AS value
		      FROM _bigbrotr.relay_visits AS v) AS q
		WHERE q.value IS NOT NULL
		UNION ALL
		SELECT 'finder_queue', '', '{}', count(*) FROM _bigbrotr.finder_queue AS f
		UNION ALL
		SELECT 'publisher_publications', '', jsonb_build_object('outcome', p.outcome), count(*) FROM _bigbrotr.relay_publications AS p GROUP BY p.outcome;
	END;
COMMENT ON FUNCTION _bigbrotr.archive_samples() IS 'Samples of the metrics of archive, relays, synchronizer, coverage, monitor, finder and publisher, counted by this call. family: name of the family without bigbrotr_';

CREATE FUNCTION _bigbrotr.count_archive() RETURNS void
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		INSERT INTO _bigbrotr.archive_figures (counted_at, samples)
		SELECT bigbrotr.unix_now(), jsonb_agg(s) FROM _bigbrotr.archive_samples() AS s
		ON CONFLICT (single) DO UPDATE SET counted_at = excluded.counted_at, samples = excluded.samples;
	END;
COMMENT ON FUNCTION _bigbrotr.count_archive() IS 'Counts the figures of the archive and stores them in _bigbrotr.archive_figures';

CREATE FUNCTION _bigbrotr.metric_samples(OUT family text, OUT suffix text, OUT labels jsonb, OUT value double precision) RETURNS SETOF record
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		WITH states AS MATERIALIZED (
			SELECT s.service, s.instance, s.state, s.health, s.last_success, s.restart_count,
			       jsonb_build_object('service', s.service, 'worker', s.instance::text) AS labels,
			       bigbrotr.service_stats(s.service, s.instance) AS stats
			FROM bigbrotr.services AS s WHERE s.database = current_database()
		), kept AS MATERIALIZED (
			-- If the figures are older than two minutes, no refresher runs.
			SELECT f.samples FROM _bigbrotr.archive_figures AS f WHERE f.counted_at BETWEEN bigbrotr.unix_now() - 120 AND bigbrotr.unix_now()
		)
		SELECT 'build', '_info', jsonb_build_object('version', _bigbrotr.library_version()), 1::double precision
		UNION ALL
		SELECT 'time_seconds', '', '{}', extract(epoch FROM clock_timestamp())::double precision
		UNION ALL
		SELECT 'standby', '', '{}', pg_is_in_recovery()::integer
		UNION ALL
		SELECT 'service_state', '', s.labels || jsonb_build_object('state', n.state), (s.state = n.state)::integer
		FROM states AS s, unnest('{disabled,enabled,running,backoff,draining,paused,done}'::text[]) AS n (state)
		UNION ALL
		SELECT 'service_healthy', '', s.labels, (s.health = 'healthy')::integer FROM states AS s WHERE s.health <> 'unknown'
		UNION ALL
		SELECT 'service_restarts', '_total', s.labels, s.restart_count FROM states AS s
		UNION ALL
		SELECT 'service_uptime_seconds', '', s.labels, (s.stats ->> 'uptime_seconds')::double precision FROM states AS s
		UNION ALL
		SELECT 'service_last_success_timestamp_seconds', '', s.labels, extract(epoch FROM s.last_success)::double precision
		FROM states AS s WHERE s.last_success IS NOT NULL
		UNION ALL
		SELECT 'service_health_checks', '_total', s.labels, (s.stats #>> '{health_checks,total}')::double precision FROM states AS s
		UNION ALL
		SELECT 'service_health_check_failures', '_total', s.labels, (s.stats #>> '{health_checks,failed}')::double precision FROM states AS s
		UNION ALL
		SELECT 'service_cycle_duration_seconds', '_bucket', s.labels || jsonb_build_object('le', b.key), b.value::double precision
		FROM states AS s, jsonb_each_text(s.stats #> '{cycles,up_to}') AS b
		UNION ALL
		SELECT 'service_cycle_duration_seconds', '_count', s.labels, (s.stats #>> '{cycles,up_to,+Inf}')::double precision FROM states AS s
		UNION ALL
		SELECT 'service_cycle_duration_seconds', '_sum', s.labels, (s.stats #>> '{cycles,seconds}')::double precision FROM states AS s
		UNION ALL
		SELECT f.metric, f.suffix, s.labels || f.labels, c.value::double precision * f.unit
		FROM states AS s CROSS JOIN LATERAL jsonb_each_text(s.stats -> 'custom') AS c JOIN _bigbrotr.service_figures AS f ON f.key = c.key
		UNION ALL
		SELECT r.family, r.suffix, r.labels, r.value
		FROM kept AS k CROSS JOIN LATERAL jsonb_to_recordset(k.samples) AS r (family text, suffix text, labels jsonb, value double precision)
		UNION ALL
		SELECT a.family, a.suffix, a.labels, a.value FROM _bigbrotr.archive_samples() AS a WHERE (SELECT count(*) FROM kept) = 0;
	END;
COMMENT ON FUNCTION _bigbrotr.metric_samples() IS
	'Samples of all metrics. family: name of the family without bigbrotr_. The figures of the archive are up to two minutes old if a refresher runs; without a refresher this call counts them';

CREATE FUNCTION bigbrotr.metrics(OUT name text, OUT type text, OUT help text, OUT labels jsonb, OUT value double precision) RETURNS SETOF record
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		SELECT n.name || s.suffix, n.type, n.help, s.labels, s.value
		FROM _bigbrotr.metric_samples() AS s JOIN _bigbrotr.metric_names AS n ON n.name = 'bigbrotr_' || s.family
		ORDER BY n.place, s.labels - 'le', s.suffix, (s.labels ->> 'le')::double precision, s.labels;
	END;
COMMENT ON FUNCTION bigbrotr.metrics() IS
	'Metrics of services, archive, synchronizer, monitor and API, as Prometheus reads them: at most some hundred rows, without URLs and keys. The refresher counts the figures of the archive twice a minute; bigbrotr_archive_counted_timestamp_seconds says when';

CREATE FUNCTION _bigbrotr.api_metrics() RETURNS TABLE (item text)
	LANGUAGE sql VOLATILE
	BEGIN ATOMIC
		WITH samples AS (
			SELECT n.place, n.name, n.type, n.help,
			       n.name || s.suffix || coalesce('{' || l.labels || '}', '') || ' ' || replace(s.value::text, 'Infinity', '+Inf') AS line,
			       row_number() OVER (PARTITION BY n.place ORDER BY s.labels - 'le', s.suffix, (s.labels ->> 'le')::double precision, s.labels) AS row
			FROM _bigbrotr.metric_samples() AS s
			     JOIN _bigbrotr.metric_names AS n ON n.name = 'bigbrotr_' || s.family
			     CROSS JOIN LATERAL (
			         SELECT string_agg(format('%s="%s"', j.key, replace(replace(replace(j.value, '\', '\\'), '"', '\"'), E'\n', '\n')), ',' ORDER BY j.key) AS labels
			         FROM jsonb_each_text(s.labels) AS j) AS l
		)
		SELECT string_agg(f.text, '' ORDER BY f.place) || E'# EOF\n'
		FROM (SELECT s.place, format(E'# TYPE %s %s\n# HELP %s %s.\n', s.name, s.type, s.name, s.help) || string_agg(s.line, E'\n' ORDER BY s.row) || E'\n' AS text
		      FROM samples AS s GROUP BY s.place, s.name, s.type, s.help) AS f;
	END;
COMMENT ON FUNCTION _bigbrotr.api_metrics() IS
	'Metrics for Prometheus, as OpenMetrics text; only for clients in bigbrotr.api_metrics_networks';
