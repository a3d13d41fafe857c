/*
 * Counts messages that one relay sent without being asked, and messages that were refused. The
 * counts belong to the relay, not to a connection, so a relay cannot reset them by reconnecting.
 */
#pragma once

#include <algorithm>

#include "net/core/clock.h"

namespace net {

class FloodGuard
{
  public:
	/* Messages per hour that were not asked for or have no content. */
	static constexpr int kMaxIgnored = 20000;
	/* Messages per hour that were refused for a fault of the relay. */
	static constexpr int kMaxRefused = 1000;
	/* Bytes per hour of messages that are too large and therefore discarded. */
	static constexpr size_t kMaxSkipped = 64 << 20;
	static constexpr std::chrono::hours kCountedFor{1};

	/* Counts one message. False: the limit is exceeded. */
	bool ignore(Clock::Time now)
	{
		forget_old(now);
		return ++ignored_ <= kMaxIgnored;
	}
	bool refuse(Clock::Time now, uint32_t count = 1)
	{
		forget_old(now);
		refused_ += int(count);
		return refused_ < kMaxRefused;
	}

	bool skip(Clock::Time now, size_t bytes)
	{
		forget_old(now);
		skipped_ = bytes > kMaxSkipped ? kMaxSkipped + 1 : skipped_ + bytes;
		return skipped_ <= kMaxSkipped;
	}
	/* Subtracts two messages for each question, because a relay may answer each CLOSE. */
	void excuse(uint32_t pages) { ignored_ = std::max(0, ignored_ - int(2 * pages)); }
	/* Whether all counts are zero or older than an hour. */
	bool idle(Clock::Time now) const
	{
		return now - since_ >= kCountedFor || (ignored_ == 0 && refused_ == 0 && skipped_ == 0);
	}

  private:
	/* A connection may last for weeks, so counts start again after an hour. */
	void forget_old(Clock::Time now)
	{
		if (now - since_ < kCountedFor)
			return;
		since_ = now;
		ignored_ = refused_ = 0;
		skipped_ = 0;
	}

	Clock::Time since_{};
	int ignored_ = 0;
	int refused_ = 0;
	size_t skipped_ = 0;
};

} // namespace net
