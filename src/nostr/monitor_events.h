/*
 * The events that a monitor publishes: its findings about a relay (NIP-66, kind 30166), its work
 * (NIP-66, kind 10166), its profile (kind 0) and its relays (NIP-65, kind 10002). The functions
 * have no side effects; the caller signs the events. Texts must be valid UTF-8 without U+0000.
 */
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "event.h"
#include "relay_url.h"

namespace nostr {

constexpr int32_t kProfile = 0;
constexpr int32_t kRelayList = 10002;
constexpr int32_t kMonitor = 10166;
constexpr int32_t kWriteCheck = 30078; // NIP-78: data of an application
constexpr int32_t kRelayDiscovery = 30166;

/* Whether a relay demands something; nothing: unknown. */
using Demanded = std::optional<bool>;

/* One check of a relay that was reached. A relay that was not reached gets no event. */
struct RelayFacts
{
	std::string url;                                      // normalised
	Network network = Network::Clearnet;                  // Local has no name in NIP-66
	int64_t checked_at = 0;                               // Unix seconds
	std::optional<int64_t> rtt_open, rtt_read, rtt_write; // milliseconds
	std::vector<int32_t> nips;                            // observed or claimed
	Demanded auth, writes, pow, payment;                  // to read or to write
	std::vector<std::string> topics;
	std::vector<std::string> languages; // ISO 639-1
	std::string geohash;                // of the host; empty: unknown
	std::string country;                // of the host, ISO 3166-1; empty: unknown
	int64_t as_number = 0;              // of the host's network; 0: unknown
	std::string document;               // NIP-11, a JSON object; empty: none
};

/* How the monitor works. */
struct MonitorFacts
{
	int64_t frequency = 0; // seconds between two publications about a relay
	std::vector<std::string>
		checks; // "open", "read", "write", "auth", "nip11", "dns", "geo", "ssl"
	std::vector<std::pair<std::string, int64_t>> timeouts; // check, milliseconds
	std::vector<Network> networks;
};

/* These events have no pubkey, id and signature. */
Event relay_discovery_event(const RelayFacts &facts);
Event monitor_event(const MonitorFacts &facts, int64_t created_at);
/*
 * The event for the write check of a relay. Unlike an ephemeral event, it can be read back. It
 * leaves nothing at the relay: it expires after ten minutes (NIP-40), and a relay without NIP-40
 * replaces it by the next one, because it is addressable.
 */
Event write_check_event(std::string_view url, int64_t created_at);
/* `lud16`: address for payments; empty: not published. */
Event profile_event(std::string_view name, std::string_view about, int64_t created_at,
					std::string_view lud16 = "");
/* `urls`: normalised URLs of the relays that get the monitor's events. */
Event relay_list_event(const std::vector<std::string> &urls, int64_t created_at);

} // namespace nostr
