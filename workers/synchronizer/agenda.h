/*
 * The task of one relay: a gap that reaches up to now; the recent time, in which events still
 * arrive; the other gaps, newest first; the time in the future; a few ranges to confirm or audit.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/synchronizer/reading.h"

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
	bool reconnect = false; // a range to confirm was first read on this connection
};

/*
 * Must be called inside a transaction. `reader`: the identity under which the relay is read.
 * `first_read`: the ranges first read on this connection, which this connection cannot confirm.
 * `opening`: the relay has no connection yet.
 */
Task make_task(int32_t relay_id, wire::ReadAs reader, bool opening,
			   const std::vector<nostr::TimeRange> &first_read, int64_t now);
