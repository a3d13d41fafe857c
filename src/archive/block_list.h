/*
 * Events that the operator does not want in the archive: bigbrotr.blocked_events and
 * blocked_authors.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "insert.h"

namespace archive {

/*
 * Removes the blocked events, and returns them. Events of blocked authors are recorded in
 * bigbrotr.blocked_events, so that their ids count as known. Must be called inside a transaction
 * with SPI connected and a snapshot pushed. The transaction gets its id before the list is read: a
 * block waits for all transactions with an id (_bigbrotr.wait_for_writers) and deletes what they
 * stored. While the list is in use, throws pg::Error at the isolation levels REPEATABLE READ and
 * SERIALIZABLE, whose snapshot may be older than a block. If `screening` is Done, nothing is left
 * out: a transaction that holds events must not write bigbrotr.blocked_events, because others write
 * that table first and then wait for these events.
 */
std::vector<VerifiedEvent> leave_out_blocked(std::vector<VerifiedEvent> &events, int64_t now,
											 Screening screening);

/*
 * Records blocked events as missing from the archive (_bigbrotr.deleted_events): a relay has shown
 * them, so their seconds are not proven when the block ends. To avoid a deadlock with deletions,
 * which lock events first, the transaction must have written all its events and sightings.
 */
void note_missing(const std::vector<VerifiedEvent> &blocked);

} // namespace archive
