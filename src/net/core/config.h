/* wire::ArchiveSettings with strings of its own, and the limits that are no settings. */
#pragma once

#include <chrono>
#include <string>

#include "nostr/event.h"
#include "wire/archive.h"

namespace net {

struct Config
{
	bool allow_local = false;
	std::chrono::milliseconds connect_timeout{0};
	std::chrono::milliseconds response_timeout{0};
	int page_limit = 0;
	size_t max_message_bytes = 0;
	nostr::Limits limits;
	uint64_t buffer_bytes = 0;
	std::string tls_ca_file;
	std::string user_agent;

	Config() = default;
	explicit Config(const wire::ArchiveSettings &settings);
};

/* Messages of a session, per hour, that nobody asked for or that say nothing. */
constexpr int kMaxIgnored = 20000;
/* Messages of a session, per hour, that were refused. */
constexpr int kMaxRefused = 1000;
constexpr std::chrono::hours kCountedFor{1};
/* Events of one page. */
constexpr int kMaxPageEvents = 50000;
/* How long a page may take, in response time-outs, if it comes drop by drop. */
constexpr int kPageTimeouts = 60;
/* Half-received messages of all relays together; past it the largest is given up. */
constexpr size_t kMaxAssembly = 64 << 20;
/* Addresses of one relay that are tried. */
constexpr size_t kMaxAddresses = 3;
/* Silence after which a ping is sent. */
constexpr std::chrono::seconds kPingAfter{30};

} // namespace net
