#include "pg/border/catalog.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/indexing.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/relcache.h"
#include "utils/syscache.h"
}

namespace pg {

static const char *
why_no_database(const char *name)
{
	Relation relation = table_open(DatabaseRelationId, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, Anum_pg_database_datname, BTEqualStrategyNumber, F_NAMEEQ,
				CStringGetDatum(name));
	/* A process without a database may have no entry for the index yet. */
	SysScanDesc scan = systable_beginscan(relation, DatabaseNameIndexId,
										  criticalSharedRelcachesBuilt, nullptr, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	const char *reason = nullptr;
	if (!HeapTupleIsValid(tuple))
		reason = psprintf("database \"%s\" does not exist", name);
	else if (!reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datallowconn)
		reason = psprintf("database \"%s\" does not accept connections", name);
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return reason;
}

static const char *
why_no_role(const char *name)
{
	HeapTuple tuple = SearchSysCache1(AUTHNAME, CStringGetDatum(name));
	if (!HeapTupleIsValid(tuple))
		return psprintf("role \"%s\" does not exist", name);
	bool can_login = reinterpret_cast<Form_pg_authid>(GETSTRUCT(tuple))->rolcanlogin;
	ReleaseSysCache(tuple);
	return can_login ? nullptr : psprintf("role \"%s\" is not permitted to log in", name);
}

const char *
why_not_connectable(const char *database, const char *role)
{
	const char *reason = why_no_database(database);
	return reason ? reason : why_no_role(role);
}

static char *
extension_version(Oid extension)
{
	Relation relation = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	SysScanDesc scan = systable_beginscan(relation, ExtensionOidIndexId, true, nullptr, 1, &key);
	HeapTuple tuple = systable_getnext(scan);
	char *version = nullptr;
	if (HeapTupleIsValid(tuple)) {
		bool is_null;
		Datum datum =
			heap_getattr(tuple, Anum_pg_extension_extversion, RelationGetDescr(relation), &is_null);
		version = TextDatumGetCString(datum);
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return version;
}

const char *
lock_extension()
{
	Oid extension = get_extension_oid("bigbrotr", true);
	char *version = nullptr;
	if (OidIsValid(extension)) {
		/* DROP EXTENSION locks the extension exclusively before our tables: the same order as here.
		 */
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		version = extension_version(extension); // DROP EXTENSION may have committed while we waited
	}
	if (version == nullptr)
		return psprintf("extension \"bigbrotr\" is not installed in database \"%s\"; "
						"run CREATE EXTENSION bigbrotr",
						get_database_name(MyDatabaseId));
	if (strcmp(version, BIGBROTR_VERSION) != 0)
		return psprintf("extension \"bigbrotr\" has version %s, the library has %s; "
						"run ALTER EXTENSION bigbrotr UPDATE",
						version, BIGBROTR_VERSION);
	return nullptr;
}

bool
may_create_databases()
{
	if (superuser())
		return true;
	HeapTuple role = SearchSysCache1(AUTHOID, ObjectIdGetDatum(GetUserId()));
	if (!HeapTupleIsValid(role))
		return false;
	bool may = reinterpret_cast<Form_pg_authid>(GETSTRUCT(role))->rolcreatedb;
	ReleaseSysCache(role);
	return may;
}

bool
is_template(Oid database)
{
	HeapTuple tuple = SearchSysCache1(DATABASEOID, ObjectIdGetDatum(database));
	if (!HeapTupleIsValid(tuple))
		return false;
	bool result = reinterpret_cast<Form_pg_database>(GETSTRUCT(tuple))->datistemplate;
	ReleaseSysCache(tuple);
	return result;
}

} // namespace pg
