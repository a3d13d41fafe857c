/* Parsing, canonical form and id of single events: cases written out here. */
#include "nostr/event.h"

#include <gtest/gtest.h>

#include <cstring>
#include <set>

#include "../../tools/corpus.h"

using nostr::Event;
using nostr::EventParser;
using nostr::Reject;

namespace {

/* A signed event whose fields tests replace one by one. */
struct Fields
{
	std::string id, pubkey, created_at, kind, tags, content, sig, more;

	explicit Fields(const Event &event)
		: id('"' + nostr::to_hex(event.id.data(), 32) + '"'),
		  pubkey('"' + nostr::to_hex(event.pubkey.data(), 32) + '"'),
		  created_at(std::to_string(event.created_at)), kind(std::to_string(event.kind)),
		  tags(event.tags), sig('"' + nostr::to_hex(event.sig.data(), 64) + '"')
	{
		nostr::append_json_string(event.content, content);
	}

	std::string json() const
	{
		return "{\"id\":" + id + ",\"pubkey\":" + pubkey + ",\"created_at\":" + created_at +
			   ",\"kind\":" + kind + ",\"tags\":" + tags + ",\"content\":" + content +
			   ",\"sig\":" + sig + more + "}";
	}
};

Event
signed_event(std::string tags = R"([["t","x"]])", std::string content = "hello")
{
	nostr::SecretKey secret{};
	secret[31] = 1;
	Event event;
	event.created_at = 1735689600;
	event.kind = 1;
	event.tags = std::move(tags);
	event.content = std::move(content);
	nostr::Signer(secret).sign(event);
	return event;
}

Reject
parse(const std::string &json, nostr::Limits limits = {})
{
	Event event;
	return EventParser(limits).parse(json, event);
}

class EventFields : public testing::Test
{
  protected:
	Event event_ = signed_event();
	Fields fields_{event_};
};

void
expect_equal(const Event &a, const Event &b)
{
	EXPECT_EQ(a.id, b.id);
	EXPECT_EQ(a.pubkey, b.pubkey);
	EXPECT_EQ(a.sig, b.sig);
	EXPECT_EQ(a.created_at, b.created_at);
	EXPECT_EQ(a.kind, b.kind);
	EXPECT_EQ(a.tags, b.tags);
	EXPECT_EQ(a.content, b.content);
	EXPECT_EQ(a.has_nul, b.has_nul);
}

TEST_F(EventFields, PlainIsAccepted)
{
	Event parsed;
	ASSERT_EQ(EventParser().parse(fields_.json(), parsed), Reject::None);
	expect_equal(parsed, event_);
	EXPECT_EQ(nostr::to_json(parsed), fields_.json());
}

TEST_F(EventFields, OnlyIntegerTokens)
{
	for (const char *bad :
		 {"1.0",   "1e0",  "1E0",  "-0",  "-1",    "01",    "+1",
		  "\"1\"", "null", "true", "0x1", "65536", "65537", "18446744073709551617",
		  "[1]",   "{}",   "",     "1 2", "1.",    "NaN"}) {
		Fields fields = fields_;
		fields.kind = bad;
		EXPECT_NE(parse(fields.json()), Reject::None) << bad;
	}
	for (const char *bad : {"1735689600.0", "1.7356896e9", "-1", "9223372036854775808",
							"18446744073709551616", "01735689600", "\"1735689600\""}) {
		Fields fields = fields_;
		fields.created_at = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadCreatedAt) << bad;
	}
}

TEST_F(EventFields, ExtremesOfCreatedAtAndKind)
{
	for (int64_t created_at : {int64_t{0}, INT64_MAX}) {
		for (int kind : {0, 65535}) {
			event_.created_at = created_at;
			event_.kind = kind;
			event_.id = nostr::compute_id(event_);
			Event parsed;
			ASSERT_EQ(EventParser().parse(nostr::to_json(event_), parsed), Reject::None);
			expect_equal(parsed, event_);
		}
	}
}

