/*
 * Names to addresses by c-ares, each address screened: what is not public may not be connected
 * to, whatever a name server says.
 */
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ares.h>
#include <sys/socket.h>

#include "net/core/reactor.h"

namespace net {

/* Numeric form of an IPv4 or IPv6 address, an IPv4-mapped one unwrapped; "" for anything else. */
std::string address_text(const sockaddr *address);
/* Is it a public address (IPv4-mapped ones judged as IPv4)? */
bool is_public(const sockaddr *address);

struct Resolution
{
	const char *reason = nullptr; // null: there are addresses; else a reason code
	std::string detail;
	std::vector<std::string> addresses; // numeric, best first, at most kMaxAddresses
};

class Resolver
{
  public:
	using Callback = std::function<void(const Resolution &)>;
	struct Query
	{
		Callback callback; // cleared: nobody waits any more
		bool allow_local = false;
	};

	/* `servers` as "127.0.0.1:5353" to ask others than the system's. */
	explicit Resolver(Reactor &reactor, const std::string &servers = "");
	~Resolver();
	Resolver(const Resolver &) = delete;

	/* Calls back once, maybe at once, unless the query's callback is cleared before. */
	void resolve(const std::string &host, const std::shared_ptr<Query> &query);
	/* To be called every 100 ms or so: time-outs. */
	void tick();

  private:
	struct Asked;
	static void socket_changed(void *self, ares_socket_t fd, int readable, int writable);
	static void answered(void *query, int status, int timeouts, ares_addrinfo *result) noexcept;

	Reactor &reactor_;
	ares_channel channel_ = nullptr;
};

} // namespace net
