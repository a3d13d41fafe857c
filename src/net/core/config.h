/* The settings that the folders below desk/ use, and limits that are not settings. */
#pragma once

#include <array>
#include <chrono>
#include <string>

#include "nostr/event.h"
#include "nostr/relay_url.h"

namespace net {

/* How many questions one relay gets. */
struct Manners
{
	int first_width = 4; // questions at the same time until the relay has answered some
	int most_width = 8;
	std::chrono::milliseconds least_pause{0}; // between two questions

	bool operator==(const Manners &) const = default;
};

struct Config
{
	bool allow_local = false;
	std::chrono::milliseconds connect_timeout{0};
	std::chrono::milliseconds response_timeout{0};
	int page_limit = 0;
	int max_per_address = 0; // connections; 0: no limit
	Manners manners;
	size_t max_message_bytes = 0;
	nostr::Limits limits;
	/* URLs of the proxies of networks that need one; empty: none. */
	std::array<std::string, nostr::kNetworks> proxies;
	std::string tls_ca_file;
	std::string user_agent;
};

/* Largest number of addresses of one relay that are tried. */
constexpr size_t kMaxAddresses = 3;

} // namespace net
