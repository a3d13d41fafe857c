/* What the server calls when it loads the library. */
#include "settings.h"

#include "compat.h"

extern "C" {
PG_MODULE_MAGIC;

PGDLLEXPORT void _PG_init();
}

void
_PG_init()
{
	pg::settings::define();
}
