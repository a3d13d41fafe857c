/*
 * Lets writers of sightings and deletions of events run at the same time: a sighting never refers
 * to a deleted event, a deletion does not wait for writers that begin after it, and a writer waits
 * for a deletion only if both concern the same event.
 *
 * The lock on the table _bigbrotr.deletion_progress decides. A writer takes it (RowShareLock) only
 * if it can have it at once. Then no event is deleted until the writer's transaction ends, and the
 * writer need not lock rows. A deletion takes it exclusively and waits for the writers that have
 * it. Later writers do not get the table lock: each of them locks (KEY SHARE) the rows of the
 * events that its sightings refer to. The deletion locks the rows of its events as well, then looks
 * with a new snapshot which sightings there are. Both lock events in the order of their ids, so
 * they cannot deadlock.
 *
 * The functions are for transactions with SPI connected and a snapshot pushed; all throw pg::Error.
 */
#pragma once

#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace archive {

/*
 * True: no event is deleted by others until the transaction ends. False: a deletion is under way,
 * or the snapshot of this transaction is older than what it would have to see. To be called before
 * the events are looked up.
 */
bool shut_out_deletions();

/*
 * For each id the eid of the event, 0 if it is not archived. The events are not deleted until the
 * transaction ends.
 */
std::vector<int64_t> hold_events(std::span<const std::string_view> ids);

/*
 * For the transaction that is going to delete the events. Statements that follow see all sightings
 * of the events, and no sighting can be added. Requires READ COMMITTED.
 */
std::vector<int64_t> take_events(std::span<const std::string_view> ids);

} // namespace archive
