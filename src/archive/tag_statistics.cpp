#include "tag_statistics.h"

#include <algorithm>
#include <limits>

#include "pg/border/error.h"

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

constexpr StrategyNumber kOverlap = 1; // of GIN's operator classes for arrays

/* The most common keys, sorted, and their frequencies; empty before ANALYZE has run. May raise an
 * ERROR. */
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

/* The Oid of the tag index if it exists, is valid and is a GIN index; else InvalidOid. May raise an
 * ERROR. */
Oid
tag_index(Oid schema)
{
	Oid index = get_relname_relid("events_tags_idx", schema);
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(index));
	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	auto *form = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple));
	bool good =
		form->relkind == RELKIND_INDEX && form->relam == GIN_AM_OID && get_index_isvalid(index);
	ReleaseSysCache(tuple);
	return good ? index : InvalidOid;
}

/* May raise. */
double
row_count(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (!HeapTupleIsValid(tuple))
		return 0;
	double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return std::max(rows, 0.0);
}

/* Counts the events that have one of the keys, by the index: exact, and fast if they are few. May
 * raise an ERROR. */
double
count_matches(Oid index, const Datum *keys, size_t count)
{
	ScanKeyData key;
	ScanKeyInit(
		&key, 1, kOverlap, F_ARRAYOVERLAP,
		PointerGetDatum(construct_array(const_cast<Datum *>(keys), static_cast<int>(count), INT8OID,
										sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
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
	double out = 0;
	std::vector<Datum> rare;
	Datum *end = common.values + common.nvalues;
	for (const std::string &value : tag.values) {
		int64_t key = nostr::tag_key(tag.name, value);
		Datum *at = std::lower_bound(common.values, end, key, [](Datum element, int64_t wanted) {
			return DatumGetInt64(element) < wanted;
		});
		if (at != end && DatumGetInt64(*at) == key)
			out += common.numbers[at - common.values] * events;
		else
			rare.push_back(Int64GetDatum(key));
	}
	if (!rare.empty())
		out += pg::call([&] { return count_matches(index, rare.data(), rare.size()); });
	return out;
}

} // namespace

std::optional<TagStatistics>
tag_statistics(const nostr::Filter &filter)
{
	Oid index;
	AttStatsSlot common;
	TagStatistics out = {0, std::numeric_limits<double>::infinity()};
	pg::call([&] {
		Oid schema = get_namespace_oid("bigbrotr", false);
		index = tag_index(schema);
		common = common_keys(index);
		out.events = row_count(get_relname_relid("events", schema));
	});
	if (!OidIsValid(index))
		return {};
	for (const nostr::TagCondition &tag : filter.tags)
		out.matches = std::min(out.matches, matches(index, common, out.events, tag));
	return out;
}

} // namespace archive
