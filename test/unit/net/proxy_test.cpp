/* Relays of overlay networks: reached through the proxy of their network, and in no other way. */
#include <gtest/gtest.h>

#include "certificate.h"
#include "dialing.h"
#include "name_server.h"
#include "net/transport/proxy_handshake.h"
#include "scripted_proxy.h"
#include "scripted_relay.h"

using namespace test;
using namespace std::string_literals;
using net::ProxyHandshake;
using nostr::ProxyKind;
using State = ProxyHandshake::State;

namespace {

const std::string kOnion = "2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion";

const char *
fault_of(std::string_view url)
{
	const char *fault = nostr::parse_proxy_url(url).fault;
	return fault ? fault : "";
}

/* Says to the proxy what is to be said, and passes its bytes on, all at once or one by one. */
State
answer(ProxyHandshake &handshake, const std::string &bytes, bool singly)
{
	handshake.sent(handshake.unsent().size());
	if (singly)
		for (char byte : bytes)
			handshake.received({&byte, 1});
	else
		handshake.received(bytes);
	return handshake.state();
}

net::Config
with_proxy(const std::string &url)
{
	net::Config config = test_config();
	for (auto network : {nostr::Network::Tor, nostr::Network::I2p, nostr::Network::Loki})
		config.proxies[size_t(network)] = url;
	return config;
}

void
say_nothing(Peer &peer)
{
	peer.linger();
}

/* A connection through a proxy that says this. The dialer gives a proxy three times `patience`. An
 * answer takes a while on a busy machine, so `patience` is short only where no answer is due. */
void
expect_failure(ScriptedProxy::Script script, const char *scheme, const char *reason,
			   const std::string &detail,
			   std::chrono::milliseconds patience = std::chrono::seconds(1))
{
	ScriptedProxy proxy(std::move(script));
	net::Config config = with_proxy(proxy.url(scheme));
	config.connect_timeout = patience;
	Dialing dialing("", config);
	dialing.dial("ws://" + kOnion);
	EXPECT_EQ(dialing.reason, reason);
	EXPECT_EQ(dialing.detail, "through the proxy: " + detail);
	EXPECT_FALSE(dialing.socket);
	EXPECT_EQ(proxy.connections(), 1);
}

} // namespace

TEST(NetProxyUrl, Parts)
{
	nostr::ProxyUrl url = nostr::parse_proxy_url("socks5h://tor_1.example:9050");
	EXPECT_STREQ(url.fault, nullptr);
	EXPECT_EQ(url.kind, ProxyKind::Socks5);
	EXPECT_EQ(url.host, "tor_1.example");
	EXPECT_EQ(url.port, 9050);
	url = nostr::parse_proxy_url("http://[::1]:8118/");
	EXPECT_STREQ(url.fault, nullptr);
	EXPECT_EQ(url.kind, ProxyKind::HttpConnect);
	EXPECT_EQ(url.host, "::1");
	EXPECT_EQ(url.port, 8118);
	EXPECT_EQ(nostr::parse_proxy_url("socks5://127.0.0.1:65535").port, 65535);
}

TEST(NetProxyUrl, Faults)
{
	EXPECT_STREQ(fault_of("https://proxy:1"), "The scheme is none of socks5h, socks5 and http.");
	EXPECT_STREQ(fault_of(""), "The scheme is none of socks5h, socks5 and http.");
	EXPECT_STREQ(fault_of("proxy:9050"), "The scheme is none of socks5h, socks5 and http.");
	EXPECT_STREQ(fault_of("http://me:secret@proxy:1"),
				 "The URL names a user, but each relay gets a user name of its own at the proxy.");
	EXPECT_STREQ(fault_of("http://proxy"), "It has no port.");
	EXPECT_STREQ(fault_of("http://[::1]"), "It has no port.");
	for (const char *port : {"", "0", "65536", "999999999999", "-1", "+1", "1x", "1/x"})
		EXPECT_STREQ(fault_of("http://proxy:"s + port),
					 "The port is not a number from 1 to 65535.");
	for (const char *host : {"", "a b", "a/b", "::1", "[]", "[g]", "b\xc3\xbc"})
		EXPECT_STREQ(fault_of("http://"s + host + ":1"),
					 "The host is neither a name nor an address.")
			<< host;
	EXPECT_STREQ(fault_of("http://" + std::string(254, 'a') + ":1"),
				 "The host is neither a name nor an address.");
	EXPECT_STREQ(fault_of("socks5h://" + kOnion + ":1"),
				 "The host is a name of an overlay network.");
}

