/*
 * One range that a relay was asked for, and what came of it so far. A second reading judges the
 * first one: an event inside it that the relay had not shown before is a miss. It knows no SQL.
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
	std::string evidence;               // what had been claimed of it, if it judges
	std::optional<int64_t> known;       // events of it that the relay had shown before
	int64_t shown = 0;                  // events that it shows now
	int64_t found = 0;                  // of these: misses
	std::optional<int64_t> newest_miss; // created_at
	std::optional<int64_t> read_from;   // claimed down to here, Unix seconds
	bool whole = true;                  // all of it was asked for and answered
	/* The seconds of misses; of too many all of the range is missed. */
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
