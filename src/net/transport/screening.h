/*
 * Where a connection may go: an address that is public and not this machine's own, a port that is
 * not another protocol's. Screening comes after resolution, so that a name server cannot get around
 * it.
 */
#pragma once

#include <cstdint>
#include <string>

#include <sys/socket.h>

namespace net {

/* Numeric form of an IPv4 or IPv6 address, an IPv4-mapped one unwrapped; "" for anything else. */
std::string address_text(const sockaddr *address);
/* Is it a public address (IPv4-mapped ones judged as IPv4)? */
bool is_public(const sockaddr *address);
/* Does this machine have the address? Asks the kernel's routing table, sends nothing. */
bool is_own(const sockaddr *address);
/* Is there a way to that numeric address? Asks the same table. */
bool has_route(const std::string &address);
/* Is it the port of a protocol that must not be sent HTTP requests (list of the Fetch standard)? */
bool is_blocked_port(uint16_t port);

/* Fills `storage` if `host` is a numeric address. */
bool parse_numeric(const std::string &host, sockaddr_storage &storage);

} // namespace net
