/* What the process has given up, seen from inside, in a child of the test. */
#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include <dirent.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <seccomp.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "certificate.h"
#include "name_server.h"
#include "net/core/landlock.h"
#include "sandboxed.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

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

/* A file is written anew again and again, as resolv.conf is by some tools. */
TEST(NetSandbox, TheSameContentReplacesNothing)
{
	const auto folder =
		std::filesystem::temp_directory_path() / ("bigbrotr-same-" + std::to_string(getpid()));
	std::filesystem::create_directory(folder);
	const std::string file = folder / "resolv.conf", made = folder / "new";
	std::ofstream(file) << "nameserver 192.0.2.1\n";
	const int code = in_child([&] {
		int asks[2], answers[2];
		if (pipe(asks) != 0 || pipe(answers) != 0)
			return 5;
		/* A process outside of the sandbox replaces the file when it is asked to. */
		if (fork() == 0) {
			char ask;
			while (read(asks[0], &ask, 1) == 1) {
				std::ofstream(made) << "nameserver 192.0.2." << ask << "\n";
				std::filesystem::rename(made, file);
				if (write(answers[1], &ask, 1) != 1)
					break;
				if (ask != '1')
					break;
			}
			_exit(0);
		}
		net::Wall wall("require", {folder, file});
		prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
		wall.raise(wire::Role::Sync);
		const auto replace = [&](char by) {
			return write(asks[1], &by, 1) == 1 && read(answers[0], &by, 1) == 1;
		};
		if (!replace('1') || wall.replaced() != "" || !replace('1') || wall.replaced() != "")
			return 1;
		return replace('2') && wall.replaced() == file ? 0 : 2;
	});
	EXPECT_EQ(code, 0);
	std::filesystem::remove_all(folder);
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
