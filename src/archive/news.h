/*
 * Tells workers about new events in the order in which transactions commit. The order of eids would
 * be wrong, because an event with a smaller eid may commit later.
 *
 * The news are in a ring in shared memory (Shared::news). A follower that falls behind by more than
 * the size of the ring misses news, and is told so. Every transaction publishes its events even
 * without a follower: if a follower begins while the transaction is running, the transaction
 * commits later, and its events are news for the follower.
 *
 * Events that come by replication, in a prepared transaction, or by SQL while the triggers of the
 * table are disabled are not announced.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "pg/border/compat.h"

namespace archive {

/* Makes the events news when the current transaction commits. Events that do not exist by then,
 * after the abort of a subtransaction, are ignored. */
void announce(const std::vector<int64_t> &eids);

/* Follows the news until the process ends. The process latch is set when there are news. A process
 * may have only one follower. */
class Follower
{
  public:
	/* Throws pg::Error if there are too many followers. */
	Follower();
	Follower(const Follower &) = delete;

	/* Appends the eids of this database's news since the last call. False if news were missed. */
	bool read(std::vector<int64_t> &eids);

  private:
	uint64_t next_; // number of the first unread item
};

} // namespace archive
