/*
 * Sightings by direct table access, a part of direct_insert.cpp.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "counts.h"
#include "insert.h"
#include "table.h"

namespace archive {

/* A sighting of an archived event. */
struct SightingRow
{
	KeyPair key;     // eid and relay_id
	uint32_t number; // index in the batch; of two with the same key, the first counts
	int64_t seen_at;
	bool is_new; // the event is new, so its sighting cannot exist yet
};

class SightingWriter
{
  public:
	/* Open and close the table, as Table does. Must be called inside pg::call. */
	bool open();
	void close();
	bool counted() const { return table_.counted(); }

	/* Writes the sightings that are not stored yet and whose relays exist. `check_existing`: see
	 * direct_insert.h. */
	void write(std::vector<SightingRow> seen, bool check_existing, RelayLocks relays);
	/* Number of sightings written, by relay. */
	const Counts &relays() const { return relays_; }

  private:
	void leave_out_stored(std::vector<SightingRow> &seen);

	Table table_;
	Counts relays_;
};

} // namespace archive
