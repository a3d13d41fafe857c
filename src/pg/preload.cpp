/* What the server calls when it loads the preload library. */
#include "pg/cycle/preload.h"
#include "pg/cycle/launcher.h"
#include "pg/cycle/slots.h"
#include "pg/cycle/utility_hook.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

const char pg::preloaded_build[] = BIGBROTR_BUILD;

/*
 * Without shared_preload_libraries only the settings are defined. Then functions that need no
 * worker work, and the others raise an error with a hint. This function never raises an ERROR,
 * which would break pg_upgrade.
 */
void
_PG_init()
{
	pg::settings::define();
	if (!process_shared_preload_libraries_in_progress || IsBinaryUpgrade)
		return;
	pg::install_shared_memory();
	pg::install_utility_hook();
	pg::register_launcher();
}
