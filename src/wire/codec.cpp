#include "codec.h"

#include <algorithm>
#include <stdexcept>

#include <simdjson.h>

#include "nostr/ascii.h"

namespace wire {

std::string
printable(std::string_view text, size_t limit)
{
	return nostr::printable(text.substr(0, limit));
}

void
Writer::put(std::string_view text)
{
	number(static_cast<uint32_t>(text.size()));
	bytes_ += text;
}

std::string
Writer::finish(uint16_t type)
{
	const size_t length = bytes_.size() - kHead;
	if (length > kMaxFrame)
		throw std::length_error("message exceeds the longest frame");
	for (size_t i = 0; i < 4; i++)
		bytes_[i] = static_cast<char>(length >> 8 * i);
	for (size_t i = 0; i < 2; i++)
		bytes_[4 + i] = static_cast<char>(type >> 8 * i);
	return std::move(bytes_);
}

std::string_view
Reader::take(size_t size)
{
	if (size > rest_.size())
		throw Fault{"message is cut off"};
	std::string_view taken = rest_.substr(0, size);
	rest_.remove_prefix(size);
	return taken;
}

size_t
Reader::size()
{
	return number_within<uint32_t>(0, kMaxItems, "too many items");
}

std::string_view
Reader::text(size_t limit)
{
	uint32_t size;
	number(size);
	if (size > limit)
		throw Fault{"text too long"};
	return take(size);
}

void
Reader::utf8(std::string_view &text, size_t limit)
{
	text = this->text(limit);
	if (!simdjson::validate_utf8(text))
		throw Fault{"invalid UTF-8"};
}

void
Reader::ascii(std::string_view &text, size_t limit)
{
	text = this->text(limit);
	if (!std::all_of(text.begin(), text.end(), nostr::is_printable))
		throw Fault{"text is not printable"};
}

void
Reader::code(std::string_view &text)
{
	text = this->text(kMaxCode);
	if (text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") != text.npos)
		throw Fault{"text is not a code"};
}

void
Reader::flags(std::vector<uint8_t> &flags)
{
	std::string_view bytes = take(size());
	flags.assign(bytes.begin(), bytes.end());
	if (std::any_of(flags.begin(), flags.end(), [](uint8_t flag) { return flag > 1; }))
		throw Fault{"flag out of range"};
}

} // namespace wire
