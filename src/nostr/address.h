/*
 * Which IP addresses are public (IANA special-purpose registries), and which addresses limits count
 * as one. The same rules apply to addresses in relay URLs and, when connecting, to answers of name
 * servers.
 */
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace nostr {

/* False for private, loopback, link-local, documentation and other special addresses. */
bool is_public_ipv4(const std::array<uint8_t, 4> &address);
/* False also for IPv4-mapped addresses: the caller must unwrap them. */
bool is_public_ipv6(const std::array<uint8_t, 16> &address);

/* Sets all bits of an IPv6 address but those of its /64 network to zero. Limits count such
 * networks, because whoever has one address usually has all addresses of the network. */
void keep_network(std::array<uint8_t, 16> &address);
/* What limits count: of a numeric IPv6 address its network, for example "2001:db8:0:1::/64"; any
 * other address or name as it is. */
std::string counted_host(const std::string &host);

} // namespace nostr
