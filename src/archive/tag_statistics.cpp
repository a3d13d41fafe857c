#include "tag_statistics.h"

#include <algorithm>
#include <limits>

#include "pg/border/error.h"
#include "tag_ranges.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "nodes/tidbitmap.h"
#include "utils/array.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

constexpr StrategyNumber kOverlap = 1; // the only operator of the index
constexpr double kRareKind = 0.0001;   // the share of a kind that ANALYZE did not find often

/* Counts the events that have one of the keys, by the index: exact, and fast if they are few. May
 * raise an ERROR. */
double
count_matches(Oid index, const nostr::TagCondition &tag)
{
	ScanKeyData key;
	ScanKeyInit(&key, 1, kOverlap, F_ARRAYOVERLAP,
				PointerGetDatum(tag_ranges(tag, 0, nostr::kPeriods - 1)));
	Relation relation = index_open(index, AccessShareLock);
	TIDBitmap *found = tbm_create(work_mem * static_cast<Size>(1024), nullptr);
	IndexScanDesc scan = pg::compat::begin_bitmap_scan(relation, GetActiveSnapshot(), 1);
	index_rescan(scan, &key, 1, nullptr, 0);
	auto out = static_cast<double>(index_getbitmap(scan, found));
	index_endscan(scan);
	tbm_free(found);
	index_close(relation, AccessShareLock);
	return out;
}

/* Events that have one of the values of the tag. */
double
matches(Oid index, const AttStatsSlot &common, double events, const nostr::TagCondition &tag)
{
	double share = 0;
	for (const std::string &value : tag.values) {
		nostr::TagKeys keys = nostr::timed_tag_keys(tag.name, value, 0, nostr::kPeriods - 1);
		share += common_share(common, keys.first, keys.last);
	}
	return share > 0 ? share * events : pg::call([&] { return count_matches(index, tag); });
}

} // namespace

ArrayType *
tag_ranges(const nostr::TagCondition &tag, int64_t first_period, int64_t last_period)
{
	auto *keys = static_cast<Datum *>(palloc(2 * tag.values.size() * sizeof(Datum)));
	int count = 0;
	for (const std::string &value : tag.values) {
		nostr::TagKeys range = nostr::timed_tag_keys(tag.name, value, first_period, last_period);
		keys[count++] = Int64GetDatum(range.first);
		keys[count++] = Int64GetDatum(range.last);
	}
	return construct_array(keys, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE);
}

AttStatsSlot
common_keys(Oid index)
{
	AttStatsSlot out = {};
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(index), Int16GetDatum(1),
									  BoolGetDatum(false));
	if (!HeapTupleIsValid(tuple))
		return out;
	get_attstatsslot(&out, tuple, STATISTIC_KIND_MCELEM, InvalidOid,
					 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
	ReleaseSysCache(tuple);
	return out;
}

/* The common keys from `first` on. */
Datum *
first_of(const AttStatsSlot &common, int64_t first)
{
	return std::lower_bound(
		common.values, common.values + common.nvalues, first,
		[](Datum element, int64_t wanted) { return DatumGetInt64(element) < wanted; });
}

void
add_common_shares(const AttStatsSlot &common, nostr::TagKeys keys, double *shares)
{
	Datum *end = common.values + common.nvalues;
	for (Datum *at = first_of(common, keys.first); at != end && DatumGetInt64(*at) <= keys.last;
		 at++)
		shares[DatumGetInt64(*at) & (nostr::kPeriods - 1)] += common.numbers[at - common.values];
}

double
common_share(const AttStatsSlot &common, int64_t first, int64_t last)
{
	Datum *end = common.values + common.nvalues;
	double out = 0;
	for (Datum *at = first_of(common, first); at != end && DatumGetInt64(*at) <= last; at++)
		out += common.numbers[at - common.values];
	return out;
}

Oid
find_tag_index()
{
	Oid index = get_relname_relid("events_tags_idx", get_namespace_oid("bigbrotr", false));
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	bool good =
		form->relkind == RELKIND_INDEX && form->relam == GIN_AM_OID && get_index_isvalid(index);
	ReleaseSysCache(tuple);
	return good ? index : InvalidOid;
}

double
kind_share(const std::vector<int32_t> &kinds)
{
	AttStatsSlot common = {};
	pg::call([&] {
		Oid events = get_relname_relid("events", get_namespace_oid("bigbrotr", false));
		HeapTuple tuple =
			SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(events),
							Int16GetDatum(get_attnum(events, "kind")), BoolGetDatum(false));
		if (!HeapTupleIsValid(tuple))
			return;
		get_attstatsslot(&common, tuple, STATISTIC_KIND_MCV, InvalidOid,
						 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
		ReleaseSysCache(tuple);
	});
	double out = common.nvalues == 0 ? 1 : 0;
	for (int i = 0; i < common.nvalues; i++)
		if (std::binary_search(kinds.begin(), kinds.end(), DatumGetInt32(common.values[i])))
			out += common.numbers[i];
	return std::clamp(out, kRareKind, 1.0);
}

double
event_count()
{
	return pg::call([] {
		Oid events = get_relname_relid("events", get_namespace_oid("bigbrotr", false));
		HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(events));
		if (!HeapTupleIsValid(tuple))
			return 0.0;
		double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
		ReleaseSysCache(tuple);
		return std::max(rows, 0.0);
	});
}

std::vector<double>
tag_counts(const nostr::Filter &filter)
{
	Oid index = InvalidOid;
	AttStatsSlot common = {};
	pg::call([&] {
		index = find_tag_index();
		common = common_keys(index);
	});
	double events = event_count();
	std::vector<double> out;
	for (const nostr::TagCondition &tag : filter.tags)
		out.push_back(matches(index, common, events, tag));
	return out;
}

} // namespace archive
