/*
 * The main function of a worker: attaches to its slot, connects, runs the loop, and reports why it
 * ends.
 */
#include "pg/work/worker.h"

#include "pg/border/error.h"
#include "pg/border/settings.h"
#include "pg/border/transaction.h"
#include "pg/cycle/life_cycle.h"
#include "pg/cycle/service_entry.h"
#include "pg/cycle/settings.h"
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

volatile sig_atomic_t told_to_end = false;

std::string
user_agent()
{
	std::string text = "bigbrotr/" BIGBROTR_VERSION;
	if (*settings::contact)
		text.append(" (").append(settings::contact).append(")");
	return text;
}

wire::DialSettings
dial_settings(std::string_view user_agent)
{
	return {.allow_local_relays = settings::allow_local_relays,
			.connect_timeout_ms = settings::connect_timeout_ms,
			.tor_proxy = settings::tor_proxy,
			.i2p_proxy = settings::i2p_proxy,
			.loki_proxy = settings::loki_proxy,
			.tls_ca_file = settings::tls_ca_file,
			.user_agent = user_agent};
}

/* Whether the worker has written the reason of its end into its slot. */
static bool reported = false;

static void
on_sigterm(SIGNAL_ARGS)
{
	told_to_end = true;
	die(PG_SIGNAL_PARAMETERS);
}

static void
detach(int, Datum index)
{
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	Slot &slot = shared->slots[DatumGetInt32(index)];
	if (told_to_end && !reported)
		slot.exit = Exit::Terminated; // SIGTERM ended a transaction with FATAL
	slot.pid = 0;
	slot.latch = nullptr;
	slot.paused = false;
	slot.waiting_for[0] = '\0';
	wake_launcher();
	LWLockRelease(shared->lock);
	announce();
}

/* Attaches to the slot. False if the launcher that registered this worker has ended, or if it has
 * given the slot to another worker. */
static bool
attach(Slot &slot, Datum index)
{
	uint64 generation;
	memcpy(&generation, MyBgworkerEntry->bgw_extra, sizeof generation);
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	bool welcome = slot.used && slot.generation == generation && slot.pid == 0;
	if (welcome) {
		slot.pid = MyProcPid;
		slot.latch = MyLatch;
		slot.started = GetCurrentTimestamp();
		slot.health = Health::Unknown;
		for (pg_atomic_uint64 *counter :
			 {&slot.health_checks, &slot.health_failures, &slot.cycles, &slot.cycle_last_us,
			  &slot.cycle_total_us, &slot.cycle_max_us})
			pg_atomic_write_u64(counter, 0);
		for (pg_atomic_uint64 &cycles : slot.cycle_classes)
			pg_atomic_write_u64(&cycles, 0);
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
connect(const Slot &slot)
{
	char name[sizeof slot.name + 10];
	snprintf(name, sizeof name, "bigbrotr %s", slot.name);
	SetConfigOption("application_name", name, PGC_SUSET, PGC_S_OVERRIDE);
	BackgroundWorkerInitializeConnection(slot.database, kWorkerRole, 0);
	prepare_session();
	pgstat_report_appname(name);
	pgstat_report_activity(STATE_IDLE, nullptr);
}

/* Runs the service to its end and stores an error in `failure`. Throws nothing. */
static Exit
run(Slot &slot, const ServiceEntry &entry, detail::Failure &failure)
{
	try {
		Loop(slot, entry).run();
		return Exit::Done;
	} catch (const Terminated &) {
		return Exit::Terminated;
	} catch (const NotReady &problem) {
		failure.set(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE, problem.reason.c_str());
		return Exit::NotReady;
	} catch (...) {
		failure.set_caught();
		return Exit::Failed;
	}
}

/* Writes the reason of the end into the slot and into the log. */
static void
report(Slot &slot, Exit exit, const detail::Failure &failure)
{
	bool failed = exit == Exit::Failed || exit == Exit::NotReady;
	const ErrorData *error = failure.data();
	int sqlstate = error ? error->sqlerrcode : ERRCODE_OUT_OF_MEMORY;
	const char *message = error && error->message ? error->message : "out of memory";
	LWLockAcquire(shared->lock, LW_EXCLUSIVE);
	slot.exit = exit;
	reported = true;
	int failures = failures_in_a_row(slot);
	if (failed)
		set_error(slot, sqlstate, message);
	LWLockRelease(shared->lock);
	if (exit != Exit::Failed)
		return;
	if (failure.has_context())
		error_context_stack = nullptr; // the error already has its context lines
	ereport(failures == 0 ? WARNING : DEBUG1,
			(errcode(sqlstate), errmsg("bigbrotr service failed: %s", message),
			 error && error->detail ? errdetail_internal("%s", error->detail) : 0,
			 error && error->hint ? errhint("%s", error->hint) : 0,
			 error && error->context ? errcontext("%s", error->context) : 0));
}

} // namespace pg

void
bigbrotr_worker_main(Datum index)
{
	using namespace pg;
	pqsignal(SIGTERM, on_sigterm);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	BackgroundWorkerUnblockSignals();
	Slot &slot = shared->slots[DatumGetInt32(index)];
	if (!attach(slot, index))
		proc_exit(0);
	ErrorContextCallback context = {error_context_stack, describe_slot, &slot};
	error_context_stack = &context;
	const ServiceEntry *entry = find_service(slot.service);
	connect(slot);
	detail::Failure failure;
	Exit exit = run(slot, *entry, failure);
	report(slot, exit, failure);
	proc_exit(exit == Exit::Failed ? 1 : 0);
}
