/* Log lines about changes of relays' status, at most a hundred per minute and process. */
#include "pg/border/compat.h"
#include "pg/border/error.h"
#include "pg/cycle/settings.h"

extern "C" {
#include "utils/builtins.h"
#include "utils/timestamp.h"
}

constexpr int kMostLines = 100;

/* Arguments: the service that noticed the change, whose log level applies, and the line. The line
 * is written before the transaction commits, so a transaction that is repeated writes it again. */
SQL_FUNCTION(bigbrotr_log_status)
{
	static int64 minute = 0;
	static int lines = 0;
	const char *observer = text_to_cstring(PG_GETARG_TEXT_PP(0));
	const char *line = text_to_cstring(PG_GETARG_TEXT_PP(1));
	if (wire::LogLevel::Info < pg::settings::log_level_of(observer))
		PG_RETURN_VOID();
	const int64 now = GetCurrentTimestamp() / USECS_PER_MINUTE;
	if (now != minute && lines > kMostLines)
		ereport(LOG, (errmsg_internal("%d more changes of the status of relays were not logged",
									  lines - kMostLines),
					  errhidecontext(true), errhidestmt(true)));
	lines = now == minute ? lines + 1 : 1;
	minute = now;
	if (lines <= kMostLines)
		ereport(LOG, (errmsg_internal("%s", line), errhidecontext(true), errhidestmt(true)));
	PG_RETURN_VOID();
}
