/* Messages of both directions: cases written out here. */
#include "nostr/relay_request.h"

#include <gtest/gtest.h>

#include "../../tools/corpus.h"

using nostr::MessageType;
using nostr::Reject;
using nostr::RelayMessage;

namespace {

class Messages : public testing::Test
{
  protected:
	Reject parse(const std::string &frame) { return parser_.parse(frame, message_); }

	nostr::MessageParser parser_;
	RelayMessage message_;
	CorpusGenerator corpus_{1, 3};
};

TEST_F(Messages, Event)
{
	nostr::Event event = corpus_.next();
	std::string json = nostr::to_json(event);
	ASSERT_EQ(parse("[\"EVENT\",\"s1\"," + json + "]"), Reject::None);
	EXPECT_EQ(message_.type, MessageType::Event);
	EXPECT_EQ(message_.subscription, "s1");
	EXPECT_EQ(message_.event.id, event.id);
	EXPECT_EQ(message_.event.content, event.content);

	EXPECT_EQ(parse(" [ \"EVENT\" ,\n\"s1\",\t" + json + " , {\"x\":[1]} ] "), Reject::None);
	EXPECT_EQ(parse("[\"\\u0045VENT\",\"s\\u0031\"," + json + "]"), Reject::None);
	EXPECT_EQ(message_.subscription, "s1");
}

TEST_F(Messages, RefusedEventKeepsItsSubscription)
{
	std::string json = nostr::to_json(corpus_.next());
	std::string wrong = json;
	wrong[8] = wrong[8] == 'a' ? 'b' : 'a';
	const std::pair<std::string, Reject> cases[] = {
		{"[\"EVENT\",\"s1\"," + wrong + "]", Reject::IdMismatch},
		{"[\"EVENT\",\"s1\",{}]", Reject::MissingField},
		{"[\"EVENT\",\"s1\",null]", Reject::NotAnObject},
		{"[\"EVENT\",\"s1\",[" + json + "]]", Reject::NotAnObject},
		{"[\"EVENT\",\"s1\"]", Reject::BadMessage},
		{"[\"EVENT\",\"s1\"", Reject::BadJson},
		{"[\"EVENT\",\"s1\"," + json, Reject::BadJson},
		{"[\"EVENT\",\"s1\"," + json + "]]", Reject::BadJson},
		{"[\"EVENT\",\"s1\"," + json + ",]", Reject::BadJson},
		{"[\"EVENT\",\"s1\"," + json + "}", Reject::BadJson},
	};
	for (const auto &[frame, reason] : cases) {
		EXPECT_EQ(parse(frame), reason) << frame;
		EXPECT_EQ(message_.type, MessageType::Event);
		EXPECT_EQ(message_.subscription, "s1");
	}
	EXPECT_EQ(parse("[\"EVENT\"," + json + "]"), Reject::BadMessage);
	EXPECT_EQ(message_.subscription, "");
	EXPECT_EQ(parse("[\"EVENT\",1," + json + "]"), Reject::BadMessage);
}

TEST_F(Messages, EventLimits)
{
	std::string json = nostr::to_json(corpus_.next());
	nostr::Limits limits;
	limits.event_bytes = json.size();
	EXPECT_EQ(nostr::MessageParser(limits).parse("[\"EVENT\",\"s1\", " + json + " ]    ", message_),
			  Reject::None);
	limits.event_bytes--;
	EXPECT_EQ(nostr::MessageParser(limits).parse("[\"EVENT\",\"s1\"," + json + "]", message_),
			  Reject::TooLarge);

	/* The depth counts from the outermost array. */
	limits = {};
	for (int deep : {0, 1}) {
		std::string value =
			std::string(limits.depth - 2 + deep, '[') + std::string(limits.depth - 2 + deep, ']');
		std::string more = json.substr(0, json.size() - 1) + ",\"x\":" + value + "}";
		EXPECT_EQ(parse("[\"EVENT\",\"s1\"," + more + "]"), deep ? Reject::TooDeep : Reject::None);
	}
	EXPECT_EQ(parse(std::string(100000, '[')), Reject::TooDeep);
	EXPECT_EQ(parse("[\"NOTICE\",\"x\"," + std::string(100000, '[')), Reject::TooDeep);
}

TEST_F(Messages, EndOfStoredEvents)
{
	const std::pair<const char *, bool> cases[] = {
		{R"(["EOSE","s1"])", false},
		{R"(["EOSE","s1",["more"]])", true},
		{R"(["EOSE","s1","more"])", true},
		{R"(["EOSE","s1","finish"])", false},
		{R"(["EOSE","s1",["finish",7,["more"],{"more":1}]])", false},
		{R"(["EOSE","s1",["x","m\u006fre"]])", true},
		{R"(["EOSE","s1",[]])", false},
		{R"(["EOSE","s1",{"more":true}])", false},
		{R"(["EOSE","s1",null,"more"])", false}};
	for (auto [frame, more] : cases) {
		ASSERT_EQ(parse(frame), Reject::None) << frame;
		EXPECT_EQ(message_.type, MessageType::Eose);
		EXPECT_EQ(message_.subscription, "s1");
		EXPECT_EQ(message_.more, more) << frame;
	}
}

TEST_F(Messages, SubscriptionIdsAreShort)
{
	std::string longest(64, 'x');
	EXPECT_EQ(parse("[\"EOSE\",\"" + longest + "\"]"), Reject::None);
	EXPECT_EQ(message_.subscription, longest);
	EXPECT_EQ(parse("[\"EOSE\",\"" + longest + "x\"]"), Reject::BadMessage);
	std::string wide;
	for (int i = 0; i < 64; i++)
		wide += "\U0001f600";
	EXPECT_EQ(parse("[\"EOSE\",\"" + wide + "\"]"), Reject::None);
	EXPECT_EQ(parse("[\"EOSE\",\"" + wide + "x\"]"), Reject::BadMessage);
	EXPECT_EQ(parse("[\"EOSE\",\"\"]"), Reject::BadMessage);
}

TEST_F(Messages, TextIsCutBetweenCharacters)
{
	ASSERT_EQ(parse("[\"NOTICE\",\"" + std::string(1000, 'x') + "\"]"), Reject::None);
	EXPECT_EQ(message_.text, std::string(1000, 'x'));
	ASSERT_EQ(parse("[\"NOTICE\",\"" + std::string(999, 'x') + "é…\"]"), Reject::None);
	EXPECT_EQ(message_.text, std::string(999, 'x'));
	ASSERT_EQ(parse("[\"NOTICE\",\"" + std::string(998, 'x') + "\\u00e9\\u00e9\"]"), Reject::None);
	EXPECT_EQ(message_.text, std::string(998, 'x') + "é");
	ASSERT_EQ(parse("[\"NOTICE\",\"" + std::string(997, 'x') + "\\ud83d\\ude00\"]"), Reject::None);
	EXPECT_EQ(message_.text, std::string(997, 'x'));
	ASSERT_EQ(parse("[\"NOTICE\",\"" + std::string(1000000, 'x') + "\"]"), Reject::None);
	EXPECT_EQ(message_.text.size(), 1000u);
	EXPECT_LT(message_.text.capacity(), 10000u);
	ASSERT_EQ(parse("[\"CLOSED\",\"s1\",\"a\\n\\u0000b\"]"), Reject::None);
	EXPECT_EQ(message_.text, std::string("a\n\0b", 4));
}

TEST_F(Messages, ChallengesAreWholeOrRefused)
{
	EXPECT_EQ(parse(R"(["AUTH","a\"b"])"), Reject::None);
	EXPECT_EQ(message_.text, "a\"b");
	EXPECT_EQ(parse("[\"AUTH\",\"" + std::string(1000, 'x') + "\"]"), Reject::None);
	EXPECT_EQ(parse("[\"AUTH\",\"" + std::string(1001, 'x') + "\"]"), Reject::BadMessage);
}

TEST_F(Messages, Counts)
{
	ASSERT_EQ(parse(R"(["COUNT","c",{"hll":"00","count":18446744073709551615,"x":{}}])"),
			  Reject::None);
	EXPECT_EQ(message_.count, UINT64_MAX);
	EXPECT_FALSE(message_.approximate);
	ASSERT_EQ(parse(R"(["COUNT","c",{"approximate":true,"count":0}])"), Reject::None);
	EXPECT_EQ(message_.count, 0u);
	EXPECT_TRUE(message_.approximate);
	for (const char *bad :
		 {"{}", "{\"count\":1e3}", "{\"count\":18446744073709551616}", "{\"count\":null}",
		  "{\"approximate\":true}", "5", "null", "[1]", "{\"count\":1,\"approximate\":\"yes\"}"})
		EXPECT_EQ(parse("[\"COUNT\",\"c\"," + std::string(bad) + "]"), Reject::BadMessage) << bad;
	EXPECT_EQ(parse(R"(["COUNT","c",{"count":1])"), Reject::BadJson);
}

TEST_F(Messages, StateDoesNotLeakIntoTheNextMessage)
{
	ASSERT_EQ(parse(R"(["EOSE","s1",["more"]])"), Reject::None);
	ASSERT_EQ(parse(R"(["COUNT","c",{"count":7,"approximate":true}])"), Reject::None);
	ASSERT_EQ(parse(R"(["CLOSED","s1","text"])"), Reject::None);
	ASSERT_EQ(parse(R"(["HELLO"])"), Reject::None);
	EXPECT_EQ(message_.type, MessageType::Unknown);
	EXPECT_EQ(message_.subscription, "");
	EXPECT_EQ(message_.text, "");
	EXPECT_EQ(message_.count, 0u);
	EXPECT_FALSE(message_.more || message_.approximate || message_.accepted);
}

TEST_F(Messages, FaultsOfTheText)
{
	EXPECT_EQ(parse("[\"NOTICE\",\"\xff\"]"), Reject::BadUtf8);
	EXPECT_EQ(parse(R"(["NOTICE","\ud800"])"), Reject::BadUtf8);
	EXPECT_EQ(parse(R"(["HELLO",{"a":}])"), Reject::BadJson);
	EXPECT_EQ(parse(R"(["EOSE","s1"]["EOSE","s1"])"), Reject::BadJson);
	EXPECT_EQ(parse(R"(["EOSE","s1",])"), Reject::BadJson);
	EXPECT_EQ(parse(""), Reject::BadJson);
	EXPECT_EQ(parse("[]"), Reject::BadMessage);
	EXPECT_EQ(parse("[null]"), Reject::BadMessage);
	EXPECT_EQ(parse("{\"EVENT\":1}"), Reject::BadMessage);
}

TEST(ClientMessages, Requests)
{
	nostr::ClientMessage message;
	nostr::Window window;
	EXPECT_EQ(nostr::req_message("s1", window), R"(["REQ","s1",{}])");
	window.until = 1760000000;
	window.limit = 500;
	EXPECT_EQ(nostr::req_message("s1", window), R"(["REQ","s1",{"until":1760000000,"limit":500}])");
	window.since = 0;
	std::string text = nostr::req_message("a\"b", window);
	EXPECT_EQ(text, R"(["REQ","a\"b",{"since":0,"until":1760000000,"limit":500}])");
	ASSERT_EQ(nostr::parse_client_message(text, message), Reject::None);
	EXPECT_EQ(message.type, nostr::ClientMessageType::Req);
	EXPECT_EQ(message.subscription, "a\"b");
	EXPECT_EQ(message.filters.size(), 1u);

