/* The net process: does what its worker asks. */
#pragma once

#include <vector>

#include "net/core/clock.h"
#include "net/core/sandbox.h"
#include "wire/link.h"

namespace net {

/*
 * Serves the worker of that role at the other end of `fd` (taken over) until it closes: then 0, or
 * 1 after an error, which was sent as a log line if that was still possible. `wall` is raised when
 * the libraries are initialised, before any input is read. `listening` are the sockets of role
 * serve, taken over. `name_servers` is for tests.
 */
int serve(int fd, wire::Role role, const Clock &clock, Wall *wall, std::vector<int> listening = {},
		  const char *name_servers = "");

} // namespace net
