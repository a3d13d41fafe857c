#include <gtest/gtest.h>

#include "nostr/nip19.h"
#include "nostr/packed_tags.h"
#include "nostr/relay_mentions.h"
#include "shared_data.h"

using namespace nostr;

namespace {

std::string
packed(const std::string &json)
{
	std::string out(packed_size_bound(json.size()), '\0');
	size_t size = 0;
	EXPECT_EQ(pack_tags(json, out.data(), size), TagsFault::None) << json;
	out.resize(size);
	return out;
}

/* "place url" or "place !reason", joined by commas. */
std::string
mentions(int32_t kind, const std::string &tags, const std::string &content = {})
{
	static RelayMentions finder;
	std::string out;
	for (const RelayMention &mention : finder.of(kind, packed(tags), content)) {
		out += out.empty() ? "" : ", ";
		out += mention_place_name(mention.place);
		out +=
			mention.relay.ok() ? " " + mention.relay.url : std::string(" !") + mention.relay.reason;
	}
	return out;
}

} // namespace

TEST(RelayMentions, RelayLists)
{
	EXPECT_EQ(mentions(10002, R"([["r","wss://A.com/"],["r","b.com","read"],["r",""]])"),
			  "relay_list wss://a.com, relay_list wss://b.com");
	EXPECT_EQ(mentions(10002, R"([["r","no relay"],["r","wss://u:p@a.com"]])"),
			  "relay_list !inner_whitespace, relay_list !userinfo");
	EXPECT_EQ(mentions(10050, R"([["relay","a.com"],["x","a.com"]])"), "list wss://a.com");
	EXPECT_EQ(mentions(10006, R"([["relay","a.com"]])"), "blocked wss://a.com");
	EXPECT_EQ(mentions(30002, R"([["d","x"],["relay","a.com"],["r","b.com"]])"),
			  "list wss://a.com, list wss://b.com");
	EXPECT_EQ(mentions(10009, R"([["group","id","a.com","wss://n.com"],["r","b.com"]])"),
			  "list wss://a.com, hint wss://n.com, list wss://b.com");
	EXPECT_EQ(mentions(10317, R"([["g","wss://a.com"]])"), "list wss://a.com");
	EXPECT_EQ(mentions(1, R"([["g","u4pruy"]])"), "");
	EXPECT_EQ(mentions(30166, R"([["d","wss://a.com/"],["r","b.com"]])"),
			  "monitor wss://a.com, monitor wss://b.com");
	EXPECT_EQ(mentions(30166, R"([["d",")" + std::string(64, 'a') + R"("]])"), "");
	EXPECT_EQ(mentions(10040, R"([["30382:rank","key","a.com"],["rank","key","b.com"]])"),
			  "event wss://a.com");
}

TEST(RelayMentions, TagsOfEvents)
{
	EXPECT_EQ(mentions(9734, R"([["relays","wss://a.com","b.com","wss://a.com/"]])"),
			  "event wss://a.com, event wss://b.com");
	EXPECT_EQ(mentions(34550, R"([["relay","a.com","author"]])"), "event wss://a.com");
	EXPECT_EQ(mentions(5100, R"([["i","x","text","a.com"],["param","relays","b.com","c.com"]])"),
			  "event wss://a.com, event wss://b.com, event wss://c.com");
	EXPECT_EQ(mentions(1, R"([["param","relays","b.com"]])"), "");
	EXPECT_EQ(mentions(62, R"([["relay","ALL_RELAYS"],["relay","wss://a.com"]])"),
			  "hint wss://a.com");
	EXPECT_EQ(mentions(30617, R"([["clone","https://h.com/npub1x/y.git","https://h.com/z.git"]])"),
			  "event wss://h.com");
	EXPECT_EQ(mentions(37516, R"([["r","a.com"]])"), "event wss://a.com");
}

TEST(RelayMentions, Hints)
{
	EXPECT_EQ(mentions(1, R"([["e","id","wss://a.com"],["p","k"," WS://b.com"],["z","a.com"]])"),
			  "hint wss://a.com, hint ws://b.com");
	EXPECT_EQ(mentions(1, R"([["imeta","wss://a.com"],["proxy","wss://a.com"],["u","wss://"]])"),
			  "hint !empty_host");
	EXPECT_EQ(mentions(1, R"([["e","id","wss://a.com,wss://b.com wss://c"]])"),
			  "hint wss://a.com, hint wss://b.com");
	EXPECT_EQ(mentions(1, R"([["e","id","wss://)" + std::string(2100, 'a') + R"("]])"), "");
	EXPECT_EQ(mentions(1, R"([["wss://a.com","https://wss://b.com"]])"), "");
}

TEST(RelayMentions, Contents)
{
	EXPECT_EQ(mentions(3, R"([["p","k","wss://h.com"]])",
					   R"({"wss:\/\/a.com":{"read":true},"b.com":{}})"),
			  "hint wss://h.com, contacts wss://a.com, contacts wss://b.com");
	EXPECT_EQ(mentions(3, "[]", R"({"wss://a.com":)"), "text wss://a.com");
	EXPECT_EQ(mentions(2, "[]", "a.com"), "recommended wss://a.com");
	EXPECT_EQ(mentions(40, "[]", R"({"name":"wss://n.com","relays":["a.com",1,"wss://b.com"]})"),
			  "event wss://a.com, event wss://b.com");
	EXPECT_EQ(mentions(4, "[]", "wss://a.com"), "");
}

TEST(RelayMentions, Texts)
{
	EXPECT_EQ(mentions(1, "[]", "try wss://a.com. (ws://b.com/x) <wss://c.com>,\"WSS://d.com\\n\""),
			  "text wss://a.com, text ws://b.com/x, text wss://c.com, text wss://d.com");
	EXPECT_EQ(mentions(1, "[]", "https://a.com awss://b.com -wss://c.com wss://"),
			  "text wss://c.com");
	EXPECT_EQ(mentions(1, "[]",
					   "wss://a.com\xe3\x80\x82 wss://b.com\xef\xbc\x8cx "
					   "wss://[2606:4700::1]:80/ wss://u:p@c.com"),
			  "text wss://a.com, text wss://b.com, text wss://[2606:4700::1]:80, text !userinfo");
	EXPECT_EQ(
		mentions(1, "[]", "bunker://key?relay=wss%3A%2F%2Fa.com&secret=wss%3A&relay=wss://b.com"),
		"connection wss://a.com, connection wss://b.com");
	EXPECT_EQ(mentions(1, "[]", "nostr+walletconnect://k?secret=s&relay=wss://a.com"),
			  "connection wss://a.com");
	EXPECT_EQ(mentions(1, "[]", "nostr://npub1x/a.com/id nostr://npub1x/id"),
			  "connection wss://a.com");
}

TEST(RelayMentions, Nip19)
{
	const std::string profile =
		"nprofile1qqsrhuxx8l9ex335q7he0f09aej04zpazpl0ne2cgukyawd24mayt8gpp4m"
		"hxue69uhhytnc9e3k7mgpz4mhxue69uhkg6nzv9ejuumpv34kytnrdaksjlyr9p";
	EXPECT_EQ(mentions(1, "[]", "hi nostr:" + profile + "!"),
			  "nip19 wss://r.x.com, nip19 wss://djbas.sadkb.com");
	EXPECT_EQ(mentions(1, "[]", "x" + profile + " 1" + profile), "");
	EXPECT_EQ(mentions(1, "[]", "nrelay1qqthwumn8ghj7un9d3shjtn90psk6urvv5hxxmmdu9x9vf"),
			  "nip19 wss://relay.example.com");
	std::string note;
	Nip19 entity;
	entity.key.emplace();
	entity.type = Nip19Type::Note;
	ASSERT_EQ(encode_nip19(entity, note), nullptr);
	EXPECT_EQ(mentions(1, "[]", note), "");
}

TEST(RelayMentions, EventsInsideOfEvents)
{
	const std::string request =
		R"({\"kind\":9734,\"tags\":[[\"relays\",\"a.com\"]],\"content\":\"wss://t.com\"})";
	EXPECT_EQ(mentions(9735, R"([["description",")" + request + R"("]])"),
			  "embedded wss://a.com, text wss://t.com");
	EXPECT_EQ(mentions(6100, R"([["request",")" + request + R"("]])"),
			  "embedded wss://a.com, text wss://t.com");
	EXPECT_EQ(mentions(1, R"([["description",")" + request + R"("]])"), "");
	const std::string repost = R"({"kind":1,"tags":[["e","x","wss://a.com"]],"content":"c"})";
	EXPECT_EQ(mentions(6, "[]", repost), "embedded wss://a.com");
	EXPECT_EQ(mentions(6, "[]", "see wss://b.com"), "text wss://b.com");
	std::string nested = repost;
	for (int i = 0; i < 5; i++) {
		std::string quoted;
		append_json_string(nested, quoted);
		nested = R"({"kind":6,"tags":[["e","x","wss://d)" + std::to_string(i) +
				 R"(.com"]],"content":)" + quoted + "}";
	}
	EXPECT_EQ(mentions(6, "[]", nested).substr(0, 46),
			  "embedded wss://d4.com, embedded wss://d3.com, ");
}

TEST(RelayMentions, Bounded)
{
	RelayMentions finder;
	std::string tags = "[[\"relays\"", text;
	for (int i = 0; i < 1000; i++) {
		tags += ",\"wss://h" + std::to_string(i) + ".com\"";
		text += "wss://t" + std::to_string(i) + ".com ";
	}
	EXPECT_EQ(finder.of(9734, packed(tags + "]]"), text).size(), RelayMentions::kMostMentions);
	EXPECT_EQ(finder.of(1, {}, text).size(), RelayMentions::kMostMentions);
	EXPECT_EQ(finder.of(1, {}, {}).size(), 0U);
	tags = "[";
	for (int i = 0; i < 2 * static_cast<int>(RelayMentions::kMostNames); i++)
		tags += R"(["p","k","wss://same.com"],)";
	EXPECT_EQ(finder.of(3, packed(tags + R"(["p","k","wss://other.com"]])"), {}).size(), 2U);
	std::string hostile;
	for (int i = 0; i < 200000; i++)
		hostile += "ws://";
	EXPECT_EQ(finder.of(1, {}, hostile).size(), 0U + finder.of(1, {}, hostile).size());
}
