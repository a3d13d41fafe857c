/* From a URL to an open WebSocket: names, addresses that may be used, TLS, handshake, time-outs. */
#include <future>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <unistd.h>

#include "certificate.h"
#include "name_server.h"
#include "net/relay/heartbeat.h"
#include "scripted_relay.h"
#include "worker.h"

using namespace test;

/* The reason with which a task for `url` ends. */
static Worker::Report
ending(Worker &worker, const std::string &url)
{
	worker.task(9, url, {{0, 5000}});
	if (!worker.until_ended(9))
		return {9, wire::RelayPhase::Ended, "(did not end)", "", 0};
	return *worker.ended(9);
}

static Worker::Report
ending(const std::string &url, wire::ArchiveSettings settings = Worker::default_settings())
{
	Worker worker(settings);
	return ending(worker, url);
}

static ScriptedRelay::Options
http(const std::string &answer)
{
	ScriptedRelay::Options options;
	options.http_answer = answer;
	return options;
}

static void
never(Peer &)
{
	FAIL() << "a WebSocket was opened";
}

/* Until the connection is gone. */
static void
receive_all(Peer &peer)
{
	try {
		for (;;)
			peer.receive();
	} catch (const ConnectionGone &) {
	}
}

TEST(NetConnect, Refused)
{
	EXPECT_EQ(ending("ws://127.0.0.1:" + std::to_string(closed_port())).reason,
			  "connection_refused");
}

TEST(NetConnect, HandshakeForbidden)
{
	ScriptedRelay relay(never, http("HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n"));
	auto end = ending(relay.url());
	EXPECT_EQ(end.reason, "handshake_failed");
	EXPECT_EQ(end.detail, "HTTP status 403");
}

TEST(NetConnect, RedirectIsNotFollowed)
{
	ScriptedRelay target(never);
	ScriptedRelay relay(never, http("HTTP/1.1 301 Moved\r\nLocation: " + target.url() +
									"/\r\nContent-Length: 0\r\n\r\n"));
	auto end = ending(relay.url());
	EXPECT_EQ(end.reason, "handshake_failed");
	EXPECT_EQ(end.detail, "HTTP status 301");
	EXPECT_EQ(target.connections(), 0);
}

TEST(NetConnect, HandshakeWithWrongAccept)
{
	ScriptedRelay relay(never, http("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
									"Connection: Upgrade\r\nSec-WebSocket-Accept: AAAA\r\n\r\n"));
	EXPECT_EQ(ending(relay.url()).reason, "handshake_failed");
}

TEST(NetConnect, HandshakeOfGarbage)
{
	ScriptedRelay relay(never, http("SSH-2.0-OpenSSH_9.2\r\n\r\n"));
	EXPECT_EQ(ending(relay.url()).reason, "handshake_failed");
}

TEST(NetConnect, HandshakeOfEndlessHeaders)
{
	std::string answer = "HTTP/1.1 101 Switching Protocols\r\n";
	for (int i = 0; i < 20000; i++)
		answer += "X-Header-" + std::to_string(i) + ": " + std::string(100, 'x') + "\r\n";
	ScriptedRelay relay(never, http(answer));
	EXPECT_EQ(ending(relay.url()).reason, "handshake_failed");
}

TEST(NetConnect, HandshakeWithoutAnswer)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	sockaddr_in address{};
	address.sin_family = AF_INET;
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	socklen_t size = sizeof address;
	ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr *>(&address), size), 0);
	ASSERT_EQ(listen(fd, 5), 0);
	getsockname(fd, reinterpret_cast<sockaddr *>(&address), &size);
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.connect_timeout_ms = 300;
	std::string port = std::to_string(ntohs(address.sin_port));
	EXPECT_EQ(ending("ws://127.0.0.1:" + port, settings).reason, "connect_timeout");
	EXPECT_EQ(ending("wss://127.0.0.1:" + port, settings).reason, "connect_timeout");
	close(fd);
}

TEST(NetConnect, RequestNamesHostAndUserAgent)
{
	std::string request, port;
	{
		ScriptedRelay relay([&](Peer &peer) { request = peer.request; });
		port = std::to_string(relay.port());
		ending(relay.url() + "/path");
	}
	EXPECT_EQ(request.substr(0, 20), "GET /path HTTP/1.1\r\n");
	for (const std::string &header :
		 {"Host: 127.0.0.1:" + port, std::string("User-Agent: bigbrotr-test")})
		EXPECT_NE(request.find(header + "\r\n"), std::string::npos) << request;
}

