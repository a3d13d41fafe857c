/* NIP-11 documents, good and odd. */
#include <map>
#include <random>
#include <set>

#include <gtest/gtest.h>
#include <simdjson.h>

#include "../nostr/shared_data.h"
#include "net/job/json_text.h"
#include "net/job/relay_document.h"

using net::read_relay_document;

namespace {

constexpr size_t kMost = 1 << 20;

/* "field:fault" of each. */
std::vector<std::string>
faults(const net::RelayDescription &read)
{
	std::vector<std::string> out;
	for (const auto &fault : read.faults)
		out.push_back(fault.field + ":" + fault.fault);
	return out;
}

using Strings = std::vector<std::string>;

} // namespace

TEST(NetRelayDocument, Canonical)
{
	const auto read = read_relay_document(
		" {\"b\": [1, 2.5, null],\r\n \"a\": {\"z\": \"\\u00e9\\/\", \"y\": true}} ", kMost);
	EXPECT_EQ(read.reason, nullptr);
	EXPECT_EQ(read.json, "{\"a\":{\"y\":true,\"z\":\"\xc3\xa9/\"},\"b\":[1,2.5,null]}");
	EXPECT_EQ(read_relay_document(read.json, kMost).json, read.json);
}

TEST(NetRelayDocument, WrongTypesDoNotSpoilTheRest)
{
	const auto read = read_relay_document(
		R"({"name":1,"description":"d","pubkey":"npub1","contact":null,"tags":["a",2],
			"supported_nips":[11,"1",1,"x",-3,70000,11],"unknown":[],
			"limitation":{"max_limit":500,"auth_required":1,"max_filters":3},
			"fees":{"admission":[{"amount":1,"unit":"sats"}],"publication":[{"amount":"1"}]},
			"retention":{}})",
		kMost);
	EXPECT_EQ(read.reason, nullptr);
	EXPECT_EQ(
		faults(read),
		(Strings{"name:not_a_string", "pubkey:not_a_key", "contact:null", "tags:not_a_string",
				 "retention:not_an_array", "supported_nips:not_an_integer",
				 "limitation.auth_required:not_a_boolean", "fees.publication:not_an_object"}));
}

TEST(NetRelayDocument, CharactersAndNumbersThatJanssonRefuses)
{
	const auto read = read_relay_document(
		"\xef\xbb\xbf{\"k\\u0000\":\"a\\u0000b\\ud800c\\udc00\\\\u0000\\ud83d\\ude00\","
		"\"n\":[99999999999999999999,-1e400,12]}",
		kMost);
	EXPECT_EQ(read.reason, nullptr) << read.detail;
	EXPECT_EQ(read.json, "{\"k\xef\xbf\xbd\":\"a\xef\xbf\xbd"
						 "b\xef\xbf\xbd"
						 "c\xef\xbf\xbd\\\\u0000\xf0\x9f\x98\x80\","
						 "\"n\":[\"99999999999999999999\",\"-1e400\",12]}");
}

TEST(NetRelayDocument, Refused)
{
	EXPECT_STREQ(read_relay_document("", kMost).reason, "not_json");
	EXPECT_STREQ(read_relay_document("  <!DOCTYPE html>", kMost).reason, "web_page");
	EXPECT_STREQ(read_relay_document("[]", kMost).reason, "not_an_object");
	EXPECT_STREQ(read_relay_document("1", kMost).reason, "not_an_object");
	EXPECT_STREQ(read_relay_document("{}{}", kMost).reason, "not_json");
	EXPECT_STREQ(read_relay_document("{\"a\":\"\xff\"}", kMost).reason, "not_json");
	EXPECT_STREQ(read_relay_document("{\"a\":" + std::string(100000, '['), kMost).reason,
				 "too_deep");
	EXPECT_STREQ(read_relay_document("{\"name\":\"" + std::string(200, 'x') + "\"}", 100).reason,
				 "too_large");
}

TEST(NetRelayDocument, DamagedTextsDoNoHarm)
{
	const std::string good = R"({"name":"a\u0000\ud83d\ude00","supported_nips":[1,"2",3.5],)"
							 R"("limitation":{"max_limit":1e3,"auth_required":true},"tags":["x"]})";
	std::mt19937 random(1);
	for (int round = 0; round < 20000; round++) {
		std::string damaged = good.substr(0, round % 3 ? good.size() : random() % good.size());
		for (int i = 0; i < 1 + round % 4 && !damaged.empty(); i++)
			damaged[random() % damaged.size()] =
				char(random() % 2 ? random() : good[random() % 90]);
		const auto read = read_relay_document(damaged, kMost);
		if (!read.reason) {
			EXPECT_TRUE(simdjson::validate_utf8(read.json));
			EXPECT_EQ(read_relay_document(read.json, kMost).json, read.json) << damaged;
		}
	}
}

/* The collection of real and made documents. */
TEST(NetRelayDocument, Collection)
{
	if (!shared_data::exists("nip11/index.jsonl"))
		GTEST_SKIP() << "the shared test data is not there";
	/* Numbers that do not fit are faults for us, and not for the collection. */
	const std::map<std::string, std::string> stricter = {
		{"made-limitation-extreme.json", "limitation.max_subscriptions"},
		{"made-nips-huge.json", "supported_nips"},
		{"made-nips-negative.json", "supported_nips"}};
	simdjson::dom::parser parser;
	size_t count = 0;
	for (const std::string &line : shared_data::lines("nip11/index.jsonl")) {
		const simdjson::padded_string padded(line);
		simdjson::dom::element entry = parser.parse(padded);
		const std::string file = shared_data::member(entry, "file");
		const std::string kind = shared_data::member(entry, "document");
		std::set<std::string> odd;
		for (simdjson::dom::element field : entry["odd_fields"].get_array()) {
			std::string name(field.get_string().value());
			if (name != "supported_nips (duplicates)")
				odd.insert(name.substr(0, name.find(' ')));
		}
		const std::string text = shared_data::text("nip11/" + file);
		const auto read = read_relay_document(text, kMost);
		count++;
		if (kind != "object") {
			EXPECT_NE(read.reason, nullptr) << file;
			continue;
		}
		if (read.reason) {
			EXPECT_STREQ(read.reason, "too_large") << file << ": " << read.detail;
			EXPECT_GT(text.size(), kMost) << file;
			continue;
		}
		std::set<std::string> found;
		for (const auto &fault : read.faults)
			found.insert(fault.field);
		if (auto more = stricter.find(file); more != stricter.end())
			odd.insert(more->second);
		EXPECT_EQ(found, odd) << file;
		EXPECT_EQ(read_relay_document(read.json, kMost).json, read.json) << file;
	}
	EXPECT_EQ(count, 204u);
}
