/*
 * The keys of the tag index contain the week, or a period of 13 weeks (nostr/filter.h). The search
 * begins with the newest periods and goes back in time in growing steps until it has found enough.
 *
 * The functions may raise an ERROR, so they own no C++ object that has a destructor.
 */
#include "newest.h"
#include "pg/border/time.h"
#include "tag_index.h"
#include "tag_statistics.h"

extern "C" {
#include "access/table.h"
}

namespace archive {

namespace {

constexpr size_t kFew = 4;          // factor for the number of wanted rows
constexpr size_t kFewRows = 1000;   // fetching these is cheaper than a look into two more indexes
constexpr size_t kWorthALook = 200; // rows
constexpr double kLongestWalk = 20000; // events

/* Rows that may match, from these weeks. `count` may count some of them twice. */
struct Found
{
	Weeks weeks;
	TIDBitmap *rows = nullptr; // null: no rows
	size_t count = 0;
	bool is_narrowed = true; // by the indexes, the rows also match the other conditions

	/* Counts the rows again. After this, the bitmap accepts no more rows. */
	void recount()
	{
		count = 0;
		pg::compat::each_of_bitmap(rows, [this](ItemPointerData) { count++; });
	}
};

/* The periods in the keys of a tag: single weeks or 13 weeks, named by their first week. */
class Periods
{
  public:
	explicit Periods(const nostr::TagCondition &tag)
		: length_(nostr::has_coarse_periods(tag) ? nostr::kCoarsePeriod : 1)
	{
	}

	int64_t length() const { return length_; }
	int64_t begin(int64_t week) const { return week - week % length_; }
	int64_t end(int64_t week) const { return begin(week) + length_; } // start of the next period
	int64_t of_time(int64_t time) const { return begin(nostr::period_of(time)); }

  private:
	int64_t length_;
};

class Search
{
  public:
	Search(const Newest &newest, Relation events, Relation index)
		: newest_(newest), tag_(newest.filter->tags[0]), periods_(tag_), events_(events),
		  index_(index), known_(weekly_shares(RelationGetRelid(index), tag_))
	{
		for (int64_t week = 0; week < nostr::kPeriods; week++)
			known_[week] *= std::max<double>(events->rd_rel->reltuples, 1);
	}

	/* The expectation by the statistics of ANALYZE: the first period from which on there are enough
	 * rows, and their number. */
	struct Expected
	{
		int64_t first; // -1: unknown
		double rows;
	};

	Expected expected() const
	{
		double rows = 0;
		int64_t last = periods_.of_time(newest_.until);
		for (int64_t week = nostr::period_of(newest_.until); week >= 0; week--) {
			double left = 1; // part of the newest period that is before `until`
			if (week == last && last > 0)
				left = std::min(static_cast<double>(newest_.until - nostr::period_start(last)) /
									(periods_.length() * 7 * SECS_PER_DAY),
								1.0);
			rows += known_[week] * left;
			if (rows >= newest_.most)
				return {periods_.begin(week), rows};
		}
		return {-1, 0};
	}

	/* Goes back in growing steps until at least newest_.most rows are found, then drops the oldest
	 * periods if there are many more rows. If there are never so many, all rows down to `since`.
	 */
	Found back(Expected expected) const
	{
		int64_t lowest = periods_.of_time(newest_.since), last = nostr::period_of(newest_.until);
		/* Few events have future times, and those are false, so the first step includes the
		 * future. */
		int64_t now = nostr::period_of(pg::transaction_time());
		int64_t future = periods_.end(std::max(std::min(last, now), lowest));
		int64_t longest = longest_step();
		int64_t step = expected.first < 0 ? std::clamp(newest_.weeks, periods_.length(), longest)
										  : periods_.length();
		int64_t first = expected.first < 0 ? future - step : expected.first;
		/* A week with many rows gets its own step, in which the rows of the authors may be read
		 * instead. */
		if (expected.first >= 0 && newest_.is_narrowed())
			first = periods_.end(first);
		Found found = {}, others = {}; // others: steps with so few rows that narrow() does not pay
		for (int64_t end = last;; step = std::min(2 * step, longest)) {
			first = std::max(lowest, periods_.begin(std::clamp<int64_t>(first, 0, end)));
			Found part = search({first, end});
			if (!part.is_narrowed && part.count > kWorthALook)
				narrow(part);
			add(part.is_narrowed ? found : others, part);
			if (others.count > kWorthALook) {
				narrow(others);
				add(found, others);
				others = {};
			}
			if (found.count >= newest_.most || first == lowest) {
				add(found, others);
				found.weeks = {first, last};
				return newer_part(found, future, periods_.end(end));
			}
			end = first - 1;
			first -= step;
		}
	}

