/*
 * The function may raise an ERROR, so it owns no C++ object that has a destructor.
 */
#include "lookup.h"
#include "newest.h"

extern "C" {
#include "catalog/pg_opfamily_d.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

constexpr OrderColumn kByTime[] = {{"created_at", INTEGER_BTREE_FAM_OID}};

bool
matches(const Newest &newest, const EventReader &row)
{
	const nostr::Filter &filter = *newest.filter;
	return newest.wants(row.kind()) && (!filter.authors || row.is_by(*filter.authors)) &&
		   (filter.tags.empty() || row.has_tag(filter.tags[0]));
}

} // namespace

Candidates
walk_back(Newest &newest, Relation events, int64_t entries)
{
	Candidates found;
	Relation index = open_ordered_index(events, kByTime);
	if (index == nullptr)
		return found;
	IndexScanDesc scan = pg::compat::begin_index_scan(events, index, GetActiveSnapshot(), 1);
	ScanKeyData key;
	ScanKeyInit(&key, 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(newest.until));
	index_rescan(scan, &key, 1, nullptr, 0);
	EventReader row(events);
	int64_t enough_at = PG_INT64_MIN, time = newest.until;
	bool at_end = false;
	for (; entries > 0; entries--) {
		CHECK_FOR_INTERRUPTS();
		at_end = !index_getnext_slot(scan, BackwardScanDirection, row.slot());
		if (at_end)
			break;
		time = row.created_at();
		at_end = time < newest.since;
		if (at_end || time < enough_at)
			break;
		if (!matches(newest, row))
			continue;
		if (Candidate one = row.candidate(); newest.is_unread(one))
			found.add(one);
		if (found.count >= newest.most && enough_at == PG_INT64_MIN)
			enough_at = time;
	}
	row.end();
	index_endscan(scan);
	index_close(index, NoLock);
	if (at_end)
		newest.finish(found, newest.since);
	else {
		/* The second at which the walk stopped may be incomplete. */
		found.keep_if([&](const Candidate &one) { return one.created_at > time; });
		if (time < newest.until)
			newest.finish(found, time + 1);
	}
	return found;
}

} // namespace archive
