#include "net/transport/screening.h"

#include <algorithm>
#include <array>
#include <cstring>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <unistd.h>

#include "nostr/address.h"

namespace net {

// https://fetch.spec.whatwg.org/#port-blocking, in order
constexpr uint16_t kBlockedPorts[] = {
	0,    1,    7,    9,    11,   13,   15,   17,   19,   20,   21,   22,   23,   25,
	37,   42,   43,   53,   69,   77,   79,   87,   95,   101,  102,  103,  104,  109,
	110,  111,  113,  115,  117,  119,  123,  135,  137,  139,  143,  161,  179,  389,
	427,  465,  512,  513,  514,  515,  526,  530,  531,  532,  540,  548,  554,  556,
	563,  587,  601,  636,  989,  990,  993,  995,  1719, 1720, 1723, 2049, 3659, 4045,
	4190, 5060, 5061, 6000, 6566, 6665, 6666, 6667, 6668, 6669, 6679, 6697, 10080};

static bool
unwrap_mapped(const in6_addr &address, std::array<uint8_t, 4> &inner)
{
	if (!IN6_IS_ADDR_V4MAPPED(&address))
		return false;
	std::memcpy(inner.data(), address.s6_addr + 12, 4);
	return true;
}

std::string
address_text(const sockaddr *address)
{
	char text[INET6_ADDRSTRLEN] = "";
	if (address->sa_family == AF_INET) {
		inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in *>(address)->sin_addr, text,
				  sizeof text);
	} else if (address->sa_family == AF_INET6) {
		const in6_addr &six = reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr;
		std::array<uint8_t, 4> inner;
		if (unwrap_mapped(six, inner))
			inet_ntop(AF_INET, inner.data(), text, sizeof text);
		else
			inet_ntop(AF_INET6, &six, text, sizeof text);
	}
	return text;
}

bool
is_public(const sockaddr *address)
{
	std::array<uint8_t, 4> four;
	if (address->sa_family == AF_INET) {
		std::memcpy(four.data(), &reinterpret_cast<const sockaddr_in *>(address)->sin_addr, 4);
		return nostr::is_public_ipv4(four);
	}
	if (address->sa_family == AF_INET6) {
		const in6_addr &six = reinterpret_cast<const sockaddr_in6 *>(address)->sin6_addr;
		if (unwrap_mapped(six, four))
			return nostr::is_public_ipv4(four);
		std::array<uint8_t, 16> sixteen;
		std::memcpy(sixteen.data(), six.s6_addr, 16);
		return nostr::is_public_ipv6(sixteen);
	}
	return false;
}

/* The source address that the kernel would use for a destination; "" if there is no route. */
static std::string
source_for(const std::string &address)
{
	sockaddr_storage target{}, source{};
	if (!parse_numeric(address, target))
		return "";
	/* Connecting a datagram socket only chooses the route. The port must not be zero. */
	auto &port = target.ss_family == AF_INET ? reinterpret_cast<sockaddr_in &>(target).sin_port
											 : reinterpret_cast<sockaddr_in6 &>(target).sin6_port;
	port = htons(9);
	int fd = socket(target.ss_family, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return "";
	socklen_t size = sizeof source;
	bool found = connect(fd, reinterpret_cast<sockaddr *>(&target), sizeof target) == 0 &&
				 getsockname(fd, reinterpret_cast<sockaddr *>(&source), &size) == 0;
	close(fd);
	return found ? address_text(reinterpret_cast<sockaddr *>(&source)) : "";
}

/* An address belongs to this machine exactly if the kernel would use it as its own source. */
bool
is_own(const sockaddr *address)
{
	const std::string text = address_text(address);
	return !text.empty() && source_for(text) == text;
}

bool
has_route(const std::string &address)
{
	return !source_for(address).empty();
}

bool
is_blocked_port(uint16_t port)
{
	return std::binary_search(std::begin(kBlockedPorts), std::end(kBlockedPorts), port);
}

bool
parse_numeric(const std::string &host, sockaddr_storage &storage)
{
	auto *four = reinterpret_cast<sockaddr_in *>(&storage);
	auto *six = reinterpret_cast<sockaddr_in6 *>(&storage);
	storage = {};
	if (inet_pton(AF_INET, host.c_str(), &four->sin_addr) == 1) {
		four->sin_family = AF_INET;
		return true;
	}
	if (inet_pton(AF_INET6, host.c_str(), &six->sin6_addr) == 1) {
		six->sin6_family = AF_INET6;
		return true;
	}
	return false;
}

} // namespace net
