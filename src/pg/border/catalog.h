/*
 * Questions to the system catalogs. These functions call PostgreSQL and may raise an ERROR. They
 * must be called inside a transaction.
 */
#pragma once

#include "pg/border/compat.h"

namespace pg {

/*
 * Why a worker cannot connect, as palloc'd text; null if it can. Reads only shared catalogs, so the
 * process needs no database.
 */
const char *why_not_connectable(const char *database, const char *role);

/*
 * Locks the extension against DROP and ALTER until the end of the transaction. Returns null if the
 * extension is installed in the version of this library, else a description of the fault
 * (palloc'd).
 */
const char *lock_extension();

/*
 * Raises an ERROR if the extension's schema is not the one that this library needs: after an
 * upgrade of the library and before ALTER EXTENSION UPDATE, or the reverse. For functions that use
 * tables or functions of the schema by name.
 */
void require_schema();

/* Whether the current user may create databases. Older minor releases of the server do not export
 * their own check. */
bool may_create_databases();

/* Whether the database is a template. Any user who may create databases can copy a template. */
bool is_template(Oid database);

} // namespace pg