  private:
	/* The longest step, so that for a tag that is not common in any week a step finds a bounded
	 * number of rows. */
	int64_t longest_step() const
	{
		constexpr double kUncommon = 0.00025, kMostRows = 80000, kMostWeeks = 256;
		double rows = std::max<double>(events_->rd_rel->reltuples, 1) * kUncommon; // of a week
		return std::max(static_cast<int64_t>(std::min(kMostRows / rows, kMostWeeks)),
						periods_.length());
	}

	Found search(Weeks weeks) const
	{
		if (Found few = few_of_authors(weeks); few.rows != nullptr)
			return few;
		Found found = {.weeks = weeks, .is_narrowed = !newest_.is_narrowed()};
		found.rows = tbm_create(Newest::kBitmapBytes, nullptr);
		found.count = search_tag_index(index_, tag_ranges(tag_, weeks), found.rows);
		return found;
	}

	/* The rows of the authors, if these are much fewer than the known rows of the tag. */
	Found few_of_authors(Weeks weeks) const
	{
		constexpr double kMany = 5000, kFewer = 16;
		double with_tag = 0;
		for (int64_t week = weeks.first; week <= weeks.last; week++)
			with_tag += known_[week];
		if (!newest_.beside->authors || with_tag < kMany)
			return {};
		Found found = {.weeks = weeks, .rows = of_authors(weeks)};
		found.recount();
		if (kFewer * static_cast<double>(found.count) < with_tag)
			return found;
		tbm_free(found.rows);
		return {};
	}

	TIDBitmap *of_authors(Weeks weeks) const
	{
		return rows_of_authors(newest_, std::max(newest_.since, nostr::period_start(weeks.first)),
							   std::min(newest_.until, nostr::period_end(weeks.last)), events_);
	}

	/* Keeps only the rows by the authors and with the other tags. Reading row places from indexes
	 * is much cheaper than fetching the rows. */
	void narrow(Found &found) const
	{
		for (const nostr::TagCondition &tag : newest_.beside->tags) {
			TIDBitmap *rows = tbm_create(Newest::kBitmapBytes, nullptr);
			search_tag_index(index_, tag_ranges(tag, found.weeks), rows);
			tbm_intersect(found.rows, rows);
			tbm_free(rows);
		}
		if (newest_.beside->authors) {
			TIDBitmap *rows = of_authors(found.weeks);
			tbm_intersect(found.rows, rows);
			tbm_free(rows);
		}
		found.recount();
		found.is_narrowed = true;
	}

	static void add(Found &found, const Found &older)
	{
		if (found.rows == nullptr || older.rows == nullptr) {
			found = found.rows == nullptr ? older : found;
			return;
		}
		TIDBitmap *rows = tbm_create(Newest::kBitmapBytes, nullptr);
		tbm_union(rows, found.rows);
		tbm_union(rows, older.rows);
		tbm_free(found.rows);
		tbm_free(older.rows);
		found.rows = rows;
		found.count += older.count;
		found.weeks.first = older.weeks.first;
	}

