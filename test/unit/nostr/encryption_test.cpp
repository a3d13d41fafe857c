/* Encrypted texts, by the vectors of NIP-44 and by samples of job requests (NIP-90). */
#include "nostr/encryption.h"

#include <stdexcept>

#include "hex.h"
#include "nostr/base64.h"
#include "nostr/canonical.h"
#include "shared_data.h"

namespace {

constexpr const char *kVectors = "nip44.vectors.json";
constexpr const char *kSamples = "nostr-sample-events.json";

std::array<uint8_t, 32>
bytes_of(simdjson::dom::element hex)
{
	return test::id_of(std::string_view(hex));
}

nostr::Signer
signer(uint8_t number)
{
	nostr::SecretKey secret{};
	secret[31] = number;
	return nostr::Signer(secret);
}

TEST(Encryption, BothSidesHaveTheSameKey)
{
	const nostr::Signer ours = signer(1), theirs = signer(2);
	EXPECT_EQ(ours.shared_point(theirs.pubkey()).value(),
			  theirs.shared_point(ours.pubkey()).value());
	EXPECT_EQ(
		test::hex(nostr::view(nostr::conversation_key(ours.shared_point(theirs.pubkey()).value()))),
		"c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d");
	nostr::PublicKey no_point;
	no_point.fill(0xff);
	EXPECT_FALSE(ours.shared_point(no_point));
}

/* The hashes are of the sheet: its vectors do not have the form for long texts. */
TEST(Encryption, LongTexts)
{
	const auto key =
		test::id_of("c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d");
	std::array<uint8_t, 32> nonce{};
	nonce[31] = 1;
	const std::pair<size_t, const char *> texts[] = {
		{65535, "6d8c2810d1e870fbaa1f0a0937126cca837a15f9260e27060c331d70a3c0bc84"},
		{65536, "b7b4edb36ba92e267d322d56d9aebc22e7fa96ff52e3c12adc07f07a43cbc616"},
		{65537, "eeb7c7c5373894ea2c1547cfd3ccb15d5a0b2d619da852e5c79df792dcc9e435"},
	};
	for (auto [size, hash] : texts) {
		const std::string text(size, 'a');
		const std::string payload = nostr::nip44_encrypt(key, text, nonce);
		EXPECT_EQ(test::hex(nostr::view(nostr::sha256(payload))), hash) << size;
		EXPECT_EQ(nostr::nip44_decrypt(key, payload), text) << size;
	}
	EXPECT_THROW(nostr::nip44_encrypt(key, "", nonce), std::invalid_argument);
	EXPECT_THROW(nostr::nip44_encrypt(key, std::string(nostr::kMaxClearText + 1, 'a'), nonce),
				 std::invalid_argument);
	EXPECT_FALSE(nostr::nip44_decrypt(key, std::string(nostr::kMaxPayload + 4, 'A')));
}

/* Whatever is changed, nothing is read. */
TEST(Encryption, ChangedPayloads)
{
	const auto key =
		test::id_of("c41c775356fd92eadc63ff5a0dc1da211b268cbea22316767095b2871ea1412d");
	const std::string bytes = nostr::base64_decode(nostr::nip44_encrypt(key, "hello", key)).value();
	for (size_t i = 0; i < bytes.size(); i++) {
		std::string changed = bytes;
		changed[i] = static_cast<char>(changed[i] ^ 1);
		EXPECT_FALSE(nostr::nip44_decrypt(key, nostr::base64(changed))) << i;
		EXPECT_FALSE(nostr::nip44_decrypt(key, nostr::base64(bytes.substr(0, i)))) << i;
	}
	EXPECT_EQ(nostr::nip44_decrypt(key, nostr::base64(bytes)), "hello");
}

TEST(Encryption, Nip04)
{
	const nostr::SharedPoint point = signer(1).shared_point(signer(2).pubkey()).value();
	for (size_t size : {1, 15, 16, 17, 1000}) {
		const std::string text(size, 'x');
		const std::string payload = nostr::nip04_encrypt(point, text, {7});
		EXPECT_TRUE(nostr::looks_like_nip04(payload));
		EXPECT_EQ(nostr::nip04_decrypt(point, payload), text);
	}
	for (const char *payload : {"", "?iv=", "AAAA?iv=AAAA", "AAAA",
								"AAAAAAAAAAAAAAAAAAAAAA==?iv=AAAAAAAAAAAAAAAAAAAAAA==",
								"not base64?iv=AAAAAAAAAAAAAAAAAAAAAA=="})
		EXPECT_FALSE(nostr::nip04_decrypt(point, payload)) << payload;
}

TEST(Encryption, Vectors)
{
	if (!shared_data::exists(kVectors))
		GTEST_SKIP() << kVectors << " is not here";
	shared_data::Document document(kVectors);
	simdjson::dom::element valid = document["v2"]["valid"], invalid = document["v2"]["invalid"];
	int checked = 0;
	for (simdjson::dom::element one : valid["get_conversation_key"]) {
		nostr::Signer us(bytes_of(one["sec1"]));
		EXPECT_EQ(nostr::conversation_key(us.shared_point(bytes_of(one["pub2"])).value()),
				  bytes_of(one["conversation_key"]));
		checked++;
	}
	for (simdjson::dom::element one : valid["encrypt_decrypt"]) {
		const auto key = bytes_of(one["conversation_key"]);
		const std::string_view text = one["plaintext"], payload = one["payload"];
		EXPECT_EQ(nostr::nip44_encrypt(key, text, bytes_of(one["nonce"])), payload);
		EXPECT_EQ(nostr::nip44_decrypt(key, payload), text);
		checked++;
	}
	for (simdjson::dom::element one : valid["encrypt_decrypt_long_msg"]) {
		std::string text;
		for (int64_t i = 0; i < int64_t(one["repeat"]); i++)
			text += std::string_view(one["pattern"]);
		if (text.size() > nostr::kMaxClearText)
			continue;
		const std::string payload =
			nostr::nip44_encrypt(bytes_of(one["conversation_key"]), text, bytes_of(one["nonce"]));
		EXPECT_EQ(nostr::sha256(payload), bytes_of(one["payload_sha256"]));
		checked++;
	}
	for (simdjson::dom::element one : invalid["decrypt"]) {
		EXPECT_FALSE(nostr::nip44_decrypt(bytes_of(one["conversation_key"]),
										  std::string_view(one["payload"])))
			<< std::string_view(one["note"]);
		checked++;
	}
	for (simdjson::dom::element one : invalid["get_conversation_key"]) {
		bool found = true;
		try {
			found = nostr::Signer(bytes_of(one["sec1"]))
						.shared_point(bytes_of(one["pub2"]))
						.has_value();
		} catch (const std::invalid_argument &) {
			found = false;
		}
		EXPECT_FALSE(found) << std::string_view(one["note"]);
		checked++;
	}
	EXPECT_GE(checked, 65);
}

TEST(Encryption, RequestsOfOthers)
{
	if (!shared_data::exists(kSamples))
		GTEST_SKIP() << kSamples << " is not here";
	shared_data::Document document(kSamples);
	int checked = 0;
	for (simdjson::dom::element sample : document["samples"]) {
		const std::string_view name = sample["name"];
		if (!name.starts_with("dvm-request-encrypted"))
			continue;
		const nostr::SharedPoint point =
			signer(2).shared_point(bytes_of(sample["event"]["pubkey"])).value();
		const std::string_view payload = sample["event"]["content"];
		const auto text = nostr::looks_like_nip04(payload)
							  ? nostr::nip04_decrypt(point, payload)
							  : nostr::nip44_decrypt(nostr::conversation_key(point), payload);
		EXPECT_EQ(text, "[[\"i\",\"nostr\",\"text\"],[\"param\",\"group\",\"pubkey\"]]") << name;
		checked++;
	}
	EXPECT_EQ(checked, 2);
}

} // namespace
