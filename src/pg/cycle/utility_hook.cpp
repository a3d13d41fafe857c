#include "pg/cycle/utility_hook.h"

#include "pg/border/catalog.h"
#include "pg/cycle/settings.h"
#include "pg/cycle/slots.h"

extern "C" {
#include "access/genam.h"
#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/namespace.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace pg {

static constexpr long kPatienceMs = 5000;

static ProcessUtility_hook_type prev_hook = nullptr;
static object_access_hook_type prev_access_hook = nullptr;

/* Effects of the statements of this backend's transaction. */
struct Touched
{
	char database[NAMEDATALEN];
	bool drained; // no worker may run in it until the transaction ends
	bool renewed; // services that run once must run again after the commit
};
static Touched touched[kDrains];
static int touched_count;
static bool drops; // the database is dropped, so the wishes for its services must go
static bool wakes_services;

/* The entry of the database; null if the transaction has touched kDrains others. */
static Touched *
touch(const char *database)
{
	for (int i = 0; i < touched_count; i++)
		if (strcmp(touched[i].database, database) == 0)
			return &touched[i];
	if (touched_count == kDrains)
		return nullptr;
	Touched *one = &touched[touched_count++];
	*one = {};
	strlcpy(one->database, database, sizeof one->database);
	return one;
}

static Drain *
find_drain(const char *database)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	for (Drain &drain : shared->drains)
		if (drain.holders > 0 && strcmp(drain.database, database) == 0)
			return &drain;
	for (Drain &drain : shared->drains)
		if (drain.holders == 0)
			return &drain;
	return nullptr;
}

/* Keeps workers out of a database until the transaction ends. False if the transaction does so
 * already, or if all entries of Shared::drains are used. */
static bool
hold(const char *database)
{
	Touched *mine = touch(database);
	if (mine == nullptr || mine->drained)
		return false;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Drain *drain = find_drain(database);
	if (drain != nullptr) {
		strlcpy(drain->database, database, sizeof drain->database);
		drain->holders++;
		mine->drained = true;
		wake_launcher();
	}
	LWLockRelease(shared->lock);
	return drain != nullptr;
}

static void
run_once_again(const char *database)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	for (Slot &slot : all_slots())
		if (slot.used && slot.state == State::Done && strcmp(slot.database, database) == 0)
			slot.start_request = true;
}

/* Forgets the wishes for a dropped database, because they must not hold for a later database of
 * this name. */
static void
forget_wishes(const char *database)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	for (Slot &slot : all_slots())
		if (slot.used && strcmp(slot.database, database) == 0)
			slot.stopped = slot.pause = false;
	shared->wishes++;
}

static void
on_end_of_transaction(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT ||
		event == XACT_EVENT_PRE_PREPARE || (touched_count == 0 && !wakes_services))
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < touched_count; i++) {
		const Touched &one = touched[i];
		if (one.drained)
			find_drain(one.database)->holders--;
		if (event != XACT_EVENT_COMMIT || !one.renewed)
			continue;
		run_once_again(one.database);
		if (drops)
			forget_wishes(one.database);
	}
	shared->recheck |= wakes_services && event == XACT_EVENT_COMMIT;
	wake_launcher();
	LWLockRelease(shared->lock);
	touched_count = 0;
	drops = wakes_services = false;
}

static void
drain_database(const char *database)
{
	if (!hold(database))
		return;
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kPatienceMs);
	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;) {
		LWLockAcquire(shared->lock, LW_SHARED);
		bool busy = has_workers(database);
		LWLockRelease(shared->lock);
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (!busy || left <= 0)
			break; // then the statement itself reports the sessions that block it
		ConditionVariableTimedSleep(&shared->changed, left, compat::wait_event("BigbrotrDrain"));
	}
	ConditionVariableCancelSleep();
}

/* ---- the effect of a statement on services ---- */

struct Effect
{
	/* The database whose workers block the statement; null: none, or the statement will be refused
	 * because the user lacks the privilege. */
	const char *drains = nullptr;
	/* The database in which services that run once must run again after the statement; null:
	 * none. */
	const char *renews = nullptr;
	bool drops = false; // the statement drops the database
	bool wakes = false; // services may wait for the object that the statement creates
};

static Oid
own_database(const char *name)
{
	Oid database = get_database_oid(name, true);
	return OidIsValid(database) && compat::owns(DatabaseRelationId, database) ? database
																			  : InvalidOid;
}

static const char *
option(List *options, const char *name)
{
	ListCell *one;
	foreach (one, options) {
		DefElem *element = lfirst_node(DefElem, one);
		if (strcmp(element->defname, name) == 0 && element->arg != nullptr) // not DEFAULT
			return defGetString(element);
	}
	return nullptr;
}

static Effect
of_database(const char *name)
{
	const char *mine = OidIsValid(own_database(name)) ? name : nullptr;
	return {.drains = mine, .renews = mine, .wakes = mine != nullptr};
}

static Effect
of_new_tablespace(AlterDatabaseStmt *statement)
{
	if (option(statement->options, "tablespace") == nullptr ||
		!OidIsValid(own_database(statement->dbname)))
		return {};
	return {.drains = statement->dbname};
}

/* Repeats the checks of createdb(), so that a user cannot end workers with a statement that is then
 * refused. */
static bool
may_copy(const char *name)
{
	Oid database = get_database_oid(name, true);
	return OidIsValid(database) && may_create_databases() &&
		   (is_template(database) || compat::owns(DatabaseRelationId, database));
}

