/* Runs attempts in children that are in the sandbox, and tells whether they worked. */
#pragma once

#include <algorithm>
#include <csignal>
#include <functional>

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/core/sandbox.h"

namespace test {

constexpr int kLink = 3;
/* More than any sanitizer reserves. */
constexpr size_t kMemory = size_t(1) << 50;

/* The exit code of a child in which descriptor 3 is one end of a socketpair made by its parent. */
inline int
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

constexpr int kWorked = 0, kFailed = 1;
constexpr wire::Role kRoles[] = {wire::Role::Sync, wire::Role::Probe, wire::Role::Publish,
								 wire::Role::Fetch, wire::Role::Serve};
static_assert(std::size(kRoles) == std::size(wire::kRoleNames));

/* Does the attempt work behind the wall? It fails by an error, or by the end of the process. */
inline bool
works_as(wire::Role role, const std::function<bool()> &attempt)
{
	int code = in_child([&] {
		net::Wall wall("require", net::files_to_read(""));
		net::enter_sandbox(kLink, kLink, kMemory);
		wall.raise(role);
		return attempt() ? kWorked : kFailed;
	});
	EXPECT_TRUE(code == kWorked || code == kFailed || code == -SIGSYS) << code;
	return code == kWorked;
}

/* Whether the attempt succeeds in a process of any role. */
inline bool
works(const std::function<bool()> &attempt)
{
	return std::ranges::any_of(kRoles, [&](wire::Role role) { return works_as(role, attempt); });
}

inline bool
works_in_all_roles(const std::function<bool()> &attempt)
{
	return std::ranges::all_of(kRoles, [&](wire::Role role) { return works_as(role, attempt); });
}

} // namespace test
