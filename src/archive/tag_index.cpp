#include "tag_index.h"

#include "lookup.h"

extern "C" {
#include "catalog/pg_am_d.h"
#include "commands/defrem.h"
#include "nodes/makefuncs.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

constexpr StrategyNumber kInRanges = 1; // the index has only this operator
/* Number of ranges in one scan. GIN compares each row that it finds with all ranges of the scan, so
 * one scan with a thousand ranges takes several times as long as scans in slices. */
constexpr size_t kRangesAtOnce = 64;
constexpr const char *kArguments[] = {"tags", "created_at"};

bool
fits(Relation events, Relation index)
{
	if (!usable(index, GIN_AM_OID) || index->rd_index->indnkeyatts != 1 ||
		index->rd_index->indkey.values[0] != 0 || RelationGetIndexPredicate(index) != NIL)
		return false;
	List *name = list_make2(makeString(pstrdup("_bigbrotr")), makeString(pstrdup("tag_key_ops")));
	auto *expression = static_cast<const Node *>(linitial(RelationGetIndexExpressions(index)));
	return index->rd_opfamily[0] == get_opfamily_oid(GIN_AM_OID, name, true) &&
		   is_call(events, expression, "tag_keys", kArguments);
}

} // namespace

Relation
open_tag_index(Relation events)
{
	return open_index(events, [&](Relation index) { return fits(events, index); });
}

size_t
search_tag_index(Relation index, const TagRanges &ranges, TIDBitmap *rows)
{
	size_t count = 0;
	IndexScanDesc scan = pg::compat::begin_bitmap_scan(index, GetActiveSnapshot(), 1);
	for (size_t from = 0; from < ranges.count; from += kRangesAtOnce) {
		CHECK_FOR_INTERRUPTS();
		ArrayType *wanted = to_array(part_of(ranges, from, kRangesAtOnce));
		ScanKeyData key;
		ScanKeyInit(&key, 1, kInRanges, F_ARRAYOVERLAP, // GIN does not call this function
					PointerGetDatum(wanted));
		index_rescan(scan, &key, 1, nullptr, 0);
		count += static_cast<size_t>(index_getbitmap(scan, rows));
		pfree(wanted);
	}
	index_endscan(scan);
	return count;
}

} // namespace archive
