/*
 * The operator class of the tag index (GIN), which finds the timed keys of tags (nostr/filter.h)
 * within ranges. The operator is keys OPERATOR(_bigbrotr.@@) ranges. `ranges` contains the first
 * and the last key of each range, one after the other.
 */
#include "bytes.h"
#include "lists.h"
#include "tag_statistics.h"

extern "C" {
#include "access/gin.h"
#include "access/stratnum.h"
#include "catalog/pg_type.h"
#include "nodes/supportnodes.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/array.h"
#include "utils/selfuncs.h"
}

namespace {

struct Numbers
{
	const int64 *values;
	int count;

	archive::TagRanges as_ranges() const
	{
		return {reinterpret_cast<const nostr::TagKeys *>(values), static_cast<size_t>(count) / 2};
	}
};

/* Checks the array, because any user can call these functions with any array. The number of keys of
 * an event needs no check: an event has at most one key for each tag, and bigbrotr.max_event_tags
 * limits the tags. */
Numbers
numbers(ArrayType *array, bool pairs)
{
	if (pairs)
		archive::count_elements(
			array, [] { return "the list of ranges of tag keys"; }, 2);
	int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
	if (ARR_ELEMTYPE(array) != INT8OID || ARR_HASNULL(array) || (pairs && count % 2 != 0))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("invalid ranges of tag keys"),
				 errdetail("A range has a first and a last key, and none of them is null."),
				 errhint("Conditions on tags are made by bigbrotr.event_matches.")));
	return {reinterpret_cast<const int64 *>(ARR_DATA_PTR(array)), count};
}

/* The constant on the right; null if it is not a constant. */
ArrayType *
constant_ranges(const List *arguments)
{
	auto *right = static_cast<Node *>(lsecond(arguments));
	return IsA(right, Const) && !reinterpret_cast<Const *>(right)->constisnull
			   ? DatumGetArrayTypeP(reinterpret_cast<Const *>(right)->constvalue)
			   : nullptr;
}

/* The table whose columns are on the left; null unless there is exactly one. */
RelOptInfo *
only_table(PlannerInfo *root, List *arguments)
{
	int number;
	if (!bms_get_singleton_member(pull_varnos(root, static_cast<Node *>(linitial(arguments))),
								  &number) ||
		number >= root->simple_rel_array_size)
		return nullptr;
	RelOptInfo *table = root->simple_rel_array[number];
	return table != nullptr && table->rtekind == RTE_RELATION ? table : nullptr;
}

bool
in_range(int64 key, Numbers ranges)
{
	for (int i = 0; i < ranges.count; i += 2)
		if (ranges.values[i] <= key && key <= ranges.values[i + 1])
			return true;
	return false;
}

} // namespace

SQL_FUNCTION(bigbrotr_tag_keys_match)
{
	Numbers keys = numbers(PG_GETARG_ARRAYTYPE_P(0), false);
	Numbers ranges = numbers(PG_GETARG_ARRAYTYPE_P(1), true);
	for (int i = 0; i < keys.count; i++) {
		CHECK_FOR_INTERRUPTS();
		if (in_range(keys.values[i], ranges))
			PG_RETURN_BOOL(true);
	}
	PG_RETURN_BOOL(false);
}

/* GIN's extractQuery: returns the first key of each range as an entry. A range of one key is not a
 * partial match, because GIN reads all rows of a partial match before it returns the first one. */
