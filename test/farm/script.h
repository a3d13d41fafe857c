/* What each kind of relay says: to a request, to a message. No sockets here. */
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "kind.h"

namespace farm {

/* What is measured of an answer: how long after the request it was sent. */
enum class Measured : uint8_t
{
	Nothing,
	Open,
	Read
};

struct Answer
{
	std::string bytes;
	int delay_ms = 0;   // after the answer before it, or after what it answers
	bool again = false; // the same without end, with the delay each time
	bool close = false; // then the connection
	Measured measured = Measured::Nothing;
};

using Answers = std::vector<Answer>;

/* Makes what takes long to make, before anybody waits for it. */
void prepare_answers();
/* `key`: of the WebSocket handshake; empty: a plain request. */
Answers answer_request(Relay &relay, const std::string &key);
/* A message of an open WebSocket. */
Answers answer_message(const Relay &relay, std::string_view text);
/* The first bytes of a connection, where these are answered instead of a request. */
Answers answer_bytes(const Relay &relay);
/* Does the relay read requests at all? */
bool reads_requests(const Relay &relay);

} // namespace farm
