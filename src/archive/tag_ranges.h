/*
 * Ranges of keys to find in the tag index (nostr/filter.h).
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/compat.h"

extern "C" {
#include "utils/array.h"
}

namespace archive {

/* Both weeks are included. */
struct Weeks
{
	int64_t first, last;
};

constexpr Weeks kAllWeeks = {0, nostr::kPeriods - 1};

/* A list in the memory context that was current when it was made. */
struct TagRanges
{
	const nostr::TagKeys *items;
	size_t count;
};

/* The ranges of a tag condition for events of these weeks, one range for each value. May raise an
 * ERROR. */
TagRanges tag_ranges(const nostr::TagCondition &tag, Weeks weeks);

/* From the first to the last week that any range contains. */
Weeks weeks_of(const TagRanges &ranges);
/* The ranges, cut to these weeks. */
TagRanges within(const TagRanges &ranges, Weeks weeks);

/* A slice of the list, and at most `most` ranges spread over the list. */
TagRanges part_of(const TagRanges &ranges, size_t from, size_t most);
TagRanges some_of(const TagRanges &ranges, size_t most);

/* The ranges in the form that the operator of the index takes: a bigint[] with the first and the
 * last key of each range. May raise an ERROR. */
ArrayType *to_array(const TagRanges &ranges);

} // namespace archive
