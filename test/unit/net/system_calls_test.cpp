/* System calls that the process has given up, tried in children of the test. */
#include <thread>

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "net/core/system_calls.h"
#include "sandboxed.h"

using namespace test;

TEST(NetSystemCalls, OtherProcesses)
{
	pid_t other = getpid();
	char byte;
	iovec here{&byte, 1}, there{&byte, 1};
	rlimit limit{0, 0};
	EXPECT_FALSE(works([&] { return kill(other, 0) == 0; }));
	EXPECT_FALSE(works([&] { return syscall(SYS_tgkill, other, other, 0) == 0; }));
	EXPECT_FALSE(works([&] { return ptrace(PTRACE_ATTACH, other, nullptr, nullptr) == 0; }));
	EXPECT_FALSE(works([&] { return process_vm_readv(other, &here, 1, &there, 1, 0) == 1; }));
	EXPECT_FALSE(works([&] { return process_vm_writev(other, &here, 1, &there, 1, 0) == 1; }));
	EXPECT_FALSE(works([&] { return syscall(SYS_pidfd_open, other, 0) >= 0; }));
	EXPECT_FALSE(works([&] { return prlimit(other, RLIMIT_CORE, nullptr, &limit) == 0; }));
	EXPECT_FALSE(works([&] { return setpriority(PRIO_PROCESS, pid_t(other), 10) == 0; }));
}

TEST(NetSystemCalls, NewProcessesAndNewCode)
{
	auto exec = [] {
		execl("/bin/true", "true", nullptr);
		return false;
	};
	/* If it worked, "true" would leave 0. */
	EXPECT_FALSE(works(exec));
	EXPECT_FALSE(works([] { return fork() >= 0; }));
	EXPECT_FALSE(works([] { return syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) >= 0; }));
	EXPECT_FALSE(works([] {
		return mmap(nullptr, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS,
					-1, 0) != MAP_FAILED;
	}));
	EXPECT_FALSE(works([] {
		void *page =
			mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		return mprotect(page, 4096, PROT_READ | PROT_EXEC) == 0;
	}));
}

TEST(NetSystemCalls, OtherSocketsAndPartsOfTheKernel)
{
	for (int family : {AF_UNIX, AF_NETLINK, AF_PACKET, AF_VSOCK})
		EXPECT_FALSE(works([=] { return socket(family, SOCK_DGRAM, 0) >= 0; })) << family;
	EXPECT_FALSE(works([] {
		sockaddr_in any{};
		any.sin_family = AF_INET;
		int fd = socket(AF_INET, SOCK_STREAM, 0);
		return bind(fd, reinterpret_cast<sockaddr *>(&any), sizeof any) == 0;
	}));
	EXPECT_FALSE(works([] { return listen(socket(AF_INET, SOCK_STREAM, 0), 5) == 0; }));
	for (long call : {SYS_mount, SYS_unshare, SYS_setns, SYS_bpf, SYS_keyctl, SYS_add_key,
					  SYS_userfaultfd, SYS_perf_event_open, SYS_io_uring_setup, SYS_memfd_create,
					  SYS_init_module, SYS_chroot, SYS_setuid, SYS_shmget, SYS_personality})
		EXPECT_FALSE(works([=] { return syscall(call, 0, 0, 0, 0, 0) >= 0 || errno != ENOSYS; }))
			<< call;
}

/* A system call that is allowed reports that -1 is no descriptor; one that is forbidden ends the
 * process. */
TEST(NetSystemCalls, ConnectionsGoOneWay)
{
	sockaddr_in any{};
	any.sin_family = AF_INET;
	const auto connects = [&] {
		connect(-1, reinterpret_cast<sockaddr *>(&any), sizeof any);
		return errno == EBADF;
	};
	const auto accepts = [] { return accept4(-1, nullptr, nullptr, 0) < 0 && errno == EBADF; };
	for (wire::Role role : kRoles) {
		const bool serves = role == wire::Role::Serve;
		for (int family : {AF_INET, AF_INET6})
			EXPECT_EQ(works_as(role, [=] { return socket(family, SOCK_STREAM, 0) >= 0; }), !serves);
		EXPECT_EQ(works_as(role, connects), !serves) << wire::role_name(role);
		EXPECT_EQ(works_as(role, accepts), serves) << wire::role_name(role);
	}
}

TEST(NetSystemCalls, NoThreadsOnceTheyAreMade)
{
	int code = in_child([] {
		net::Wall wall("require", {});
		net::enter_sandbox(kLink, kLink, kMemory);
		wall.raise(wire::Role::Sync);
		std::thread([] {}).join();
		wall.close_threads();
		rlimit limit{};
		if (getrlimit(RLIMIT_NPROC, &limit) != 0 || limit.rlim_max != 0)
			return 2;
		try {
			std::thread([] {}).join();
		} catch (const std::system_error &) {
			return 0;
		}
		return 1;
	});
	EXPECT_EQ(code, 0);
}

/* Kernels before Linux 6.12 do not let Landlock hold back signals, so seccomp must do so. The
 * victim and its attacker belong to the same user, as a backend and the net process do. */
