/* The events of a monitor, tag by tag (NIP-66, NIP-65). */
#include "nostr/monitor_events.h"

#include <gtest/gtest.h>

#include "nostr/keys.h"

using namespace nostr;

namespace {

/* Signed, written and parsed again: every event must survive that. */
Event
through_parser(Event event)
{
	SecretKey secret{};
	secret[31] = 1;
	Signer(secret).sign(event);
	Event parsed;
	EXPECT_EQ(EventParser().parse(to_json(event), parsed), Reject::None);
	EXPECT_TRUE(Verifier().verify(parsed.id, parsed.pubkey, parsed.sig));
	EXPECT_EQ(parsed.tags, event.tags);
	EXPECT_EQ(parsed.content, event.content);
	EXPECT_EQ(parsed.created_at, event.created_at);
	return parsed;
}

} // namespace

TEST(MonitorEvents, RelayDiscovery)
{
	RelayFacts facts;
	facts.url = "wss://relay.example.com";
	facts.checked_at = 1735689660;
	Event bare = through_parser(relay_discovery_event(facts));
	EXPECT_EQ(bare.kind, 30166);
	EXPECT_EQ(bare.created_at, 1735689660);
	EXPECT_EQ(bare.tags, R"([["d","wss://relay.example.com/"],["n","clearnet"]])");
	EXPECT_EQ(bare.content, "");

	facts.network = Network::Tor;
	facts.rtt_open = 184;
	facts.rtt_read = 0;
	facts.rtt_write = 121;
	facts.nips = {1, 11, 77};
	facts.auth = true;
	facts.payment = false;
	facts.writes = false;
	facts.pow = false;
	facts.topics = {"test", "", "a\"b"};
	facts.geohash = "u0nd9";
	facts.languages = {"en", "pt"};
	facts.country = "DE";
	facts.as_number = 64500;
	facts.document = R"({"name":"a \"relay\""})";
	Event full = through_parser(relay_discovery_event(facts));
	EXPECT_EQ(full.tags, R"([["d","wss://relay.example.com/"],["n","tor"],["rtt-open","184"],)"
						 R"(["rtt-read","0"],["rtt-write","121"],["N","1"],["N","11"],["N","77"],)"
						 R"(["R","auth"],["R","!payment"],["R","!writes"],["R","!pow"],)"
						 R"(["t","test"],["t","a\"b"],["g","u0nd9"],)"
						 R"(["L","ISO-639-1"],["l","en","ISO-639-1"],["l","pt","ISO-639-1"],)"
						 R"(["L","ISO-3166-1"],["l","DE","ISO-3166-1"],)"
						 R"(["L","IANA-asn"],["l","64500","IANA-asn"]])");
	EXPECT_EQ(full.content, facts.document);
}

TEST(MonitorEvents, NameOfARelay)
{
	auto name = [](const char *url) {
		RelayFacts facts;
		facts.url = url;
		const std::string tags = relay_discovery_event(facts).tags;
		return tags.substr(7, tags.find("\"]") - 7);
	};
	EXPECT_EQ(name("wss://a.example"), "wss://a.example/");
	EXPECT_EQ(name("ws://[2001:db8::1]:8080"), "ws://[2001:db8::1]:8080/");
	EXPECT_EQ(name("wss://a.example/path"), "wss://a.example/path");
}

TEST(MonitorEvents, Monitor)
{
	MonitorFacts facts;
	facts.frequency = 3600;
	facts.checks = {"open", "nip11"};
	facts.timeouts = {{"open", 5000}, {"nip11", 3000}};
	facts.networks = {Network::Clearnet, Network::I2p};
	Event event = through_parser(monitor_event(facts, 7));
	EXPECT_EQ(event.kind, 10166);
	EXPECT_EQ(event.content, "");
	EXPECT_EQ(event.tags,
			  R"([["frequency","3600"],["timeout","open","5000"],["timeout","nip11","3000"],)"
			  R"(["c","open"],["c","nip11"],["n","clearnet"],["n","i2p"]])");
}

TEST(MonitorEvents, NothingNamesALocalNetwork)
{
	RelayFacts facts;
	facts.url = "ws://127.0.0.1:7777";
	facts.network = Network::Local;
	EXPECT_EQ(relay_discovery_event(facts).tags, R"([["d","ws://127.0.0.1:7777/"]])");
}

TEST(MonitorEvents, WriteCheck)
{
	Event event = through_parser(write_check_event("wss://relay.example.com", 1735689660));
	EXPECT_EQ(event.kind, 30078);
	EXPECT_EQ(event.created_at, 1735689660);
	EXPECT_EQ(event.tags, R"([["d","wss://relay.example.com"],["expiration","1735690260"]])");
}

TEST(MonitorEvents, ProfileAndRelayList)
{
	Event profile = through_parser(profile_event("a \"monitor\"", "line\nbreak", 8));
	EXPECT_EQ(profile.kind, 0);
	EXPECT_EQ(profile.tags, "[]");
	EXPECT_EQ(profile.content, R"({"name":"a \"monitor\"","about":"line\nbreak"})");
	EXPECT_EQ(profile_event("a", "b", 8, "us@example.com").content,
			  R"({"name":"a","about":"b","lud16":"us@example.com"})");
	Event list = through_parser(relay_list_event({"wss://a.example", "wss://b.example/x"}, 9));
	EXPECT_EQ(list.kind, 10002);
	EXPECT_EQ(list.tags, R"([["r","wss://a.example","write"],["r","wss://b.example/x","write"]])");
	EXPECT_EQ(through_parser(relay_list_event({}, 9)).tags, "[]");
}
