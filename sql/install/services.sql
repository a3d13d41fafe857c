-- The services: their state, and functions to control them. The functions act on the current database. The state is in shared
-- memory, so that no function waits for a transaction, and no rollback undoes a function.

CREATE FUNCTION _bigbrotr.service_states(
	OUT database text,
	OUT service text,
	OUT instance integer,
	OUT state text,
	OUT pid integer,
	OUT since timestamptz,
	OUT last_success timestamptz,
	OUT last_error text,
	OUT sqlstate text,
	OUT health text,
	OUT health_check_count bigint,
	OUT health_failure_count bigint,
	OUT restart_count bigint,
	OUT cycle_count bigint,
	OUT cycle_last_ms double precision,
	OUT cycle_mean_ms double precision,
	OUT cycle_max_ms double precision,
	OUT next_start timestamptz,
	OUT waiting_for text)
	RETURNS SETOF record
	LANGUAGE c VOLATILE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_states';
COMMENT ON FUNCTION _bigbrotr.service_states() IS 'Rows of view bigbrotr.services';

CREATE VIEW bigbrotr.services AS
	SELECT * FROM _bigbrotr.service_states();
COMMENT ON VIEW bigbrotr.services IS
	'Services of all served databases: state, last error and health of each worker';
COMMENT ON COLUMN bigbrotr.services.database IS 'Database that the worker serves';
COMMENT ON COLUMN bigbrotr.services.service IS 'Name of the service, as bigbrotr.start_service takes it';
COMMENT ON COLUMN bigbrotr.services.instance IS 'Number of the worker among the workers of the service in this database, from 1';
COMMENT ON COLUMN bigbrotr.services.state IS
	'disabled: must not run; enabled: waits for what it needs; running; backoff: failed, starts again at next_start; draining: is being ended; paused; done: ran to its end';
COMMENT ON COLUMN bigbrotr.services.pid IS 'Process id of the worker, as in pg_stat_activity; null: it does not run';
COMMENT ON COLUMN bigbrotr.services.since IS 'When the state began';
COMMENT ON COLUMN bigbrotr.services.last_success IS 'Time of the last commit, or end of the last successful cycle';
COMMENT ON COLUMN bigbrotr.services.last_error IS 'Text of the last failure, or why the service cannot start yet; null in sessions of another database';
COMMENT ON COLUMN bigbrotr.services.sqlstate IS 'Error code of last_error';
COMMENT ON COLUMN bigbrotr.services.health IS 'Result of the last health check: unknown, healthy or unhealthy';
COMMENT ON COLUMN bigbrotr.services.health_check_count IS 'Number of health checks since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.health_failure_count IS 'Number of health checks without a good result since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.restart_count IS 'Number of starts after the first one since the server was started, also after crashes';
COMMENT ON COLUMN bigbrotr.services.cycle_count IS 'Number of cycles since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.cycle_last_ms IS 'Duration of the last cycle, milliseconds';
COMMENT ON COLUMN bigbrotr.services.cycle_mean_ms IS 'Mean duration of a cycle since the start of the worker, milliseconds';
COMMENT ON COLUMN bigbrotr.services.cycle_max_ms IS 'Longest duration of a cycle since the start of the worker, milliseconds';
COMMENT ON COLUMN bigbrotr.services.next_start IS 'When the worker is started again; null: it runs, or waits for no time';
COMMENT ON COLUMN bigbrotr.services.waiting_for IS 'What the worker waits for now; null: for nothing, or the session is of another database';

CREATE FUNCTION bigbrotr.start_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_start_service';
COMMENT ON FUNCTION bigbrotr.start_service(text) IS
	'Starts a service that was stopped, is done, waits after a failure, or is no longer restarted after crashes';

CREATE FUNCTION bigbrotr.stop_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_stop_service';
COMMENT ON FUNCTION bigbrotr.stop_service(text) IS
	'Stops a service until bigbrotr.start_service, also across a restart of the server; returns when its workers have ended';

CREATE FUNCTION bigbrotr.restart_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_restart_service';
COMMENT ON FUNCTION bigbrotr.restart_service(text) IS 'Ends the workers of a service and starts new ones';

CREATE FUNCTION bigbrotr.pause_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_pause_service';
COMMENT ON FUNCTION bigbrotr.pause_service(text) IS
	'Pauses a service until bigbrotr.resume_service, also across a restart of the server; its workers and their connections stay';

