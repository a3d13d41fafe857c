/* NIP-42: how a client authenticates to a relay. */
#pragma once

#include <optional>
#include <string_view>

#include "event.h"
#include "keys.h"

namespace nostr {

/* Longest challenge that is answered, in bytes. */
constexpr size_t kMaxChallenge = 1024;

/* The signed answer to a challenge of this relay. `challenge` must be valid UTF-8. */
Event auth_event(const Signer &signer, std::string_view relay_url, std::string_view challenge,
				 int64_t created_at);

/* Parses 64 hex digits or nsec1…, with blanks around it allowed. Nothing if the text is neither. */
std::optional<SecretKey> parse_secret_key(std::string_view text);

} // namespace nostr
