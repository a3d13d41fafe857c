/* Requests that a Nostr key has signed (NIP-98). */
#pragma once

#include <string>
#include <vector>

#include "net/serve/client_request.h"
#include "nostr/event.h"

namespace net {

/*
 * What is wrong with the event in the credential of the request, as a sentence; empty: nothing, and
 * `signer` is set. The URL that was signed must be one of the public URLs of this server with the
 * target of the request behind it: what the request itself says of its host proves nothing.
 */
std::string signed_request_fault(const ClientRequest &request,
								 const std::vector<std::string> &public_urls, int64_t now,
								 nostr::PublicKey &signer);

} // namespace net
