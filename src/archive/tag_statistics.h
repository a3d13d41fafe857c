/*
 * How many events have a tag, are of some kinds or by some authors, about: by the statistics of
 * ANALYZE, and for tags that ANALYZE did not find often by look-ups in the index.
 */
#pragma once

#include <optional>
#include <vector>

#include "tag_ranges.h"

namespace archive {

/* For each tag condition of the filter. has_tag_index() must have said yes in this transaction. */
std::vector<double> tag_counts(const nostr::Filter &filter);

/* Rows of events; 0: unknown. */
double event_count();

/* The share of events with one of these kinds, or by one of these authors; nothing before ANALYZE
 * has run. The list is sorted. */
std::optional<double> kind_share(const std::vector<int32_t> &kinds);
std::optional<double> author_share(const std::vector<nostr::PublicKey> &authors);

/* Rows with a key of the ranges in a locked table that has so many rows. Nothing for tables without
 * a tag index. May raise an ERROR. */
std::optional<double> tag_rows(Oid table, double rows, const TagRanges &ranges);

/* The share of events that were made in the ranges' weeks, as the planner estimates it. May raise
 * an ERROR. */
double time_share(Oid events, const TagRanges &ranges);

/* The share of events that have the tag in a week in which it is common, week by week: kPeriods
 * numbers, palloc'd. May raise an ERROR. */
double *weekly_shares(Oid index, const nostr::TagCondition &tag);

} // namespace archive
