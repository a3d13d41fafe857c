/*
 * The credential of a request: "Authorization: Bearer KEY", "X-API-Key: KEY", or an event that the
 * client has signed (NIP-98: "Authorization: Nostr EVENT"). The key itself is never stored; its
 * SHA-256 identifies it.
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
		DamagedKey, // the form of a key with a wrong checksum
		Event,
		Wrong // another scheme, or two credentials
	} kind = Kind::None;
	Digest digest{};   // SHA-256 of the key
	std::string event; // the signed event in base64
};

/* Reads the credential and returns true if the header carries one; then the caller must not store
 * the header. `name` is in lower case. */
bool read_credential(std::string_view name, std::string_view value, Credential &credential);

} // namespace net
