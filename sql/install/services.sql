-- The services: what they do, and how to command them. Everything acts on the current database; all
-- state is in shared memory, so nothing here waits for, or is undone by, a transaction.

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
	'The services of all served databases: what each one does now, and whether it is well';
COMMENT ON COLUMN bigbrotr.services.database IS 'The database it serves';
COMMENT ON COLUMN bigbrotr.services.service IS 'Its name, as start_service and the like take it';
COMMENT ON COLUMN bigbrotr.services.instance IS 'Number of the worker among those of the service in this database, from 1 on';
COMMENT ON COLUMN bigbrotr.services.state IS
	'disabled: not to run; enabled: waits for what it needs; running; backoff: failed, starts again at next_start; draining: being ended; paused; done: ran to its end';
COMMENT ON COLUMN bigbrotr.services.pid IS 'Process of its worker, as in pg_stat_activity';
COMMENT ON COLUMN bigbrotr.services.since IS 'When it came into its state';
COMMENT ON COLUMN bigbrotr.services.last_success IS 'The last commit or the end of the last good cycle';
COMMENT ON COLUMN bigbrotr.services.last_error IS 'The last failure, or why the service cannot start yet; null in sessions of another database';
COMMENT ON COLUMN bigbrotr.services.sqlstate IS 'Error code of last_error';
COMMENT ON COLUMN bigbrotr.services.health IS 'Result of the last health check: unknown, healthy or unhealthy';
COMMENT ON COLUMN bigbrotr.services.health_check_count IS 'Since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.health_failure_count IS 'Health checks without a good result, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.restart_count IS 'Starts after the first one in this run of the server, those after a crash included';
COMMENT ON COLUMN bigbrotr.services.cycle_count IS 'Since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.cycle_last_ms IS 'Time of the last cycle';
COMMENT ON COLUMN bigbrotr.services.cycle_mean_ms IS 'Mean time of a cycle, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.cycle_max_ms IS 'Longest time of a cycle, since the start of the worker';
COMMENT ON COLUMN bigbrotr.services.next_start IS 'When it is tried again; null if it runs or waits for no time';
COMMENT ON COLUMN bigbrotr.services.waiting_for IS 'What it waits for now; null if for nothing, and in sessions of another database';

CREATE FUNCTION bigbrotr.start_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_start_service';
COMMENT ON FUNCTION bigbrotr.start_service(text) IS
	'Starts a service that was stopped, is done, waits after a failure or was given up after crashes';

CREATE FUNCTION bigbrotr.stop_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_stop_service';
COMMENT ON FUNCTION bigbrotr.stop_service(text) IS
	'Stops a service until it is started again, also over a restart of the server; returns when its workers are gone';

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
	'Keeps a service from working, with its workers and their connections, until resume_service, also over a restart of the server';

CREATE FUNCTION bigbrotr.resume_service(name text) RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_resume_service';
COMMENT ON FUNCTION bigbrotr.resume_service(text) IS 'Ends pause_service';

CREATE FUNCTION bigbrotr.wait_for_service(name text, state text, timeout interval DEFAULT '30 s')
	RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_wait_for_service';
COMMENT ON FUNCTION bigbrotr.wait_for_service(text, text, interval) IS
	'Waits until all workers of a service are in a state; false if that takes longer';

CREATE FUNCTION bigbrotr.health_check(name text) RETURNS boolean
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_health_check';
COMMENT ON FUNCTION bigbrotr.health_check(text) IS
	'Asks a service now whether it is well; false if it is not, does not run or does not answer within 30 s';

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
	'stop_service for all services of this database';

CREATE FUNCTION bigbrotr.start_services() RETURNS void
	LANGUAGE c VOLATILE STRICT PARALLEL RESTRICTED
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_start_services';
COMMENT ON FUNCTION bigbrotr.start_services() IS
	'start_service for all services of this database';

CREATE FUNCTION _bigbrotr.library_version() RETURNS text
	LANGUAGE c STABLE STRICT PARALLEL SAFE
	SET search_path = pg_catalog, pg_temp
	AS 'MODULE_PATHNAME', 'bigbrotr_library_version';
COMMENT ON FUNCTION _bigbrotr.library_version() IS 'Version of the library that the session has loaded';

CREATE FUNCTION bigbrotr.version(OUT library text, OUT schema text)
	LANGUAGE sql STABLE PARALLEL SAFE
	BEGIN ATOMIC
		SELECT _bigbrotr.library_version(), e.extversion FROM pg_extension AS e WHERE e.extname = 'bigbrotr';
	END;
COMMENT ON FUNCTION bigbrotr.version() IS
	'Version of the library, and of the schema of this database, which ALTER EXTENSION bigbrotr UPDATE brings up to date';

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
	'The settings as the library declares them, for view bigbrotr.settings';

CREATE VIEW bigbrotr.settings AS
	SELECT d.name, current_setting(d.name) AS value, d.default_value, d.minimum, d.maximum,
		s.context, d.part, s.source, s.short_desc AS meaning
	FROM _bigbrotr.setting_declarations() AS d JOIN pg_settings AS s ON s.name = d.name;
COMMENT ON VIEW bigbrotr.settings IS 'Settings of bigbrotr in this session; those that only administrators may see are shown to them alone';
COMMENT ON COLUMN bigbrotr.settings.name IS 'Name of the setting';
COMMENT ON COLUMN bigbrotr.settings.value IS 'Its value, with unit';
COMMENT ON COLUMN bigbrotr.settings.default_value IS 'The value that it has if nobody sets it';
COMMENT ON COLUMN bigbrotr.settings.minimum IS 'The smallest value allowed; null if it is not a number';
COMMENT ON COLUMN bigbrotr.settings.maximum IS 'The largest value allowed; null if it is not a number or only the type limits it';
COMMENT ON COLUMN bigbrotr.settings.context IS 'How it can be set, as in pg_settings: sighup takes a reload, superuser and user a SET';
COMMENT ON COLUMN bigbrotr.settings.part IS 'What it is for: frame (all services), functions (SQL functions), or the service of that name';
COMMENT ON COLUMN bigbrotr.settings.source IS 'Where the value comes from, as in pg_settings: default, configuration file, session …';
COMMENT ON COLUMN bigbrotr.settings.meaning IS 'What it does';
