/* What the SQL functions about services have in common. They raise an ERROR, with a hint. */
#pragma once

#include "pg/cycle/slots.h"

namespace pg {

/* Unless the library was loaded at server start. */
void require_preload();

/*
 * The slot of a service of the current database. Right after a start or a reload it waits for the
 * launcher to make one.
 */
Slot *require_slot(const char *service);

} // namespace pg
