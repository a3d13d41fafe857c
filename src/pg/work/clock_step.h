/*
 * Notices that somebody set the clock of the server. After it was set back, what was noted as due
 * later lies as much further in the future; after it was set ahead, leases seem to have expired.
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
	/* `now` in Unix seconds and the clock that nobody can set, read at the same moment. Returns by
	 * how many seconds the first was set ahead since the last call, or back if the number is
	 * negative; 0: by less than a minute. */
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
