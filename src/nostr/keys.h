/*
 * BIP-340 signatures of event ids, with libsecp256k1.
 */
#pragma once

#include <memory>
#include <optional>

#include "event.h"

namespace nostr {

using SecretKey = std::array<uint8_t, 32>;
using SharedPoint = std::array<uint8_t, 32>;

/* Checks signatures. Use one object per thread, because it keeps a bounded cache of parsed keys. */
class Verifier
{
  public:
	Verifier();
	~Verifier();
	bool verify(const Id &id, const PublicKey &pubkey, const Signature &sig);
	/* Whether both the id and the signature are valid. */
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
	/* The x coordinate of the secret times `other`; both sides get the same. Nothing if `other` is
	 * not the x coordinate of a curve point. */
	std::optional<SharedPoint> shared_point(const PublicKey &other) const;

  private:
	struct State;
	std::unique_ptr<State> state_;
	PublicKey pubkey_;
};

} // namespace nostr
