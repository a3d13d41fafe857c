/*
 * New events in the order in which their transactions commit, told to the workers that follow them.
 * The order of eids would not do: an event with a smaller one may come later.
 *
 * The news are in a ring in shared memory (Shared::news). A follower that falls behind by more than
 * its size misses some, and is told so. Every transaction announces its events, whether anyone
 * follows or not: one that is under way when a follower begins commits later, and is news to it.
 *
 * There are no news of events that come by replication, by a prepared transaction, or while the
 * triggers of the table are switched off.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "pg/border/compat.h"

namespace archive {

/* The events become news when the current transaction commits; those that do not exist then, after
 * the abort of a subtransaction, count for nothing. */
void announce(const std::vector<int64_t> &eids);

/* Until the end of the process. Its latch is set when there are news. One for each process. */
class Follower
{
  public:
	/* Throws pg::Error if there are too many followers already. */
	Follower();
	Follower(const Follower &) = delete;

	/* Appends the eids of this database's news since the last call. False if some were missed. */
	bool read(std::vector<int64_t> &eids);

  private:
	uint64_t next_; // number of the first item that was not read
};

} // namespace archive
