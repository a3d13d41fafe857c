/*
 * Decides which failures of a transaction are temporary, how long to wait before a retry, and what
 * text describes the obstacle.
 */
#pragma once

#include <chrono>
#include <string>

#include "pg/border/error.h"

namespace pg {

enum class Obstacle : uint8_t
{
	None,     // a bug or a lasting fault: a retry would fail too
	Conflict, // deadlock or serialization failure, which ends when it is reported
	Lock,     // another transaction holds the lock for longer than lock_timeout
	Timeout,  // the transaction took too long
	Cancel,   // a user cancelled the statement; the end of a worker has another SQLSTATE
	Resources // disk, memory, connections
};

/* `timed_out`: if the transaction was cancelled, its own time-out did it; otherwise a user did. */
Obstacle obstacle_of(const Error &error, bool timed_out);

/* `attempt`: number of failed attempts, at least 1. Returns at most one second, so that work
 * continues soon after the obstacle has gone. */
std::chrono::milliseconds delay_before_retry(Obstacle obstacle, int attempt);

/* The text for waiting_for. Uses its own transaction, so no other may be open. */
std::string words_for(Obstacle obstacle, const Error &error);

} // namespace pg
