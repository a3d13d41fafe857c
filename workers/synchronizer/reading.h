/*
 * One range that a relay was asked for, with the results so far. A second reading tests the first
 * one: an event of the range that the relay had not shown before is a miss. This code uses no SQL.
 */
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "wire/archive.h"

struct Reading
{
	wire::Range range;
	std::string evidence;               // for a second reading: what the first one claimed
	std::optional<int64_t> known;       // number of its events that the relay had shown before
	int64_t shown = 0;                  // number of events that this reading shows
	int64_t found = 0;                  // number of misses among them
	std::optional<int64_t> newest_miss; // created_at
	std::optional<int64_t> read_from;   // lowest claimed second
	bool whole = true;                  // the whole range was asked for and answered
	/* The seconds of misses. If there are too many, `many_misses` is set and the whole range counts
	 * as missed. */
	std::set<int64_t> misses;
	bool many_misses = false;

	bool judges() const
	{
		return range.purpose == wire::Purpose::Again || range.purpose == wire::Purpose::Confirm ||
			   range.purpose == wire::Purpose::Audit;
	}
	bool holds(int64_t second) const { return range.lower <= second && second <= range.upper; }
	bool holds(const nostr::TimeRange &seconds) const
	{
		return range.lower <= seconds.lower && seconds.upper <= range.upper;
	}
	bool missed(const nostr::TimeRange &seconds) const;
	void add_miss(int64_t created_at);
	void add_claim(const nostr::Claim &claim);
};
