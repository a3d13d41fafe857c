/*
 * Compares the clock of this machine with the clocks of relays, which send the time in the answer
 * to the handshake. Some of those clocks are wrong, so the median of the differences counts.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <unordered_map>
#include <vector>

namespace net {

class ClockWatch
{
  public:
	static constexpr size_t kLeast = 3, kMost = 1000; // number of addresses
	static constexpr int64_t kBound = 60;             // seconds

	/* `ours` and `theirs`: Unix seconds of the two clocks at the same moment. */
	void note(const std::string &address, int64_t ours, int64_t theirs)
	{
		if (ahead_of_.size() >= kMost && !ahead_of_.contains(address))
			ahead_of_.erase(ahead_of_.begin());
		ahead_of_[address] = ours - theirs;
		std::vector<int64_t> sorted;
		for (const auto &known : ahead_of_)
			sorted.push_back(known.second);
		const auto middle = sorted.begin() + sorted.size() / 2;
		std::nth_element(sorted.begin(), middle, sorted.end());
		ahead_ = sorted.size() >= kLeast && std::abs(*middle) > kBound ? *middle : 0;
	}
	/* Seconds by which our clock is ahead of the median (negative: behind); 0 if the clocks
	 * agree. */
	int64_t ahead() const { return ahead_; }

  private:
	std::unordered_map<std::string, int64_t> ahead_of_;
	int64_t ahead_ = 0;
};

} // namespace net
