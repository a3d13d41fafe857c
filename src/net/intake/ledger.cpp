#include "net/intake/ledger.h"

#include <algorithm>
#include <utility>

namespace net {

bool
Ledger::sampled()
{
	return !std::exchange(steps_.back().sampled, true) || random_() % 64 == 0;
}

uint64_t
Ledger::hold()
{
	steps_.back().under_way++;
	return first_ + steps_.size() - 1;
}

void
Ledger::refuse(uint64_t step, const nostr::Event &event)
{
	refused_later++;
	if (refused_.size() < kMostRefused)
		refused_.emplace(event.created_at, event.id);
	release(step);
}

wire::RelayClaim
Ledger::judged(wire::RelayClaim claim) const
{
	const nostr::TimeRange range = claim.claim.range;
	const auto refused = std::ranges::count_if(refused_, [&](const auto &event) {
		return refused_.size() == kMostRefused ||
			   (event.first >= range.lower && event.first <= range.upper);
	});
	if (refused > 0)
		claim.claim.doubts |= nostr::Doubt::Refused;
	claim.claim.refused += refused;
	return claim;
}

void
Ledger::release(uint64_t step)
{
	steps_[step - first_].under_way--;
	while (steps_.front().ended && steps_.front().under_way == 0) {
		for (const wire::RelayClaim &claim : steps_.front().claims)
			statements_.claim(judged(claim));
		for (const wire::RelayRetract &retract : steps_.front().retracts)
			statements_.retract(retract);
		for (const Report &report : steps_.front().reports)
			statements_.report(relay_id, report);
		steps_.pop_front();
		first_++;
	}
}

void
Ledger::end_step(std::vector<wire::RelayClaim> claims)
{
	steps_.back().claims = std::move(claims);
	next_step();
}

void
Ledger::end_step(Report report)
{
	steps_.back().reports.push_back(std::move(report));
	next_step();
}

void
Ledger::next_step()
{
	uint64_t ended = hold();
	steps_.back().ended = true;
	steps_.emplace_back();
	release(ended);
}

} // namespace net
