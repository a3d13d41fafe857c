/*
 * bigbrotr-net: the child process of a worker that needs the network. Descriptor 3 is its link to
 * the worker. Usage: bigbrotr-net ROLE [BYTES of address space, default 2 GiB]
 */
#include <cstdlib>
#include <exception>

#include <unistd.h>

#include "net/core/sandbox.h"
#include "net/process.h"

constexpr int kLink = 3;
constexpr size_t kDefaultMemory = size_t(2) << 30;

int
main(int argc, char **argv)
{
	int result = 1;
	try {
		size_t memory = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : kDefaultMemory;
		net::enter_sandbox(kLink, memory);
		result = net::serve(kLink, net::Clock());
	} catch (const std::exception &) {
		/* Nothing may be printed; the exit code says it. */
	}
	_exit(result);
}
