/*
 * Finds out which lock a transaction of a worker waits for. The server's message about a lock
 * time-out names neither the relation nor the holder, and it comes when the wait is over. So a
 * timer looks for the lock while the transaction waits.
 */
#pragma once

#include <optional>

#include "pg/border/compat.h"

namespace pg {

struct LockWait
{
	LOCKTAG tag;
	LOCKMODE mode;

	bool is_of_relation() const { return tag.locktag_type <= LOCKTAG_TUPLE; }
};

/* Registers the timer. Must be called once per process. May raise an ERROR. */
void register_lock_watch();
/* Starts the timer for one transaction, which must disable all time-outs at its end. May raise an
 * ERROR. */
void watch_lock_waits();

/* The lock that the last transaction waited for; nothing if the timer saw no wait. */
std::optional<LockWait> last_lock_wait();

/*
 * Returns for example "a lock on bigbrotr.sightings, held by process 4711" as palloc'd text. Calls
 * PostgreSQL and may raise an ERROR. Must be called inside a transaction.
 */
const char *describe(const LockWait &wait);

} // namespace pg
