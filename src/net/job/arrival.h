/* What the way to a relay says of it: the steps up to the WebSocket handshake, and the verdict if
 * it did not get there. */
#pragma once

#include "net/job/visit.h"

namespace net {

/* What the judgement needs to know beside the facts of the connection. */
struct Arrival
{
	bool overlay = false; // a proxy leads there
	bool numeric = false; // the URL has an address instead of a name
	bool tls = false;
	bool servers_alive = false; // a name server has answered something since the visit began
};

/* The relay was reached. */
void note_arrival(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts);
/* It was not, for that reason of the dialer. True: something answers HTTP there, so that a document
 * may be found. */
bool note_failure(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts,
				  std::string_view reason, std::string detail);

} // namespace net
