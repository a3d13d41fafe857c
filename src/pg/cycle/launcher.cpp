#include "pg/cycle/launcher.h"

#include <algorithm>

#include "pg/border/catalog.h"
#include "pg/cycle/crash_file.h"
#include "pg/cycle/life_cycle.h"
#include "pg/cycle/preload.h"
#include "pg/cycle/slots.h"
#include "pg/cycle/wish_file.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

PGDLLEXPORT void bigbrotr_launcher_main(Datum);
}

/*
 * In this file no C++ object that owns memory lives across a call of PostgreSQL, because an ERROR
 * ends this process without destructors. The postmaster then starts it again.
 */
namespace pg {

static constexpr int kLauncherRestartS = 10;

static constexpr int kRecoveryPollMs = 1000;
static constexpr int kSaveAgainMs = 10 * 1000;

static BackgroundWorkerHandle **handles; // one per slot; null: no worker
static Crashes crashes;
static bool short_of_processes; // the warning was logged, and no worker has started since
static bool wishes_are_saved;

/* Plans the next attempt of a service that cannot start yet. Only the first failure, or a new
 * reason, is logged at `level`. */
static void
wait_for(Slot &slot, int level, const char *reason, const char *hint)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	int failures = slot.failures++;
	bool told = failures > 0 && strcmp(slot.last_error, reason) == 0;
	set_error(slot, ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, reason);
	start_later(slot, State::Enabled, failures);
	LWLockRelease(shared->lock);
	ereport(told ? DEBUG1 : level, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
									errmsg("service \"%s\" of database \"%s\" cannot start yet: %s",
										   slot.name, slot.database, reason),
									hint ? errhint("%s", hint) : 0, errhidecontext(true)));
}

static bool
can_connect(Slot &slot)
{
	char reason[256] = "";
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	const char *executor_role = find_service(slot.service)->executor_role;
	const char *why = why_not_connectable(slot.database, kWorkerRole);
	if (!why && executor_role)
		why = why_not_connectable(slot.database, executor_role);
	if (why)
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
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	int needed = processes_needed();
	LWLockRelease(shared->lock);
	char reason[128], hint[160];
	snprintf(reason, sizeof reason, "bigbrotr needs %d background workers, none is free", needed);
	snprintf(hint, sizeof hint,
			 "Raise \"max_worker_processes\" (now %d); replication, parallel queries and executors "
			 "share it.",
			 max_worker_processes);
	wait_for(slot, short_of_processes ? DEBUG1 : WARNING, reason, hint);
	short_of_processes = true;
}

static void
start(int index)
{
	Slot &slot = shared->slots[index];
	if (core_is_replaced()) {
		wait_for(slot, WARNING, "bigbrotr_core was replaced by another build; restart the server",
				 nullptr);
		return;
	}
	if (!can_connect(slot))
		return;
	BackgroundWorker worker = {};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState; // decide() has waited for the end of
														   // recovery if the service needs that
	worker.bgw_restart_time = BGW_NEVER_RESTART;           // only the launcher starts workers
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = Int32GetDatum(index);
	set_main(worker, "bigbrotr_core", "bigbrotr_worker_main");
	snprintf(worker.bgw_type, sizeof worker.bgw_type, "bigbrotr %s", slot.service);
	snprintf(worker.bgw_name, sizeof worker.bgw_name, "bigbrotr %s of database %s", slot.name,
			 slot.database);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE); // the worker reads these fields as soon as it runs
	if (!may_start(slot)) { // a statement has begun to drain the database since decide()
		LWLockRelease(shared->lock);
		return;
	}
	slot.generation = ++shared->generation;
	memcpy(worker.bgw_extra, &slot.generation, sizeof slot.generation);
	bool again = slot.started != 0;
	slot.has_worker = true;
	slot.exit = Exit::Unknown;
	set_state(slot, State::Starting);
	LWLockRelease(shared->lock);

	MemoryContext previous = MemoryContextSwitchTo(TopMemoryContext);
	bool registered = RegisterDynamicBackgroundWorker(&worker, &handles[index]);
	MemoryContextSwitchTo(previous);

	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot.has_worker = registered;
	slot.next_start = 0;
	slot.restarts += registered && again;
	LWLockRelease(shared->lock);
	if (registered)
		short_of_processes = false;
	else
		no_process_free(slot);
}

/* Logs a state that the launcher has set. `gone`: the worker has just ended. */
static void
log_change(const Slot &slot, bool gone)
{
	switch (slot.state) {
	case State::Disabled:
		if (slot.given_up_until != 0)
			log_state(slot, WARNING, slot.last_error,
					  "SELECT bigbrotr.start_service(...) starts it again.");
		else
			log_state(slot, LOG);
		break;
	case State::Enabled: // could not start; logged once
		log_state(slot, gone && slot.failures == 1 ? LOG : DEBUG1, slot.last_error);
		break;
	case State::Backoff:
		log_state(slot, slot.failures <= 1 ? LOG : DEBUG1, slot.last_error);
		break;
	case State::Done:
		log_state(slot, LOG);
		break;
	case State::Starting:
	case State::Running: // the worker logs this state
	case State::Draining:
		log_state(slot, DEBUG1);
		break;
	}
}

