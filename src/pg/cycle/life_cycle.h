/*
 * The state machine of README.md: which services exist, which must run, and their transitions. This
 * code starts and ends no process.
 *
 * Only the launcher uses this code; but a worker that ends asks failures_in_a_row().
 */
#pragma once

#include "pg/cycle/crash_file.h"
#include "pg/cycle/slots.h"

namespace pg {

/* Reads bigbrotr.databases and bigbrotr.services, and makes slots for new entries. The lock must
 * not be held. */
void read_lists(const Crashes &crashes);

/* Whether read_lists() found too few slots, and a slot has been freed since. */
bool can_make_missing_slots();

/* The functions below assert that the lock is held, exclusively if they change a slot. */

enum class Action
{
	Nothing,
	Start,
	Terminate
};

/* Takes the requests for a service, changes its state if this needs no process, and returns the
 * next action. */
Action decide(Slot &slot);

/* Number of failures without a healthy run between them. */
int failures_in_a_row(const Slot &slot);

/* Must be called when the postmaster reports that the worker has ended. Sets the next state by the
 * reason in slot.exit. */
void on_worker_exit(Slot &slot);

/* Sets `state`, and sets next_start to the end of the back-off after this number of failures. */
void start_later(Slot &slot, State state, int failures);

/* Whether a worker may be registered now. Must be asked again after decide(), because the lock was
 * released in between. */
bool may_start(const Slot &slot);

/*
 * When decide() must be called even if no event happens; DT_NOEND: never. A service that waits for
 * another service or for the end of recovery has no such time.
 */
TimestampTz next_action(const Slot &slot);

/* The number of background workers that bigbrotr needs: the launcher and the workers of services,
 * without executors. */
int processes_needed();

} // namespace pg
