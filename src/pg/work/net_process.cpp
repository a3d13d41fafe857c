#include "pg/work/net_process.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "pg/border/error.h"
#include "pg/cycle/preload.h"

extern "C" {
#include "storage/ipc.h"
}

namespace pg {

static constexpr const char *kProgram = "bigbrotr-net";
static constexpr int kChildSocket = 3;
static constexpr size_t kReadSize = 1 << 20;
static constexpr size_t kMaxQueued = 64 << 20;
static constexpr int kDyingMs = 50; // from the end of its stream to its own end

/* The child, for the exit of this process: FATAL and SIGTERM end it without unwinding. */
static pid_t live_child = 0;

/*
 * We must reap it ourselves: where the postmaster is process 1 of a container it would inherit the
 * orphan, and take its death by a signal for the crash of a backend.
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

/* What the child starts with: our socket, no other descriptor, no signal state of the server. */
class SpawnSetup
{
  public:
	explicit SpawnSetup(int socket)
	{
		posix_spawn_file_actions_init(&actions);
		posix_spawn_file_actions_adddup2(&actions, socket, kChildSocket);
		posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
		posix_spawn_file_actions_addclosefrom_np(&actions, kChildSocket + 1);
		sigset_t none, all;
		sigemptyset(&none);
		sigfillset(&all);
		posix_spawnattr_init(&attributes);
		posix_spawnattr_setsigmask(&attributes, &none);
		posix_spawnattr_setsigdefault(&attributes, &all);
		/* A group of its own: the server signals the whole group of a backend, to cancel a query,
		 * too. */
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
fail(const char *what, int error)
{
	throw Error(ERRCODE_SYSTEM_ERROR,
				std::string("could not ") + what + " the net process: " + strerror(error));
}

void
NetProcess::spawn(uint64_t memory_limit_bytes)
{
	register_exit();
	std::string path = std::string(module_directory()) + "/" + kProgram;
	std::string limit = std::to_string(memory_limit_bytes);
	std::string name = kProgram, locale = "LC_ALL=C";
	char *arguments[] = {name.data(), limit.data(), nullptr};
	char *environment[] = {locale.data(), nullptr};
	int ends[2];
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) != 0)
		fail("connect", errno);
	SpawnSetup setup(ends[1]);
	pid_t pid;
	int error =
		posix_spawn(&pid, path.c_str(), &setup.actions, &setup.attributes, arguments, environment);
	close(ends[1]);
	if (error != 0) {
		close(ends[0]);
		fail("start", error);
	}
	live_child = pid_ = pid;
	socket_ = ends[0];
	input_ = {};
	output_.clear();
	sent_ = 0;
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
}

std::string
NetProcess::bury()
{
	for (int ms = 0; ms < kDyingMs; ms++) {
		int status;
		if (waitpid(pid_, &status, WNOHANG) == pid_) {
			forget();
			return WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
									   : "exit code " + std::to_string(WEXITSTATUS(status));
		}
		pg_usleep(1000);
	}
	kill();
	return "stream closed";
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

bool
NetProcess::receive()
{
	ssize_t size;
	do
		size = recv(socket_, input_.reserve(kReadSize), kReadSize, 0);
	while (size < 0 && errno == EINTR);
	if (size > 0)
		input_.filled(size);
	return size > 0 || (size < 0 && (errno == EAGAIN || errno == EWOULDBLOCK));
}

} // namespace pg
