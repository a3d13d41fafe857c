/* Addresses of clients: how they are counted, and whom we believe that it speaks for another. */
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

/* An IPv6 address; one of IPv4 as ::ffff:a.b.c.d. */
using Address = std::array<uint8_t, 16>;

std::optional<Address> parse_address(std::string_view text);
std::string address_text(const Address &address);
/* The far end of a connection; that of a Unix socket is ::1. */
Address peer_address(const sockaddr_storage &address);
/* Whom limits count: an address of IPv4, the /64 of one of IPv6. */
Address counted_address(Address address);

/* Networks such as "10.0.0.0/8" or "::1". */
class Networks
{
  public:
	Networks() = default;
	/* With commas between them. What cannot be read is left out. */
	explicit Networks(std::string_view list);
	bool contain(const Address &address) const;

  private:
	struct Network
	{
		Address address;
		int bits;
	};
	std::vector<Network> networks_;
};

/*
 * The client of a request that came from `peer`: if that is a trusted proxy, the last address in
 * X-Forwarded-For that is none.
 */
Address client_of(const ClientRequest &request, const Address &peer, const Networks &proxies);

} // namespace net
