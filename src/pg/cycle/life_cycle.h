/*
 * The state machine of README.md: which services there are, which are to run, and their
 * transitions. No process is started or ended here.
 *
 * Launcher only.
 */
#pragma once

#include "pg/cycle/crash_file.h"
#include "pg/cycle/slots.h"

namespace pg {

/* Reads bigbrotr.databases and bigbrotr.services, and makes slots for what is new. No lock. */
void read_lists(const Crashes &crashes);

/* The functions below require the lock, exclusively if they change a slot. They assert that. */

enum class Action
{
	Nothing,
	Start,
	Terminate
};

/* Takes the requests for a service, changes its state if no process is concerned, and returns what
 * else to do now. */
Action decide(Slot &slot);

/* The postmaster says that the worker has ended: sets the next state by the reason in slot.exit. */
void on_worker_exit(Slot &slot);

/* Sets `state`, and next_start to the end of the back-off for so many failures. */
void start_later(Slot &slot, State state, int failures);

/* May a worker be registered now? To be asked again after decide(), because the lock was released
 * since. */
bool may_start(const Slot &slot);

/*
 * When decide() must be called although no event has happened; DT_NOEND: never. A service that
 * waits for another service or for the end of recovery has no such time.
 */
TimestampTz next_action(const Slot &slot);

/* The number of background workers that bigbrotr needs, the launcher included. */
int processes_needed();

} // namespace pg
