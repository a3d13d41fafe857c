/*
 * Keeps the wishes to stop and to pause services in the file bigbrotr_wishes, so that they survive
 * a crash and a restart of the server. The file has the wishes of services with slots: a database
 * that is dropped or removed from bigbrotr.databases loses its wishes.
 *
 * Only the launcher uses this code.
 */
#pragma once

#include "pg/cycle/slots.h"

namespace pg {

/* Reads the file and skips malformed lines. The lock must not be held. */
void read_wishes();

/* Sets the wishes of the file for the service of a new slot. The lock must be held exclusively. */
void apply_wishes(Slot &slot);

/* Writes the file if the wishes have changed. False if this fails. The lock must not be held. */
bool save_wishes();

} // namespace pg
