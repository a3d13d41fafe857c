/*
 * URLs of proxies: socks5h://HOST:PORT, socks5://HOST:PORT, http://HOST:PORT. This code allocates
 * no memory and throws no exceptions, because the postmaster also uses it.
 */
#pragma once

#include <cstdint>
#include <string_view>

#include "nostr/ascii.h"

namespace nostr {

enum class ProxyKind : uint8_t
{
	Socks5,     // RFC 1928
	HttpConnect // method CONNECT of HTTP (RFC 9110)
};

struct ProxyUrl
{
	const char *fault = nullptr; // null: accepted; else a sentence about the fault
	ProxyKind kind = ProxyKind::Socks5;
	std::string_view host; // part of `text`; IPv6 without brackets
	uint16_t port = 0;
};

namespace proxy_url {

inline bool
take_prefix(std::string_view &text, std::string_view prefix)
{
	if (!text.starts_with(prefix))
		return false;
	text.remove_prefix(prefix.size());
	return true;
}

/* Whether `host` is a name or an address; with `address`, the text between brackets. */
inline bool
is_host(std::string_view host, bool address)
{
	if (host.empty() || host.size() > 253)
		return false;
	for (char c : host)
		if (address ? hex_value(c) < 0 && c != ':' && c != '.'
					: !is_letter(c) && !is_digit(c) && c != '.' && c != '-' && c != '_')
			return false;
	return true;
}

/* The port; 0 if the text is not a port number. */
inline uint16_t
parse_port(std::string_view digits)
{
	uint32_t port = 0;
	if (digits.empty() || digits.size() > 5)
		return 0;
	for (char c : digits) {
		if (!is_digit(c))
			return 0;
		port = port * 10 + uint32_t(c - '0');
	}
	return port <= UINT16_MAX ? uint16_t(port) : 0;
}

} // namespace proxy_url

inline ProxyUrl
parse_proxy_url(std::string_view text)
{
	ProxyUrl url;
	auto refuse = [](const char *fault) { return ProxyUrl{.fault = fault}; };
	if (proxy_url::take_prefix(text, "http://"))
		url.kind = ProxyKind::HttpConnect;
	else if (!proxy_url::take_prefix(text, "socks5h://") &&
			 !proxy_url::take_prefix(text, "socks5://"))
		return refuse("The scheme is none of socks5h, socks5 and http.");
	if (text.find('@') != text.npos)
		return refuse(
			"The URL names a user, but each relay gets a user name of its own at the proxy.");
	if (text.ends_with('/'))
		text.remove_suffix(1);

	bool brackets = text.starts_with('[');
	size_t end = brackets ? text.find("]:") : text.rfind(':');
	if (end == text.npos)
		return refuse("It has no port.");
	url.host = {text.data() + brackets, end - brackets};
	text.remove_prefix(end + 1 + brackets);
	url.port = proxy_url::parse_port(text);
	if (url.port == 0)
		return refuse("The port is not a number from 1 to 65535.");
	if (!proxy_url::is_host(url.host, brackets))
		return refuse("The host is neither a name nor an address.");
	for (std::string_view suffix : {".onion", ".i2p", ".loki"})
		if (url.host.ends_with(suffix))
			return refuse("The host is a name of an overlay network.");
	return url;
}

} // namespace nostr