TEST(NetSystemCalls, SeccompAloneKeepsOtherProcessesSafe)
{
	pid_t victim = fork();
	if (victim == 0) {
		pause();
		_exit(0);
	}
	const f_owner_ex owner{F_OWNER_PID, victim};
	char byte = 'x';
	iovec here{&byte, 1}, there{&byte, 1};
	siginfo_t info{};
	info.si_code = SI_QUEUE;
	sigevent event{};
	event.sigev_notify = SIGEV_SIGNAL;
	timer_t timer;
	const std::pair<const char *, std::function<long()>> attempts[] = {
		{"F_SETSIG", [] { return fcntl(kLink, F_SETSIG, SIGKILL); }},
		{"F_SETOWN", [&] { return fcntl(kLink, F_SETOWN, victim); }},
		{"F_SETOWN_EX", [&] { return fcntl(kLink, F_SETOWN_EX, &owner); }},
		{"O_ASYNC", [] { return fcntl(kLink, F_SETFL, O_RDWR | O_NONBLOCK | O_ASYNC); }},
		{"F_SETLEASE", [] { return fcntl(kLink, F_SETLEASE, F_RDLCK); }},
		{"F_NOTIFY", [] { return fcntl(kLink, F_NOTIFY, DN_MODIFY); }},
		{"FIOASYNC", [on = 1] { return ioctl(kLink, FIOASYNC, &on); }},
		{"FIOSETOWN", [&] { return ioctl(kLink, FIOSETOWN, &victim); }},
		{"SIOCSPGRP", [&] { return ioctl(kLink, SIOCSPGRP, &victim); }},
		{"PR_SET_PDEATHSIG", [] { return prctl(PR_SET_PDEATHSIG, SIGTERM); }},
		{"PR_SET_PTRACER", [&] { return prctl(PR_SET_PTRACER, victim); }},
		{"timer_create", [&] { return timer_create(CLOCK_MONOTONIC, &event, &timer); }},
		{"kill", [&] { return kill(victim, SIGKILL); }},
		{"tkill", [&] { return syscall(SYS_tkill, victim, SIGKILL); }},
		{"tgkill", [&] { return syscall(SYS_tgkill, victim, victim, SIGKILL); }},
		{"rt_sigqueueinfo", [&] { return syscall(SYS_rt_sigqueueinfo, victim, SIGKILL, &info); }},
		{"rt_tgsigqueueinfo",
		 [&] { return syscall(SYS_rt_tgsigqueueinfo, victim, victim, SIGKILL, &info); }},
		{"pidfd_open", [&] { return syscall(SYS_pidfd_open, victim, 0); }},
		{"pidfd_send_signal", [] { return syscall(SYS_pidfd_send_signal, 0, 0, nullptr, 0); }},
		{"pidfd_getfd", [] { return syscall(SYS_pidfd_getfd, 0, 0, 0); }},
		{"ptrace", [&] { return ptrace(PTRACE_ATTACH, victim, nullptr, nullptr); }},
		{"process_vm_readv", [&] { return process_vm_readv(victim, &here, 1, &there, 1, 0); }},
		{"process_vm_writev", [&] { return process_vm_writev(victim, &here, 1, &there, 1, 0); }},
		{"process_madvise", [] { return syscall(SYS_process_madvise, 0, 0, 0, 0, 0); }},
		{"kcmp", [&] { return syscall(SYS_kcmp, victim, victim, 0, 0, 0); }},
		{"get_robust_list", [&] { return syscall(SYS_get_robust_list, victim, &here, &there); }},
		{"sched_setaffinity", [&] { return syscall(SYS_sched_setaffinity, victim, 0, nullptr); }},
		{"sched_setscheduler", [&] { return syscall(SYS_sched_setscheduler, victim, 0, nullptr); }},
		{"ioprio_set", [&] { return syscall(SYS_ioprio_set, 1, victim, 0); }},
		{"migrate_pages", [&] { return syscall(SYS_migrate_pages, victim, 0, nullptr, nullptr); }},
		{"setpgid", [&] { return setpgid(victim, 0); }},
	};
	/* These rules are the same for all roles, so each attempt needs only one of them. */
	size_t next = 0;
	for (const auto &[name, attempt] : attempts) {
		const wire::Role role = kRoles[next++ % std::size(kRoles)];
		const auto body = [&, &attempt = attempt] {
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			net::restrict_system_calls(role);
			attempt();
			return 0;
		};
		EXPECT_EQ(in_child(body), -SIGSYS) << name << ", role " << wire::role_name(role);
	}
	EXPECT_EQ(waitpid(victim, nullptr, WNOHANG), 0);
	kill(victim, SIGKILL);
	waitpid(victim, nullptr, 0);
}

TEST(NetSystemCalls, FlagsOfDescriptors)
{
	EXPECT_TRUE(works_in_all_roles([] {
		const int flags = fcntl(kLink, F_GETFL);
		const int copy = fcntl(kLink, F_DUPFD_CLOEXEC, 0);
		return flags >= 0 && fcntl(kLink, F_SETFL, flags | O_NONBLOCK) == 0 && copy >= 0 &&
			   fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(copy, F_SETFD, 0) == 0;
	}));
}
