/* Packed tags: the form, byte for byte; back to JSON; refusals; corrupt bytes. */
#include "nostr/packed_tags.h"

#include <limits>
#include <random>

#include "nostr/event.h"
#include "nostr/filter.h"
#include "shared_data.h"

using namespace nostr;

namespace {

TagsFault
pack(std::string_view json, std::string &packed)
{
	packed.assign(packed_size_bound(json.size()), '\xee');
	size_t size;
	TagsFault fault = pack_tags(json, packed.data(), size);
	packed.resize(size);
	return fault;
}

std::string
packed(std::string_view json)
{
	std::string out;
	EXPECT_EQ(pack(json, out), TagsFault::None) << json;
	return out;
}

std::string
json_of(std::string_view packed)
{
	std::string out;
	EXPECT_TRUE(append_tags_json(packed, out));
	return out;
}

const std::string kHex = "00112233445566778899aabbccddeeff0123456789abcdeffedcba9876543210";

std::string
bytes_of(const std::string &hex)
{
	std::string bytes(hex.size() / 2, '\0');
	EXPECT_TRUE(from_hex(hex, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size()));
	return bytes;
}

/* One tag of one item. */
std::string
tag(const std::string &item)
{
	return "[[\"" + item + "\"]]";
}

TEST(PackedTags, FormOnDisk)
{
	using namespace std::string_literals;
	EXPECT_EQ(packed("[]"), "");
	EXPECT_EQ(packed(R"([["d"]])"), "\1\1d"s);
	EXPECT_EQ(packed(R"([["t",""],["é"]])"), "\2\1t\0\1\2é"s);
	EXPECT_EQ(packed(R"([["e",")" + kHex + R"("]])"), "\2\1e\xff" + bytes_of(kHex));
	EXPECT_EQ(packed(tag(std::string(250, 'x'))), "\1\xfa" + std::string(250, 'x'));
	EXPECT_EQ(packed(tag(std::string(251, 'x'))), "\1\xfb\xfb\1" + std::string(251, 'x'));
	EXPECT_EQ(packed(tag(std::string(16384, 'x'))), "\1\xfb\x80\x80\1" + std::string(16384, 'x'));
}

TEST(PackedTags, OnlyLowerCaseDigitsArePacked)
{
	for (std::string text : {kHex.substr(1), kHex + "0", std::string(64, 'A'), std::string(64, 'g'),
							 std::string(63, '0') + 'G'}) {
		std::string bytes = packed(tag(text));
		EXPECT_EQ(bytes.size(), 2 + text.size());
		EXPECT_EQ(json_of(bytes), tag(text));
	}
}

TEST(PackedTags, EqualTagsAreEqualBytes)
{
	EXPECT_EQ(packed(" [ [ \"\\u0065\" , \"\\/\\u00e9\\ud83d\\ude00\\u000A\" ] ] "),
			  packed("[[\"e\",\"/é😀\\n\"]]"));
	std::string spelled = "\\u003" + kHex.substr(0, 1) + kHex.substr(1);
	EXPECT_EQ(packed(tag(spelled)), packed(tag(kHex)));
	EXPECT_NE(packed(R"([["a","b"]])"), packed(R"([["a"],["b"]])"));
}

TEST(PackedTags, ManyItemsAndManyTags)
{
	for (size_t count : {1, 127, 128, 300, 16383, 16384, 20000}) {
		std::string items = "\"a\"", tags = "[\"p\",\"" + kHex + "\"]";
		for (size_t i = 1; i < count; i++) {
			items += ",\"" + std::to_string(i) + '"';
			tags += ",[\"p\",\"" + kHex + "\"]";
		}
		std::string wide = "[[" + items + "],[\"z\"]]", deep = '[' + tags + ']';
		EXPECT_EQ(json_of(packed(wide)), wide);
		EXPECT_EQ(json_of(packed(deep)), deep);
		EXPECT_EQ(packed(deep).size(), count * 36);
	}
}

TEST(PackedTags, NeverLargerThanPromised)
{
	for (size_t length : {0, 1, 63, 64, 65, 250, 251, 16383, 16384, 60000, (1 << 21) - 1, 1 << 21})
		for (size_t count : {1, 2, 127, 128}) {
			if (length * count > 1 << 23)
				continue;
			std::string items;
			for (size_t i = 0; i < count; i++)
				items += (i == 0 ? "\"" : ",\"") + std::string(length, 'x') + '"';
			std::string json = "[[" + items + "]]";
			EXPECT_LE(packed(json).size(), packed_size_bound(json.size())) << length;
			EXPECT_EQ(json_of(packed(json)), json);
		}
}

TEST(PackedTags, Refusals)
{
	struct
	{
		const char *json;
		TagsFault expected;
	} cases[] = {
		{"", TagsFault::NotJson},
		{"{}", TagsFault::NotAnArray},
		{"\"x\"", TagsFault::NotAnArray},
		{"[1]", TagsFault::TagNotAnArray},
		{"[[\"a\"],\"b\"]", TagsFault::TagNotAnArray},
		{"[[]]", TagsFault::EmptyTag},
		{"[[1]]", TagsFault::ItemNotAString},
		{"[[1]", TagsFault::NotJson},
		{"[[01]]", TagsFault::NotJson},
		{"[[\"a\",null]]", TagsFault::ItemNotAString},
		{"[[\"a\",[\"b\"]]]", TagsFault::ItemNotAString},
		{"[", TagsFault::NotJson},
		{"[[\"a\"]", TagsFault::NotJson},
		{"[[\"a\"", TagsFault::NotJson},
		{"[[\"a\"]]x", TagsFault::NotJson},
		{"[[\"a\" \"b\"]]", TagsFault::NotJson},
		{"[[\"a]]", TagsFault::NotJson},
		{"[[\"\\x\"]]", TagsFault::NotJson},
		{"[[\"\\u0000\"]]", TagsFault::HoldsNul},
		{"[[\"\\ud800\"]]", TagsFault::NotJson},
		{"[[\"\n\"]]", TagsFault::NotJson},
	};
	std::string out;
	for (auto [json, expected] : cases)
		EXPECT_EQ(pack(json, out), expected) << json;
	EXPECT_EQ(pack(std::string(100000, '['), out), TagsFault::ItemNotAString);
}

TEST(PackedTags, Reader)
{
	std::string bytes = packed(R"([["a","b","c"],["d"],["e",")" + kHex + R"(","x"]])");
	TagReader reader(bytes);
	PackedItem item;
	HexText buffer;
	EXPECT_FALSE(reader.next_item(item));
	ASSERT_TRUE(reader.next_tag()); // left before its end
	ASSERT_TRUE(reader.next_item(item));
	EXPECT_EQ(item, (PackedItem{"a"}));
	ASSERT_TRUE(reader.next_tag());
	ASSERT_TRUE(reader.next_item(item));
	EXPECT_EQ(item_text(item, buffer), "d");
	EXPECT_FALSE(reader.next_item(item));
	ASSERT_TRUE(reader.next_tag());
	ASSERT_TRUE(reader.next_item(item) && reader.next_item(item));
	EXPECT_EQ(item_text(item, buffer), kHex);
	HexBytes hex;
	EXPECT_EQ(item, pack_item(kHex, hex));
	EXPECT_FALSE(reader.next_tag());
	EXPECT_FALSE(reader.next_tag());
	EXPECT_FALSE(reader.corrupt());
}

TEST(PackedTags, CorruptBytesAreSaidSo)
{
	using namespace std::string_literals;
	std::string out;
	for (const std::string &bytes :
		 {"\0"s, "\1"s, "\2\1a"s, "\1\2a"s, "\1\xfc"s, "\1\xfe"s, "\1\xff"s, "\1\xfb"s,
		  "\1\xfb\x80"s, "\1\xff" + std::string(31, 'x'), "\x80"s, std::string(20, '\x80'),
		  std::string(20, '\xff'), "\1\xfb"s + std::string(9, '\xff') + "\1x", "\1\1a\1"s})
		EXPECT_FALSE(append_tags_json(bytes, out))
			<< to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size());
}

