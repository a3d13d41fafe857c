/* What the server calls when it loads the core library. */
#include "pg/cycle/preload.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

/*
 * Refuses a preload library of another build. The dynamic linker has loaded the preload library
 * already; if another build was installed and the server was not restarted since, that library is
 * older, and the two disagree about the layout of shared memory.
 */
void
_PG_init()
{
	if (wire::build_id() != pg::preloaded_build)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr and bigbrotr_core are libraries of different builds"),
						errdetail("The server has loaded build \"%s\" and found \"%s\" now.",
								  pg::preloaded_build, wire::build_id().data()),
						errhint("Restart the server.")));
	pg::settings::define();
}
