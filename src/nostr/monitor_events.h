/*
 * The events that a monitor publishes: what it found at a relay (NIP-66, kind 30166), what it does
 * (NIP-66, kind 10166), who it is (kind 0) and where its events are (NIP-65, kind 10002). Pure: the
 * caller signs them. Texts are valid UTF-8 without U+0000.
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

/* What a relay demands: true, not demanded: false, or not known. */
using Demanded = std::optional<bool>;

/* One check of a relay that could be reached. There is no event for one that could not. */
struct RelayFacts
{
	std::string url;                                      // normalised
	Network network = Network::Clearnet;                  // Local has no name in NIP-66
	int64_t checked_at = 0;                               // Unix seconds
	std::optional<int64_t> rtt_open, rtt_read, rtt_write; // milliseconds
	std::vector<int32_t> nips;                            // observed or claimed
	Demanded auth, writes, pow, payment;                  // to read or to write
	std::vector<std::string> topics;
	std::string geohash;   // of the host; empty: not known
	std::string country;   // likewise: ISO 3166-1
	int64_t as_number = 0; // of the host's network; 0: not known
	std::string document;  // NIP-11, JSON of an object; empty: there is none
};

/* What the monitor does. */
struct MonitorFacts
{
	int64_t frequency = 0; // seconds between two publications about a relay
	std::vector<std::string>
		checks; // "open", "read", "write", "auth", "nip11", "dns", "geo", "ssl"
	std::vector<std::pair<std::string, int64_t>> timeouts; // check, milliseconds
	std::vector<Network> networks;
	std::string geohash; // of the monitor; empty: not told
};

/* All but pubkey, id and signature. */
Event relay_discovery_event(const RelayFacts &facts);
Event monitor_event(const MonitorFacts &facts, int64_t created_at);
/*
 * What is written to a relay to see whether it takes events and shows them. It can be read back, as
 * no ephemeral event can, and leaves nothing: it expires after ten minutes (NIP-40), and where that
 * means nothing the next one takes its place, for it is addressable.
 */
Event write_check_event(std::string_view url, int64_t created_at);
/* `lud16`: where payments are sent; empty: not told. */
Event profile_event(std::string_view name, std::string_view about, int64_t created_at,
					std::string_view lud16 = "");
/* `urls`: normalised, where the monitor's events are sent. */
Event relay_list_event(const std::vector<std::string> &urls, int64_t created_at);

} // namespace nostr