TEST(NetProxyHandshake, Socks5)
{
	for (bool singly : {false, true})
		for (const std::string &bound :
			 {"\1\x7f\0\0\1\x23\x45"s, "\3\4host\x23\x45"s, "\3\0\x23\x45"s,
			  "\4"s + std::string(16, '\0') + "\x23\x45"s}) {
			ProxyHandshake handshake(ProxyKind::Socks5, "a.onion", 0x1234);
			EXPECT_EQ(handshake.unsent(), "\5\2\0\2"s);
			EXPECT_FALSE(handshake.answered());
			EXPECT_EQ(answer(handshake, "\5\2"s, singly), State::Talking);
			EXPECT_TRUE(handshake.answered());
			EXPECT_EQ(handshake.unsent(), "\1\7a.onion\4"s + "4660");
			EXPECT_EQ(answer(handshake, "\1\0"s, singly), State::Talking);
			EXPECT_EQ(handshake.unsent(), "\5\1\0\3\7a.onion\x12\x34"s);
			EXPECT_EQ(answer(handshake, "\5\0\0"s + bound, singly), State::Open);
			EXPECT_EQ(handshake.unsent(), "");
		}
}

TEST(NetProxyHandshake, Socks5WithoutPassword)
{
	ProxyHandshake handshake(ProxyKind::Socks5, "a.onion", 80);
	EXPECT_EQ(answer(handshake, "\5\0"s, false), State::Talking);
	EXPECT_EQ(handshake.unsent(), "\5\1\0\3\7a.onion\0\x50"s);
}

TEST(NetProxyHandshake, Socks5Faults)
{
	struct Case
	{
		std::vector<std::string> answers; // "": the end
		const char *reason, *detail;
	};
	const std::string many(1000, '\5');
	for (const Case &one : std::vector<Case>{
			 {{""}, "proxy_failed", "the proxy ended the connection"},
			 {{"\5"s, ""}, "proxy_failed", "the proxy ended the connection"},
			 {{"\4"s}, "proxy_failed", "what answers is not a SOCKS5 proxy"},
			 {{"HTTP/1.0 400 Bad"s}, "proxy_failed", "what answers is not a SOCKS5 proxy"},
			 {{"\5\xff"s},
			  "proxy_failed",
			  "the proxy takes no method of authentication that is offered"},
			 {{"\5\1"s}, "proxy_failed", "the proxy chose a method that was not offered"},
			 {{many}, "proxy_failed", "the proxy chose a method that was not offered"},
			 {{"\5\0\5"s}, "proxy_failed", "the proxy sent more than an answer"},
			 {{"\5\2"s, "\5\0"s},
			  "proxy_failed",
			  "the proxy does not answer to a password as RFC 1929 says"},
			 {{"\5\2"s, "\1\1"s}, "proxy_failed", "the proxy wants a password of its own"},
			 {{"\5\2"s, "\1\0\5"s}, "proxy_failed", "the proxy sent more than an answer"},
			 {{"\5\0"s, "\4"s}, "proxy_failed", "the reply of the proxy is not one of SOCKS5"},
			 {{"\5\0"s, "\5\1"s}, "proxy_failed", "general failure"},
			 {{"\5\0"s, "\5\2"s},
			  "proxy_failed",
			  "connection not allowed by the rules of the proxy"},
			 {{"\5\0"s, "\5\4\0\1"s}, "overlay_unreachable", "host unreachable"},
			 {{"\5\0"s, "\5\5"s}, "connection_refused", "connection refused"},
			 {{"\5\0"s, "\5\xf0"s},
			  "overlay_unreachable",
			  "descriptor of the onion service not found"},
			 {{"\5\0"s, "\5\xf4"s},
			  "connection_refused",
			  "the onion service wants a client that it knows"},
			 {{"\5\0"s, "\5\x63"s}, "proxy_failed", "SOCKS5 reply 99"},
			 {{"\5\0"s, "\5\0\0\2\0"s},
			  "proxy_failed",
			  "the reply of the proxy has an unknown type of address"},
			 {{"\5\0"s, "\5\0\0\1\0\0\0\0\0\0!"s},
			  "proxy_failed",
			  "the proxy sent more than an answer"},
			 {{"\5\0"s, "\5\0\0\3\xff"s + many},
			  "proxy_failed",
			  "the proxy sent more than an answer"},
			 {{"\5\0"s, "\5\0\0\1\0\0\0"s, ""},
			  "proxy_failed",
			  "the proxy ended the connection"}}) {
		ProxyHandshake handshake(ProxyKind::Socks5, "a.onion", 80);
		for (const std::string &bytes : one.answers)
			answer(handshake, bytes, false);
		EXPECT_EQ(handshake.state(), State::Failed) << one.detail;
		EXPECT_STREQ(handshake.reason(), one.reason) << one.detail;
		EXPECT_EQ(handshake.detail(), one.detail);
		EXPECT_EQ(answer(handshake, "\5\0"s, false), State::Failed);
	}
}

