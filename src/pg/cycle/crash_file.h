/*
 * Crashes of the server, remembered over the loss of its shared memory, so that a worker that
 * brings the server down does not do so for ever. A small text file in the data directory; only the
 * launcher touches it. Crashes count within one run of the postmaster: whoever restarts the
 * server begins afresh. Crashes that were not ours count too.
 */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg {

struct Crashes
{
	int total = 0;  // in this run of the postmaster, as far as remembered
	int recent = 0; // of these, within the last hour
};

/* Reads the file; if `restarted`, the server has just come up and a known run means a crash. */
Crashes count_crashes(bool restarted, TimestampTz now);

/* Forgets all. */
void forget_crashes();

} // namespace pg
