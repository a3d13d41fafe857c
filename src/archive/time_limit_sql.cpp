/*
 * bigbrotr.limit_time(purpose): a time-out for what runs now, beside statement_timeout.
 */
#include "bytes.h"
#include "pg/border/settings.h"

extern "C" {
#include "utils/timeout.h"
#include "utils/timestamp.h"

PGDLLEXPORT Datum bigbrotr_limit_time(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(bigbrotr_limit_time);
}

namespace {

int
limit_ms(std::string_view purpose)
{
	if (purpose == "query")
		return pg::settings::query_timeout_ms;
	if (purpose == "procedure")
		return pg::settings::procedure_timeout_ms;
	if (purpose == "batch")
		return pg::settings::batch_timeout_ms;
	throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "no such time-out",
					"There are query, procedure and batch.",
					"Their lengths are settings, such as bigbrotr.query_timeout.");
}

/* Every call begins anew, but never goes beyond what the server had armed itself. */
void
arm(int milliseconds)
{
	static TimestampTz ours, servers; // 0: none
	TimestampTz armed =
		get_timeout_active(STATEMENT_TIMEOUT) ? get_timeout_finish_time(STATEMENT_TIMEOUT) : 0;
	if (armed == 0 || armed != ours)
		servers = armed;
	ours = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), milliseconds);
	if (servers != 0 && servers < ours)
		ours = servers;
	enable_timeout_at(STATEMENT_TIMEOUT, ours);
}

} // namespace

Datum
bigbrotr_limit_time(PG_FUNCTION_ARGS)
{
	pg::boundary([&] {
		int milliseconds = limit_ms(archive::varlena_view(PG_GETARG_DATUM(0)));
		pg::call([&] { arm(milliseconds); });
	});
	PG_RETURN_VOID();
}
