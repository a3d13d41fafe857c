#include "net/core/landlock.h"

#include <cerrno>
#include <cstdint>
#include <system_error>

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace net {
namespace {

/* Own declarations, because the linux/landlock.h of the build may be older than the running
 * kernel. */
struct RulesetAttributes
{
	uint64_t handled_access_fs = 0;
	uint64_t handled_access_net = 0; // since version 4
	uint64_t scoped = 0;             // since version 6
};

struct __attribute__((packed)) PathBeneath
{
	uint64_t allowed_access = 0;
	int32_t parent = -1;
};

constexpr unsigned kGetVersion = 1;
constexpr int kPathBeneath = 1;
constexpr uint64_t kReadFile = 1 << 2;
constexpr uint64_t kBindTcp = 1 << 0;
constexpr uint64_t kAbstractSockets = 1 << 0;
constexpr uint64_t kSignals = 1 << 1;

/* The rights on files that this version of Landlock knows. */
uint64_t
file_accesses(int version)
{
	int kinds = version >= 5 ? 16 : version >= 3 ? 15 : version >= 2 ? 14 : 13;
	return (uint64_t(1) << kinds) - 1;
}

size_t
attribute_bytes(int version)
{
	return version >= 6 ? sizeof(RulesetAttributes) : version >= 4 ? 16 : 8;
}

int
checked(long result, const char *what)
{
	if (result < 0)
		throw std::system_error(errno, std::generic_category(), what);
	return int(result);
}

void
allow(int ruleset, const std::string &path)
{
	int fd = open(path.c_str(), O_PATH | O_CLOEXEC);
	if (fd < 0)
		return;
	PathBeneath rule{.allowed_access = kReadFile, .parent = fd};
	long result = syscall(SYS_landlock_add_rule, ruleset, kPathBeneath, &rule, 0);
	close(fd);
	checked(result, "landlock_add_rule");
}

} // namespace

int
landlock_version()
{
	long version = syscall(SYS_landlock_create_ruleset, nullptr, 0, kGetVersion);
	return version < 0 ? 0 : int(version);
}

void
restrict_files(const std::vector<std::string> &readable)
{
	int version = landlock_version();
	RulesetAttributes handled;
	handled.handled_access_fs = file_accesses(version);
	if (version >= 4)
		handled.handled_access_net = kBindTcp;
	if (version >= 6)
		handled.scoped = kAbstractSockets | kSignals;
	int ruleset =
		checked(syscall(SYS_landlock_create_ruleset, &handled, attribute_bytes(version), 0),
				"landlock_create_ruleset");
	try {
		for (const std::string &path : readable)
			allow(ruleset, path);
		checked(syscall(SYS_landlock_restrict_self, ruleset, 0), "landlock_restrict_self");
	} catch (...) {
		close(ruleset);
		throw;
	}
	close(ruleset);
}

} // namespace net
