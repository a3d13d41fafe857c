#include "keys.h"

#include <openssl/crypto.h>
#include <openssl/rand.h>
#include <secp256k1.h>
#include <secp256k1_ecdh.h>
#include <secp256k1_extrakeys.h>
#include <secp256k1_schnorrsig.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <stdexcept>
#include <vector>

#include "event.h"

namespace nostr {

/*
 * A direct-mapped cache, indexed by the first bytes of the key. An attacker who searches for
 * colliding keys only makes their events as slow as without a cache.
 */
struct Verifier::State
{
	static constexpr size_t kEntries = 4096;

	enum class Content : uint8_t
	{
		Empty,
		Good,
		NoPoint
	};
	struct Entry
	{
		Content content = Content::Empty;
		PublicKey key;
		secp256k1_xonly_pubkey parsed;
	};

	std::vector<Entry> cache = std::vector<Entry>(kEntries);

	/* The parsed key; null if `key` is not the x coordinate of a curve point. */
	const secp256k1_xonly_pubkey *parse(const PublicKey &key)
	{
		Entry &entry = cache[(key[0] << 8 | key[1]) % kEntries];
		if (entry.content == Content::Empty || entry.key != key) {
			entry.key = key;
			entry.content = secp256k1_xonly_pubkey_parse(secp256k1_context_static, &entry.parsed,
														 key.data()) == 1
								? Content::Good
								: Content::NoPoint;
		}
		return entry.content == Content::Good ? &entry.parsed : nullptr;
	}
};

Verifier::Verifier() : state_(std::make_unique<State>()) {}
Verifier::~Verifier() = default;

bool
Verifier::verify(const Id &id, const PublicKey &pubkey, const Signature &sig)
{
	const secp256k1_xonly_pubkey *key = state_->parse(pubkey);
	return key != nullptr && secp256k1_schnorrsig_verify(secp256k1_context_static, sig.data(),
														 id.data(), id.size(), key) == 1;
}

bool
Verifier::is_genuine(const Event &event)
{
	return compute_id(event) == event.id && verify(event.id, event.pubkey, event.sig);
}

struct Signer::State
{
	secp256k1_context *context = secp256k1_context_create(SECP256K1_CONTEXT_NONE);
	secp256k1_keypair pair;

	~State()
	{
		OPENSSL_cleanse(&pair, sizeof(pair));
		secp256k1_context_destroy(context);
	}
};

Signer::Signer(const SecretKey &secret) : state_(std::make_unique<State>())
{
	/* The random seed blinds against side channels and does not change signatures. */
	std::array<uint8_t, 32> seed;
	if (RAND_bytes(seed.data(), seed.size()) != 1 ||
		secp256k1_context_randomize(state_->context, seed.data()) != 1)
		throw std::runtime_error("no randomness for the signing context");

	secp256k1_xonly_pubkey key;
	if (secp256k1_keypair_create(state_->context, &state_->pair, secret.data()) != 1 ||
		secp256k1_keypair_xonly_pub(state_->context, &key, nullptr, &state_->pair) != 1)
		throw std::invalid_argument("not a valid secret key");
	secp256k1_xonly_pubkey_serialize(state_->context, pubkey_.data(), &key);
}

Signer::~Signer() = default;

void
Signer::sign(Event &event, const std::array<uint8_t, 32> &aux) const
{
	event.pubkey = pubkey_;
	event.id = compute_id(event);
	if (secp256k1_schnorrsig_sign32(state_->context, event.sig.data(), event.id.data(),
									&state_->pair, aux.data()) != 1)
		throw std::runtime_error("signing failed");
}

std::optional<SharedPoint>
Signer::shared_point(const PublicKey &other) const
{
	/* An x-only key stands for the point with the even y (BIP-340). */
	std::array<uint8_t, 33> compressed{2};
	std::copy(other.begin(), other.end(), compressed.begin() + 1);
	secp256k1_pubkey key;
	std::array<uint8_t, 32> secret;
	SharedPoint point;
	auto copy_x = [](unsigned char *out, const unsigned char *x, const unsigned char *, void *) {
		return memcpy(out, x, 32) != nullptr ? 1 : 0;
	};
	const bool found =
		secp256k1_ec_pubkey_parse(state_->context, &key, compressed.data(), compressed.size()) ==
			1 &&
		secp256k1_keypair_sec(state_->context, secret.data(), &state_->pair) == 1 &&
		secp256k1_ecdh(state_->context, point.data(), &key, secret.data(), copy_x, nullptr) == 1;
	OPENSSL_cleanse(secret.data(), secret.size());
	return found ? std::optional(point) : std::nullopt;
}

} // namespace nostr
