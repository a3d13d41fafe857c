/*
 * Encrypts texts between two keys: NIP-44 version 2, and NIP-04, which older clients use. The
 * caller must first check that the author signed the event with such a text.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keys.h"

namespace nostr {

constexpr size_t kMaxPayload = 256 << 10;   // largest encrypted text that is read, bytes
constexpr size_t kMaxClearText = 128 << 10; // largest text that is encrypted, bytes

using ConversationKey = std::array<uint8_t, 32>;

ConversationKey conversation_key(const SharedPoint &point);

/* `text` must have 1 to kMaxClearText bytes, otherwise std::invalid_argument is thrown. `nonce`
 * must be random and used only once. */
std::string nip44_encrypt(const ConversationKey &key, std::string_view text,
						  const std::array<uint8_t, 32> &nonce);
/* Nothing if the payload is malformed, too long, was made with another key, or is not UTF-8. */
std::optional<std::string> nip44_decrypt(const ConversationKey &key, std::string_view payload);

/* The same for NIP-04, which does not authenticate the ciphertext. */
std::string nip04_encrypt(const SharedPoint &point, std::string_view text,
						  const std::array<uint8_t, 16> &iv);
std::optional<std::string> nip04_decrypt(const SharedPoint &point, std::string_view payload);

/* Whether a payload has the form of NIP-04. */
bool looks_like_nip04(std::string_view payload);

} // namespace nostr