TEST(NetConnect, LocalAddressesOnlyIfAllowed)
{
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.allow_local_relays = false;
	ScriptedRelay relay(never);
	std::string port = std::to_string(relay.port());
	EXPECT_EQ(ending("ws://127.0.0.1:" + port, settings).reason, "local_address");
	EXPECT_EQ(ending("ws://[::1]:" + port, settings).reason, "local_address");
	EXPECT_EQ(ending("ws://localhost:" + port, settings).reason, "local_address");
	EXPECT_EQ(relay.connections(), 0);
}

TEST(NetConnect, LocalAddressesOfPublicNames)
{
	ScriptedRelay relay(never);
	NameServer names(NameServer::Names{{"rebound.example.com", {"127.0.0.1", "10.0.0.1"}}});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.allow_local_relays = false;
	Worker worker(settings, names.address().c_str());
	auto end = ending(worker, "ws://rebound.example.com:" + std::to_string(relay.port()));
	EXPECT_EQ(end.reason, "local_address");
	EXPECT_EQ(relay.connections(), 0);
}

TEST(NetConnect, LocalAddressesAreForbiddenWhileOneIsConnected)
{
	ScriptedRelay named(receive_all), written(receive_all);
	NameServer names(NameServer::Names{{"named.example.com", {"127.0.0.1"}}});
	wire::ArchiveSettings settings = Worker::default_settings();
	Worker worker(settings, names.address().c_str());
	worker.task(1, "ws://named.example.com:" + std::to_string(named.port()), {}, true);
	worker.task(2, written.url(), {}, true);
	ASSERT_TRUE(worker.until([&] {
		return worker.reported(1, wire::RelayPhase::Connected) &&
			   worker.reported(2, wire::RelayPhase::Connected);
	}));
	settings.dial.allow_local_relays = false;
	worker.send(settings);
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "local_address");
	EXPECT_EQ(worker.ended(1)->detail, "127.0.0.1");
	/* The worker closes this one, because its URL is local. */
	EXPECT_EQ(worker.ended(2), nullptr);
}

TEST(NetConnect, NamesThatDoNotExist)
{
	NameServer names(NameServer::Names{});
	Worker worker(Worker::default_settings(), names.address().c_str());
	EXPECT_EQ(ending(worker, "wss://nowhere.example.com").reason, "dns_failed");
}

TEST(NetConnect, NameServerThatIsSilent)
{
	NameServer names(NameServer::Names{{"silent.example.com", {""}}});
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.connect_timeout_ms = 300;
	Worker worker(settings, names.address().c_str());
	EXPECT_EQ(ending(worker, "wss://silent.example.com").reason, "dns_timeout");
}

TEST(NetConnect, OtherAddressIsTried)
{
	auto events = make_events(3, 1000);
	ScriptedRelay relay(serve_events(events, 10));
	NameServer names(NameServer::Names{{"two.example.com", {"127.0.0.2", "127.0.0.1"}}});
	Worker worker(Worker::default_settings(), names.address().c_str());
	auto end = ending(worker, "ws://two.example.com:" + std::to_string(relay.port()));
	EXPECT_EQ(end.reason, "");
	EXPECT_EQ(worker.events.size(), 3U);
}

TEST(NetConnect, NetworksWithoutAWay)
{
	auto end = ending("ws://2gzyxa5ihm7nsggfxnu52rck2vv4rvmdlkiu3zzui5du4xyclen53wid.onion");
	EXPECT_EQ(end.reason, "no_proxy");
	EXPECT_EQ(end.detail, "tor");
}

TEST(NetConnect, UrlsThatAreNone)
{
	EXPECT_EQ(ending("https://example.com").reason, "bad_scheme");
}

