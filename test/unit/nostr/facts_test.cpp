/* What events say of themselves: kind classes, proof of work, expiration, amounts of invoices. */
#include "nostr/facts.h"

#include "nostr/bech32.h"
#include "nostr/bolt11.h"
#include "shared_data.h"

using nostr::KindClass;

namespace {

TEST(Facts, KindClasses)
{
	struct
	{
		int32_t kind;
		KindClass expected;
	} cases[] = {
		{0, KindClass::Replaceable},     {1, KindClass::Regular},
		{2, KindClass::Regular},         {3, KindClass::Replaceable},
		{4, KindClass::Regular},         {45, KindClass::Regular},
		{9999, KindClass::Regular},      {10000, KindClass::Replaceable},
		{19999, KindClass::Replaceable}, {20000, KindClass::Ephemeral},
		{29999, KindClass::Ephemeral},   {30000, KindClass::Addressable},
		{39999, KindClass::Addressable}, {40000, KindClass::Regular},
		{65535, KindClass::Regular},
	};
	for (auto [kind, expected] : cases)
		EXPECT_EQ(nostr::kind_class(kind), expected) << kind;
	EXPECT_STREQ(nostr::kind_class_name(KindClass::Addressable), "addressable");
}

TEST(Facts, ProofOfWork)
{
	nostr::Id id{};
	EXPECT_EQ(nostr::pow_bits(id), 256);
	id[31] = 1;
	EXPECT_EQ(nostr::pow_bits(id), 255);
	id[0] = 0x80;
	EXPECT_EQ(nostr::pow_bits(id), 0);
	ASSERT_TRUE(nostr::from_hex("000006d8c378af1779d2feebc7603a125d99eca0ccf1085959b307f64e5dd358",
								id.data(), id.size()));
	EXPECT_EQ(nostr::pow_bits(id), 21); // NIP-13
}

TEST(Facts, Expiration)
{
	EXPECT_EQ(nostr::parse_expiration("1600000000"), 1600000000);
	EXPECT_EQ(nostr::parse_expiration("0"), 0);
	EXPECT_EQ(nostr::parse_expiration("9223372036854775807"), INT64_MAX);
	for (const char *bad : {"", "-1", "+1", "1.5", " 1", "1 ", "0x10", "9223372036854775808"})
		EXPECT_FALSE(nostr::parse_expiration(bad)) << bad;
}

/* An invoice with this prefix. */
std::string
invoice(std::string_view prefix)
{
	return nostr::encode_bech32(prefix, std::string(100, '\1'));
}

TEST(Bolt11, Amounts)
{
	struct
	{
		const char *prefix;
		int64_t millisatoshi;
	} cases[] = {
		{"lnbc1", 100'000'000'000},
		{"lnbc20m", 2'000'000'000},
		{"lnbc2500u", 250'000'000},
		{"lnbc25n", 2500},
		{"lnbc9678785340p", 967878534},
		{"lntb20m", 2'000'000'000},
		{"lnbcrt500u", 50'000'000},
		{"lntbs1n", 100},
		{"lnsb10p", 1},
		{"lnbc92233720", 9'223'372'000'000'000'000},
	};
	for (auto [prefix, millisatoshi] : cases) {
		nostr::Bolt11Amount amount = nostr::bolt11_amount(invoice(prefix));
		ASSERT_EQ(amount.reason, nullptr) << prefix << ": " << amount.reason;
		EXPECT_EQ(amount.millisatoshi, millisatoshi) << prefix;
	}
	nostr::Bolt11Amount open = nostr::bolt11_amount(invoice("lnbc"));
	EXPECT_EQ(open.reason, nullptr);
	EXPECT_FALSE(open.millisatoshi);
}

TEST(Bolt11, Refusals)
{
	for (const char *prefix : {"lnbc0", "lnbc01m", "lnbcm", "lnbc1x", "lnbc1q1", "lnbc15p",
							   "lnbc92233721", "lnbc99999999999999999999n", "lnbcx"})
		EXPECT_STREQ(nostr::bolt11_amount(invoice(prefix)).reason, "bad_amount") << prefix;
	EXPECT_STREQ(nostr::bolt11_amount(invoice("npub")).reason, "no_invoice");
	EXPECT_STREQ(nostr::bolt11_amount("").reason, "no_separator");
	std::string broken = invoice("lnbc25n");
	broken.back() = broken.back() == 'q' ? 'p' : 'q';
	EXPECT_STREQ(nostr::bolt11_amount(broken).reason, "bad_checksum");
}

} // namespace