	EXPECT_EQ(nostr::close_message("s1"), R"(["CLOSE","s1"])");
	EXPECT_EQ(nostr::parse_client_message(R"(["REQ","s",{},{},5])", message), Reject::BadMessage);
	EXPECT_EQ(nostr::parse_client_message(R"(["PING"])", message), Reject::None);
	EXPECT_EQ(message.type, nostr::ClientMessageType::Unknown);
}

/* NIP-77: what we send reads back. */
TEST(ClientMessages, SetReconciliation)
{
	nostr::Window window{.since = 10, .until = 20};
	window.members = R"("kinds":[1])";
	const std::string bytes("\x61\0\xff", 3);
	std::string open = nostr::neg_open_message("n1", window, bytes);
	EXPECT_EQ(open, R"(["NEG-OPEN","n1",{"kinds":[1],"since":10,"until":20},"6100ff"])");
	nostr::ClientMessage message;
	ASSERT_EQ(nostr::parse_client_message(open, message), Reject::None);
	EXPECT_EQ(message.type, nostr::ClientMessageType::NegOpen);
	EXPECT_EQ(message.payload, "6100ff");

	EXPECT_EQ(nostr::neg_message("n1", bytes), R"(["NEG-MSG","n1","6100ff"])");
	EXPECT_EQ(nostr::neg_close_message("n\"1"), R"(["NEG-CLOSE","n\"1"])");
	ASSERT_EQ(nostr::parse_client_message(nostr::neg_close_message("n1"), message), Reject::None);
	EXPECT_EQ(message.type, nostr::ClientMessageType::NegClose);
	EXPECT_EQ(message.payload, "");
}

