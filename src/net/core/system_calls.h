/*
 * Which system calls the process may make (seccomp, by libseccomp). The filter binds all threads
 * and cannot be taken back. Any other call ends the process with SIGSYS, which its worker writes
 * into the server's log.
 */
#pragma once

namespace net {

/* Throws std::system_error, for instance where the kernel has no seccomp. */
void restrict_system_calls();
/* Call it when every thread has been made, after restrict_system_calls(). */
void forbid_new_threads();

} // namespace net
