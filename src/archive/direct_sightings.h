/*
 * Sightings by direct table access; a part of direct_insert.cpp.
 */
#pragma once

#include <cstdint>
#include <vector>

#include "counts.h"
#include "insert.h"
#include "table.h"

namespace archive {

/* Who delivered an event that is in the archive. */
struct Seen
{
	KeyPair key;     // eid and relay_id
	uint32_t number; // in the batch: of two with the same key the first one counts
	int64_t seen_at;
	bool fresh; // the event is: nobody can have it yet
};

class SightingWriter
{
  public:
	/* As those of Table, and likewise only inside pg::call. */
	bool open();
	void close();
	bool counted() const { return table_.counted(); }

	/* Writes what is not there yet, of relays that exist; look: as in direct_insert.h. */
	void write(std::vector<Seen> seen, bool look, Relays relays);
	/* How many were written of each relay. */
	const Counts &relays() const { return relays_; }

  private:
	void leave_out_stored(std::vector<Seen> &seen);

	Table table_;
	Counts relays_;
};

} // namespace archive
