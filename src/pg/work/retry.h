/*
 * Which failures of a transaction pass by themselves, how long to wait until it is worth another
 * attempt, and what to call the obstacle meanwhile.
 */
#pragma once

#include <chrono>
#include <string>

#include "pg/border/error.h"

namespace pg {

enum class Obstacle : uint8_t
{
	None,     // a bug or a lasting fault: another attempt fails like this one
	Conflict, // with another transaction; gone by the time it is seen
	Lock,     // another transaction holds it for longer than lock_timeout
	Timeout,  // the transaction took too long
	Resources // disk, memory, connections
};

/* `timed_out`: has the time of the transaction run out? Otherwise somebody asked to cancel it. */
Obstacle obstacle_of(const Error &error, bool timed_out);

/* `attempt`: how many have failed, at least 1. At most a second: work goes on soon after the end of
 * the obstacle, however long it lasted. */
std::chrono::milliseconds delay_before_retry(Obstacle obstacle, int attempt);

/* What is waited for. Opens a transaction of its own; none may be open. */
std::string words_for(Obstacle obstacle, const Error &error);

} // namespace pg
