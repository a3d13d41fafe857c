/* Files of the server, read in pieces. */
#pragma once

#include <cstdint>
#include <string>

namespace archive {

struct FilePiece
{
	std::string bytes;
	int64_t file_size = 0;
	int error = 0; // an errno: EISDIR or EINVAL if the file is not a regular one; 0: none
};

/*
 * At most `size` bytes from `position` on. Opens the file anew each time, since the server closes
 * it with the transaction. Throws pg::Error only if the server has no descriptor left.
 */
FilePiece read_piece(const std::string &path, int64_t position, size_t size);

} // namespace archive
