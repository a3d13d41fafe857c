-- Metrics for Prometheus: bigbrotr.metrics() as rows, /metrics of the api service as text (OpenMetrics 1.0). No label holds a
-- URL, a key or anything else that strangers can add: each value of a label is a time series in Prometheus.

CREATE VIEW _bigbrotr.metric_names AS
	SELECT n.place, n.name, n.type, n.help
	FROM unnest(ARRAY[
		'bigbrotr_build|info|Version of the library',
		'bigbrotr_time_seconds|gauge|Clock of the server, Unix seconds',
		'bigbrotr_service_state|gauge|1 for the state that the worker of a service is in, 0 for the others',
		'bigbrotr_service_healthy|gauge|Result of the last health check: 1 healthy, 0 not; absent before the first one',
		'bigbrotr_service_restarts|counter|Starts of a worker after the first one in this run of the server',
		'bigbrotr_service_uptime_seconds|gauge|How long the worker has been running; 0: it does not',
		'bigbrotr_service_last_success_timestamp_seconds|gauge|End of the last good cycle, or last commit',
		'bigbrotr_service_health_checks|counter|Health checks of the worker',
		'bigbrotr_service_health_check_failures|counter|Health checks without a good result',
		'bigbrotr_service_cycle_duration_seconds|histogram|Time of the cycles of the worker',
		'bigbrotr_net_resident_memory_bytes|gauge|Memory of the net process',
		'bigbrotr_net_cpu_seconds|counter|Processor time of the net process',
		'bigbrotr_net_restarts|counter|Net processes that ended and were replaced',
		'bigbrotr_net_lies|counter|Net processes given up because what they called verified is not',
		'bigbrotr_net_malformed_messages|counter|Net processes given up because of a message that is none',
		'bigbrotr_net_log_lines_dropped|counter|Lines of the net process that were too many for the log',
		'bigbrotr_net_queued_bytes|gauge|Messages of the net process that its worker has not read yet',
		'bigbrotr_net_unacknowledged_bytes|gauge|Events in the net process that are not committed yet',
		'bigbrotr_net_connections|gauge|Open connections of the net process',
		'bigbrotr_net_connections_opening|gauge|Connections that are being opened',
		'bigbrotr_net_messages|counter|Messages of relays that the net process has read',
		'bigbrotr_net_events|counter|Events of relays that the net process has read',
		'bigbrotr_net_events_recognised|counter|Events of relays that were archived already, and needed no signature check',
		'bigbrotr_net_events_verified|counter|Signatures of events that the net process has checked',
		'bigbrotr_net_fetches|counter|Documents that the net process has fetched',
		'bigbrotr_net_fetches_open|gauge|Documents that are being fetched',
		'bigbrotr_net_visits|counter|Visits of relays that have ended in the net process',
		'bigbrotr_net_visits_open|gauge|Visits of relays under way',
		'bigbrotr_net_visits_waiting|gauge|Visits that wait for a place or an address',
		'bigbrotr_archive_counted_timestamp_seconds|gauge|When the figures of archive, relays, synchronizer, coverage, monitor, finder and publisher were counted',
		'bigbrotr_archive_events|gauge|Events archived, exact',
		'bigbrotr_archive_sightings|gauge|Sightings archived, exact',
		'bigbrotr_archive_size_bytes|gauge|Size of the database on the disk',
		'bigbrotr_archive_free_disk_bytes|gauge|Room on the fullest disk of the cluster, its log and the tables of the archive, as the synchronizer sees it',
		'bigbrotr_archive_statistics_deltas|gauge|Rows that the refresher has still to fold into the statistics',
		'bigbrotr_archive_rejected_events|counter|Verified events that the database refused',
		'bigbrotr_table_size_bytes|gauge|Size of a table with its indexes and its TOAST table',
		'bigbrotr_table_live_rows|gauge|Rows of a table, estimated',
		'bigbrotr_table_dead_rows|gauge|Dead rows of a table, estimated',
		'bigbrotr_relays|gauge|Relays known, by status and network',
		'bigbrotr_sync_relays|gauge|Relays by phase of the synchronizer',
		'bigbrotr_sync_read_ratio|gauge|Average share of the history of relays that is read, of relays that were reached',
		'bigbrotr_sync_proven_ratio|gauge|Average share of that history that is proven',
		'bigbrotr_sync_backoff_relays|gauge|Relays that wait after a failure, by its reason',
		'bigbrotr_sync_lag_seconds|summary|Time since the newest second that is read, of some hundreds of the relays that are live',
		'bigbrotr_sync_events|counter|Events first archived through the relays that are known',
		'bigbrotr_sync_sightings|counter|Sightings archived',
		'bigbrotr_sync_messages|counter|Messages of relays',
		'bigbrotr_sync_received_bytes|counter|Bytes of these messages, inflated',
		'bigbrotr_sync_pages|counter|Pages read to their end',
		'bigbrotr_sync_refusals|counter|What relays sent and was refused, and connections that failed, by reason',
		'bigbrotr_sync_batches|counter|Transactions that wrote events or sightings',
		'bigbrotr_sync_questions|counter|Questions of the net process for known events',
		'bigbrotr_sync_signatures|counter|Signatures that the worker checked again',
		'bigbrotr_sync_missing_events|counter|Events that a relay was said to have and did not give',
		'bigbrotr_sync_last_success_timestamp_seconds|gauge|When a page was last read to its end, of any relay',
		'bigbrotr_coverage_seconds|gauge|Seconds of relays that were read, by evidence',
		'bigbrotr_coverage_ranges|gauge|Ranges of coverage, by evidence',
		'bigbrotr_coverage_doubted_ranges|gauge|Ranges of coverage with doubts',
		'bigbrotr_coverage_withdrawals|counter|Claims of coverage that had to be withdrawn, of the relays that are known',
		'bigbrotr_priority_relays|gauge|Priority relays, by whether their interval is kept',
		'bigbrotr_monitor_relays|gauge|Relays by the outcome of the last observation and its reason',
		'bigbrotr_monitor_due_relays|gauge|Relays whose next visit is due',
		'bigbrotr_monitor_overdue_seconds|gauge|How long the visit has been due that has been due longest',
		'bigbrotr_monitor_open_seconds|summary|Time to open a relay, at its last visit',
		'bigbrotr_monitor_visits|counter|Visits recorded',
		'bigbrotr_monitor_visits_open|gauge|Visits under way',
		'bigbrotr_monitor_visits_broken_off|counter|Visits given up because they took too long',
		'bigbrotr_finder_queue|gauge|Batches of events that the finder has still to read',
		'bigbrotr_finder_events|counter|Events read by the finder',
		'bigbrotr_finder_mentions|counter|Relays named in them',
		'bigbrotr_finder_mentions_refused|counter|Relays named in them that are none',
		'bigbrotr_finder_candidates|counter|Candidates found',
		'bigbrotr_finder_relays_added|counter|Candidates that became relays',
		'bigbrotr_finder_lists|counter|Lists fetched',
		'bigbrotr_publisher_publications|gauge|Events of ours at relays, by outcome of the last attempt',
		'bigbrotr_api_calls|counter|Calls of the API',
		'bigbrotr_api_calls_failed|counter|Calls that ended with an error',
		'bigbrotr_api_calls_cancelled|counter|Calls whose clients went away',
		'bigbrotr_api_calls_timed_out|counter|Calls that took longer than bigbrotr.api_timeout',
		'bigbrotr_api_calls_refused|counter|Calls refused because the server was busy',
		'bigbrotr_api_calls_repeated|counter|Calls that had to make room for others',
		'bigbrotr_api_calls_unread|counter|Calls ended because the client did not read',
		'bigbrotr_api_call_duration_seconds|summary|Time that executors spent on calls',
		'bigbrotr_api_calls_running|gauge|Calls that executors run now',
		'bigbrotr_api_calls_waiting|gauge|Calls that wait for an executor',
		'bigbrotr_api_executors|gauge|Executors that are ready',
		'bigbrotr_api_executors_lost|counter|Executors that ended unasked',
		'bigbrotr_api_requests|counter|Requests of HTTP',
		'bigbrotr_api_requests_refused|counter|Requests of HTTP refused: wrong, too many, or not allowed',
		'bigbrotr_api_connections_turned_away|counter|Connections beyond the limits',
		'bigbrotr_api_web_sockets|gauge|Open WebSockets',
		'bigbrotr_api_streams|gauge|Open streams of server-sent events',
		'bigbrotr_api_nostr_messages|counter|Messages of clients over WebSockets',
		'bigbrotr_api_open_calls|gauge|Calls of the net process that have not ended'
		]) WITH ORDINALITY AS l (line, place)
	     CROSS JOIN LATERAL (SELECT l.place::integer, split_part(l.line, '|', 1) AS name, split_part(l.line, '|', 2) AS type, split_part(l.line, '|', 3) AS help) AS n;