/* ---- the loop ---- */

static bool
is_asked(const Slot &slot)
{
	return slot.start_request || slot.restart_request;
}

/* Decides once about one slot. True if its state changed or a request was taken, because other
 * slots may wait for that. */
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
		on_worker_exit(slot);
	State settled = slot.state;
	bool was_asked = is_asked(slot), was_given_up = slot.given_up_until != 0;
	Action action = decide(slot);
	bool met = was_asked && !is_asked(slot);
	bool is_calm =
		was_given_up && slot.given_up_until == 0 && slot.state != State::Disabled && !met;
	State after = slot.state;
	LWLockRelease(shared->lock);

	if (is_calm)
		ereport(
			LOG,
			(errmsg("service \"%s\" of database \"%s\" may run again", slot.name, slot.database),
			 errdetail("The server crashed less than %d times within the last hour.", kMaxCrashes),
			 errhidecontext(true)));

	if (action == Action::Start)
		start(index);
	else if (action == Action::Terminate && handles[index])
		TerminateBackgroundWorker(handles[index]);
	if (met || settled != before || after != settled || slot.state != after) {
		announce();
		if (after != before)
			log_change(slot, gone);
		return true;
	}
	return false;
}

static void
step_all()
{
	for (bool changed = true; changed;) {
		changed = false;
		for (int i = 0; i < shared->slot_count; i++) {
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
		for (Slot &slot : all_slots())
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

/* The crashes are counted again, because those of the launcher's start may be hours old. */
static void
make_slots()
{
	crashes = count_crashes(false, GetCurrentTimestamp());
	read_lists(crashes);
}

/* Milliseconds until the next timed action; -1: none is planned. */
static long
time_to_next_action()
{
	TimestampTz now = GetCurrentTimestamp(), next = DT_NOEND;
	if (!wishes_are_saved)
		next = TimestampTzPlusMilliseconds(now, kSaveAgainMs);
	if (RecoveryInProgress()) // the server does not signal the end of recovery
		next = TimestampTzPlusMilliseconds(now, kRecoveryPollMs);
	LWLockAcquire(shared->lock, LW_SHARED);
	for (const Slot &slot : all_slots())
		next = std::min(next, next_action(slot));
	LWLockRelease(shared->lock);
	return next == DT_NOEND ? -1 : TimestampDifferenceMilliseconds(now, next);
}

static void
sleep_until_something_happens()
{
	long timeout = time_to_next_action();
	int events = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout >= 0 ? WL_TIMEOUT : 0);
	WaitLatch(MyLatch, events, timeout, compat::wait_event("BigbrotrLauncher"));
	ResetLatch(MyLatch);
	if (ProcDiePending)
		proc_exit(1); // not 0, because the postmaster would then not start the launcher again
	CHECK_FOR_INTERRUPTS();
}

static void
detach(int, Datum)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	shared->launcher = nullptr;
	LWLockRelease(shared->lock);
}

/* Ends the workers of an earlier launcher that failed, because their handles are lost. */
static void
end_leftovers()
{
	for (bool any = true; any;) {
		any = false;
		LWLockAcquire(shared->lock, LW_EXCLUSIVE);
		for (Slot &slot : all_slots()) {
			slot.generation = 0; // makes a worker that has not attached yet end by itself
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
	handles = static_cast<BackgroundWorkerHandle **>(MemoryContextAllocZero(
		TopMemoryContext, mul_size(shared->slot_count, sizeof(BackgroundWorkerHandle *))));
	end_leftovers();
	read_wishes();
	crashes = count_crashes(server_came_up, GetCurrentTimestamp());
	if (crashes.recent >= kMaxCrashes)
		ereport(
			WARNING,
			(errmsg("bigbrotr starts no service: the server crashed %d times within the last hour",
					crashes.recent),
			 errdetail("Services start when fewer than %d crashes are within an hour, at %s.",
					   kMaxCrashes, timestamptz_to_str(crashes.calm)),
			 errhint(
				 "Look for the cause in the server log. SELECT bigbrotr.start_services() starts "
				 "the services of a database at once.")));
}

void
register_launcher()
{
	BackgroundWorker worker = {};
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = kLauncherRestartS;
	set_main(worker, "bigbrotr", "bigbrotr_launcher_main");
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
	/* The launcher uses only shared catalogs, and no database, because it must not block DROP
	 * DATABASE. */
	BackgroundWorkerInitializeConnection(nullptr, nullptr, 0);
	prepare();
	for (bool reload = true;; sleep_until_something_happens()) {
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			ProcessConfigFile(PGC_SIGHUP);
			reload = true;
		}
		if (reload)
			make_slots();
		take_common_requests(reload);
		wishes_are_saved = save_wishes();
		step_all();
		while (can_make_missing_slots()) {
			make_slots();
			step_all();
		}
		reload = false;
	}
}
