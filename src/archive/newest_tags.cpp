/*
 * The tag index tells weeks apart (nostr/filter.h): the search begins with the newest weeks, and
 * goes back in time in longer and longer steps until it has found enough.
 *
 * The functions may raise an ERROR: they own no C++ object that has a destructor.
 */
#include "newest.h"
#include "tag_ranges.h"

extern "C" {
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "nodes/tidbitmap.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
}

namespace archive {

namespace {

constexpr StrategyNumber kInRanges = 1; // the only operator of the index
constexpr Size kBitmapBytes = Size{64} << 20;
constexpr size_t kFew = 4; // times as many as are wanted

/* Unix seconds of the transaction. */
int64_t
now()
{
	return GetCurrentTransactionStartTimestamp() / USECS_PER_SEC +
		   static_cast<int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

struct Window
{
	int64_t first, last; // weeks
};

/* Rows that may match. The number may count some of them twice. */
struct Found
{
	TIDBitmap *rows;
	size_t count;
};

Found
search(Relation index, const nostr::Filter &filter, Window window)
{
	CHECK_FOR_INTERRUPTS();
	auto *keys = static_cast<ScanKeyData *>(palloc(filter.tags.size() * sizeof(ScanKeyData)));
	int count = 0;
	for (const nostr::TagCondition &tag : filter.tags)
		ScanKeyInit(&keys[count++], 1, kInRanges, F_ARRAYOVERLAP, // which GIN does not call
					PointerGetDatum(tag_ranges(tag, window.first, window.last)));
	Found found = {tbm_create(kBitmapBytes, nullptr), 0};
	IndexScanDesc scan = pg::compat::begin_bitmap_scan(index, GetActiveSnapshot(), count);
	index_rescan(scan, keys, count, nullptr, 0);
	found.count = static_cast<size_t>(index_getbitmap(scan, found.rows));
	index_endscan(scan);
	return found;
}

/* The last week since which there are enough rows by the statistics of ANALYZE; -1: they do not
 * say. */
int64_t
likely_first(Oid index, double events, const Newest &newest)
{
	AttStatsSlot common = common_keys(index);
	double wanted = static_cast<double>(newest.most) / std::max(events, 1.0);
	int64_t last = nostr::period_of(newest.until);
	auto *shares = static_cast<double *>(palloc0(nostr::kPeriods * sizeof(double)));
	for (const nostr::TagCondition &tag : newest.filter->tags)
		for (const std::string &value : tag.values)
			add_common_shares(common, nostr::timed_tag_keys(tag.name, value, 0, last), shares);
	/* Of the last week a part is left. */
	constexpr int64_t kWeek = 7 * 86400;
	int64_t left = last > 0 ? newest.until - nostr::period_start(last) : kWeek;
	shares[last] *= std::min(static_cast<double>(left) / kWeek, 1.0);
	double share = 0;
	for (int64_t week = last; week >= 0; week--)
		if ((share += shares[week]) >= wanted)
			return week;
	return -1;
}

/* The newest weeks that hold enough rows, but if possible not many more, or all that are left.
 * Times in the future are few and belong to this week. */
Found
search_back(Relation index, double events, const Newest &newest, Window &window)
{
	int64_t lowest = nostr::period_of(newest.since);
	window.last = nostr::period_of(newest.until);
	int64_t too_few = std::max(std::min(window.last, nostr::period_of(now())), lowest) + 1;
	int64_t likely = likely_first(RelationGetRelid(index), events, newest);
	int64_t width = likely < 0 ? newest.periods : std::max<int64_t>(too_few - likely, 1);
	Found found;
	for (;; width *= 4) {
		window.first = std::max(lowest, too_few - width);
		found = search(index, *newest.filter, window);
		if (found.count >= newest.most || window.first == lowest)
			break;
		tbm_free(found.rows);
		too_few = window.first;
	}
	while (found.count > kFew * newest.most && window.first + 1 < too_few) {
		Window newer = {window.first + (too_few - window.first) / 2, window.last};
		Found part = search(index, *newest.filter, newer);
		bool enough = part.count >= newest.most;
		tbm_free(enough ? found.rows : part.rows);
		if (enough) {
			found = part;
			window = newer;
		} else
			too_few = newer.first;
	}
	return found;
}

} // namespace

bool
has_tag_index()
{
	return OidIsValid(find_tag_index());
}

Candidates
read_newest_of_tags(Newest &newest)
{
	Oid index_oid = find_tag_index();
	if (!OidIsValid(index_oid))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("there is no tag index"),
				 errdetail("The newest events with a tag are read from it."),
				 errhint("SELECT bigbrotr.create_tag_index(); creates it.")));
	Relation events = open_events();
	Relation index = index_open(index_oid, AccessShareLock);
	Window window;
	Found rows = search_back(index, events->rd_rel->reltuples, newest, window);
	index_close(index, NoLock);
	int64_t from = std::max(newest.since, nostr::period_start(window.first));
	Candidates found;
	EventReader row(events);
	IndexFetchTableData *scan = pg::compat::begin_index_fetch(events);
	const auto &kinds = newest.filter->kinds;
	pg::compat::each_of_bitmap(rows.rows, [&](ItemPointerData tid) {
		if (row.fetch(scan, tid) && row.created_at() >= from && row.created_at() <= newest.until &&
			(!kinds || std::binary_search(kinds->begin(), kinds->end(), row.kind())))
			found.add(row.candidate());
	});
	table_index_fetch_end(scan);
	row.end();
	tbm_free(rows.rows);
	table_close(events, NoLock);
	newest.ended = from <= newest.since;
	if (!newest.ended)
		newest.until = from - 1;
	int64_t last = std::min(window.last, nostr::period_of(now()));
	newest.periods = 4 * std::max<int64_t>(last - window.first + 1, 1);
	return found;
}

} // namespace archive