static Effect
of_create_database(CreatedbStmt *statement)
{
	const char *name = option(statement->options, "template");
	if (name == nullptr)
		name = "template1";
	return {.drains = may_copy(name) ? name : nullptr, .wakes = true};
}

static Effect
of_create_extension(CreateExtensionStmt *statement)
{
	if (strcmp(statement->extname, "bigbrotr") != 0 ||
		OidIsValid(get_extension_oid(statement->extname, true)))
		return {}; // any user may run this
	return {.renews = get_database_name(MyDatabaseId), .wakes = true};
}

static Effect
of_extension(const char *name)
{
	if (strcmp(name, "bigbrotr") != 0)
		return {};
	Oid extension = get_extension_oid(name, true);
	if (!OidIsValid(extension) || !compat::owns(ExtensionRelationId, extension))
		return {};
	const char *database = get_database_name(MyDatabaseId);
	return {.drains = database, .renews = database, .wakes = true};
}

/* Whether the table has a row. The table may be in deletion, without its indexes. */
static bool
has_rows(Oid table)
{
	Relation relation = table_open(table, AccessShareLock);
	Snapshot snapshot = RegisterSnapshot(GetLatestSnapshot());
	SysScanDesc scan = systable_beginscan(relation, InvalidOid, false, snapshot, 0, nullptr);
	bool found = HeapTupleIsValid(systable_getnext(scan));
	systable_endscan(scan);
	UnregisterSnapshot(snapshot);
	table_close(relation, AccessShareLock);
	return found;
}

/* The table bigbrotr.events; InvalidOid if it does not exist. */
static Oid
events_table()
{
	Oid schema = get_namespace_oid("bigbrotr", true);
	return OidIsValid(schema) ? get_relname_relid("events", schema) : InvalidOid;
}

/* Refuses to drop an archive with events, because a statement that does not name the archive's
 * tables should not destroy years of data. */
static void
check_drop(Oid events)
{
	if (settings::allow_drop_extension || !OidIsValid(events) || !has_rows(events))
		return;
	ereport(ERROR, (errcode(ERRCODE_DEPENDENT_OBJECTS_STILL_EXIST),
					errmsg("extension \"bigbrotr\" holds archived events"),
					errdetail("The statement would delete all of them."),
					errhint("Back the database up with pg_dump; to delete them, SET "
							"bigbrotr.allow_drop_extension = on and try again.")));
}

/* Many statements drop the extension without naming it, such as DROP OWNED and DROP EXTENSION
 * plpgsql CASCADE. All of them drop its table of events. The scripts of the extension may do so. */
static void
on_object_access(ObjectAccessType access, Oid catalog, Oid object, int column, void *details)
{
	if (prev_access_hook)
		prev_access_hook(access, catalog, object, column, details);
	if (access == OAT_DROP && catalog == RelationRelationId && column == 0 && !creating_extension &&
		object == events_table() && OidIsValid(getExtensionOfObject(catalog, object)))
		check_drop(object);
}

static Effect
of_drop(DropStmt *statement)
{
	if (statement->removeType != OBJECT_EXTENSION)
		return {};
	ListCell *one;
	foreach (one, statement->objects)
		if (Effect effect = of_extension(strVal(lfirst(one))); effect.drains) {
			check_drop(events_table()); // before the workers end
			return effect;
		}
	return {};
}

static Effect
effect_of(Node *statement)
{
	switch (nodeTag(statement)) {
	case T_DropdbStmt: {
		Effect effect = of_database(castNode(DropdbStmt, statement)->dbname);
		effect.drops = effect.renews != nullptr;
		return effect;
	}
	case T_AlterDatabaseStmt:
		return of_new_tablespace(castNode(AlterDatabaseStmt, statement));
	case T_RenameStmt: {
		auto *rename = castNode(RenameStmt, statement);
		return rename->renameType == OBJECT_DATABASE ? of_database(rename->subname) : Effect{};
	}
	case T_CreatedbStmt:
		return of_create_database(castNode(CreatedbStmt, statement));
	case T_DropStmt:
		return of_drop(castNode(DropStmt, statement));
	case T_AlterExtensionStmt:
		return of_extension(castNode(AlterExtensionStmt, statement)->extname);
	case T_CreateExtensionStmt:
		return of_create_extension(castNode(CreateExtensionStmt, statement));
	default:
		return {};
	}
}

static void
hook(PlannedStmt *planned, const char *text, bool read_only, ProcessUtilityContext context,
	 ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver,
	 QueryCompletion *completion)
{
	Effect effect;
	char renews[NAMEDATALEN] = ""; // a copy, because the statement may free its parse tree
	if (shared != nullptr && !RecoveryInProgress())
		effect = effect_of(planned->utilityStmt);
	if (effect.renews)
		strlcpy(renews, effect.renews, sizeof renews);
	if (effect.drains)
		drain_database(effect.drains);
	(prev_hook ? prev_hook : standard_ProcessUtility)(planned, text, read_only, context, parameters,
													  environment, receiver, completion);
	/* This is reached only after success. */
	if (Touched *one = renews[0] != '\0' ? touch(renews) : nullptr)
		one->renewed = true;
	drops |= effect.drops;
	wakes_services |= effect.wakes;
}

void
install_utility_hook()
{
	prev_hook = ProcessUtility_hook;
	ProcessUtility_hook = hook;
	prev_access_hook = object_access_hook;
	object_access_hook = on_object_access;
	RegisterXactCallback(on_end_of_transaction, nullptr);
}

} // namespace pg
