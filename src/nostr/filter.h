/*
 * Filters (NIP-01) and what they match.
 *
 * Sans I/O. The parser is strict: an unknown member is refused with a reason, because a filter
 * without it would match more events. An empty list is legal and matches nothing.
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

namespace nostr {

/* Does the sorted list hold the value? */
template <class List, class Value>
bool
holds(const List &sorted, const Value &value)
{
	return std::binary_search(std::begin(sorted), std::end(sorted), value);
}

/* "#e": […] and the like: some tag of that name has its first value in the list. */
struct TagCondition
{
	char name;                       // a-z, A-Z
	std::vector<std::string> values; // sorted, unique; UTF-8, may hold U+0000
};

struct Filter
{
	static constexpr size_t kBytes = 4 << 20; // of JSON text
	static constexpr size_t kValues = 100000; // in all lists together
	static constexpr size_t kSearchBytes = 10000;

	/* Lists are sorted and unique. */
	std::optional<std::vector<Id>> ids;
	std::optional<std::vector<PublicKey>> authors;
	std::optional<std::vector<int32_t>> kinds;
	std::vector<TagCondition> tags;
	std::optional<int64_t> since, until; // inclusive, Unix seconds
	std::optional<int64_t> limit;        // not a condition: the newest of the matching events
	std::optional<std::string> search;   // NIP-50; words only, extensions are dropped

	/* An empty list, or times that exclude each other. */
	bool matches_nothing() const;
};

/* How ids and keys are written in a filter. */
enum class KeyText : uint8_t
{
	Hex,        // NIP-01: 64 lower-case hex digits
	HexOrNip19, // as people write them: also note and nevent for ids, npub and nprofile for keys
};

/*
 * Fills `filter` and returns "", or returns why it is refused, as a relay would say it in CLOSED:
 * "invalid: …", "unsupported: …".
 */
std::string parse_filter(std::string_view json, Filter &filter, KeyText keys = KeyText::Hex);

/* The filter as one line of JSON that parse_filter() reads, without its limit. */
std::string condition_json(const Filter &filter);

/* A tag with a name of one letter, and its first value. */
struct IndexedTag
{
	char name;
	std::string_view value;
};

/* The fields of an event that filters look at. */
struct Indexed
{
	const Id &id;
	const PublicKey &pubkey;
	int64_t created_at;
	int32_t kind;
	std::span<const IndexedTag> tags;
};

/* These fields of an event that outlives it, for many comparisons. */
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

/*
 * The key of a tag in an index: a 64-bit hash of the letter and the packed value. Keys may collide:
 * after a look-up the caller must compare the values. On disk: must never change.
 */
int64_t tag_key(char name, const PackedItem &value);
int64_t tag_key(char name, std::string_view value);

/*
 * The same with the time of the event in its lowest bits, so that the newest events with a tag are
 * found without the others: as the number of the week since 2020, or of the quarter of a year (13
 * weeks) if the value stands for 64 hex digits. Ids and keys are many and rare: keys by week would
 * make the index much larger. On disk: must never change.
 */
constexpr int64_t kPeriods = 1024, kCoarsePeriod = 13;
/* The week of a time; earlier times are in the first week, later ones in the last. */
int64_t period_of(int64_t created_at);
/* The first second of a week, and the last; the lowest integer for the first week, the greatest one
 * for the last. */
int64_t period_start(int64_t period);
int64_t period_end(int64_t period);
int64_t timed_tag_key(char name, const PackedItem &value, int64_t created_at);
/* The period that a timed key names, and the same key of another one. */
constexpr int64_t
period_of_key(int64_t key)
{
	return key & (kPeriods - 1);
}
constexpr int64_t
with_period(int64_t key, int64_t period)
{
	return key - period_of_key(key) + period;
}

/* All timed keys of a tag in some weeks, both included. */
struct TagKeys
{
	int64_t first, last;
};
TagKeys timed_tag_keys(char name, std::string_view value, int64_t first_period,
					   int64_t last_period);

/* Does one of the values stand for 64 hex digits, so that its keys tell only quarters apart? */
bool has_coarse_periods(const TagCondition &tag);

} // namespace nostr
