/*
 * Reads a list of seed relays from a file of the server.
 */
#pragma once

#include <string>

namespace archive {

struct SeedFile
{
	std::string name;    // "shipped", or the path
	std::string text;    // valid UTF-8 without NUL: U+FFFD stands for every other byte
	std::string problem; // why it could not be read; empty if it could
};

/* `path` empty: the list installed with the extension. Reads at most 16 MB. */
SeedFile read_seed_file(const std::string &path);

} // namespace archive
