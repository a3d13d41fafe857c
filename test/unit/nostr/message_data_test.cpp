/* Messages of both directions: the collected well-formed and hostile ones. */
#include "nostr/relay_request.h"

#include <map>
#include <set>

#include "shared_data.h"

using nostr::ClientMessageType;
using nostr::MessageType;
using nostr::Reject;
using shared_data::member;
using simdjson::dom::element;

namespace {

const std::map<std::string, MessageType> relay_types = {
	{"EVENT", MessageType::Event},    {"EOSE", MessageType::Eose},
	{"CLOSED", MessageType::Closed},  {"NOTICE", MessageType::Notice},
	{"OK", MessageType::Ok},          {"AUTH", MessageType::Auth},
	{"COUNT", MessageType::Count},    {"NEG-MSG", MessageType::NegMsg},
	{"NEG-ERR", MessageType::NegErr}, {"unknown", MessageType::Unknown}};

const std::map<std::string, ClientMessageType> client_types = {
	{"EVENT", ClientMessageType::Event},    {"REQ", ClientMessageType::Req},
	{"CLOSE", ClientMessageType::Close},    {"AUTH", ClientMessageType::Auth},
	{"COUNT", ClientMessageType::Count},    {"NEG-OPEN", ClientMessageType::NegOpen},
	{"NEG-MSG", ClientMessageType::NegMsg}, {"NEG-CLOSE", ClientMessageType::NegClose}};

/* Well-formed as messages; only a negentropy engine can tell that their payload is wrong. */
const std::set<std::string> payload_only = {
	"unknown protocol version",
	"fingerprint cut",
	"id list length varint far beyond the message",
	"varint without end",
	"bound prefix longer than 32 bytes",
	"unknown range mode 9",
};

/* Well-formed; who has the subscriptions ignores them. */
const std::set<std::string> context_only = {
	"subscription id that was never opened: must not be stored as an answer of \"sub\"",
	"valid event which does not match the filter of the subscription (filter {\"kinds\":[0]}): "
	"relays are not trusted",
	"EOSE of an unknown subscription must not end \"sub\"",
	"unknown subscription",
	"no text", // a NOTICE without text is tolerated as an empty one
};

bool
has(const element &object, const char *name)
{
	return object[name].error() == simdjson::SUCCESS && !object[name].is_null();
}

void
check_relay_message(const element &expected, const nostr::RelayMessage &message)
{
	std::string type = member(expected, "type");
	EXPECT_EQ(message.type, relay_types.at(type));
	EXPECT_EQ(message.subscription, member(expected, "sub"));
	if (has(expected, "id")) {
		EXPECT_EQ(nostr::to_hex(message.event.id.data(), 32), member(expected, "id"));
	}
	if (has(expected, "accepted")) {
		EXPECT_EQ(message.accepted, bool(expected["accepted"]));
	}
	if (expected["prefix"].error() == simdjson::SUCCESS) {
		EXPECT_EQ(nostr::reason_prefix(message.text), member(expected, "prefix"));
	}
	for (const char *name : {"text", "challenge", "payload"})
		if (has(expected, name)) {
			EXPECT_EQ(message.text, member(expected, name));
		}
	if (has(expected, "count")) {
		EXPECT_EQ(message.count, uint64_t(expected["count"]));
		EXPECT_EQ(message.approximate, bool(expected["approximate"]));
	}
	if (has(expected, "hints")) {
		bool more = false;
		for (element hint : expected["hints"])
			more |= std::string_view(hint) == "more";
		EXPECT_EQ(message.more, more);
	}
}

void
check_refusal(const element &expected, Reject reason)
{
	EXPECT_EQ(reason == Reject::BadJson, !bool(expected["is_json"])) << nostr::reject_code(reason);
}

TEST(MessageVectors, FromRelay)
{
	if (!shared_data::exists("nostr-messages.json"))
		GTEST_SKIP();
	shared_data::Document document("nostr-messages.json");
	nostr::MessageParser parser;
	nostr::RelayMessage message;
	int count = 0;
	for (element expected : document["from_relay"]) {
		std::string raw = member(expected, "raw");
		SCOPED_TRACE(raw);
		count++;
		Reject reason = parser.parse(raw, message);
		if (member(expected, "type") == "error") {
			EXPECT_NE(reason, Reject::None);
			check_refusal(expected, reason);
		} else {
			ASSERT_EQ(reason, Reject::None);
			if (member(expected, "type") != "unknown")
				check_relay_message(expected, message);
		}
	}
	EXPECT_EQ(count, 26);
}

TEST(MessageVectors, FromClient)
{
	if (!shared_data::exists("nostr-messages.json"))
		GTEST_SKIP();
	shared_data::Document document("nostr-messages.json");
	nostr::ClientMessage message;
	int count = 0;
	for (element expected : document["from_client"]) {
		std::string raw = member(expected, "raw");
		SCOPED_TRACE(raw);
		count++;
		Reject reason = nostr::parse_client_message(raw, message);
		std::string type = member(expected, "type");
		if (type == "error" || type == "ignore") {
			if (reason == Reject::None) {
				EXPECT_EQ(message.type, ClientMessageType::Unknown);
			} else
				check_refusal(expected, reason);
			continue;
		}
		ASSERT_EQ(reason, Reject::None);
		EXPECT_EQ(message.type, client_types.at(type));
		EXPECT_EQ(message.subscription, member(expected, "sub"));
		if (has(expected, "id")) {
			EXPECT_EQ(nostr::to_hex(message.event.id.data(), 32), member(expected, "id"));
		}
		if (has(expected, "filters")) {
			EXPECT_EQ(int64_t(message.filters.size()), int64_t(expected["filters"]));
		}
	}
	EXPECT_EQ(count, 26);
}

TEST(NastyFrames, EveryLine)
{
	if (!shared_data::exists("nasty-frames.jsonl"))
		GTEST_SKIP();
	simdjson::dom::parser json;
	nostr::MessageParser parser;
	nostr::RelayMessage message;
	nostr::ClientMessage client;
	int from_relay = 0, refused = 0;
	for (const std::string &line : shared_data::lines("nasty-frames.jsonl")) {
		element item = json.parse(line);
		std::string input = member(item, "input");
		std::string verdict = member(item, "verdict");
		std::string meaning = member(item, "meaning");
		SCOPED_TRACE(verdict + ": " + meaning + " " + input.substr(0, 100));
		if (member(item, "direction") == "client-to-relay") {
			/* What filters may hold is not judged here. */
			Reject reason = nostr::parse_client_message(input, client);
			if (verdict == "accept") {
				EXPECT_TRUE(reason == Reject::None && client.type != ClientMessageType::Unknown);
			}
			continue;
		}
		from_relay++;
		Reject reason = parser.parse(input, message);
		bool understood = reason == Reject::None && message.type != MessageType::Unknown;
		refused += !understood;
		if (verdict == "accept" || payload_only.count(meaning) || context_only.count(meaning)) {
			EXPECT_TRUE(understood) << nostr::reject_code(reason);
		} else if (verdict != "either") {
			EXPECT_FALSE(understood);
		}
		if (verdict == "accept" && has(item, "input")) {
			EXPECT_LE(message.text.size(), 1000u);
		}
	}
	EXPECT_GT(from_relay, 60);
	EXPECT_GT(refused, 25);
}

} // namespace
