/* URLs with http and https, for documents about relays and lists of relays. The functions have no
 * side effects. */
#pragma once

#include <string>
#include <string_view>

#include "nostr/relay_url.h"

namespace nostr {

constexpr size_t kMaxWebUrl = 2000; // bytes

struct WebUrl
{
	const char *reason = nullptr; // null: accepted; else a reason code such as "bad_scheme"
	std::string url;              // without fragment, host normalised
	RelayEndpoint endpoint;       // its path includes the query
	Network network = Network::Clearnet;

	bool ok() const { return reason == nullptr; }
};

WebUrl parse_web_url(std::string_view text);
/* The URL that `reference` means in a response from `base` (RFC 3986, section 5). Dot segments are
 * left to the server. */
WebUrl resolve_web_url(const WebUrl &base, std::string_view reference);
/* The URL of a relay's document (NIP-11). `url` must come from normalise_relay_url(). */
WebUrl document_url(std::string_view url);

} // namespace nostr
