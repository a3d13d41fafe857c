/* What the server calls when it loads the core library. */
#include "pg/cycle/preload.h"

#include "pg/border/compat.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

/*
 * The dynamic linker has loaded the preload library before. It is an older one if another build was
 * installed and the server has not been restarted since: then the two disagree about what is where
 * in shared memory.
 */
void
_PG_init()
{
	if (wire::build_id() != pg::preloaded_build)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("libraries of two builds of bigbrotr meet"),
						errdetail("The server has loaded build \"%s\" and found \"%s\" now.",
								  pg::preloaded_build, wire::build_id().data()),
						errhint("Restart the server.")));
	pg::settings::define();
}