TEST_F(EventFields, HexIsLowerCaseAndExact)
{
	std::string good = fields_.id;
	for (std::string bad : {std::string("\"\""), std::string("null"), good.substr(0, 64) + '"',
							good.substr(0, 65) + "0\\u0000\"", good.substr(0, 65) + "00\"",
							good.substr(0, 64) + "G\"", "\"A" + good.substr(2)}) {
		Fields fields = fields_;
		fields.id = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadId) << bad;
		fields = fields_;
		fields.pubkey = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadPubkey) << bad;
		fields = fields_;
		fields.sig = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadSig) << bad;
	}
	fields_.sig[1] = fields_.sig[1] == 'a' ? 'b' : 'a';
	EXPECT_EQ(parse(fields_.json()), Reject::None) << "signatures are not checked here";
}

TEST_F(EventFields, HexMayBeSpelledWithEscapes)
{
	char escape[8];
	snprintf(escape, sizeof(escape), "\\u%04x", fields_.id[1]);
	fields_.id = '"' + std::string(escape) + fields_.id.substr(2);
	EXPECT_EQ(parse(fields_.json()), Reject::None);
}

TEST_F(EventFields, MissingAndDuplicateFields)
{
	EXPECT_EQ(parse("{}"), Reject::MissingField);
	std::string json = fields_.json();
	for (const char *name : {"id", "pubkey", "created_at", "kind", "tags", "content", "sig"}) {
		std::string renamed = json;
		renamed.replace(renamed.find('"' + std::string(name) + '"') + 1, 1, "X");
		EXPECT_EQ(parse(renamed), Reject::MissingField) << name;
	}
	const std::pair<const char *, const std::string *> all[] = {
		{"id", &fields_.id},     {"pubkey", &fields_.pubkey}, {"created_at", &fields_.created_at},
		{"kind", &fields_.kind}, {"tags", &fields_.tags},     {"content", &fields_.content},
		{"sig", &fields_.sig}};
	for (auto [name, value] : all) {
		Fields fields = fields_;
		fields.more = ",\"" + std::string(name) + "\":" + *value;
		EXPECT_EQ(parse(fields.json()), Reject::DuplicateField) << name;
	}
	fields_.more = R"(,"\u0069d":)" + fields_.id;
	EXPECT_EQ(parse(fields_.json()), Reject::DuplicateField);
}

TEST_F(EventFields, UnknownFieldsAreCheckedAndIgnored)
{
	for (std::string good :
		 {std::string("1e400"), std::string(1000, '9'), std::string("-0.5E+3"), std::string("{}"),
		  std::string("[1,[2,{\"a\":null}],true,false]"), std::string("\"\\u00e9\\/\"")}) {
		Fields fields = fields_;
		fields.more = ",\"x\":" + good + ",\"idx\":1,\"\":2";
		EXPECT_EQ(parse(fields.json()), Reject::None) << good;
	}
	for (const char *bad :
		 {"01",        "1.",      ".5",       "-",    "1e",    "+1",     "tru", "nul",
		  "[1,]",      "{\"a\"}", "{\"a\":}", "{,}",  "{a:1}", "'x'",    "[",   "\"\\x\"",
		  "\"\\u12\"", "NaN",     "Infinity", "0x10", "[1 2]", "\"\t\"", "",    "1 //"}) {
		Fields fields = fields_;
		fields.more = ",\"x\":" + std::string(bad);
		EXPECT_EQ(parse(fields.json()), Reject::BadJson) << bad;
	}
}

TEST_F(EventFields, TagsAreArraysOfNonEmptyArraysOfStrings)
{
	for (const char *bad : {"null", "{}", "\"\"", "1", "[[]]", "[\"t\"]", "[[\"t\",1]]",
							"[[\"t\",null]]", "[[\"t\",[\"x\"]]]", "[null]", "[[\"t\"],[]]"}) {
		Fields fields = fields_;
		fields.tags = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadTags) << bad;
	}
	for (const char *bad : {"[[\"t\"}]", "[[\"t\" \"u\"]]", "[[\"t\"][\"u\"]]"}) {
		Fields fields = fields_;
		fields.tags = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadJson) << bad;
	}
}

