/* Names of relays in the text of an event; see relay_mentions.h. */
#include <algorithm>

#include "ascii.h"
#include "nip19.h"
#include "relay_mentions.h"

namespace nostr {

namespace {

constexpr size_t kMostNip19 = 200; // of one text, because each costs a checksum
constexpr size_t kLongestUri = 4096;
constexpr size_t kLongestScheme = 20;

bool
is_scheme_character(char c)
{
	return is_letter(c) || is_digit(c) || c == '+' || c == '-' || c == '.';
}

/* Whether the first character of `text` ends a URI: white space, a quote, a bracket, CJK
 * punctuation. */
bool
ends_uri(std::string_view text)
{
	auto byte = [&](size_t i) {
		return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
	};
	unsigned first = byte(0);
	if (first < 0x80)
		return first <= ' ' || first == 0x7f ||
			   std::string_view("\"'`<>)]}\\").find(text[0]) != std::string_view::npos;
	if (first < 0xe0) { // U+0080 .. U+00A0, guillemets
		unsigned c = (first & 0x1f) << 6 | (byte(1) & 0x3f);
		return c <= 0xa0 || c == 0xab || c == 0xbb;
	}
	unsigned c = (first & 0x0f) << 12 | (byte(1) & 0x3f) << 6 | (byte(2) & 0x3f);
	return first < 0xf0 && ((c >= 0x2000 && c <= 0x200f) || (c >= 0x2018 && c <= 0x201f) ||
							(c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x2069) ||
							(c >= 0x3000 && c <= 0x303f) || c == 0xfeff ||
							(c >= 0xff01 && c <= 0xff0f) || (c >= 0xff1a && c <= 0xff20) ||
							(c >= 0xff3b && c <= 0xff40) || (c >= 0xff5b && c <= 0xff65));
}

/* The URI at the beginning of `text`. Its scheme ends at `mark`. */
std::string_view
uri_at(std::string_view text, size_t mark)
{
	size_t end = mark + 3;
	if (end < text.size() && text[end] == '[')
		end = std::min(text.find(']', end), text.size() - 1) + 1; // IPv6
	while (end < text.size() && end < kLongestUri && !ends_uri(text.substr(end)))
		end++;
	std::string_view uri = text.substr(0, end);
	size_t last = uri.find_last_not_of(".,;:!?");
	return uri.substr(0, last == uri.npos ? 0 : last + 1);
}

std::string
percent_decoded(std::string_view text)
{
	std::string out;
	for (size_t i = 0; i < text.size(); i++) {
		int high = text[i] == '%' && i + 2 < text.size() ? hex_value(text[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text[i + 2]) : -1;
		if (low < 0) {
			out += text[i];
			continue;
		}
		out += static_cast<char>(high << 4 | low);
		i += 2;
	}
	return out;
}

/* Adds the parameters that name relays. Other parameters may be secrets. */
void
add_parameters(std::string_view uri, MentionSink &sink)
{
	constexpr std::string_view key = "relay=";
	size_t start = uri.find('?');
	while (start != uri.npos) {
		size_t end = uri.find('&', ++start);
		std::string_view parameter = uri.substr(start, end == uri.npos ? end : end - start);
		if (parameter.starts_with(key))
			sink.add(MentionPlace::Connection, percent_decoded(parameter.substr(key.size())),
					 UrlMode::Strict);
		start = end;
	}
}

/* Adds the relay of nostr://<author>/<relay>/<repository> (NIP-34). */
void
add_repository(std::string_view path, MentionSink &sink)
{
	size_t first = path.find('/');
	size_t second = first == path.npos ? first : path.find('/', first + 1);
	if (second != path.npos)
		sink.add(MentionPlace::Connection,
				 percent_decoded(path.substr(first + 1, second - first - 1)), UrlMode::Lenient);
}

/* Adds the URI whose "://" is at `mark`. Returns the position from which to search on. */
size_t
add_uri(std::string_view text, size_t mark, MentionSink &sink)
{
	constexpr size_t kMark = 3; // bytes of "://"
	size_t start = mark;
	while (start > 0 && mark - start < kLongestScheme && is_scheme_character(text[start - 1]))
		start--;
	while (start < mark && !is_letter(text[start]))
		start++;
	std::string scheme(text.substr(start, mark - start));
	ascii_lower(scheme);
	bool is_relay = scheme == "ws" || scheme == "wss";
	bool is_connection =
		scheme == "bunker" || scheme == "nostrconnect" || scheme == "nostr+walletconnect";
	if (!is_relay && !is_connection && scheme != "nostr")
		return mark + kMark;
	std::string_view uri = uri_at(text.substr(start), mark - start);
	if (uri.size() > scheme.size() + kMark) {
		if (is_relay)
			sink.add(MentionPlace::Text, uri, UrlMode::Strict);
		else if (is_connection)
			add_parameters(uri, sink);
		else
			add_repository(uri.substr(scheme.size() + kMark), sink);
	}
	return std::max(mark + kMark, start + uri.size());
}

/* The start of the NIP-19 text whose prefix ends before `mark`; npos if there is none. */
size_t
nip19_start(std::string_view text, size_t mark)
{
	size_t start = mark;
	while (start > 0 && mark - start <= 8 && is_letter(text[start - 1]))
		start--;
	if (mark - start < 5 || mark - start > 8 || (start > 0 && is_digit(text[start - 1])))
		return text.npos;
	char prefix[8];
	std::transform(text.begin() + static_cast<ptrdiff_t>(start),
				   text.begin() + static_cast<ptrdiff_t>(mark), prefix, to_lower);
	std::optional<Nip19Type> type = nip19_type({prefix, mark - start});
	bool has_relays = type == Nip19Type::Nprofile || type == Nip19Type::Nevent ||
					  type == Nip19Type::Naddr || type == Nip19Type::Nrelay;
	return has_relays ? start : text.npos;
}

void
add_nip19(std::string_view text, MentionSink &sink)
{
	size_t decoded = 0;
	for (size_t mark = 0; (mark = text.find('1', mark)) != text.npos; mark++) {
		size_t start = nip19_start(text, mark);
		if (start == text.npos)
			continue;
		if (decoded++ == kMostNip19)
			return;
		size_t end = mark + 1;
		while (end < text.size() && (is_letter(text[end]) || is_digit(text[end])))
			end++;
		Nip19 entity;
		if (decode_nip19(text.substr(start, end - start), entity) == nullptr)
			for (const std::string &relay : entity.relays)
				sink.add(MentionPlace::Nip19, relay,
						 entity.type == Nip19Type::Nrelay ? UrlMode::Lenient : UrlMode::Strict);
		mark = end - 1;
	}
}

} // namespace

void
find_relays_in_text(std::string_view text, MentionSink &sink)
{
	for (size_t mark = 0; (mark = text.find("://", mark)) != text.npos;)
		mark = add_uri(text, mark, sink);
	add_nip19(text, sink);
}

} // namespace nostr
