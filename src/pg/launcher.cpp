#include "launcher.h"

#include <algorithm>

#include "catalog.h"
#include "crash_file.h"
#include "settings.h"
#include "slots.h"
#include "worker.h"

#include "compat.h"

extern "C" {
#include "access/xact.h"
#include "nodes/pg_list.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/varlena.h"

PGDLLEXPORT void bigbrotr_launcher_main(Datum);
}

/*
 * No C++ object with a destructor lives across a call of PostgreSQL here: an ERROR ends this
 * process, and the postmaster starts it again.
 */
namespace pg {

static constexpr int kMaxDelayMs = 5 * 60 * 1000;
static constexpr int kHealthyMs = 60 * 1000; // after that long a failure is the first one again
static constexpr int kMaxCrashes = 3;        // within an hour
static constexpr int kLauncherRestartS = 10;

static BackgroundWorkerHandle *handles[kSlots];
static Crashes crashes;

/* The lists of the settings, cut up; in lists_context. */
static MemoryContext lists_context;
static List *listed_databases, *listed_services;

static void
read_lists()
{
	MemoryContextReset(lists_context);
	MemoryContext previous = MemoryContextSwitchTo(lists_context);
	SplitIdentifierString(pstrdup(settings::databases), ',', &listed_databases);
	SplitIdentifierString(pstrdup(settings::services), ',', &listed_services);
	MemoryContextSwitchTo(previous);
	if (listed_databases == NIL)
		ereport(LOG, (errmsg("bigbrotr serves no database"),
					  errhint("List the databases to serve in \"bigbrotr.databases\".")));
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
	for (const ServiceEntry &entry : services())
		if (strcmp(entry.name, slot.service) == 0)
			return entry.once;
	return false;
}

static int
delay_ms(int doublings)
{
	int64 delay = settings::restart_delay_ms;
	while (doublings-- > 0 && delay < kMaxDelayMs)
		delay *= 2;
	return static_cast<int>(std::min<int64>(delay, kMaxDelayMs));
}

static void
start_later(Slot &slot, State state, int doublings)
{
	slot.next_start = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), delay_ms(doublings));
	set_state(slot, state);
}

/* ---- slots ---- */

static void
after_crash(Slot &slot)
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
allot(Slot &slot, const char *database, const char *service)
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
		after_crash(slot);
}

/* A slot for each listed database and each service there is. */
static void
allot_slots()
{
	int missing = 0;
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	ListCell *database;
	foreach (database, listed_databases)
		for (const ServiceEntry &entry : services()) {
			const char *name = static_cast<char *>(lfirst(database));
			if (find_slot(name, entry.name))
				continue;
			Slot *free = std::find_if(shared->slots, shared->slots + kSlots,
									  [](const Slot &slot) { return !slot.used; });
			if (free == shared->slots + kSlots)
				missing++;
			else
				allot(*free, name, entry.name);
		}
	LWLockRelease(shared->lock);
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

/* Services that run once go first. */
static bool
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

/* The postmaster says that the worker is gone: what now? */
static void
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

enum class Action
{
	Nothing,
	Start,
	Terminate
};

static Action
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

/* ---- actions; no lock ---- */

/* A service cannot start yet; the first time is worth a line in the log. */
static void
wait_for(Slot &slot, int level, const char *reason, const char *hint)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	int failures = slot.failures++;
	set_error(slot, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason);
	start_later(slot, State::Enabled, failures);
	LWLockRelease(shared->lock);
	ereport(failures == 0 ? level : DEBUG1,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("service \"%s\" of database \"%s\" cannot start yet: %s", slot.service,
					slot.database, reason),
			 hint ? errhint("%s", hint) : 0, errhidecontext(true)));
}

static bool
can_connect(Slot &slot)
{
	char reason[256] = "";
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	if (const char *why = why_not_connectable(slot.database, settings::worker_role))
		strlcpy(reason, why, sizeof reason);
	PopActiveSnapshot();
	CommitTransactionCommand();
	if (reason[0] != '\0')
		wait_for(slot, LOG, reason, nullptr);
	return reason[0] == '\0';
}

