/*
 * Notices that somebody set the clock of the server back. What was noted as due later then lies as
 * much further in the future.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

namespace pg {

class ClockStep
{
  public:
	/* `now` in Unix seconds and the clock that nobody can set, read at the same moment. Returns by
	 * how many seconds the first was set back since the last call; 0: by less than a minute. */
	int64_t set_back(int64_t now, std::chrono::steady_clock::time_point steady)
	{
		constexpr int64_t least = 60;
		const int64_t offset =
			now -
			std::chrono::duration_cast<std::chrono::seconds>(steady.time_since_epoch()).count();
		const int64_t back = offset_.value_or(offset) - offset;
		offset_ = offset;
		return back >= least ? back : 0;
	}

  private:
	std::optional<int64_t> offset_;
};

} // namespace pg
