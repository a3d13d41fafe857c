/* What the service announces: a heartbeat, and once a day its profile and the kinds that it
 * handles. */
#pragma once

#include <string>
#include <vector>

#include "nostr/event.h"

class Announcer
{
  public:
	static constexpr int64_t kInterval = 300; // seconds between two heartbeats

	/* Makes the next events() return all announcements. */
	void renew() { announced_ = 0; }
	/* The events to send to these relays now, not signed. `kinds`: kinds of the requests that the
	 * service answers. */
	std::vector<nostr::Event> events(int64_t now, const std::vector<std::string> &urls,
									 const std::vector<int32_t> &kinds);

  private:
	int64_t announced_ = 0; // Unix seconds of the last announcement
};
