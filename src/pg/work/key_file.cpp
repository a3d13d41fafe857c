#include "key_file.h"

#include <cerrno>
#include <cstring>
#include <stdexcept>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "nostr/auth.h"
#include "pg/border/settings.h"
#include "worker.h"

namespace pg {

namespace {

struct OpenFile
{
	explicit OpenFile(const char *path) : fd(open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)) {}
	~OpenFile()
	{
		if (fd >= 0)
			close(fd);
		explicit_bzero(text, sizeof text);
	}
	OpenFile(const OpenFile &) = delete;

	const int fd;
	char text[256];
};

/* Sets the signer, or returns what is wrong, in words. */
std::string
read_signer(const char *path, std::optional<nostr::Signer> &signer)
{
	OpenFile file(path);
	struct stat status;
	if (file.fd < 0 || fstat(file.fd, &status) != 0)
		return strerror(errno);
	if (!S_ISREG(status.st_mode))
		return "it is not a regular file";
	if (status.st_uid != geteuid())
		return "it does not belong to the user that runs the server; chown changes that";
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return "others than its owner have access to it; chmod 0600 ends that";
	ssize_t size = ::read(file.fd, file.text, sizeof file.text);
	if (size < 0)
		return strerror(errno);
	auto key = nostr::parse_secret_key({file.text, static_cast<size_t>(size)});
	if (!key)
		return "it holds neither nsec1... nor a secret key of 64 hex digits";
	std::string fault;
	try {
		signer.emplace(*key);
	} catch (const std::invalid_argument &) {
		fault = "it holds a number that is not a secret key";
	}
	explicit_bzero(key->data(), key->size());
	return fault;
}

} // namespace

void
KeyFile::read(Worker &worker)
{
	const char *path = settings::key_file;
	signer_.reset();
	std::string fault;
	if (*path)
		fault = read_signer(path, signer_);
	if (!fault.empty() && fault != fault_)
		worker.log(wire::LogLevel::Warning, "could not use the key of bigbrotr.key_file: " + fault);
	fault_ = fault;
}

} // namespace pg
