/*
 * BIP-340 signatures over event ids, by libsecp256k1.
 */
#pragma once

#include <memory>
#include <optional>

#include "event.h"

namespace nostr {

using SecretKey = std::array<uint8_t, 32>;
using SharedPoint = std::array<uint8_t, 32>;

/* Checks signatures. One per thread: it keeps a bounded cache of parsed public keys. */
class Verifier
{
  public:
	Verifier();
	~Verifier();
	bool verify(const Id &id, const PublicKey &pubkey, const Signature &sig);
	/* Are both the id and the signature right? */
	bool is_genuine(const Event &event);

  private:
	struct State;
	std::unique_ptr<State> state_;
};

/* Signs with one key. Throws std::invalid_argument if `secret` is not a valid key. */
class Signer
{
  public:
	explicit Signer(const SecretKey &secret);
	~Signer();
	const PublicKey &pubkey() const { return pubkey_; }
	/* Sets pubkey, id and sig of `event` from its other fields. `aux` is BIP-340's auxiliary
	 * randomness. */
	void sign(Event &event, const std::array<uint8_t, 32> &aux = {}) const;
	/* The x coordinate of our secret times `other`: the same from both sides. Nothing if `other` is
	 * not the x coordinate of a curve point. */
	std::optional<SharedPoint> shared_point(const PublicKey &other) const;

  private:
	struct State;
	std::unique_ptr<State> state_;
	PublicKey pubkey_;
};

} // namespace nostr
