#include "pg/cycle/utility_hook.h"

#include "pg/border/catalog.h"
#include "pg/cycle/slots.h"

#include "pg/border/compat.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_database.h"
#include "catalog/pg_extension.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "commands/extension.h"
#include "nodes/parsenodes.h"
#include "nodes/value.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

namespace pg {

static constexpr long kPatienceMs = 5000;

static ProcessUtility_hook_type next_hook = nullptr;

/* Of this backend's transaction. */
static char drained[NAMEDATALEN];
static char renewed[NAMEDATALEN]; // will not be what it was: what runs once must run again
static bool wakes_services;

static Drain *
find_drain(const char *database)
{
	for (Drain &drain : shared->drains)
		if (drain.holders > 0 && strcmp(drain.database, database) == 0)
			return &drain;
	for (Drain &drain : shared->drains)
		if (drain.holders == 0)
			return &drain;
	return nullptr;
}

/* Keeps workers out of a database until the transaction ends. False if there is no room for that.
 */
static bool
hold(const char *database)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Drain *drain = find_drain(database);
	if (drain != nullptr) {
		strlcpy(drain->database, database, sizeof drain->database);
		drain->holders++;
		strlcpy(drained, database, sizeof drained);
		wake_launcher();
	}
	LWLockRelease(shared->lock);
	return drain != nullptr;
}

static void
run_once_again(const char *database)
{
	for (Slot &slot : shared->slots)
		if (slot.used && slot.state == State::Done && strcmp(slot.database, database) == 0)
			slot.start_request = true;
}

static void
on_end_of_transaction(XactEvent event, void *)
{
	if (event == XACT_EVENT_PRE_COMMIT || event == XACT_EVENT_PARALLEL_PRE_COMMIT ||
		event == XACT_EVENT_PRE_PREPARE || (drained[0] == '\0' && !wakes_services))
		return;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (drained[0] != '\0')
		find_drain(drained)->holders--;
	if (event == XACT_EVENT_COMMIT)
		run_once_again(renewed);
	shared->recheck |= wakes_services;
	wake_launcher();
	LWLockRelease(shared->lock);
	drained[0] = renewed[0] = '\0';
	wakes_services = false;
}

static void
drain_database(const char *database)
{
	if (drained[0] != '\0' || !hold(database))
		return; // a transaction has to do with one database only
	TimestampTz deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), kPatienceMs);
	ConditionVariablePrepareToSleep(&shared->changed);
	for (;;) {
		LWLockAcquire(shared->lock, LW_SHARED);
		bool busy = has_workers(database);
		LWLockRelease(shared->lock);
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
		if (!busy || left <= 0)
			break; // after that long the statement itself says what is in its way
		ConditionVariableTimedSleep(&shared->changed, left, compat::wait_event("BigbrotrDrain"));
	}
	ConditionVariableCancelSleep();
}

/* ---- which database; null: none, or the user may not do that anyway ---- */

static const char *
own_database(const char *name)
{
	Oid database = get_database_oid(name, true);
	bool mine = OidIsValid(database) && compat::owns(DatabaseRelationId, database);
	return mine ? name : nullptr;
}

static const char *
own_database_renewed(const char *name)
{
	wakes_services = true;
	strlcpy(renewed, name, sizeof renewed);
	return own_database(name);
}

static const char *
option(List *options, const char *name)
{
	ListCell *one;
	foreach (one, options) {
		DefElem *element = lfirst_node(DefElem, one);
		if (strcmp(element->defname, name) == 0)
			return defGetString(element);
	}
	return nullptr;
}

static const char *
template_database(CreatedbStmt *statement)
{
	wakes_services = true;
	const char *name = option(statement->options, "template");
	if (name == nullptr)
		name = "template1";
	return may_create_databases() ? name : nullptr;
}

static bool
is_ours(const char *extension)
{
	if (strcmp(extension, "bigbrotr") != 0)
		return false;
	wakes_services = true;
	strlcpy(renewed, get_database_name(MyDatabaseId), sizeof renewed);
	return true;
}

static const char *
database_of_extension(const char *name)
{
	if (!is_ours(name))
		return nullptr;
	Oid extension = get_extension_oid(name, true);
	bool mine = OidIsValid(extension) && compat::owns(ExtensionRelationId, extension);
	return mine ? get_database_name(MyDatabaseId) : nullptr;
}

static const char *
database_of_dropped(DropStmt *statement)
{
	if (statement->removeType != OBJECT_EXTENSION)
		return nullptr;
	ListCell *one;
	foreach (one, statement->objects)
		if (const char *database = database_of_extension(strVal(lfirst(one))))
			return database;
	return nullptr;
}

static const char *
database_in_the_way(Node *statement)
{
	switch (nodeTag(statement)) {
	case T_DropdbStmt:
		return own_database_renewed(castNode(DropdbStmt, statement)->dbname);
	case T_AlterDatabaseStmt: {
		auto *alter = castNode(AlterDatabaseStmt, statement);
		return option(alter->options, "tablespace") ? own_database(alter->dbname) : nullptr;
	}
	case T_RenameStmt: {
		auto *rename = castNode(RenameStmt, statement);
		return rename->renameType == OBJECT_DATABASE ? own_database_renewed(rename->subname)
													 : nullptr;
	}
	case T_CreatedbStmt:
		return template_database(castNode(CreatedbStmt, statement));
	case T_DropStmt:
		return database_of_dropped(castNode(DropStmt, statement));
	case T_AlterExtensionStmt:
		return database_of_extension(castNode(AlterExtensionStmt, statement)->extname);
	case T_CreateExtensionStmt:
		is_ours(castNode(CreateExtensionStmt, statement)->extname);
		return nullptr;
	default:
		return nullptr;
	}
}

static void
hook(PlannedStmt *planned, const char *text, bool read_only, ProcessUtilityContext context,
	 ParamListInfo parameters, QueryEnvironment *environment, DestReceiver *receiver,
	 QueryCompletion *completion)
{
	if (shared != nullptr && !RecoveryInProgress())
		if (const char *database = database_in_the_way(planned->utilityStmt))
			drain_database(database);
	(next_hook ? next_hook : standard_ProcessUtility)(planned, text, read_only, context, parameters,
													  environment, receiver, completion);
}

void
install_utility_hook()
{
	next_hook = ProcessUtility_hook;
	ProcessUtility_hook = hook;
	RegisterXactCallback(on_end_of_transaction, nullptr);
}

} // namespace pg
