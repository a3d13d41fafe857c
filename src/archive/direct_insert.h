/*
 * Events and sightings by direct table access; see insert.h for what they are.
 */
#pragma once

#include "insert.h"

namespace archive {

/*
 * In a subtransaction. False, and nothing is changed, if SQL has to do it. Throws pg::Error: for a
 * row that cannot be stored. known: for each sighting, whether its event is in the archive.
 *
 * Rows are looked for before they are written; without `look` not where those of the last batch
 * were all new: the key's index finds out as well, by a unique violation. It may also come where
 * somebody else was faster.
 */
bool insert_directly(std::span<const Event> events, std::span<const Sighting> sightings,
					 int64_t now, bool look, Relays relays, Inserted &inserted,
					 std::vector<uint8_t> &known);

/* Likewise false if SQL has to do it. */
bool look_up_directly(std::span<const std::string_view> ids, std::vector<uint8_t> &known);

} // namespace archive
