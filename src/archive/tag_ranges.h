/*
 * What the tag index is asked for: ranges of keys.
 */
#pragma once

#include "nostr/filter.h"

#include "pg/border/compat.h"

extern "C" {
#include "utils/array.h"
#include "utils/lsyscache.h"
}

namespace archive {

/* The ranges of a condition on a tag for events of some weeks, both included, as a bigint[]. May
 * raise an ERROR. */
ArrayType *tag_ranges(const nostr::TagCondition &tag, int64_t first_period, int64_t last_period);

/* The common keys of the index, sorted, and their shares of the events; empty before ANALYZE has
 * run. May raise an ERROR. */
AttStatsSlot common_keys(Oid index);

/* Adds the shares of keys to those of their weeks. */
void add_common_shares(const AttStatsSlot &common, nostr::TagKeys keys, double *shares);

/* The share of events with a key from `first` to `last`, of those keys that are common: statistics
 * of ANALYZE, whose keys are sorted. */
double common_share(const AttStatsSlot &common, int64_t first, int64_t last);

/* The tag index, if it can be used; else InvalidOid. May raise an ERROR. */
Oid find_tag_index();

} // namespace archive
