/*
 * Which items of tags name relays: the rules of relay_mentions.h by kind, tag and position.
 */
#pragma once

#include <cstdint>
#include <string_view>

#include "relay_mentions.h"

namespace nostr {

/* Whether the item can only be a relay, perhaps without a scheme. `index`: 1 is the first item
 * after the name of the tag. */
bool is_relay_item(int32_t kind, std::string_view tag, size_t index, MentionPlace &place);

/* Whether the tag holds long texts of its own, in which a URL is not a hint. */
bool is_opaque_tag(std::string_view tag);

/* Whether this may be a URL of a relay. The check is cheap; normalise_relay_url() finds the
 * faults. */
bool begins_like_relay(std::string_view text);

/* Whether the kind is a job request (NIP-90). */
bool is_job_request(int32_t kind);

/* Whether the content is ciphertext, which names no relays. */
bool has_encrypted_content(int32_t kind);

} // namespace nostr
