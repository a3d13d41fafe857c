/* What a net process does for its worker: one desk per role. The desks alone know the wire. */
#pragma once

#include <vector>

#include "wire/link.h"

namespace net {

class Desk
{
  public:
	virtual ~Desk() = default;
	/* Throws LinkError if the worker may not send this message to this desk. */
	virtual void handle(const wire::Frame &frame) = 0;
	/* Every 100 ms. */
	virtual void tick() = 0;
	/* After each round of the event loop: hands over the events that were collected. */
	virtual void end_of_turn() = 0;
	/* The names are string literals. */
	virtual std::vector<wire::Gauge> gauges() const = 0;
	/* Have all its threads been made? */
	virtual bool threads_made() const = 0;
};

} // namespace net
