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

/*
 * The ranges of a condition on a tag for events of some weeks, one for each value: a bigint[] with
 * the first and the last key of each range. `from`, `most`: of a part of the values. May raise an
 * ERROR.
 */
ArrayType *tag_ranges(const nostr::TagCondition &tag, Weeks weeks, size_t from = 0,
					  size_t most = SIZE_MAX);

} // namespace archive
