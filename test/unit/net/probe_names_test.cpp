/* Visits of a monitor: names, addresses, and networks behind proxies. */
#include <gtest/gtest.h>

#include "name_server.h"
#include "scripted_proxy.h"
#include "visited_relay.h"

using namespace test;
using wire::Outcome;
using wire::Step;
using wire::Verdict;

TEST(NetProbe, NamesAndAddresses)
{
	NameServer names(NameServer::Names{{"good.example.com", {"127.0.0.1"}},
									   {"silent.example.com", {""}},
									   {"failing.example.com", {kFails}},
									   {"alias.example.com", {"www.example.com."}},
									   {"www.example.com", {"good.example.com."}},
									   {"inside.example.com", {"10.0.0.1"}}});
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay relay(answer_all, options);
	const std::string port = ":" + std::to_string(relay.port());
	{
		Prober prober(quick(), names.address());
		Found found = prober.probe("ws://good.example.com" + port);
		EXPECT_EQ(found.verdict, Verdict::Nostr);
		EXPECT_EQ(found.step(Step::Names).outcome, Outcome::Ok);
		EXPECT_GT(found.step(Step::Names).microseconds, 0);
		EXPECT_EQ(found.addresses, std::vector<std::string>{"127.0.0.1"});
		EXPECT_EQ(found.ttl, 60);
		EXPECT_EQ(found.cname, "");

		/* What it stands for, however many names lead there. */
		found = prober.probe("ws://alias.example.com" + port);
		EXPECT_EQ(found.verdict, Verdict::Nostr);
		EXPECT_EQ(found.cname, "good.example.com");
		EXPECT_EQ(found.addresses, std::vector<std::string>{"127.0.0.1"});

		found = prober.probe("ws://missing.example.com" + port);
		EXPECT_EQ(found.verdict, Verdict::Down);
		EXPECT_EQ(found.step(Step::Names).reason, "dns_failed");
		EXPECT_GT(found.step(Step::Names).microseconds, 0);

		/* That is an answer, too. */
		found = prober.probe("ws://failing.example.com" + port);
		EXPECT_EQ(found.verdict, Verdict::Down);
		EXPECT_EQ(found.step(Step::Names).reason, "dns_failed");

		found = prober.probe("ws://127.0.0.1:" + std::to_string(closed_port()));
		EXPECT_EQ(found.verdict, Verdict::Down);
		EXPECT_EQ(found.step(Step::Connect).reason, "connection_refused");
		EXPECT_GT(found.step(Step::Connect).microseconds, 0);

		found = prober.probe("ws://127.0.0.1:25");
		EXPECT_EQ(found.verdict, Verdict::Refused);
		EXPECT_EQ(found.step(Step::Connect).reason, "blocked_port");
		EXPECT_EQ(found.step(Step::Connect).microseconds, -1);

		/* No name server says anything: it may be this side that is cut off. */
		found = prober.probe("ws://silent.example.com" + port);
		EXPECT_EQ(found.verdict, Verdict::Blind);
		EXPECT_EQ(found.step(Step::Names).reason, "name_servers_silent");
		EXPECT_GE(found.step(Step::Names).microseconds, kPatience);
	}
	wire::ProbeSettings settings = quick();
	settings.dial.allow_local_relays = false;
	Prober prober(settings, names.address());
	Found found = prober.probe("ws://inside.example.com" + port);
	EXPECT_EQ(found.verdict, Verdict::Refused);
	EXPECT_EQ(found.step(Step::Names).reason, "local_address");
	EXPECT_EQ(found.addresses, std::vector<std::string>{"10.0.0.1"});
	found = prober.probe("ws://127.0.0.1" + port);
	EXPECT_EQ(found.verdict, Verdict::Refused);
	EXPECT_EQ(relay.connections(), 4); // of the two good visits
}

/* RFC 2181: 2^31 and more mean 0. */
TEST(NetProbe, NamesThatMayBeKeptForEver)
{
	NameServer names(NameServer::Names{{"good.example.com", {"127.0.0.1"}}}, false);
	names.set_ttl(UINT32_MAX);
	names.start();
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay relay(answer_all, options);
	Prober prober(quick(), names.address());
	const Found found = prober.probe("ws://good.example.com:" + std::to_string(relay.port()));
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.ttl, 0);
}

