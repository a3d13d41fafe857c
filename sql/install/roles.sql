-- Roles. They belong to the cluster, not to the extension: made if missing, never dropped by it.
--   bigbrotr_reader  reads everything
--   bigbrotr_writer  reader; feeds the archive through the functions below
--   bigbrotr_admin   writer; relays, deletions, services
--   bigbrotr_worker  writer; the background workers (before version 17 the server demands LOGIN;
--                    it has no password)

DO $roles$
DECLARE
	role record;
BEGIN
	FOR role IN
		SELECT * FROM (VALUES
			('bigbrotr_reader', 'NOLOGIN', 'bigbrotr: reads the archive'),
			('bigbrotr_writer', 'NOLOGIN', 'bigbrotr: feeds the archive'),
			('bigbrotr_admin', 'NOLOGIN', 'bigbrotr: manages relays and services'),
			('bigbrotr_worker', 'LOGIN', 'bigbrotr: the background workers run as this role')
		) AS wanted (name, login, comment)
	LOOP
		IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = role.name) THEN
			EXECUTE format('CREATE ROLE %I %s', role.name, role.login);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.name, role.comment);
		END IF;
	END LOOP;
	FOR role IN
		SELECT * FROM (VALUES
			('bigbrotr_writer', 'bigbrotr_reader'),
			('bigbrotr_admin', 'bigbrotr_writer'),
			('bigbrotr_worker', 'bigbrotr_writer')
		) AS wanted (member, parent)
	LOOP
		IF NOT pg_has_role(role.member, role.parent, 'MEMBER') THEN
			EXECUTE format('GRANT %I TO %I', role.parent, role.member);
		END IF;
	END LOOP;
END
$roles$;

