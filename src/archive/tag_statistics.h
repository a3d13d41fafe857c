/*
 * What ANALYZE knows of the tag index.
 */
#pragma once

#include <optional>

#include "nostr/filter.h"

namespace archive {

struct TagStatistics
{
	double events;  // in the table
	double matches; // of these, with the rarest of the tags asked for
};

/* Nothing if there is no tag index, or no statistics of it. `filter` has tag conditions. */
std::optional<TagStatistics> tag_statistics(const nostr::Filter &filter);

} // namespace archive
