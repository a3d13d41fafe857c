/*
 * Resolves names to addresses with c-ares and screens each address: an address that is not public
 * cannot be used, even if a name server returns it.
 *
 * Each look-up has its own channel. A channel reads the system's settings again, so that a change
 * of name servers takes effect, and sends its questions from a new port, which makes forged answers
 * harder. Answers are kept for their time to live, within limits; failures are kept for a short
 * time.
 */
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include <ares.h>
#include <sys/socket.h>

#include "net/core/clock.h"
#include "net/core/reactor.h"

namespace net {

/* The name leads to no public address. */
constexpr const char *kLocalAddress = "local_address";

/* What the name servers said of a name, besides the usable addresses. */
struct NameFacts
{
	std::vector<std::string> addresses; // all addresses of both families, in their order
	std::string canonical;              // the target of a CNAME; empty: none
	int ttl = -1;                       // seconds, the shortest of all records; -1: unknown
};

struct Resolution
{
	struct Address
	{
		std::string text;   // numeric
		bool local = false; // not public, or of this machine: used only if allowed
	};

	const char *reason = nullptr; // null: there are addresses; else a reason code
	std::string detail;
	std::vector<Address> addresses; // best first, at most kMaxAddresses
	NameFacts name;
};

class Resolver
{
  public:
	using Callback = std::function<void(const Resolution &)>;
	struct Query
	{
		Callback callback; // empty: the answer is no longer wanted
		bool allow_local = false;
	};

	/* `servers`: name servers such as "127.0.0.1:5353"; empty: the system's. */
	Resolver(Reactor &reactor, const Clock &clock, std::string servers = "");
	~Resolver();
	Resolver(const Resolver &) = delete;

	/* Calls the query's callback once, possibly before returning, unless the callback is
	 * cleared. */
	void resolve(const std::string &host, const std::shared_ptr<Query> &query);
	/* Checks timeouts; must be called about every 100 ms. */
	void tick();

	/* When a name server last answered; zero: never. */
	Clock::Time heard() const { return heard_; }
	/* Number of names in the cache, for tests. */
	size_t names_kept() const { return kept_.size(); }

  private:
	struct Lookup;
	struct Answer
	{
		const char *reason = nullptr;
		std::string detail;
		std::vector<sockaddr_storage> addresses; // not screened
		std::string canonical;
		int ttl = -1;
		Clock::Time until{};
	};

	void start(const std::string &host, const std::shared_ptr<Query> &query);
	void finish(Lookup &lookup, Answer answer);
	void keep(const std::string &host, const Answer &answer);
	void watch(Lookup &lookup, int fd, bool readable, bool writable);
	static Resolution screen(const Answer &answer, bool allow_local);
	static void socket_changed(void *lookup, ares_socket_t fd, int readable, int writable);
	static void answered(void *lookup, int status, int timeouts, ares_addrinfo *result) noexcept;

	Reactor &reactor_;
	const Clock &clock_;
	const std::string servers_;
	Clock::Time heard_{};
	std::unordered_map<std::string, Answer> kept_;                       // by host
	std::unordered_map<std::string, std::unique_ptr<Lookup>> under_way_; // by host
	/* Look-ups to destroy at the next tick, because a channel must not be destroyed by its own
	 * callback. */
	std::vector<std::unique_ptr<Lookup>> finished_;
};

} // namespace net
