/*
 * Names to addresses by c-ares, each address screened: what is not public may not be connected
 * to, even if a name server gives it.
 *
 * Each look-up has a channel of its own: it reads the system's settings anew, so that a change of
 * name servers is followed, and its questions leave from a fresh port, which makes forged answers
 * hard to place. Answers are kept for their time to live, within bounds; failures for a short time.
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

/* What the answer to a name said, beside the addresses that may be used. */
struct NameFacts
{
	std::vector<std::string> addresses; // all, of both families, as they came
	std::string canonical;              // what the name stands for (CNAME); empty: nothing else
	int ttl = -1;                       // seconds, the least of all; -1: not known
};

struct Resolution
{
	struct Address
	{
		std::string text;   // numeric
		bool local = false; // not public, or of this machine: used only where that is allowed
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
		Callback callback; // empty: the answer is not wanted any more
		bool allow_local = false;
	};

	/* `servers` as "127.0.0.1:5353" to ask others than the system's. */
	Resolver(Reactor &reactor, const Clock &clock, std::string servers = "");
	~Resolver();
	Resolver(const Resolver &) = delete;

	/* Calls back once, maybe at once, unless the query's callback is cleared before. */
	void resolve(const std::string &host, const std::shared_ptr<Query> &query);
	/* To be called every 100 ms or so: time-outs. */
	void tick();

	/* When a name server answered last, whatever it was; zero: never. */
	Clock::Time heard() const { return heard_; }
	/* For tests. */
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
	/* A channel must not be destroyed by its own callback: these are destroyed at the next tick. */
	std::vector<std::unique_ptr<Lookup>> finished_;
};

} // namespace net
