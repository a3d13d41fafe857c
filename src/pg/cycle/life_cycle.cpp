#include "pg/cycle/life_cycle.h"

#include "pg/cycle/back_off.h"
#include "pg/cycle/service_entry.h"
#include "pg/cycle/settings.h"
#include "pg/cycle/wish_file.h"

extern "C" {
#include "access/xlog.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"
}

namespace pg {

/* The parsed lists bigbrotr.databases and bigbrotr.services; in lists_context. */
static MemoryContext lists_context;
static List *listed_databases, *listed_services;

static int missing;     // number of slots that read_lists() could not make
static bool freed_slot; // since read_lists()

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

static const ServiceEntry &
entry_of(const Slot &slot)
{
	return *find_service(slot.service);
}

static int
instances_of(const ServiceEntry &entry)
{
	return entry.instances ? *entry.instances : 1;
}

void
start_later(Slot &slot, State state, int failures)
{
	slot.next_start =
		TimestampTzPlusMilliseconds(GetCurrentTimestamp(), back_off(failures).count());
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
		slot.given_up_until = crashes.calm;
	else
		start_later(slot, State::Backoff, crashes.recent - 1);
}

static void
init_slot(Slot &slot, const char *database, const ServiceEntry &entry, int instance,
		  const Crashes &crashes)
{
	/*
	 * Stop before last_success: atomics must not be cleared with memset. The worker resets the
	 * other statistics in attach().
	 */
	memset(static_cast<void *>(&slot), 0, offsetof(Slot, last_success));
	pg_atomic_write_u64(&slot.last_success, 0);
	slot.used = true;
	strlcpy(slot.database, database, sizeof slot.database);
	strlcpy(slot.service, entry.name, sizeof slot.service);
	slot.instance = instance;
	if (instance > 1)
		snprintf(slot.name, sizeof slot.name, "%s.%d", entry.name, instance);
	else
		strlcpy(slot.name, entry.name, sizeof slot.name);
	if (const Slot *first = find_slot(database, entry.name, 1); first != &slot) {
		slot.stopped = first->stopped;
		slot.pause = first->pause;
	} else
		apply_wishes(slot);
	set_state(slot, State::Disabled);
	slot.restarts = crashes.total;
	if (crashes.recent > 0)
		after_crash(slot, crashes);
}

/* Makes a slot for the instance unless it has one. False if no slot is free. */
static bool
provide(const char *database, const ServiceEntry &entry, int instance, const Crashes &crashes)
{
	if (find_slot(database, entry.name, instance))
		return true;
	for (Slot &slot : all_slots())
		if (!slot.used) {
			init_slot(slot, database, entry, instance, crashes);
			return true;
		}
	return false;
}

void
read_lists(const Crashes &crashes)
{
	Assert(!LWLockHeldByMe(shared->lock));
	missing = 0;
	freed_slot = false;
	cut_lists();
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	ListCell *database;
	foreach (database, listed_databases)
		for (const ServiceEntry *entry : services())
			for (int instance = 1; instance <= instances_of(*entry); instance++)
				missing +=
					!provide(static_cast<char *>(lfirst(database)), *entry, instance, crashes);
	LWLockRelease(shared->lock);
	announce();
	if (listed_databases == NIL)
		ereport(LOG, (errmsg("bigbrotr serves no database"),
					  errhint("List the databases to serve in \"bigbrotr.databases\".")));
	if (missing > 0)
		ereport(WARNING, (errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
						  errmsg("bigbrotr has no room for %d services", missing),
						  errdetail("There is room for %d.", shared->slot_count),
						  errhint("Raise \"max_worker_processes\", or list fewer databases in "
								  "\"bigbrotr.databases\".")));
}

bool
can_make_missing_slots()
{
	return missing > 0 && freed_slot;
}

/* ---- decisions; the lock must be held ---- */

static bool
is_drained(const char *database)
{
	Assert(LWLockHeldByMe(shared->lock));
	for (const Drain &drain : shared->drains)
		if (drain.holders > 0 && strcmp(drain.database, database) == 0)
			return true;
	return false;
}

static bool
is_wanted(const Slot &slot)
{
	Assert(LWLockHeldByMe(shared->lock));
	return settings::enabled && !slot.stopped && slot.given_up_until == 0 &&
		   settings::is_in_list(listed_databases, slot.database) &&
		   settings::is_in_list(listed_services, slot.service) &&
		   slot.instance <= instances_of(entry_of(slot));
}

bool
may_start(const Slot &slot)
{
	return is_wanted(slot) && !is_drained(slot.database);
}

/* The name of a service that must start before this one, or null. */
static const char *
goes_first(const Slot &slot)
{
	for (const char *name : entry_of(slot).after)
		for (const Slot &other : all_slots())
			if (is_of(other, slot.database, name) && is_wanted(other) &&
				other.state != (entry_of(other).once ? State::Done : State::Running))
				return name;
	return nullptr;
}

/* What the service waits for before it can start; null: nothing. */
static const char *
waits_for(const Slot &slot, char (&text)[128])
{
	if (!entry_of(slot).on_standby && RecoveryInProgress())
		return "end of recovery";
	const char *other = goes_first(slot);
	if (other == nullptr)
		return nullptr;
	snprintf(text, sizeof text, "service \"%s\"", other);
	return text;
}

int
failures_in_a_row(const Slot &slot)
{
	Assert(LWLockHeldByMe(shared->lock));
	const bool ran_well =
		slot.state == State::Running &&
		TimestampDifferenceExceeds(slot.since, GetCurrentTimestamp(), kHealthyRun.count());
	return ran_well ? 0 : slot.failures;
}

void
on_worker_exit(Slot &slot)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	bool was_told = slot.state == State::Draining;
	slot.has_worker = false;
	slot.failures = failures_in_a_row(slot);
	if (slot.exit == Exit::Done)
		set_state(slot, State::Done);
	else if (was_told)
		set_state(slot, State::Disabled); // decide() chooses the next state
	else if (slot.exit == Exit::NotReady)
		start_later(slot, State::Enabled, slot.failures++);
	else {
		if (slot.exit == Exit::Terminated)
			set_error(slot, ERRCODE_ADMIN_SHUTDOWN, "terminated by a signal");
		else if (slot.exit == Exit::Unknown)
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
	slot.given_up_until = 0;
	slot.failures = 0;
	slot.next_start = 0;
	if (slot.state != State::Enabled)
		set_state(slot, State::Enabled);
}

/* Disables a service that must not run. Frees its slot if the database or the instance is not
 * listed any more. */
static void
rest(Slot &slot)
{
	if (slot.state != State::Disabled)
		set_state(slot, State::Disabled);
	slot.next_start = 0;
	slot.used = settings::is_in_list(listed_databases, slot.database) &&
				slot.instance <= instances_of(entry_of(slot));
	freed_slot |= !slot.used;
}

Action
decide(Slot &slot)
{
	Assert(LWLockHeldByMeInMode(shared->lock, LW_EXCLUSIVE));
	if (slot.given_up_until != 0 && slot.given_up_until <= GetCurrentTimestamp())
		slot.given_up_until = 0;
	bool drained = is_drained(slot.database);
	if (slot.has_worker) {
		slot.start_request = false;
		if ((may_start(slot) && !slot.restart_request) || slot.state == State::Draining)
			return Action::Nothing;
		set_state(slot, State::Draining);
		return Action::Terminate;
	}
	take_requests(slot);
	set_waiting_locked(slot, nullptr);
	if (!is_wanted(slot)) {
		rest(slot);
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
	char text[128];
	const char *reason = waits_for(slot, text);
	set_waiting_locked(slot, reason);
	bool due = slot.next_start <= GetCurrentTimestamp();
	return due && reason == nullptr ? Action::Start : Action::Nothing;
}

TimestampTz
next_action(const Slot &slot)
{
	Assert(LWLockHeldByMe(shared->lock));
	if (!slot.used)
		return DT_NOEND;
	if (slot.given_up_until != 0)
		return slot.given_up_until;
	bool waits = slot.state == State::Enabled || slot.state == State::Backoff;
	return waits && slot.next_start != 0 && slot.waiting_for[0] == '\0' ? slot.next_start
																		: DT_NOEND;
}

int
processes_needed()
{
	Assert(LWLockHeldByMe(shared->lock));
	int needed = 1;
	for (const Slot &slot : all_slots())
		needed +=
			slot.used && is_wanted(slot) && !(entry_of(slot).once && slot.state == State::Done);
	return needed;
}

} // namespace pg
