#include "workers/synchronizer/relay_book.h"

#include <algorithm>

bool
HandedRelay::was_asked(const nostr::TimeRange &seconds) const
{
	return std::any_of(asked.begin(), asked.end(), [&](const wire::Range &range) {
		return range.lower <= seconds.lower && seconds.upper <= range.upper;
	});
}

bool
HandedRelay::asked_from(int64_t lower) const
{
	return std::any_of(asked.begin(), asked.end(),
					   [&](const wire::Range &range) { return range.lower == lower; });
}

HandedRelay &
RelayBook::open(int32_t relay_id, int64_t now)
{
	HandedRelay &relay = relays_[relay_id];
	relay = {};
	relay.attempt = ++attempts_;
	relay.opened_at = now;
	open_count_++;
	return relay;
}

HandedRelay *
RelayBook::find(int32_t relay_id)
{
	auto found = relays_.find(relay_id);
	return found == relays_.end() ? nullptr : &found->second;
}

const HandedRelay *
RelayBook::find(int32_t relay_id) const
{
	auto found = relays_.find(relay_id);
	return found == relays_.end() ? nullptr : &found->second;
}

void
RelayBook::end(HandedRelay &relay)
{
	relay.open = false;
	open_count_--;
}

void
RelayBook::clear()
{
	relays_.clear();
	open_count_ = 0;
}
