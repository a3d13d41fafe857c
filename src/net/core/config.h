/* The settings that the folders below desk/ use, and the limits that are not settings. */
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "nostr/event.h"
#include "nostr/relay_url.h"

namespace net {

struct Config
{
	bool allow_local = false;
	std::chrono::milliseconds connect_timeout{0};
	std::chrono::milliseconds response_timeout{0};
	int page_limit = 0;
	int max_per_address = 0; // connections; 0: as many as come
	size_t max_message_bytes = 0;
	nostr::Limits limits;
	/* URLs of the ways to networks that have no other way; empty: there is none. */
	std::array<std::string, nostr::kNetworks> proxies;
	std::string tls_ca_file;
	std::string user_agent;
};

/* Addresses of one relay that are tried. */
constexpr size_t kMaxAddresses = 3;

} // namespace net
