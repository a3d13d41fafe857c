/*
 * What one relay is asked for at one time: first what was never read, newest first; then what of
 * the recent time may have changed; then what is to be confirmed or audited, a little of it.
 */
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "workers/synchronizer/reading.h"

struct SyncFilter
{
	uint32_t filter_id; // 0: everything
	std::string json;
};

struct Task
{
	std::vector<Reading> readings;
	std::vector<SyncFilter> filters;
	bool more = false;      // there are further gaps
	bool reconnect = false; // what is to be confirmed was read on this connection
};

/*
 * Inside a transaction. `reader`: as whom the relay is read. `first_read`: what was read for the
 * first time on the connection that is asked, and cannot be confirmed there; `opening`: there is
 * none yet.
 */
Task make_task(int32_t relay_id, wire::ReadAs reader, bool opening,
			   const std::vector<nostr::TimeRange> &first_read, int64_t now);
