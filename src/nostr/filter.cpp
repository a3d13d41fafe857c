#include "filter.h"

#include <simdjson.h>

#include <algorithm>

#include "ascii.h"
#include "json.h"
#include "nip19.h"

namespace nostr {

namespace {

constexpr int kDepth = 4; // for skipping values that are refused in any case

template <class T>
void
sort_unique(std::vector<T> &values)
{
	std::sort(values.begin(), values.end());
	values.erase(std::unique(values.begin(), values.end()), values.end());
}

/* Removes the extensions of NIP-50, such as include:spam: none is supported. */
std::string
without_extensions(std::string_view text)
{
	constexpr std::string_view known[] = {
		"include:", "domain:", "language:", "sentiment:", "nsfw:"};
	std::string out;
	for (size_t start = 0; start < text.size();) {
		size_t end = std::min(text.find(' ', start), text.size());
		std::string_view word = text.substr(start, end - start);
		start = end + 1;
		if (word.empty() || std::any_of(std::begin(known), std::end(known),
										[&](auto prefix) { return word.starts_with(prefix); }))
			continue;
		if (!out.empty())
			out += ' ';
		out += word;
	}
	return out;
}

/* Parses one filter. Its functions return the fault as a text; "" means success. */
class FilterReader
{
  public:
	FilterReader(std::string_view json, Filter &filter, KeyText keys)
		: cursor_(json), filter_(filter), keys_(keys)
	{
	}

	std::string read()
	{
		if (!cursor_.take('{'))
			return cursor_.skip(kDepth) == Reject::None && cursor_.at_end()
					   ? "invalid: filter is not an object"
					   : kNoJson;
		if (!cursor_.take('}')) {
			do {
				if (std::string fault = member(); !fault.empty())
					return fault;
			} while (cursor_.take(','));
			if (!cursor_.take('}'))
				return kNoJson;
		}
		return cursor_.at_end() ? "" : kNoJson;
	}

  private:
	static constexpr const char *kNoJson = "invalid: filter is not JSON";

	std::string member()
	{
		json::String raw;
		if (cursor_.string(raw) != Reject::None || !cursor_.take(':'))
			return kNoJson;
		std::string key;
		json::append_unescaped(raw, key, 64);
		if (std::find(seen_.begin(), seen_.end(), key) != seen_.end())
			return "invalid: " + printable(key) + " appears twice";
		seen_.push_back(key);

		if (key == "ids")
			return key_list(key, kIds, filter_.ids.emplace());
		if (key == "authors")
			return key_list(key, kPublicKeys, filter_.authors.emplace());
		if (key == "kinds")
			return kinds();
		if (key.size() == 2 && key[0] == '#' && is_letter(key[1]))
			return tag(key);
		if (key == "since")
			return integer(key, filter_.since);
		if (key == "until")
			return integer(key, filter_.until);
		if (key == "limit")
			return integer(key, filter_.limit);
		if (key == "search")
			return search();
		return "unsupported: unknown element " + printable(key);
	}

	/* Calls element() for each element, with the cursor at its first character. */
	template <class F> std::string list(const std::string &key, F element)
	{
		if (!cursor_.take('['))
			return "invalid: " + key + " is not an array";
		if (cursor_.take(']'))
			return {};
		do {
			if (++values_ > Filter::kValues)
				return "invalid: filter has more than " + std::to_string(Filter::kValues) +
					   " values";
			cursor_.space();
			if (std::string fault = element(); !fault.empty())
				return fault;
		} while (cursor_.take(','));
		return cursor_.take(']') ? "" : kNoJson;
	}

	/* Ids, or public keys. */
	struct Keys
	{
		const char *(*read)(std::string_view text, std::array<uint8_t, 32> &out);
		const char *names;
	};
	static constexpr Keys kIds = {read_event_id, ", note or nevent"};
	static constexpr Keys kPublicKeys = {read_public_key, ", npub or nprofile"};

	std::string key_value(const std::string &key, Keys wanted, std::string_view text,
						  std::array<uint8_t, 32> &out)
	{
		std::string expected = "invalid: " + key + ": exact 64 lower-case hex digits";
		if (keys_ == KeyText::Hex)
			return from_hex(text, out.data(), out.size()) ? "" : expected + " required";
		const char *reason = wanted.read(text, out);
		return reason == nullptr ? "" : expected + wanted.names + " required (" + reason + ")";
	}

	template <class Key>
	std::string key_list(const std::string &key, Keys wanted, std::vector<Key> &out)
	{
		std::string fault = list(key, [&] {
			std::string text;
			text_value(text); // a value that is not a string leaves the text empty
			return key_value(key, wanted, text, out.emplace_back());
		});
		sort_unique(out);
		return fault;
	}

	std::string kinds()
	{
		auto &out = filter_.kinds.emplace();
		std::string fault = list("kinds", [&]() -> std::string {
			uint64_t kind;
			if (!cursor_.integer(65535, kind))
				return "invalid: kind is not an integer in 0 .. 65535";
			out.push_back(static_cast<int32_t>(kind));
			return {};
		});
		sort_unique(out);
		return fault;
	}

	std::string tag(const std::string &key)
	{
		TagCondition &condition = filter_.tags.emplace_back(TagCondition{key[1], {}});
		const Keys *wanted = key[1] == 'e' ? &kIds : key[1] == 'p' ? &kPublicKeys : nullptr;
		std::string list_fault = list(key, [&]() -> std::string {
			std::string text;
			if (!text_value(text))
				return "invalid: value of " + key + " is not a string";
			if (wanted != nullptr) {
				Id bytes;
				if (std::string wrong = key_value(key, *wanted, text, bytes); !wrong.empty())
					return wrong;
				text = to_hex(bytes.data(), bytes.size());
			}
			condition.values.push_back(std::move(text));
			return {};
		});
		sort_unique(condition.values);
		return list_fault;
	}

