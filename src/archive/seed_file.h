/*
 * Reads a list of seed relays from a file of the server.
 */
#pragma once

#include <string>

namespace archive {

struct SeedFile
{
	std::string name;    // "shipped", or the path
	std::string text;    // valid UTF-8 without NUL; U+FFFD replaces other bytes
	std::string problem; // why the file could not be read; empty: it was read
};

/* Reads at most 16 MB. Empty `path`: the list that the extension installs. */
SeedFile read_seed_file(const std::string &path);

} // namespace archive
