/*
 * An element of bigbrotr.api_listen: "127.0.0.1:8080", "[::1]:8080" or "unix:/path", with the
 * prefix "tls:" if the socket speaks TLS. This header needs no C++ library, because the preload
 * library checks the setting.
 */
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "pg/border/list.h"

struct ListenAddress
{
	sockaddr_storage address;
	socklen_t size;
	bool has_tls;

	bool is_unix() const { return address.ss_family == AF_UNIX; }
};

/* Copies the text and adds a null byte; false if it is too long. */
template <size_t N>
bool
copy_text(std::string_view text, char (&to)[N])
{
	if (text.size() >= N)
		return false;
	memcpy(to, text.data(), text.size());
	to[text.size()] = '\0';
	return true;
}

/* Parses an IPv4 or IPv6 address. */
inline bool
parse_ip(std::string_view text, sockaddr_storage &to, socklen_t &size)
{
	char host[INET6_ADDRSTRLEN];
	auto &v4 = reinterpret_cast<sockaddr_in &>(to);
	auto &v6 = reinterpret_cast<sockaddr_in6 &>(to);
	memset(&to, 0, sizeof to);
	if (!copy_text(text, host))
		return false;
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		v4.sin_family = AF_INET;
		size = sizeof v4;
		return true;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) != 1)
		return false;
	v6.sin6_family = AF_INET6;
	size = sizeof v6;
	return true;
}

/* Parses a number from 0 to `most`; other characters are not allowed. */
inline bool
parse_number(std::string_view text, unsigned most, unsigned &number)
{
	number = 0;
	for (char c : text) {
		if (c < '0' || c > '9' || number > most)
			return false;
		number = number * 10 + static_cast<unsigned>(c - '0');
	}
	return !text.empty() && number <= most;
}

/* Returns null, or a description of the fault. */
inline const char *
parse_listen_address(std::string_view text, ListenAddress &to)
{
	constexpr std::string_view scheme = "unix:", tls = "tls:";
	to.has_tls = text.substr(0, tls.size()) == tls;
	if (to.has_tls)
		text.remove_prefix(tls.size());
	if (text.substr(0, scheme.size()) == scheme) {
		auto &local = reinterpret_cast<sockaddr_un &>(to.address);
		memset(&to.address, 0, sizeof to.address);
		local.sun_family = AF_UNIX;
		to.size = sizeof local;
		text.remove_prefix(scheme.size());
		if (text.empty() || text[0] != '/')
			return "The path of a Unix socket begins with \"/\".";
		return copy_text(text, local.sun_path) ? nullptr : "The path of a Unix socket is too long.";
	}
	size_t colon = text.rfind(':');
	unsigned port;
	if (colon == std::string_view::npos ||
		!parse_number(pg::behind(text, colon + 1), 65535, port) || port == 0)
		return "A port from 1 to 65535 is missing.";
	std::string_view host = text.substr(0, colon);
	bool brackets = host.size() > 2 && host.front() == '[' && host.back() == ']';
	if (brackets) {
		host.remove_prefix(1);
		host.remove_suffix(1);
	}
	if (!parse_ip(host, to.address, to.size) || (to.address.ss_family == AF_INET6) != brackets)
		return "The host must be a numeric address, with brackets if it is one of IPv6.";
	if (brackets)
		reinterpret_cast<sockaddr_in6 &>(to.address).sin6_port = htons(static_cast<uint16_t>(port));
	else
		reinterpret_cast<sockaddr_in &>(to.address).sin_port = htons(static_cast<uint16_t>(port));
	return nullptr;
}
