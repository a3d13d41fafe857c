-- CREATE EXTENSION warns that no worker runs, or that the size of the archive has no limit. These are warnings, because the
-- server hides notices of an install script.
DO $welcome$
BEGIN
	IF current_setting('shared_preload_libraries') !~ '\mbigbrotr\M' THEN
		RAISE WARNING USING
			MESSAGE = 'no background worker runs',
			DETAIL = 'The library is not preloaded: tables, views and functions work, but no relay is archived.',
			HINT = 'Set shared_preload_libraries = ''bigbrotr'' and bigbrotr.databases in postgresql.conf and restart the server.';
	ELSIF current_setting('bigbrotr.databases') = '' THEN
		RETURN; -- the log of the server says that no database is served
	ELSIF NOT EXISTS (SELECT FROM _bigbrotr.service_states() AS s WHERE s.database = current_database()) THEN
		RAISE WARNING USING
			MESSAGE = format('no background worker runs in database "%s"', current_database()),
			DETAIL = 'The database is not in bigbrotr.databases: tables, views and functions work, but no relay is archived.',
			HINT = 'Add the database to bigbrotr.databases in postgresql.conf and reload the server.';
	ELSE
		PERFORM _bigbrotr.warn_of_size();
	END IF;
END
$welcome$;
