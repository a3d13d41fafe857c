/* What the process has given up, seen from inside, in a child of the test. */
#include <algorithm>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "certificate.h"
#include "name_server.h"
#include "net/core/landlock.h"
#include "net/core/sandbox.h"
#include "net/core/system_calls.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

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
	const int nice = getpriority(PRIO_PROCESS, 0);
	int code = in_child([nice] {
		net::enter_sandbox(kLink, kLink, kMemory);
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
		if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_max != 0)
			return 9;
		if (getpriority(PRIO_PROCESS, 0) < std::min(nice + 5, 19))
			return 10;
		std::string score;
		std::ifstream("/proc/self/oom_score_adj") >> score;
		if (score != "1000")
			return 11;
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
				net::enter_sandbox(kLink, kLink, kMemory);
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

namespace {

/* Data of a server that the process must not reach: files, and sockets on which somebody listens.
 */
class Server
{
  public:
	Server() : folder_(std::filesystem::temp_directory_path() / ("bigbrotr-server-" + tag()))
	{
		std::filesystem::create_directory(folder_);
		std::ofstream(file()) << "15";
		listeners_[0] = listen_at(by_path());
		listeners_[1] = listen_at(abstract());
	}
	~Server()
	{
		for (int fd : listeners_)
			close(fd);
		std::filesystem::remove_all(folder_);
	}

	std::string folder() const { return folder_; }
	std::string file() const { return folder_ / "PG_VERSION"; }
	std::string by_path() const { return folder_ / ".s.PGSQL.5432"; }
	std::string abstract() const { return std::string(1, '\0') + "bigbrotr-server-" + tag(); }

	static bool connects(const std::string &name)
	{
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		socklen_t size;
		sockaddr_un address = address_of(name, size);
		return fd >= 0 && connect(fd, reinterpret_cast<sockaddr *>(&address), size) == 0;
	}

  private:
	static std::string tag() { return std::to_string(getpid()); }

	static sockaddr_un address_of(const std::string &name, socklen_t &size)
	{
		sockaddr_un address{};
		address.sun_family = AF_UNIX;
		memcpy(address.sun_path, name.data(), name.size());
		size = socklen_t(offsetof(sockaddr_un, sun_path) + name.size() + (name[0] ? 1 : 0));
		return address;
	}

	static int listen_at(const std::string &name)
	{
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		socklen_t size;
		sockaddr_un address = address_of(name, size);
		EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
		EXPECT_EQ(listen(fd, 5), 0);
		return fd;
	}

	std::filesystem::path folder_;
	int listeners_[2];
};

constexpr int kWorked = 0, kFailed = 1;
constexpr wire::Role kRoles[] = {wire::Role::Sync, wire::Role::Probe, wire::Role::Publish,
								 wire::Role::Fetch, wire::Role::Serve};
static_assert(std::size(kRoles) == std::size(wire::kRoleNames));

/* Does the attempt work behind the wall? It fails by an error, or by the end of the process. */
bool
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
bool
works(const std::function<bool()> &attempt)
{
	return std::ranges::any_of(kRoles, [&](wire::Role role) { return works_as(role, attempt); });
}

bool
works_in_all_roles(const std::function<bool()> &attempt)
{
	return std::ranges::all_of(kRoles, [&](wire::Role role) { return works_as(role, attempt); });
}

/* As a kernel without Landlock would answer. */
void
refuse_landlock()
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	for (const char *name :
		 {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self"})
		seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), seccomp_syscall_resolve_name(name), 0);
	seccomp_load(filter);
	seccomp_release(filter);
}

bool
opens(const std::string &path, int flags)
{
	return open(path.c_str(), flags, 0600) >= 0;
}

} // namespace

