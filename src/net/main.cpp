/*
 * bigbrotr-net: the child process of a worker that needs the network. Descriptor 3 is its link to
 * the worker. Usage: bigbrotr-net ROLE BYTES COUNT MODE [FILE [GEOIP…]]
 *   ROLE   role of the process: sync, probe, publish, fetch, serve
 *   BYTES  limit of the address space
 *   COUNT  number of listening sockets, at the descriptors from 4 on
 *   MODE   require; or prefer: runs even if the kernel lacks a part of the sandbox
 *   FILE   trusted certificates; empty: the system's
 *   GEOIP  files with the locations of addresses (role probe)
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
		/* These files are open by then; their names are listed so that a replacement is noticed. */
		readable.insert(readable.end(), inherited.geoip_files.begin(), inherited.geoip_files.end());
		net::Wall wall(argv[4], std::move(readable));
		result = net::serve(kLink, *role, net::Clock(), &wall, std::move(inherited));
	} catch (const std::exception &) {
		/* Standard error is /dev/null, so only the exit code reports the error. */
	}
	_exit(result);
}
