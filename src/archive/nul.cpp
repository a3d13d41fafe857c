#include "nul.h"

namespace archive {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

std::string
without_nul(std::string_view text)
{
	std::string out;
	out.reserve(text.size() + 16);
	for (char c : text)
		if (c == '\0')
			out += kReplacement;
		else
			out += c;
	return out;
}

std::string
without_nul_escapes(std::string_view json)
{
	constexpr std::string_view escape = "\\u0000";
	std::string out;
	out.reserve(json.size());
	for (size_t i = 0; i < json.size();) {
		if (json[i] != '\\') {
			out += json[i++];
		} else if (json.substr(i, escape.size()) == escape) {
			out += kReplacement;
			i += escape.size();
		} else {
			out += json.substr(i, 2); // another escape: copied with its character
			i += 2;
		}
	}
	return out;
}

} // namespace archive