TEST(NetSandbox, FilesOfTheServer)
{
	Server server;
	std::string file = server.file(), folder = server.folder(), made = folder + "/made";
	EXPECT_FALSE(works([&] { return opens(file, O_RDONLY); }));
	EXPECT_FALSE(works([&] { return opens(file, O_WRONLY); }));
	EXPECT_FALSE(works([&] { return opens(file, O_RDWR | O_TRUNC); }));
	EXPECT_FALSE(works([&] { return opens(made, O_RDWR | O_CREAT); }));
	EXPECT_FALSE(works([&] { return opendir(folder.c_str()) != nullptr; }));
	EXPECT_FALSE(works([&] { return unlink(file.c_str()) == 0; }));
	EXPECT_FALSE(works([&] { return rename(file.c_str(), made.c_str()) == 0; }));
	EXPECT_FALSE(works([&] { return link(file.c_str(), made.c_str()) == 0; }));
	EXPECT_FALSE(works([&] { return symlink(file.c_str(), made.c_str()) == 0; }));
	EXPECT_FALSE(works([&] { return mkdir(made.c_str(), 0700) == 0; }));
	EXPECT_FALSE(works([&] { return truncate(file.c_str(), 0) == 0; }));
	EXPECT_FALSE(works([&] { return chmod(file.c_str(), 0777) == 0; }));
	EXPECT_FALSE(works([&] { return opens("/dev/null", O_WRONLY); }));
	EXPECT_FALSE(works([&] { return opens("/etc/passwd", O_RDONLY); }));
	EXPECT_FALSE(works([&] { return opens("/proc/self/mem", O_RDONLY); }));
}

TEST(NetSandbox, SocketsOfTheServer)
{
	Server server;
	ASSERT_TRUE(Server::connects(server.by_path()));
	ASSERT_TRUE(Server::connects(server.abstract()));
	EXPECT_FALSE(works([&] { return Server::connects(server.by_path()); }));
	EXPECT_FALSE(works([&] { return Server::connects(server.abstract()); }));
}

TEST(NetSandbox, OtherProcesses)
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

TEST(NetSandbox, NewProcessesAndNewCode)
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

TEST(NetSandbox, OtherSocketsAndPartsOfTheKernel)
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

TEST(NetSandbox, WhatTheWorkNeeds)
{
	EXPECT_TRUE(works_in_all_roles([] { return opens("/etc/hosts", O_RDONLY); }));
	EXPECT_TRUE(works_in_all_roles([] {
		std::vector<std::string> blocks;
		for (int i = 0; i < 200; i++)
			blocks.emplace_back(size_t(1) << (i % 21), 'x');
		return true;
	}));
	EXPECT_TRUE(works_in_all_roles([] {
		std::atomic<int> sum{0};
		std::vector<std::thread> threads;
		for (int i = 0; i < 8; i++)
			threads.emplace_back([&sum] { sum += int(std::string(300000, 'x').size()); });
		for (std::thread &thread : threads)
			thread.join();
		return sum == 8 * 300000;
	}));
}

/* A system call that is allowed reports that -1 is no descriptor; one that is forbidden ends the
 * process. */
TEST(NetSandbox, ConnectionsGoOneWay)
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

TEST(NetSandbox, NoThreadsOnceTheyAreMade)
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

/* Each part holds by itself what it can hold. */
TEST(NetSandbox, LandlockAlone)
{
	Server server;
	int version = net::landlock_version();
	ASSERT_GE(version, 1);
	pid_t other = getpid();
	int code = in_child([&] {
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		net::restrict_files({"/etc/hosts"});
		if (!opens("/etc/hosts", O_RDONLY))
			return 1;
		if (opens(server.file(), O_RDONLY) || opens(server.file(), O_WRONLY))
			return 2;
		if (opens("/etc/hosts", O_WRONLY) || unlink(server.file().c_str()) == 0)
			return 3;
		if (version >= 6 && kill(other, 0) == 0)
			return 4;
		if (version >= 6 && Server::connects(server.abstract()))
			return 5;
		return ptrace(PTRACE_ATTACH, other, nullptr, nullptr) == 0 ? 6 : 0;
	});
	EXPECT_EQ(code, 0);
}

/* Kernels before Linux 6.12 do not let Landlock hold back signals, so seccomp must do so. The
 * victim and its attacker belong to the same user, as a backend and the net process do. */
TEST(NetSandbox, SeccompAloneKeepsOtherProcessesSafe)
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

TEST(NetSandbox, FlagsOfDescriptors)
{
	EXPECT_TRUE(works_in_all_roles([] {
		const int flags = fcntl(kLink, F_GETFL);
		const int copy = fcntl(kLink, F_DUPFD_CLOEXEC, 0);
		return flags >= 0 && fcntl(kLink, F_SETFL, flags | O_NONBLOCK) == 0 && copy >= 0 &&
			   fcntl(copy, F_GETFD) == FD_CLOEXEC && fcntl(copy, F_SETFD, 0) == 0;
	}));
}

