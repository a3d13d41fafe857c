/*
 * Decides where a connection may go: to a public address that is not this machine's, and to a port
 * that no other protocol uses. Addresses are screened after resolution, so that a name server
 * cannot avoid the screening.
 */
#pragma once

#include <cstdint>
#include <string>

#include <sys/socket.h>

namespace net {

/* The numeric form of an IPv4 or IPv6 address; IPv4-mapped addresses as IPv4; "" for other
 * families. */
std::string address_text(const sockaddr *address);
/* Whether the address is public. IPv4-mapped addresses are judged as IPv4. */
bool is_public(const sockaddr *address);
/* Whether this machine has the address. Asks the kernel's routing table and sends nothing. */
bool is_own(const sockaddr *address);
/* Whether there is a route to the numeric address. Asks the same table. */
bool has_route(const std::string &address);
/* Whether the port belongs to a protocol that must not get HTTP requests (Fetch standard). */
bool is_blocked_port(uint16_t port);

/* Fills `storage` and returns true if `host` is a numeric address. */
bool parse_numeric(const std::string &host, sockaddr_storage &storage);

} // namespace net
