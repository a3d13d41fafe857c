#include "nostr/filter.h"
#include "nostr/nip19.h"

#include <map>
#include <set>

#include "shared_data.h"

using namespace nostr;

namespace {

Filter
parsed(std::string_view json)
{
	Filter filter;
	EXPECT_EQ(parse_filter(json, filter), "") << json;
	return filter;
}

std::string
refusal(std::string_view json)
{
	Filter filter;
	return parse_filter(json, filter);
}

constexpr const char *kHex = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798";

std::vector<Event>
events()
{
	EventParser parser;
	std::vector<Event> out;
	for (const std::string &line : shared_data::own_corpus(300)) {
		Event event;
		EXPECT_EQ(parser.parse(line, event), Reject::None);
		out.push_back(event);
	}
	return out;
}

} // namespace

TEST(Filter, AllFields)
{
	std::string hex = kHex;
	Filter f = parsed(
		R"( { "ids" : [")" + hex + R"("], "authors":[")" + hex +
		R"("], "kinds":[7,1,7],)"
		R"("#t":["b","a\u00e9","b"],"#E":["x"],"since":1,"until":2,"limit":0,"search":"hi include:spam  you"})");
	EXPECT_EQ(f.ids->size(), 1u);
	EXPECT_EQ(to_hex(f.authors->at(0).data(), 32), hex);
	EXPECT_EQ(*f.kinds, (std::vector<int32_t>{1, 7}));
	ASSERT_EQ(f.tags.size(), 2u);
	EXPECT_EQ(f.tags[0].name, 't');
	EXPECT_EQ(f.tags[0].values, (std::vector<std::string>{"a\xc3\xa9", "b"}));
	EXPECT_EQ(f.since, 1);
	EXPECT_EQ(f.until, 2);
	EXPECT_EQ(f.limit, 0);
	EXPECT_EQ(f.search, "hi you");
	EXPECT_FALSE(f.matches_nothing());
	EXPECT_EQ(condition_json(f), "{\"ids\":[\"" + hex + "\"],\"authors\":[\"" + hex +
									 "\"],\"kinds\":[1,7],\"#t\":[\"a\xc3\xa9\",\"b\"],"
									 R"("#E":["x"],"since":1,"until":2,"search":"hi you"})");
	EXPECT_EQ(condition_json(parsed("{}")), "{}");
	EXPECT_FALSE(parsed("{}").limit);
	EXPECT_EQ(parsed(R"({"until":9223372036854775807})").until, INT64_MAX);
}

