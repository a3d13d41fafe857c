/* Addresses of clients: which address a limit counts, and which proxies may name another one. */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <sys/socket.h>

#include "net/serve/client_request.h"

namespace net {

/* An IPv6 address. An IPv4 address is stored as ::ffff:a.b.c.d. */
using Address = std::array<uint8_t, 16>;

std::optional<Address> parse_address(std::string_view text);
std::string address_text(const Address &address);
/* The address of the peer. The peer of a Unix socket has ::1. */
Address peer_address(const sockaddr_storage &address);
/* The address that limits count: an IPv4 address itself, the /64 network of an IPv6 address. */
Address counted_address(Address address);

/* Address ranges such as "10.0.0.0/8" or "::1". */
class AddressRanges
{
  public:
	AddressRanges() = default;
	/* `list` has commas between the ranges. Elements that cannot be parsed are left out. */
	explicit AddressRanges(std::string_view list);
	bool contain(const Address &address) const;

  private:
	struct Range
	{
		Address address;
		int bits;
	};
	std::vector<Range> ranges_;
};

/*
 * The address of a request's client. It is `peer`, unless `peer` is a trusted proxy: then it is the
 * last address in X-Forwarded-For that is not a trusted proxy.
 */
Address client_of(const ClientRequest &request, const Address &peer, const AddressRanges &proxies);

} // namespace net