TEST(NetSandbox, ModesAreKnown)
{
	EXPECT_THROW(net::Wall("", {}), std::invalid_argument);
	EXPECT_THROW(net::Wall("off", {}), std::invalid_argument);
}

/* A process that has no system calls of Landlock, as in an old container. */
TEST(NetSandbox, KernelsThatLackAPart)
{
	for (const char *mode : {"require", "prefer"}) {
		int code = in_child([mode] {
			net::Wall wall(mode, {});
			prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
			refuse_landlock();
			try {
				std::string lacking = wall.raise(wire::Role::Sync);
				return lacking.starts_with("Landlock (") ? 1 : 2;
			} catch (const std::runtime_error &error) {
				return strstr(error.what(), "bigbrotr.sandbox = prefer") ? 3 : 4;
			}
		});
		EXPECT_EQ(code, std::string(mode) == "require" ? 3 : 1);
	}
}

/* ---- the whole process in its sandbox */

TEST(NetSandbox, NamesAndEventsAndTls)
{
	Certificate certificate("DNS:localhost,DNS:relay.example.com");
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.tls_ca_file = certificate.path();
	net::Wall wall("require", net::files_to_read(certificate.path()));
	NameServer names(NameServer::Names{{"relay.example.com", {"127.0.0.1"}}}, false);
	Worker worker(settings, wall, names.address().c_str());
	names.start();
	auto events = make_events(300, 1000, std::string(3000, 'x'));
	ScriptedRelay relay(serve_events(events, 100),
						{.deflate = true, .tls_cert = certificate.path()});
	std::string port = std::to_string(relay.port());
	worker.task(1, "wss://relay.example.com:" + port, {{0, 5000}});
	worker.task(2, "wss://localhost:" + port, {{0, 5000}});
	worker.task(3, "ws://127.0.0.1:" + std::to_string(closed_port()), {{0, 5000}});
	worker.task(4, "ws://nowhere.example.com", {{0, 5000}});
	for (int relay_id : {1, 2, 3, 4})
		ASSERT_TRUE(worker.until_ended(relay_id)) << relay_id;
	EXPECT_EQ(worker.ended(1)->reason, "") << worker.ended(1)->detail;
	EXPECT_EQ(worker.ended(2)->reason, "") << worker.ended(2)->detail;
	EXPECT_EQ(worker.ended(3)->reason, "connection_refused");
	EXPECT_EQ(worker.ended(4)->reason, "dns_failed");
	EXPECT_EQ(worker.events.size(), 300U);
	EXPECT_TRUE(worker.until([&] { return worker.stats["rss_bytes"] > 0; }));
	EXPECT_EQ(worker.stop(), 0);
}

TEST(NetSandbox, TimersRun)
{
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.connect_timeout_ms = 300;
	net::Wall wall("require", net::files_to_read(""));
	NameServer names(NameServer::Names{{"silent.example.com", {""}}}, false);
	Worker worker(settings, wall, names.address().c_str());
	names.start();
	worker.task(1, "wss://silent.example.com", {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "dns_timeout");
}

/* A file of certificates is replaced: the process ends, and the next one reads it. */
TEST(NetSandbox, CertificatesAreReloaded)
{
	Certificate first("DNS:localhost"), second("DNS:localhost");
	std::string path = first.path() + ".link";
	std::filesystem::copy(first.path(), path);
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.tls_ca_file = path;
	net::Wall wall("require", net::files_to_read(path));
	{
		Worker worker(settings, wall, "");
		ScriptedRelay relay(serve_events({}, 7), {.tls_cert = second.path()});
		worker.task(1, relay.url(), {{0, 5000}});
		ASSERT_TRUE(worker.until_ended(1));
		EXPECT_EQ(worker.ended(1)->reason, "tls_failed");
		std::filesystem::copy(second.path(), path + ".new");
		std::filesystem::rename(path + ".new", path);
		EXPECT_FALSE(worker.until([] { return false; }));
		EXPECT_EQ(worker.logs.back(), path + " was replaced; only a new process can read it");
		EXPECT_EQ(worker.join(), 1);
	}
	Worker worker(settings, wall, "");
	ScriptedRelay relay(serve_events({}, 7), {.tls_cert = second.path()});
	ASSERT_TRUE(worker.read(relay.url(), {0, 5000}));
	EXPECT_EQ(worker.ended(1)->reason, "");
	std::filesystem::remove(path);
}