/* Every spelling of an address that is not public. Those that stand for 127.0.0.1 would reach the
 * relay. */
TEST(NetProbe, NamesOfPrivateAddresses)
{
	const char *addresses[] = {"127.0.0.1",
							   "0.0.0.0",
							   "10.0.0.1",
							   "100.64.0.1",
							   "169.254.169.254",
							   "192.168.0.1",
							   "::1",
							   "::",
							   "::ffff:127.0.0.1",
							   "::127.0.0.1",
							   "64:ff9b::7f00:1",
							   "64:ff9b:1::7f00:1",
							   "2002:7f00:1::1",
							   "2001:0:7f00:1::1",
							   "fe80::1",
							   "fd00::1",
							   "ff02::1"};
	NameServer::Names table;
	for (size_t i = 0; i < std::size(addresses); i++)
		table["name" + std::to_string(i) + ".example.com"] = {addresses[i]};
	NameServer names(table);
	ScriptedRelay relay(answer_all, {.document = kDocument});
	wire::ProbeSettings settings = quick();
	settings.dial.allow_local_relays = false;
	Prober prober(settings, names.address());
	for (size_t i = 0; i < std::size(addresses); i++) {
		const Found found = prober.probe("ws://name" + std::to_string(i) +
										 ".example.com:" + std::to_string(relay.port()));
		EXPECT_EQ(found.verdict, Verdict::Refused) << addresses[i];
		EXPECT_EQ(found.step(Step::Names).reason, "local_address") << addresses[i];
		EXPECT_EQ(found.addresses.size(), 1u) << addresses[i];
		EXPECT_EQ(found.address, "") << addresses[i];
		EXPECT_EQ(found.step(Step::Connect).outcome, Outcome::NotRun) << addresses[i];
		EXPECT_EQ(found.step(Step::Document).outcome, Outcome::NotRun) << addresses[i];
	}
	EXPECT_EQ(relay.connections(), 0);
}

constexpr const char *kOnion =
	"ws://rgwwj75k7qddogklx5dqy7fxzxkcio2mhpz6xif7wnih6ahzsnk55pad.onion";

TEST(NetProbe, OverlayNetworks)
{
	ScriptedRelay::Options options;
	options.document = kDocument;
	ScriptedRelay relay(answer_all, options);
	Asked asked;
	ScriptedProxy proxy(socks5(relay.port(), asked));
	const std::string url = proxy.url("socks5h");
	wire::ProbeSettings settings = Prober::default_settings();
	settings.dial.tor_proxy = url;
	Prober prober(settings);
	Found found = prober.probe(kOnion);
	EXPECT_EQ(found.verdict, Verdict::Nostr);
	EXPECT_EQ(found.step(Step::Names).outcome, Outcome::NotRun);
	EXPECT_EQ(found.step(Step::Names).reason, "overlay_network");
	EXPECT_EQ(found.step(Step::Document).outcome, Outcome::Ok);
	EXPECT_EQ(found.address, "");
	EXPECT_TRUE(found.addresses.empty());
	EXPECT_EQ(proxy.connections(), 2);
}

TEST(NetProbe, OverlayNetworksWithoutAProxy)
{
	Prober prober;
	Found found = prober.probe(kOnion);
	EXPECT_EQ(found.verdict, Verdict::Unreachable);
	EXPECT_EQ(found.step(Step::Connect).reason, "no_proxy");
}

/* Tor without a network says what it says of a service that is gone: the verdict is the database's.
 */
TEST(NetProbe, OverlayNetworksThatTheProxyDoesNotReach)
{
	ScriptedProxy proxy([](test::Client &client) {
		client.read(4);
		client.send(std::string("\5\0", 2));
		client.read(5);
		client.send("\5\6");
		client.linger();
	});
	const std::string url = proxy.url("socks5h");
	wire::ProbeSettings settings = Prober::default_settings();
	settings.dial.tor_proxy = url;
	Prober prober(settings);
	Found found = prober.probe(kOnion);
	EXPECT_EQ(found.verdict, Verdict::Down);
	EXPECT_EQ(found.step(Step::Connect).reason, "overlay_unreachable");
}
