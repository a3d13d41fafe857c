/*
 * bigbrotr-net: the child process of a worker that needs the network. Descriptor 3 is its link to
 * the worker. Usage: bigbrotr-net ROLE BYTES COUNT MODE [FILE [GEOIP…]]
 *   ROLE   what it is for: sync, probe, publish, fetch, serve
 *   BYTES  of address space
 *   COUNT  of the descriptors from 4 on: sockets that it listens on
 *   MODE   require, or prefer: runs also where the kernel lacks a part of the sandbox
 *   FILE   certificates to be trusted instead of the system's; empty: the system's
 *   GEOIP  files that say where addresses are (role probe)
 */
#include <algorithm>
#include <cstdlib>
#include <exception>

#include <unistd.h>

#include "net/core/sandbox.h"
#include "net/process.h"
#include "wire/link.h"

constexpr int kLink = 3;

int
main(int argc, char **argv)
{
	int result = 1;
	try {
		const auto role = argc < 5 ? std::nullopt : wire::role_of(argv[1]);
		if (!role)
			_exit(2);
		const int last = kLink + std::atoi(argv[3]);
		net::enter_sandbox(kLink, last, std::strtoul(argv[2], nullptr, 10));
		net::Inherited inherited;
		for (int fd = kLink + 1; fd <= last; fd++)
			inherited.listening.push_back(fd);
		inherited.geoip_files.assign(argv + std::min(argc, 6), argv + argc);
		std::vector<std::string> readable = net::files_to_read(argc > 5 ? argv[5] : "");
		/* They are open by then; a file that was replaced is noticed as others are. */
		readable.insert(readable.end(), inherited.geoip_files.begin(), inherited.geoip_files.end());
		net::Wall wall(argv[4], std::move(readable));
		result = net::serve(kLink, *role, net::Clock(), &wall, std::move(inherited));
	} catch (const std::exception &) {
		/* Standard error is /dev/null; the exit code says that it failed. */
	}
	_exit(result);
}
