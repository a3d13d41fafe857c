/* Small files that settings name and that are read completely: keys and certificates. */
#pragma once

#include <cstdint>
#include <string>

namespace pg {

enum class Access : uint8_t
{
	Any,
	Owner // only the server's user may read the file
};

/*
 * Reads the file into `bytes`. Returns a description of the fault; empty: none. A secret is stored
 * only in `bytes`, which the caller must erase.
 */
std::string read_small_file(const char *path, size_t most, Access access, std::string &bytes);

} // namespace pg
