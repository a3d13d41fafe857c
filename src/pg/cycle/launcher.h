/* The one process that starts, stops and backs off the workers; see README.md for its states. */
#pragma once

namespace pg {

/* Registers the launcher with the postmaster. From _PG_init only. */
void register_launcher();

} // namespace pg
