/*
 * Texts between two keys: NIP-44 version 2, and NIP-04, which older clients write. Whether the
 * event that carries such a text is signed by its author must be checked before.
 */
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "keys.h"

namespace nostr {

constexpr size_t kMaxPayload = 256 << 10;   // bytes of an encrypted text that is read
constexpr size_t kMaxClearText = 128 << 10; // bytes of a text that is encrypted

using ConversationKey = std::array<uint8_t, 32>;

ConversationKey conversation_key(const SharedPoint &point);

/* A text of 1 to kMaxClearText bytes, else std::invalid_argument. A nonce is random and is used
 * once. */
std::string nip44_encrypt(const ConversationKey &key, std::string_view text,
						  const std::array<uint8_t, 32> &nonce);
/* Nothing if the payload is malformed, too long, was made with another key, or is not UTF-8. */
std::optional<std::string> nip44_decrypt(const ConversationKey &key, std::string_view payload);

/* The same for NIP-04, which does not authenticate what is encrypted. */
std::string nip04_encrypt(const SharedPoint &point, std::string_view text,
						  const std::array<uint8_t, 16> &iv);
std::optional<std::string> nip04_decrypt(const SharedPoint &point, std::string_view payload);

/* Which of the two a payload looks like. */
bool looks_like_nip04(std::string_view payload);

} // namespace nostr
