/*
 * The lists of relays that the finder's net process fetches: which are due, and what became of
 * them. What is under way is known here only; if it is lost, the list is due again later.
 */
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>

#include "pg/work/worker.h"
#include "wire/fetch.h"

class Lists
{
  public:
	/* Looks every 2 seconds whether lists are due, and hands them to the net process. */
	void tend(pg::Worker &worker);
	/* Stores what the net process found; throws pg::NetFault if it was not asked for that. */
	void take(pg::Worker &worker, const wire::Fetched &fetched, int32_t names_per_site);
	/* The net process has ended: what was under way has failed, since it may be the cause. */
	void fail_all(pg::Worker &worker);
	/* Is there a list that may be fetched? Without one there is no need for a net process. */
	bool any() const { return any_; }

  private:
	struct Handed
	{
		std::string url;
		size_t max_names;
	};

	std::unordered_map<uint32_t, Handed> under_way_; // by attempt
	uint32_t attempts_ = 0;
	bool any_ = false;
	std::chrono::steady_clock::time_point next_look_{};
};
