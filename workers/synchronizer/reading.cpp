#include "workers/synchronizer/reading.h"

#include <algorithm>

namespace {

constexpr size_t kMaxMisses = 1000;

} // namespace

bool
Reading::missed(const nostr::TimeRange &seconds) const
{
	if (many_misses)
		return true;
	auto first = misses.lower_bound(seconds.lower);
	return first != misses.end() && *first <= seconds.upper;
}

void
Reading::add_miss(int64_t created_at)
{
	found++;
	newest_miss = std::max(newest_miss.value_or(created_at), created_at);
	if (misses.size() < kMaxMisses)
		misses.insert(created_at);
	else
		many_misses = true;
}

void
Reading::add_claim(const nostr::Claim &claim)
{
	shown += claim.events;
	read_from = std::min(read_from.value_or(claim.range.lower), claim.range.lower);
	// A relay without any event cannot prove that this is its end, but the whole range was
	// asked for.
	whole &= !claim.doubts.without(nostr::Doubt::EndUnprobed).cut();
}
