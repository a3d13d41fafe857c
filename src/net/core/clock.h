/* The clock of all decisions in the net process, so that tests can pass their own. */
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
	/* For time-outs. */
	virtual Time now() const { return std::chrono::steady_clock::now(); }
	/* For seen_at and the end of claims. */
	virtual int64_t unix_seconds() const { return std::time(nullptr); }
};

} // namespace net
