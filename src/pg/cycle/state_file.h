/*
 * A small text file in the data directory, for what must outlive the shared memory. Only the
 * launcher touches such files.
 */
#pragma once

namespace pg {

/*
 * Replaces the file atomically: after a crash it has the old content or the new one. Returns false
 * after a WARNING if that fails.
 */
bool write_state_file(const char *name, const char *content);

} // namespace pg
