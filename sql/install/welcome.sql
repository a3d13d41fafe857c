-- CREATE EXTENSION warns that no worker runs, or that the size of the archive has no limit. These are warnings, because the
-- server hides notices of an install script.
DO $welcome$
BEGIN
	IF current_setting('shared_preload_libraries') !~ '\mbigbrotr\M' THEN
		RAISE WARNING USING
			MESSAGE = 'no background worker runs',
			DETAIL = 'The library is not preloaded: tables, views and functions work, but no relay is archived.',
			HINT = 'Set shared_preload_libraries = ''bigbrotr'' and bigbrotr.databases in postgresql.conf and restart the server.';
	ELSIF current_setting('bigbrotr.databases') <> '' AND current_setting('bigbrotr.max_database_size') = '0' AND EXISTS (
		SELECT FROM _bigbrotr.service_states() AS s WHERE s.database = current_database() AND s.service = 'synchronizer')
	THEN
		RAISE WARNING USING
			MESSAGE = 'the background workers begin to archive the relays of the seed list, and the size of the archive has no limit',
			DETAIL = format('They read all of the history of each relay; ten million events take about 8 GB. They stop when a disk has less than %s free (bigbrotr.min_free_disk).',
				current_setting('bigbrotr.min_free_disk')),
			HINT = 'Set bigbrotr.max_database_size. bigbrotr.seed_file chooses the relays; SELECT bigbrotr.stop_service(''synchronizer''); stops reading.';
	END IF;
END
$welcome$;
