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

	void open(const wire::RelayOpen &task);
	void more(const wire::RelayMore &task);
	void stop(const wire::RelayStop &stop);
	/* Every 100 ms: time-outs; forgets who has ended. */
	void tick();
	/* Keeps to the bounds: on half-received messages, and on events in flight (stops reading). */
	void regulate();
	/* Relays with an open WebSocket, and relays on the way to one. */
	std::pair<int, int> count() const;

  private:
	struct Entry
	{
		std::shared_ptr<Ledger> ledger;
		std::unique_ptr<Session> session;
	};

	/* The session of that attempt, if it has not ended. */
	Session *find(int32_t relay_id, uint32_t attempt) const;

	Shared &shared_;
	std::unordered_map<int32_t, Entry> entries_;
};

} // namespace net
