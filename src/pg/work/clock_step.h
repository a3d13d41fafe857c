/*
 * Notices that somebody set the clock of the server. After the clock was set back, stored times of
 * work that is due lie further in the future by the same amount; after it was set ahead, leases
 * seem to have expired.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <optional>

namespace pg {

class ClockStep
{
  public:
	/* `now`: Unix seconds. `steady`: the clock that nobody can set, read at the same moment.
	 * Returns the number of seconds by which the server's clock was set ahead since the last call,
	 * negative if it was set back, 0 if by less than a minute. */
	int64_t seconds(int64_t now, std::chrono::steady_clock::time_point steady)
	{
		constexpr int64_t least = 60;
		const int64_t offset =
			now -
			std::chrono::duration_cast<std::chrono::seconds>(steady.time_since_epoch()).count();
		const int64_t step = offset - offset_.value_or(offset);
		offset_ = offset;
		return std::abs(step) >= least ? step : 0;
	}

  private:
	std::optional<int64_t> offset_;
};

} // namespace pg
