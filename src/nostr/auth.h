/* NIP-42: how a client tells a relay who it is. */
#pragma once

#include <optional>
#include <string_view>

#include "event.h"
#include "keys.h"

namespace nostr {

/* Bytes of a challenge that is answered. */
constexpr size_t kMaxChallenge = 1024;

/* The answer to a challenge of this relay, signed. `challenge` is valid UTF-8. */
Event auth_event(const Signer &signer, std::string_view relay_url, std::string_view challenge,
				 int64_t created_at);

/* Of 64 hex digits, or nsec1…; blanks around it do not count. Nothing if it is none. */
std::optional<SecretKey> parse_secret_key(std::string_view text);

} // namespace nostr
