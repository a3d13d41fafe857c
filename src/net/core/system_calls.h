/*
 * Restricts the system calls of the process (seccomp, with libseccomp). The filter holds for all
 * threads and cannot be removed. A forbidden call ends the process with SIGSYS, which the worker
 * writes to the server's log.
 */
#pragma once

#include "wire/link.h"

namespace net {

/* Throws std::system_error, for example if the kernel has no seccomp. */
void restrict_system_calls(wire::Role role);
/* Must be called after restrict_system_calls(), when all threads were created. */
void forbid_new_threads();

} // namespace net
