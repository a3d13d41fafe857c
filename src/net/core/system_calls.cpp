#include "net/core/system_calls.h"

#include <cerrno>
#include <memory>
#include <system_error>

#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace net {
namespace {

/* Calls that are allowed with any arguments. A kernel may lack some of them. */
constexpr const char *kAllowed[] = {
	/* Descriptors and events. */
	"read", "readv", "pread64", "write", "writev", "close", "lseek", "dup", "dup3", "poll", "ppoll",
	"ppoll_time64", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
	"eventfd2", "pipe2",
	/* Sockets. The rules below say how a role may get them. */
	"getpeername", "getsockname", "getsockopt", "setsockopt", "sendto", "recvfrom", "sendmsg",
	"recvmsg", "sendmmsg", "recvmmsg", "shutdown",
	/* Metadata of files. The rules on opening are below, and in Landlock. */
	"fstat", "stat", "lstat", "newfstatat", "statx", "access", "faccessat", "faccessat2",
	"readlink", "readlinkat", "getdents64", "getcwd", "uname", "sysinfo",
	/* Memory. The rules on mmap and mprotect are below. */
	"brk", "munmap", "mremap", "madvise", "membarrier",
	/* Threads of this process, and waiting. */
	"futex", "futex_waitv", "set_robust_list", "rseq", "set_tid_address", "arch_prctl",
	"sched_yield", "sched_getaffinity", "getcpu", "exit", "exit_group", "gettid", "getpid",
	"getppid", "getuid", "geteuid", "getgid", "getegid", "restart_syscall", "nanosleep",
	"clock_nanosleep", "clock_nanosleep_time64", "clock_gettime", "clock_gettime64", "clock_getres",
	"gettimeofday", "time", "getrusage", "getrandom",
	/* Receiving signals. The rules on sending are below. */
	"rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack",
	/* More filters, which can only forbid more. */
	"seccomp"};

/* Calls that libraries try but do not need. They fail with ENOSYS. */
constexpr const char *kUnknown[] = {"clone3",       "openat2",       "io_uring_setup",
									"memfd_create", "inotify_init1", "timerfd_create"};

void
check(int result, const char *what)
{
	if (result < 0)
		throw std::system_error(-result, std::generic_category(), what);
}

class Filter
{
  public:
	explicit Filter(uint32_t otherwise) : filter_(seccomp_init(otherwise), seccomp_release)
	{
		if (!filter_)
			throw std::system_error(ENOMEM, std::generic_category(), "seccomp_init");
	}

	/* Adds a rule with at most one condition for each argument. */
	template <class... Condition>
	void add(uint32_t action, const char *name, Condition... condition)
	{
		int call = seccomp_syscall_resolve_name(name);
		if (call >= 0)
			check(seccomp_rule_add(filter_.get(), action, call, sizeof...(condition), condition...),
				  name);
	}

	void load()
	{
		check(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_TSYNC, 1), "all threads");
		/* enter_sandbox() has set no_new_privs already. */
		check(seccomp_attr_set(filter_.get(), SCMP_FLTATR_CTL_NNP, 0), "no new privileges");
		check(seccomp_load(filter_.get()), "seccomp");
	}

  private:
	std::unique_ptr<void, void (*)(scmp_filter_ctx)> filter_;
};

} // namespace

void
restrict_system_calls(wire::Role role)
{
	Filter filter(SCMP_ACT_KILL_PROCESS);
	for (const char *name : kAllowed)
		filter.add(SCMP_ACT_ALLOW, name);
	for (const char *name : kUnknown)
		filter.add(SCMP_ACT_ERRNO(ENOSYS), name);

	/* The role that serves accepts connections on the sockets that it was given, and opens none.
	 * The others only open them. Only Internet sockets are allowed, because the server listens on a
	 * Unix socket. Libraries also try other families, which fail. */
	if (role == wire::Role::Serve) {
		filter.add(SCMP_ACT_ALLOW, "accept4");
	} else {
		filter.add(SCMP_ACT_ALLOW, "connect");
		for (uint64_t family : {AF_INET, AF_INET6})
			filter.add(SCMP_ACT_ALLOW, "socket", SCMP_A0(SCMP_CMP_EQ, family));
	}
	for (uint64_t family : {AF_UNIX, AF_NETLINK})
		filter.add(SCMP_ACT_ERRNO(EAFNOSUPPORT), "socket", SCMP_A0(SCMP_CMP_EQ, family));

	/* Opening is read-only. Landlock restricts the files. */
	constexpr uint64_t writing = O_ACCMODE | O_CREAT | O_TRUNC | O_APPEND;
	filter.add(SCMP_ACT_ALLOW, "open", SCMP_A1(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));
	filter.add(SCMP_ACT_ALLOW, "openat", SCMP_A2(SCMP_CMP_MASKED_EQ, writing, O_RDONLY));

	/* No memory becomes executable. */
	filter.add(SCMP_ACT_ALLOW, "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	filter.add(SCMP_ACT_ALLOW, "mmap2", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	filter.add(SCMP_ACT_ALLOW, "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));

	/* Threads may be created, but not processes. */
	filter.add(SCMP_ACT_ALLOW, "clone",
			   SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD | CLONE_VM, CLONE_THREAD | CLONE_VM));

	/* A signal to itself, for abort(), and its own resource limits. */
	filter.add(SCMP_ACT_ALLOW, "tgkill", SCMP_A0(SCMP_CMP_EQ, uint64_t(getpid())));
	filter.add(SCMP_ACT_ALLOW, "prlimit64", SCMP_A0(SCMP_CMP_EQ, 0));
	filter.add(SCMP_ACT_ALLOW, "getrlimit");

	/* The other commands of fcntl() and ioctl() can make the kernel send any signal to any process
	 * of this user: with O_ASYNC, a descriptor sends a signal of choice to a process of choice. */
	for (const char *name : {"fcntl", "fcntl64"}) {
		for (uint64_t command : {F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL})
			filter.add(SCMP_ACT_ALLOW, name, SCMP_A1(SCMP_CMP_EQ, command));
		filter.add(SCMP_ACT_ALLOW, name, SCMP_A1(SCMP_CMP_EQ, F_SETFL),
				   SCMP_A2(SCMP_CMP_MASKED_EQ, O_ASYNC, 0));
	}
	filter.add(SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONBIO));
	filter.add(SCMP_ACT_ALLOW, "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONREAD));
	filter.add(SCMP_ACT_ALLOW, "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
	filter.load();
}

void
forbid_new_threads()
{
	Filter filter(SCMP_ACT_ALLOW);
	filter.add(SCMP_ACT_ERRNO(EAGAIN), "clone");
	filter.load();
}

} // namespace net
