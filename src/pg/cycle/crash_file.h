/*
 * Crashes of the server, kept in the file bigbrotr_crashes because a crash loses the shared memory:
 * a worker that crashes the server must not do so in a loop. Crashes count within one run of the
 * postmaster; a restart of the server starts from zero. Crashes by other processes of the server
 * count too.
 */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg {

constexpr int kMaxCrashes = 3; // within an hour: then services stay disabled until fewer are recent

struct Crashes
{
	int total = 0;        // in this run of the postmaster, as far as remembered
	int recent = 0;       // of these, within the last hour
	TimestampTz calm = 0; // the time from which fewer than kMaxCrashes are recent
};

/* Reads the file. `restarted`: the shared memory is new; if the file is of this run of the
 * postmaster, the server has crashed. */
Crashes count_crashes(bool restarted, TimestampTz now);

/* Forgets all crashes. */
void forget_crashes();

} // namespace pg
