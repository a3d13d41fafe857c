#include "tag_statistics.h"

#include <algorithm>

#include "pg/error.h"

extern "C" {
#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_statistic.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

double
row_count(Oid relation)
{
	HeapTuple tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relation));
	if (!HeapTupleIsValid(tuple))
		return 0;
	double rows = reinterpret_cast<Form_pg_class>(GETSTRUCT(tuple))->reltuples;
	ReleaseSysCache(tuple);
	return rows;
}

/* Share of the events that hold one of the keys; what is not among the most common ones is rarer.
 */
double
share(const AttStatsSlot &common, const nostr::TagCondition &tag)
{
	double rarest = common.numbers[common.nvalues] / 2, sum = 0;
	for (const std::string &value : tag.values) {
		int64_t key = nostr::tag_key(tag.name, value);
		Datum *end = common.values + common.nvalues;
		Datum *at = std::lower_bound(common.values, end, key, [](Datum element, int64_t wanted) {
			return DatumGetInt64(element) < wanted;
		});
		sum += at != end && DatumGetInt64(*at) == key ? common.numbers[at - common.values] : rarest;
	}
	return std::min(sum, 1.0);
}

/* May raise. */
bool
read_statistics(const nostr::Filter &filter, TagStatistics &out)
{
	Oid schema = get_namespace_oid("bigbrotr", true);
	Oid index = get_relname_relid("events_tags_idx", schema);
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(index), Int16GetDatum(1),
									  BoolGetDatum(false));
	if (!HeapTupleIsValid(tuple))
		return false;
	AttStatsSlot common;
	bool found = get_attstatsslot(&common, tuple, STATISTIC_KIND_MCELEM, InvalidOid,
								  ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
	/* The lowest and the highest frequency follow those of the elements. */
	bool usable = found && common.nnumbers >= common.nvalues + 2;
	if (usable) {
		double rarest = 1;
		for (const nostr::TagCondition &tag : filter.tags)
			rarest = std::min(rarest, share(common, tag));
		out.events = row_count(get_relname_relid("events", schema));
		out.matches = out.events * rarest;
	}
	if (found)
		free_attstatsslot(&common);
	ReleaseSysCache(tuple);
	return usable;
}

} // namespace

std::optional<TagStatistics>
tag_statistics(const nostr::Filter &filter)
{
	TagStatistics out;
	if (!pg::call([&] { return read_statistics(filter, out); }))
		return {};
	return out;
}

} // namespace archive
