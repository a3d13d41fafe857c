/*
 * The hook for statements that workers would block: DROP DATABASE, ALTER DATABASE … RENAME and SET
 * TABLESPACE, CREATE DATABASE … TEMPLATE, DROP EXTENSION and ALTER EXTENSION … UPDATE. Before such
 * a statement runs, the launcher ends the workers of the database; they start again when the
 * transaction ends. A statement that drops an archive with events, in whatever way, is refused
 * unless bigbrotr.allow_drop_extension is on; only DROP DATABASE is not. CREATE EXTENSION and
 * CREATE DATABASE wake the services that wait for them.
 */
#pragma once

namespace pg {

/* Must be called from _PG_init only. */
void install_utility_hook();

} // namespace pg
