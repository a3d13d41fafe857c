-- The routes of the API. A function answers each route (other files api_*.sql, dvm.sql, metrics.sql, openapi.sql). The api
-- service reads this view, and openapi.sql makes the description of the API from it. Shapes: one: the first row is the answer,
-- no row is 404; list: {"items": […], "next": …}; array: a bare array; stream: server-sent events; accepted: the function writes,
-- and the worker of the api service calls it; hidden: only the relay endpoint calls it. keyset: columns that define the order of
-- rows; the parameter "after" takes their values. Clients use "limit" for the parameter "row_limit" and "cursor" for "after";
-- "body" is the body of a POST.

CREATE VIEW bigbrotr.api_routes AS
	SELECT r.number, r.name, r.method, r.path, p.oid::regprocedure AS function, r.shape, r.content_type, r.cache_seconds, r.default_rows, r.most_rows,
	       r.keyset, r.item_schema, obj_description(p.oid, 'pg_proc') AS description,
	       CASE WHEN r.shape = 'hidden' THEN 'nostr'
	            WHEN r.path ~ '^/api/v1/(live/)?(events|count|profiles)' THEN 'events'
	            WHEN r.path ~ '^/api/v1/(live/)?(relays|candidates)' THEN 'relays'
	            WHEN r.path ~ '^/api/v1/dvm' THEN 'jobs'
	            WHEN r.path ~ '^/(v1|v2|badge)/|^/embed$' THEN 'lists'
	            WHEN r.path ~ '^/api/v1/' THEN 'statistics' END AS scope
	FROM (VALUES
		(1, 'event', 'GET', '/api/v1/events/{id}', 'api_event', 'one', 'application/json', 60, 0, 0, NULL::text[], 'Event'),
		(2, 'events', 'GET', '/api/v1/events', 'api_events', 'list', 'application/json', 0, 100, 1000, '{created_at,event_id}', 'Event'),
		(3, 'events_by_filter', 'POST', '/api/v1/events', 'api_events_by_filter', 'list', 'application/json', 0, 100, 1000, '{created_at,event_id}', 'Event'),
		(4, 'event_relays', 'GET', '/api/v1/events/{id}/relays', 'api_event_relays', 'list', 'application/json', 60, 100, 1000, '{relay_url}', NULL),
		(5, 'count', 'GET', '/api/v1/count', 'api_count', 'one', 'application/json', 0, 0, 0, NULL, NULL),
		(6, 'count_by_filter', 'POST', '/api/v1/count', 'api_count_by_filter', 'one', 'application/json', 0, 0, 0, NULL, NULL),
		(7, 'profile', 'GET', '/api/v1/profiles/{pubkey}', 'api_profile', 'one', 'application/json', 60, 0, 0, NULL, NULL),
		(8, 'relays', 'GET', '/api/v1/relays', 'api_relays', 'list', 'application/json', 60, 100, 1000, '{relay_url}', NULL),
		(9, 'relay', 'GET', '/api/v1/relays/one', 'api_relay', 'one', 'application/json', 60, 0, 0, NULL, NULL),
		(10, 'relay_uptime', 'GET', '/api/v1/relays/uptime', 'api_relay_uptime', 'one', 'application/json', 60, 0, 0, NULL, NULL),
		(11, 'relay_latency', 'GET', '/api/v1/relays/latency', 'api_relay_latency', 'one', 'application/json', 60, 0, 0, NULL, NULL),
		(12, 'relay_changes', 'GET', '/api/v1/relays/changes', 'api_relay_changes', 'list', 'application/json', 60, 100, 1000, '{changed_at,aspect}', NULL),
		(13, 'relay_history', 'GET', '/api/v1/relays/history', 'api_relay_history', 'list', 'application/json', 60, 100, 1000, '{generated_at}', NULL),
		(14, 'relay_explanation', 'GET', '/api/v1/relays/explain', 'api_relay_explanation', 'list', 'application/json', 60, 0, 0, NULL, 'Line'),
		(15, 'relay_coverage', 'GET', '/api/v1/relays/coverage', 'api_relay_coverage', 'list', 'application/json', 60, 0, 0, NULL, NULL),
		(16, 'completeness', 'GET', '/api/v1/completeness', 'api_completeness', 'one', 'application/json', 60, 0, 0, NULL, NULL),
		(17, 'statistics', 'GET', '/api/v1/statistics', 'api_statistics', 'one', 'application/json', 10, 0, 0, NULL, NULL),
		(18, 'statistics_kinds', 'GET', '/api/v1/statistics/kinds', 'api_statistics_kinds', 'list', 'application/json', 10, 1000, 10000, '{kind}', NULL),
		(19, 'statistics_days', 'GET', '/api/v1/statistics/days', 'api_statistics_days', 'list', 'application/json', 10, 1000, 10000, '{day}', NULL),
		(20, 'statistics_relays', 'GET', '/api/v1/statistics/relays', 'api_statistics_relays', 'list', 'application/json', 10, 1000, 10000, '{relay_id}', NULL),
		(21, 'candidates', 'GET', '/api/v1/candidates', 'api_candidates', 'list', 'application/json', 60, 100, 1000, '{relay_url}', NULL),
		(22, 'services', 'GET', '/api/v1/services', 'api_services', 'list', 'application/json', 0, 0, 0, NULL, NULL),
		(23, 'ready', 'GET', '/readyz', 'api_ready', 'one', 'application/json', 0, 0, 0, NULL, NULL),
		(24, 'openapi', 'GET', '/openapi.json', 'api_openapi', 'one', 'application/json', 60, 0, 0, NULL, 'Description'),
		(25, 'metrics', 'GET', '/metrics', 'api_metrics', 'one', 'application/openmetrics-text; version=1.0.0; charset=utf-8', 0, 0, 0, NULL, 'Line'),
		(26, 'live_events', 'GET', '/api/v1/live/events', 'api_live_events', 'stream', 'text/event-stream', 0, 0, 0, NULL, NULL),
		(27, 'live_relays', 'GET', '/api/v1/live/relays', 'api_live_relays', 'stream', 'text/event-stream', 0, 0, 0, '{relay_url}', NULL),
		(28, 'live_progress', 'GET', '/api/v1/live/progress', 'api_live_progress', 'stream', 'text/event-stream', 0, 0, 0, NULL, NULL),
		(29, 'post_job', 'POST', '/api/v1/dvm', 'post_job', 'accepted', 'application/json', 0, 0, 0, NULL, 'Job'),
		(35, 'job', 'GET', '/api/v1/dvm/{id}', 'api_job_state', 'one', 'application/json', 0, 0, 0, NULL, 'Job'),
		(60, 'overview', 'GET', '/api/v1/overview', 'api_overview', 'one', 'application/json', 10, 0, 0, NULL, NULL),
		(61, 'relay_table', 'GET', '/api/v1/relays/table', 'api_relay_table', 'list', 'application/json', 60, 100, 1000, '{sort_key,relay_url}', 'relay_overview'),
		(62, 'relay_days', 'GET', '/api/v1/relays/days', 'api_relay_days', 'list', 'application/json', 60, 0, 0, NULL, NULL),
		(63, 'relay_latencies', 'GET', '/api/v1/relays/latencies', 'api_relay_latencies', 'list', 'application/json', 60, 0, 0, NULL, NULL),
		(64, 'relay_nips', 'GET', '/api/v1/relays/nips', 'api_relay_nips', 'list', 'application/json', 60, 0, 0, NULL, NULL),
		(65, 'statistics_groups', 'GET', '/api/v1/statistics/groups', 'api_statistics_groups', 'list', 'application/json', 60, 0, 0, NULL, NULL),
		(66, 'statistics_availability', 'GET', '/api/v1/statistics/availability', 'api_statistics_availability', 'list', 'application/json', 300, 0, 0, NULL, NULL),
		(30, 'v1_online', 'GET', '/v1/online', 'api_v1_online', 'array', 'application/json', 60, 0, 0, NULL, 'Url'),
		(31, 'v1_offline', 'GET', '/v1/offline', 'api_v1_offline', 'array', 'application/json', 60, 0, 0, NULL, 'Url'),
		(32, 'v1_public', 'GET', '/v1/public', 'api_v1_public', 'array', 'application/json', 60, 0, 0, NULL, 'Url'),
		(33, 'v1_paid', 'GET', '/v1/paid', 'api_v1_paid', 'array', 'application/json', 60, 0, 0, NULL, 'Url'),
		(34, 'v1_nip', 'GET', '/v1/nip/{nip}', 'api_v1_nip', 'array', 'application/json', 60, 0, 0, NULL, 'Url'),
		(40, 'badge_json', 'GET', '/badge/status.json', 'api_badge_json', 'one', 'application/json', 300, 0, 0, NULL, NULL),
		(41, 'badge_svg', 'GET', '/badge/status.svg', 'api_badge_svg', 'one', 'image/svg+xml', 300, 0, 0, NULL, 'Line'),
		(42, 'uptime_badge_json', 'GET', '/badge/uptime.json', 'api_uptime_badge_json', 'one', 'application/json', 300, 0, 0, NULL, NULL),
		(43, 'uptime_badge_svg', 'GET', '/badge/uptime.svg', 'api_uptime_badge_svg', 'one', 'image/svg+xml', 300, 0, 0, NULL, 'Line'),
		(44, 'embed', 'GET', '/embed', 'api_embed', 'one', 'text/html; charset=utf-8', 60, 0, 0, NULL, 'Line'),
		(100, 'v2_relays', 'GET', '/v2/relays', 'api_v2_relays', 'one', 'application/json', 60, 50, 200, NULL, 'Rstate'),
		(101, 'v2_relays_detailed', 'GET', '/v2/relays/detailed', 'api_v2_relays_detailed', 'one', 'application/json', 60, 50, 200, NULL, 'Rstate'),
		(102, 'v2_relays_full', 'GET', '/v2/relays/full', 'api_v2_relays_full', 'one', 'application/json', 60, 50, 200, NULL, 'Rstate'),
		(103, 'v2_state', 'GET', '/v2/relays/state', 'api_v2_state', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(104, 'v2_search', 'POST', '/v2/relays/search', 'api_v2_search', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(105, 'v2_search_detailed', 'POST', '/v2/relays/search/detailed', 'api_v2_search_detailed', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(106, 'v2_search_full', 'POST', '/v2/relays/search/full', 'api_v2_search_full', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(107, 'v2_labels', 'GET', '/v2/relays/labels', 'api_v2_labels', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(108, 'v2_labels_list', 'GET', '/v2/relays/labels/list', 'api_v2_labels_list', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(109, 'v2_by_label', 'GET', '/v2/relays/by/label', 'api_v2_by_label', 'one', 'application/json', 60, 100, 200, NULL, 'Rstate'),
		(110, 'v2_by_software', 'GET', '/v2/relays/by/software', 'api_v2_by_software', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(111, 'v2_by_network', 'GET', '/v2/relays/by/network', 'api_v2_by_network', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(112, 'v2_by_nip', 'GET', '/v2/relays/by/nip', 'api_v2_by_nip', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(113, 'v2_of_nip', 'GET', '/v2/relays/by/nip/{nip}', 'api_v2_by_nip', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(114, 'v2_by_country', 'GET', '/v2/relays/by/country', 'api_v2_by_country', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(115, 'v2_compare', 'POST', '/v2/relays/compare', 'api_v2_compare', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(116, 'v2_online', 'POST', '/v2/relays/online', 'api_v2_online', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(117, 'v2_offline', 'POST', '/v2/relays/offline', 'api_v2_offline', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(118, 'v2_dead', 'POST', '/v2/relays/dead', 'api_v2_dead', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(119, 'v2_get_online', 'GET', '/v2/relays/online', 'api_v2_get_online', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(120, 'v2_get_offline', 'GET', '/v2/relays/offline', 'api_v2_get_offline', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(121, 'v2_get_dead', 'GET', '/v2/relays/dead', 'api_v2_get_dead', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(122, 'v2_monitors', 'GET', '/v2/monitors', 'api_v2_monitors', 'one', 'application/json', 60, 50, 200, NULL, 'Rstate'),
		(123, 'v2_monitor', 'GET', '/v2/monitors/{pubkey}', 'api_v2_monitor', 'one', 'application/json', 60, 0, 0, NULL, 'Rstate'),
		(124, 'v2_ping', 'GET', '/v2/health/ping', 'api_v2_ping', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(125, 'v2_nearby', 'GET', '/v2/relays/nearby', 'api_v2_nearby', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(126, 'v2_nearby_detailed', 'GET', '/v2/relays/nearby/detailed', 'api_v2_nearby_detailed', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(127, 'v2_nearby_full', 'GET', '/v2/relays/nearby/full', 'api_v2_nearby_full', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(128, 'v2_bbox', 'GET', '/v2/relays/bbox', 'api_v2_bbox', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(129, 'v2_bbox_detailed', 'GET', '/v2/relays/bbox/detailed', 'api_v2_bbox_detailed', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(130, 'v2_bbox_full', 'GET', '/v2/relays/bbox/full', 'api_v2_bbox_full', 'one', 'application/json', 60, 200, 500, NULL, 'Rstate'),
		(131, 'v2_by_label_detailed', 'GET', '/v2/relays/by/label/detailed', 'api_v2_by_label_detailed', 'one', 'application/json', 60, 100, 200, NULL, 'Rstate'),
		(132, 'v2_by_label_full', 'GET', '/v2/relays/by/label/full', 'api_v2_by_label_full', 'one', 'application/json', 60, 100, 200, NULL, 'Rstate'),
		(133, 'v2_post_ping', 'POST', '/v2/health/ping', 'api_v2_post_ping', 'one', 'application/json', 0, 0, 0, NULL, 'Rstate'),
		(134, 'v2_trust', 'GET', '/v2/relays/trust', 'api_v2_trust', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(135, 'v2_trust_list', 'GET', '/v2/relays/trust/list', 'api_v2_trust_list', 'one', 'application/json', 0, 50, 500, NULL, 'RstateError'),
		(136, 'v2_monitor_analytics', 'GET', '/v2/monitors/{pubkey}/analytics', 'api_v2_monitor_analytics', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(137, 'v2_analytics', 'GET', '/v2/monitors/analytics', 'api_v2_analytics', 'one', 'application/json', 0, 100, 1000, NULL, 'RstateError'),
		(138, 'v2_policy', 'GET', '/v2/policy', 'api_v2_policy', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(139, 'v2_set_policy', 'POST', '/v2/policy', 'api_v2_set_policy', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(140, 'v2_subscribe', 'POST', '/v2/subscriptions', 'api_v2_subscribe', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(141, 'v2_subscriptions', 'GET', '/v2/subscriptions', 'api_v2_subscriptions', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(142, 'v2_subscription_events', 'GET', '/v2/subscriptions/events', 'api_v2_subscription_events', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(143, 'v2_payments', 'GET', '/v2/health/payments', 'api_v2_payments', 'one', 'application/json', 0, 0, 0, NULL, 'RstateError'),
		(50, 'req', 'GET', '/', 'api_req', 'hidden', 'application/json', 0, 0, 0, NULL, 'Event'),
		(51, 'count_req', 'GET', '/', 'api_count_req', 'hidden', 'application/json', 0, 0, 0, NULL, NULL),
		(52, 'news', 'GET', '/', 'api_news', 'hidden', 'application/json', 0, 0, 0, '{place}', 'Event'),
		(53, 'records', 'GET', '/', 'api_records', 'hidden', 'application/json', 0, 0, 0, NULL, NULL)
	) AS r (number, name, method, path, function, shape, content_type, cache_seconds, default_rows, most_rows, keyset, item_schema)
	     JOIN pg_proc AS p ON p.pronamespace = '_bigbrotr'::regnamespace AND p.proname = r.function;
COMMENT ON VIEW bigbrotr.api_routes IS 'Routes of the API, and the functions that answer them';
COMMENT ON COLUMN bigbrotr.api_routes.number IS 'Number of the route in messages between the api service and its net process';
COMMENT ON COLUMN bigbrotr.api_routes.name IS 'Name of the route';
COMMENT ON COLUMN bigbrotr.api_routes.method IS 'GET or POST';
COMMENT ON COLUMN bigbrotr.api_routes.path IS 'Path of the URL; {name} is a parameter';
COMMENT ON COLUMN bigbrotr.api_routes.function IS 'Function that answers; its parameters are those of the route';
COMMENT ON COLUMN bigbrotr.api_routes.shape IS 'one: the first row is the answer; list: {"items": […], "next": …}; array: a bare array; stream: server-sent events; accepted: status 202, the first row is the answer; hidden: only for the relay endpoint';
COMMENT ON COLUMN bigbrotr.api_routes.content_type IS 'Media type of an answer of shape one';
COMMENT ON COLUMN bigbrotr.api_routes.cache_seconds IS 'Seconds for which an answer may be cached; 0: not at all';
COMMENT ON COLUMN bigbrotr.api_routes.default_rows IS 'Default number of rows of a page; 0: all';
COMMENT ON COLUMN bigbrotr.api_routes.most_rows IS 'Maximum number of rows of a page; 0: there are no pages';
COMMENT ON COLUMN bigbrotr.api_routes.keyset IS 'Columns that define the order of rows; null: there are no pages';
COMMENT ON COLUMN bigbrotr.api_routes.item_schema IS 'Name of the OpenAPI schema of an item; null: an object of the columns; RstateError: the route is not served';
COMMENT ON COLUMN bigbrotr.api_routes.scope IS 'Scope that opens the route if it is in bigbrotr.api_anonymous_scopes or in the scopes of a key, as the name of the route does; null: open to everybody';
COMMENT ON COLUMN bigbrotr.api_routes.description IS 'Comment of the function: what the route answers';

CREATE VIEW _bigbrotr.api_parameters AS
	SELECT r.name AS route, a.place::integer AS place, p.proargnames[a.place] AS parameter, a.type::regtype AS type,
	       CASE WHEN a.type IN ('smallint'::regtype, 'integer'::regtype, 'bigint'::regtype) THEN 'integer'
	            WHEN a.type = 'boolean'::regtype THEN 'flag'
	            WHEN a.type IN ('json'::regtype, 'jsonb'::regtype) THEN 'json' ELSE 'text' END AS kind,
	       a.place <= p.pronargs - p.pronargdefaults AS is_required
	FROM bigbrotr.api_routes AS r
	     JOIN pg_proc AS p ON p.oid = r.function
	     CROSS JOIN LATERAL unnest(p.proargtypes::oid[]) WITH ORDINALITY AS a (type, place);
COMMENT ON VIEW _bigbrotr.api_parameters IS 'Parameters of the routes of the API';
COMMENT ON COLUMN _bigbrotr.api_parameters.route IS 'Name of the route';
COMMENT ON COLUMN _bigbrotr.api_parameters.place IS 'Position of the parameter in the function, from 1';
COMMENT ON COLUMN _bigbrotr.api_parameters.parameter IS 'Name of the parameter';
COMMENT ON COLUMN _bigbrotr.api_parameters.type IS 'Type of the parameter';
COMMENT ON COLUMN _bigbrotr.api_parameters.kind IS 'Form of the value: text, integer, flag (true or false) or json';
COMMENT ON COLUMN _bigbrotr.api_parameters.is_required IS 'Whether the parameter has no default';

CREATE VIEW _bigbrotr.api_columns AS
	SELECT r.name AS route, c.place, c.name AS column, c.type, coalesce(c.comment, m.description) AS comment
	FROM bigbrotr.api_routes AS r
	     JOIN pg_proc AS p ON p.oid = r.function
	     JOIN pg_type AS t ON t.oid = p.prorettype
	     CROSS JOIN LATERAL (
	         SELECT a.attnum::integer AS place, a.attname::text AS name, a.atttypid::regtype AS type, col_description(a.attrelid, a.attnum) AS comment
	         FROM pg_attribute AS a WHERE a.attrelid = t.typrelid AND t.typtype = 'c' AND a.attnum > 0 AND NOT a.attisdropped
	         UNION ALL
	         SELECT o.place::integer, p.proargnames[o.place], o.type::regtype, NULL
	         FROM unnest(p.proallargtypes, p.proargmodes) WITH ORDINALITY AS o (type, mode, place) WHERE o.mode IN ('t', 'o')
	     ) AS c
	     -- Columns of RETURNS TABLE have no comments: take the comment of a column of the same name in a table or view.
	     LEFT JOIN (
	         SELECT DISTINCT ON (a.attname) a.attname::text AS name, d.description
	         FROM pg_attribute AS a
	              JOIN pg_class AS k ON k.oid = a.attrelid AND k.relnamespace IN ('bigbrotr'::regnamespace, '_bigbrotr'::regnamespace)
	              JOIN pg_description AS d ON d.objoid = a.attrelid AND d.objsubid = a.attnum AND d.classoid = 'pg_class'::regclass
	         ORDER BY a.attname, k.relnamespace <> 'bigbrotr'::regnamespace, k.relname) AS m ON m.name = c.name AND c.comment IS NULL;
COMMENT ON VIEW _bigbrotr.api_columns IS 'Columns of the answers of the API';
COMMENT ON COLUMN _bigbrotr.api_columns.route IS 'Name of the route';
COMMENT ON COLUMN _bigbrotr.api_columns.place IS 'Position of the column, from 1';
COMMENT ON COLUMN _bigbrotr.api_columns.column IS 'Name of the column';
COMMENT ON COLUMN _bigbrotr.api_columns.type IS 'Type of the column';
COMMENT ON COLUMN _bigbrotr.api_columns.comment IS 'Comment of the column; null: none';

-- A column called item is the item; without such a column the whole row is the item. Every name is qualified or quoted.
CREATE VIEW _bigbrotr.api_calls AS
	SELECT r.number, r.name, r.path, r.method = 'POST' AS is_post, r.shape, r.content_type, r.cache_seconds, r.default_rows, r.most_rows, r.scope,
	       format(CASE WHEN f.prorettype = 'refcursor'::regtype THEN 'SELECT _bigbrotr.%3$I(%4$s)'
	                   ELSE 'SELECT coalesce(%1$s, ''null''), %2$s FROM (SELECT * FROM _bigbrotr.%3$I(%4$s)) AS r' END,
	           CASE WHEN EXISTS (SELECT FROM _bigbrotr.api_columns AS c WHERE c.route = r.name AND c.column = 'item')
	                THEN 'r.item::text' ELSE 'row_to_json(r)::text' END,
	           CASE WHEN r.keyset IS NULL THEN ''''''
	                ELSE format('CASE WHEN r.%I IS NULL THEN '''' ELSE json_build_array(%s)::text END', r.keyset[1],
	                            (SELECT string_agg(format('r.%I', k.name), ', ' ORDER BY k.n) FROM unnest(r.keyset) WITH ORDINALITY AS k (name, n))) END,
	           f.proname,
	           (SELECT string_agg(format('%I => $%s::%s', a.parameter, a.place, a.type), ', ' ORDER BY a.place)
	            FROM _bigbrotr.api_parameters AS a WHERE a.route = r.name)) AS statement,
	       p.place, p.parameter, p.kind AS parameter_kind, p.is_required
	FROM bigbrotr.api_routes AS r
	     JOIN pg_proc AS f ON f.oid = r.function
	     LEFT JOIN _bigbrotr.api_parameters AS p ON p.route = r.name;
COMMENT ON VIEW _bigbrotr.api_calls IS 'Routes with the statements that call their functions, one row per parameter; the api service reads them at its start';
COMMENT ON COLUMN _bigbrotr.api_calls.is_post IS 'Whether the method is POST, not GET';
COMMENT ON COLUMN _bigbrotr.api_calls.statement IS 'Statement that calls the function. Its parameters are of type text; its columns are the item and the position of a row, or one column with a cursor of such rows';
COMMENT ON COLUMN _bigbrotr.api_calls.place IS 'Position of the parameter, from 1; null: the route has no parameters';
COMMENT ON COLUMN _bigbrotr.api_calls.parameter_kind IS 'Form of the value: text, integer, flag or json; null: the route has no parameters';
