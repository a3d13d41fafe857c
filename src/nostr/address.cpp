#include "address.h"

#include <algorithm>

#include <arpa/inet.h>

namespace nostr {
namespace {

template <size_t N> struct Prefix
{
	std::array<uint8_t, N> base;
	int bits;

	bool holds(const std::array<uint8_t, N> &address) const
	{
		const size_t whole = bits / 8;
		if (!std::equal(base.begin(), base.begin() + whole, address.begin()))
			return false;
		return bits % 8 == 0 || (base[whole] ^ address[whole]) >> (8 - bits % 8) == 0;
	}
};

// https://www.iana.org/assignments/iana-ipv4-special-registry
constexpr Prefix<4> kSpecial4[] = {
	{{0}, 8},                 // this host
	{{10}, 8},                // private
	{{100, 64}, 10},          // shared address space of carriers, also used by VPNs
	{{127}, 8},               // loopback
	{{168, 63, 129, 16}, 32}, // Azure: metadata and name service
	{{169, 254}, 16},         // link-local, with metadata services of clouds
	{{172, 16}, 12},          // private
	{{192, 0, 0}, 24},        // protocol assignments
	{{192, 0, 2}, 24},        // documentation
	{{192, 88, 99}, 24},      // 6to4 relays
	{{192, 168}, 16},         // private
	{{198, 18}, 15},          // benchmarks
	{{198, 51, 100}, 24},     // documentation
	{{203, 0, 113}, 24},      // documentation
	{{224}, 4},               // multicast
	{{240}, 4},               // reserved, broadcast
};

// https://www.iana.org/assignments/iana-ipv6-special-registry, inside the public 2000::/3
constexpr Prefix<16> kGlobal6 = {{0x20}, 3};
constexpr Prefix<16> kSpecial6[] = {
	{{0x20, 0x01, 0x00}, 23},       // protocol assignments: Teredo, benchmarks, ORCHID
	{{0x20, 0x01, 0x0d, 0xb8}, 32}, // documentation
	{{0x20, 0x02}, 16},             // 6to4: contains any IPv4 address
	{{0x3f, 0xff, 0x00}, 20},       // documentation
};

template <class Prefixes, class Address>
bool
any_holds(const Prefixes &prefixes, const Address &address)
{
	return std::any_of(std::begin(prefixes), std::end(prefixes),
					   [&](const auto &prefix) { return prefix.holds(address); });
}

} // namespace

bool
is_public_ipv4(const std::array<uint8_t, 4> &address)
{
	return !any_holds(kSpecial4, address);
}

bool
is_public_ipv6(const std::array<uint8_t, 16> &address)
{
	return kGlobal6.holds(address) && !any_holds(kSpecial6, address);
}

void
keep_network(std::array<uint8_t, 16> &address)
{
	std::fill(address.begin() + 8, address.end(), uint8_t(0));
}

std::string
counted_host(const std::string &host)
{
	std::array<uint8_t, 16> address;
	if (inet_pton(AF_INET6, host.c_str(), address.data()) != 1)
		return host;
	keep_network(address);
	char text[INET6_ADDRSTRLEN];
	inet_ntop(AF_INET6, address.data(), text, sizeof text);
	return text + std::string("/64");
}

} // namespace nostr
