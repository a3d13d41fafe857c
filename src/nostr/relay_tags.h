/*
 * Which items of tags name relays: the rules of relay_mentions.h, by kind, tag and position.
 */
#pragma once

#include <cstdint>
#include <string_view>

#include "relay_mentions.h"

namespace nostr {

/* Does the item hold nothing but a relay, perhaps without a scheme? `index`: 1 is the first item
 * behind the name of the tag. */
bool is_relay_item(int32_t kind, std::string_view tag, size_t index, MentionPlace &place);

/* Tags that hold long texts of their own, in which a URL is no hint. */
bool is_opaque_tag(std::string_view tag);

/* Is this perhaps a URL of a relay? Cheap: leaves it to normalise_relay_url() to say what is wrong.
 */
bool begins_like_relay(std::string_view text);

/* NIP-90 */
bool is_job_request(int32_t kind);

/* Is the content ciphertext, which names nothing? */
bool has_encrypted_content(int32_t kind);

} // namespace nostr
