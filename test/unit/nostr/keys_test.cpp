/* Signing and verifying, by the vectors of BIP-340. */
#include "nostr/keys.h"

#include <stdexcept>

#include "shared_data.h"

using nostr::Event;
using nostr::Signer;
using nostr::Verifier;

namespace {

nostr::SecretKey
secret_key(uint8_t number)
{
	nostr::SecretKey secret{};
	secret[31] = number;
	return secret;
}

Event
signed_event(const Signer &signer)
{
	Event event;
	event.created_at = 1735689600;
	event.tags = "[]";
	event.content = "hello";
	signer.sign(event);
	return event;
}

TEST(Keys, SignedEventVerifies)
{
	Signer signer(secret_key(1));
	EXPECT_EQ(nostr::to_hex(signer.pubkey().data(), 32),
			  "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
	Event event = signed_event(signer);
	EXPECT_EQ(event.pubkey, signer.pubkey());
	EXPECT_EQ(event.id, nostr::compute_id(event));
	Verifier verifier;
	EXPECT_TRUE(verifier.verify(event.id, event.pubkey, event.sig));

	for (size_t i = 0; i < event.sig.size(); i++) {
		nostr::Signature wrong = event.sig;
		wrong[i] ^= 1;
		EXPECT_FALSE(verifier.verify(event.id, event.pubkey, wrong));
	}
	nostr::Id other = event.id;
	other[0] ^= 1;
	EXPECT_FALSE(verifier.verify(other, event.pubkey, event.sig));
	EXPECT_FALSE(verifier.verify(event.id, Signer(secret_key(2)).pubkey(), event.sig));
}

TEST(Keys, SecretMustBeInRange)
{
	EXPECT_THROW(Signer{nostr::SecretKey{}}, std::invalid_argument);
	nostr::SecretKey above;
	above.fill(0xff);
	EXPECT_THROW(Signer{above}, std::invalid_argument);
}

/* Keys that share a place in the cache, good and bad, must never be taken for one another. */
TEST(Keys, CacheTellsKeysApart)
{
	Event event = signed_event(Signer(secret_key(3)));
	Verifier verifier;
	for (int round = 0; round < 2; round++) {
		for (int last = 0; last < 256; last++) {
			nostr::PublicKey neighbour = event.pubkey;
			neighbour[31] = static_cast<uint8_t>(last);
			EXPECT_EQ(verifier.verify(event.id, neighbour, event.sig), neighbour == event.pubkey);
			EXPECT_TRUE(verifier.verify(event.id, event.pubkey, event.sig));
		}
	}
}

/* Columns: index, secret key, public key, aux_rand, message, signature, result, comment. */
std::vector<std::string>
columns(std::string line)
{
	std::vector<std::string> out(1);
	for (char c : line) {
		if (c == ',')
			out.emplace_back();
		else if (c != '\r')
			out.back() += static_cast<char>(tolower(c));
	}
	return out;
}

template <size_t Size>
std::array<uint8_t, Size>
bytes(const std::string &hex)
{
	std::array<uint8_t, Size> out;
	EXPECT_TRUE(nostr::from_hex(hex, out.data(), out.size())) << hex;
	return out;
}

TEST(Bip340, Verify)
{
	if (!shared_data::exists("bip340-vectors.csv"))
		GTEST_SKIP();
	std::vector<std::string> lines = shared_data::lines("bip340-vectors.csv");
	Verifier verifier;
	int tested = 0, other_length = 0;
	for (size_t i = 1; i < lines.size(); i++) {
		std::vector<std::string> row = columns(lines[i]);
		SCOPED_TRACE(row[0]);
		if (row[4].size() != 64) { // an event id has 32 bytes, always
			other_length++;
			continue;
		}
		bool good = verifier.verify(bytes<32>(row[4]), bytes<32>(row[2]), bytes<64>(row[5]));
		EXPECT_EQ(good, row[6] == "true");
		tested++;
	}
	EXPECT_EQ(tested, 15);
	EXPECT_EQ(other_length, 4);
}

TEST(Bip340, PublicKeys)
{
	if (!shared_data::exists("bip340-vectors.csv"))
		GTEST_SKIP();
	int tested = 0;
	std::vector<std::string> lines = shared_data::lines("bip340-vectors.csv");
	for (size_t i = 1; i < lines.size(); i++) {
		std::vector<std::string> row = columns(lines[i]);
		if (row[1].empty())
			continue;
		EXPECT_EQ(Signer(bytes<32>(row[1])).pubkey(), bytes<32>(row[2])) << row[0];
		tested++;
	}
	EXPECT_EQ(tested, 8);
}

} // namespace
