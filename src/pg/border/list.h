/* Lists in settings. This header needs no C++ library, because the preload library checks
 * settings. */
#pragma once

#include <cstddef>
#include <string_view>

namespace pg {

/* The text without its first bytes. substr() would need the C++ library. */
inline std::string_view
behind(std::string_view text, size_t bytes)
{
	text.remove_prefix(bytes < text.size() ? bytes : text.size());
	return text;
}

/* Removes the first element from a comma-separated list; false if the list is empty. */
inline bool
next_element(std::string_view &list, std::string_view &element)
{
	constexpr std::string_view blanks = " \t\n";
	for (;;) {
		if (list.empty())
			return false;
		size_t comma = list.find(',');
		element = list.substr(0, comma);
		list = comma == std::string_view::npos ? std::string_view{} : behind(list, comma + 1);
		while (!element.empty() && blanks.find(element.front()) != std::string_view::npos)
			element.remove_prefix(1);
		while (!element.empty() && blanks.find(element.back()) != std::string_view::npos)
			element.remove_suffix(1);
		if (!element.empty())
			return true;
	}
}

} // namespace pg
