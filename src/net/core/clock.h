/* The clock for all decisions of the net process; tests can replace it. */
#pragma once

#include <chrono>
#include <cstdint>
#include <ctime>

namespace net {

class Clock
{
  public:
	using Time = std::chrono::steady_clock::time_point;

	virtual ~Clock() = default;
	/* Monotonic time, for timeouts. */
	virtual Time now() const { return std::chrono::steady_clock::now(); }
	/* Monotonic time that goes on while the machine sleeps. */
	virtual std::chrono::seconds since_boot() const
	{
		timespec time{};
		clock_gettime(CLOCK_BOOTTIME, &time);
		return std::chrono::seconds(time.tv_sec);
	}
	/* Wall-clock time, for seen_at and the end of claims. */
	virtual int64_t unix_seconds() const { return std::time(nullptr); }
};

} // namespace net
