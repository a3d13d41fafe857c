/* The net process without its sandbox: what the worker asks, done. */
#pragma once

#include "net/core/clock.h"

namespace net {

/*
 * Serves the worker at the other end of `fd` (taken over) until it closes: then 0, or 1 after an
 * error, which was sent as a log line if that was still possible. `name_servers` is for tests.
 */
int serve(int fd, const Clock &clock, const char *name_servers = "");

} // namespace net
