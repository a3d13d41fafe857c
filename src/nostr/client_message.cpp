/* Messages to a relay, and the prefixes of a relay's texts. */
#include "message.h"

#include <utility>

namespace nostr {

std::string_view
reason_prefix(std::string_view text)
{
	size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");
	if (end == text.npos || text[end] != ':')
		return {};
	return text.substr(0, end);
}

static void
append_filter(const Window &window, std::string &out)
{
	out += '{';
	out += window.members;
	auto name = [&out](const char *name) {
		if (out.back() != '{')
			out += ',';
		out += '"';
		out += name;
		out += "\":";
	};
	auto number = [&](const char *member, int64_t value) {
		name(member);
		out += std::to_string(value);
	};
	auto list = [&](const char *member, const auto &values, auto write) {
		if (values.empty())
			return;
		name(member);
		char before = '[';
		for (const auto &value : values) {
			out += std::exchange(before, ',');
			write(value);
		}
		out += ']';
	};
	if (window.since)
		number("since", *window.since);
	if (window.until)
		number("until", *window.until);
	if (window.limit)
		number("limit", *window.limit);
	list("kinds", window.kinds, [&](int32_t kind) { out += std::to_string(kind); });
	list("authors", window.authors,
		 [&](const PublicKey &author) { out += '"' + to_hex(author.data(), author.size()) + '"'; });
	out += '}';
}

std::string
req_message(std::string_view subscription, std::span<const Window> windows)
{
	std::string out = "[\"REQ\",";
	append_json_string(subscription, out);
	for (const Window &window : windows) {
		out += ',';
		append_filter(window, out);
	}
	out += ']';
	return out;
}

static std::string
close_with(const char *verb, std::string_view subscription)
{
	std::string out = "[\"";
	out += verb;
	out += "\",";
	append_json_string(subscription, out);
	out += ']';
	return out;
}

std::string
close_message(std::string_view subscription)
{
	return close_with("CLOSE", subscription);
}

static void
append_hex(std::string_view bytes, std::string &out)
{
	out += ",\"";
	out += to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
	out += "\"]";
}

std::string
neg_open_message(std::string_view subscription, const Window &window, std::string_view message)
{
	std::string out = "[\"NEG-OPEN\",";
	append_json_string(subscription, out);
	out += ',';
	append_filter(window, out);
	append_hex(message, out);
	return out;
}

std::string
neg_message(std::string_view subscription, std::string_view message)
{
	std::string out = "[\"NEG-MSG\",";
	append_json_string(subscription, out);
	append_hex(message, out);
	return out;
}

std::string
neg_close_message(std::string_view subscription)
{
	return close_with("NEG-CLOSE", subscription);
}

} // namespace nostr
