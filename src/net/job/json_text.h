/*
 * Prepares JSON of strangers for jansson, which refuses a whole document for what may be one odd
 * value, and which calls itself for each level of nesting.
 */
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace net {

struct JsonText
{
	const char *reason = nullptr; // null: it may be parsed; else "too_deep"
	/* U+FFFD instead of U+0000 and of lone surrogates; numbers that no int64 or double can hold as
	 * strings; without byte order mark. Anything malformed is left as it is. */
	std::string text;
	bool had_nul = false; // U+0000
	size_t values = 1;    // at least so many are in it
};

JsonText prepare_json(std::string_view text);

} // namespace net
