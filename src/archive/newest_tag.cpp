/*
 * The tag index tells weeks apart, or quarters (nostr/filter.h): the search begins with the newest
 * ones, and goes back in time in longer and longer steps until it has found enough.
 *
 * The functions may raise an ERROR: they own no C++ object that has a destructor.
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

constexpr size_t kFew = 4;             // times as many as are wanted
constexpr double kLongestWalk = 20000; // events

/* Rows that may match, of these weeks. The number may count some of them twice. */
struct Found
{
	Weeks weeks;
	TIDBitmap *rows;
	size_t count;
};

/* Periods that the keys of a tag tell apart: weeks or quarters, by the number of their first week.
 */
class Periods
{
  public:
	explicit Periods(const nostr::TagCondition &tag)
		: length_(nostr::has_coarse_periods(tag) ? nostr::kCoarsePeriod : 1)
	{
	}

	int64_t length() const { return length_; }
	int64_t begin(int64_t week) const { return week - week % length_; }
	int64_t end(int64_t week) const { return begin(week) + length_; } // begin of the next one
	int64_t of_time(int64_t time) const { return begin(nostr::period_of(time)); }

  private:
	int64_t length_;
};

class Search
{
  public:
	Search(Newest &newest, Relation events, Relation index)
		: newest_(newest), tag_(newest.filter->tags[0]), periods_(tag_), events_(events),
		  index_(index)
	{
	}

	/* What the statistics of ANALYZE say: from which period on there are enough rows, and how many
	 * are there. */
	struct Expected
	{
		int64_t first; // -1: they do not say
		double rows;
	};

	Expected expected() const
	{
		double events = std::max<double>(events_->rd_rel->reltuples, 1), rows = 0;
		int64_t last = periods_.of_time(newest_.until);
		double *shares = weekly_shares(RelationGetRelid(index_), tag_);
		/* Of the last period a part is left. */
		if (last > 0) {
			double left = newest_.until - nostr::period_start(last);
			shares[last] *= std::min(left / (periods_.length() * 7 * SECS_PER_DAY), 1.0);
		}
		for (int64_t week = nostr::period_of(newest_.until); week >= 0; week--)
			if ((rows += shares[week] * events) >= newest_.most)
				return {periods_.begin(week), rows};
		return {-1, 0};
	}

	/* The newest periods that hold enough rows, but if possible not many more, or all that are
	 * left. */
	Found back(Expected expected) const
	{
		int64_t lowest = periods_.of_time(newest_.since), last = nostr::period_of(newest_.until);
		/* Times in the future are few, or false: the first step takes them along. */
		int64_t now = nostr::period_of(pg::transaction_time());
		int64_t future = periods_.end(std::max(std::min(last, now), lowest));
		int64_t first = expected.first < 0 ? future - newest_.weeks : expected.first;
		int64_t width = std::max(future - first, periods_.length()), too_few = periods_.end(last);
		for (;; width *= 4) {
			first = std::clamp<int64_t>(first, 0, last);
			first = std::max(lowest, periods_.begin(first));
			Found found = search({first, last});
			if (found.count >= newest_.most || first == lowest)
				return newer_part(found, future, too_few);
			tbm_free(found.rows);
			too_few = first;
			first = std::min(first, future) - 4 * width;
		}
	}

  private:
	Found search(Weeks weeks) const
	{
		Found found = {weeks, tbm_create(Newest::kBitmapBytes, nullptr), 0};
		found.count = search_tag_index(index_, tag_ranges(tag_, weeks), found.rows);
		if (newest_.is_narrowed())
			narrow(found);
		return found;
	}

	/* Leaves the rows that are by the authors and have the tags beside: to read their places from
	 * indexes costs a small part of what fetching the rows would cost. */
	void narrow(Found &found) const
	{
		for (const nostr::TagCondition &tag : newest_.beside->tags) {
			TIDBitmap *rows = tbm_create(Newest::kBitmapBytes, nullptr);
			search_tag_index(index_, tag_ranges(tag, found.weeks), rows);
			tbm_intersect(found.rows, rows);
			tbm_free(rows);
		}
		if (newest_.beside->authors) {
			if (newest_.of_authors == nullptr) {
				MemoryContext before = MemoryContextSwitchTo(newest_.memory);
				newest_.of_authors = rows_of_authors(*newest_.beside->authors, newest_, events_);
				MemoryContextSwitchTo(before);
			}
			tbm_intersect(found.rows, newest_.of_authors);
		}
		found.count = 0;
		pg::compat::each_of_bitmap(found.rows, [&](ItemPointerData) { found.count++; });
	}

	/* From `too_few` on there are not enough rows. */
	Found newer_part(Found found, int64_t future, int64_t too_few) const
	{
		/* False times are most often beyond all weeks. */
		int64_t end_of_time = periods_.begin(nostr::kPeriods - 1);
		while (found.count > kFew * newest_.most &&
			   found.weeks.first + periods_.length() < too_few) {
			int64_t first = found.weeks.first;
			int64_t middle = periods_.begin(first + (too_few - first) / 2);
			for (int64_t border : {end_of_time, future})
				if (first < border && border < too_few)
					middle = border;
			Found part = search({middle, found.weeks.last});
			bool enough = part.count >= newest_.most;
			tbm_free(enough ? found.rows : part.rows);
			if (enough)
				found = part;
			else
				too_few = middle;
		}
		return found;
	}

	Newest &newest_;
	const nostr::TagCondition &tag_;
	Periods periods_;
	Relation events_, index_;
};

/* Does a walk find enough? A period that has very many rows is no step: where they are so many, a
 * walk soon finds enough of them, and it costs a part of what fetching all of them would cost. */
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

/* Adds what is wanted of the rows. */
void
fetch(const Newest &newest, Relation events, const Found &rows, int64_t from, Candidates &found)
{
	EventReader row(events);
	IndexFetchTableData *scan = pg::compat::begin_index_fetch(events);
	pg::compat::each_of_bitmap(rows.rows, [&](ItemPointerData tid) {
		if (!row.fetch(scan, tid) || row.created_at() < from || !newest.wants(row.kind()))
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
