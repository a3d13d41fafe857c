/*
 * Counts crashes of the server in the file bigbrotr_crashes, because a crash loses the shared
 * memory, and a worker must not crash the server in a loop. Crashes count within one run of the
 * postmaster; a restart of the server begins at zero. Crashes that other processes of the server
 * cause count too.
 */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg {

constexpr int kMaxCrashes = 3; // within an hour; then services stay disabled until fewer are recent

struct Crashes
{
	int total = 0;        // in this run of the postmaster, as far as remembered
	int recent = 0;       // number of these in the last hour
	TimestampTz calm = 0; // the time from which fewer than kMaxCrashes are recent
};

/* Reads the file. `restarted`: the shared memory is new. If then the file is of this run of the
 * postmaster, the server has crashed. */
Crashes count_crashes(bool restarted, TimestampTz now);

/* Forgets all crashes. */
void forget_crashes();

} // namespace pg
