/*
 * Encodes a message as a frame and decodes it. Each message describes its fields once:
 *
 *     struct Ack
 *     {
 *         static constexpr uint16_t kType = 0x02;
 *         uint64_t number = 0;
 *         static void fields(auto &c, auto &m) { c.number(m.number); }
 *     };
 *
 * encode() calls fields() with a Writer, decode() with a Reader, which also checks the limits of
 * each field. Numbers are little endian. Texts and lists begin with their length in four bytes. A
 * decoded message points into the body of its frame.
 *
 * The net process may be taken over: a Reader trusts nothing, reads each byte of a body at most
 * once, and requires that no bytes are left.
 */
#pragma once

#include <array>
#include <concepts>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "frame.h"

namespace wire {

constexpr size_t kMaxItems = 20000; // of each list in one message
constexpr size_t kMaxCode = 40;     // bytes of a reason code or the name of a gauge
constexpr size_t kMaxDetail = 200;  // bytes of a text that comes from a relay or a library

/* Why a body is refused. */
struct Fault
{
	const char *what;
};

/* `text` cut to `limit` bytes, with "?" for each character that is not printable ASCII. */
std::string printable(std::string_view text, size_t limit = kMaxDetail);

class Writer
{
  public:
	/* The whole frame. Throws std::length_error if the body exceeds kMaxFrame. */
	template <class Message> static std::string frame(const Message &message)
	{
		Writer writer;
		Message::fields(writer, message);
		return writer.finish(Message::kType);
	}

	void flag(bool value) { bytes_ += value ? '\1' : '\0'; }
	template <std::integral T> void number(T value)
	{
		char bytes[sizeof value];
		for (size_t i = 0; i < sizeof value; i++)
			bytes[i] = static_cast<char>(static_cast<std::make_unsigned_t<T>>(value) >> 8 * i);
		bytes_.append(bytes, sizeof value);
	}
	template <std::integral T>
	void number(T value, std::type_identity_t<T>, std::type_identity_t<T>, const char *)
	{
		number(value);
	}
	template <class Enum> void value(Enum value, Enum) { number(static_cast<uint8_t>(value)); }
	void utf8(std::string_view text, size_t) { put(text); }
	void ascii(std::string_view text, size_t) { put(text); }
	void code(std::string_view text) { put(text); }
	/* Writes a text of strangers, cut and made printable. */
	void detail(std::string_view text, size_t limit = kMaxDetail) { put(printable(text, limit)); }
	template <size_t N> void fixed(const std::array<uint8_t, N> *bytes)
	{
		bytes_.append(reinterpret_cast<const char *>(bytes->data()), N);
	}
	template <size_t N> void fixed_list(std::span<const std::array<uint8_t, N>> items)
	{
		number(static_cast<uint32_t>(items.size()));
		bytes_.append(reinterpret_cast<const char *>(items.data()), items.size_bytes());
	}
	void flags(const std::vector<uint8_t> &flags)
	{
		put({reinterpret_cast<const char *>(flags.data()), flags.size()});
	}
	template <class Item> void list(const std::vector<Item> &items)
	{
		number(static_cast<uint32_t>(items.size()));
		for (const Item &item : items)
			Item::fields(*this, item);
	}
	template <class Condition> void demand(Condition, const char *) {}

  private:
	Writer() : bytes_(kHead, '\0') {}
	void put(std::string_view text);
	std::string finish(uint16_t type);

	std::string bytes_;
};

class Reader
{
  public:
	/* Throws Fault. */
	template <class Message> static Message message(std::string_view body)
	{
		Message message;
		Reader reader(body);
		Message::fields(reader, message);
		if (!reader.rest_.empty())
			throw Fault{"bytes after the message"};
		return message;
	}

