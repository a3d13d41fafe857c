/* NIP-42: the event that answers a challenge, and the key that signs it. */
#include "nostr/auth.h"

#include <gtest/gtest.h>

using namespace std::string_literals;

namespace {

const nostr::SecretKey kOne = [] {
	nostr::SecretKey secret{};
	secret[31] = 1;
	return secret;
}();

} // namespace

TEST(Auth, EventThatAnswersAChallenge)
{
	nostr::Signer signer(kOne);
	for (const std::string &challenge : {"abc"s, ""s, "\"\\\n\0\xc3\xa4"s}) {
		nostr::Event event =
			nostr::auth_event(signer, "wss://relay.example.com/a", challenge, 1735689600);
		EXPECT_EQ(event.kind, 22242);
		EXPECT_EQ(event.created_at, 1735689600);
		EXPECT_EQ(event.content, "");
		EXPECT_EQ(event.pubkey, signer.pubkey());
		EXPECT_TRUE(nostr::Verifier().verify(event.id, event.pubkey, event.sig));
		nostr::Event parsed;
		EXPECT_EQ(nostr::EventParser().parse(nostr::to_json(event), parsed), nostr::Reject::None);
		EXPECT_EQ(parsed.tags, event.tags);
	}
	EXPECT_EQ(nostr::auth_event(signer, "wss://a.example", "x\"y", 1).tags,
			  R"([["relay","wss://a.example"],["challenge","x\"y"]])");
}

TEST(Auth, SecretKeys)
{
	const std::string hex(63, '0');
	EXPECT_EQ(nostr::parse_secret_key(hex + "1"), kOne);
	EXPECT_EQ(nostr::parse_secret_key(" \t" + hex + "1\r\n"), kOne);
	/* NIP-19's own example. */
	auto example = nostr::parse_secret_key(
		"nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5\n");
	ASSERT_TRUE(example);
	EXPECT_EQ(nostr::to_hex(example->data(), example->size()),
			  "67dea2ed018072d675f5415ecfaed7d2597555e202d85b3d65ea4e58d2d92ffa");
	for (const std::string &text :
		 {""s, " \n"s, hex, hex + "11", hex + "g", hex + "1 " + hex + "1",
		  "npub10elfcs4fr0l0r8af98jlmgdh9c8tcxjvz9qkw038js35mp4dma8qzvjptg"s})
		EXPECT_FALSE(nostr::parse_secret_key(text)) << text;
}
