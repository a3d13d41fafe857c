/*
 * What is to be done next: which relays are opened, closed and read again. Reads the database and
 * the book, and leases relays; the rest is done by whoever asked, when that is committed.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/synchronizer/relay_book.h"

/* What of a relay's time is to be read. */
struct Task
{
	std::vector<wire::Range> ranges;
	bool more = false; // there are further gaps
};

struct SyncPlan
{
	struct Opening
	{
		int32_t relay_id;
		std::string url;
		uint32_t page_limit, pace_ms; // learned before; 0: nothing
		Task task;
	};
	struct Reading
	{
		int32_t relay_id;
		Task task;
	};
	std::vector<Opening> open;
	std::vector<Reading> read;
	std::vector<int32_t> stop; // to be opened again when it is their turn
};

/* What a plan takes into account. */
struct Occasion
{
	int64_t now;            // Unix seconds
	bool look = false;      // at what others changed
	bool sweep = false;     // at all relays
	bool reload = false;    // settings have changed
	bool disk_full = false; // then nothing is opened or read
};

/* Inside a transaction. */
SyncPlan make_plan(const RelayBook &book, const std::string &owner, const Occasion &occasion);
