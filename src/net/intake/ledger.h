/*
 * Keeps the order of the claims and reports of one relay: those of a step go out only when every
 * event of that step and of all steps before is in a batch or refused. A step is a page, or the
 * time between two pages.
 *
 * Main thread only. Shared by the relay's entry at its desk and the events under way; each
 * connection of the relay goes on with the ledger of the one before.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <random>
#include <string>
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

	const int32_t relay_id;
	/* Events that were refused after the relay's job had passed them on. */
	uint32_t refused_later = 0;

	/*
	 * Is this known event one of the sample that goes to the worker nevertheless? The first one of
	 * each step and one of 64 others are: if events were deleted or the database was set back, the
	 * worker notices by them, before it believes a claim.
	 */
	bool sampled();
	/* One more event under way in the current step; gives the step for release(). */
	uint64_t hold();
	void release(uint64_t step);
	/* Ends the current step. The statements are released with it. */
	void end_step(std::vector<wire::Claim> claims);
	/* Is released when the current step ends. */
	void retract(const wire::Retract &retract) { steps_.back().retracts.push_back(retract); }
	void end_step(Report report);
	/* Whether no event is under way and no statement waits. */
	bool settled() const { return steps_.size() == 1 && steps_.front().under_way == 0; }

  private:
	struct Step
	{
		uint64_t under_way = 0;
		bool sampled = false;
		bool ended = false;
		std::vector<wire::Claim> claims;
		std::vector<wire::Retract> retracts;
		std::vector<Report> reports;
	};
	void next_step();

	Statements &statements_;
	std::deque<Step> steps_; // the last one is current
	uint64_t first_ = 0;     // number of steps_.front()
	std::minstd_rand random_{std::random_device()()};
};

} // namespace net
