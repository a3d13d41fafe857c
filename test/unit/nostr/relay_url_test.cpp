/*
 * Cases in test/data/relay-url-cases.json: input, mode, normalised URL, network, verdict of the
 * default policy (local addresses refused), reason. URLs as people and programs wrote them are read
 * from the shared test data, if it is there.
 */
#include <map>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "nostr/relay_url.h"
#include "shared_data.h"

using namespace nostr;

namespace {

std::string
verdict(const std::string &input, UrlMode mode = UrlMode::Strict)
{
	const RelayUrl url = normalise_relay_url(input, mode);
	return url.ok() ? url.url : url.reason;
}

void
expect_idempotent(const RelayUrl &url)
{
	for (const UrlMode mode : {UrlMode::Strict, UrlMode::Lenient}) {
		const RelayUrl again = normalise_relay_url(url.url, mode);
		ASSERT_TRUE(again.ok()) << url.url << ": " << again.reason;
		EXPECT_EQ(again.url, url.url);
		EXPECT_EQ(again.network, url.network);
	}
}

} // namespace

TEST(RelayUrl, Cases)
{
	simdjson::dom::parser parser;
	const auto document = parser.load(BIGBROTR_SOURCE_DIR "/test/data/relay-url-cases.json");
	int cases = 0;
	for (const simdjson::dom::object c : document["cases"].get_array()) {
		const std::string input(c["input"].get_string().value());
		const bool lenient = c["mode"].get_string().value() == "lenient";
		const RelayUrl got =
			normalise_relay_url(input, lenient ? UrlMode::Lenient : UrlMode::Strict);
		SCOPED_TRACE(input);
		if (c["url"].is_null()) {
			ASSERT_FALSE(got.ok()) << got.url;
			EXPECT_EQ(got.reason, c["reason"].get_string().value());
		} else {
			ASSERT_TRUE(got.ok()) << got.reason;
			EXPECT_EQ(got.url, c["url"].get_string().value());
			EXPECT_EQ(network_name(got.network), c["network"].get_string().value());
			const bool refused = c["verdict"].get_string().value() == "reject";
			EXPECT_EQ(got.network == Network::Local, refused);
			expect_idempotent(got);
		}
		cases++;
	}
	EXPECT_EQ(cases, 150);
}

TEST(RelayUrl, BeyondTheCases)
{
	// The end of a normalised URL survives the trimming of the next time.
	EXPECT_EQ(verdict("wss://a.com/x,/"), "wss://a.com/x%2C");
	EXPECT_EQ(verdict("wss://a.com/x;?q"), "wss://a.com/x%3B");
	EXPECT_EQ(verdict("wss://a.com/it's'#f"), "wss://a.com/it's%27");
	EXPECT_EQ(verdict("wss://a.com/x%2C"), "wss://a.com/x%2C");
	EXPECT_EQ(verdict("wss://a.com/a//../b"), "wss://a.com/a/b");
	EXPECT_EQ(verdict("wss://a.com/%2E%2e/b/."), "wss://a.com/b");
	EXPECT_EQ(verdict("wss://a.com/%77SS:b"), "embedded_scheme");
	EXPECT_EQ(verdict("wss://a.com/x%4"), "bad_escape");
	EXPECT_EQ(verdict("wss://a.com/%c3%a9"), "wss://a.com/%C3%A9");

	EXPECT_EQ(verdict("wss://:80"), "empty_host");
	EXPECT_EQ(verdict("wss://."), "empty_host");
	EXPECT_EQ(verdict("wss://a.com:+80"), "bad_port");
	EXPECT_EQ(verdict("wss://a.com:-1"), "bad_port");
	EXPECT_EQ(verdict("wss://a.com:000080"), "bad_port");
	EXPECT_EQ(verdict("wss://[::1"), "bad_ipv6");
	EXPECT_EQ(verdict("wss://[]"), "bad_ipv6");
	EXPECT_EQ(verdict("wss://[::1]x"), "bad_ipv6");
	EXPECT_EQ(verdict("wss://[2606::]"), "wss://[2606::]");
	EXPECT_EQ(verdict("wss://[2606:0:0:1:0:0:0:1]"), "wss://[2606:0:0:1::1]");
	EXPECT_EQ(verdict("wss://[2606:0:1:2:3:4:5:6]"), "wss://[2606:0:1:2:3:4:5:6]");
	EXPECT_EQ(verdict("wss://[0:0:0:0:0:0:0:0]"), "wss://[::]");
	EXPECT_EQ(verdict("wss://[2606:1:1:1:1:1:0:0]"), "wss://[2606:1:1:1:1:1::]");
	EXPECT_EQ(verdict("wss://8.8.8.8."), "wss://8.8.8.8");
	EXPECT_EQ(verdict("wss://\xef\xbc\x91\x32\x37.0.0.1"), "wss://127.0.0.1");
	EXPECT_EQ(verdict("wss://\xe2\x84\x80.com"), "host_charset"); // U+2100 maps to "a/c"
	EXPECT_EQ(verdict("wss://\xff.com"), "bad_idn");
	EXPECT_EQ(verdict("wss://a.com/\xff"), "path_charset");
	EXPECT_EQ(verdict("wss://" + std::string(250, 'a') + ".com"), "host_too_long");
	EXPECT_EQ(verdict("wss://b32.i2p"), "bad_i2p");
	EXPECT_EQ(verdict("wss://i2p"), "bad_i2p");
	EXPECT_EQ(verdict("wss://onion"), "bad_onion");
	EXPECT_EQ(verdict("wss://" + std::string(52, 'l') + ".loki"), "bad_loki");
	EXPECT_EQ(verdict("wss://notlocalhost"), "single_label");
	EXPECT_EQ(verdict("wss://nolocal.com"), "wss://nolocal.com");
	EXPECT_EQ(normalise_relay_url("wss://a.home.arpa").network, Network::Local);
	EXPECT_EQ(verdict("://a.com"), "bad_scheme");
	EXPECT_EQ(verdict("HTTPS:/a.com", UrlMode::Lenient), "bad_scheme");
	EXPECT_EQ(verdict("nostr:npub1", UrlMode::Lenient), "bad_scheme");
	EXPECT_EQ(verdict("a.com:", UrlMode::Lenient), "wss://a.com");
	EXPECT_EQ(verdict(" \xe3\x80\x80`'<\xe2\x80\x8f"), "empty");
	EXPECT_EQ(verdict("wss://a.com/\xe2\x80\xaa\x62"), "inner_whitespace");
	EXPECT_EQ(verdict("wss://a.com/\xc2\x80"), "inner_whitespace");
}