TEST(NetProxyHandshake, AnswersBeforeTheQuestion)
{
	for (ProxyKind kind : {ProxyKind::Socks5, ProxyKind::HttpConnect}) {
		ProxyHandshake handshake(kind, "a.onion", 80);
		handshake.received("\5");
		EXPECT_EQ(handshake.state(), State::Failed);
		EXPECT_EQ(handshake.detail(), "the proxy answered before it was asked");
	}
}

TEST(NetProxyHandshake, HostsThatAreTooLong)
{
	EXPECT_EQ(ProxyHandshake(ProxyKind::Socks5, std::string(255, 'a'), 80).state(), State::Talking);
	EXPECT_EQ(ProxyHandshake(ProxyKind::Socks5, std::string(256, 'a'), 80).state(), State::Failed);
}

TEST(NetProxyHandshake, HttpConnect)
{
	for (bool singly : {false, true})
		for (const std::string &head :
			 {"HTTP/1.1 200 Connection established\r\nProxy-Agent: x\r\n\r\n"s,
			  "HTTP/1.0 200\r\n\r\n"s, "HTTP/1.1 204 \r\nContent-Length: 9\r\n\r\n"s}) {
			ProxyHandshake handshake(ProxyKind::HttpConnect, "a.onion", 443);
			EXPECT_EQ(handshake.unsent(), "CONNECT a.onion:443 HTTP/1.1\r\nHost: a.onion:443\r\n"
										  "Proxy-Authorization: Basic YS5vbmlvbjo0NDM=\r\n\r\n");
			EXPECT_EQ(answer(handshake, head, singly), State::Open) << handshake.detail();
		}
}

