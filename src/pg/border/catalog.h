/*
 * What our processes ask the system catalogs. These functions call PostgreSQL and may raise an
 * ERROR; inside a transaction only.
 */
#pragma once

#include "pg/border/compat.h"

namespace pg {

/*
 * Can a worker connect? Null if so, else why not, in palloc'd memory. Shared catalogs only: needs
 * no database.
 */
const char *why_not_connectable(const char *database, const char *role);

/*
 * Locks the extension against being dropped or altered until the end of the transaction. Null if it
 * is there in the version of this library, else what is wrong, in palloc'd memory.
 */
const char *lock_extension();

/* May the current user create databases? The server's own check is exported by its newest minor
 * releases only. */
bool may_create_databases();

/* May everybody who may create databases copy it? */
bool is_template(Oid database);

} // namespace pg
