/*
 * Which IP addresses are public (IANA special-purpose registries). The same table judges literal
 * addresses in relay URLs and what DNS returned, at connect time.
 */
#pragma once

#include <array>
#include <cstdint>

namespace nostr {

/* True if the address may be a public host: not private, loopback, link-local, documentation, … */
bool is_public_ipv4(const std::array<uint8_t, 4> &address);
/* IPv4-mapped addresses are not public: whoever has one must unwrap it first and ask again. */
bool is_public_ipv6(const std::array<uint8_t, 16> &address);

} // namespace nostr