	std::string integer(const std::string &key, std::optional<int64_t> &out)
	{
		uint64_t value;
		cursor_.space();
		if (!cursor_.integer(INT64_MAX, value))
			return "invalid: " + key + " is not an integer in 0 .. 2^63-1";
		out = static_cast<int64_t>(value);
		return {};
	}

	std::string search()
	{
		std::string text;
		if (cursor_.peek() != '"' || !text_value(text))
			return "invalid: search is not a string";
		if (text.size() > Filter::kSearchBytes)
			return "invalid: search is too long";
		if (std::string words = without_extensions(text); !words.empty())
			filter_.search = words;
		return {};
	}

	bool text_value(std::string &out)
	{
		json::String raw;
		if (cursor_.string(raw) != Reject::None)
			return false;
		json::append_unescaped(raw, out);
		return true;
	}

	json::Cursor cursor_;
	Filter &filter_;
	KeyText keys_;
	std::vector<std::string> seen_; // an unknown key ends the parsing, so this is bounded
	size_t values_ = 0;
};

} // namespace

bool
Filter::matches_nothing() const
{
	auto empty = [](const auto &list) { return list && list->empty(); };
	return empty(ids) || empty(authors) || empty(kinds) ||
		   std::any_of(tags.begin(), tags.end(), [](auto &t) { return t.values.empty(); }) ||
		   (since && until && *since > *until);
}

std::string
parse_filter(std::string_view json, Filter &filter, KeyText keys)
{
	filter = {};
	if (json.size() > Filter::kBytes)
		return "invalid: filter is longer than " + std::to_string(Filter::kBytes) + " bytes";
	if (!simdjson::validate_utf8(json.data(), json.size()))
		return "invalid: filter is not UTF-8";
	return FilterReader(json, filter, keys).read();
}

std::string
condition_json(const Filter &filter)
{
	std::string out = "{";
	auto key = [&](std::string_view name) {
		out += out.size() > 1 ? ",\"" : "\"";
		out.append(name).append("\":");
	};
	auto list = [&](std::string_view name, const auto &values, auto append) {
		key(name);
		out += '[';
		for (size_t i = 0; i < values.size(); i++) {
			if (i > 0)
				out += ',';
			append(values[i]);
		}
		out += ']';
	};
	auto hex = [&](const auto &bytes) { out += '"' + to_hex(view(bytes)) + '"'; };
	if (filter.ids)
		list("ids", *filter.ids, hex);
	if (filter.authors)
		list("authors", *filter.authors, hex);
	if (filter.kinds)
		list("kinds", *filter.kinds, [&](int32_t kind) { out += std::to_string(kind); });
	for (const TagCondition &tag : filter.tags)
		list(std::string("#") + tag.name, tag.values,
			 [&](const std::string &value) { append_json_string(value, out); });
	auto integer = [&](std::string_view name, const std::optional<int64_t> &value) {
		if (value) {
			key(name);
			out += std::to_string(*value);
		}
	};
	integer("since", filter.since);
	integer("until", filter.until);
	if (filter.search) {
		key("search");
		append_json_string(*filter.search, out);
	}
	return out + '}';
}

bool
matches(const Filter &filter, const Indexed &event)
{
	if ((filter.ids && !holds(*filter.ids, event.id)) ||
		(filter.authors && !holds(*filter.authors, event.pubkey)) ||
		(filter.kinds && !holds(*filter.kinds, event.kind)) ||
		(filter.since && event.created_at < *filter.since) ||
		(filter.until && event.created_at > *filter.until))
		return false;
	return std::all_of(filter.tags.begin(), filter.tags.end(), [&](const TagCondition &condition) {
		return std::any_of(event.tags.begin(), event.tags.end(), [&](const IndexedTag &tag) {
			return tag.name == condition.name && holds(condition.values, tag.value);
		});
	});
}

/* The tags must be canonical JSON. */
IndexedEvent::IndexedEvent(const Event &event) : event_(event)
{
	std::string names;
	json::Cursor cursor(event.tags);
	cursor.take('[');
	while (cursor.take('[')) {
		json::String name, value, other;
		cursor.string(name);
		const bool valued = cursor.take(',') && cursor.string(value) == Reject::None;
		while (cursor.take(','))
			cursor.string(other);
		cursor.take(']');
		cursor.take(',');
		if (valued && is_indexed_name(name.raw)) {
			names += name.raw;
			json::append_unescaped(value, texts_.emplace_back());
		}
	}
	for (size_t i = 0; i < texts_.size(); i++)
		tags_.push_back({names[i], texts_[i]});
}

Indexed
IndexedEvent::fields() const
{
	return {event_.id, event_.pubkey, event_.created_at, event_.kind, tags_};
}

bool
matches(const Filter &filter, const Event &event)
{
	return matches(filter, IndexedEvent(event).fields());
}

bool
is_indexed_name(std::string_view name)
{
	return name.size() == 1 && is_letter(name[0]);
}

bool
has_coarse_periods(const TagCondition &tag)
{
	return std::any_of(tag.values.begin(), tag.values.end(), [](const std::string &value) {
		HexBytes buffer;
		return pack_item(value, buffer).hex;
	});
}

} // namespace nostr
