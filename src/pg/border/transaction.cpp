#include "pg/border/transaction.h"

#include "pg/border/catalog.h"
#include "pg/border/error.h"
#include "pg/border/settings.h"

extern "C" {
#include "access/xact.h"
#include "executor/spi.h"
#include "pgstat.h"
#include "utils/snapmgr.h"
#include "utils/timeout.h"
}

namespace pg {

/* Of the caller, outside of any transaction; the server leaves it in another one. */
static MemoryContext caller_context;

static void
not_durable()
{
	set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL,
					  true, 0, false);
}

/* Why the worker may not go on, or null. An ERROR or a reason leaves the transaction to be aborted.
 */
static const char *
open(const char *activity, bool durable)
{
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	/* A worker has no query loop, so the server arms no time-out for it. */
	enable_timeout_after(STATEMENT_TIMEOUT, settings::batch_timeout_ms);
	pgstat_report_activity(STATE_RUNNING, activity);
	if (const char *reason = lock_extension())
		return reason;
	if (!durable)
		not_durable();
	PushActiveSnapshot(GetTransactionSnapshot());
	SPI_connect();
	return nullptr;
}

void
begin_transaction(const char *activity, bool durable)
{
	std::string reason;
	caller_context = CurrentMemoryContext;
	try {
		if (const char *why = call([&] { return open(activity, durable); }))
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
		disable_timeout(STATEMENT_TIMEOUT, false);
		CommitTransactionCommand();
		MemoryContextSwitchTo(caller_context);
		pgstat_report_stat(false); // else autovacuum never hears of our writes
		pgstat_report_activity(STATE_IDLE, nullptr);
	});
}

void
abort_transaction() noexcept
{
	try {
		call([] {
			disable_timeout(STATEMENT_TIMEOUT, false);
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
