#include "relay_url.h"

#include <algorithm>
#include <charconv>
#include <vector>

#include "ascii.h"
#include "host.h"

namespace nostr {
namespace {

constexpr size_t kMaxInput = 2048;
constexpr size_t kMaxPath = 512;

struct CodePoint
{
	char32_t value;
	size_t size; // bytes
};

/* The first code point of `text`; U+FFFD with one byte if the UTF-8 is invalid. */
CodePoint
first_code_point(std::string_view text)
{
	constexpr CodePoint kInvalid = {0xFFFD, 1};
	const auto lead = static_cast<unsigned char>(text[0]);
	if (lead < 0x80)
		return {lead, 1};
	const size_t size = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
	if (lead < 0xC2 || lead > 0xF4 || text.size() < size)
		return kInvalid;
	char32_t value = lead & (0x7F >> size);
	for (size_t i = 1; i < size; i++) {
		const auto next = static_cast<unsigned char>(text[i]);
		if ((next & 0xC0) != 0x80)
			return kInvalid;
		value = value << 6 | (next & 0x3F);
	}
	constexpr char32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
	return value < kSmallest[size] ? kInvalid : CodePoint{value, size};
}

CodePoint
last_code_point(std::string_view text)
{
	for (size_t size = 1; size <= std::min<size_t>(4, text.size()); size++) {
		const CodePoint last = first_code_point(text.substr(text.size() - size));
		if (last.size == size && last.value != 0xFFFD)
			return last;
	}
	return {0xFFFD, 1};
}

bool
is_white_or_invisible(char32_t c)
{
	return (c >= 0x09 && c <= 0x0D) || c == ' ' || c == 0x85 || c == 0xA0 || c == 0x1680 ||
		   (c >= 0x2000 && c <= 0x200F) || (c >= 0x2028 && c <= 0x202F) || c == 0x205F ||
		   c == 0x2060 || (c >= 0x2066 && c <= 0x2069) || c == 0x3000 || c == 0xFEFF;
}

bool
is_trimmed(char32_t c)
{
	constexpr std::u32string_view kWrapping = U"\"'`<>,;";
	return is_white_or_invisible(c) || kWrapping.find(c) != kWrapping.npos;
}

std::string_view
trim(std::string_view text)
{
	while (!text.empty()) {
		const CodePoint c = first_code_point(text);
		if (!is_trimmed(c.value))
			break;
		text.remove_prefix(c.size);
	}
	while (!text.empty()) {
		const CodePoint c = last_code_point(text);
		if (!is_trimmed(c.value))
			break;
		text.remove_suffix(c.size);
	}
	return text;
}

bool
has_inner_blank(std::string_view text)
{
	while (!text.empty()) {
		const CodePoint c = first_code_point(text);
		const bool control = c.value < 0x20 || (c.value >= 0x7F && c.value <= 0x9F);
		if (control || is_white_or_invisible(c.value))
			return true;
		text.remove_prefix(c.size);
	}
	return false;
}

/* Whether `text` begins with ws, wss, http or https followed by one of `marks`. */
bool
begins_with_scheme(std::string_view text, std::string_view marks)
{
	std::string word(text.substr(0, text.find_first_of(marks)));
	if (word.size() == text.size())
		return false;
	ascii_lower(word);
	return word == "ws" || word == "wss" || word == "http" || word == "https";
}

/* Whether the text begins with another scheme, as in "mailto:x"; "host:80" is not a scheme. */
bool
begins_with_foreign_scheme(std::string_view text)
{
	const auto after = std::find_if_not(text.begin(), text.end(), [](char c) {
		return is_letter(c) || is_digit(c) || c == '+' || c == '-';
	});
	return after != text.end() && *after == ':' && is_letter(text[0]) &&
		   (after + 1 == text.end() || !is_digit(after[1]));
}

/* Removes the scheme from `text` and sets `tls`. Returns the fault. */
const char *
take_scheme(std::string_view &text, UrlMode mode, bool &tls)
{
	const size_t mark = text.find("://");
	if (mark == text.npos) {
		if (begins_with_scheme(text, ":/"))
			return "bad_scheme";
		if (mode == UrlMode::Strict)
			return "no_scheme";
		if (begins_with_foreign_scheme(text))
			return "bad_scheme";
		tls = true;
		return nullptr;
	}
	std::string scheme(text.substr(0, mark));
	ascii_lower(scheme);
	const bool lenient = mode == UrlMode::Lenient;
	tls = scheme == "wss" || (lenient && scheme == "https");
	if (!tls && scheme != "ws" && !(lenient && scheme == "http"))
		return "bad_scheme";
	text.remove_prefix(mark + 3);
	return nullptr;
}

constexpr int
default_port(bool tls)
{
	return tls ? 443 : 80;
}

/* Reads the port. Leaves `port` unchanged if `digits` is empty. Returns the fault. */
const char *
read_port(std::string_view digits, int &port)
{
	if (digits.empty())
		return nullptr;
	const auto [end, error] = std::from_chars(digits.begin(), digits.end(), port);
	const bool whole = error == std::errc() && end == digits.end() && is_digit(digits[0]);
	return whole && digits.size() <= 5 && port >= 1 && port <= 65535 ? nullptr : "bad_port";
}

const char *
read_authority(std::string_view text, Host &host, int &port)
{
	if (text.find('@') != text.npos)
		return "userinfo"; // credentials must be neither stored nor published
	if (text.empty())
		return "empty_host";
	if (text.starts_with('[')) {
		const size_t end = text.find(']');
		const std::string_view rest = end == text.npos ? text : text.substr(end + 1);
		if (!rest.empty() && !rest.starts_with(':'))
			return "bad_ipv6";
		if (!rest.empty())
			if (const char *reason = read_port(rest.substr(1), port))
				return reason;
		host = normalise_ipv6(text.substr(1, end - 1));
		return host.reason;
	}
	const size_t colon = text.find(':');
	if (colon != text.npos) {
		const std::string_view rest = text.substr(colon + 1);
		if (rest.find(':') != rest.npos)
			return "bad_authority";
		if (const char *reason = read_port(rest, port))
			return reason;
	}
	host = normalise_host(text.substr(0, colon));
	return host.reason;
}

bool
is_unreserved(char c)
{
	return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '_' || c == '~';
}

/* Writes each character of a path in its only spelling. */
const char *
respell_path(std::string_view text, std::string &path)
{
	constexpr std::string_view kRaw = "/!$&'()*+,;=:@";
	constexpr std::string_view kHex = "0123456789ABCDEF";
	for (size_t i = 0; i < text.size(); i++) {
		if (text[i] != '%') {
			if (!is_unreserved(text[i]) && kRaw.find(text[i]) == kRaw.npos)
				return "path_charset";
			path += text[i];
			continue;
		}
		if (text.size() - i < 3)
			return "bad_escape";
		const int high = hex_value(text[i + 1]), low = hex_value(text[i + 2]);
		if (high < 0 || low < 0)
			return "bad_escape";
		const int byte = high << 4 | low;
		if (byte <= 0x20 || byte == 0x7F || byte == '/' || byte == '\\')
			return "path_charset";
		if (is_unreserved(static_cast<char>(byte)))
			path += static_cast<char>(byte);
		else
			path.append({'%', kHex[high], kHex[low]});
		i += 2;
	}
	return nullptr;
}

const char *
read_path(std::string_view text, std::string &path)
{
	std::string spelled;
	if (const char *reason = respell_path(text, spelled))
		return reason;
	// Dot segments (RFC 3986, 5.2.4) are removed before empty ones: ".." may remove an empty
	// segment.
	std::vector<std::string_view> segments;
	for (std::string_view rest = spelled; !rest.empty();) {
		rest.remove_prefix(1);
		const std::string_view segment = rest.substr(0, rest.find('/'));
		rest.remove_prefix(segment.size());
		if (begins_with_scheme(segment, ":"))
			return "embedded_scheme";
		if (segment == "..") {
			if (!segments.empty())
				segments.pop_back();
		} else if (segment != ".") {
			segments.push_back(segment);
		}
	}
	for (const std::string_view segment : segments)
		if (!segment.empty())
			path.append("/").append(segment);
	// Escaped, because normalising the result again would trim these characters at its end.
	if (path.ends_with(','))
		path.replace(path.size() - 1, 1, "%2C");
	else if (path.ends_with(';'))
		path.replace(path.size() - 1, 1, "%3B");
	else if (path.ends_with('\''))
		path.replace(path.size() - 1, 1, "%27");
	return path.size() > kMaxPath ? "path_too_long" : nullptr;
}

const char *
normalise(std::string_view text, UrlMode mode, RelayUrl &result)
{
	if (text.size() > kMaxInput)
		return "too_long";
	text = trim(text);
	if (text.empty())
		return "empty";
	if (text.find('\\') != text.npos)
		return "backslash";
	if (has_inner_blank(text))
		return "inner_whitespace";
	if (text.find("://") != text.rfind("://"))
		return "embedded_scheme";
	bool tls = false;
	if (const char *reason = take_scheme(text, mode, tls))
		return reason;

	text = text.substr(0, text.find_first_of("?#"));
	const size_t slash = std::min(text.find('/'), text.size());
	Host host;
	int port = default_port(tls);
	if (const char *reason = read_authority(text.substr(0, slash), host, port))
		return reason;
	std::string path;
	if (const char *reason = read_path(text.substr(slash), path))
		return reason;

	result.url = (tls ? "wss://" : "ws://") + host.text;
	if (port != default_port(tls))
		result.url += ":" + std::to_string(port);
	result.url += path;
	result.network = host.network;
	return nullptr;
}

} // namespace

const char *
network_name(Network network)
{
	static constexpr const char *names[] = {"clearnet", "tor", "i2p", "loki", "local"};
	return names[static_cast<size_t>(network)];
}

RelayUrl
normalise_relay_url(std::string_view text, UrlMode mode)
{
	RelayUrl result;
	result.reason = normalise(text, mode, result);
	return result;
}

RelayEndpoint
relay_endpoint(std::string_view url)
{
	RelayEndpoint endpoint;
	endpoint.tls = url.starts_with("wss:");
	url.remove_prefix(url.find("://") + 3);
	const size_t slash = std::min(url.find('/'), url.size());
	endpoint.path = slash < url.size() ? url.substr(slash) : "/";
	std::string_view authority = url.substr(0, slash);

	int port = default_port(endpoint.tls);
	const size_t colon = authority.rfind(':');
	// The colons of an IPv6 address are inside the brackets.
	if (colon != authority.npos && authority.find(']', colon) == authority.npos) {
		read_port(authority.substr(colon + 1), port);
		authority = authority.substr(0, colon);
	}
	if (authority.starts_with('['))
		authority = authority.substr(1, authority.size() - 2);
	endpoint.host = authority;
	endpoint.port = static_cast<uint16_t>(port);
	return endpoint;
}

} // namespace nostr
