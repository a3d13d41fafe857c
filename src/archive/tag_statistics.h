/*
 * How many events have a tag, are of some kinds or by some authors, about: by the statistics of
 * ANALYZE, and for tags that ANALYZE did not find often by a count in the index.
 */
#pragma once

#include <optional>
#include <vector>

#include "nostr/filter.h"

#include "pg/border/compat.h"

namespace archive {

/* For each tag condition of the filter. has_tag_index() must have said yes in this transaction. */
std::vector<double> tag_counts(const nostr::Filter &filter);

/* Rows of events; 0: unknown. */
double event_count();

/* The share of events with one of these kinds, or by one of these authors; nothing before ANALYZE
 * has run. The list is sorted. */
std::optional<double> kind_share(const std::vector<int32_t> &kinds);
std::optional<double> author_share(const std::vector<nostr::PublicKey> &authors);

/* The share of events with a key from `first` to `last`, of those keys that are common. */
double common_share(const AttStatsSlot &common, int64_t first, int64_t last);

/* The same for a tag by weeks: kPeriods numbers, palloc'd. May raise an ERROR. */
double *weekly_shares(Oid index, const nostr::TagCondition &tag);

} // namespace archive
