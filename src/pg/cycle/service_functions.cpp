/*
 * What SQL may ask of the services of the current database (services.sql). A function writes a wish
 * into the slot, wakes who has to fulfil it, and waits if its name promises that. Plain functions
 * in PostgreSQL's manner: no C++ object with a destructor, so an ERROR may leave them anywhere.
 */
#include "pg/cycle/service_functions.h"

#include "pg/border/settings.h"
#include "pg/cycle/service_entry.h"
#include "pg/cycle/slots.h"

#include "pg/border/compat.h"

extern "C" {
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "nodes/pg_list.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(bigbrotr_service_start);
PG_FUNCTION_INFO_V1(bigbrotr_service_stop);
PG_FUNCTION_INFO_V1(bigbrotr_service_restart);
PG_FUNCTION_INFO_V1(bigbrotr_service_pause);
PG_FUNCTION_INFO_V1(bigbrotr_service_resume);
PG_FUNCTION_INFO_V1(bigbrotr_service_wait);
PG_FUNCTION_INFO_V1(bigbrotr_health_check);
PG_FUNCTION_INFO_V1(bigbrotr_stop_workers);
PG_FUNCTION_INFO_V1(bigbrotr_start_workers);

PGDLLEXPORT Datum bigbrotr_service_start(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_stop(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_restart(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_pause(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_resume(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_wait(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_health_check(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_stop_workers(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_start_workers(PG_FUNCTION_ARGS);
}

namespace pg {

static constexpr int64 kPatienceUs = 30 * USECS_PER_SEC;
static constexpr int64 kSlotPatienceUs = 10 * USECS_PER_SEC;

void
require_preload()
{
	if (shared == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("bigbrotr must be loaded via \"shared_preload_libraries\" to run services"),
				 errhint("Add bigbrotr to \"shared_preload_libraries\", list the databases to "
						 "serve in \"bigbrotr.databases\", and restart the server.")));
}

/* ---- waiting ---- */

/* Sleeps until something is announced. False when the deadline is past. */
static bool
sleep_until_change(TimestampTz deadline)
{
	long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	if (left <= 0)
		return false;
	static const uint32 wait_event = compat::wait_event("BigbrotrServiceWait");
	ConditionVariableTimedSleep(&shared->changed, left, wait_event);
	return true;
}

/* Waits until `condition`, asked with the lock held, is true; false when time is up. */
template <class F>
static bool
wait_until(int64 patience_us, F condition)
{
	TimestampTz deadline = GetCurrentTimestamp() + patience_us;
	ConditionVariablePrepareToSleep(&shared->changed);
	bool met;
	do {
		LWLockAcquire(shared->lock, LW_SHARED);
		met = condition();
		LWLockRelease(shared->lock);
	} while (!met && sleep_until_change(deadline));
	ConditionVariableCancelSleep();
	return met;
}

/* ---- which service ---- */

static bool
is_listed(const char *list, const char *name)
{
	List *names;
	if (!SplitIdentifierString(pstrdup(list), ',', &names))
		return false;
	ListCell *one;
	foreach (one, names)
		if (strcmp(static_cast<char *>(lfirst(one)), name) == 0)
			return true;
	return false;
}

/* The beginning of what may be long. */
static const char *
shown(const char *name)
{
	return pnstrdup(name, pg_mbcliplen(name, static_cast<int>(strlen(name)), 64));
}

static void
require_service(const char *name)
{
	StringInfoData names;
	initStringInfo(&names);
	for (const ServiceEntry *entry : services()) {
		if (strcmp(entry->name, name) == 0)
			return;
		appendStringInfo(&names, "%s%s", names.len ? ", " : "", entry->name);
	}
	ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("there is no service \"%s\"", shown(name)),
					errdetail("It is looked for in the current database."),
					errhint("Services are: %s.", names.data)));
}

static void
require_served(const char *database)
{
	if (RecoveryInProgress())
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr runs no services during recovery"),
						errhint("Services start when this server is promoted.")));
	if (!is_listed(settings::databases, database))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr does not serve database \"%s\"", database),
						errhint("Add it to \"bigbrotr.databases\" and reload the configuration.")));
}

Slot *
require_slot(const char *service)
{
	require_preload();
	require_service(service);
	const char *database = get_database_name(MyDatabaseId);
	require_served(database);
	Slot *slot = nullptr;
	if (!wait_until(kSlotPatienceUs,
					[&] { return (slot = find_slot(database, service)) != nullptr; }))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr has no place for service \"%s\"", service),
						errhint("Look for messages of the bigbrotr launcher in the server log.")));
	return slot;
}

static char *
name_argument(FunctionCallInfo fcinfo)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/* ---- wishes ---- */

