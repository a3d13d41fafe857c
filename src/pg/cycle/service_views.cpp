/* What SQL may see of the services: the rows of view bigbrotr.services, and service_stats(). */
#include <cmath>

#include "pg/border/settings.h"
#include "pg/cycle/service_functions.h"
#include "pg/cycle/slots.h"

#include "pg/border/compat.h"

extern "C" {
#include "funcapi.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(bigbrotr_service_states);
PG_FUNCTION_INFO_V1(bigbrotr_service_stats);

PGDLLEXPORT Datum bigbrotr_service_states(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum bigbrotr_service_stats(PG_FUNCTION_ARGS);
}

namespace pg {

static constexpr const char *kHealthNames[] = {"unknown", "healthy", "unhealthy"};

/* One row being filled, column by column. */
class Row
{
  public:
	void add(Datum value, bool is_null = false)
	{
		values[columns] = value;
		nulls[columns++] = is_null;
	}
	void add(const char *text) { add(text[0] ? CStringGetTextDatum(text) : Datum(0), !text[0]); }
	void add_time(TimestampTz time) { add(TimestampTzGetDatum(time), time == 0); }
	void add_count(int64 count) { add(Int64GetDatum(count)); }
	void add_ms(double us) { add(Float8GetDatum(us / 1000.0), std::isnan(us)); }

	Datum values[24];
	bool nulls[24];
	int columns = 0;
};

static Row
row_of(Slot &slot)
{
	Row row;
	row.add(slot.database);
	row.add(slot.service);
	row.add(state_name(slot));
	row.add(Int32GetDatum(slot.pid), slot.pid == 0);
	row.add_time(slot.since);
	row.add_time(pg_atomic_read_u64(&slot.last_success));
	row.add(slot.last_error);
	row.add(slot.last_sqlstate);
	row.add(kHealthNames[static_cast<int>(slot.health)]);
	row.add_count(pg_atomic_read_u64(&slot.health_checks));
	row.add_count(pg_atomic_read_u64(&slot.health_failures));
	row.add_count(slot.restarts);
	uint64 cycles = pg_atomic_read_u64(&slot.cycles);
	double none = std::nan("");
	row.add_count(cycles);
	row.add_ms(cycles ? pg_atomic_read_u64(&slot.cycle_last_us) : none);
	row.add_ms(cycles ? double(pg_atomic_read_u64(&slot.cycle_total_us)) / cycles : none);
	row.add_ms(cycles ? pg_atomic_read_u64(&slot.cycle_max_us) : none);
	row.add_time(slot.next_start);
	return row;
}

/* A copy of what is in use, so that no row is built under the lock. */
static Slot *
copy_slots(int &count)
{
	Slot *copy = static_cast<Slot *>(palloc(sizeof shared->slots));
	count = 0;
	LWLockAcquire(shared->lock, LW_SHARED);
	for (const Slot &slot : shared->slots)
		if (slot.used)
			memcpy(static_cast<void *>(&copy[count++]), &slot, sizeof slot);
	LWLockRelease(shared->lock);
	return copy;
}

static void
append_stats(StringInfo json, Slot &slot)
{
	bool up = slot.pid != 0;
	int64 total = pg_atomic_read_u64(&slot.health_checks);
	int64 failed = pg_atomic_read_u64(&slot.health_failures);
	appendStringInfoString(json, "{\"name\": ");
	escape_json(json, slot.service);
	appendStringInfo(json, ", \"uptime_seconds\": %.3f",
					 up ? (GetCurrentTimestamp() - slot.started) / double(USECS_PER_SEC) : 0.0);
	appendStringInfo(json,
					 ", \"health_checks\": {\"total\": " INT64_FORMAT ", \"failed\": " INT64_FORMAT
					 ", \"success_rate\": %.2f}, \"custom\": {",
					 total, failed, total ? 100.0 * (total - failed) / total : 0.0);
	const char *separator = "";
	for (Counter &counter : slot.custom)
		if (counter.name[0]) {
			appendStringInfoString(json, separator);
			escape_json(json, counter.name);
			appendStringInfo(json, ": " INT64_FORMAT, int64(pg_atomic_read_u64(&counter.value)));
			separator = ", ";
		}
	appendStringInfoString(json, "}}");
}

} // namespace pg

using namespace pg;

Datum
bigbrotr_service_states(PG_FUNCTION_ARGS)
{
	require_preload();
	if (settings::databases[0] == '\0')
		ereport(NOTICE, (errmsg("bigbrotr serves no database"),
						 errhint("List the databases to serve in \"bigbrotr.databases\".")));
	compat::begin_rows(fcinfo);
	ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	int count;
	Slot *slots = copy_slots(count);
	for (int i = 0; i < count; i++) {
		Row row = row_of(slots[i]);
		tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
	}
	return Datum(0);
}

Datum
bigbrotr_service_stats(PG_FUNCTION_ARGS)
{
	Slot *slot = require_slot(text_to_cstring(PG_GETARG_TEXT_PP(0)));
	StringInfoData json;
	initStringInfo(&json);
	Slot *copy = static_cast<Slot *>(palloc(sizeof(Slot)));
	LWLockAcquire(shared->lock, LW_SHARED);
	memcpy(static_cast<void *>(copy), slot, sizeof(Slot));
	LWLockRelease(shared->lock);
	append_stats(&json, *copy);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