TEST(RelayUrl, Endpoint)
{
	const RelayEndpoint plain = relay_endpoint("wss://relay.example.com");
	EXPECT_TRUE(plain.tls);
	EXPECT_EQ(plain.host, "relay.example.com");
	EXPECT_EQ(plain.port, 443);
	EXPECT_EQ(plain.path, "/");
	const RelayEndpoint full = relay_endpoint("ws://[2606:4700::1111]:8080/a:1/b");
	EXPECT_FALSE(full.tls);
	EXPECT_EQ(full.host, "2606:4700::1111");
	EXPECT_EQ(full.port, 8080);
	EXPECT_EQ(full.path, "/a:1/b");
	const RelayEndpoint v6 = relay_endpoint("ws://[::1]");
	EXPECT_EQ(v6.host, "::1");
	EXPECT_EQ(v6.port, 80);
}

TEST(RelayUrl, WildLists)
{
	if (!shared_data::exists("relays-wild.txt"))
		GTEST_SKIP() << "the shared test data is not there";
	std::map<std::string, int> tally;
	for (const std::string &line : shared_data::lines("relays-wild.txt"))
		for (const UrlMode mode : {UrlMode::Strict, UrlMode::Lenient}) {
			const RelayUrl url = normalise_relay_url(line, mode);
			const std::string prefix = mode == UrlMode::Strict ? "strict " : "lenient ";
			tally[prefix + (url.ok() ? network_name(url.network) : url.reason)]++;
			if (url.ok())
				expect_idempotent(url);
		}
	const std::map<std::string, int> expected = {
		{"lenient bad_ipv4", 1},
		{"strict bad_ipv4", 1},
		{"lenient bad_label", 4},
		{"strict bad_label", 3},
		{"lenient bad_onion", 5},
		{"strict bad_onion", 5},
		{"lenient bad_scheme", 1},
		{"strict bad_scheme", 1},
		{"lenient bad_tld", 1},
		{"strict bad_tld", 1},
		{"lenient clearnet", 8137},
		{"strict clearnet", 8137},
		{"lenient embedded_scheme", 2},
		{"strict embedded_scheme", 2},
		{"lenient empty_host", 1},
		{"strict empty_host", 1},
		{"lenient inner_whitespace", 2},
		{"strict inner_whitespace", 2},
		{"lenient local", 1465},
		{"strict local", 1465},
		{"lenient loki", 1},
		{"strict loki", 1},
		{"strict no_scheme", 1},
		{"lenient path_charset", 4},
		{"strict path_charset", 4},
		{"lenient single_label", 4},
		{"strict single_label", 4},
		{"lenient tor", 953},
		{"strict tor", 953},
		{"lenient userinfo", 1},
		{"strict userinfo", 1},
	};
	EXPECT_EQ(tally, expected);
}
