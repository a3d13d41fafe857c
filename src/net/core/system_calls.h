/*
 * Which system calls the process may make (seccomp, by libseccomp). All of its threads are bound,
 * and there is no way back. A call that is not foreseen ends the process with SIGSYS: its worker
 * says so in the server's log.
 */
#pragma once

namespace net {

/* Throws std::system_error, for instance where the kernel has no seccomp. */
void restrict_system_calls();
/* For when every thread has been made. To be called after restrict_system_calls(). */
void forbid_new_threads();

} // namespace net
