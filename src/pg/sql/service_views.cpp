/* The rows of view bigbrotr.services, and service_stats(). */
#include <algorithm>
#include <cmath>

#include "pg/cycle/settings.h"
#include "pg/cycle/slots.h"
#include "pg/sql/service_functions.h"

extern "C" {
#include "lib/stringinfo.h"
#include "storage/shmem.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"
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

/* Fills a row. Only sessions of the slot's database see the text of its error, which may quote
 * data. */
static Row
row_of(Slot &slot, const char *database)
{
	bool is_ours = strcmp(slot.database, database) == 0;
	Row row;
	row.add(slot.database);
	row.add(slot.service);
	row.add(Int32GetDatum(slot.instance));
	row.add(state_name(slot));
	row.add(Int32GetDatum(slot.pid), slot.pid == 0);
	row.add_time(slot.since);
	row.add_time(pg_atomic_read_u64(&slot.last_success));
	row.add(is_ours ? slot.last_error : "");
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
	row.add_time(slot.given_up_until ? slot.given_up_until : slot.next_start);
	row.add(is_ours ? slot.waiting_for : "");
	return row;
}

static int
used_slots()
{
	SharedLock lock(LW_SHARED);
	auto slots = all_slots();
	return static_cast<int>(
		std::count_if(slots.begin(), slots.end(), [](const Slot &slot) { return slot.used; }));
}

/* Copies the slots in use, without custom counters, so that rows are built without the lock. */
static Slot *
copy_slots(int &count)
{
	int places = used_slots();
	Slot *copy = static_cast<Slot *>(palloc(mul_size(places, sizeof(Slot))));
	count = 0;
	SharedLock lock(LW_SHARED);
	for (const Slot &slot : all_slots())
		if (slot.used && count < places)
			memcpy(static_cast<void *>(&copy[count++]), &slot, offsetof(Slot, custom));
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
	appendStringInfo(json, ", \"cycles\": {\"seconds\": %.6f, \"up_to\": {",
					 pg_atomic_read_u64(&slot.cycle_total_us) / 1e6);
	uint64 cycles = 0;
	for (size_t i = 0; i < kCycleClasses; i++) {
		cycles += pg_atomic_read_u64(&slot.cycle_classes[i]);
		if (i < std::size(kCycleBounds))
			appendStringInfo(json, "\"%g\": " UINT64_FORMAT ", ", kCycleBounds[i] / 1e6, cycles);
		else
			appendStringInfo(json, "\"+Inf\": " UINT64_FORMAT "}}", cycles);
	}
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

SQL_FUNCTION(bigbrotr_service_states)
{
	require_preload();
	if (settings::databases[0] == '\0')
		ereport(NOTICE, (errmsg("bigbrotr serves no database"),
						 errhint("List the databases to serve in \"bigbrotr.databases\".")));
	compat::begin_rows(fcinfo);
	ReturnSetInfo *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	const char *database = get_database_name(MyDatabaseId);
	int count;
	Slot *slots = copy_slots(count);
	for (int i = 0; i < count; i++) {
		Row row = row_of(slots[i], database);
		tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
	}
	return Datum(0);
}

SQL_FUNCTION(bigbrotr_service_stats)
{
	const char *service = text_to_cstring(PG_GETARG_TEXT_PP(0));
	int instance = PG_GETARG_INT32(1);
	ServiceSlots slots = require_slots(service);
	StringInfoData json;
	initStringInfo(&json);
	Slot *copy = static_cast<Slot *>(palloc(sizeof(Slot)));
	LWLockAcquire(shared->lock, LW_SHARED);
	const Slot *slot = find_slot(slots.database, slots.service, instance);
	if (slot)
		memcpy(static_cast<void *>(copy), slot, sizeof(Slot));
	LWLockRelease(shared->lock);
	if (slot == nullptr)
		ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("service \"%s\" has no instance %d", service, instance),
						errdetail("Instances are numbered from 1 on."),
						errhint("See view bigbrotr.services.")));
	append_stats(&json, *copy);
	PG_RETURN_DATUM(DirectFunctionCall1(jsonb_in, CStringGetDatum(json.data)));
}