TEST_F(EventFields, OneJsonTextAndNothingElse)
{
	std::string json = fields_.json();
	EXPECT_EQ(parse(" \t\r\n" + json + "\n"), Reject::None);
	EXPECT_EQ(parse(json + std::string(1, '\0')), Reject::BadJson);
	EXPECT_EQ(parse(json + json), Reject::BadJson);
	EXPECT_EQ(parse(json + ","), Reject::BadJson);
	EXPECT_EQ(parse("\xef\xbb\xbf" + json), Reject::NotAnObject);
	EXPECT_EQ(parse("[" + json + "]"), Reject::NotAnObject);
	EXPECT_EQ(parse(""), Reject::NotAnObject);
	for (size_t size = 0; size < json.size(); size++)
		EXPECT_NE(parse(json.substr(0, size)), Reject::None) << size;
}

TEST_F(EventFields, TextIsUtf8WithoutLoneSurrogates)
{
	for (const char *bad : {"\"\\ud800\"", "\"\\udc00\"", "\"\\udc00\\ud800\"", "\"\\ud800x\"",
							"\"\\ud800\\n\"", "\"\xff\"", "\"\xc0\xaf\"", "\"\xed\xa0\x80\""}) {
		Fields fields = fields_;
		fields.content = bad;
		EXPECT_EQ(parse(fields.json()), Reject::BadUtf8) << bad;
		fields = fields_;
		fields.tags = "[[" + std::string(bad) + "]]";
		EXPECT_EQ(parse(fields.json()), Reject::BadUtf8) << bad;
		fields = fields_;
		fields.more = ",\"x\":" + std::string(bad);
		EXPECT_EQ(parse(fields.json()), Reject::BadUtf8) << bad;
	}
}

TEST_F(EventFields, Limits)
{
	std::string json = fields_.json();
	nostr::Limits limits;
	limits.event_bytes = json.size();
	EXPECT_EQ(parse(json, limits), Reject::None);
	limits.event_bytes--;
	EXPECT_EQ(parse(json, limits), Reject::TooLarge);

	limits = {};
	limits.tags = 2;
	fields_.tags = R"([["a"],["b"],["c"]])";
	EXPECT_EQ(parse(fields_.json(), limits), Reject::TooManyTags);

	limits = {};
	fields_ = Fields(event_);
	auto nested = [](int depth) {
		return ",\"x\":" + std::string(depth, '[') + std::string(depth, ']');
	};
	fields_.more = nested(limits.depth - 1); // the event itself is one level
	EXPECT_EQ(parse(fields_.json(), limits), Reject::None);
	fields_.more = nested(limits.depth);
	EXPECT_EQ(parse(fields_.json(), limits), Reject::TooDeep);
	fields_.more = nested(1000000);
	EXPECT_EQ(parse(fields_.json()), Reject::TooLarge);
	limits.event_bytes = 1 << 24;
	EXPECT_EQ(parse(fields_.json(), limits), Reject::TooDeep);
}

TEST(Canonical, EscapesAsJsonStringify)
{
	std::string text;
	for (char c = 0; c < 0x20; c++)
		text += c;
	text += "\"\\/\x7f<>&'\u0080\u00a0\u2028\ufeff\U0001f600";
	std::string out;
	nostr::append_json_string(text, out);
	EXPECT_EQ(out,
			  R"("\u0000\u0001\u0002\u0003\u0004\u0005\u0006\u0007\b\t\n\u000b\f\r\u000e\u000f)"
			  R"(\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001a\u001b\u001c)"
			  R"(\u001d\u001e\u001f\"\\/)"
			  "\x7f<>&'\u0080\u00a0\u2028\ufeff\U0001f600\"");
}

