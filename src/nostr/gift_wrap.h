/*
 * Private messages (NIP-17): a text for one reader, in a seal that the author signs, in a wrap that
 * a random key signs (NIP-59). Others learn neither the text nor the author. The functions have no
 * side effects.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "event.h"
#include "keys.h"

namespace nostr {

/* Random values, which must be used only once. */
struct WrapRandomness
{
	SecretKey key; // signs the wrap
	std::array<uint8_t, 32> seal_nonce, wrap_nonce;
	std::array<uint32_t, 2> ages; // seconds by which seal and wrap are dated earlier
};

struct PrivateMessage
{
	std::string text;       // must not be empty
	int64_t written_at = 0; // the same text and time give the same id for the reader
};

/* The signed wrap; nothing if the reader's key is not a curve point. */
std::optional<Event> gift_wrap(const Signer &author, const PublicKey &reader,
							   PrivateMessage message, int64_t now, const WrapRandomness &random);

} // namespace nostr
