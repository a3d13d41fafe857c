/*
 * Which IP addresses are public (IANA special-purpose registries). The same table applies to
 * addresses in relay URLs and, when connecting, to answers of name servers.
 */
#pragma once

#include <array>
#include <cstdint>

namespace nostr {

/* False for private, loopback, link-local, documentation and other special addresses. */
bool is_public_ipv4(const std::array<uint8_t, 4> &address);
/* False also for IPv4-mapped addresses: the caller must unwrap them. */
bool is_public_ipv6(const std::array<uint8_t, 16> &address);

} // namespace nostr