TEST(NetProxyHandshake, HttpConnectFaults)
{
	struct Case
	{
		std::string answer;
		const char *reason;
		std::string detail;
	};
	for (const Case &one : std::vector<Case>{
			 {"\5\0"s, "proxy_failed", "what answers is not an HTTP proxy"},
			 {"HTTP/2 200 \r\n\r\n", "proxy_failed", "what answers is not an HTTP proxy"},
			 {"HTTP/1.1\r\n\r\n", "proxy_failed", "the answer of the proxy has no HTTP status"},
			 {"HTTP/1.1 2x0 \r\n\r\n", "proxy_failed",
			  "the answer of the proxy has no HTTP status"},
			 {"HTTP/1.1-200 \r\n\r\n", "proxy_failed",
			  "the answer of the proxy has no HTTP status"},
			 {"HTTP/1.1 200 OK\r\n\r\nhello", "proxy_failed", "the proxy sent more than an answer"},
			 {"HTTP/1.1 100 Continue\r\n\r\n", "proxy_failed", "HTTP status 100 Continue"},
			 {"HTTP/1.1 407 Proxy \x1b[31m\r\nProxy-Authenticate: Basic\r\n\r\n", "proxy_failed",
			  "HTTP status 407 Proxy ?[31m"},
			 {"HTTP/1.0 404 Not Found (resolve failed)\r\n\r\n", "overlay_unreachable",
			  "HTTP status 404 Not Found (resolve failed)"},
			 {"HTTP/1.1 502 " + std::string(7000, 'x') + "\r\n\r\n", "overlay_unreachable",
			  "HTTP status 502 " + std::string(96, 'x')},
			 {"HTTP/1.1 200 OK\r\n" + std::string(9000, 'x'), "proxy_failed",
			  "the answer of the proxy has no end"}}) {
		ProxyHandshake handshake(ProxyKind::HttpConnect, "a.onion", 443);
		answer(handshake, one.answer, false);
		EXPECT_EQ(handshake.state(), State::Failed) << one.detail;
		EXPECT_STREQ(handshake.reason(), one.reason) << one.detail;
		EXPECT_EQ(handshake.detail(), one.detail);
	}
}

/* Neither resolver nor proxy hears of a name without a way to its network; with one, only the proxy
 * does. */
TEST(NetProxy, NamesOfOverlaysGoToTheProxyOnly)
{
	NameServer names(NameServer::Names{{"proxy.example.com", {"127.0.0.1"}}});
	ScriptedRelay relay(say_nothing);
	Dialing dialing(names.address());
	for (const std::string &host : {kOnion, "relay.i2p"s, "relay.loki"s}) {
		std::string url = "ws://" + host + ":7777";
		dialing.config = test_config();
		dialing.dial(url);
		EXPECT_EQ(dialing.reason, "no_proxy");
		EXPECT_EQ(dialing.detail, host == kOnion ? "tor" : host.substr(host.find('.') + 1));

		Asked asked;
		ScriptedProxy proxy(socks5(relay.port(), asked));
		dialing.config = with_proxy(proxy.url("socks5h"));
		dialing.dial(url);
		EXPECT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
		EXPECT_EQ(asked.all(), std::vector{host + ">" + host + ":7777"});
		EXPECT_EQ(dialing.facts.place, host);
		EXPECT_EQ(dialing.facts.address, "127.0.0.1");
		EXPECT_FALSE(dialing.facts.local);
	}
	EXPECT_EQ(names.askers().size(), 0U);

	/* The proxy itself may have a name, and an address that is not public. */
	Asked asked;
	ScriptedProxy proxy(http_connect(relay.port(), asked));
	dialing.config = with_proxy("http://proxy.example.com:" + std::to_string(proxy.port()));
	dialing.config.allow_local = false;
	dialing.dial("ws://relay.i2p");
	EXPECT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
	EXPECT_EQ(names.askers().size(), 2U); // A and AAAA
	ASSERT_EQ(asked.all().size(), 1U);
	EXPECT_TRUE(asked.all()[0].starts_with("CONNECT relay.i2p:80 HTTP/1.1\r\n")) << asked.all()[0];

	dialing.config = with_proxy("socks5h://nowhere.example.com:1");
	dialing.dial("ws://relay.i2p");
	EXPECT_EQ(dialing.reason, "proxy_failed");
}

TEST(NetProxy, CertificatesAreCheckedAsEver)
{
	Certificate right("DNS:" + kOnion), wrong("DNS:relay.onion");
	for (const char *scheme : {"socks5h", "http"})
		for (const Certificate *shown : {&right, &wrong}) {
			ScriptedRelay relay(say_nothing, {.tls_cert = shown->path()});
			Asked asked;
			ScriptedProxy proxy(*scheme == 's' ? socks5(relay.port(), asked)
											   : http_connect(relay.port(), asked));
			Dialing dialing("", with_proxy(proxy.url(scheme)));
			dialing.dial("wss://" + kOnion);
			EXPECT_EQ(dialing.reason, "tls_failed") << "nobody vouches for the certificate";
			dialing.config.tls_ca_file = shown->path();
			dialing.dial("wss://" + kOnion);
			EXPECT_EQ(dialing.socket != nullptr, shown == &right)
				<< dialing.reason << " " << dialing.detail;
			if (shown == &wrong)
				EXPECT_EQ(dialing.reason, "tls_failed");
			else
				EXPECT_GT(dialing.facts.tls, std::chrono::microseconds(0));
		}
}

