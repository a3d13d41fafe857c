/*
 * How many events have a tag, by the statistics of ANALYZE for common tags, by a count in the index
 * for others; and how many have a kind.
 */
#pragma once

#include <vector>

#include "nostr/filter.h"

namespace archive {

/* For each tag condition of the filter, about. There must be a tag index. */
std::vector<double> tag_counts(const nostr::Filter &filter);

/* Rows of events, about; 0: unknown. */
double event_count();

/* The share of events with one of these kinds, about; `kinds` is sorted. */
double kind_share(const std::vector<int32_t> &kinds);

} // namespace archive
