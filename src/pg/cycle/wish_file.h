/*
 * The wishes to stop and to pause services, kept in the file bigbrotr_wishes so that they outlive a
 * crash and a restart of the server. The file holds those of the services that have slots: a
 * database taken off bigbrotr.databases loses its wishes. One that is dropped does so, too.
 *
 * Launcher only.
 */
#pragma once

#include "pg/cycle/slots.h"

namespace pg {

/* Reads the file; skips malformed lines. No lock. */
void read_wishes();

/* Sets the wishes that the file has for the service of a new slot. Lock held exclusively. */
void apply_wishes(Slot &slot);

/* Writes the file if the wishes have changed. False if that fails. No lock. */
bool save_wishes();

} // namespace pg
