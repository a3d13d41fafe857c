/*
 * _bigbrotr.limit_time(purpose): a time limit for the current statement, besides statement_timeout.
 */
#include "time_limit.h"

#include "bytes.h"
#include "pg/border/settings.h"

extern "C" {
#include "access/xact.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"
}

namespace {

/* Arms the time-out. Each call replaces our earlier time-out, but never extends the server's
 * time-out for statement_timeout. */
void
arm(TimestampTz end)
{
	static TimestampTz ours, servers; // 0: none
	TimestampTz armed =
		get_timeout_active(STATEMENT_TIMEOUT) ? get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
	if (armed == 0 || armed != ours)
		servers = armed;
	ours = servers != 0 && servers < end ? servers : end;
	enable_timeout_at(STATEMENT_TIMEOUT, ours);
}

TimestampTz
in_ms(int milliseconds)
{
	return TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
}

} // namespace

void
archive::limit_query_time()
{
	static TimestampTz statement, end;
	if (statement != GetCurrentStatementStartTimestamp()) {
		statement = GetCurrentStatementStartTimestamp();
		end = in_ms(pg::settings::query_timeout_ms);
	}
	pg::call([] { arm(end); });
}

SQL_FUNCTION(bigbrotr_limit_time)
{
	pg::boundary([&] {
		std::string_view purpose = archive::varlena_view(PG_GETARG_DATUM(0));
		if (purpose == "query")
			archive::limit_query_time();
		else if (purpose == "procedure")
			pg::call([] { arm(in_ms(pg::settings::procedure_timeout_ms)); });
		else if (purpose == "batch")
			pg::call([] { arm(in_ms(pg::settings::batch_timeout_ms)); });
		else
			throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "no such time-out",
							"There are query, procedure and batch.",
							"Their lengths are settings, such as bigbrotr.query_timeout.");
	});
	PG_RETURN_VOID();
}
