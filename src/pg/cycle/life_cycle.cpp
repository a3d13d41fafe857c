#include "pg/cycle/life_cycle.h"

#include <algorithm>

#include "pg/border/settings.h"
#include "pg/cycle/service_entry.h"

#include "pg/border/compat.h"

extern "C" {
#include "nodes/pg_list.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
}

namespace pg {

static constexpr int kMaxDelayMs = 5 * 60 * 1000;
static constexpr int kHealthyMs = 60 * 1000; // after that long a failure is the first one again

/* The lists of the settings, cut up; in lists_context. */
static MemoryContext lists_context;
static List *listed_databases, *listed_services;

static void
cut_lists()
{
	if (lists_context == nullptr)
		lists_context =
			AllocSetContextCreate(TopMemoryContext, "bigbrotr lists", ALLOCSET_SMALL_SIZES);
	MemoryContextReset(lists_context);
	MemoryContext previous = MemoryContextSwitchTo(lists_context);
	SplitIdentifierString(pstrdup(settings::databases), ',', &listed_databases);
	SplitIdentifierString(pstrdup(settings::services), ',', &listed_services);
	MemoryContextSwitchTo(previous);
}

static bool
is_listed(List *names, const char *name)
{
	ListCell *one;
	foreach (one, names)
		if (strcmp(static_cast<char *>(lfirst(one)), name) == 0)
			return true;
	return false;
}

static bool
runs_once(const Slot &slot)
{
	return find_service(slot.service)->once;
}

static int
delay_ms(int doublings)
{
	int64 delay = settings::restart_delay_ms;
	while (doublings-- > 0 && delay < kMaxDelayMs)
		delay *= 2;
	return static_cast<int>(std::min<int64>(delay, kMaxDelayMs));
}

void
start_later(Slot &slot, State state, int failures)
{
	slot.next_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms(failures));
	set_state(slot, state);
}

/* ---- slots ---- */

static void
after_crash(Slot &slot, const Crashes &crashes)
{
	char text[128];
	snprintf(text, sizeof text, "the server crashed %d time%s within the last hour", crashes.recent,
			 crashes.recent == 1 ? "" : "s");
	set_error(slot, ERRCODE_CRASH_SHUTDOWN, text);
	if (crashes.recent >= kMaxCrashes)
		slot.given_up = true;
	else
		start_later(slot, State::Backoff, crashes.recent - 1);
}

static void
allot(Slot &slot, const char *database, const char *service, const Crashes &crashes)
{
	/* The atomics behind the wishes keep what the former owner left, but for last_success. */
	memset(static_cast<void *>(&slot), 0, offsetof(Slot, last_success));
	pg_atomic_write_u64(&slot.last_success, 0);
	slot.used = true;
	strlcpy(slot.database, database, sizeof slot.database);
	strlcpy(slot.service, service, sizeof slot.service);
	set_state(slot, State::Disabled);
	slot.restarts = crashes.total;
	if (crashes.recent > 0)
		after_crash(slot, crashes);
}

void
read_lists(const Crashes &crashes)
{
	int missing = 0; // slots
	cut_lists();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	ListCell *database;
	foreach (database, listed_databases)
		for (const ServiceEntry *entry : services()) {
			const char *name = static_cast<char *>(lfirst(database));
			if (find_slot(name, entry->name))
				continue;
			Slot *free = std::find_if(shared->slots, shared->slots + kSlots,
									  [](const Slot &slot) { return !slot.used; });
			if (free == shared->slots + kSlots)
				missing++;
			else
				allot(*free, name, entry->name, crashes);
		}
	LWLockRelease(shared->lock);
	announce();
	if (listed_databases == NIL)
		ereport(LOG, (errmsg("bigbrotr serves no database"),
					  errhint("List the databases to serve in \"bigbrotr.databases\".")));
	if (missing > 0)
		ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("bigbrotr has no room for %d services", missing),
						  errdetail("There is room for %d.", kSlots),
						  errhint("List fewer databases in \"bigbrotr.databases\".")));
}

/* ---- decisions; lock held ---- */

static bool
is_drained(const char *database)
{
	for (const Drain &drain : shared->drains)
		if (drain.holders > 0 && strcmp(drain.database, database) == 0)
			return true;
	return false;
}

static bool
is_wanted(const Slot &slot)
{
	return settings::enabled && !slot.stopped && !slot.given_up &&
		   is_listed(listed_databases, slot.database) && is_listed(listed_services, slot.service);
}

bool
is_its_turn(const Slot &slot)
{
	if (runs_once(slot))
		return true;
	for (const Slot &other : shared->slots)
		if (other.used && strcmp(other.database, slot.database) == 0 && runs_once(other) &&
			is_wanted(other) && other.state != State::Done)
			return false;
	return true;
}

void
settle(Slot &slot)
{
	bool was_told = slot.state == State::Draining;
	slot.has_worker = false;
	if (slot.state == State::Running &&
		TimestampDifferenceExceeds(slot.since, GetCurrentTimestamp(), kHealthyMs))
		slot.failures = 0;
	if (slot.exit == Exit::Done)
		set_state(slot, State::Done);
	else if (was_told)
		set_state(slot, State::Disabled); // decide() goes on from there
	else if (slot.exit == Exit::NotReady)
		start_later(slot, State::Enabled, slot.failures++);
	else {
		if (slot.exit == Exit::Terminated)
			set_error(slot, ERRCODE_ADMIN_SHUTDOWN, "terminated by a signal");
		else if (slot.last_error[0] == '\0')
			set_error(slot, ERRCODE_INTERNAL_ERROR, "ended without a reason; see the server log");
		start_later(slot, State::Backoff, slot.failures++);
	}
}

static void
take_requests(Slot &slot)
{
	if (!slot.start_request && !slot.restart_request)
		return;
	slot.start_request = slot.restart_request = false;
	slot.given_up = false;
	slot.failures = 0;
	slot.next_start = 0;
	if (slot.state != State::Enabled)
		set_state(slot, State::Enabled);
}

Action
decide(Slot &slot)
{
	bool wanted = is_wanted(slot);
	bool drained = is_drained(slot.database);
	if (slot.has_worker) {
		slot.start_request = false;
		if ((wanted && !drained && !slot.restart_request) || slot.state == State::Draining)
			return Action::Nothing;
		set_state(slot, State::Draining);
		return Action::Terminate;
	}
	take_requests(slot);
	if (!is_wanted(slot)) {
		if (slot.state != State::Disabled)
			set_state(slot, State::Disabled);
		slot.next_start = 0;
		slot.used = is_listed(listed_databases, slot.database);
		return Action::Nothing;
	}
	if (slot.state == State::Done)
		return Action::Nothing;
	if (drained) {
		if (slot.state != State::Draining)
			set_state(slot, State::Draining);
		return Action::Nothing;
	}
	if (slot.state == State::Disabled || slot.state == State::Draining) {
		slot.next_start = 0;
		set_state(slot, State::Enabled);
	}
	bool due = slot.next_start <= GetCurrentTimestamp();
	return due && is_its_turn(slot) ? Action::Start : Action::Nothing;
}

int
processes_needed()
{
	int needed = 1; // the launcher
	for (const Slot &slot : shared->slots)
		needed += slot.used && is_wanted(slot) && !(runs_once(slot) && slot.state == State::Done);
	return needed;
}

} // namespace pg
