/* HMAC with SHA-256 (RFC 2104). */
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

namespace nostr {

using Digest = std::array<uint8_t, 32>;

Digest hmac(std::string_view key, std::string_view bytes);

} // namespace nostr