/* Every spelling of a string that JSON allows must lead to the same event. */
TEST(Canonical, AnySpellingHasTheSameId)
{
	std::string text = "/\x7f\b\n\"\\\x01\x1f é\u2028\U0001f600";
	text += '\0';
	Event event = signed_event();
	event.tags = corpus::Tags().add({"t", text}).json();
	event.content = text;
	event.has_nul = true;
	event.id = nostr::compute_id(event);

	std::string escaped;
	for (const char *unit : {"002F", "007f", "0008", "000A", "0022", "005c", "0001", "001F", "0020",
							 "00E9", "2028", "D83D", "de00", "0000"})
		escaped.append("\\u").append(unit);
	for (const std::string &spelling :
		 {escaped, std::string("\\/\x7f\\b\\n\\\"\\\\\\u0001\\u001F é\u2028\U0001f600\\u0000"),
		  std::string("/\x7f\\b\\n\\\"\\\\\\u0001\\u001f é\u2028\U0001f600\\u0000")}) {
		Fields fields(event);
		fields.content = '"' + spelling + '"';
		fields.tags = "[ [\t\"t\" ,\n\"" + spelling + "\"\r] ]";
		Event parsed;
		ASSERT_EQ(EventParser().parse(fields.json(), parsed), Reject::None) << spelling;
		expect_equal(parsed, event);
	}
}

/* Each escape alone, so that no other one in the string hides how it is taken. */
TEST(Canonical, EveryCharacterEscaped)
{
	for (int c = 0; c < 0x80; c++) {
		Event event = signed_event("[]", std::string(1, static_cast<char>(c)));
		event.has_nul = c == 0;
		for (const char *format : {"\"\\u%04x\"", "\"\\u%04X\""}) {
			char spelling[16];
			snprintf(spelling, sizeof(spelling), format, c);
			Fields fields(event);
			fields.content = spelling;
			Event parsed;
			ASSERT_EQ(EventParser().parse(fields.json(), parsed), Reject::None) << spelling;
			expect_equal(parsed, event);
		}
	}
	Fields fields(signed_event("[]", "/"));
	fields.content = R"("\/")";
	EXPECT_EQ(parse(fields.json()), Reject::None);
}

TEST(Canonical, NulInTagsIsNoticed)
{
	Event event = signed_event(R"([["a\u0000b"]])");
	Event parsed;
	ASSERT_EQ(EventParser().parse(nostr::to_json(event), parsed), Reject::None);
	EXPECT_TRUE(parsed.has_nul);
	EXPECT_EQ(parsed.tags, R"([["a\u0000b"]])");
	ASSERT_EQ(EventParser().parse(nostr::to_json(signed_event()), parsed), Reject::None);
	EXPECT_FALSE(parsed.has_nul) << "a parser must forget the event before";
}

TEST(Canonical, StringsOfAllLengths)
{
	/* The scan goes in steps of 16 bytes: each kind of end must be found at each offset. */
	for (size_t size = 0; size < 70; size++) {
		for (const char *tail : {"", "\n", "\"", "\x01", "é", "\U0001f600"}) {
			Event event = signed_event("[]", std::string(size, 'x') + tail + "y");
			Event parsed;
			ASSERT_EQ(EventParser().parse(nostr::to_json(event), parsed), Reject::None);
			expect_equal(parsed, event);
			Fields fields(event);
			fields.content = '"' + std::string(size, 'x') + "\x01\"";
			EXPECT_EQ(parse(fields.json()), Reject::BadJson);
		}
	}
}

TEST(Hex, BothWays)
{
	uint8_t bytes[2] = {0x0f, 0xa9};
	EXPECT_EQ(nostr::to_hex(bytes, 2), "0fa9");
	uint8_t back[2];
	EXPECT_TRUE(nostr::from_hex("0fa9", back, 2));
	EXPECT_EQ(memcmp(bytes, back, 2), 0);
	for (int c = 0; c < 256; c++) {
		bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
		std::string hex = "000";
		hex.insert(1 + c % 2, 1, static_cast<char>(c));
		EXPECT_EQ(nostr::from_hex(hex, back, 2), digit) << c;
	}
	EXPECT_FALSE(nostr::from_hex("000", back, 2));
	EXPECT_FALSE(nostr::from_hex("00000", back, 2));
}

