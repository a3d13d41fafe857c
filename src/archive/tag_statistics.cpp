#include "tag_statistics.h"

#include <algorithm>
#include <numeric>

#include "newest.h"
#include "pg/border/error.h"
#include "pg/border/time.h"
#include "tag_index.h"

extern "C" {
#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
}

namespace archive {

namespace {

/* What ANALYZE has stored about a column. */
struct Statistics
{
	AttStatsSlot common = {}; // common values with their shares of the rows
	double distinct = 0;      // number of different values; 0: ANALYZE has not run
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
					 ATTSTATSSLOT_VALUES |
						 (kind == STATISTIC_KIND_HISTOGRAM ? 0 : ATTSTATSSLOT_NUMBERS));
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

/* The first common key that is not below `first`. */
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

size_t
count_rows(Relation index, const TagRanges &ranges)
{
	TIDBitmap *rows = tbm_create(work_mem * static_cast<Size>(1024), nullptr);
	size_t count = search_tag_index(index, ranges, rows);
	tbm_free(rows);
	return count;
}

/* Divides time into quarters of a year; the last quarter contains the future. Each step goes to
 * another quarter that is far from the ones before it. */
class Quarters
{
  public:
	explicit Quarters(Weeks weeks) : last_week_(weeks.last), first_(weeks.first / kWeeks)
	{
		int64_t now = nostr::period_of(pg::transaction_time()) + 1;
		count_ = std::max(std::min(now, weeks.last) / kWeeks, first_) - first_ + 1;
		while (std::gcd(step_, count_) != 1)
			step_++;
	}

	int64_t count() const { return count_; }
	int64_t step(int64_t n) const { return n * step_ % count_; }
	int64_t of_key(int64_t key) const
	{
		return std::clamp<int64_t>(nostr::period_of_key(key) / kWeeks - first_, 0, count_ - 1);
	}
	Weeks weeks(int64_t quarter) const
	{
		int64_t begin = (first_ + quarter) * kWeeks;
		return {begin, quarter == count_ - 1 ? last_week_ : begin + kWeeks - 1};
	}

  private:
	static constexpr int64_t kWeeks = nostr::kCoarsePeriod;
	int64_t last_week_, first_, count_ = 0, step_ = 17;
};

/* Number of rows with a key of the ranges in a quarter. If a week has very many such rows, the
 * second week shows whether the keys distinguish weeks, and both weeks stand for the others. */
double
rows_of_quarter(Relation index, const TagRanges &ranges, Weeks quarter, double many)
{
	auto rows = [&](int64_t first, int64_t last) {
		return first > last ? 0.0
							: static_cast<double>(count_rows(index, within(ranges, {first, last})));
	};
	auto weeks = static_cast<double>(quarter.last - quarter.first + 1);
	double first = rows(quarter.first, quarter.first);
	if (first * weeks < many)
		return first + rows(quarter.first + 1, quarter.last);
	double second = rows(quarter.first + 1, quarter.first + 1);
	return second > 0 ? (first + second) / 2 * weeks
					  : first + rows(quarter.first + 2, quarter.last);
}

/*
 * Approximate number of rows with a key of the ranges. The statistics have a tag only for weeks in
 * which a large part of all events had it. Of the quarters with few such rows, some are looked up
 * in the index until enough rows are found; if there are many ranges, only some ranges are looked
 * up. The rows of a rare tag are counted exactly. May raise an ERROR.
 */
double
rows_of(Relation index, const AttStatsSlot &common, double events, const TagRanges &ranges)
{
	constexpr size_t kMostRanges = 16;
	constexpr double kEnough = 3000, kFew = 100;
	if (ranges.count == 0)
		return 0;
	Quarters quarters(weeks_of(ranges));
	double known = 0, known_in[nostr::kPeriods / nostr::kCoarsePeriod + 1] = {};
	for (size_t i = 0; i < ranges.count; i++)
		each_common(
			common, ranges.items[i].first, ranges.items[i].last,
			[&](int64_t key, double share) { known_in[quarters.of_key(key)] += share * events; });
	TagRanges sample = some_of(ranges, kMostRanges);
	double rows = 0, unknown = 0, searched = 0;
	for (int64_t i = 0; i < quarters.count(); i++) {
		int64_t quarter = quarters.step(i);
		if (known_in[quarter] >= kEnough) {
			known += known_in[quarter];
			continue;
		}
		unknown++;
		if (rows >= kEnough && searched >= 2)
			continue;
		if (searched == 4 && rows < kFew && known == 0) {
			rows = static_cast<double>(count_rows(index, sample));
			searched = unknown = 1;
			break;
		}
		rows += rows_of_quarter(index, sample, quarters.weeks(quarter), kEnough);
		searched++;
	}
	double all = static_cast<double>(ranges.count) / static_cast<double>(sample.count);
	return known + all * rows * unknown / std::max(searched, 1.0);
}

/* The share of the values below this one, by the bounds of a histogram. */
double
share_below(const AttStatsSlot &bounds, int64_t value)
{
	const Datum *begin = bounds.values, *end = begin + bounds.nvalues;
	const Datum *next = std::upper_bound(begin, end, value, [](int64_t wanted, Datum bound) {
		return wanted < DatumGetInt64(bound);
	});
	if (next == begin || next == end)
		return next == end;
	auto low = static_cast<double>(DatumGetInt64(next[-1]));
	double part = (static_cast<double>(value) - low) / (DatumGetInt64(*next) - low);
	return (static_cast<double>(next - 1 - begin) + part) / (bounds.nvalues - 1);
}

/* The share of events whose column has one of some values; is_wanted(value) says which. Values that
 * are not common are assumed to be equally frequent. */
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
			out[i] = rows_of(index, common, events, tag_ranges(filter.tags[i], kAllWeeks));
		index_close(index, NoLock);
		table_close(table, NoLock);
	});
	return out;
}

double
time_share(Oid events, const TagRanges &ranges)
{
	constexpr double kLeast = 1e-6;
	Weeks weeks = weeks_of(ranges);
	AttStatsSlot bounds =
		statistics(events, get_attnum(events, "created_at"), STATISTIC_KIND_HISTOGRAM).common;
	if (bounds.nvalues < 2)
		return 1;
	double end = weeks.last == nostr::kPeriods - 1
					 ? 1
					 : share_below(bounds, nostr::period_start(weeks.last + 1));
	return std::max(end - share_below(bounds, nostr::period_start(weeks.first)), kLeast);
}

std::optional<double>
tag_rows(Oid table, double rows, const TagRanges &ranges)
{
	if (!ActiveSnapshotSet())
		return std::nullopt;
	Relation events = table_open(table, NoLock);
	Relation index = open_tag_index(events);
	std::optional<double> out;
	if (index != nullptr) {
		out = rows_of(index, common_keys(RelationGetRelid(index)), rows, ranges);
		index_close(index, NoLock);
	}
	table_close(events, NoLock);
	return out;
}

} // namespace archive
