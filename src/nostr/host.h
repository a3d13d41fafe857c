/*
 * Hosts of relay URLs: a single spelling for each host, and its network. Internal part of
 * relay_url.cpp; docs/development/relay-urls.md has the rules.
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

/* Normalises a name (UTF-8) or an IPv4 address, which must not contain U+0000. */
Host normalise_host(std::string_view text);

/* Normalises the text between the brackets, which must not contain U+0000. */
Host normalise_ipv6(std::string_view text);

} // namespace nostr
