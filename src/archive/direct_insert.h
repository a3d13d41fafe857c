/*
 * Inserts events and sightings by direct table access; insert.h describes the types.
 */
#pragma once

#include "insert.h"

namespace archive {

/*
 * Must be called in a subtransaction. Returns false and changes nothing if the tables do not allow
 * direct access; then the caller must use SQL. Throws pg::Error for a row that cannot be stored.
 * Sets `known` for each sighting: whether its event is archived.
 *
 * `check_existing`: look up each key before writing. If false, the look-up is skipped if every row
 * of many batches of this session was new (streak.h). A row that does exist then raises
 * unique_violation (23505), and the caller repeats the batch with true. A concurrent insert can
 * raise it too.
 */
bool insert_directly(std::span<const VerifiedEvent> events, std::span<const NewSighting> sightings,
					 int64_t now, bool check_existing, RelayLocks relays, Inserted &inserted,
					 std::vector<uint8_t> &known);

/* Sets the standing of each id. Returns false if the tables do not allow direct access. */
bool look_up_directly(std::span<const std::string_view> ids, std::vector<Standing> &standings);

} // namespace archive
