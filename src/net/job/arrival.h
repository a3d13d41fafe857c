/* What the way to a relay shows about the relay: the steps up to the WebSocket handshake, and the
 * verdict if a step failed. */
#pragma once

#include "net/job/visit.h"

namespace net {

/* What a judgement needs beside the facts of the connection. */
struct Arrival
{
	bool overlay = false; // a proxy leads to the relay
	bool numeric = false; // the URL has an address instead of a name
	bool tls = false;
	bool servers_alive = false; // a name server has answered something since the visit began
};

/* Records that the relay was reached. */
void note_arrival(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts);
/* Records that the relay was not reached, for this reason of the dialer. True: the address answers
 * HTTP, so it may have a document. */
bool note_failure(VisitRecord &record, const Arrival &arrival, const ConnectFacts &facts,
				  std::string_view reason, std::string detail);

} // namespace net
