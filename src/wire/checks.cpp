#include "checks.h"

#include <algorithm>

#include <simdjson.h>

namespace wire {
namespace {

bool
is_printable(char c)
{
	return c >= ' ' && c <= '~';
}

} // namespace

std::string
made_printable(std::string_view text, size_t limit)
{
	std::string clean(text.substr(0, limit));
	for (char &c : clean)
		if (!is_printable(c))
			c = '?';
	return clean;
}

void
Texts::take(std::string_view text, size_t limit)
{
	demand(text.size() <= unread_, "overlapping texts");
	unread_ -= text.size();
	demand(text.size() <= limit, "text too long");
}

std::string_view
Texts::utf8(std::string_view text, size_t limit)
{
	take(text, limit);
	demand(simdjson::validate_utf8(text), "invalid UTF-8");
	return text;
}

std::string_view
Texts::printable(std::string_view text, size_t limit)
{
	take(text, limit);
	demand(std::all_of(text.begin(), text.end(), is_printable), "text is not printable");
	return text;
}

std::string_view
Texts::code(std::string_view text)
{
	take(text, kMaxReason);
	demand(text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == text.npos,
		   "reason is no code");
	return text;
}

} // namespace wire