/* Any bytes whatever: in bounds (the address sanitizer looks), and an end. */
TEST(PackedTags, RandomBytes)
{
	std::mt19937 random(1);
	std::string good = packed(R"([["e",")" + kHex + R"(","wss://relay.example.com"],["t","x"]])");
	for (int i = 0; i < 20000; i++) {
		std::string bytes = good.substr(0, random() % (good.size() + 1));
		for (int n = 0; n < 3 && !bytes.empty(); n++)
			bytes[random() % bytes.size()] = static_cast<char>(random());
		std::string exact(bytes); // no byte behind it
		TagReader reader(exact);
		PackedItem item;
		size_t items = 0;
		while (reader.next_tag())
			while (reader.next_item(item))
				items++;
		EXPECT_LE(items, exact.size());
	}
}

TEST(PackedTags, KeysAreStable)
{
	EXPECT_EQ(tag_key('t', "a"), 3952976994929181624);
	EXPECT_EQ(tag_key('t', ""), 3045698524908248846);
	EXPECT_EQ(tag_key('t', "topic7"), -8958192215581954751);
	EXPECT_EQ(tag_key('e', std::string(64, '0')), 9210709707202638369);
	HexBytes hex;
	EXPECT_EQ(tag_key('e', kHex), tag_key('e', pack_item(kHex, hex)));
	EXPECT_NE(tag_key('e', kHex), tag_key('p', kHex));
	EXPECT_NE(tag_key('e', kHex), tag_key('e', bytes_of(kHex)));
	EXPECT_NE(tag_key('d', std::string(1, '\0')), tag_key('d', ""));
}

TEST(PackedTags, TimedKeysAreStable)
{
	constexpr int64_t kTime = 1700000000; // week 201; the quarter begins with week 195
	HexBytes buffer;
	int64_t word = timed_tag_key('t', pack_item("a", buffer), kTime);
	EXPECT_EQ(word, (3952976994929181624 & ~1023) | 201);
	int64_t id = timed_tag_key('e', pack_item(std::string(64, '0'), buffer), kTime);
	EXPECT_EQ(id, (9210709707202638369 & ~1023) | 195);
	EXPECT_EQ(period_of(kTime), 201);
	EXPECT_EQ(period_start(201), 1699401600);
	EXPECT_EQ(period_of(period_start(201) - 1), 200);
	EXPECT_EQ(period_of(0), 0);
	EXPECT_EQ(period_of(std::numeric_limits<int64_t>::max()), 1023);
	EXPECT_EQ(period_start(0), std::numeric_limits<int64_t>::min());
	TagKeys keys = timed_tag_keys('t', "a", 200, 202);
	EXPECT_TRUE(keys.first < word && word < keys.last);
	keys = timed_tag_keys('e', std::string(64, '0'), 201, 201);
	EXPECT_TRUE(keys.first == id && id == keys.last);
	EXPECT_FALSE(has_coarse_periods({'t', {"a", std::string(63, '0')}}));
	EXPECT_TRUE(has_coarse_periods({'t', {std::string(64, '0'), "a"}}));
}

} // namespace
