/*
 * Prepares JSON from strangers for jansson. Jansson refuses a whole document because of one odd
 * value, and its parser recurses once for each level of nesting.
 */
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace net {

struct JsonText
{
	const char *reason = nullptr; // null if the text may be parsed, else "too_deep"
	/* The text with U+FFFD in place of U+0000 and of lone surrogates, with strings in place of
	 * numbers that fit neither int64 nor double, and without byte order mark. Malformed JSON stays
	 * as it is. */
	std::string text;
	size_t values = 1; // lower bound of the number of values in the text
};

JsonText prepare_json(std::string_view text);

} // namespace net
