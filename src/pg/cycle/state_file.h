/*
 * A small text file in the data directory, for data that must survive the shared memory. Only the
 * launcher uses such files.
 */
#pragma once

namespace pg {

/*
 * Replaces the file atomically: after a crash it has the old or the new content. Returns false
 * after a WARNING if this fails.
 */
bool write_state_file(const char *name, const char *content);

} // namespace pg
