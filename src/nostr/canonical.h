/*
 * Parts of the canonical form (NIP-01), for parsers that have the other parts already.
 */
#pragma once

#include "event.h"

namespace nostr {

/* Appends everything before the content: [0,"<pubkey>",<created_at>,<kind>,<tags>, */
void append_canonical_head(const Event &event, std::string &out);

Id sha256(std::string_view bytes);

} // namespace nostr
