/*
 * Which failures of a transaction are temporary, how long to wait before a retry, and how to name
 * the obstacle meanwhile.
 */
#pragma once

#include <chrono>
#include <string>

#include "pg/border/error.h"

namespace pg {

enum class Obstacle : uint8_t
{
	None,     // a bug or a lasting fault: another attempt fails like this one
	Conflict, // deadlock or serialization failure: over when it is reported
	Lock,     // another transaction holds it for longer than lock_timeout
	Timeout,  // the transaction took too long
	Resources // disk, memory, connections
};

/* `timed_out`: did the transaction's time-out cancel it? Otherwise a user asked for that. */
Obstacle obstacle_of(const Error &error, bool timed_out);

/* `attempt`: how many attempts have failed, at least 1. Returns at most a second, so that work goes
 * on soon after the obstacle is gone. */
std::chrono::milliseconds delay_before_retry(Obstacle obstacle, int attempt);

/* The text for waiting_for. Opens a transaction of its own; no other may be open. */
std::string words_for(Obstacle obstacle, const Error &error);

} // namespace pg
