/*
 * Plans which relays are opened, closed and read again. The plan reads the database and the book
 * and leases relays; the caller carries it out after the commit.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/synchronizer/agenda.h"
#include "workers/synchronizer/leases.h"
#include "workers/synchronizer/relay_book.h"

struct SyncPlan
{
	struct Opening
	{
		int32_t relay_id;
		std::string url;
		uint32_t page_limit, pace_ms; // learned on earlier connections; 0: nothing
		uint32_t subscriptions;       // that the relay allows; 0: not known
		bool sign_in;                 // then the task is asked after the authentication
		Task task;
	};
	struct NextTask
	{
		int32_t relay_id;
		Task task;
	};
	std::vector<Opening> open;
	std::vector<NextTask> read;
	std::vector<int32_t> stop; // relays to close; they are opened again in turn
	std::string filters;       // the enabled filters; changes if a filter is enabled or disabled
};

/* What a plan takes into account. */
struct Occasion
{
	int64_t now;            // Unix seconds
	int64_t clock_back;     // seconds by which the clock was set back since the last plan
	Share share;            // of the worker
	bool look = false;      // look at changes by others
	bool sweep = false;     // look at all relays
	bool reload = false;    // settings have changed
	bool has_key = false;   // a key for authentication is there
	bool disk_full = false; // no relay is opened or read
	std::string filters;    // SyncPlan::filters of the last plan; empty: this is the first
};

/* Must be called inside a transaction. */
SyncPlan make_plan(const RelayBook &book, const std::string &owner, const Occasion &occasion);
