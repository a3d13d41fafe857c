/* What the tests of all messages need. */
#pragma once

#include "wire/codec.h"

/* The one frame in `bytes`, which must outlive it. */
inline wire::Frame
frame_of(const std::string &bytes)
{
	return {.type = static_cast<uint16_t>(static_cast<uint8_t>(bytes[4]) |
										  static_cast<uint8_t>(bytes[5]) << 8),
			.body = std::string_view(bytes).substr(wire::kHead)};
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
