/*
 * Landlock: the kernel's rules on files, TCP ports, signals and abstract Unix sockets for this
 * thread and the threads that it makes. By system calls: Debian has no library for it.
 */
#pragma once

#include <string>
#include <vector>

namespace net {

/* The version of the kernel's interface; 0 if Landlock is missing or switched off. */
int landlock_version();

/*
 * From now on no file can be opened but those in `readable`, and those below its directories, for
 * reading. With version 4 no TCP port can be listened on; with version 6 no abstract Unix socket
 * can be connected to and no signal sent, outside of this process. Paths that do not exist are left
 * out. Throws std::system_error.
 */
void restrict_files(const std::vector<std::string> &readable);

} // namespace net
