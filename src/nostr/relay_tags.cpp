#include "relay_tags.h"

#include <algorithm>

#include "ascii.h"

namespace nostr {

namespace {

constexpr size_t kLongestHint = 2048; // bytes: longer items are not URLs

bool
is_one_of(int32_t kind, std::initializer_list<int32_t> kinds)
{
	return std::find(kinds.begin(), kinds.end(), kind) != kinds.end();
}

bool
is_monitor(int32_t kind)
{
	return is_one_of(kind, {30166, 1066, 30066, 10066});
}

/* Whether this kind uses `relay` and `relays` tags only for relays. */
bool
has_relay_tags(int32_t kind, MentionPlace &place)
{
	place = kind == 10006 ? MentionPlace::Blocked : MentionPlace::List;
	if ((kind >= 10000 && kind <= 19999) || kind == 30002)
		return true;
	place = MentionPlace::Event;
	return is_job_request(kind) ||
		   is_one_of(kind, {443, 1068, 9041, 9734, 30311, 30312, 30313, 30617, 31990, 34550});
}

/* Whether a tag of kind 10040 has the form "30382:rank" (NIP-85). */
bool
is_assertion(std::string_view tag)
{
	size_t digits = tag.find_first_not_of("0123456789");
	return digits != 0 && digits != tag.npos && tag[digits] == ':';
}

} // namespace

bool
is_job_request(int32_t kind)
{
	return kind >= 5000 && kind <= 5999;
}

bool
has_encrypted_content(int32_t kind)
{
	return is_one_of(kind, {4, 13, 443, 444, 445, 1059, 1234, 7375, 7376, 17375, 21059, 23194,
							23195, 24133, 31234});
}

bool
is_opaque_tag(std::string_view tag)
{
	for (std::string_view name : {"imeta", "description", "request", "bolt11", "content", "proxy"})
		if (tag == name)
			return true;
	return false;
}

bool
is_relay_item(int32_t kind, std::string_view tag, size_t index, MentionPlace &place)
{
	if (tag == "relay" || tag == "relays")
		return (index == 1 || tag == "relays") && has_relay_tags(kind, place);
	place = MentionPlace::List;
	if (kind == 10009 && tag == "group")
		return index == 2;
	if (kind == 10317 && tag == "g")
		return index == 1;
	place = MentionPlace::Monitor;
	if (is_monitor(kind) && (tag == "d" || tag == "r"))
		return index == 1;
	if (tag == "r" && index == 1) {
		place = kind == 10002   ? MentionPlace::RelayList
				: kind == 37516 ? MentionPlace::Event
								: MentionPlace::List;
		return is_one_of(kind, {10002, 10009, 30002, 37516});
	}
	place = MentionPlace::Event;
	if (tag == "i" && index == 3)
		return is_job_request(kind);
	return kind == 10040 && index == 2 && is_assertion(tag);
}

bool
begins_like_relay(std::string_view text)
{
	if (text.size() > kLongestHint)
		return false;
	auto is_wrapping = [](char c) {
		constexpr std::string_view characters = "\"'`<>,;";
		auto byte = static_cast<unsigned char>(c);
		return byte <= ' ' || byte >= 0x7f || characters.find(c) != characters.npos;
	};
	size_t start = 0;
	while (start < text.size() && is_wrapping(text[start]))
		start++;
	text.remove_prefix(start);
	if (text.size() < 5 || to_lower(text[0]) != 'w' || to_lower(text[1]) != 's')
		return false;
	return text.substr(to_lower(text[2]) == 's' ? 3 : 2).starts_with("://");
}

} // namespace nostr
