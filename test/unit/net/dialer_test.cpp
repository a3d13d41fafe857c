/* From a URL to an open WebSocket, and what is known of the way. */
#include <atomic>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "certificate.h"
#include "dialing.h"
#include "name_server.h"
#include "scripted_relay.h"

using namespace test;
using std::chrono::microseconds;

namespace {

void
say_nothing(Peer &peer)
{
	peer.linger();
}

} // namespace

TEST(NetDialer, FactsOfAConnection)
{
	NameServer names(NameServer::Names{{"two.example.com", {"127.0.0.2", "127.0.0.1"}}});
	ScriptedRelay relay(say_nothing);
	Dialing dialing(names.address());
	dialing.dial("ws://two.example.com:" + std::to_string(relay.port()));
	ASSERT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
	EXPECT_EQ(dialing.facts.addresses.size(), 2U);
	EXPECT_EQ(dialing.facts.address, "127.0.0.1");
	EXPECT_TRUE(dialing.facts.local);
	EXPECT_GT(dialing.facts.dns, microseconds(0));
	EXPECT_GT(dialing.facts.tcp, microseconds(0));
	EXPECT_EQ(dialing.facts.tls, microseconds(0));
	EXPECT_GT(dialing.facts.upgrade, microseconds(0));
	EXPECT_EQ(dialing.facts.head.status, 101);
	EXPECT_EQ(dialing.facts.name.addresses.size(), 2U);
	EXPECT_EQ(dialing.facts.name.ttl, 60);
	EXPECT_FALSE(dialing.facts.certificate);
}

TEST(NetDialer, HeadersOfTheHandshake)
{
	ScriptedRelay::Options options;
	options.headers = "Server: nginx/1.2\r\nX-Powered-By: a relay\r\n";
	ScriptedRelay relay(say_nothing, options);
	Dialing dialing;
	dialing.dial(relay.url());
	ASSERT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
	EXPECT_EQ(dialing.facts.head.server, "nginx/1.2");
	EXPECT_EQ(dialing.facts.head.powered_by, "a relay");
}

TEST(NetDialer, FactsOfTls)
{
	Certificate certificate("DNS:localhost");
	ScriptedRelay relay(say_nothing, {.tls_cert = certificate.path()});
	net::Config config = test_config();
	config.tls_ca_file = certificate.path();
	Dialing dialing("", config);
	dialing.dial(relay.url());
	ASSERT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
	EXPECT_GT(dialing.facts.tcp, microseconds(0));
	EXPECT_GT(dialing.facts.tls, microseconds(0));
	EXPECT_GT(dialing.facts.upgrade, microseconds(0));
	ASSERT_TRUE(dialing.facts.certificate);
	const net::CertificateFacts &shown = *dialing.facts.certificate;
	EXPECT_EQ(shown.fault, "");
	EXPECT_EQ(shown.protocol, "TLSv1.3");
	EXPECT_EQ(shown.names, std::vector<std::string>{"localhost"});
	EXPECT_EQ(shown.subject, shown.issuer);
	EXPECT_LT(shown.not_before, shown.not_after);
	EXPECT_NE(shown.fingerprint, decltype(shown.fingerprint){});
}

/* It is of another host: the connection ends, and what was shown is known. */
TEST(NetDialer, FactsOfABadCertificate)
{
	Certificate certificate("DNS:other.example.com,IP:192.0.2.7");
	ScriptedRelay relay(say_nothing, {.tls_cert = certificate.path()});
	net::Config config = test_config();
	config.tls_ca_file = certificate.path();
	Dialing dialing("", config);
	dialing.dial(relay.url());
	EXPECT_EQ(dialing.reason, "tls_failed");
	ASSERT_TRUE(dialing.facts.certificate);
	EXPECT_EQ(dialing.facts.certificate->fault, "hostname mismatch");
	EXPECT_EQ(dialing.facts.certificate->protocol, "");
	EXPECT_EQ(dialing.facts.certificate->names,
			  (std::vector<std::string>{"other.example.com", "192.0.2.7"}));
}

