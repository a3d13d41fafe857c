/*
 * bigbrotr-net: the child process of a worker that needs the network. Descriptor 3 is its link to
 * the worker. Usage: bigbrotr-net ROLE BYTES MODE [FILE]
 *   ROLE   what it is for: sync, probe, publish
 *   BYTES  of address space
 *   MODE   require, or prefer: runs also where the kernel lacks a part of the sandbox
 *   FILE   certificates to be trusted instead of the system's
 */
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
		const auto role = argc < 4 ? std::nullopt : wire::role_of(argv[1]);
		if (!role)
			_exit(2);
		net::enter_sandbox(kLink, std::strtoul(argv[2], nullptr, 10));
		net::Wall wall(argv[3], net::files_to_read(argc > 4 ? argv[4] : ""));
		result = net::serve(kLink, *role, net::Clock(), &wall);
	} catch (const std::exception &) {
		/* Standard error is /dev/null; the exit code says that it failed. */
	}
	_exit(result);
}
