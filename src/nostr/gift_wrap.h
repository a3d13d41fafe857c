/*
 * Private messages (NIP-17): a text for one reader, in a seal that its author signed, in a wrap
 * that an unknown key signed (NIP-59), so that others learn neither the text nor the author. Pure.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>

#include "event.h"
#include "keys.h"

namespace nostr {

/* Random, and used once. */
struct WrapRandomness
{
	SecretKey key; // signs the wrap
	std::array<uint8_t, 32> seal_nonce, wrap_nonce;
	std::array<uint32_t, 2> ages; // by which the times of seal and wrap are too early
};

struct PrivateMessage
{
	std::string text;       // 1 byte at least
	int64_t written_at = 0; // the same message of the same time has the same id for its reader
};

/* The wrap, signed; nothing if there is no such reader: the key is not a curve point. */
std::optional<Event> gift_wrap(const Signer &author, const PublicKey &reader,
							   PrivateMessage message, int64_t now, const WrapRandomness &random);

} // namespace nostr