/* Members of the filter that are given as text stand before those that are written here. */
TEST(ClientMessages, Filters)
{
	nostr::Window window{.since = {}, .until = 5, .limit = {}, .kinds = {1, 30023}};
	window.authors.emplace_back().fill(0xab);
	window.members = R"("#t":["x"])";
	const std::string author =
		R"("abababababababababababababababababababababababababababababababab")";
	EXPECT_EQ(nostr::req_message("s", window),
			  R"(["REQ","s",{"#t":["x"],"until":5,"kinds":[1,30023],"authors":[)" + author + "]}]");
}

TEST(ReasonPrefix, IsOneWord)
{
	EXPECT_EQ(nostr::reason_prefix("auth-required: log in"), "auth-required");
	EXPECT_EQ(nostr::reason_prefix("error:"), "error");
	for (const char *none : {"", ":", ": x", "no colon", "bad req: x", "ERROR: x", "PROTOCOL-ERROR",
							 "blocked", "rate_limited: x", "é: x"})
		EXPECT_EQ(nostr::reason_prefix(none), "") << none;
}

TEST(PeekCreatedAt, FindsTheNumberOrNothing)
{
	using nostr::peek_created_at;
	EXPECT_EQ(peek_created_at(R"(["EVENT","s",{"kind":70000,"created_at": 12,"x":)"), 12);
	EXPECT_EQ(peek_created_at(R"({"content":"\"created_at\":5","created_at":6})"), 6);
	EXPECT_EQ(peek_created_at(R"({"created_at":9223372036854775807})"), INT64_MAX);
	EXPECT_EQ(peek_created_at(R"(["EVENT","s",{"x":{"created_at":3},"created_at":12}])"), 12);
	EXPECT_EQ(peek_created_at(R"(["EVENT","s",{"x":"created_at","created_at":12}])"), 12);
	EXPECT_EQ(peek_created_at(R"(["EVENT","created_at",{"x":["created_at",3],"created_at":12}])"),
			  12);
	EXPECT_EQ(peek_created_at(R"({"\u0063reated_at":6})"), 6);
	for (const char *none : {"", R"({"created_at")", R"({"created_at":"5"})",
							 R"({"created_at":-5})", R"({"created_at":9223372036854775808})",
							 R"({"created_at":1.5})", R"({"created_at":5,"created_at":6})",
							 R"({"x":{"created_at":5}})", R"(["EVENT",{"created_at":5}])"})
		EXPECT_EQ(peek_created_at(none), std::nullopt) << none;
}

} // namespace
