#include "net/serve/request_target.h"

#include <simdjson.h>

#include "nostr/ascii.h"

namespace net {
namespace {

/* `form`: "+" means a space, as in queries that browsers write. */
std::optional<std::string>
percent_decode(std::string_view text, bool form)
{
	std::string out;
	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] != '%') {
			out += form && text[i] == '+' ? ' ' : text[i];
			continue;
		}
		int high = i + 1 < text.size() ? nostr::hex_value(text[i + 1]) : -1;
		int low = i + 2 < text.size() ? nostr::hex_value(text[i + 2]) : -1;
		if (high < 0 || low < 0 || (high == 0 && low == 0))
			return std::nullopt;
		out += static_cast<char>(high << 4 | low);
		i += 2;
	}
	if (!simdjson::validate_utf8(out.data(), out.size()))
		return std::nullopt;
	return out;
}

/* Calls `take` for each part. Stops and returns false when `take` returns false. */
template <class F>
bool
split(std::string_view text, char separator, F take)
{
	for (;;) {
		size_t end = text.find(separator);
		if (!take(text.substr(0, end)))
			return false;
		if (end == std::string_view::npos)
			return true;
		text.remove_prefix(end + 1);
	}
}

} // namespace

std::optional<RequestTarget>
parse_target(std::string_view target)
{
	RequestTarget out;
	size_t mark = target.find('?');
	std::string_view path = target.substr(0, mark);
	auto add_segment = [&](std::string_view part) {
		auto segment = percent_decode(part, false);
		if (segment)
			out.path.push_back(*std::move(segment));
		return segment.has_value();
	};
	if (path.size() > 1 && !split(path.substr(1), '/', add_segment))
		return std::nullopt;
	auto add_parameter = [&](std::string_view part) {
		if (part.empty())
			return true;
		size_t equals = part.find('=');
		auto name = percent_decode(part.substr(0, equals), true);
		auto value = equals == std::string_view::npos
						 ? std::optional<std::string>("")
						 : percent_decode(part.substr(equals + 1), true);
		if (!name || !value || out.query.size() == RequestTarget::kMaxParameters)
			return false;
		out.query.emplace_back(*std::move(name), *std::move(value));
		return true;
	};
	if (mark != std::string_view::npos && !split(target.substr(mark + 1), '&', add_parameter))
		return std::nullopt;
	return out;
}

std::string
percent_encode(std::string_view text)
{
	static constexpr char digits[] = "0123456789ABCDEF";
	std::string out;
	for (char c : text) {
		if (nostr::is_letter(c) || nostr::is_digit(c) ||
			std::string_view("-._~").find(c) != std::string_view::npos) {
			out += c;
			continue;
		}
		out += '%';
		out += digits[static_cast<unsigned char>(c) >> 4];
		out += digits[static_cast<unsigned char>(c) & 15];
	}
	return out;
}

} // namespace net
