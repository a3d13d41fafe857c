/* What the process has given up, seen from inside, in a child of the test. */
#include <csignal>
#include <functional>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/core/sandbox.h"

constexpr int kLink = 3;
/* More than any sanitizer reserves. */
constexpr size_t kMemory = size_t(1) << 50;

/* The exit code of a child in which descriptor 3 is one end of a socketpair made by its parent. */
static int
in_child(const std::function<int()> &body)
{
	int pair[2];
	EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	pid_t child = fork();
	if (child == 0) {
		dup2(pair[1], kLink);
		int code = 99;
		try {
			code = body();
		} catch (const std::exception &) {
			code = 98;
		}
		_exit(code);
	}
	int status = 0;
	waitpid(child, &status, 0);
	close(pair[0]);
	close(pair[1]);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

TEST(NetSandbox, GivesUpWhatItNeverNeeds)
{
	int code = in_child([] {
		net::enter_sandbox(kLink, kMemory);
		rlimit limit{};
		int signal_of_death = 0;
		prctl(PR_GET_PDEATHSIG, &signal_of_death);
		if (signal_of_death != SIGKILL)
			return 1;
		if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
			return 2;
		if (prctl(PR_GET_DUMPABLE) != 0)
			return 3;
		if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_max != kMemory)
			return 4;
		if (getrlimit(RLIMIT_CORE, &limit) != 0 || limit.rlim_max != 0)
			return 5;
		for (int fd = kLink + 1; fd < 100; fd++)
			if (fcntl(fd, F_GETFD) >= 0)
				return 6;
		if (environ && *environ)
			return 7;
		return fcntl(kLink, F_GETFD) >= 0 ? 0 : 8;
	});
	EXPECT_EQ(code, 0);
}

TEST(NetSandbox, RefusesToRunForAnotherThanItsParent)
{
	int code = in_child([] {
		pid_t grandchild = fork();
		if (grandchild == 0) {
			try {
				net::enter_sandbox(kLink, kMemory);
			} catch (const std::exception &) {
				_exit(7);
			}
			_exit(0);
		}
		int status = 0;
		waitpid(grandchild, &status, 0);
		return WEXITSTATUS(status);
	});
	EXPECT_EQ(code, 7);
}
