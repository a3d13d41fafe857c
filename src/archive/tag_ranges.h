/*
 * What the tag index is asked for: ranges of keys (nostr/filter.h).
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/compat.h"

extern "C" {
#include "utils/array.h"
}

namespace archive {

/* Both included. */
struct Weeks
{
	int64_t first, last;
};

constexpr Weeks kAllWeeks = {0, nostr::kPeriods - 1};

/* A list in the memory context in which it was made. */
struct TagRanges
{
	const nostr::TagKeys *items;
	size_t count;
};

/* The ranges of a condition on a tag for events of some weeks, one for each value. May raise an
 * ERROR. */
TagRanges tag_ranges(const nostr::TagCondition &tag, Weeks weeks);

/* The weeks in which the ranges lie, and what lies in some weeks. */
Weeks weeks_of(const TagRanges &ranges);
TagRanges within(const TagRanges &ranges, Weeks weeks);

/* A part of the list, and so many of the list at most, from all of its parts. */
TagRanges part_of(const TagRanges &ranges, size_t from, size_t most);
TagRanges some_of(const TagRanges &ranges, size_t most);

/* As the operator of the index takes them: a bigint[] with the first and the last key of each. May
 * raise an ERROR. */
ArrayType *to_array(const TagRanges &ranges);

} // namespace archive