	/* The newest rows of `found` that are enough, but not many more, found by bisection. `too_few`:
	 * a week; the rows from it on are known not to be enough. */
	Found newer_part(Found found, int64_t future, int64_t too_few) const
	{
		/* Most false times are after all weeks. */
		int64_t end_of_time = periods_.begin(nostr::kPeriods - 1);
		size_t many = std::max(kFew * newest_.most, newest_.is_narrowed() ? kFewRows : 0);
		while (found.count > many && found.weeks.first + periods_.length() < too_few) {
			int64_t first = found.weeks.first;
			int64_t middle = periods_.begin(first + (too_few - first) / 2);
			for (int64_t border : {end_of_time, future})
				if (first < border && border < too_few)
					middle = border;
			Found part = search({middle, found.weeks.last});
			if (!part.is_narrowed && part.count > kWorthALook)
				narrow(part);
			bool enough = part.count >= newest_.most;
			tbm_free(enough ? found.rows : part.rows);
			if (enough)
				found = part;
			else
				too_few = middle;
		}
		return found;
	}

	const Newest &newest_;
	const nostr::TagCondition &tag_;
	Periods periods_;
	Relation events_, index_;
	double *known_; // known rows with the tag for each week, from ANALYZE
};

/* Whether a walk back in time finds enough. If a period has very many rows, a walk soon finds
 * enough of them, and is cheaper than fetching all of them. */
bool
walk(Newest &newest, Relation events, double rows, Candidates &found)
{
	if (newest.walked || newest.is_narrowed() || rows <= static_cast<double>(kFew * newest.most))
		return false;
	newest.dense = rows;
	found = walk_back(newest, events, static_cast<int64_t>(std::min(rows / kFew, kLongestWalk)));
	newest.walked = found.count < newest.most;
	return !newest.walked || newest.ended;
}

/* Adds the wanted events of these rows. */
void
fetch(const Newest &newest, Relation events, const Found &rows, int64_t from, Candidates &found)
{
	EventReader row(events);
	IndexFetchTableData *scan = pg::compat::begin_index_fetch(events);
	pg::compat::each_of_bitmap(rows.rows, [&](ItemPointerData tid) {
		if (!row.fetch(scan, tid) || row.created_at() < from || !newest.wants(row.kind()) ||
			(newest.is_narrowed() && !row.has_tag(newest.filter->tags[0])))
			return;
		Candidate one = row.candidate();
		if (!newest.is_unread(one))
			return;
		if (found.is_full())
			found.cut();
		found.add(one);
	});
	table_index_fetch_end(scan);
	row.end();
}

} // namespace

bool
has_tag_index()
{
	Relation events = open_events();
	Relation index = open_tag_index(events);
	if (index != nullptr)
		index_close(index, NoLock);
	table_close(events, NoLock);
	return index != nullptr;
}

Candidates
read_newest_of_tag(Newest &newest)
{
	Relation events = open_events();
	Relation index = open_tag_index(events);
	if (index == nullptr)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no tag index"),
				 errdetail("The newest events with a tag are read from it."),
				 errhint("SELECT bigbrotr.create_tag_index(); creates it.")));
	Candidates found;
	Search search(newest, events, index);
	Search::Expected expected = search.expected();
	if (!walk(newest, events, std::max(expected.rows, newest.dense), found)) {
		Found rows = search.back(expected);
		int64_t from = std::max(newest.since, nostr::period_start(rows.weeks.first));
		int64_t last = std::min(rows.weeks.last, nostr::period_of(pg::transaction_time()));
		newest.weeks = 4 * std::max<int64_t>(last - rows.weeks.first + 1, 1);
		if (!walk(newest, events, static_cast<double>(rows.count), found) && from <= newest.until) {
			fetch(newest, events, rows, from, found);
			newest.finish(found, from);
		}
		tbm_free(rows.rows);
	}
	index_close(index, NoLock);
	table_close(events, NoLock);
	return found;
}

} // namespace archive