TEST(NetConnect, SilentRelaysArePinged)
{
	std::promise<int> pings;
	ScriptedRelay relay([&](Peer &peer) {
		peer.receive();
		peer.text(eose_message("live"));
		receive_all(peer);
		pings.set_value(peer.pings);
	});
	Worker worker;
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	worker.clock.advance(net::kPingAfter);
	ASSERT_TRUE(worker.until([&] { return worker.stats["connections"] == 1; }));
	/* Another one is caught up: by then the ping was sent and answered. */
	ScriptedRelay other(serve_events({}, 10));
	worker.task(2, other.url(), {{0, 10}});
	ASSERT_TRUE(worker.until_ended(2));
	EXPECT_EQ(worker.ended(1), nullptr);
	worker.send(wire::RelayStop{1, 1});
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "");
	EXPECT_EQ(pings.get_future().get(), 1);
}

TEST(NetConnect, RelaysThatAnswerNoPingAreLost)
{
	ScriptedRelay relay([&](Peer &peer) {
		peer.answers_pings = false;
		peer.receive();
		peer.text(eose_message("live"));
		peer.receive();
	});
	Worker worker;
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	worker.clock.advance(net::kPingAfter);
	ScriptedRelay other(serve_events({}, 10));
	worker.task(2, other.url(), {{0, 10}});
	ASSERT_TRUE(worker.until_ended(2));
	worker.clock.advance(std::chrono::seconds(21));
	ASSERT_TRUE(worker.until_ended(1));
	EXPECT_EQ(worker.ended(1)->reason, "connection_lost");
}

TEST(NetConnect, StoppedRelaysGetACloseFrame)
{
	std::promise<int> code;
	ScriptedRelay relay([&](Peer &peer) {
		receive_all(peer);
		code.set_value(peer.close_code);
	});
	Worker worker;
	worker.task(1, relay.url(), {}, true);
	ASSERT_TRUE(worker.until([&] { return worker.reported(1, wire::RelayPhase::CaughtUp); }));
	worker.send(wire::RelayStop{1, 1});
	EXPECT_EQ(code.get_future().get(), 1000);
}

static ScriptedRelay::Options
tls(const Certificate &certificate)
{
	ScriptedRelay::Options options;
	options.tls_cert = certificate.path();
	return options;
}

TEST(NetConnect, TlsCertificateOfNobody)
{
	Certificate certificate("DNS:localhost");
	ScriptedRelay relay(never, tls(certificate));
	const auto end = ending(relay.url());
	EXPECT_EQ(end.reason, "tls_failed");
	EXPECT_NE(end.detail.find("the certificate is not valid: self-signed"), end.detail.npos)
		<< end.detail;
}

TEST(NetConnect, TlsCertificateOfATrustedFile)
{
	Certificate certificate("DNS:localhost");
	auto events = make_events(20, 1000);
	ScriptedRelay relay(serve_events(events, 7), tls(certificate));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.tls_ca_file = certificate.path();
	Worker worker(settings);
	auto end = ending(worker, relay.url());
	EXPECT_EQ(end.reason, "");
	EXPECT_EQ(worker.events.size(), 20U);
}

TEST(NetConnect, TlsCertificateOfAnotherHost)
{
	Certificate certificate("DNS:example.org");
	ScriptedRelay relay(never, tls(certificate));
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.tls_ca_file = certificate.path();
	const auto end = ending(relay.url(), settings);
	EXPECT_EQ(end.reason, "tls_failed");
	EXPECT_NE(end.detail.find("the certificate is not valid: hostname mismatch"), end.detail.npos)
		<< end.detail;
}

TEST(NetConnect, TlsSettingIsReloaded)
{
	Certificate certificate("DNS:localhost");
	ScriptedRelay relay(serve_events({}, 7), tls(certificate));
	Worker worker;
	EXPECT_EQ(ending(worker, relay.url()).reason, "tls_failed");
	wire::ArchiveSettings settings = Worker::default_settings();
	settings.dial.tls_ca_file = certificate.path();
	worker.send(settings);
	worker.reports.clear();
	EXPECT_EQ(ending(worker, relay.url()).reason, "");
}

TEST(NetConnect, TlsWithAPlainRelay)
{
	ScriptedRelay::Options options = http("HTTP/1.1 400 Bad Request\r\n\r\n");
	options.at_once = true;
	ScriptedRelay relay(never, options);
	EXPECT_EQ(ending("wss://127.0.0.1:" + std::to_string(relay.port())).reason, "tls_failed");
}
