/*
 * The lists of relays that the finder's net process fetches: which lists are due, and the results.
 * Only this worker knows which lists are under way; a list that is lost is due again later.
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
	/* Looks every 2 seconds for lists that are due and hands them to the net process. */
	void tend(pg::Worker &worker);
	/* Stores the result of a fetch. Throws pg::NetFault if the net process was not asked for this
	 * list. */
	void take(pg::Worker &worker, const wire::Fetched &fetched, int32_t names_per_site);
	/* Must be called when the net process has ended. Records all fetches under way as failed,
	 * because one of them may have caused the end. */
	void fail_all(pg::Worker &worker);
	/* Whether a list may be fetched. If none may, the worker needs no net process. */
	bool any() const { return any_; }

  private:
	struct Handed
	{
		std::string url;
		size_t max_names;
	};

	std::unordered_map<uint32_t, Handed> under_way_; // fetches under way, by attempt
	uint32_t attempts_ = 0;
	bool any_ = false;
	std::chrono::steady_clock::time_point next_look_{};
};
