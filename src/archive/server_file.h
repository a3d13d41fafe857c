/* Reads files of the server in pieces. */
#pragma once

#include <cstdint>
#include <string>

namespace archive {

struct FilePiece
{
	std::string bytes;
	int64_t file_size = 0;
	int error = 0; // errno; EISDIR or EINVAL if the file is not a regular file; 0: none
};

/*
 * Reads at most `size` bytes from `position` on. Opens the file in each call, because the server
 * closes it with the transaction. Throws pg::Error only if the server has no free descriptor.
 */
FilePiece read_piece(const std::string &path, int64_t position, size_t size);

} // namespace archive
