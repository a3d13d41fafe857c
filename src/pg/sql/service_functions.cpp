/*
 * SQL functions that command the services of the current database (services.sql). A function writes
 * a wish into the slots of a service, wakes the launcher and the workers, and waits until the
 * launcher has taken the wish. The functions are C-like: they own no C++ object during a call that
 * may raise an ERROR.
 */
#include "pg/sql/service_functions.h"

#include <algorithm>

#include "pg/cycle/service_entry.h"
#include "pg/cycle/settings.h"
#include "pg/cycle/slots.h"

extern "C" {
#include "access/xlog.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
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

/* Sleeps until announce() or the deadline. False if the deadline is past. */
static bool
sleep_until_change(TimestampTz deadline)
{
	long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), deadline);
	if (left <= 0)
		return false;
	ConditionVariableTimedSleep(&shared->changed, left, compat::wait_event("BigbrotrServiceWait"));
	return true;
}

/* Waits until `condition`, called with the lock held, is true; false if time runs out first. */
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
	return SplitIdentifierString(pstrdup(list), ',', &names) && settings::is_in_list(names, name);
}

/* The name, cut to 64 bytes, for messages. */
static const char *
shown(const char *name)
{
	return pnstrdup(name, pg_mbcliplen(name, static_cast<int>(strlen(name)), 64));
}

static const ServiceEntry *
require_service(const char *name)
{
	const ServiceEntry *entry = find_service(name);
	if (entry == nullptr)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no service \"%s\"", shown(name)),
						errdetail("This version has no service of this name."),
						errhint("Services are: %s.", settings::service_names())));
	return entry;
}

static void
require_served(const char *database, const ServiceEntry &entry)
{
	if (RecoveryInProgress() && !entry.on_standby)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr does not run service \"%s\" during recovery", entry.name),
						errhint("The service starts when this server is promoted.")));
	if (!is_listed(settings::databases, database))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr does not serve database \"%s\"", database),
						errhint("Add it to \"bigbrotr.databases\" and reload the configuration.")));
}

ServiceSlots
require_slots(const char *service)
{
	require_preload();
	const ServiceEntry *entry = require_service(service);
	ServiceSlots slots = {.database = get_database_name(MyDatabaseId), .service = entry->name};
	require_served(slots.database, *entry);
	if (!wait_until(kSlotPatienceUs, [&] { return slots.all([](const Slot &) { return true; }); }))
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr has no place for service \"%s\"", service),
						errhint("Look for messages of the bigbrotr launcher in the server log.")));
	return slots;
}

static char *
name_argument(FunctionCallInfo fcinfo)
{
	return text_to_cstring(PG_GETARG_TEXT_PP(0));
}

/* ---- wishes ---- */

/*
 * Changes the wishes for all instances of a service and wakes launcher and workers. Returns when
 * the launcher has saved changed wishes in the file.
 */
template <class F>
static ServiceSlots
wish(const char *service, F change)
{
	ServiceSlots slots = require_slots(service);
	bool to_save = false;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slots.for_each([&](Slot &slot) {
		bool stopped = slot.stopped, paused = slot.pause;
		change(slot);
		to_save |= slot.stopped != stopped || slot.pause != paused;
		if (slot.latch)
			SetLatch(slot.latch);
	});
	shared->wishes += to_save;
	uint64 last = shared->wishes;
	wake_launcher();
	LWLockRelease(shared->lock);
	if (to_save && !wait_until(kPatienceUs, [=] { return shared->wishes_in_file >= last; }))
		ereport(WARNING,
				(errmsg("the wish for service \"%s\" is not saved", service),
				 errdetail("It counts until the server is restarted."),
				 errhint("Look for messages of the bigbrotr launcher in the server log.")));
	return slots;
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
wait_until_gone(const ServiceSlots &slots)
{
	bool gone = wait_until(kPatienceUs, [&] {
		return !slots.any([](const Slot &slot) {
			return slot.stopped && (slot.has_worker || slot.state != State::Disabled);
		});
	});
	if (!gone)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_IN_USE),
						errmsg("service \"%s\" has not stopped within 30 s", slots.service),
						errhint("It will stop as soon as it can; see view bigbrotr.services.")));
}

/* Waits until the launcher has taken the request: wait_for_service() must not see the old worker.
 */