static void
no_process_free(Slot &slot)
{
	int needed = 1;
	LWLockAcquire(shared->lock, LW_SHARED);
	for (const Slot &other : shared->slots)
		needed +=
			other.used && is_wanted(other) && !(runs_once(other) && other.state == State::Done);
	LWLockRelease(shared->lock);
	char reason[128], hint[128];
	snprintf(reason, sizeof reason, "bigbrotr needs %d background workers, none is free", needed);
	snprintf(hint, sizeof hint, "Raise \"max_worker_processes\" (now %d).", max_worker_processes);
	wait_for(slot, WARNING, reason, hint);
}

static void
start(int index)
{
	Slot &slot = shared->slots[index];
	if (!can_connect(slot))
		return;
	BackgroundWorker worker = {};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART; // only the launcher starts workers
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = Int32GetDatum(index);
	strlcpy(worker.bgw_library_name, "bigbrotr", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, "bigbrotr_worker_main", sizeof worker.bgw_function_name);
	snprintf(worker.bgw_type, sizeof worker.bgw_type, "bigbrotr %s", slot.service);
	snprintf(worker.bgw_name, sizeof worker.bgw_name, "bigbrotr %s of database %s", slot.service,
			 slot.database);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE); // before the worker is there: it looks for this
	slot.ticket = ++shared->ticket;
	memcpy(worker.bgw_extra, &slot.ticket, sizeof slot.ticket);
	slot.has_worker = true;
	slot.exit = Exit::Failed;
	set_state(slot, State::Starting);
	LWLockRelease(shared->lock);

	MemoryContext previous = MemoryContextSwitchTo(TopMemoryContext);
	bool registered = RegisterDynamicBackgroundWorker(&worker, &handles[index]);
	MemoryContextSwitchTo(previous);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot.has_worker = registered;
	slot.next_start = 0;
	slot.restarts += registered && slot.started != 0;
	LWLockRelease(shared->lock);
	if (!registered)
		no_process_free(slot);
}

/* The line in the log for a state that the launcher has set. */
static void
log_change(const Slot &slot)
{
	switch (slot.state) {
	case State::Disabled:
		log_state(slot, slot.given_up ? WARNING : LOG, slot.given_up ? slot.last_error : nullptr,
				  slot.given_up ? "SELECT bigbrotr.service_start(...) starts it again." : nullptr);
		break;
	case State::Enabled: // for the first time in vain
		log_state(slot, slot.next_start != 0 && slot.failures == 1 ? LOG : DEBUG1, slot.last_error);
		break;
	case State::Backoff:
		log_state(slot, slot.failures <= 1 ? LOG : DEBUG1, slot.last_error);
		break;
	case State::Done:
		log_state(slot, LOG);
		break;
	case State::Starting:
	case State::Running: // the worker's line
	case State::Draining:
		log_state(slot, DEBUG1);
		break;
	}
}

/* ---- the loop ---- */

/* One slot, one step. True if its state changed: others may wait for that. */
static bool
step(int index)
{
	Slot &slot = shared->slots[index];
	pid_t pid;
	bool gone = handles[index] && GetBackgroundWorkerPid(handles[index], &pid) == BGWH_STOPPED;
	if (gone) {
		pfree(handles[index]);
		handles[index] = nullptr;
	}
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	if (!slot.used) {
		LWLockRelease(shared->lock);
		return false;
	}
	State before = slot.state;
	if (gone)
		settle(slot);
	State settled = slot.state;
	Action action = decide(slot);
	State after = slot.state;
	LWLockRelease(shared->lock);

	if (action == Action::Start)
		start(index);
	else if (action == Action::Terminate && handles[index])
		TerminateBackgroundWorker(handles[index]);
	if (settled != before || after != settled || slot.state != after) {
		announce();
		if (after != before)
			log_change(slot);
		return true;
	}
	return false;
}

static void
step_all()
{
	for (bool changed = true; changed;) {
		changed = false;
		for (int i = 0; i < kSlots; i++) {
			ErrorContextCallback context = {error_context_stack, describe_slot, &shared->slots[i]};
			error_context_stack = &context;
			changed |= step(i);
			error_context_stack = context.previous;
		}
	}
}