/* Changes the wishes for one service and wakes launcher and worker. */
template <class F>
static Slot *
wish(const char *service, F change)
{
	Slot *slot = require_slot(service);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	change(*slot);
	wake_launcher();
	if (slot->latch)
		SetLatch(slot->latch);
	LWLockRelease(shared->lock);
	return slot;
}

static void
ask_start(Slot &slot)
{
	slot.stopped = false;
	slot.start_request = true;
	shared->crash_reset = true;
}

static void
require_enabled(const char *service)
{
	if (!settings::enabled)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("services are switched off"),
						errhint("Set \"bigbrotr.enabled\" to on and reload the configuration.")));
	if (!is_listed(settings::services, service))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("service \"%s\" is not to run here", service),
						errhint("Add it to \"bigbrotr.services\" and reload the configuration.")));
}

static void
wait_until_gone(Slot *slot)
{
	bool gone = wait_until(kPatienceUs, [&] {
		return !slot->has_worker && (slot->state == State::Disabled || !slot->stopped);
	});
	if (!gone)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("service \"%s\" has not stopped within 30 s", slot->service),
						errhint("It will stop as soon as it can; see view bigbrotr.services.")));
}

/* After that, service_wait() sees the new worker and not the old one. */
static void
wait_until_taken(Slot *slot)
{
	if (!wait_until(kPatienceUs, [&] { return !slot->start_request && !slot->restart_request; }))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the launcher has not started service \"%s\" within 30 s", slot->service),
				 errhint("Look for messages of the bigbrotr launcher in the server log.")));
}

/* Runs for each service there is. */
template <class F>
static void
for_each_service(F body)
{
	for (const ServiceEntry *entry : services())
		body(entry->name);
}

static bool
is_state(const Slot *slot, const char *name)
{
	return slot->used && strcmp(state_name(*slot), name) == 0;
}

} // namespace pg

using namespace pg;

Datum
bigbrotr_service_start(PG_FUNCTION_ARGS)
{
	const char *service = name_argument(fcinfo);
	require_preload();
	require_service(service);
	require_enabled(service);
	wait_until_taken(wish(service, ask_start));
	PG_RETURN_VOID();
}

Datum
bigbrotr_service_stop(PG_FUNCTION_ARGS)
{
	wait_until_gone(wish(name_argument(fcinfo), [](Slot &slot) { slot.stopped = true; }));
	PG_RETURN_VOID();
}

Datum
bigbrotr_service_restart(PG_FUNCTION_ARGS)
{
	const char *service = name_argument(fcinfo);
	require_preload();
	require_service(service);
	require_enabled(service);
	wait_until_taken(wish(service, [](Slot &slot) {
		slot.stopped = false;
		slot.restart_request = true;
		shared->crash_reset = true;
	}));
	PG_RETURN_VOID();
}

Datum
bigbrotr_service_pause(PG_FUNCTION_ARGS)
{
	wish(name_argument(fcinfo), [](Slot &slot) { slot.pause = true; });
	PG_RETURN_VOID();
}

Datum
bigbrotr_service_resume(PG_FUNCTION_ARGS)
{
	wish(name_argument(fcinfo), [](Slot &slot) { slot.pause = false; });
	PG_RETURN_VOID();
}

Datum
bigbrotr_service_wait(PG_FUNCTION_ARGS)
{
	const char *state = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const Interval *timeout = PG_GETARG_INTERVAL_P(2);
	if (!is_state_name(state))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no state \"%s\"", shown(state)),
						errdetail("No service would ever be in it."),
						errhint("States are: disabled, enabled, running, backoff, draining, "
								"paused, done.")));
	int64 patience =
		timeout->time + (timeout->day + timeout->month * int64{DAYS_PER_MONTH}) * USECS_PER_DAY;
	Slot *slot = require_slot(name_argument(fcinfo));
	PG_RETURN_BOOL(wait_until(patience, [&] { return is_state(slot, state); }));
}

Datum
bigbrotr_health_check(PG_FUNCTION_ARGS)
{
	uint64 question;
	Slot *slot = wish(name_argument(fcinfo), [&](Slot &slot) { question = ++slot.health_asked; });
	bool healthy = false;
	wait_until(kPatienceUs, [&] {
		bool answered = slot->health_answered >= question;
		healthy = answered && slot->health == Health::Healthy;
		return answered || slot->pid == 0;
	});
	PG_RETURN_BOOL(healthy);
}

Datum
bigbrotr_stop_workers(PG_FUNCTION_ARGS)
{
	for_each_service(
		[](const char *service) { wish(service, [](Slot &slot) { slot.stopped = true; }); });
	for_each_service([](const char *service) { wait_until_gone(require_slot(service)); });
	PG_RETURN_VOID();
}

Datum
bigbrotr_start_workers(PG_FUNCTION_ARGS)
{
	for_each_service([](const char *service) { wait_until_taken(wish(service, ask_start)); });
	PG_RETURN_VOID();
}
