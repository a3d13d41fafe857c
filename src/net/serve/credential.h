/*
 * How a request says who sends it: "Authorization: Bearer KEY" or "X-API-Key: KEY", or an event
 * that the client has signed (NIP-98: "Authorization: Nostr EVENT"). A key itself is never kept:
 * its SHA-256 names it.
 */
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace net {

using Digest = std::array<uint8_t, 32>; // SHA-256

struct Credential
{
	enum class Kind : uint8_t
	{
		None,
		Key,
		DamagedKey, // it looks like one of ours, and its check sum is wrong
		Event,
		Wrong // another scheme, or two credentials
	} kind = Kind::None;
	Digest digest{};   // of a key
	std::string event; // base64
};

/* True if the header is such a one; then it is read, and must not be kept. `name` is in lower case.
 */
bool read_credential(std::string_view name, std::string_view value, Credential &credential);

} // namespace net
