/*
 * Limits how many new events a relay may bring in an hour (bigbrotr.sync_relay_quota). Counts last
 * until the worker ends, even if connections or net processes are replaced.
 */
#pragma once

#include <cstdint>
#include <unordered_map>

class RelayQuota
{
  public:
	void count(int32_t relay_id, int64_t events, int64_t now);
	/* Seconds until the relay may bring more events; 0: now. `quota` 0: no limit. */
	int64_t wait_s(int32_t relay_id, int64_t quota, int64_t now) const;

  private:
	struct Hour
	{
		int64_t began = 0;
		int64_t events = 0;
	};
	std::unordered_map<int32_t, Hour> hours_;
};
