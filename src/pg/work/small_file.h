/* Files of settings that are read whole: keys and certificates. */
#pragma once

#include <cstdint>
#include <string>

namespace pg {

enum class Access : uint8_t
{
	Any,
	Owner // the server's user alone
};

/*
 * Sets `bytes`, or returns what is wrong, in words. A secret is in `bytes` only, which the caller
 * wipes.
 */
std::string read_small_file(const char *path, size_t most, Access access, std::string &bytes);

} // namespace pg
