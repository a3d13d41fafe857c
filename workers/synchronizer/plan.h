/*
 * What is to be done next: which relays are opened, closed and read again. Reads the database and
 * the book, and leases relays; the rest is done by whoever asked, when that is committed.
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
		uint32_t page_limit, pace_ms; // learned before; 0: nothing
		bool sign_in;                 // if so, it is asked when it is known as whom it is read
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
	std::string filters;       // which filters are enabled: changes when one of them does
};

/* What a plan takes into account. */
struct Occasion
{
	int64_t now;            // Unix seconds
	Share share;            // of the worker
	bool look = false;      // at what others changed
	bool sweep = false;     // at all relays
	bool reload = false;    // settings have changed
	bool has_key = false;   // to sign in with
	bool disk_full = false; // then nothing is opened or read
	std::string filters;    // SyncPlan::filters of the last plan; empty: there was none
};

/* Inside a transaction. */
SyncPlan make_plan(const RelayBook &book, const std::string &owner, const Occasion &occasion);
