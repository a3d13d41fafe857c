/*
 * How many events have a tag: by the statistics of ANALYZE for common tags, by a count in the index
 * for others.
 */
#pragma once

#include <optional>

#include "nostr/filter.h"

namespace archive {

struct TagStatistics
{
	double events;  // in the table, about; 0: unknown
	double matches; // of these, with the rarest of the tags asked for
};

/* Nothing if there is no tag index. `filter` has tag conditions. */
std::optional<TagStatistics> tag_statistics(const nostr::Filter &filter);

} // namespace archive
