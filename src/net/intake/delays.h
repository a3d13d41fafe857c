/* A histogram of delays: for each limit, the number of events that took no longer. */
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace net {

class Delays
{
  public:
	static constexpr std::array<std::chrono::milliseconds, 6> kLimits{
		std::chrono::milliseconds{100},  std::chrono::milliseconds{250},
		std::chrono::milliseconds{500},  std::chrono::milliseconds{1000},
		std::chrono::milliseconds{2500}, std::chrono::milliseconds{10000}};

	void add(std::chrono::steady_clock::duration delay)
	{
		count_++;
		sum_ += delay;
		for (size_t i = kLimits.size(); i > 0 && delay <= kLimits[i - 1]; i--)
			within_[i - 1]++;
	}

	int64_t count() const { return count_; }
	int64_t microseconds() const
	{
		return std::chrono::duration_cast<std::chrono::microseconds>(sum_).count();
	}
	/* The number of delays of at most kLimits[limit]. */
	int64_t within(size_t limit) const { return within_[limit]; }

  private:
	int64_t count_ = 0;
	std::chrono::steady_clock::duration sum_{};
	std::array<int64_t, kLimits.size()> within_{};
};

} // namespace net
