/* Whether the other end of a connection is alive: a ping after silence, and a limit for the answer.
 */
#pragma once

#include "net/core/clock.h"

namespace net {

/* Silence after which a ping is sent. */
constexpr std::chrono::seconds kPingAfter{30};

class Heartbeat
{
  public:
	enum class Action : uint8_t
	{
		None,
		Ping,
		GiveUp
	};

	/* The peer showed life. */
	void alive(Clock::Time now)
	{
		alive_ = now;
		ping_sent_ = false;
	}
	/* What is to be done now. `limit` is the time for the answer to a ping. */
	Action check(Clock::Time now, std::chrono::milliseconds limit)
	{
		if (now - alive_ <= kPingAfter)
			return Action::None;
		if (ping_sent_)
			return now - alive_ > kPingAfter + limit ? Action::GiveUp : Action::None;
		ping_sent_ = true;
		return Action::Ping;
	}

  private:
	Clock::Time alive_{};
	bool ping_sent_ = false;
};

} // namespace net