	void flag(bool &value) { value = number_within<uint8_t>(0, 1, "flag out of range") == 1; }
	template <std::integral T> void number(T &value)
	{
		std::string_view bytes = take(sizeof value);
		std::make_unsigned_t<T> bits = 0;
		for (size_t i = sizeof value; i-- > 0;)
			bits = static_cast<std::make_unsigned_t<T>>(uint64_t{bits} << 8 |
														static_cast<uint8_t>(bytes[i]));
		value = static_cast<T>(bits);
	}
	/* Reads a number from `least` to `most`; `otherwise` describes the fault of other numbers. */
	template <std::integral T>
	void number(T &value, std::type_identity_t<T> least, std::type_identity_t<T> most,
				const char *otherwise)
	{
		value = number_within<T>(least, most, otherwise);
	}
	/* Reads an enumeration whose last value is `last`. */
	template <class Enum> void value(Enum &value, Enum last)
	{
		value = static_cast<Enum>(
			number_within<uint8_t>(0, static_cast<uint8_t>(last), "unknown enumeration value"));
	}
	/* Reads valid UTF-8 of at most `limit` bytes. */
	void utf8(std::string_view &text, size_t limit);
	/* Reads printable ASCII of at most `limit` bytes. */
	void ascii(std::string_view &text, size_t limit);
	void detail(std::string_view &text, size_t limit = kMaxDetail) { ascii(text, limit); }
	/* Reads at most kMaxCode characters of [a-z0-9_]; may be empty. */
	void code(std::string_view &text);
	template <size_t N> void fixed(const std::array<uint8_t, N> *&bytes)
	{
		bytes = reinterpret_cast<const std::array<uint8_t, N> *>(take(N).data());
	}
	template <size_t N> void fixed_list(std::span<const std::array<uint8_t, N>> &items)
	{
		const size_t count = size();
		items = {reinterpret_cast<const std::array<uint8_t, N> *>(take(count * N).data()), count};
	}
	/* Reads bytes that are 0 or 1. */
	void flags(std::vector<uint8_t> &flags);
	template <class Item> void list(std::vector<Item> &items)
	{
		const size_t count = size();
		/* The count may be false, so no memory is reserved for more items than the body can
		 * hold. */
		items.reserve(std::min(count, rest_.size()));
		for (size_t i = 0; i < count; i++)
			Item::fields(*this, items.emplace_back());
	}
	/* Requires a condition on the fields read so far. */
	template <class Condition> void demand(Condition holds, const char *otherwise)
	{
		if (!holds())
			throw Fault{otherwise};
	}

  private:
	explicit Reader(std::string_view body) : rest_(body) {}

	template <class T> T number_within(T least, T most, const char *otherwise)
	{
		T value;
		number(value);
		if (value < least || value > most)
			throw Fault{otherwise};
		return value;
	}
	std::string_view take(size_t size);
	std::string_view text(size_t limit);
	size_t size(); // reads the size of a list

	std::string_view rest_; // not read yet
};

template <class Message>
std::string
encode(const Message &message)
{
	return Writer::frame(message);
}

/* Whether the type belongs to a message of the variant. */
template <class Variant> struct Types;
template <class... Message> struct Types<std::variant<Message...>>
{
	static constexpr bool contain(uint16_t type) { return ((type == Message::kType) || ...); }

	static std::variant<Message...> decode(const Frame &frame)
	{
		std::optional<std::variant<Message...>> found;
		(void) ((frame.type == Message::kType &&
				 (found.emplace(Reader::message<Message>(frame.body)), true)) ||
				...);
		if (!found)
			throw Fault{"a message that is not expected here"};
		return *std::move(found);
	}
};

/*
 * Decodes the message of a frame as one of the variant. If the frame has another type or a
 * malformed body, returns nothing and sets `fault` to a description.
 */
template <class Variant>
std::optional<Variant>
decode(const Frame &frame, std::string &fault)
{
	try {
		return Types<Variant>::decode(frame);
	} catch (const Fault &found) {
		fault = found.what;
		return std::nullopt;
	}
}

} // namespace wire
