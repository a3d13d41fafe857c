/* The relays that are open or on their way, by id. */
#pragma once

#include <memory>
#include <unordered_map>

#include "net/relay/session.h"

namespace net {

class Sessions
{
  public:
	explicit Sessions(Shared &shared) : shared_(shared) {}

	void task(const wire::RelayTask &task);
	void stop(const wire::RelayStop &stop);
	/* Every 100 ms: time-outs; forgets who has ended. */
	void tick();
	/* Keeps to the bounds: on half-received messages, and on events in flight (stops reading). */
	void regulate();
	void count(wire::Stats &stats) const;

  private:
	struct Entry
	{
		std::shared_ptr<Ledger> ledger;
		std::unique_ptr<Session> session;
	};

	Shared &shared_;
	std::unordered_map<int32_t, Entry> entries_;
};

} // namespace net
