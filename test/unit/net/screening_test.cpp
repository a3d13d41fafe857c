/* Which addresses and ports may be connected to. */
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>

#include "net/transport/screening.h"

static sockaddr_storage
address_of(const char *text)
{
	sockaddr_storage storage{};
	auto *four = reinterpret_cast<sockaddr_in *>(&storage);
	auto *six = reinterpret_cast<sockaddr_in6 *>(&storage);
	if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
		four->sin_family = AF_INET;
	else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
		six->sin6_family = AF_INET6;
	return storage;
}

TEST(NetScreening, MappedAddressesAreUnwrapped)
{
	const struct
	{
		const char *address, *text;
		bool is_public;
	} cases[] = {
		{"8.8.8.8", "8.8.8.8", true},
		{"127.0.0.1", "127.0.0.1", false},
		{"::ffff:8.8.8.8", "8.8.8.8", true},
		{"::ffff:10.1.2.3", "10.1.2.3", false},
		{"::1", "::1", false},
		{"fe80::1", "fe80::1", false},
		{"2606:4700::1111", "2606:4700::1111", true},
	};
	for (const auto &one : cases) {
		sockaddr_storage storage = address_of(one.address);
		auto *address = reinterpret_cast<sockaddr *>(&storage);
		EXPECT_EQ(net::address_text(address), one.text);
		EXPECT_EQ(net::is_public(address), one.is_public) << one.address;
	}
	sockaddr local{};
	local.sa_family = AF_UNIX;
	EXPECT_EQ(net::address_text(&local), "");
	EXPECT_FALSE(net::is_public(&local));
}

TEST(NetScreening, AddressesOfThisMachine)
{
	for (const char *text : {"127.0.0.1", "::1", "::ffff:127.0.0.1"}) {
		sockaddr_storage storage = address_of(text);
		EXPECT_TRUE(net::is_own(reinterpret_cast<sockaddr *>(&storage))) << text;
	}
	for (const char *text : {"8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8"}) {
		sockaddr_storage storage = address_of(text);
		EXPECT_FALSE(net::is_own(reinterpret_cast<sockaddr *>(&storage))) << text;
	}
}

TEST(NetScreening, PortsOfOtherProtocols)
{
	for (uint16_t port : {0, 1, 22, 25, 143, 993, 2049, 6000, 6667, 10080})
		EXPECT_TRUE(net::is_blocked_port(port)) << port;
	for (uint16_t port : {80, 443, 2, 6378, 7777, 8080, 10081, 65535})
		EXPECT_FALSE(net::is_blocked_port(port)) << port;
}
