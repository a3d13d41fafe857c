/*
 * Which services there are, which are to run, and what follows from what has happened to them: the
 * transitions of the state machine in README.md. No process is started or ended here.
 *
 * Launcher only.
 */
#pragma once

#include "pg/cycle/crash_file.h"
#include "pg/cycle/slots.h"

namespace pg {

/* Reads bigbrotr.databases and bigbrotr.services, and makes slots for what is new. No lock. */
void read_lists(const Crashes &crashes);

/* The functions below want the lock held: those that change a slot exclusively. */

enum class Action
{
	Nothing,
	Start,
	Terminate
};

/* Says what to do about a service now. Takes its requests; changes its state if that is enough. */
Action decide(Slot &slot);

/* The worker is gone, as the postmaster says: changes the state by the reason in slot.exit. */
void settle(Slot &slot);

/* To `state` until the back-off of the given number of failures is over. */
void start_later(Slot &slot, State state, int failures);

/* May a worker be registered now? decide() has said so, but the lock was released since. */
bool may_start(const Slot &slot);

/*
 * When decide() has something to do although nothing else has happened; DT_NOEND: never. What waits
 * for another service or for the end of recovery has no time.
 */
TimestampTz next_action(const Slot &slot);

/* Background workers that bigbrotr needs in all, the launcher included. */
int processes_needed();

} // namespace pg
