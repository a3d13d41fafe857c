/*
 * How a message becomes a frame and a frame a message. Each message describes its fields once:
 *
 *     struct Ack
 *     {
 *         static constexpr uint16_t kType = 0x02;
 *         uint64_t number = 0;
 *         static void fields(auto &c, auto &m) { c.number(m.number); }
 *     };
 *
 * encode() runs fields() with a Writer, decode() with a Reader, which also checks what the field
 * promises. Numbers are little endian, texts and lists carry their length in four bytes. A decoded
 * message points into the body of its frame.
 *
 * The net process may be taken over: a Reader trusts nothing, reads each byte of a body at most
 * once, and demands that nothing is left over.
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
constexpr size_t kMaxDetail = 200;  // bytes of a text that a relay or a library brought

/* Why a body is refused. */
struct Fault
{
	const char *what;
};

/* `text` cut to `limit` bytes, with "?" for everything that is not printable ASCII. */
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
	/* A text of strangers is cut and made printable here. */
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
			throw Fault{"bytes behind the message"};
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
	/* A number from `least` to `most`; `otherwise` says what is wrong with any other. */
	template <std::integral T>
	void number(T &value, std::type_identity_t<T> least, std::type_identity_t<T> most,
				const char *otherwise)
	{
		value = number_within<T>(least, most, otherwise);
	}
	/* An enumeration whose last value is `last`. */
	template <class Enum> void value(Enum &value, Enum last)
	{
		value = static_cast<Enum>(
			number_within<uint8_t>(0, static_cast<uint8_t>(last), "unknown enumeration value"));
	}
	/* Valid UTF-8 of at most `limit` bytes. */
	void utf8(std::string_view &text, size_t limit);
	/* Printable ASCII of at most `limit` bytes. */
	void ascii(std::string_view &text, size_t limit);
	void detail(std::string_view &text, size_t limit = kMaxDetail) { ascii(text, limit); }
	/* [a-z0-9_], at most kMaxCode, maybe empty. */
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
	/* One byte each, 0 or 1. */
	void flags(std::vector<uint8_t> &flags);
	template <class Item> void list(std::vector<Item> &items)
	{
		const size_t count = size();
		/* The count may lie: no memory is taken for items that the body is too short to hold. */
		items.reserve(std::min(count, rest_.size()));
		for (size_t i = 0; i < count; i++)
			Item::fields(*this, items.emplace_back());
	}
	/* What must hold of fields that were read before. */
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
	size_t size(); // of a list

	std::string_view rest_; // not read yet
};

template <class Message>
std::string
encode(const Message &message)
{
	return Writer::frame(message);
}

/* Is that the type of one of the messages of the variant? */
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
 * The message of a frame, one of those of the variant: what a desk takes from one direction. On any
 * other type and on a malformed body returns nothing and sets `fault` to what is wrong.
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