static void
wait_until_taken(const ServiceSlots &slots)
{
	bool taken = wait_until(kPatienceUs, [&] {
		return !slots.any(
			[](const Slot &slot) { return slot.start_request || slot.restart_request; });
	});
	if (!taken)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_IN_USE),
				 errmsg("the launcher has not started service \"%s\" within 30 s", slots.service),
				 errhint("Look for messages of the bigbrotr launcher in the server log.")));
}

/* Calls body(name) for each service that this server may run. */
template <class F>
static void
for_each_service(F body)
{
	for (const ServiceEntry *entry : services())
		if (entry->on_standby || !RecoveryInProgress())
			body(entry->name);
}

/* An interval in microseconds, clamped so that adding it to a time cannot overflow. */
static int64
patience_of(const Interval *interval)
{
	__int128 days = interval->day + interval->month * __int128{DAYS_PER_MONTH};
	__int128 us = interval->time + days * USECS_PER_DAY;
	return static_cast<int64>(std::clamp<__int128>(us, 0, PG_INT64_MAX / 2));
}

} // namespace pg

using namespace pg;

SQL_FUNCTION(bigbrotr_start_service)
{
	const char *service = name_argument(fcinfo);
	require_preload();
	require_service(service);
	require_enabled(service);
	wait_until_taken(wish(service, ask_start));
	PG_RETURN_VOID();
}

SQL_FUNCTION(bigbrotr_stop_service)
{
	wait_until_gone(wish(name_argument(fcinfo), [](Slot &slot) { slot.stopped = true; }));
	PG_RETURN_VOID();
}

SQL_FUNCTION(bigbrotr_restart_service)
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

SQL_FUNCTION(bigbrotr_pause_service)
{
	wish(name_argument(fcinfo), [](Slot &slot) { slot.pause = true; });
	PG_RETURN_VOID();
}

SQL_FUNCTION(bigbrotr_resume_service)
{
	wish(name_argument(fcinfo), [](Slot &slot) { slot.pause = false; });
	PG_RETURN_VOID();
}

SQL_FUNCTION(bigbrotr_wait_for_service)
{
	const char *state = text_to_cstring(PG_GETARG_TEXT_PP(1));
	const Interval *timeout = PG_GETARG_INTERVAL_P(2);
	if (!is_state_name(state))
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("there is no state \"%s\"", shown(state)),
						errdetail("No service would ever be in it."),
						errhint("States are: disabled, enabled, running, backoff, draining, "
								"paused, done.")));
	ServiceSlots slots = require_slots(name_argument(fcinfo));
	PG_RETURN_BOOL(wait_until(patience_of(timeout), [&] {
		return slots.all([&](const Slot &slot) { return strcmp(state_name(slot), state) == 0; });
	}));
}

SQL_FUNCTION(bigbrotr_health_check)
{
	uint64 question = 0; // number of the question; the same for all instances
	ServiceSlots slots = wish(name_argument(fcinfo), [&](Slot &slot) {
		if (question == 0)
			question = ++shared->question;
		slot.health_asked = question;
	});
	bool healthy = false;
	wait_until(kPatienceUs, [&] {
		auto answered = [=](const Slot &slot) { return slot.health_answered >= question; };
		healthy = slots.all(
			[&](const Slot &slot) { return answered(slot) && slot.health == Health::Healthy; });
		return !slots.any([&](const Slot &slot) { return slot.pid != 0 && !answered(slot); });
	});
	PG_RETURN_BOOL(healthy);
}

SQL_FUNCTION(bigbrotr_library_version)
{
	return CStringGetTextDatum(BIGBROTR_VERSION);
}

SQL_FUNCTION(bigbrotr_required_schema)
{
	return CStringGetTextDatum(BIGBROTR_SCHEMA);
}

SQL_FUNCTION(bigbrotr_stop_services)
{
	for_each_service(
		[](const char *service) { wish(service, [](Slot &slot) { slot.stopped = true; }); });
	for_each_service([](const char *service) { wait_until_gone(require_slots(service)); });
	PG_RETURN_VOID();
}

SQL_FUNCTION(bigbrotr_start_services)
{
	for_each_service([](const char *service) { wait_until_taken(wish(service, ask_start)); });
	PG_RETURN_VOID();
}
