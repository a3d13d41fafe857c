/* What is read out of lists of relays, whatever their form. */
#include <gtest/gtest.h>

#include "net/job/relay_list.h"
#include "wire/fetch.h"

using net::read_relay_list;
using net::RelayList;
using Names = std::vector<std::string>;

namespace {

constexpr size_t kMany = 1000;

Names
names(std::string_view text, std::string_view path)
{
	RelayList list = read_relay_list(text, path, kMany);
	EXPECT_EQ(list.reason, nullptr) << text << ": " << list.detail;
	return list.names;
}

std::string
reason(std::string_view text, std::string_view path = "$[*]")
{
	RelayList list = read_relay_list(text, path, kMany);
	EXPECT_TRUE(list.names.empty());
	EXPECT_EQ(list.reason == nullptr, list.detail.empty());
	return list.reason ? list.reason : "";
}

} // namespace

TEST(NetRelayList, Paths)
{
	const char *document =
		R"({"relays":[{"url":"a","u.x":"b"},{"url":"c"},{"url":["d"]},["e"],"f"],)"
		R"("by":{"k1":["g","h"],"k2":["i"]},"one":"j","_9":{"x":{"y":"k"}}})";
	struct Case
	{
		const char *path;
		Names names;
	};
	/* As PostgreSQL's jsonpath has it; test/t/094_lists.pl compares. */
	const Case cases[] = {
		{"$.relays[*].url", {"a", "c"}},
		{"$.relays.url", {"a", "c"}},
		{"$.relays[*].url[*]", {"a", "c", "d"}},
		{"$.relays[1].url", {"c"}},
		{"$.relays[9].url", {}},
		{"$.relays[*]", {"f"}},
		{"$.relays[*][*]", {"e", "f"}},
		{"$.relays[*].\"u.x\"", {"b"}},
		{"$.by.*[*]", {"g", "h", "i"}},
		{"$.by.*", {}},
		{"$.one", {"j"}},
		{"$.one[*]", {"j"}},
		{"$.one[0]", {"j"}},
		{"$.one[1]", {}},
		{"$.one.x", {}},
		{"$[0].one", {"j"}},
		{"$._9.x.*", {"k"}},
		{"$", {}},
	};
	for (const Case &one : cases)
		EXPECT_EQ(names(document, one.path), one.names) << one.path;
	EXPECT_EQ(names(R"(["a","b"])", "$[*]"), (Names{"a", "b"}));
	EXPECT_EQ(names(R"("a")", "$"), (Names{"a"}));
	for (const char *path : {"relays", "$relays", "$.", "$..a", "$.9", "$[", "$[x]", "$[-1]", "$[1",
							 "$.\"a", "$.a b", "$[*", "$.*x", "$[99999999999999999999]"})
		EXPECT_EQ(reason("[]", path), "bad_path") << path;
}

TEST(NetRelayList, Lines)
{
	EXPECT_EQ(names("\xef\xbb\xbfwss://a.com\r\n\n  # no relay\n\t wss://b.com \nc.com", ""),
			  (Names{"wss://a.com", "wss://b.com ", "c.com"}));
	EXPECT_EQ(names("", ""), Names());
}

TEST(NetRelayList, Rubbish)
{
	for (const char *text : {"", "{", "[\"a\"", "[\"a\"] x", "nothing", "\x01"})
		EXPECT_EQ(reason(text), "not_json") << text;
	EXPECT_EQ(reason(" <!DOCTYPE html><p>404"), "web_page");
	EXPECT_EQ(reason("\n<html>wss://a.com\n", ""), "web_page");
	EXPECT_EQ(reason("[\"caf\xe9\"]"), "bad_charset"); // ISO 8859-1
	EXPECT_EQ(reason(std::string_view("\xff\xfe[\0\"\0a\0\"\0]\0", 12)), "bad_charset"); // UTF-16
	EXPECT_EQ(reason(std::string_view("a\0b", 3), ""), "bad_charset");
	EXPECT_EQ(reason(std::string(100000, '[')), "too_deep");
	std::string many = "[{}";
	for (int i = 0; i < 500'000; i++)
		many += ",{}";
	EXPECT_EQ(reason(many + "]"), "too_many_values");
}

TEST(NetRelayList, OddNames)
{
	RelayList list =
		read_relay_list(R"(["a",1,null,{"x":1},["b"],"\u0000","\ud800",""])", "$[*]", 9);
	EXPECT_EQ(list.names, (Names{"a", "\xef\xbf\xbd", "\xef\xbf\xbd", ""}));
	EXPECT_EQ(list.other_values, 4u);
	EXPECT_FALSE(list.cut);
	list = read_relay_list(R"(["a","b","c"])", "$[*]", 2);
	EXPECT_EQ(list.names, (Names{"a", "b"}));
	EXPECT_TRUE(list.cut);
	EXPECT_TRUE(read_relay_list("a\nb\n", "", 1).cut);
	EXPECT_FALSE(read_relay_list("a\n\n#\n", "", 1).cut);
	/* What was cut must not become the URL of another relay. */
	for (const char *letter : {"x", "\xc3\xa4", "\xe2\x82\xac", "\xf0\x9f\x98\x80"}) {
		std::string name = "wss://a.com/";
		while (name.size() < 5000)
			name += letter;
		list = read_relay_list("[\"" + name + "\"]", "$[*]", 9);
		ASSERT_EQ(list.names.size(), 1u);
		EXPECT_GT(list.names[0].size(), wire::kMaxUrl);
		EXPECT_LE(list.names[0].size(), wire::kMaxListName);
	}
}