TEST(NetProxy, HostileProxies)
{
	auto endless = [](Client &client) {
		client.read(4);
		for (;;)
			client.send(std::string(1000, '\5'));
	};
	auto endless_head = [](Client &client) {
		client.read_until("\r\n\r\n");
		client.send("HTTP/1.1 200 OK\r\n");
		for (;;)
			client.send("X-More: and more\r\n");
	};
	auto say = [](std::string bytes) {
		return [bytes](Client &client) {
			client.read(4);
			client.send(bytes);
			client.linger();
		};
	};
	auto leave = [](Client &client) {
		client.read(4);
		client.send("\5");
	};
	auto leave_at_once = [](Client &client) { client.read(4); };
	auto silent = [](Client &client) { client.linger(); };
	auto silent_later = [](Client &client) {
		client.read(4);
		client.send("\5\0"s);
		client.linger();
	};
	expect_failure(endless, "socks5h", "proxy_failed",
				   "the proxy chose a method that was not offered");
	expect_failure(endless_head, "http", "proxy_failed", "the answer of the proxy has no end");
	expect_failure(say("\4Z"), "socks5h", "proxy_failed", "what answers is not a SOCKS5 proxy");
	expect_failure(say("\5\xff"), "socks5", "proxy_failed",
				   "the proxy takes no method of authentication that is offered");
	expect_failure(say("SSH-2.0-x\r\n"), "http", "proxy_failed",
				   "what answers is not an HTTP proxy");
	expect_failure(leave, "socks5h", "proxy_failed", "the proxy ended the connection");
	expect_failure(leave_at_once, "socks5h", "proxy_failed", "the proxy ended the connection");
	const std::chrono::milliseconds brief(300);
	expect_failure(silent, "socks5h", "proxy_failed", "no answer", brief);
	expect_failure(silent, "http", "proxy_failed", "no answer", brief);
	expect_failure(silent_later, "socks5h", "connect_timeout", "no answer");
}

TEST(NetProxy, ProxyThatIsNotThere)
{
	Dialing dialing("", with_proxy("socks5h://127.0.0.1:" + std::to_string(closed_port())));
	dialing.dial("ws://" + kOnion);
	EXPECT_EQ(dialing.reason, "proxy_failed");
	EXPECT_TRUE(dialing.detail.ends_with(": Connection refused")) << dialing.detail;
}

/* All share the address of the proxy, but each host has places of its own. */
TEST(NetProxy, PlacesAreThoseOfHosts)
{
	ScriptedRelay relay(serve_events(make_events(3, 1000), 10));
	Asked asked;
	ScriptedProxy proxy(socks5(relay.port(), asked));
	std::string url = proxy.url("socks5h");
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.max_per_address = 1;
	settings.dial.i2p_proxy = url;
	Worker worker(settings);
	worker.task(1, "ws://one.i2p", {{0, 5000}}, true);
	worker.task(2, "ws://two.i2p", {{0, 5000}}, true);
	ASSERT_TRUE(worker.until([&] {
		return worker.reported(1, wire::RelayPhase::CaughtUp) &&
			   worker.reported(2, wire::RelayPhase::CaughtUp);
	}));
	worker.task(3, "ws://one.i2p/again", {{0, 5000}});
	ASSERT_TRUE(worker.until_ended(3));
	EXPECT_EQ(worker.ended(3)->reason, "address_full");
	EXPECT_EQ(worker.ended(3)->detail, "one.i2p");
	EXPECT_EQ(worker.events.size(), 3U);
}
