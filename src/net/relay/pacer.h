/* Decides when the next request may be sent to one relay. The pause between requests is learned
 * from the relay's complaints. */
#pragma once

#include <algorithm>

#include "net/core/clock.h"

namespace net {

class Pacer
{
  public:
	using Pause = std::chrono::milliseconds;
	static constexpr Pause kFirst{500};
	static constexpr Pause kLongest{60000};

	/* The learned pause; zero if none was learned. */
	Pause learned() const { return pause_ > least_ ? pause_ : Pause(0); }
	void set_pause(Pause pause) { pause_ = std::clamp(pause, least_, kLongest); }
	/* Sets the lower bound of the pause. */
	void set_least(Pause least)
	{
		pause_ = std::max(learned(), least);
		least_ = least;
	}

	bool ready(Clock::Time now) const { return now >= next_; }
	void asked(Clock::Time now) { next_ = now + pause_; }
	/* A page was answered, so the pause shrinks slightly; a complaint makes the pause grow. */
	void answered() { set_pause(pause_ - (pause_ + Pause(63)) / 64); }
	/* The relay complained that it is asked too fast. */
	void slower(Clock::Time now)
	{
		set_pause(std::max(pause_ * 2, kFirst));
		next_ = now + pause_;
	}

  private:
	Pause pause_{0}, least_{0};
	Clock::Time next_{};
};

} // namespace net
