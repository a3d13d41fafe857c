#include "relay_mentions.h"

#include <algorithm>
#include <functional>
#include <utility>

#include "json.h"
#include "packed_tags.h"
#include "relay_tags.h"

namespace nostr {

namespace {

constexpr int kDeepest = 2; // largest depth of events within events

constexpr const char *kPlaceNames[kMentionPlaces] = {
	"relay_list", "list",     "contacts", "monitor",    "event", "recommended",
	"hint",       "embedded", "nip19",    "connection", "text",  "blocked",
};

bool
is_json(std::string_view text)
{
	json::Cursor cursor(text);
	return cursor.skip(Limits().depth) == Reject::None && cursor.at_end();
}

/* Calls visit(key, cursor at the value) for each member. visit must move the cursor past the value.
 * `text` must be JSON. */
template <class F>
void
each_member(std::string_view text, F visit)
{
	json::Cursor cursor(text);
	if (!cursor.take('{') || cursor.take('}'))
		return;
	do {
		json::String key;
		cursor.space();
		if (cursor.string(key) != Reject::None || !cursor.take(':'))
			return;
		cursor.space();
		visit(key, cursor);
	} while (cursor.take(','));
}

/* The beginning of the name, at most kLongestName bytes, cut at the boundary of a character. */
std::string_view
begin_of(std::string_view name)
{
	size_t size = std::min(name.size(), RelayMentions::kLongestName);
	while (size < name.size() && (static_cast<unsigned char>(name[size]) & 0xc0) == 0x80)
		size--;
	return name.substr(0, size);
}

std::string
unescaped(const json::String &string)
{
	std::string out;
	json::append_unescaped(string, out);
	return out;
}

} // namespace

const char *
mention_place_name(MentionPlace place)
{
	return kPlaceNames[static_cast<size_t>(place)];
}

std::span<const RelayMention>
RelayMentions::of(int32_t kind, std::string_view tags, std::string_view content)
{
	count_ = names_ = 0;
	event_++;
	embedded_ = false;
	add_tags(kind, tags, 0);
	add_content(kind, content, 0);
	return {mentions_.data(), count_};
}

void
RelayMentions::add(MentionPlace place, std::string_view name, UrlMode mode)
{
	if (name.empty() || count_ == kMostMentions || is_repeated(place, name, mode) ||
		names_++ >= kMostNames)
		return;
	RelayUrl relay = normalise_relay_url(name, mode);
	if (!relay.ok()) {
		std::string_view reason = relay.reason;
		if (reason == "empty")
			return;
		if (place != MentionPlace::Text &&
			(reason == "inner_whitespace" || reason == "embedded_scheme") && add_parts(place, name))
			return;
	}
	keep(place, std::move(relay), name);
}

/* Whether the name occurred lately. This check is cheaper than normalising the same hint a thousand
 * times. */
bool
RelayMentions::is_repeated(MentionPlace place, std::string_view name, UrlMode mode)
{
	uint64_t where =
		(event_ * kMentionPlaces + static_cast<uint64_t>(place)) * 2 + static_cast<uint64_t>(mode);
	uint64_t hash = std::hash<std::string_view>()(name) + where;
	return std::exchange(recent_[hash % recent_.size()], hash) == hash;
}

/* Adds several URLs in one value. False if no part is a URL. */
bool
RelayMentions::add_parts(MentionPlace place, std::string_view name)
{
	constexpr std::string_view separators = " \t\n\v\f\r,";
	bool found = false;
	for (size_t end = 0; end < name.size();) {
		size_t start = name.find_first_not_of(separators, end);
		if (start == name.npos || names_++ >= kMostNames)
			break;
		end = std::min(name.find_first_of(separators, start), name.size());
		std::string_view part = name.substr(start, end - start);
		RelayUrl relay = normalise_relay_url(part);
		if (!relay.ok())
			continue;
		found = true;
		keep(place, std::move(relay), part);
	}
	return found;
}

void
RelayMentions::keep(MentionPlace place, RelayUrl &&relay, std::string_view name)
{
	name = begin_of(name);
	for (size_t i = 0; i < count_; i++) {
		const RelayMention &other = mentions_[i];
		if (other.place == place && other.relay.ok() == relay.ok() &&
			(relay.ok() ? other.relay.url == relay.url : other.name == name))
			return;
	}
	if (count_ == kMostMentions)
		return;
	if (count_ == mentions_.size())
		mentions_.emplace_back();
	RelayMention &mention = mentions_[count_++];
	mention.place = place;
	mention.name = relay.ok() ? std::string_view() : name;
	mention.relay = std::move(relay);
}

void
RelayMentions::add_tags(int32_t kind, std::string_view tags, int depth)
{
	TagReader reader(tags);
	while (reader.next_tag() && count_ < kMostMentions)
		add_tag(kind, reader, depth);
}

void
RelayMentions::add_tag(int32_t kind, TagReader &reader, int depth)
{
	PackedItem tag, item;
	if (!reader.next_item(tag))
		return;
	std::string_view name = tag.hex ? std::string_view() : tag.bytes;
	bool all_relays = false; // the following items are all relays
	for (size_t index = 1; reader.next_item(item); index++) {
		if (item.hex)
			continue;
		bool request = (kind == 9735 && name == "description") ||
					   (kind >= 6000 && kind <= 6999 && name == "request");
		if (request && index == 1)
			add_embedded(item.bytes, depth);
		if (is_opaque_tag(name))
			return;
		if (all_relays)
			add(embedded_ ? MentionPlace::Embedded : MentionPlace::Event, item.bytes,
				UrlMode::Lenient);
		else
			add_item(kind, name, index, item.bytes);
		all_relays = all_relays || (index == 1 && name == "param" && is_job_request(kind) &&
									(item.bytes == "relay" || item.bytes == "relays"));
	}
}

void
RelayMentions::add_item(int32_t kind, std::string_view tag, size_t index, std::string_view item)
{
	constexpr std::string_view https = "https://";
	MentionPlace place = MentionPlace::Hint;
	UrlMode mode = UrlMode::Strict;
	if (is_relay_item(kind, tag, index, place)) {
		mode = UrlMode::Lenient;
	} else if (kind == 30617 && tag == "clone" && item.starts_with(https) &&
			   item.find("/npub1") != item.npos && item.ends_with(".git")) {
		/* A grasp server (NIP-34) is a relay too. */
		place = embedded_ ? MentionPlace::Embedded : MentionPlace::Event;
		std::string_view host = item.substr(https.size());
		return add(place, std::string("wss://").append(host.substr(0, host.find('/'))), mode);
	} else if (!begins_like_relay(item)) {
		return;
	} else {
		place = MentionPlace::Hint;
	}
	add(embedded_ ? MentionPlace::Embedded : place, item, mode);
}

void
RelayMentions::add_content(int32_t kind, std::string_view content, int depth)
{
	if (content.empty() || has_encrypted_content(kind))
		return;
	switch (kind) {
	case 2:
		return add(MentionPlace::Recommended, content, UrlMode::Lenient);
	case 3:
		if (add_contacts(content))
			return;
		break;
	case 40:
	case 41:
		if (add_channel(content))
			return;
		break;
	case 6:
	case 16:
		if (add_embedded(content, depth))
			return;
		break;
	default:
		break;
	}
	find_relays_in_text(content, *this);
}

bool
RelayMentions::add_contacts(std::string_view json)
{
	if (!is_json(json))
		return false;
	each_member(json, [&](const json::String &key, json::Cursor &value) {
		value.skip(Limits().depth);
		add(MentionPlace::Contacts, key.escaped ? unescaped(key) : key.raw, UrlMode::Lenient);
	});
	return true;
}

bool
RelayMentions::add_channel(std::string_view json)
{
	if (!is_json(json))
		return false;
	each_member(json, [&](const json::String &key, json::Cursor &value) {
		if (!json::equals(key, "relays") || value.peek() != '[') {
			value.skip(Limits().depth);
			return;
		}
		value.take('[');
		if (value.take(']'))
			return;
		do {
			json::String relay;
			if (value.peek() != '"')
				value.skip(Limits().depth);
			else if (value.string(relay) == Reject::None)
				add(MentionPlace::Event, relay.escaped ? unescaped(relay) : relay.raw,
					UrlMode::Lenient);
		} while (value.take(','));
		value.take(']');
	});
	return true;
}

/* Adds relays in the tags and content of an event as JSON, whose signature was not checked. False
 * if the text is not an object. */
bool
RelayMentions::add_embedded(std::string_view json, int depth)
{
	if (depth >= kDeepest || !is_json(json))
		return false;
	uint64_t kind = 0;
	std::string_view tags;
	json::String content;
	bool is_object = false;
	each_member(json, [&](const json::String &key, json::Cursor &value) {
		is_object = true;
		json::Cursor start = value;
		if (json::equals(key, "kind") && start.integer(65535, kind))
			;
		else if (json::equals(key, "content") && value.peek() == '"')
			start.string(content);
		const char *begin = value.position();
		value.skip(Limits().depth);
		if (json::equals(key, "tags"))
			tags = {begin, static_cast<size_t>(value.position() - begin)};
	});
	if (!is_object)
		return false;
	std::string packed(packed_size_bound(tags.size()), '\0');
	size_t size = 0;
	if (pack_tags(tags, packed.data(), size) == TagsFault::None) {
		bool outer = embedded_;
		embedded_ = true;
		add_tags(static_cast<int32_t>(kind), {packed.data(), size}, depth + 1);
		embedded_ = outer;
	}
	add_content(static_cast<int32_t>(kind), unescaped(content), depth + 1);
	return true;
}

} // namespace nostr
