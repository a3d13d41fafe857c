#include "net/core/sandbox.h"

#include <csignal>
#include <cstdlib>
#include <stdexcept>
#include <system_error>

#include <malloc.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {

/* Tables of libwebsockets grow with the limit, so the hard limit is not followed to its end. */
constexpr rlim_t kMaxDescriptors = 65536;

static void
check(int result, const char *what)
{
	if (result != 0)
		throw std::system_error(errno, std::generic_category(), what);
}

static void
die_with_parent(int link)
{
	check(prctl(PR_SET_PDEATHSIG, SIGKILL), "PR_SET_PDEATHSIG");
	/* The parent may have died before: then getppid() is somebody else. */
	ucred peer{};
	socklen_t size = sizeof peer;
	check(getsockopt(link, SOL_SOCKET, SO_PEERCRED, &peer, &size), "SO_PEERCRED");
	if (peer.pid != getppid())
		throw std::runtime_error("the parent is gone");
}

static void
limit_resources(size_t memory)
{
	rlimit limit{memory, memory};
	check(setrlimit(RLIMIT_AS, &limit), "RLIMIT_AS");
	limit = {0, 0};
	check(setrlimit(RLIMIT_CORE, &limit), "RLIMIT_CORE");
	check(getrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
	limit.rlim_cur = std::min(limit.rlim_max, kMaxDescriptors);
	check(setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
}

void
enter_sandbox(int link, size_t memory)
{
	die_with_parent(link);
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	check(prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
	limit_resources(memory);
	check(close_range(unsigned(link) + 1, ~0U, 0), "close_range");
	check(chdir("/"), "chdir");
	clearenv();
	std::signal(SIGPIPE, SIG_IGN);
	/* Few arenas: memory freed by one thread must serve the others, or the process only grows. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

} // namespace net
