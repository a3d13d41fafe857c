/* What the tests of all messages need. */
#pragma once

#include <gtest/gtest.h>

#include "wire/codec.h"

/* The one frame in `bytes`, which must outlive it. */
inline wire::Frame
frame_of(const std::string &bytes)
{
	return {.type = static_cast<uint16_t>(static_cast<uint8_t>(bytes[4]) |
										  static_cast<uint8_t>(bytes[5]) << 8),
			.body = std::string_view(bytes).substr(wire::kHead)};
}

/* The message of type T in `bytes`. `Any` lists the messages that the reader takes. */
template <class Any, class T>
T
read_back(const std::string &bytes)
{
	std::string fault;
	auto message = wire::decode<Any>(frame_of(bytes), fault);
	EXPECT_TRUE(message) << fault;
	return std::get<T>(message.value());
}

/* The fault of a message that must be refused by a reader that takes `Any`. */
template <class Any, class T>
std::string
fault_in(const T &message)
{
	std::string fault;
	const std::string bytes = encode(message);
	EXPECT_FALSE(wire::decode<Any>(frame_of(bytes), fault));
	return fault;
}

/* Bytes that count up from `first`. */
template <class Array>
Array
bytes(uint8_t first)
{
	Array array;
	for (auto &byte : array)
		byte = first++;
	return array;
}