TEST(NetDialer, RefusedHandshakeTellsStatusAndRetryAfter)
{
	ScriptedRelay::Options options;
	options.http_answer =
		"HTTP/1.1 429 Too Many Requests\r\nRetry-After: 120\r\nContent-Length: 0\r\n\r\n";
	ScriptedRelay relay(say_nothing, options);
	Dialing dialing;
	dialing.dial(relay.url());
	EXPECT_EQ(dialing.reason, "handshake_failed");
	EXPECT_EQ(dialing.detail, "HTTP status 429");
	EXPECT_EQ(dialing.facts.head.status, 429);
	EXPECT_EQ(dialing.facts.head.retry_after, std::chrono::seconds(120));
	EXPECT_GT(dialing.facts.tcp, microseconds(0));
	EXPECT_EQ(dialing.facts.upgrade, microseconds(0));
}

TEST(NetDialer, FailuresSayWhereAndWhy)
{
	Dialing dialing;
	dialing.dial("ws://127.0.0.1:2");
	EXPECT_EQ(dialing.reason, "connection_refused");
	EXPECT_TRUE(dialing.detail.starts_with("127.0.0.1 port 2: ")) << dialing.detail;

	ScriptedRelay::Options options;
	options.http_answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	ScriptedRelay web_server(say_nothing, options);
	dialing.dial(web_server.url());
	EXPECT_EQ(dialing.reason, "handshake_failed");
	EXPECT_EQ(dialing.detail, "HTTP status 200: a web server answers there, not a relay");

	options.at_once = true; // it does not understand what TLS begins with
	ScriptedRelay plain(say_nothing, options);
	dialing.dial("wss://127.0.0.1:" + std::to_string(plain.port()));
	EXPECT_EQ(dialing.reason, "tls_failed");
	EXPECT_EQ(dialing.detail,
			  "127.0.0.1 port " + std::to_string(plain.port()) +
				  ": the TLS handshake failed; what listens there may not speak TLS");
}

TEST(NetDialer, RetryAfterThatIsNoNumber)
{
	ScriptedRelay::Options options;
	options.http_answer = "HTTP/1.1 503 Busy\r\nRetry-After: Fri, 31 Dec 1999 23:59:59 GMT\r\n"
						  "Content-Length: 0\r\n\r\n";
	ScriptedRelay relay(say_nothing, options);
	Dialing dialing;
	dialing.dial(relay.url());
	EXPECT_EQ(dialing.facts.head.status, 503);
	EXPECT_EQ(dialing.facts.head.retry_after, std::nullopt);
}

TEST(NetDialer, LongHeadersOfProxies)
{
	ScriptedRelay::Options options;
	options.headers = "Content-Security-Policy: " + std::string(12000, 'x') + "\r\n";
	ScriptedRelay relay(say_nothing, options);
	Dialing dialing;
	dialing.dial(relay.url());
	EXPECT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
}

TEST(NetDialer, PortsOfOtherProtocols)
{
	Dialing dialing;
	dialing.dial("ws://127.0.0.1:25");
	EXPECT_EQ(dialing.reason, "blocked_port");
	EXPECT_EQ(dialing.detail, "25");
}

/* Dials addresses in place of names; `reason` of the failure, "" if it is to succeed. */
static void
expect_tls_by_address(const char *names_of_certificate, std::string_view reason)
{
	Certificate certificate(names_of_certificate);
	ScriptedRelay four(say_nothing, {.tls_cert = certificate.path()});
	ScriptedRelay six(say_nothing, {.ipv6 = true, .tls_cert = certificate.path()});
	net::Config config = test_config();
	config.tls_ca_file = certificate.path();
	Dialing dialing("", config);
	for (std::string url : {"wss://127.0.0.1:" + std::to_string(four.port()),
							"wss://[::1]:" + std::to_string(six.port())}) {
		dialing.dial(url);
		EXPECT_EQ(dialing.reason, reason) << dialing.detail;
		EXPECT_EQ(dialing.socket != nullptr, reason.empty());
		EXPECT_EQ(dialing.facts.address, url[6] == '[' ? "::1" : "127.0.0.1");
	}
}

TEST(NetDialer, TlsWithAddresses)
{
	expect_tls_by_address("IP:127.0.0.1,IP:::1", "");
}

TEST(NetDialer, TlsWithTheAddressOfAnother)
{
	expect_tls_by_address("IP:127.0.0.9,IP:::9,DNS:localhost", "tls_failed");
}