SQL_FUNCTION(bigbrotr_tag_ranges)
{
	Numbers ranges = numbers(PG_GETARG_ARRAYTYPE_P(0), true);
	auto *count = reinterpret_cast<int32 *>(PG_GETARG_POINTER(1));
	auto **partial = reinterpret_cast<bool **>(PG_GETARG_POINTER(3));
	auto **last = reinterpret_cast<Pointer **>(PG_GETARG_POINTER(4));
	*count = ranges.count / 2;
	if (*count == 0)
		return Datum(0);
	auto *first = static_cast<Datum *>(palloc(*count * sizeof(Datum)));
	auto *ends = static_cast<int64 *>(palloc(*count * sizeof(int64)));
	*partial = static_cast<bool *>(palloc(*count * sizeof(bool)));
	*last = static_cast<Pointer *>(palloc(*count * sizeof(Pointer)));
	for (int i = 0; i < *count; i++) {
		first[i] = Int64GetDatum(ranges.values[2 * i]);
		ends[i] = ranges.values[2 * i + 1];
		(*partial)[i] = ranges.values[2 * i] != ends[i];
		(*last)[i] = reinterpret_cast<Pointer>(&ends[i]);
	}
	PG_RETURN_POINTER(first);
}

/* GIN's comparePartial: returns 0 for a key in the range, and 1 for a key after its end. */
SQL_FUNCTION(bigbrotr_compare_tag_range)
{
	int64 key = PG_GETARG_INT64(1);
	int64 last = *reinterpret_cast<int64 *>(PG_GETARG_POINTER(3));
	PG_RETURN_INT32(key <= last ? 0 : 1);
}

/* GIN's triConsistent: one matching range is enough. */
SQL_FUNCTION(bigbrotr_tag_ranges_found)
{
	auto *found = reinterpret_cast<GinTernaryValue *>(PG_GETARG_POINTER(0));
	int32 count = PG_GETARG_INT32(3);
	GinTernaryValue out = GIN_FALSE;
	for (int32 i = 0; i < count && out != GIN_TRUE; i++)
		if (found[i] != GIN_FALSE)
			out = found[i];
	PG_RETURN_GIN_TERNARY_VALUE(out);
}

/* The share of events with a key in the ranges. The planner multiplies it by the share of the
 * condition on created_at, which stands next to it. */
SQL_FUNCTION(bigbrotr_tag_ranges_selectivity)
{
	constexpr double kRare = 0.0001, kFewEvents = 100;
	auto *root = reinterpret_cast<PlannerInfo *>(PG_GETARG_POINTER(0));
	auto *arguments = reinterpret_cast<List *>(PG_GETARG_POINTER(2));
	auto *ranges = constant_ranges(arguments);
	RelOptInfo *table = only_table(root, arguments);
	double out = kRare;
	if (ranges != nullptr && table != nullptr) {
		archive::TagRanges wanted = numbers(ranges, true).as_ranges();
		double rows = std::max<double>(table->tuples, 1);
		Oid events = planner_rt_fetch(table->relid, root)->relid;
		std::optional<double> found = archive::tag_rows(events, rows, wanted);
		out = found ? *found / rows / archive::time_share(events, wanted)
					: std::min(kRare, std::max<double>(kFewEvents, wanted.count) / rows);
	}
	CLAMP_PROBABILITY(out);
	PG_RETURN_FLOAT8(out);
}

/* The startup cost of the condition. The planner's estimate for GIN does not include reading the
 * row places of the ranges if another condition leaves few of these rows. */
SQL_FUNCTION(bigbrotr_tag_keys_match_support)
{
	constexpr double kPlaceCost = 0.3;
	auto *node = reinterpret_cast<Node *>(PG_GETARG_POINTER(0));
	if (!IsA(node, SupportRequestCost))
		return Datum(0);
	auto *request = reinterpret_cast<SupportRequestCost *>(node);
	if (request->root == nullptr || request->node == nullptr || !IsA(request->node, OpExpr))
		return Datum(0);
	List *arguments = reinterpret_cast<OpExpr *>(request->node)->args;
	auto *ranges = constant_ranges(arguments);
	RelOptInfo *table = only_table(request->root, arguments);
	if (ranges == nullptr || table == nullptr)
		return Datum(0);
	Oid events = planner_rt_fetch(table->relid, request->root)->relid;
	request->startup = kPlaceCost * archive::tag_rows(events, std::max<double>(table->tuples, 1),
													  numbers(ranges, true).as_ranges())
										.value_or(0);
	request->per_tuple = 5 * cpu_operator_cost; // the COST of the function
	PG_RETURN_POINTER(request);
}