static void
take_common_requests(bool reloaded)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	bool forget = shared->crash_reset;
	if (shared->recheck || reloaded)
		for (Slot &slot : shared->slots)
			if (slot.used && slot.state == State::Enabled) {
				slot.failures = 0;
				slot.next_start = 0;
			}
	shared->recheck = shared->crash_reset = false;
	LWLockRelease(shared->lock);
	if (forget) {
		forget_crashes();
		crashes = {};
	}
}

static long
time_to_next_start()
{
	TimestampTz now = GetCurrentTimestamp(), next = DT_NOEND;
	LWLockAcquire(shared->lock, LW_SHARED);
	for (const Slot &slot : shared->slots)
		if (slot.used && slot.next_start != 0 && is_its_turn(slot))
			next = std::min(next, slot.next_start);
	LWLockRelease(shared->lock);
	return next == DT_NOEND ? -1 : TimestampDifferenceMilliseconds(now, next);
}

static void
sleep_until_something_happens()
{
	long timeout = time_to_next_start();
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0);
	static const uint32 wait_event = compat::wait_event("BigbrotrLauncher");
	WaitLatch(MyLatch, events, timeout, wait_event);
	ResetLatch(MyLatch);
	if (ProcDiePending)
		proc_exit(1); // not 0: the postmaster would not start us again
	CHECK_FOR_INTERRUPTS();
}

static void
detach(int, Datum)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = nullptr;
	LWLockRelease(shared->lock);
}

/* Workers of a launcher that failed: nobody knows their handles any more. */
static void
end_leftovers()
{
	for (bool any = true; any;) {
		any = false;
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		for (Slot &slot : shared->slots) {
			slot.ticket = 0; // those that have not begun will not
			if (slot.used && slot.pid != 0) {
				kill(slot.pid, SIGTERM);
				any = true;
			} else if (slot.has_worker) {
				slot.has_worker = false;
				set_state(slot, slot.exit == Exit::Done ? State::Done : State::Disabled);
			}
		}
		LWLockRelease(shared->lock);
		if (any) {
			WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | WL_TIMEOUT, 100,
					  PG_WAIT_EXTENSION);
			ResetLatch(MyLatch);
			CHECK_FOR_INTERRUPTS();
		}
	}
}

static void
prepare()
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = MyLatch;
	bool server_came_up = !shared->crash_counted;
	shared->crash_counted = true;
	LWLockRelease(shared->lock);
	before_shmem_exit(detach, 0);
	end_leftovers();
	crashes = count_crashes(server_came_up, GetCurrentTimestamp());
	if (crashes.recent >= kMaxCrashes)
		ereport(
			WARNING,
			(errmsg("bigbrotr starts no service: the server crashed %d times within the last hour",
					crashes.recent),
			 errhint("Look for the cause in the server log, then run "
					 "SELECT bigbrotr.start_workers() in each database.")));
	lists_context = AllocSetContextCreate(TopMemoryContext, "bigbrotr lists", ALLOCSET_SMALL_SIZES);
}

void
register_launcher()
{
	BackgroundWorker worker = {};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = kLauncherRestartS;
	strlcpy(worker.bgw_library_name, "bigbrotr", sizeof worker.bgw_library_name);
	strlcpy(worker.bgw_function_name, "bigbrotr_launcher_main", sizeof worker.bgw_function_name);
	strlcpy(worker.bgw_name, "bigbrotr launcher", sizeof worker.bgw_name);
	strlcpy(worker.bgw_type, "bigbrotr launcher", sizeof worker.bgw_type);
	RegisterBackgroundWorker(&worker);
}

} // namespace pg

void
bigbrotr_launcher_main(Datum)
{
	using namespace pg;
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(nullptr, nullptr,
										 0); // no database: blocks no DROP DATABASE
	prepare();
	for (bool reload = true;; sleep_until_something_happens()) {
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			reload = true;
		}
		if (reload) {
			read_lists();
			allot_slots();
		}
		take_common_requests(reload);
		step_all();
		reload = false;
	}
}
