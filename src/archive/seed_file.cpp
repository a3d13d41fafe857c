#include "seed_file.h"

#include <sys/stat.h>

#include "pg/border/error.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
}

namespace archive {

namespace {

constexpr off_t kMaxBytes = 16 << 20;

/* The file's bytes, or an error number. */
int
read_file(const std::string &path, std::string &bytes)
{
	int fd = pg::call(
		[&] { return OpenTransientFile(path.c_str(), O_RDONLY | O_NONBLOCK | PG_BINARY); });
	if (fd < 0)
		return errno;
	struct stat status;
	int error = 0;
	if (fstat(fd, &status) != 0)
		error = errno;
	else if (!S_ISREG(status.st_mode))
		error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
	else if (status.st_size > kMaxBytes)
		error = EFBIG;
	else {
		bytes.resize(static_cast<size_t>(status.st_size));
		ssize_t got = read(fd, bytes.data(), bytes.size());
		if (got < 0)
			error = errno;
		else
			bytes.resize(static_cast<size_t>(got));
	}
	pg::call([&] { CloseTransientFile(fd); });
	return error;
}

/* One bad line must not cost the others: what is no UTF-8 becomes U+FFFD and is refused with its
 * line. */
std::string
valid_utf8(const std::string &bytes)
{
	std::string out;
	out.reserve(bytes.size());
	const auto *next = reinterpret_cast<const unsigned char *>(bytes.data());
	const unsigned char *end = next + bytes.size();
	while (next < end) {
		int length = pg_utf_mblen(next);
		if (*next != 0 && length <= end - next && pg_utf8_islegal(next, length)) {
			out.append(reinterpret_cast<const char *>(next), static_cast<size_t>(length));
			next += length;
		} else {
			out += "\xEF\xBF\xBD";
			next++;
		}
	}
	return out;
}

} // namespace

SeedFile
read_seed_file(const std::string &path)
{
	char share[MAXPGPATH];
	get_share_path(my_exec_path, share);
	std::string file = path.empty() ? std::string(share) + "/bigbrotr/relays.txt" : path;
	SeedFile seeds{path.empty() ? "shipped" : path, {}, {}};
	std::string bytes;
	if (int error = read_file(file, bytes))
		seeds.problem = "could not read seed file \"" + file + "\": " + strerror(error);
	seeds.text = valid_utf8(bytes);
	return seeds;
}

} // namespace archive