TEST(NetDialer, UnreadableCertificatesFailTlsOnly)
{
	ScriptedRelay relay(say_nothing);
	net::Config config = test_config();
	config.tls_ca_file = "/nonexistent/ca.pem";
	Dialing dialing("", config);
	for (int i = 0; i < 2; i++) {
		dialing.dial("wss://127.0.0.1:" + std::to_string(relay.port()));
		EXPECT_EQ(dialing.reason, "tls_failed");
		EXPECT_EQ(dialing.detail, "could not load the certificates of tls_ca_file: "
								  "No such file or directory");
	}
	EXPECT_EQ(dialing.warnings.size(), 1U);
	dialing.dial(relay.url());
	EXPECT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
}

/* Only the certificates of the file count, not those of the system as well. */
TEST(NetDialer, CertificatesOfTheSystem)
{
	Certificate trusted("DNS:localhost"), other("DNS:localhost");
	ScriptedRelay relay(say_nothing, {.tls_cert = trusted.path()});
	setenv("SSL_CERT_FILE", trusted.path().c_str(), 1);
	Dialing dialing;
	dialing.dial(relay.url());
	EXPECT_TRUE(dialing.socket) << dialing.reason << " " << dialing.detail;
	dialing.config.tls_ca_file = other.path();
	dialing.dial(relay.url());
	EXPECT_EQ(dialing.reason, "tls_failed");
	unsetenv("SSL_CERT_FILE");
}

TEST(NetDialer, LateAnswersOfNameServersCallNobody)
{
	NameServer names(NameServer::Names{{"late.example.com", {"127.0.0.1"}}});
	ScriptedRelay relay(say_nothing);
	Dialing dialing(names.address());
	std::string url = "ws://late.example.com:" + std::to_string(relay.port());
	dialing.dialer = std::make_unique<net::Dialer>(dialing.transport, dialing.config, dialing);
	dialing.dialer->start(url);
	dialing.dialer.reset();
	dialing.run_until([&] { return dialing.resolver.names_kept() == 1; });
	EXPECT_FALSE(dialing.socket);
	EXPECT_EQ(dialing.reason, "");
	EXPECT_EQ(relay.connections(), 0);
}

TEST(NetResolver, AnswersAreKeptForTheirTime)
{
	NameServer names(NameServer::Names{{"kept.example.com", {"127.0.0.1"}}});
	ScriptedRelay relay(say_nothing);
	Dialing dialing(names.address());
	std::string url = "ws://kept.example.com:" + std::to_string(relay.port());
	dialing.dial(url);
	size_t asked = names.askers().size();
	EXPECT_EQ(asked, 2U); // A and AAAA
	dialing.dial(url);
	EXPECT_TRUE(dialing.socket);
	EXPECT_EQ(names.askers().size(), asked);
	dialing.clock.advance(std::chrono::seconds(61));
	dialing.dial(url);
	EXPECT_TRUE(dialing.socket);
	EXPECT_EQ(names.askers().size(), 2 * asked);
}

TEST(NetResolver, NamesThatDoNotExistAreKeptShortly)
{
	NameServer names(NameServer::Names{});
	Dialing dialing(names.address());
	dialing.dial("ws://nowhere.example.com");
	EXPECT_EQ(dialing.reason, "dns_failed");
	size_t asked = names.askers().size();
	dialing.dial("ws://nowhere.example.com");
	EXPECT_EQ(dialing.reason, "dns_failed");
	EXPECT_EQ(names.askers().size(), asked);
	dialing.clock.advance(std::chrono::seconds(61));
	dialing.dial("ws://nowhere.example.com");
	EXPECT_EQ(names.askers().size(), 2 * asked);
}

TEST(NetResolver, EachLookUpHasAPortOfItsOwn)
{
	NameServer::Names table;
	for (int i = 0; i < 8; i++)
		table["n" + std::to_string(i) + ".example.com"] = {"127.0.0.1"};
	NameServer names(table);
	Dialing dialing(names.address());
	int answers = 0;
	for (const auto &[name, addresses] : table) {
		auto query = std::make_shared<net::Resolver::Query>();
		query->allow_local = true;
		query->callback = [&](const net::Resolution &) { answers++; };
		dialing.resolver.resolve(name, query);
		dialing.resolver.resolve(name, query); // the same question is asked once
	}
	dialing.run_until([&] { return answers == 16; });
	auto askers = names.askers();
	EXPECT_EQ(askers.size(), 16U);
	EXPECT_EQ(std::set<uint16_t>(askers.begin(), askers.end()).size(), 8U);
}

