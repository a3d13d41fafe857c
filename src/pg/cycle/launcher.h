/* The process that starts, stops and backs off the workers. README.md describes its states. */
#pragma once

namespace pg {

/* Registers the launcher with the postmaster. Must be called from _PG_init only. */
void register_launcher();

} // namespace pg
