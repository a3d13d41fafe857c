#include "net/core/sandbox.h"

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <stdexcept>
#include <system_error>

#include <fcntl.h>
#include <malloc.h>
#include <openssl/x509.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/core/landlock.h"
#include "net/core/system_calls.h"

namespace net {

/* A higher hard limit is not used, because tables of libwebsockets grow with the limit. */
constexpr rlim_t kMaxDescriptors = 65536;
/* Backends have priority when processors are busy. */
constexpr int kNice = 5;

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
	/* If the parent has died before this, getppid() returns another process. */
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
	check(setrlimit(RLIMIT_FSIZE, &limit), "RLIMIT_FSIZE");
	check(getrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
	limit.rlim_cur = std::min(limit.rlim_max, kMaxDescriptors);
	check(setrlimit(RLIMIT_NOFILE, &limit), "RLIMIT_NOFILE");
}

/*
 * Makes the kernel end this process first when memory is short, because the end of a backend would
 * restart the server. The process continues if the kernel refuses this.
 */
static void
yield_to_backends()
{
	int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0) {
		[[maybe_unused]] ssize_t written = write(fd, "1000", 4);
		close(fd);
	}
	[[maybe_unused]] int priority = nice(kNice);
}

void
enter_sandbox(int link, int last, size_t memory)
{
	die_with_parent(link);
	yield_to_backends();
	check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "PR_SET_NO_NEW_PRIVS");
	check(prctl(PR_SET_DUMPABLE, 0), "PR_SET_DUMPABLE");
	limit_resources(memory);
	check(close_range(unsigned(last) + 1, ~0U, 0), "close_range");
	check(chdir("/"), "chdir");
	clearenv();
	std::signal(SIGPIPE, SIG_IGN);
	/* With few arenas, one thread can reuse memory that another thread freed; otherwise the process
	 * would only grow. */
	mallopt(M_ARENA_MAX, 2);
	mallopt(M_TRIM_THRESHOLD, 8 << 20);
	mallopt(M_MMAP_THRESHOLD, 256 << 10);
}

std::vector<std::string>
files_to_read(const std::string &ca_file)
{
	std::vector<std::string> files = {"/etc/resolv.conf",   "/etc/hosts",   "/etc/host.conf",
									  "/etc/nsswitch.conf", "/dev/urandom", "/dev/null"};
	/* If resolv.conf is a symbolic link, other tools replace the file in the link's directory. */
	std::error_code error;
	auto real = std::filesystem::canonical("/etc/resolv.conf", error);
	if (!error && real.parent_path() != "/etc")
		files.push_back(real.parent_path());
	if (!ca_file.empty()) {
		files.push_back(ca_file);
		return files;
	}
	files.emplace_back(X509_get_default_cert_file());
	files.emplace_back(X509_get_default_cert_dir());
	/* Symbolic links in Debian's certificate directory lead to these directories. */
	files.emplace_back("/usr/share/ca-certificates");
	files.emplace_back("/usr/local/share/ca-certificates");
	return files;
}

Wall::Wall(std::string_view mode, std::vector<std::string> readable)
	: mode_(mode == "prefer" ? Mode::Prefer : Mode::Require), readable_(std::move(readable))
{
	if (mode != "require" && mode != "prefer")
		throw std::invalid_argument("unknown sandbox mode");
}

std::string
Wall::raise(wire::Role role)
{
	std::string lacking;
	auto attempt = [&](const char *what, auto restrict) {
		try {
			restrict();
			return true;
		} catch (const std::system_error &error) {
			lacking +=
				(lacking.empty() ? "" : ", ") + std::string(what) + " (" + error.what() + ")";
			return false;
		}
	};
	for (const std::string &path : readable_)
		watched_.push_back({path, file_id(path), content_of(path)});
	attempt("Landlock", [this] { restrict_files(readable_); });
	filtered_ = attempt("seccomp", [role] { restrict_system_calls(role); });
	if (!lacking.empty() && mode_ == Mode::Require)
		throw std::runtime_error(
			"the sandbox is not complete, and is required: the kernel refuses " + lacking +
			"; bigbrotr.sandbox = prefer lets the net process run without");
	return lacking;
}

void
Wall::close_threads()
{
	const rlimit none{0, 0};
	check(setrlimit(RLIMIT_NPROC, &none), "RLIMIT_NPROC");
	if (filtered_)
		forbid_new_threads();
}

Wall::FileId
Wall::file_id(const std::string &path)
{
	struct stat status;
	if (stat(path.c_str(), &status) != 0)
		return {};
	return {status.st_dev, status.st_ino};
}

/* A hash of what a regular file contains; nothing if it cannot be read. */
std::optional<size_t>
Wall::content_of(const std::string &path)
{
	struct stat status;
	if (stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode))
		return std::nullopt;
	std::ifstream file(path, std::ios::binary);
	const std::string text(std::istreambuf_iterator<char>(file), {});
	return file.bad() || !file.is_open() ? std::nullopt
										 : std::optional(std::hash<std::string>()(text));
}

std::string
Wall::replaced()
{
	for (Watched &file : watched_) {
		const FileId id = file_id(file.path);
		if (id == file.id)
			continue;
		/* Some tools write the same resolv.conf again and again. */
		if (!file.content || content_of(file.path) != file.content)
			return file.path;
		file.id = id;
	}
	return "";
}

} // namespace net
