/*
 * The tags of an event (NIP-01), packed for storage: about half the size of their JSON, and
 * readable item by item without a tree.
 *
 *   tags    for each tag: how many items it has (at least one), then the items
 *   item    one byte n: 0 … 250  n bytes of text follow
 *                       251      a length above 250 follows, then as many bytes of text
 *                       255      32 bytes follow that stand for 64 lower-case hex digits
 *   number  7 bits a byte, the lowest first; the top bit says that more follow (LEB128)
 *
 * Every text has one form only, so equal tags are equal bytes. Stored on disk: must never change.
 */
#pragma once

#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

namespace nostr {

/* An item as it is stored. */
struct PackedItem
{
	std::string_view bytes; // text, or:
	bool hex = false;       // 32 bytes that stand for 64 hex digits

	bool operator==(const PackedItem &) const = default;
	auto operator<=>(const PackedItem &) const = default;
};

/* Most long items are ids and keys: 64 hex digits, which are packed as 32 bytes. */
using HexText = std::array<char, 64>;
using HexBytes = std::array<uint8_t, 32>;

/* The packed form of a text. Its bytes are in the text or in `buffer`. */
PackedItem pack_item(std::string_view text, HexBytes &buffer);
/* The text of an item: its bytes, or hex digits in `buffer`. */
std::string_view item_text(const PackedItem &item, HexText &buffer);

/* Why tags given as JSON are refused. */
enum class TagsFault : uint8_t
{
	None,
	NotJson,
	HoldsNul, // U+0000, which text values of the server cannot contain
	NotAnArray,
	TagNotAnArray,
	EmptyTag,
	ItemNotAString,
};

/* Upper bound of the packed size. An item takes at most as many bytes as in JSON, or two more if it
 * has 16 KB or more. */
constexpr size_t
packed_size_bound(size_t json_size)
{
	return json_size + json_size / 8192;
}

/* `json` must be valid UTF-8. `out` must have packed_size_bound() bytes. `size` is set to the
 * number of bytes written. */
TagsFault pack_tags(std::string_view json, char *out, size_t &size);

/* Reads packed tags item by item. Never reads outside of them, even if they are corrupt. */
class TagReader
{
  public:
	explicit TagReader(std::string_view packed)
		: next_(packed.data()), end_(packed.data() + packed.size())
	{
	}

	/* Moves to the next tag, skipping unread items of the current one; false at the end. */
	bool next_tag();
	/* Reads the next item of this tag; false at its end. The first item is the tag's name, the
	 * second its value. */
	bool next_item(PackedItem &item);

	/* True if a function returned false because the bytes are not packed tags. */
	bool corrupt() const { return corrupt_; }

  private:
	bool number(uint64_t &out);
	bool fail();

	const char *next_;
	const char *end_;
	uint64_t items_left_ = 0; // of the current tag
	bool corrupt_ = false;
};

/* Appends the tags in canonical form; false if they are corrupt. */
bool append_tags_json(std::string_view packed, std::string &out);

} // namespace nostr
