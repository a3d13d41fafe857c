/* Log lines about changes of relays' status, at most a hundred per minute and process. */
#include "pg/border/compat.h"
#include "pg/border/error.h"
#include "pg/cycle/settings.h"

extern "C" {
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

constexpr int kMostLines = 100;

/* Writes a line with only the outermost entry of the error context, which names the service and its
 * task. The other entries name SQL functions, which explain nothing. */
static void
log_line(const char *line, const char *detail)
{
	ErrorContextCallback *all = error_context_stack;
	while (error_context_stack && error_context_stack->previous)
		error_context_stack = error_context_stack->previous;
	ereport(LOG, (errmsg_internal("%s", line), detail ? errdetail_internal("%s", detail) : 0,
				  errhidecontext(MyBackendType != B_BG_WORKER), errhidestmt(true)));
	error_context_stack = all;
}

/* Arguments: the service that noticed the change, whose log level applies, the line and its detail.
 * The line is written before the transaction commits, so a transaction that is repeated writes it
 * again. */
SQL_FUNCTION(bigbrotr_log_status)
{
	static int64 minute = 0;
	static int lines = 0;
	const char *observer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (wire::LogLevel::Info < pg::settings::log_level_of(observer))
		PG_RETURN_VOID();
	const int64 now = GetCurrentTimestamp() / USECS_PER_MINUTE;
	if (now != minute && lines > kMostLines)
		log_line(
			psprintf("%d more changes of the status of relays were not logged", lines - kMostLines),
			nullptr);
	lines = now == minute ? lines + 1 : 1;
	minute = now;
	if (lines <= kMostLines)
		log_line(text_to_cstring(PG_GETARG_TEXT_PP(1)), text_to_cstring(PG_GETARG_TEXT_PP(2)));
	PG_RETURN_VOID();
}
