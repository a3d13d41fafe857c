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

constexpr int kMaxCrashes = 3; // within an hour: then services stay disabled

/* Reads bigbrotr.databases and bigbrotr.services, and makes slots for what is new. No lock. */
void read_lists(const Crashes &crashes);

/* The functions below want the lock held exclusively. */

enum class Action
{
	Nothing,
	Start,
	Terminate
};

/* What is to be done about a service now. Takes its requests; moves it where no action is needed.
 */
Action decide(Slot &slot);

/* The postmaster says that the worker is gone: moves on, by the reason it left. */
void settle(Slot &slot);

/* To `state` until the back-off of the given number of failures is over. */
void start_later(Slot &slot, State state, int failures);

/* Is it to run, and not held up by a service that goes first? */
bool is_its_turn(const Slot &slot);

/* Background workers that bigbrotr needs in all. */
int processes_needed();

} // namespace pg
