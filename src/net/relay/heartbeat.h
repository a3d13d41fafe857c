/* Checks whether the other end of a connection is alive: sends a ping after silence, and limits the
 * time for the answer. */
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

	/* The peer sent something. */
	void alive(Clock::Time now)
	{
		alive_ = now;
		ping_sent_ = false;
	}
	/* What the caller must do now. `limit`: the time allowed for the answer to a ping. */
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
