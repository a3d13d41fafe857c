-- Roles. They belong to the cluster: the extension creates missing roles and never drops them. Roles that exist may come from
-- another database, or from somebody who wants to be their member: then CREATE EXTENSION names the members.
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
	ours text[] := '{}';
	found text[] := '{}'; -- those that were there before
	members text;
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
		ours := ours || role.name;
		IF EXISTS (SELECT FROM pg_roles WHERE rolname = role.name) THEN
			found := found || role.name;
			IF role.login = 'NOLOGIN' AND (SELECT r.rolcanlogin FROM pg_roles AS r WHERE r.rolname = role.name) THEN
				RAISE WARNING USING
					MESSAGE = format('role "%s" was there before, and may log in', role.name),
					DETAIL = 'Whoever knows its password may do here what the extension allows it.',
					HINT = format('If you did not make it so: ALTER ROLE %I NOLOGIN PASSWORD NULL.', role.name);
			END IF;
		ELSE
			EXECUTE format('CREATE ROLE %I %s', role.name, role.login);
			EXECUTE format('COMMENT ON ROLE %I IS %L', role.name, role.comment);
		END IF;
		IF NOT pg_has_role(role.name, coalesce(role.parent, role.name), 'MEMBER') THEN
			EXECUTE format('GRANT %I TO %I', role.parent, role.name);
		END IF;
	END LOOP;
	-- A reader changes nothing, and a superuser needs no membership.
	SELECT string_agg(format('"%s" of "%s"', m.rolname, r.rolname), ', ' ORDER BY m.rolname, r.rolname) INTO members
	FROM pg_auth_members AS a
	     JOIN pg_roles AS r ON r.oid = a.roleid
	     JOIN pg_roles AS m ON m.oid = a.member
	WHERE r.rolname = ANY (found) AND r.rolname <> 'bigbrotr_reader'
	      AND m.rolname <> ALL (ours || current_user::text) AND NOT m.rolsuper;
	IF members IS NOT NULL THEN
		RAISE WARNING USING
			MESSAGE = 'roles of bigbrotr were there before, and have members: ' || members,
			DETAIL = 'A member may do here what the extension allows its role.',
			HINT = 'If you did not grant that, for another database perhaps: REVOKE role FROM member.';
	END IF;
END
$roles$;
