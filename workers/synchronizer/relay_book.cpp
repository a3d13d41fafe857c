#include "workers/synchronizer/relay_book.h"

#include <algorithm>
#include <utility>

const Reading *
HandedRelay::answered_by(const wire::RelayClaim &claim) const
{
	const Reading *other = nullptr; // a reading with another purpose
	for (const Reading &reading : asked) {
		if (reading.range.filter_id != claim.filter_id || !reading.holds(claim.claim.range))
			continue;
		if (reading.range.purpose == claim.purpose)
			return &reading;
		other = other ? other : &reading;
	}
	return other;
}

Reading *
HandedRelay::answered_by(const wire::RelayClaim &claim)
{
	return const_cast<Reading *>(std::as_const(*this).answered_by(claim));
}

void
HandedRelay::ask(std::vector<Reading> readings, bool is_more, int64_t now)
{
	asked = std::move(readings);
	more = is_more;
	asked_at = now;
	live_since = 0;
	unasked = false;
	for (const Reading &reading : asked) {
		if (reading.range.purpose == wire::Purpose::Read && reading.range.lower <= now)
			add_read({reading.range.lower, reading.range.upper});
		audited |= reading.range.purpose == wire::Purpose::Audit;
	}
}

void
HandedRelay::forget_readings()
{
	read_here.clear();
	audited = false;
}

/* Merges ranges that touch. If there are too many ranges, merges all of them. */
void
HandedRelay::add_read(nostr::TimeRange range)
{
	constexpr size_t kMany = 256;
	range.upper = std::min(range.upper, INT64_MAX - 1);
	std::erase_if(read_here, [&](const nostr::TimeRange &other) {
		bool touches = other.lower <= range.upper + 1 && range.lower <= other.upper + 1;
		if (touches || read_here.size() > kMany)
			range = {std::min(range.lower, other.lower), std::max(range.upper, other.upper)};
		return touches || read_here.size() > kMany;
	});
	read_here.push_back(range);
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
RelayBook::clock_set_back(int64_t now)
{
	for (auto &[id, relay] : relays_)
		for (int64_t *time : {&relay.opened_at, &relay.asked_at, &relay.live_since})
			*time = std::min(*time, now);
}

void
RelayBook::clear()
{
	relays_.clear();
	open_count_ = 0;
}
