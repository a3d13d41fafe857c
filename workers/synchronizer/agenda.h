/*
 * The task of one relay: a gap that reaches up to now; the recent time, in which events still
 * arrive; the other gaps, newest first; the time in the future; a few ranges to confirm or audit.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/synchronizer/relay_book.h"

struct TaskFilter
{
	uint32_t filter_id; // 0: everything
	std::string json;
};

struct Task
{
	std::vector<Reading> readings;
	std::vector<TaskFilter> filters;
	bool more = false;      // more gaps exist than the task holds
	bool reconnect = false; // another connection is needed for what this one has read
};

/* Must be called inside a transaction. `relay`: what the open connection was asked; for a relay
 * without a connection a new HandedRelay that is `unasked`. */
Task make_task(int32_t relay_id, const HandedRelay &relay, int64_t now);
