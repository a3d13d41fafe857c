/* Requests that a Nostr key has signed (NIP-98). */
#pragma once

#include <string>
#include <vector>

#include "net/serve/client_request.h"
#include "nostr/event.h"

namespace net {

/*
 * Checks the signed event in the credential of the request. Returns a sentence about the fault; if
 * it is empty, the event is valid and `signer` is set. The signed URL must be one of this server's
 * public URLs followed by the target of the request; the host that the request names proves
 * nothing.
 */
std::string signed_request_fault(const ClientRequest &request,
								 const std::vector<std::string> &public_urls, int64_t now,
								 nostr::PublicKey &signer);

} // namespace net
