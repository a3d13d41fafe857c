/*
 * Keeps the order of the claims and reports of one relay. Those of a step go out only when every
 * event of this step and of all steps before it is in a batch or refused. A step is a page, or the
 * time between two pages.
 *
 * Only the main thread uses a ledger. The relay's entry at its desk and the events under way share
 * the ledger, and each new connection of the relay continues with it.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "net/intake/statements.h"

namespace net {

class Ledger
{
  public:
	Ledger(int32_t relay_id, Statements &statements)
		: relay_id(relay_id), statements_(statements), steps_(1)
	{
	}

	static constexpr size_t kMostRefused = 1000;

	const int32_t relay_id;
	/* Number of refuse() since the relay's entry at its desk looked. */
	uint32_t refused_later = 0;

	/*
	 * Whether this known event belongs to the sample that goes to the worker nevertheless: the
	 * first of each step and one in 64 others. With the sample the worker notices, before it
	 * believes a claim, that events were deleted or that the database was set back.
	 */
	bool sampled();
	/* Counts one more event under way in the current step. Returns the step for release(). */
	uint64_t hold();
	void release(uint64_t step);
	/* release() for an event that was refused after the relay's job had passed it on. Later claims
	 * over its second count it and have the doubt `refused`; after kMostRefused such events, all
	 * later claims have it. */
	void refuse(uint64_t step, const nostr::Event &event);
	/* A new connection begins, whose claims are about what it will show. */
	void begin()
	{
		if (settled())
			refused_.clear();
	}
	/* Ends the current step, whose statements include these claims. */
	void end_step(std::vector<wire::RelayClaim> claims);
	/* Adds a statement to the current step. */
	void retract(const wire::RelayRetract &retract) { steps_.back().retracts.push_back(retract); }
	void end_step(Report report);
	/* Whether no event is under way and no statement waits. */
	bool settled() const { return steps_.size() == 1 && steps_.front().under_way == 0; }

  private:
	struct Step
	{
		uint64_t under_way = 0;
		bool sampled = false;
		bool ended = false;
		std::vector<wire::RelayClaim> claims;
		std::vector<wire::RelayRetract> retracts;
		std::vector<Report> reports;
	};
	void next_step();
	wire::RelayClaim judged(wire::RelayClaim claim) const;

	Statements &statements_;
	std::deque<Step> steps_; // the last one is the current step
	uint64_t first_ = 0;     // number of steps_.front()
	/* Times and ids of the events refused on this connection. */
	std::set<std::pair<int64_t, nostr::Id>> refused_;
	std::minstd_rand random_{std::random_device()()};
};

} // namespace net
