/*
 * Landlock: the kernel's restrictions on files, TCP ports, signals and abstract Unix sockets for
 * this thread and the threads that it creates. The code uses system calls, because Debian has no
 * library for Landlock.
 */
#pragma once

#include <string>
#include <vector>

namespace net {

/* The version of the kernel's interface; 0 if the kernel lacks Landlock or has disabled it. */
int landlock_version();

/*
 * From now on, only files in `readable` and files below its directories can be opened, and only for
 * reading. From version 4 on, no TCP port can be listened on. From version 6 on, no abstract Unix
 * socket outside of this process can be connected to, and no process outside can be signalled.
 * Paths that do not exist are left out. Throws std::system_error.
 */
void restrict_files(const std::vector<std::string> &readable);

} // namespace net
