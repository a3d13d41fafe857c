/*
 * Filters (NIP-01) and the events that they match.
 *
 * The code does no I/O. The parser is strict: an unknown member is refused with a reason, because
 * the filter without it would match more events. An empty list is allowed and matches nothing.
 */
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "event.h"
#include "packed_tags.h"
#include "tag_keys.h"

namespace nostr {

/* Whether the sorted list contains the value. */
template <class List, class Value>
bool
holds(const List &sorted, const Value &value)
{
	return std::binary_search(std::begin(sorted), std::end(sorted), value);
}

/* A member such as "#e": […]: matches if a tag with this name has its first value in the list. */
struct TagCondition
{
	char name;                       // a-z, A-Z
	std::vector<std::string> values; // sorted, unique; UTF-8, may hold U+0000
};

struct Filter
{
	static constexpr size_t kBytes = 4 << 20; // size limit of the JSON text
	static constexpr size_t kValues = 100000; // limit of the values in all lists together
	static constexpr size_t kSearchBytes = 10000;

	/* Lists are sorted and unique. */
	std::optional<std::vector<Id>> ids;
	std::optional<std::vector<PublicKey>> authors;
	std::optional<std::vector<int32_t>> kinds;
	std::vector<TagCondition> tags;
	std::optional<int64_t> since, until; // inclusive, Unix seconds
	std::optional<int64_t> limit;        // not a condition: the newest matching events
	std::optional<std::string> search;   // NIP-50; only words, extensions are dropped

	/* Whether a list is empty, or the times exclude each other. */
	bool matches_nothing() const;
};

/* How ids and keys may be written in a filter. */
enum class KeyText : uint8_t
{
	Hex,        // NIP-01: 64 lower-case hex digits
	HexOrNip19, // also note and nevent for ids, npub and nprofile for keys
};

/*
 * Fills `filter` and returns "", or returns the reason of the refusal in the form that a relay
 * sends in CLOSED: "invalid: …", "unsupported: …".
 */
std::string parse_filter(std::string_view json, Filter &filter, KeyText keys = KeyText::Hex);

/* The filter without its limit as one line of JSON, which parse_filter() accepts. */
std::string condition_json(const Filter &filter);

/* A tag with a name of one letter, and its first value. */
struct IndexedTag
{
	char name;
	std::string_view value;
};

/* The fields of an event that filters use. */
struct Indexed
{
	const Id &id;
	const PublicKey &pubkey;
	int64_t created_at;
	int32_t kind;
	std::span<const IndexedTag> tags;
};

/* Owns these fields, for many comparisons with one event. */
class IndexedEvent
{
  public:
	explicit IndexedEvent(const Event &event);
	IndexedEvent(const IndexedEvent &) = delete;

	Indexed fields() const;

  private:
	const Event &event_;
	std::vector<std::string> texts_; // values of tags
	std::vector<IndexedTag> tags_;
};

/* Checks all conditions but `search`. */
bool matches(const Filter &filter, const Indexed &event);
bool matches(const Filter &filter, const Event &event);

/* True if `name` is one letter, so that tags of this name are indexed. */
bool is_indexed_name(std::string_view name);

/* Whether a value stands for 64 hex digits, so that its keys have periods of 13 weeks. */
bool has_coarse_periods(const TagCondition &tag);

} // namespace nostr
