-- Roles. They belong to the cluster: the extension creates missing roles and never drops them.
-- Each role has the rights of the roles above it; grants.sql lists the rights.
--   bigbrotr_reader  reads everything
--   bigbrotr_writer  adds to the archive through functions that check their arguments
--   bigbrotr_worker  the background workers (before version 17 the server demands LOGIN; it has no password)
--   bigbrotr_admin   manages relays, deletions, services, indexes
-- A role apart from these:
--   bigbrotr_api     executors of the api service, which answer anonymous clients; a reader without further rights (LOGIN as above)

DO $roles$
DECLARE
	role record;
BEGIN
	FOR role IN
		SELECT * FROM (VALUES
			(1, 'bigbrotr_reader', 'NOLOGIN', NULL, 'bigbrotr: reads the archive'),
			(2, 'bigbrotr_writer', 'NOLOGIN', 'bigbrotr_reader', 'bigbrotr: feeds the archive'),
			(3, 'bigbrotr_worker', 'LOGIN', 'bigbrotr_writer', 'bigbrotr: the background workers run as this role'),
			(4, 'bigbrotr_admin', 'NOLOGIN', 'bigbrotr_worker', 'bigbrotr: manages relays and services'),
			(5, 'bigbrotr_api', 'LOGIN', 'bigbrotr_reader', 'bigbrotr: executors of the api service run as this role')
		) AS wanted (n, name, login, parent, comment) ORDER BY n
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role.name) THEN
			EXECUTE format('CREATE ROLE %I %s', role.name, role.login);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.name, role.comment);
		END IF;
		IF NOT pg_has_role(role.name, coalesce(role.parent, role.name), 'MEMBER') THEN
			EXECUTE format('GRANT %I TO %I', role.parent, role.name);
		END IF;
	END LOOP;
END
$roles$;
