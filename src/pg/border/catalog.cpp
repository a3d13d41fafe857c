#include "pg/border/catalog.h"

#include <array>

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

/* The numbers of a version, such as "0.2.0"; parts that are no numbers count as zero. */
static std::array<int, 3>
version_numbers(const char *version)
{
	std::array<int, 3> numbers{};
	sscanf(version, "%d.%d.%d", &numbers[0], &numbers[1], &numbers[2]);
	return numbers;
}

static const char *
cure(const char *version)
{
	return version_numbers(version) > version_numbers(BIGBROTR_SCHEMA)
			   ? psprintf("Install bigbrotr %s or newer and restart the server", version)
			   : "Run ALTER EXTENSION bigbrotr UPDATE";
}

const char *
lock_extension()
{
	Oid extension = get_extension_oid("bigbrotr", true);
	char *version = nullptr;
	if (OidIsValid(extension)) {
		/* The locks are taken in the order of DROP EXTENSION, which locks the extension exclusively
		 * and then our tables. */
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		version = extension_version(extension); // DROP EXTENSION may have committed during the wait
	}
	if (version == nullptr)
		return psprintf("extension \"bigbrotr\" is not installed in database \"%s\"; "
						"run CREATE EXTENSION bigbrotr",
						get_database_name(MyDatabaseId));
	if (strcmp(version, BIGBROTR_SCHEMA) != 0)
		return psprintf("extension \"bigbrotr\" has schema version %s, the library needs %s. %s",
						version, BIGBROTR_SCHEMA, cure(version));
	return nullptr;
}

void
require_schema()
{
	static bool served = false; // the schema was checked before
	/* During CREATE EXTENSION and ALTER EXTENSION UPDATE the schema is incomplete. */
	if (served || creating_extension)
		return;
	Oid extension = get_extension_oid("bigbrotr", true);
	char *version = OidIsValid(extension) ? extension_version(extension) : nullptr;
	if (version == nullptr)
		return;
	if (strcmp(version, BIGBROTR_SCHEMA) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the schema of extension \"bigbrotr\" is not the one of its library"),
				 errdetail("The schema has version %s, the library needs %s.", version,
						   BIGBROTR_SCHEMA),
				 errhint("%s.", cure(version))));
	served = true;
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
