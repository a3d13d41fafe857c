#include "net/transport/resolver.h"

#include <cstring>
#include <stdexcept>
#include <unordered_set>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/epoll.h>

#include "net/core/config.h"
#include "nostr/address.h"

namespace net {

constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 3;

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

/* Keeps the addresses that may be used, in order. */
static Resolution
screen(const std::vector<const sockaddr *> &found, bool allow_local)
{
	Resolution out;
	std::unordered_set<std::string> seen;
	for (const sockaddr *address : found) {
		std::string text = address_text(address);
		if (text.empty() || !seen.insert(text).second)
			continue;
		if (!allow_local && !is_public(address))
			out.detail = text;
		else if (out.addresses.size() < kMaxAddresses)
			out.addresses.push_back(text);
	}
	if (out.addresses.empty())
		out.reason = out.detail.empty() ? "dns_failed" : "local_address";
	return out;
}

/* Fills `storage` if `host` is a numeric address. */
static bool
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

struct Resolver::Asked
{
	Resolver &resolver;
	std::shared_ptr<Query> query;
};

Resolver::Resolver(Reactor &reactor, const std::string &servers) : reactor_(reactor)
{
	ares_options options{};
	options.flags = ARES_FLAG_NOSEARCH;
	options.timeout = kQueryTimeoutMs;
	options.tries = kQueryTries;
	options.sock_state_cb = socket_changed;
	options.sock_state_cb_data = this;
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS ||
		ares_init_options(&channel_, &options, mask) != ARES_SUCCESS)
		throw std::runtime_error("could not start the resolver");
	if (!servers.empty() && ares_set_servers_ports_csv(channel_, servers.c_str()) != ARES_SUCCESS)
		throw std::runtime_error("bad list of name servers");
}

Resolver::~Resolver()
{
	ares_destroy(channel_);
	ares_library_cleanup();
}

void
Resolver::resolve(const std::string &host, const std::shared_ptr<Query> &query)
{
	sockaddr_storage numeric;
	if (parse_numeric(host, numeric)) {
		query->callback(screen({reinterpret_cast<sockaddr *>(&numeric)}, query->allow_local));
		return;
	}
	ares_addrinfo_hints hints{};
	hints.ai_family = AF_UNSPEC;
	ares_getaddrinfo(channel_, host.c_str(), nullptr, &hints, answered, new Asked{*this, query});
}

static Resolution
read_answer(int status, const ares_addrinfo *result, bool allow_local)
{
	if (status != ARES_SUCCESS)
		return {status == ARES_ETIMEOUT ? "dns_timeout" : "dns_failed", ares_strerror(status), {}};
	std::vector<const sockaddr *> found;
	for (auto *node = result->nodes; node; node = node->ai_next)
		found.push_back(node->ai_addr);
	return screen(found, allow_local);
}

void
Resolver::answered(void *argument, int status, int, ares_addrinfo *result) noexcept
{
	std::unique_ptr<Asked> asked(static_cast<Asked *>(argument));
	std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owner(result, ares_freeaddrinfo);
	Query &query = *asked->query;
	/* ARES_EDESTRUCTION: the resolver goes, and with it everybody who could be told. */
	if (status == ARES_EDESTRUCTION || !query.callback)
		return;
	try {
		query.callback(read_answer(status, result, query.allow_local));
	} catch (...) {
		asked->resolver.reactor_.fail(std::current_exception());
	}
}

void
Resolver::socket_changed(void *self, ares_socket_t fd, int readable, int writable)
{
	Resolver &resolver = *static_cast<Resolver *>(self);
	resolver.reactor_.unwatch(fd);
	if (!readable && !writable)
		return;
	uint32_t events = (readable ? uint32_t(EPOLLIN) : 0) | (writable ? uint32_t(EPOLLOUT) : 0);
	resolver.reactor_.watch(fd, events, [&resolver, fd](uint32_t ready) {
		ares_process_fd(resolver.channel_, ready & ~EPOLLOUT ? fd : ARES_SOCKET_BAD,
						ready & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	});
}

void
Resolver::tick()
{
	ares_process_fd(channel_, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

} // namespace net
