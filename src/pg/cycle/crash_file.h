/*
 * Crashes of the server, remembered over the loss of its shared memory, so that a worker that
 * crashes the server does not do so again and again. They are kept in the file bigbrotr_crashes.
 * Crashes count within one run of the postmaster: a restart of the server begins afresh. Crashes by
 * other processes of the server count too.
 */
#pragma once

#include "pg/border/compat.h"

extern "C" {
#include "datatype/timestamp.h"
}

namespace pg {

constexpr int kMaxCrashes = 3; // within an hour: then services stay disabled until it is over

struct Crashes
{
	int total = 0;        // in this run of the postmaster, as far as remembered
	int recent = 0;       // of these, within the last hour
	TimestampTz calm = 0; // from then on, fewer than kMaxCrashes are recent
};

/* Reads the file; if `restarted`, the server has just come up and a known run means a crash. */
Crashes count_crashes(bool restarted, TimestampTz now);

/* Forgets all crashes. */
void forget_crashes();

} // namespace pg
