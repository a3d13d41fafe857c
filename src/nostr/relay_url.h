/*
 * Relay URLs: a single spelling for each endpoint, and its network. The functions have no side
 * effects and use no DNS and no locale. docs/development/relay-urls.md has the rules.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace nostr {

enum class Network : uint8_t
{
	Clearnet,
	Tor,
	I2p,
	Loki,
	Local
};
constexpr size_t kNetworks = 5;

/* The name of a network: "clearnet", "tor", "i2p", "loki" (tag `n` of NIP-66), or "local" (not
 * publicly reachable). */
const char *network_name(Network network);

/* Whether the network is an overlay network: only a proxy reaches it, and name servers do not know
 * its names. */
constexpr bool
is_overlay(Network network)
{
	return network == Network::Tor || network == Network::I2p || network == Network::Loki;
}

enum class UrlMode : uint8_t
{
	Strict, // the scheme must be ws:// or wss://
	Lenient // only for lists of relay URLs: accepts hosts alone, and http(s) as ws(s)
};

struct RelayUrl
{
	const char *reason = nullptr; // null: accepted; else a reason code such as "bad_port"
	std::string url;              // normalised, if accepted
	Network network = Network::Clearnet;

	bool ok() const { return reason == nullptr; }
};

/*
 * Accepts local addresses (network Local). Other code decides if they may be used: see the setting
 * bigbrotr.allow_local_relays and the reason code "local_address".
 */
RelayUrl normalise_relay_url(std::string_view text, UrlMode mode = UrlMode::Strict);

/* The parts of a normalised URL, for connecting. */
struct RelayEndpoint
{
	bool tls = false;
	std::string host; // name or address; IPv6 without brackets
	uint16_t port = 0;
	std::string path; // begins with "/"
};

/* `url` must come from normalise_relay_url. */
RelayEndpoint relay_endpoint(std::string_view url);

} // namespace nostr
