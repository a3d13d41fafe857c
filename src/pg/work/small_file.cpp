#include "small_file.h"

#include <cerrno>
#include <cstdint>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pg {

namespace {

struct OpenFile
{
	explicit OpenFile(const char *path) : fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
	~OpenFile()
	{
		if (fd >= 0)
			close(fd);
	}
	OpenFile(const OpenFile &) = delete;

	const int fd;
};

} // namespace

std::string
read_small_file(const char *path, size_t most, Access access, std::string &bytes)
{
	OpenFile file(path);
	struct stat status;
	if (file.fd < 0 || fstat(file.fd, &status) != 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (access == Access::Owner) {
		if (status.st_uid != geteuid())
			return "it does not belong to the user that runs the server; chown changes that";
		if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
			return "others than its owner have access to it; chmod 0600 ends that";
	}
	bytes.assign(most + 1, '\0');
	size_t size = 0;
	while (size < bytes.size()) {
		ssize_t got = read(file.fd, bytes.data() + size, bytes.size() - size);
		if (got < 0)
			return strerror(errno);
		if (got == 0)
			break;
		size += static_cast<size_t>(got);
	}
	bytes.resize(size);
	return size > most ? "it has more than " + std::to_string(most) + " bytes" : "";
}

} // namespace pg