CREATE FUNCTION bigbrotr.resume_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_resume_service';
COMMENT ON FUNCTION bigbrotr.resume_service(text) IS 'Ends bigbrotr.pause_service';

CREATE FUNCTION bigbrotr.wait_for_service(name text, state text, timeout interval DEFAULT '30 s')
	RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_wait_for_service';
COMMENT ON FUNCTION bigbrotr.wait_for_service(text, text, interval) IS
	'Waits until all workers of a service are in a state of bigbrotr.services.state; false: timeout';

CREATE FUNCTION bigbrotr.health_check(name text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_health_check';
COMMENT ON FUNCTION bigbrotr.health_check(text) IS
	'Runs a health check of a service now; false: unhealthy, not running, or no answer within 30 seconds';

CREATE FUNCTION bigbrotr.service_stats(name text, instance integer DEFAULT 1) RETURNS jsonb
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_service_stats';
COMMENT ON FUNCTION bigbrotr.service_stats(text, integer) IS
	'Statistics of one worker of a service since its start: {name, uptime_seconds, cycles {seconds, up_to {…}}, health_checks {total, failed, success_rate}, custom {…}}';

CREATE FUNCTION bigbrotr.stop_services() RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_stop_services';
COMMENT ON FUNCTION bigbrotr.stop_services() IS
	'Runs bigbrotr.stop_service for all services of this database';

CREATE FUNCTION bigbrotr.start_services() RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_start_services';
COMMENT ON FUNCTION bigbrotr.start_services() IS
	'Runs bigbrotr.start_service for all services of this database';

CREATE FUNCTION _bigbrotr.library_version() RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_library_version';
COMMENT ON FUNCTION _bigbrotr.library_version() IS 'Version of the library that the session has loaded';

CREATE FUNCTION _bigbrotr.required_schema() RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_required_schema';
COMMENT ON FUNCTION _bigbrotr.required_schema() IS 'Version of the schema that the library of the session was built for';

CREATE FUNCTION bigbrotr.version(OUT library text, OUT schema text, OUT required_schema text)
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT _bigbrotr.library_version(), e.extversion, _bigbrotr.required_schema() FROM pg_extension AS e WHERE e.extname = 'bigbrotr';
	END;
COMMENT ON FUNCTION bigbrotr.version() IS
	'Version of the library, version of the schema of this database, and version of the schema that the library needs; if the last two differ, bigbrotr.health_report says so, and ALTER EXTENSION bigbrotr UPDATE updates the schema';

CREATE FUNCTION _bigbrotr.setting_declarations(
	OUT name text,
	OUT part text,
	OUT default_value text,
	OUT minimum text,
	OUT maximum text)
	RETURNS SETOF record
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_setting_declarations';
COMMENT ON FUNCTION _bigbrotr.setting_declarations() IS
	'Settings as the library declares them, for the view bigbrotr.settings';

CREATE VIEW bigbrotr.settings AS
	SELECT d.name, current_setting(d.name) AS value, d.default_value, d.minimum, d.maximum,
		s.context, d.part, s.source, s.short_desc AS meaning
	FROM _bigbrotr.setting_declarations() AS d JOIN pg_settings AS s ON s.name = d.name;
COMMENT ON VIEW bigbrotr.settings IS 'Settings of bigbrotr in this session; only administrators see settings that are restricted to them';
COMMENT ON COLUMN bigbrotr.settings.name IS 'Name of the setting';
COMMENT ON COLUMN bigbrotr.settings.value IS 'Value of the setting, with its unit';
COMMENT ON COLUMN bigbrotr.settings.default_value IS 'Default of the setting';
COMMENT ON COLUMN bigbrotr.settings.minimum IS 'Smallest value; null: the setting is not a number';
COMMENT ON COLUMN bigbrotr.settings.maximum IS 'Largest value; null: the setting is not a number, or only the type limits it';
COMMENT ON COLUMN bigbrotr.settings.context IS 'How to set it, as in pg_settings: sighup by a reload, superuser and user by SET';
COMMENT ON COLUMN bigbrotr.settings.part IS 'Part that uses the setting: frame (all services), functions (SQL functions), or the name of a service';
COMMENT ON COLUMN bigbrotr.settings.source IS 'Source of the value, as in pg_settings: default, configuration file, session …';
COMMENT ON COLUMN bigbrotr.settings.meaning IS 'What the setting does';
