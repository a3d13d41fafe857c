/*
 * Relay URLs: one spelling for one endpoint, and which network it is on. Pure: no DNS, no locale.
 * The rules are written down in docs/development/relay-urls.md.
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

/* "clearnet", "tor", "i2p", "loki" (NIP-66's `n` tag) or "local" (not publicly reachable). */
const char *network_name(Network network);

/* Only a proxy leads there, and no name server knows its names. */
constexpr bool
is_overlay(Network network)
{
	return network == Network::Tor || network == Network::I2p || network == Network::Loki;
}

enum class UrlMode : uint8_t
{
	Strict, // a ws:// or wss:// scheme is demanded
	Lenient // for lists of relay URLs only: also bare hosts, and http(s) as ws(s)
};

struct RelayUrl
{
	const char *reason = nullptr; // null: accepted; else a reason code such as "bad_port"
	std::string url;              // normalised, if accepted
	Network network = Network::Clearnet;

	bool ok() const { return reason == nullptr; }
};

/*
 * Local addresses are accepted here (network Local); whether they may be used is policy, see
 * the setting bigbrotr.allow_local_relays and the reason code "local_address".
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
