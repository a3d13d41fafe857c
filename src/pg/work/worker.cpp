/*
 * The main function of a worker: takes its slot, connects, runs the loop, says why it ends.
 */
#include "pg/work/worker.h"

#include "pg/border/error.h"
#include "pg/border/settings.h"
#include "pg/border/transaction.h"
#include "pg/cycle/service_entry.h"
#include "pg/cycle/slots.h"
#include "pg/work/loop.h"

extern "C" {
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/timestamp.h"

PGDLLEXPORT void bigbrotr_worker_main(Datum index);
}

namespace pg {

static constexpr const char *kLockTimeout = "30s";

static void
detach(int, Datum index)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Slot &slot = shared->slots[DatumGetInt32(index)];
	slot.pid = 0;
	slot.latch = nullptr;
	slot.paused = false;
	slot.waiting_for[0] = '\0';
	wake_launcher();
	LWLockRelease(shared->lock);
	announce();
}

/* False if the launcher that asked for this worker is gone or thinks otherwise by now. */
static bool
attach(Slot &slot, Datum index)
{
	uint64 ticket;
	memcpy(&ticket, MyBgworkerEntry->bgw_extra, sizeof ticket);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	bool welcome = slot.used && slot.ticket == ticket && slot.pid == 0;
	if (welcome) {
		slot.pid = MyProcPid;
		slot.latch = MyLatch;
		slot.started = GetCurrentTimestamp();
		slot.health = Health::Unknown;
		for (pg_atomic_uint64 *counter :
			 {&slot.health_checks, &slot.health_failures, &slot.cycles, &slot.cycle_last_us,
			  &slot.cycle_total_us, &slot.cycle_max_us})
			pg_atomic_write_u64(counter, 0);
		for (Counter &counter : slot.custom) {
			counter.name[0] = '\0';
			pg_atomic_write_u64(&counter.value, 0);
		}
	}
	LWLockRelease(shared->lock);
	if (welcome)
		before_shmem_exit(detach, index);
	return welcome;
}

static void
set_session(const char *name, const char *value)
{
	SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
}

static void
connect(const Slot &slot)
{
	char name[NAMEDATALEN + 16];
	snprintf(name, sizeof name, "bigbrotr %s", slot.service);
	set_session("application_name", name);
	BackgroundWorkerInitializeConnection(slot.database, settings::worker_role, 0);
	set_session("search_path", "pg_catalog, pg_temp");
	set_session("lock_timeout", kLockTimeout);
	pgstat_report_appname(name);
	pgstat_report_activity(STATE_IDLE, nullptr);
}

/* Runs the service to its end; what went wrong is left in `text`. No exception gets out. */
static Exit
run(Slot &slot, const ServiceEntry &entry, detail::ErrorText &text)
{
	try {
		Loop(slot, entry).run();
		return Exit::Done;
	} catch (const Terminated &) {
		return Exit::Terminated;
	} catch (const NotReady &problem) {
		text.set(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, problem.reason.c_str());
		return Exit::NotReady;
	} catch (const Error &error) {
		text.set(error);
	} catch (const std::bad_alloc &) {
		text.set(ERRCODE_OUT_OF_MEMORY, "out of memory");
	} catch (const std::exception &error) {
		text.set(ERRCODE_INTERNAL_ERROR, error.what());
	} catch (...) {
		text.set(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
	}
	return Exit::Failed;
}

/* Leaves the reason where the launcher and users find it. */
static void
report(Slot &slot, Exit exit, const detail::ErrorText &text)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot.exit = exit;
	int failures = slot.failures;
	if (exit == Exit::Failed || exit == Exit::NotReady)
		set_error(slot, text.sqlstate, text.message);
	LWLockRelease(shared->lock);
	if (exit == Exit::Failed)
		ereport(failures == 0 ? WARNING : DEBUG1,
				(errcode(text.sqlstate), errmsg("bigbrotr service failed: %s", text.message),
				 text.detail[0] ? errdetail_internal("%s", text.detail) : 0,
				 text.hint[0] ? errhint("%s", text.hint) : 0,
				 text.context[0] ? errcontext("%s", text.context) : 0));
}

} // namespace pg

void
bigbrotr_worker_main(Datum index)
{
	using namespace pg;
	pqsignal(SIGTERM, die);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	Slot &slot = shared->slots[DatumGetInt32(index)];
	if (!attach(slot, index))
		proc_exit(0);
	ErrorContextCallback context = {error_context_stack, describe_slot, &slot};
	error_context_stack = &context;
	const ServiceEntry *entry = find_service(slot.service);
	connect(slot);
	detail::ErrorText text;
	Exit exit = run(slot, *entry, text);
	report(slot, exit, text);
	proc_exit(exit == Exit::Failed ? 1 : 0);
}