COMMENT ON VIEW _bigbrotr.metric_names IS 'Families of the metrics, in the order of /metrics';
COMMENT ON COLUMN _bigbrotr.metric_names.place IS 'Position in the order of /metrics, from 1';
COMMENT ON COLUMN _bigbrotr.metric_names.name IS 'Name of the family: the name of its samples without _total, _info, _bucket, _sum, _count';
COMMENT ON COLUMN _bigbrotr.metric_names.type IS 'Type of OpenMetrics: info, gauge, counter, summary or histogram';
COMMENT ON COLUMN _bigbrotr.metric_names.help IS 'What the metric counts or measures';

CREATE VIEW _bigbrotr.service_figures AS
	SELECT f.key, f.metric, f.suffix, f.unit
	FROM (VALUES
		('net_rss_bytes', 'net_resident_memory_bytes', '', 1::double precision),
		('net_cpu_ms', 'net_cpu_seconds', '_total', 1e-3),
		('net_restarts', 'net_restarts', '_total', 1),
		('net_lies', 'net_lies', '_total', 1),
		('net_malformed', 'net_malformed_messages', '_total', 1),
		('net_log_lines_dropped', 'net_log_lines_dropped', '_total', 1),
		('net_queued_bytes', 'net_queued_bytes', '', 1),
		('net_bytes_in_flight', 'net_unacknowledged_bytes', '', 1),
		('net_connections', 'net_connections', '', 1),
		('net_connecting', 'net_connections_opening', '', 1),
		('net_messages', 'net_messages', '_total', 1),
		('net_events', 'net_events', '_total', 1),
		('net_events_recognised', 'net_events_recognised', '_total', 1),
		('net_verified', 'net_events_verified', '_total', 1),
		('net_fetches', 'net_fetches', '_total', 1),
		('net_fetches_under_way', 'net_fetches_open', '', 1),
		('net_visits', 'net_visits', '_total', 1),
		('net_visits_under_way', 'net_visits_open', '', 1),
		('net_visits_waiting', 'net_visits_waiting', '', 1),
		('net_requests', 'api_requests', '_total', 1),
		('net_requests_refused', 'api_requests_refused', '_total', 1),
		('net_connections_turned_away', 'api_connections_turned_away', '_total', 1),
		('net_web_sockets', 'api_web_sockets', '', 1),
		('net_streams', 'api_streams', '', 1),
		('net_nostr_messages', 'api_nostr_messages', '_total', 1),
		('net_open_calls', 'api_open_calls', '', 1),
		('calls', 'api_calls', '_total', 1),
		('calls_failed', 'api_calls_failed', '_total', 1),
		('calls_cancelled', 'api_calls_cancelled', '_total', 1),
		('calls_timed_out', 'api_calls_timed_out', '_total', 1),
		('calls_refused', 'api_calls_refused', '_total', 1),
		('calls_repeated', 'api_calls_repeated', '_total', 1),
		('calls_unread', 'api_calls_unread', '_total', 1),
		('calls_run', 'api_call_duration_seconds', '_count', 1),
		('calls_run_us', 'api_call_duration_seconds', '_sum', 1e-6),
		('calls_running', 'api_calls_running', '', 1),
		('calls_waiting', 'api_calls_waiting', '', 1),
		('executors', 'api_executors', '', 1),
		('executors_lost', 'api_executors_lost', '_total', 1),
		('disk_free_bytes', 'archive_free_disk_bytes', '', 1),
		('batches', 'sync_batches', '_total', 1),
		('questions', 'sync_questions', '_total', 1),
		('signatures', 'sync_signatures', '_total', 1),
		('events_missing', 'sync_missing_events', '_total', 1),
		('visits', 'monitor_visits', '_total', 1),
		('visits_open', 'monitor_visits_open', '', 1),
		('visits_broken_off', 'monitor_visits_broken_off', '_total', 1),
		('events_read', 'finder_events', '_total', 1),
		('mentions_found', 'finder_mentions', '_total', 1),
		('mentions_refused', 'finder_mentions_refused', '_total', 1),
		('candidates_found', 'finder_candidates', '_total', 1),
		('relays_added', 'finder_relays_added', '_total', 1),
		('lists_fetched', 'finder_lists', '_total', 1)
	) AS f (key, metric, suffix, unit);