TEST(Filter, MatchesNothing)
{
	for (const char *json : {R"({"ids":[]})", R"({"authors":[]})", R"({"kinds":[]})",
							 R"({"#t":[]})", R"({"since":2,"until":1})"})
		EXPECT_TRUE(parsed(json).matches_nothing()) << json;
	EXPECT_FALSE(parsed(R"({"since":1,"until":1,"limit":0})").matches_nothing());
}

TEST(Filter, Refusals)
{
	EXPECT_EQ(refusal("[]"), "invalid: filter is not an object");
	EXPECT_EQ(refusal("{"), "invalid: filter is not JSON");
	EXPECT_EQ(refusal("{} x"), "invalid: filter is not JSON");
	EXPECT_EQ(refusal(""), "invalid: filter is not JSON");
	EXPECT_EQ(refusal("{\"search\":\"\xff\"}"), "invalid: filter is not UTF-8");
	EXPECT_EQ(refusal(R"({"ids":["ab"]})"),
			  "invalid: ids: exact 64 lower-case hex digits required");
	EXPECT_EQ(refusal(R"({"#p":["ab"]})"), "invalid: #p: exact 64 lower-case hex digits required");
	EXPECT_EQ(refusal(R"({"#t":[1]})"), "invalid: value of #t is not a string");
	EXPECT_EQ(refusal(R"({"#t":"x"})"), "invalid: #t is not an array");
	EXPECT_EQ(refusal(R"({"kinds":[65536]})"), "invalid: kind is not an integer in 0 .. 65535");
	EXPECT_EQ(refusal(R"({"since":-1})"), "invalid: since is not an integer in 0 .. 2^63-1");
	EXPECT_EQ(refusal(R"({"until":9223372036854775808})"),
			  "invalid: until is not an integer in 0 .. 2^63-1");
	EXPECT_EQ(refusal(R"({"limit":null})"), "invalid: limit is not an integer in 0 .. 2^63-1");
	EXPECT_EQ(refusal(R"({"limit":1,"limit":1})"), "invalid: limit appears twice");
	EXPECT_EQ(refusal(R"({"search":[]})"), "invalid: search is not a string");
	EXPECT_EQ(refusal(R"({"#1":["x"]})"), "unsupported: unknown element #1");
	EXPECT_EQ(refusal(R"({"Kinds":[1]})"), "unsupported: unknown element Kinds");

	std::string many = "{\"kinds\":[0";
	for (size_t i = 0; i < Filter::kValues; i++)
		many += ",1";
	EXPECT_EQ(refusal(many + "]}"), "invalid: filter has more than 100000 values");
	EXPECT_EQ(refusal(std::string(Filter::kBytes + 1, ' ')),
			  "invalid: filter is longer than 4194304 bytes");
	EXPECT_EQ(refusal("{\"search\":\"" + std::string(Filter::kSearchBytes + 1, 'x') + "\"}"),
			  "invalid: search is too long");
}

TEST(Filter, KeysAsPeopleWriteThem)
{
	constexpr const char *npub = "npub10xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqpkge6d";
	auto read = [](const std::string &json) {
		Filter filter;
		EXPECT_EQ(parse_filter(json, filter, KeyText::HexOrNip19), "") << json;
		return condition_json(filter);
	};
	auto refused = [](const std::string &json) {
		Filter filter;
		return parse_filter(json, filter, KeyText::HexOrNip19);
	};
	Nip19 entity;
	std::string nprofile, note, nevent;
	ASSERT_EQ(decode_nip19(npub, entity), nullptr);
	entity.type = Nip19Type::Note;
	ASSERT_EQ(encode_nip19(entity, note), nullptr);
	entity.relays = {"wss://relay.example.com"};
	entity.type = Nip19Type::Nprofile;
	ASSERT_EQ(encode_nip19(entity, nprofile), nullptr);
	entity.type = Nip19Type::Nevent;
	ASSERT_EQ(encode_nip19(entity, nevent), nullptr);

	auto list = [](const char *key, const std::string &text) {
		return std::string("{\"") + key + "\":[\"" + text + "\"]}";
	};
	for (const char *key : {"authors", "#p"})
		for (const std::string &text :
			 {std::string(npub), nprofile, std::string("nostr:") + npub, std::string(kHex)})
			EXPECT_EQ(read(list(key, text)), list(key, kHex));
	for (const char *key : {"ids", "#e"})
		for (const std::string &text : {note, nevent, std::string(kHex)})
			EXPECT_EQ(read(list(key, text)), list(key, kHex));

	EXPECT_EQ(
		refused(list("authors", note)),
		"invalid: authors: exact 64 lower-case hex digits, npub or nprofile required (wrong_type)");
	EXPECT_EQ(refused(list("#e", npub)),
			  "invalid: #e: exact 64 lower-case hex digits, note or nevent required (wrong_type)");
	EXPECT_EQ(
		refused(list("ids", note + "q")),
		"invalid: ids: exact 64 lower-case hex digits, note or nevent required (bad_checksum)");
	EXPECT_EQ(refused(list("ids", "me")),
			  "invalid: ids: exact 64 lower-case hex digits, note or nevent required (not_a_key)");
	EXPECT_EQ(refused("{\"ids\":[1]}"),
			  "invalid: ids: exact 64 lower-case hex digits, note or nevent required (not_a_key)");
	EXPECT_EQ(refusal(list("authors", npub)),
			  "invalid: authors: exact 64 lower-case hex digits required"); // of a client
}

TEST(Filter, EveryEventMatchesWhatItIs)
{
	for (const Event &event : events()) {
		std::string id = to_hex(event.id.data(), 32), author = to_hex(event.pubkey.data(), 32);
		std::string at = std::to_string(event.created_at), kind = std::to_string(event.kind);
		EXPECT_TRUE(matches(parsed("{}"), event));
		EXPECT_TRUE(matches(parsed("{\"ids\":[\"" + std::string(kHex) + "\",\"" + id +
								   "\"],\"kinds\":[" + kind + "],\"authors\":[\"" + author +
								   "\"],\"since\":" + at + ",\"until\":" + at + "}"),
							event));
		EXPECT_FALSE(matches(parsed("{\"ids\":[\"" + author + "\"]}"), event));
		EXPECT_FALSE(matches(parsed("{\"authors\":[\"" + id + "\"]}"), event));
		EXPECT_FALSE(matches(parsed("{\"kinds\":[65535]}"), event));
		EXPECT_FALSE(
			matches(parsed("{\"since\":" + std::to_string(event.created_at + 1) + "}"), event));
		EXPECT_FALSE(
			matches(parsed("{\"until\":" + std::to_string(event.created_at - 1) + "}"), event));
		EXPECT_FALSE(matches(parsed(R"({"#t":["no such topic"]})"), event));
	}
}

TEST(Filter, OnlyFirstValuesOfOneLetterCount)
{
	Event event;
	event.tags =
		R"([["t","first","second"],["t"],["tt","x"],["q\"","y"],["d","a\"\n\u0000b"],["1","z"]])";
	EXPECT_TRUE(matches(parsed(R"({"#t":["first"]})"), event));
	EXPECT_FALSE(matches(parsed(R"({"#t":["second"]})"), event));
	EXPECT_FALSE(matches(parsed(R"({"#t":[""]})"), event));
	EXPECT_FALSE(matches(parsed(R"({"#T":["first"]})"), event));
	EXPECT_FALSE(matches(parsed(R"({"#q":["y"]})"), event));
	EXPECT_TRUE(matches(parsed(R"({"#d":["a\"\n\u0000b"],"#t":["first"]})"), event));
	EXPECT_FALSE(matches(parsed(R"({"#d":["a\"\n\u0000b"],"#t":["x"]})"), event));
}

/* What relays answer, limit and currentness aside: those are tested in SQL. */
TEST(Filter, SharedCases)
{
	if (!shared_data::exists("nostr-filter-cases.json"))
		GTEST_SKIP();
	simdjson::dom::parser json;
	simdjson::dom::element root = json.load(shared_data::path("nostr-filter-cases.json").string());
	const std::set<std::string> superseded = {"m1", "d1", "d3"};
	EventParser parser;
	std::map<std::string, Event> named;
	for (auto field : root["events"].get_object())
		ASSERT_EQ(parser.parse(simdjson::minify(field.value), named[std::string(field.key)]),
				  Reject::None);
	for (auto filter : root["refuse"].get_array())
		EXPECT_NE(refusal(simdjson::minify(filter["filter"])), "") << filter;
	for (auto test : root["cases"].get_array()) {
		std::string note = shared_data::member(test, "note");
		std::vector<Filter> filters;
		bool limited = false;
		for (auto filter : test["filters"].get_array()) {
			filters.push_back(parsed(simdjson::minify(filter)));
			limited |= filters.back().limit.has_value();
		}
		std::vector<std::string> expected;
		for (auto name : test["expect"].get_array())
			expected.emplace_back(name.get_string().value());
		for (auto &[name, event] : named) {
			bool any = std::any_of(filters.begin(), filters.end(), [&, e = &event](auto &f) {
				return !f.matches_nothing() && matches(f, *e);
			});
			bool wanted = std::find(expected.begin(), expected.end(), name) != expected.end();
			if (wanted) {
				EXPECT_TRUE(any) << note << ": " << name;
			} else if (!limited && !superseded.contains(name)) {
				EXPECT_FALSE(any) << note << ": " << name;
			}
		}
	}
}
