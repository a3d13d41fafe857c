/*
 * Questions to the system catalogs. These functions call PostgreSQL and may raise an
 * ERROR; inside a transaction only.
 */
#pragma once

#include "pg/border/compat.h"

namespace pg {

/*
 * Why a worker cannot connect, in palloc'd memory; null if it can. Reads shared catalogs only, so
 * the process needs no database.
 */
const char *why_not_connectable(const char *database, const char *role);

/*
 * Locks the extension against DROP and ALTER until the end of the transaction. Null if it is
 * installed in the version of this library, else what is wrong, in palloc'd memory.
 */
const char *lock_extension();

/*
 * An ERROR if the extension's schema is not the one that this library needs: after an upgrade of
 * the library and before ALTER EXTENSION UPDATE, or the other way round. For functions that use
 * tables or functions of the schema by their names.
 */
void require_schema();

/* May the current user create databases? The server exports its own check only since late minor
 * releases. */
bool may_create_databases();

/* Is the database a template, which any user who may create databases can copy? */
bool is_template(Oid database);

} // namespace pg
