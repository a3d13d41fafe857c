/* What the service says of itself: that it is alive, and once a day, who it is and what it does. */
#pragma once

#include <string>
#include <vector>

#include "nostr/event.h"

class Announcer
{
  public:
	static constexpr int64_t kInterval = 300; // seconds between two heartbeats

	/* All is said again the next time. */
	void renew() { announced_ = 0; }
	/* To be sent to these relays now, not signed yet. `kinds`: of requests that are answered. */
	std::vector<nostr::Event> events(int64_t now, const std::vector<std::string> &urls,
									 const std::vector<int32_t> &kinds);

  private:
	int64_t announced_ = 0; // the last time, Unix seconds
};
