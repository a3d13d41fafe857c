#include <gtest/gtest.h>

#include "nostr/web_url.h"

using namespace nostr;

TEST(WebUrl, Parts)
{
	WebUrl url = parse_web_url("HTTPS://Relay.Example.com:8443/a//b?c=%20&d#e");
	ASSERT_TRUE(url.ok()) << url.reason;
	EXPECT_EQ(url.url, "https://relay.example.com:8443/a//b?c=%20&d");
	EXPECT_TRUE(url.endpoint.tls);
	EXPECT_EQ(url.endpoint.host, "relay.example.com");
	EXPECT_EQ(url.endpoint.port, 8443);
	EXPECT_EQ(url.endpoint.path, "/a//b?c=%20&d");
	EXPECT_EQ(parse_web_url("http://example.com").url, "http://example.com/");
	EXPECT_EQ(parse_web_url("http://example.com:80?x").url, "http://example.com/?x");
	EXPECT_EQ(parse_web_url("https://[2606:4700:4700::1111]/x").endpoint.host,
			  "2606:4700:4700::1111");
	EXPECT_EQ(parse_web_url("http://127.0.0.1/").network, Network::Local);
}

TEST(WebUrl, Refused)
{
	EXPECT_STREQ(parse_web_url("ftp://example.com/").reason, "bad_scheme");
	EXPECT_STREQ(parse_web_url("example.com").reason, "bad_scheme");
	EXPECT_STREQ(parse_web_url("wss://example.com").reason, "bad_scheme");
	EXPECT_STREQ(parse_web_url("").reason, "bad_scheme");
	EXPECT_STREQ(parse_web_url("http://").reason, "empty_host");
	EXPECT_STREQ(parse_web_url("http://u:p@example.com/").reason, "userinfo");
	EXPECT_STREQ(parse_web_url("http://example.com/a b").reason, "path_charset");
	EXPECT_STREQ(parse_web_url("http://example.com/\r\nX: y").reason, "path_charset");
	EXPECT_STREQ(parse_web_url("http://0x7f.1/").reason, "bad_ipv4");
	EXPECT_STREQ(parse_web_url("http://[::ffff:127.0.0.1]/").reason, "ipv4_mapped");
	EXPECT_STREQ(parse_web_url("http://example.com/" + std::string(2000, 'x')).reason, "too_long");
}

TEST(WebUrl, References)
{
	const WebUrl base = parse_web_url("https://example.com/a/b?c=/d");
	auto resolved = [&](std::string_view reference) {
		WebUrl url = resolve_web_url(base, reference);
		return url.ok() ? url.url : url.reason;
	};
	EXPECT_EQ(resolved("x"), "https://example.com/a/x");
	EXPECT_EQ(resolved("/x?y"), "https://example.com/x?y");
	EXPECT_EQ(resolved("?y"), "https://example.com/a/b?y");
	EXPECT_EQ(resolved(""), "https://example.com/a/b");
	EXPECT_EQ(resolved("#f"), "https://example.com/a/b");
	EXPECT_EQ(resolved("//other.example.org/z"), "https://other.example.org/z");
	EXPECT_EQ(resolved("http://other.example.org"), "http://other.example.org/");
	EXPECT_EQ(resolved("javascript:alert(1)"), "bad_scheme");
	EXPECT_EQ(resolved("x/y:z"), "https://example.com/a/x/y:z");
}

TEST(WebUrl, DocumentsOfRelays)
{
	EXPECT_EQ(document_url("wss://relay.example.com").url, "https://relay.example.com/");
	EXPECT_EQ(document_url("ws://relay.example.com:8080/nostr").url,
			  "http://relay.example.com:8080/nostr");
}
