/*
 * Lets writers of sightings and deletions of events run at the same time. A sighting never refers
 * to a deleted event, a deletion does not wait for writers that begin after it, and a writer waits
 * for a deletion only if both concern the same event.
 *
 * The lock on the table _bigbrotr.deletion_progress decides. A writer takes it (RowShareLock) only
 * if it is free at once. Then no event is deleted until the writer's transaction ends, and the
 * writer need not lock rows. A deletion takes the lock exclusively and waits for the writers that
 * hold it. Later writers do not get the table lock: each of them locks (KEY SHARE) the rows of the
 * events that its sightings refer to. The deletion also locks the rows of its events, then reads
 * the sightings with a new snapshot. Writers and deletions lock events in the order of the ids, so
 * they cannot deadlock.
 *
 * The functions need a transaction with SPI connected and a snapshot pushed. All throw pg::Error.
 */
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace archive {

/*
 * True: nobody else deletes an event until the transaction ends. False: a deletion is under way, or
 * this transaction's snapshot is too old. Must be called before the events are looked up.
 */
bool shut_out_deletions();

/*
 * The eid of the event for each id, 0 if it is not archived. Nobody deletes these events until the
 * transaction ends.
 */
std::vector<int64_t> hold_events(std::span<const std::string_view> ids);

/*
 * For the transaction that will delete the events. Later statements see all sightings of the
 * events, and no sighting can be added. Requires READ COMMITTED.
 */
std::vector<int64_t> take_events(std::span<const std::string_view> ids);

} // namespace archive
