/* NIP-19 texts, by the vectors and by what the vectors do not show. */
#include "nostr/nip19.h"

#include "nostr/bech32.h"
#include "shared_data.h"

using nostr::Nip19;
using nostr::Nip19Type;

namespace {

std::array<uint8_t, 32>
key(uint8_t fill)
{
	std::array<uint8_t, 32> bytes;
	bytes.fill(fill);
	return bytes;
}

std::string
refusal(std::string_view text)
{
	Nip19 out;
	const char *reason = nostr::decode_nip19(text, out);
	return reason == nullptr ? "" : reason;
}

std::string
encoding_refusal(const Nip19 &entity)
{
	std::string out;
	const char *reason = nostr::encode_nip19(entity, out);
	return reason == nullptr ? "" : reason;
}

/* A text of this type with these TLV items. */
std::string
raw(std::string_view prefix, std::string_view items)
{
	return nostr::encode_bech32(prefix, nostr::words_of_bytes(items));
}

std::string
item(char type, std::string_view value)
{
	return std::string(1, type) + static_cast<char>(value.size()) + std::string(value);
}

TEST(Nip19, Vectors)
{
	if (!shared_data::exists("nip19-vectors.json"))
		GTEST_SKIP();
	shared_data::Document all("nip19-vectors.json");
	size_t valid = 0, invalid = 0;
	for (simdjson::dom::element vector : all["valid"]) {
		std::string bech32 = shared_data::member(vector, "bech32");
		Nip19 entity;
		const char *reason = nostr::decode_nip19(bech32, entity);
		ASSERT_EQ(reason, nullptr) << bech32 << ": " << reason;
		EXPECT_EQ(nostr::nip19_prefix(entity.type), shared_data::member(vector, "prefix"));
		std::string hex = shared_data::member(vector, "data_hex");
		std::string bytes;
		ASSERT_TRUE(
			nostr::bytes_of_words(nostr::decode_bech32(bech32, Nip19::kMaxChars).words, bytes));
		EXPECT_EQ(nostr::to_hex(reinterpret_cast<const uint8_t *>(bytes.data()), bytes.size()),
				  hex);
		valid++;

		std::string again;
		ASSERT_EQ(nostr::encode_nip19(entity, again), nullptr);
		Nip19 second;
		ASSERT_EQ(nostr::decode_nip19(again, second), nullptr);
		EXPECT_EQ(second.key, entity.key);
		EXPECT_EQ(second.relays, entity.relays);
		EXPECT_EQ(second.author, entity.author);
		EXPECT_EQ(second.kind, entity.kind);
		EXPECT_EQ(second.identifier, entity.identifier);
	}
	for (simdjson::dom::element vector : all["invalid"]) {
		std::string bech32 = shared_data::member(vector, "bech32");
		EXPECT_NE(refusal(bech32), "") << bech32 << ": " << shared_data::member(vector, "why");
		invalid++;
	}
	EXPECT_EQ(valid, 14u);
	EXPECT_EQ(invalid, 11u);
}

TEST(Nip19, AllParts)
{
	Nip19 entity;
	entity.type = Nip19Type::Naddr;
	entity.relays = {"wss://a.example.com", ""};
	entity.author = key(7);
	entity.kind = 30023;
	entity.identifier = "caf\xc3\xa9";
	std::string text;
	ASSERT_EQ(nostr::encode_nip19(entity, text), nullptr);
	EXPECT_EQ(text.substr(0, 6), "naddr1");
	Nip19 out;
	ASSERT_EQ(nostr::decode_nip19("nostr:" + text, out), nullptr);
	EXPECT_EQ(out.type, Nip19Type::Naddr);
	EXPECT_EQ(out.relays, entity.relays);
	EXPECT_EQ(out.author, key(7));
	EXPECT_EQ(out.kind, 30023);
	EXPECT_EQ(out.identifier, entity.identifier);
	EXPECT_FALSE(out.key);
}

TEST(Nip19, Refusals)
{
	std::string id(32, 'x');
	EXPECT_EQ(refusal(""), "no_separator");
	EXPECT_EQ(refusal("nostr:"), "no_separator");
	EXPECT_EQ(refusal("1qqqqqq"), "bad_prefix");
	EXPECT_EQ(refusal("npub1"), "bad_checksum");
	EXPECT_EQ(refusal(std::string(5001, 'q')), "too_large");
	EXPECT_EQ(refusal(raw("nfoo", id)), "unknown_prefix");
	EXPECT_EQ(refusal("nostr:" + raw("nsec", id)), "secret_uri");
	EXPECT_EQ(refusal(raw("nsec", id)), "");
	EXPECT_EQ(refusal(raw("note", id + "x")), "bad_length");
	EXPECT_EQ(refusal(nostr::encode_bech32("nevent", std::string(1, '\0'))), "bad_padding");
	EXPECT_EQ(refusal(nostr::encode_bech32("note", std::string(51, '\0') + '\1')), "bad_padding");
	EXPECT_EQ(refusal(raw("nevent", "")), "missing_field");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + '\1')), "truncated");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + item(0, id))), "duplicate_field");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + item(2, "short"))), "bad_length");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + item(3, "toolong"))), "bad_length");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + item(3, {"\0\1\0\0", 4}))), "bad_kind");
	EXPECT_EQ(refusal(raw("nevent", item(0, id) + item(3, {"\0\0\0\1", 4}))), "");
	EXPECT_EQ(refusal(raw("nprofile", item(0, id) + item(3, "anything"))), "");
	EXPECT_EQ(refusal(raw("nprofile", item(0, id) + item(1, "caf\xc3\xa9"))), "bad_relay");
	EXPECT_EQ(refusal(raw("nprofile", item(0, id) + item(1, "a\nb"))), "bad_relay");
	EXPECT_EQ(refusal(raw("naddr", item(0, "\xff"))), "bad_identifier");
	EXPECT_EQ(refusal(raw("nrelay", item(0, "wss://a") + item(0, "wss://b"))), "duplicate_field");
}

TEST(Nip19, EncodingRefusals)
{
	Nip19 entity;
	EXPECT_EQ(encoding_refusal(entity), "missing_field");
	entity.key = key(1);
	EXPECT_EQ(encoding_refusal(entity), "");
	entity.kind = 1;
	EXPECT_EQ(encoding_refusal(entity), "unwanted_field");
	entity.type = Nip19Type::Nevent;
	EXPECT_EQ(encoding_refusal(entity), "");
	entity.kind = 65536;
	EXPECT_EQ(encoding_refusal(entity), "bad_kind");
	entity.kind.reset();
	entity.relays = {std::string(256, 'x')};
	EXPECT_EQ(encoding_refusal(entity), "bad_relay");
	entity.relays.assign(20, std::string(255, 'x'));
	EXPECT_EQ(encoding_refusal(entity), "too_large");
	entity = {};
	entity.type = Nip19Type::Naddr;
	entity.author = key(1);
	entity.kind = 1;
	entity.identifier = std::string(256, 'd');
	EXPECT_EQ(encoding_refusal(entity), "bad_identifier");
	entity.identifier = "";
	EXPECT_EQ(encoding_refusal(entity), "");
	entity.key = key(1);
	EXPECT_EQ(encoding_refusal(entity), "unwanted_field");
}

} // namespace
