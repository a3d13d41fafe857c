/* Texts of hexadecimal digits in the tests of set reconciliation. */
#pragma once

#include <gtest/gtest.h>
#include <openssl/sha.h>

#include <string>

#include "nostr/event.h"

namespace test {

inline std::string
hex(std::string_view bytes)
{
	return nostr::to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

inline std::string
unhex(std::string_view hex)
{
	std::string bytes(hex.size() / 2, '\0');
	EXPECT_TRUE(nostr::from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()));
	return bytes;
}

inline nostr::Id
id_of(std::string_view hex)
{
	nostr::Id id;
	EXPECT_TRUE(nostr::from_hex(hex, id.data(), id.size()));
	return id;
}

inline nostr::Id
hash(std::string_view bytes)
{
	nostr::Id id;
	SHA256(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size(), id.data());
	return id;
}

} // namespace test
