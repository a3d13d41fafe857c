#include "pg/border/transaction.h"

#include "pg/border/catalog.h"
#include "pg/border/error.h"
#include "pg/border/lock_wait.h"
#include "pg/border/settings.h"

extern "C" {
#include "access/xact.h"
#include "access/xlog.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
}

namespace pg {

/* The memory context of the caller of begin_transaction(); commit and abort switch to another
 * context. */
static MemoryContext caller_context;

/* Settings that the services rely on. ALTER ROLE … SET and ALTER DATABASE … SET must not change
 * them. */
static constexpr const char *kSession[][2] = {
	{"search_path", "pg_catalog, pg_temp"},
	{"default_transaction_isolation", "read committed"},
	{"default_transaction_read_only", "off"},
	{"default_transaction_deferrable", "off"},
	{"session_replication_role", "origin"},
	{"row_security", "on"},
	{"plan_cache_mode", "auto"},
	{"statement_timeout", "0"},
#if PG_VERSION_NUM >= 170000
	{"transaction_timeout", "0"},
#endif
	/* The lock time-out is short: the worker retries, and meanwhile shows what it waits for. */
	{"lock_timeout", "2s"},
};

static void
not_durable()
{
	set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
					  true, 0, false);
}

/* Arms the time-outs that the main loop of a backend arms, because a worker has no such loop. */
static void
arm_timeouts(int timeout_ms)
{
	QueryCancelPending = false;
	QueryCancelHoldoffCount = 0;
	enable_timeout_after(STATEMENT_TIMEOUT, timeout_ms);
	watch_lock_waits();
}

/*
 * Disarms the time-outs and holds back cancel requests while no transaction is open. arm_timeouts()
 * drops the requests held back.
 */
static void
disarm_timeouts()
{
	disable_all_timeouts(false);
	QueryCancelHoldoffCount = 1;
}

void
prepare_session()
{
	for (const auto &[name, value] : kSession)
		SetConfigOption(name, value, PGC_SUSET, PGC_S_OVERRIDE);
	register_lock_watch();
	disarm_timeouts();
}

/* Opens the transaction. Returns why the worker must not go on, or null. After an ERROR or a
 * reason, the caller must abort. */
static const char *
open(const char *activity, const TransactionOptions &options)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	arm_timeouts(options.timeout.count() > 0 ? static_cast<int>(options.timeout.count())
											 : settings::batch_timeout_ms);
	pgstat_report_activity(STATE_RUNNING, activity);
	if (const char *reason = lock_extension())
		return reason;
	if (!options.durable)
		not_durable();
	XactReadOnly = options.read_only || RecoveryInProgress();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	return nullptr;
}

void
begin_transaction(const char *activity, const TransactionOptions &options)
{
	Assert(!IsTransactionState());
	std::string reason;
	caller_context = CurrentMemoryContext;
	try {
		if (const char *why = call([&] { return open(activity, options); }))
			reason = why;
	} catch (...) {
		abort_transaction();
		throw;
	}
	if (reason.empty())
		return;
	abort_transaction();
	throw NotReady{reason};
}

void
commit_transaction()
{
	call([] {
		SPI_finish();
		PopActiveSnapshot();
		disarm_timeouts();
		CommitTransactionCommand();
		MemoryContextSwitchTo(caller_context);
		pgstat_report_stat(false); // without this, autovacuum would not learn of our writes
		pgstat_report_activity(STATE_IDLE, nullptr);
	});
}

void
abort_transaction() noexcept
{
	try {
		call([] {
			disarm_timeouts();
			AbortCurrentTransaction();
			MemoryContextSwitchTo(caller_context);
			pgstat_report_stat(false);
			pgstat_report_activity(STATE_IDLE, nullptr);
		});
		return;
	} catch (...) {
	}
	ereport(FATAL, (errmsg("bigbrotr could not abort a transaction")));
}

} // namespace pg
