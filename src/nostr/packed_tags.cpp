#include "packed_tags.h"

#include <cstring>

#include "json.h"

namespace nostr {

namespace {

constexpr uint8_t kLongestShort = 250, kLong = 251, kHex = 255; // first bytes of items

char *
put_number(char *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		*out++ = static_cast<char>(value | 0x80);
	*out++ = static_cast<char>(value);
	return out;
}

class Packer
{
  public:
	Packer(std::string_view json, char *out) : cursor_(json), out_(out) {}

	TagsFault pack()
	{
		if (cursor_.peek() != '[')
			return TagsFault::NotAnArray;
		cursor_.take('[');
		if (!cursor_.take(']')) {
			do {
				TagsFault fault = pack_tag();
				if (fault != TagsFault::None)
					return fault;
			} while (cursor_.take(','));
			if (!cursor_.take(']'))
				return TagsFault::NotJson;
		}
		return cursor_.at_end() ? TagsFault::None : TagsFault::NotJson;
	}

	const char *end() const { return out_; }

  private:
	TagsFault pack_tag()
	{
		if (cursor_.peek() != '[')
			return TagsFault::TagNotAnArray;
		cursor_.take('[');
		if (cursor_.peek() == ']')
			return TagsFault::EmptyTag;
		char *start = out_++; // position of the number of items, if it is below 128
		uint64_t items = 0;
		do {
			if (cursor_.peek() != '"')
				return TagsFault::ItemNotAString;
			json::String string;
			if (cursor_.string(string) != Reject::None)
				return TagsFault::NotJson;
			if (string.has_nul)
				return TagsFault::HoldsNul;
			put(string);
			items++;
		} while (cursor_.take(','));
		if (!cursor_.take(']'))
			return TagsFault::NotJson;

		char number[10];
		auto size = static_cast<size_t>(put_number(number, items) - number);
		if (size > 1) {
			memmove(start + size, start + 1, static_cast<size_t>(out_ - start - 1));
			out_ += size - 1;
		}
		memcpy(start, number, size);
		return TagsFault::None;
	}

	void put(const json::String &string)
	{
		if (!string.escaped) {
			put(string.raw);
			return;
		}
		scratch_.clear();
		append_unescaped(string, scratch_);
		put(scratch_);
	}

	void put(std::string_view text)
	{
		if (text.size() == 2 * sizeof(HexBytes) &&
			from_hex(text, reinterpret_cast<uint8_t *>(out_ + 1), sizeof(HexBytes))) {
			*out_ = static_cast<char>(kHex);
			out_ += 1 + sizeof(HexBytes);
			return;
		}
		if (text.size() <= kLongestShort) {
			*out_++ = static_cast<char>(text.size());
		} else {
			*out_++ = static_cast<char>(kLong);
			out_ = put_number(out_, text.size());
		}
		memcpy(out_, text.data(), text.size());
		out_ += text.size();
	}

	json::Cursor cursor_;
	char *out_;
	std::string scratch_;
};

/* Whether the text is JSON. Values that are nested too deeply are not checked and count as JSON. */
bool
is_json(std::string_view text)
{
	json::Cursor cursor(text);
	Reject fault = cursor.skip(Limits().depth);
	return fault == Reject::TooDeep || (fault == Reject::None && cursor.at_end());
}

} // namespace

PackedItem
pack_item(std::string_view text, HexBytes &buffer)
{
	if (!from_hex(text, buffer.data(), buffer.size()))
		return {text, false};
	return {{reinterpret_cast<const char *>(buffer.data()), buffer.size()}, true};
}

std::string_view
item_text(const PackedItem &item, HexText &buffer)
{
	if (!item.hex)
		return item.bytes;
	char *out = buffer.data();
	for (char c : item.bytes) {
		auto byte = static_cast<uint8_t>(c);
		*out++ = "0123456789abcdef"[byte >> 4];
		*out++ = "0123456789abcdef"[byte & 15];
	}
	return {buffer.data(), buffer.size()};
}

TagsFault
pack_tags(std::string_view json, char *out, size_t &size)
{
	Packer packer(json, out);
	TagsFault fault = packer.pack();
	size = static_cast<size_t>(packer.end() - out);
	return fault == TagsFault::None || is_json(json) ? fault : TagsFault::NotJson;
}

bool
TagReader::next_tag()
{
	PackedItem rest;
	while (next_item(rest))
		;
	if (next_ == end_)
		return false;
	uint64_t items;
	if (!number(items) || items == 0)
		return fail();
	items_left_ = items;
	return true;
}

bool
TagReader::next_item(PackedItem &item)
{
	if (items_left_ == 0)
		return false;
	if (next_ == end_)
		return fail();
	auto first = static_cast<uint8_t>(*next_++);
	uint64_t size = first;
	if (first == kHex)
		size = sizeof(HexBytes);
	else if (first > kLongestShort && (first != kLong || !number(size)))
		return fail();
	if (size > static_cast<uint64_t>(end_ - next_))
		return fail();
	item = {{next_, static_cast<size_t>(size)}, first == kHex};
	next_ += size;
	items_left_--;
	return true;
}

bool
TagReader::number(uint64_t &out)
{
	out = 0;
	for (int shift = 0; shift < 63 && next_ < end_; shift += 7) {
		auto byte = static_cast<uint8_t>(*next_++);
		out |= static_cast<uint64_t>(byte & 0x7f) << shift;
		if (byte < 0x80)
			return true;
	}
	return false;
}

bool
TagReader::fail()
{
	corrupt_ = true;
	next_ = end_;
	items_left_ = 0;
	return false;
}

bool
append_tags_json(std::string_view packed, std::string &out)
{
	TagReader reader(packed);
	PackedItem item;
	HexText buffer;
	char before_tag = '[';
	while (reader.next_tag()) {
		out += before_tag;
		char before_item = '[';
		while (reader.next_item(item)) {
			out += before_item;
			if (item.hex)
				out.append("\"").append(item_text(item, buffer)).append("\"");
			else
				append_json_string(item.bytes, out);
			before_item = ',';
		}
		out += ']';
		before_tag = ',';
	}
	out += before_tag == '[' ? "[]" : "]";
	return !reader.corrupt();
}

} // namespace nostr
