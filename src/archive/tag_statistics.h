/*
 * Estimates how many events have a tag, are of some kinds or by some authors: with the statistics
 * of ANALYZE, and with look-ups in the index for tags that ANALYZE did not find often.
 */
#pragma once

#include <optional>
#include <vector>

#include "tag_ranges.h"

namespace archive {

/* The number of events for each tag condition of the filter. has_tag_index() must have returned
 * true in this transaction. */
std::vector<double> tag_counts(const nostr::Filter &filter);

/* Number of events; 0: unknown. */
double event_count();

/* The share of events of these kinds, or by these authors; nothing if ANALYZE has not run. The list
 * must be sorted. */
std::optional<double> kind_share(const std::vector<int32_t> &kinds);
std::optional<double> author_share(const std::vector<nostr::PublicKey> &authors);

/* Number of rows with a key of the ranges in a locked table with `rows` rows. Nothing for tables
 * without a tag index. May raise an ERROR. */
std::optional<double> tag_rows(Oid table, double rows, const TagRanges &ranges);

/* The share of events from the weeks of the ranges, as the planner estimates it. May raise an
 * ERROR. */
double time_share(Oid events, const TagRanges &ranges);

/* For each week in which the tag is common, the share of events with the tag: kPeriods numbers,
 * palloc'd. May raise an ERROR. */
double *weekly_shares(Oid index, const nostr::TagCondition &tag);

} // namespace archive
