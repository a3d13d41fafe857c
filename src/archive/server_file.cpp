#include "server_file.h"

#include <sys/stat.h>

#include <algorithm>

#include "pg/border/error.h"

extern "C" {
#include "storage/fd.h"
}

namespace archive {

static void
read_open(int fd, int64_t position, size_t size, FilePiece &piece)
{
	struct stat status;
	if (fstat(fd, &status) != 0) {
		piece.error = errno;
		return;
	}
	if (!S_ISREG(status.st_mode)) {
		piece.error = S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
		return;
	}
	piece.file_size = status.st_size;
	piece.bytes.resize(std::min<size_t>(size, std::max<int64_t>(status.st_size - position, 0)));
	ssize_t got = pread(fd, piece.bytes.data(), piece.bytes.size(), position);
	if (got < 0)
		piece.error = errno;
	piece.bytes.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
}

FilePiece
read_piece(const std::string &path, int64_t position, size_t size)
{
	FilePiece piece;
	int fd = pg::call(
		[&] { return OpenTransientFile(path.c_str(), O_RDONLY | O_NONBLOCK | PG_BINARY); });
	if (fd < 0) {
		piece.error = errno;
		return piece;
	}
	read_open(fd, position, size, piece);
	pg::call([&] { CloseTransientFile(fd); });
	return piece;
}

} // namespace archive
