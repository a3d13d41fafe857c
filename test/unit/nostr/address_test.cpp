#include <arpa/inet.h>

#include <gtest/gtest.h>

#include "nostr/address.h"

namespace {

bool
is_public(const char *text)
{
	std::array<uint8_t, 4> v4;
	if (inet_pton(AF_INET, text, v4.data()) == 1)
		return nostr::is_public_ipv4(v4);
	std::array<uint8_t, 16> v6;
	EXPECT_EQ(inet_pton(AF_INET6, text, v6.data()), 1) << text;
	return nostr::is_public_ipv6(v6);
}

} // namespace

/* The first and the last address of every special block, and their neighbours outside. */
TEST(Address, EdgesOfSpecialBlocks)
{
	for (const char *text :
		 {"0.0.0.0",         "0.255.255.255",   "10.0.0.0",        "10.255.255.255",
		  "100.64.0.0",      "100.127.255.255", "127.0.0.0",       "127.255.255.255",
		  "168.63.129.16",   "169.254.0.0",     "169.254.255.255", "172.16.0.0",
		  "172.31.255.255",  "192.0.0.0",       "192.0.0.255",     "192.0.2.0",
		  "192.0.2.255",     "192.88.99.0",     "192.88.99.255",   "192.168.0.0",
		  "192.168.255.255", "198.18.0.0",      "198.19.255.255",  "198.51.100.0",
		  "198.51.100.255",  "203.0.113.0",     "203.0.113.255",   "224.0.0.0",
		  "239.255.255.255", "240.0.0.0",       "255.255.255.255"})
		EXPECT_FALSE(is_public(text)) << text;
	for (const char *text :
		 {"1.0.0.0",        "9.255.255.255",   "11.0.0.0",        "100.63.255.255",
		  "100.128.0.0",    "126.255.255.255", "128.0.0.0",       "168.63.129.15",
		  "168.63.129.17",  "169.253.255.255", "169.255.0.0",     "172.15.255.255",
		  "172.32.0.0",     "191.255.255.255", "192.0.1.0",       "192.0.3.0",
		  "192.88.98.255",  "192.88.100.0",    "192.167.255.255", "192.169.0.0",
		  "198.17.255.255", "198.20.0.0",      "198.51.99.255",   "198.51.101.0",
		  "203.0.112.255",  "203.0.114.0",     "223.255.255.255"})
		EXPECT_TRUE(is_public(text)) << text;
}

TEST(Address, EdgesOfSpecialBlocks6)
{
	for (const char *text : {"::",
							 "::1",
							 "::8.8.8.8",
							 "::ffff:8.8.8.8",
							 "64:ff9b::808:808",
							 "64:ff9b:1::",
							 "100::1",
							 "200::1",
							 "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
							 "4000::",
							 "fc00::",
							 "fd12:3456::1",
							 "fe80::1",
							 "fec0::1",
							 "ff02::1",
							 "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
							 "2001::",
							 "2001:1ff:ffff::",
							 "2001:db8::",
							 "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
							 "2002::",
							 "2002:ffff::",
							 "3fff::",
							 "3fff:fff:ffff::"})
		EXPECT_FALSE(is_public(text)) << text;
	for (const char *text : {"2000::", "2000:ffff::", "2001:200::", "2001:db7:ffff::", "2001:db9::",
							 "2001:ffff::", "2003::", "2606:4700:4700::1111", "3ffe::1",
							 "3fff:1000::", "3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"})
		EXPECT_TRUE(is_public(text)) << text;
}

TEST(Address, NetworksThatLimitsCount)
{
	const std::pair<const char *, const char *> cases[] = {
		{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"},
		{"2001:db8:1:2::", "2001:db8:1:2::/64"},
		{"2001:db8:1:3::", "2001:db8:1:3::/64"},
		{"::1", "::/64"},
		{"192.0.2.1", "192.0.2.1"},
		{"example.com", "example.com"},
		{"", ""},
	};
	for (const auto &[host, counted] : cases)
		EXPECT_EQ(nostr::counted_host(host), counted);
}
