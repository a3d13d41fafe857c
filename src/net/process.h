/* The net process: does what its worker asks. */
#pragma once

#include <string>
#include <vector>

#include "net/core/clock.h"
#include "net/core/sandbox.h"
#include "wire/link.h"

namespace net {

/* What only the start of the process can give to a desk. */
struct Inherited
{
	std::vector<int> listening;           // sockets of role serve, taken over
	std::vector<std::string> geoip_files; // of role probe (geo_ip.h)
};

/*
 * Serves the worker of that role at the other end of `fd` (taken over) until it closes: then 0, or
 * 1 after an error, which was sent as a log line if that was still possible. `wall` is raised when
 * the libraries are initialised, before any input is read. `name_servers` is for tests.
 */
int serve(int fd, wire::Role role, const Clock &clock, Wall *wall, Inherited inherited = {},
		  const char *name_servers = "");

} // namespace net