COMMENT ON VIEW _bigbrotr.service_figures IS 'Metrics that show the statistics of the services (bigbrotr.service_stats, custom)';
COMMENT ON COLUMN _bigbrotr.service_figures.key IS 'Key of the statistic';
COMMENT ON COLUMN _bigbrotr.service_figures.metric IS 'Name of the family, without bigbrotr_';
COMMENT ON COLUMN _bigbrotr.service_figures.suffix IS 'Suffix of the sample: _total, _count, _sum, or empty';
COMMENT ON COLUMN _bigbrotr.service_figures.unit IS 'Factor: the value of the sample is the statistic multiplied by it';

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
		), traffic AS MATERIALIZED (
			SELECT coalesce(sum(t.events::double precision), 0) AS events, coalesce(sum(t.sightings::double precision), 0) AS sightings, coalesce(sum(t.messages::double precision), 0) AS messages,
			       coalesce(sum(t.bytes::double precision), 0) AS bytes, coalesce(sum(t.pages::double precision), 0) AS pages, max(t.last_success) AS last_success
			FROM _bigbrotr.relay_traffic AS t
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
		SELECT 'archive_rejected_events', '_total', '{}', count(*) FROM bigbrotr.event_rejects AS r
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
		SELECT m.metric, '_total', '{}', m.value
		FROM traffic AS t CROSS JOIN LATERAL (VALUES ('sync_events', t.events), ('sync_sightings', t.sightings), ('sync_messages', t.messages),
		          ('sync_received_bytes', t.bytes), ('sync_pages', t.pages)) AS m (metric, value)
		UNION ALL
		SELECT 'sync_last_success_timestamp_seconds', '', '{}', t.last_success FROM traffic AS t WHERE t.last_success IS NOT NULL
		UNION ALL
		SELECT 'sync_refusals', '_total', jsonb_build_object('reason', f.reason, 'kind', _bigbrotr.refusal_kind(f.reason)), f.count
		FROM (SELECT f.reason, sum(f.count::double precision) AS count FROM _bigbrotr.relay_refusals AS f GROUP BY f.reason) AS f
		UNION ALL
		SELECT 'coverage_withdrawals', '_total', '{}', coalesce(sum(s.withdrawals), 0) FROM sync AS s
		UNION ALL
		SELECT 'coverage_' || m.metric, '', jsonb_build_object('evidence', e.evidence), m.value
		FROM (SELECT n.evidence, coalesce(c.seconds, 0) AS seconds, coalesce(c.ranges, 0) AS ranges, coalesce(c.doubted, 0) AS doubted
		      FROM unnest('{partial,paged,confirmed,reconciled}'::text[]) AS n (evidence) LEFT JOIN covered AS c ON c.evidence = n.evidence) AS e
		     CROSS JOIN LATERAL (VALUES ('seconds', e.seconds), ('ranges', e.ranges), ('doubted_ranges', e.doubted)) AS m (metric, value)
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
		SELECT f.metric, f.suffix, s.labels, c.value::double precision * f.unit
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
