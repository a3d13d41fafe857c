#include "pg/work/net_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

#include "pg/border/error.h"
#include "pg/cycle/preload.h"

extern "C" {
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
}

namespace pg {

static constexpr const char *kProgram = "bigbrotr-net";
static constexpr int kFirstDescriptor = 3; // the child's descriptor of the link
static constexpr size_t kReadSize = 1 << 20;
static constexpr size_t kMaxQueued = 64 << 20;
static constexpr int kDyingMs = 50; // time for a child that closed its stream to exit

/* For the exit callback, because FATAL and SIGTERM end this process without destructors. */
static pid_t live_child = 0;

/*
 * Ends the child and reaps it. Otherwise a postmaster that is process 1 of a container would
 * inherit the child, and would take its death by a signal for the crash of a backend.
 */
static void
kill_and_reap(pid_t pid)
{
	::kill(pid, SIGKILL);
	while (waitpid(pid, nullptr, 0) < 0 && errno == EINTR)
		;
}

static void
kill_at_exit(int, Datum)
{
	if (live_child != 0)
		kill_and_reap(live_child);
	live_child = 0;
}

static void
register_exit()
{
	static bool registered = false;
	if (!registered)
		call([] { before_shmem_exit(kill_at_exit, 0); });
	registered = true;
}

/* Copies of descriptors, with numbers above those that the child gets, so that dup2() does not
 * overwrite a descriptor that is still needed. */
class Duplicates
{
  public:
	~Duplicates()
	{
		for (int one : all)
			close(one);
	}
	/* False, with errno set, if no descriptor is free. */
	bool add(int descriptor, size_t count)
	{
		int copy = fcntl(descriptor, F_DUPFD_CLOEXEC, kFirstDescriptor + static_cast<int>(count));
		if (copy >= 0)
			all.push_back(copy);
		return copy >= 0;
	}

	std::vector<int> all;
};

/* Makes the child start with only its own descriptors, and without the server's signal state. */
class SpawnSetup
{
  public:
	explicit SpawnSetup(const std::vector<int> &descriptors)
	{
		int next = kFirstDescriptor;
		posix_spawn_file_actions_init(&actions);
		for (int descriptor : descriptors)
			posix_spawn_file_actions_adddup2(&actions, descriptor, next++);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addclosefrom_np(&actions, next);
		sigset_t none, all;
		sigemptyset(&none);
		sigfillset(&all);
		posix_spawnattr_init(&attributes);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		/* The child gets its own process group, because the server signals the whole group of a
		 * backend, for example to cancel a query. */
		posix_spawnattr_setpgroup(&attributes, 0);
		posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF |
												  POSIX_SPAWN_SETPGROUP);
	}
	~SpawnSetup()
	{
		posix_spawn_file_actions_destroy(&actions);
		posix_spawnattr_destroy(&attributes);
	}
	SpawnSetup(const SpawnSetup &) = delete;

	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
};

[[noreturn]] static void
fail(const std::string &what, int error)
{
	throw Error(ERRCODE_SYSTEM_ERROR, "could not " + what + ": " + strerror(error));
}

std::string
NetProcess::program()
{
	return std::string(module_directory()) + "/" + kProgram;
}

void
NetProcess::spawn(Arguments arguments)
{
	register_exit();
	std::string path = program();
	/* The name in ps shows the child's service. */
	std::string name = std::string(kProgram) + ": " + MyBgworkerEntry->bgw_name;
	std::string locale = "LC_ALL=C";
	std::string limit = std::to_string(arguments.memory_limit_bytes);
	const std::vector<int> &descriptors = arguments.descriptors;
	std::string count = std::to_string(descriptors.size());
	std::vector<char *> argv = {
		name.data(),  arguments.role.data(),    limit.data(),
		count.data(), arguments.sandbox.data(), arguments.tls_ca_file.data()};
	for (std::string &file : arguments.geoip_files)
		argv.push_back(file.data());
	argv.push_back(nullptr);
	char *environment[] = {locale.data(), nullptr};
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		fail("connect the net process", errno);
	Duplicates of_child;
	int error = of_child.add(ends[1], 1 + descriptors.size()) ? 0 : errno;
	close(ends[1]);
	for (size_t i = 0; i < descriptors.size() && error == 0; i++)
		error = of_child.add(descriptors[i], 1 + descriptors.size()) ? 0 : errno;
	pid_t pid = 0;
	if (error == 0) {
		SpawnSetup setup(of_child.all);
		error = posix_spawn(&pid, path.c_str(), &setup.actions, &setup.attributes, argv.data(),
							environment);
	}
	if (error != 0) {
		close(ends[0]);
		fail("start \"" + path + "\"", error);
	}
	live_child = pid_ = pid;
	socket_ = ends[0];
	generation_++;
}

void
NetProcess::kill()
{
	if (pid_ == 0)
		return;
	kill_and_reap(pid_);
	forget();
}

void
NetProcess::forget()
{
	live_child = pid_ = 0;
	close(socket_);
	socket_ = -1;
	input_ = {}; // drops messages of the ended child
	output_.clear();
	sent_ = 0;
}

std::string
NetProcess::wait_for_end()
{
	for (int ms = 0; ms < kDyingMs; ms++) {
		int status;
		if (waitpid(pid_, &status, WNOHANG) == pid_) {
			forget();
			if (!WIFSIGNALED(status))
				return "it ended with exit code " + std::to_string(WEXITSTATUS(status));
			int signal = WTERMSIG(status);
			if (signal == SIGSYS)
				return "it made a system call that its sandbox forbids";
			return "it was ended by signal " + std::to_string(signal) + " (" + strsignal(signal) +
				   ")";
		}
		pg_usleep(1000);
	}
	kill();
	return "it closed its link";
}

bool
NetProcess::queue(std::string_view frame)
{
	if (output_.size() - sent_ + frame.size() > kMaxQueued)
		return false;
	if (sent_ > output_.size() / 2) {
		output_.erase(0, sent_);
		sent_ = 0;
	}
	output_ += frame;
	return true;
}

bool
NetProcess::flush()
{
	while (has_output()) {
		ssize_t size = send(socket_, output_.data() + sent_, output_.size() - sent_, MSG_NOSIGNAL);
		if (size < 0 && errno == EINTR)
			continue;
		if (size < 0)
			return errno == EAGAIN || errno == EWOULDBLOCK;
		sent_ += size;
	}
	output_.clear();
	sent_ = 0;
	return true;
}

std::optional<size_t>
NetProcess::receive()
{
	ssize_t size;
	do
		size = recv(socket_, input_.reserve(kReadSize), kReadSize, 0);
	while (size < 0 && errno == EINTR);
	if (size > 0)
		input_.filled(size);
	if (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		size = 0;
	else if (size <= 0)
		return std::nullopt;
	return size;
}

} // namespace pg
