/* The net process: carries out the requests of its worker. */
#pragma once

#include <string>
#include <vector>

#include "net/core/clock.h"
#include "net/core/sandbox.h"
#include "wire/link.h"

namespace net {

/* What a desk needs from the start of the process. */
struct Inherited
{
	std::vector<int> listening;           // listening sockets of role serve, owned
	std::vector<std::string> geoip_files; // files of role probe (geo_ip.h)
};

/*
 * Serves a worker of this role at the other end of `fd`, which the call owns, until the worker
 * closes the link. Returns 0, or 1 after an error, which is sent as a log line if possible. `wall`
 * is raised when the libraries are initialised, before any input is read. `name_servers`: for
 * tests.
 */
int serve(int fd, wire::Role role, const Clock &clock, Wall *wall, Inherited inherited = {},
		  const char *name_servers = "");

} // namespace net
