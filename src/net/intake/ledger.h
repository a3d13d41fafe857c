/*
 * The order of what is said about one relay: claims and reports of a step go out only when every
 * event of that step and of the steps before is in a batch or refused. A step is a page, or what
 * lies between pages.
 *
 * Main thread only. Shared by the relay's session and the events under way, so it outlives the
 * session; a later session of the same relay goes on with it.
 */
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "nostr/paging.h"
#include "wire/archive.h"

namespace net {

class Outbox;

struct Report
{
	uint32_t attempt;
	wire::RelayPhase phase;
	std::string reason;
	std::string detail;
};

class Ledger
{
  public:
	Ledger(int32_t relay_id, Outbox &outbox) : relay_id(relay_id), outbox_(outbox), steps_(1) {}

	const int32_t relay_id;
	/* Events refused after the session had passed them on. */
	uint32_t refused_later = 0;

	/* One more event under way in the current step; gives the step for release(). */
	uint64_t hold();
	void release(uint64_t step);
	/* Ends the current step with what is to be said then. */
	void end_step(std::vector<nostr::Claim> claims);
	void end_step(Report report);
	/* Nothing under way, nothing unsaid. */
	bool settled() const { return steps_.size() == 1 && steps_.front().under_way == 0; }

  private:
	struct Step
	{
		uint64_t under_way = 0;
		bool ended = false;
		std::vector<nostr::Claim> claims;
		std::vector<Report> reports;
	};
	void next_step();

	Outbox &outbox_;
	std::deque<Step> steps_; // the last one is current
	uint64_t first_ = 0;     // number of steps_.front()
};

} // namespace net