TEST(NetResolver, NamesKeptAreBounded)
{
	NameServer names(NameServer::Names{});
	Dialing dialing(names.address());
	int answers = 0, asked = 0;
	auto query = std::make_shared<net::Resolver::Query>();
	query->callback = [&](const net::Resolution &) { answers++; };
	for (int round = 0; round < 44; round++) {
		for (int i = 0; i < 100; i++, asked++)
			dialing.resolver.resolve(std::to_string(asked) + ".example.com", query);
		dialing.run_until([&] { return answers == asked; });
	}
	EXPECT_EQ(dialing.resolver.names_kept(), 4096U);
}

static net::Resolution
resolve(Dialing &dialing, const std::string &name)
{
	net::Resolution out;
	bool over = false;
	auto query = std::make_shared<net::Resolver::Query>();
	query->callback = [&](const net::Resolution &resolution) {
		out = resolution;
		over = true;
	};
	dialing.resolver.resolve(name, query);
	dialing.run_until([&] { return over; });
	return out;
}

/* What is not public is left out, even where something public is beside it. */
TEST(NetResolver, PublicAddressesBesidePrivateOnes)
{
	NameServer names(NameServer::Names{
		{"mixed.example.com", {"127.0.0.1", "8.8.8.8", "10.0.0.1", "::1", "2606:4700::1111"}}});
	Dialing dialing(names.address());
	const net::Resolution found = resolve(dialing, "mixed.example.com");
	EXPECT_EQ(found.reason, nullptr);
	std::set<std::string> usable;
	for (const auto &address : found.addresses)
		usable.insert(address.text);
	EXPECT_EQ(usable, (std::set<std::string>{"8.8.8.8", "2606:4700::1111"}));
	EXPECT_EQ(found.name.addresses.size(), 5U); // recorded all the same
}

/* A name server that gives another address the second time. */
TEST(NetResolver, Rebinding)
{
	NameServer names(NameServer::Names{{"turncoat.example.com", {"8.8.8.8"}}});
	Dialing dialing(names.address());
	EXPECT_EQ(resolve(dialing, "turncoat.example.com").reason, nullptr);
	names.change("turncoat.example.com", {"127.0.0.1"});
	/* The screened answer is used as long as it is kept. */
	const net::Resolution kept = resolve(dialing, "turncoat.example.com");
	ASSERT_EQ(kept.addresses.size(), 1U);
	EXPECT_EQ(kept.addresses[0].text, "8.8.8.8");
	dialing.clock.advance(std::chrono::seconds(61));
	const net::Resolution rebound = resolve(dialing, "turncoat.example.com");
	EXPECT_STREQ(rebound.reason, "local_address");
	EXPECT_TRUE(rebound.addresses.empty());
}

/* An answer that came while this process had no processor: how long it waited is known. A part of
 * the time is left, however long that was. */
TEST(NetWebSocket, MessagesThatWaited)
{
	std::atomic<bool> asked = false, may_answer = false, answered = false;
	ScriptedRelay relay([&](Peer &peer) {
		peer.receive();
		asked = true;
		may_answer.wait(false);
		peer.text("late");
		answered = true;
		answered.notify_all();
		peer.linger();
	});
	Dialing dialing;
	dialing.dial(relay.url());
	ASSERT_TRUE(dialing.socket);
	dialing.socket->send("question");
	dialing.run_until([&] { return asked.load(); });
	EXPECT_GT(dialing.socket->written_at(), net::Clock::Time{});
	may_answer = true;
	may_answer.notify_all();
	answered.wait(false);
	constexpr std::chrono::milliseconds busy{100}, ticks{30};
	std::this_thread::sleep_for(busy);
	dialing.run_until([&] { return dialing.messages == 1; });
	EXPECT_LE(dialing.left_of_second, std::chrono::seconds(1) - (busy - ticks));
	EXPECT_GT(dialing.left_of_millisecond, microseconds(0));
}
