#include "tag_statistics.h"

#include <algorithm>

#include "newest.h"
#include "pg/border/error.h"
#include "tag_index.h"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

/* What ANALYZE knows of a column. */
struct Statistics
{
	AttStatsSlot common = {}; // its values, with their shares of the rows
	double distinct = 0;      // so many values; 0: ANALYZE has not run
};

/* May raise an ERROR. */
Statistics
statistics(Oid relation, AttrNumber column, int kind)
{
	Statistics out;
	HeapTuple tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relation),
									  Int16GetDatum(column), BoolGetDatum(false));
	if (!HeapTupleIsValid(tuple))
		return out;
	get_attstatsslot(&out.common, tuple, kind, InvalidOid,
					 ATTSTATSSLOT_VALUES | ATTSTATSSLOT_NUMBERS);
	out.distinct = reinterpret_cast<Form_pg_statistic>(GETSTRUCT(tuple))->stadistinct;
	ReleaseSysCache(tuple);
	return out;
}

/* The common keys of the tag index, sorted. */
AttStatsSlot
common_keys(Oid index)
{
	return statistics(index, 1, STATISTIC_KIND_MCELEM).common;
}

/* The common keys from `first` on. */
const Datum *
first_of(const AttStatsSlot &common, int64_t first)
{
	return std::lower_bound(
		common.values, common.values + common.nvalues, first,
		[](Datum element, int64_t wanted) { return DatumGetInt64(element) < wanted; });
}

template <class F>
void
each_common(const AttStatsSlot &common, int64_t first, int64_t last, F visit)
{
	const Datum *end = common.values + common.nvalues;
	for (const Datum *at = first_of(common, first); at != end && DatumGetInt64(*at) <= last; at++)
		visit(DatumGetInt64(*at), common.numbers[at - common.values]);
}

/* Events that have one of the values of the tag: counted in the index if none of them is common,
 * which is exact, and fast as they are few. May raise an ERROR. */
double
matches(Relation index, const AttStatsSlot &common, double events, const nostr::TagCondition &tag)
{
	double share = 0;
	for (const std::string &value : tag.values) {
		nostr::TagKeys keys = nostr::timed_tag_keys(tag.name, value, 0, nostr::kPeriods - 1);
		share += common_share(common, keys.first, keys.last);
	}
	if (share > 0)
		return share * events;
	TIDBitmap *rows = tbm_create(work_mem * static_cast<Size>(1024), nullptr);
	size_t count = search_tag_index(index, tag, kAllWeeks, rows);
	tbm_free(rows);
	return static_cast<double>(count);
}

/* The share of events whose column has one of some values; is_wanted(value) says which. Values that
 * are not common are taken for equally frequent. */
template <class F>
std::optional<double>
share_of(const char *column, size_t wanted, F is_wanted)
{
	Statistics known = pg::call([&] {
		Oid events = get_relname_relid("events", get_namespace_oid("bigbrotr", false));
		return statistics(events, get_attnum(events, column), STATISTIC_KIND_MCV);
	});
	if (known.distinct == 0)
		return std::nullopt;
	const AttStatsSlot &common = known.common;
	double share = 0, others = 1;
	for (int i = 0; i < common.nvalues; i++) {
		others -= common.numbers[i];
		if (is_wanted(common.values[i])) {
			share += common.numbers[i];
			wanted--;
		}
	}
	double distinct = known.distinct > 0 ? known.distinct : -known.distinct * event_count();
	double share_of_other = std::max(others, 0.0) / std::max(distinct - common.nvalues, 1.0);
	return std::min(share + static_cast<double>(wanted) * share_of_other, 1.0);
}

} // namespace

double
common_share(const AttStatsSlot &common, int64_t first, int64_t last)
{
	double out = 0;
	each_common(common, first, last, [&](int64_t, double share) { out += share; });
	return out;
}

double *
weekly_shares(Oid index, const nostr::TagCondition &tag)
{
	AttStatsSlot common = common_keys(index);
	auto *out = static_cast<double *>(palloc0(nostr::kPeriods * sizeof(double)));
	for (const std::string &value : tag.values) {
		nostr::TagKeys keys = nostr::timed_tag_keys(tag.name, value, 0, nostr::kPeriods - 1);
		each_common(common, keys.first, keys.last,
					[&](int64_t key, double share) { out[key & (nostr::kPeriods - 1)] += share; });
	}
	return out;
}

std::optional<double>
kind_share(const std::vector<int32_t> &kinds)
{
	return share_of("kind", kinds.size(),
					[&](Datum kind) { return nostr::holds(kinds, DatumGetInt32(kind)); });
}

std::optional<double>
author_share(const std::vector<nostr::PublicKey> &authors)
{
	return share_of("pubkey", authors.size(), [&](Datum pubkey) {
		std::string_view bytes = pg::view(DatumGetByteaPP(pubkey));
		nostr::PublicKey author = {};
		memcpy(author.data(), bytes.data(), std::min(bytes.size(), author.size()));
		return nostr::holds(authors, author);
	});
}

double
event_count()
{
	return pg::call([] {
		Relation events = open_events();
		double rows = events->rd_rel->reltuples;
		table_close(events, AccessShareLock);
		return std::max(rows, 0.0);
	});
}

std::vector<double>
tag_counts(const nostr::Filter &filter)
{
	double events = event_count();
	std::vector<double> out(filter.tags.size());
	pg::call([&] {
		Relation table = open_events();
		Relation index = open_tag_index(table);
		AttStatsSlot common = common_keys(RelationGetRelid(index));
		for (size_t i = 0; i < out.size(); i++)
			out[i] = matches(index, common, events, filter.tags[i]);
		index_close(index, NoLock);
		table_close(table, NoLock);
	});
	return out;
}

} // namespace archive