/* Long ones are read many digits at a time. */
TEST(Hex, EveryByteAtEveryPlace)
{
	uint8_t bytes[17], back[17];
	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = static_cast<uint8_t>(i * 37 + 11);
	const std::string good = nostr::to_hex(bytes, sizeof bytes);
	for (size_t at = 0; at < good.size(); at++)
		for (int c = 0; c < 256; c++) {
			std::string hex = good;
			hex[at] = static_cast<char>(c);
			bool digit = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
			ASSERT_EQ(nostr::from_hex(hex, back, sizeof back), digit) << at << ' ' << c;
			if (digit) {
				ASSERT_EQ(nostr::to_hex(back, sizeof back), hex);
			}
		}
}

TEST(Codes, AreStableWords)
{
	EXPECT_STREQ(nostr::reject_code(Reject::IdMismatch), "id_mismatch");
	std::set<std::string> codes;
	for (int i = 0; i <= static_cast<int>(Reject::BadMessage); i++)
		codes.insert(nostr::reject_code(static_cast<Reject>(i)));
	EXPECT_EQ(codes.size(), static_cast<size_t>(Reject::BadMessage) + 1);
	EXPECT_EQ(codes.count("unknown"), 0u);
}

/* Random strings out of the nastiest characters. */
std::string
random_text(corpus::Random &random)
{
	static constexpr std::string_view pieces[] = {std::string_view("\0", 1),
												  "\x01",
												  "\b",
												  "\t",
												  "\n",
												  "\f",
												  "\r",
												  "\x1f",
												  "\"",
												  "\\",
												  "/",
												  "\x7f",
												  "\u0080",
												  "\u2028",
												  "\ud7ff",
												  "\ue000",
												  "\uffff",
												  "\U0001f600",
												  "\U0010ffff",
												  "a",
												  "abcdefghijklmnop",
												  "u0041",
												  "\\u"};
	std::string out;
	for (size_t count = random.below(20); count > 0; count--)
		out += random.pick(pieces);
	return out;
}

TEST(Property, RandomEventsComeBackEqual)
{
	corpus::Random random(7);
	EventParser parser;
	Event parsed;
	for (int i = 0; i < 3000; i++) {
		Event event = signed_event("[]", random_text(random));
		event.created_at = static_cast<int64_t>(random.next() >> 1);
		event.kind = static_cast<int32_t>(random.below(65536));
		event.has_nul = event.content.find('\0') != std::string::npos;
		corpus::Tags tags;
		for (size_t count = random.below(4); count > 0; count--) {
			std::string value = random_text(random);
			tags.add({"t", value});
			event.has_nul |= value.find('\0') != std::string::npos;
		}
		event.tags = tags.json();
		event.id = nostr::compute_id(event);
		ASSERT_EQ(parser.parse(nostr::to_json(event), parsed), Reject::None);
		expect_equal(parsed, event);
	}
}

TEST(Property, NoMutationIsAcceptedWithAWrongId)
{
	corpus::Random random(8);
	CorpusGenerator generator(3, 5);
	EventParser parser;
	Event parsed;
	for (int i = 0; i < 300; i++) {
		std::string json = corpus::to_line(generator.next(), i % 2 == 0);
		for (int change = 0; change < 100; change++) {
			std::string mutated = json;
			size_t at = random.below(mutated.size());
			switch (random.below(3)) {
			case 0:
				mutated[at] = static_cast<char>(random.next());
				break;
			case 1:
				mutated.erase(at, random.between(1, 4));
				break;
			default:
				mutated.insert(at, 1, random.pick(std::string_view("\"\\{}[],:01x\0 ", 14)));
			}
			if (parser.parse(mutated, parsed) == Reject::None) {
				ASSERT_EQ(nostr::compute_id(parsed), parsed.id) << mutated;
			}
		}
	}
}

} // namespace
