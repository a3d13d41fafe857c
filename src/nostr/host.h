/*
 * Hosts of relay URLs: one spelling for one host, and the network it is on. Inner part of
 * relay_url.cpp; the rules are written down in docs/development/relay-urls.md.
 */
#pragma once

#include "relay_url.h"

namespace nostr {

struct Host
{
	const char *reason = nullptr; // null: accepted
	std::string text;             // normalised; IPv6 in brackets
	Network network = Network::Clearnet;
};

/* A name (UTF-8) or an IPv4 address. Must not hold U+0000. */
Host normalise_host(std::string_view text);

/* The inside of the brackets. Must not hold U+0000. */
Host normalise_ipv6(std::string_view text);

} // namespace nostr
