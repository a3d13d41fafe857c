/*
 * Compares the clock of this machine with the clocks of relays, which send the time in the answer
 * to the handshake. Some of those clocks are wrong, so the median of the differences counts.
 */
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/core/clock.h"

namespace net {

class ClockWatch
{
  public:
	static constexpr size_t kEnough = 3, kMost = 1000; // addresses
	static constexpr int64_t kBound = 60;              // seconds

	/* The relay at `address` has just sent its time, `theirs`, in Unix seconds. */
	void note(const std::string &address, const Clock &clock, int64_t theirs)
	{
		follow(clock);
		if (ahead_of_.size() >= kMost && !ahead_of_.contains(address))
			ahead_of_.erase(ahead_of_.begin());
		ahead_of_[address] = clock.unix_seconds() - theirs;
		judge();
	}
	/* Notices that the clock of this machine was set, and corrects all differences by that step.
	 * Must be called before ahead() decides about a claim. */
	void follow(const Clock &clock)
	{
		constexpr int64_t rounding = 2; // seconds, of both clocks
		const int64_t offset = clock.unix_seconds() - clock.since_boot().count();
		const int64_t step = offset - offset_.value_or(offset);
		if (!offset_ || std::abs(step) > rounding)
			offset_ = offset;
		if (std::abs(step) <= rounding)
			return;
		set_by_ += step;
		for (auto &known : ahead_of_)
			known.second += step;
		judge();
	}
	/* Seconds by which our clock is ahead, or behind if negative; 0: it agrees. */
	int64_t ahead() const { return ahead_; }

  private:
	/* Until a relay has sent its time, the clock is assumed to have been right at the start of the
	 * process. With fewer than kEnough relays, the smallest difference counts, because one relay
	 * with a wrong clock must not outvote one that agrees. */
	void judge()
	{
		std::vector<int64_t> sorted;
		for (const auto &known : ahead_of_)
			sorted.push_back(known.second);
		if (sorted.empty())
			sorted.push_back(set_by_);
		auto judged = sorted.begin() + sorted.size() / 2;
		if (sorted.size() >= kEnough)
			std::nth_element(sorted.begin(), judged, sorted.end());
		else
			judged = std::min_element(sorted.begin(), sorted.end(), [](int64_t a, int64_t b) {
				return std::abs(a) < std::abs(b);
			});
		ahead_ = std::abs(*judged) > kBound ? *judged : 0;
	}

	std::unordered_map<std::string, int64_t> ahead_of_;
	int64_t ahead_ = 0;
	std::optional<int64_t> offset_; // Unix time minus time since boot, seconds
	int64_t set_by_ = 0; // seconds by which the clock was set since the start of the process
};

} // namespace net
