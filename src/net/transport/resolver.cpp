#include "net/transport/resolver.h"

#include <algorithm>
#include <cstring>
#include <stdexcept>

#include <netinet/in.h>
#include <sys/epoll.h>

#include "net/core/config.h"
#include "net/transport/screening.h"

namespace net {

using std::chrono::seconds;

constexpr int kQueryTimeoutMs = 2000;
constexpr int kQueryTries = 3;
/* Largest number of names in the cache. If it is full, an arbitrary name is removed. */
constexpr size_t kMaxNames = 4096;
constexpr size_t kMaxKeptAddresses = 16;
/* Limits of the time for which an answer is kept; between them its time to live counts. */
constexpr int kMinTtl = 30;
constexpr int kMaxTtl = 600;
/* How long the cache remembers that a name does not exist, and that no answer came. */
constexpr seconds kNoSuchNameFor{60};
constexpr seconds kFailureFor{10};

struct Resolver::Lookup
{
	Resolver &resolver;
	std::string host;
	std::vector<std::shared_ptr<Query>> waiting;
	ares_channel channel = nullptr;
	bool heard = false; // data came from a name server

	~Lookup()
	{
		if (channel)
			ares_destroy(channel);
	}
};

Resolver::Resolver(Reactor &reactor, const Clock &clock, std::string servers)
	: reactor_(reactor), clock_(clock), servers_(std::move(servers))
{
	if (ares_library_init(ARES_LIB_INIT_ALL) != ARES_SUCCESS)
		throw std::runtime_error("could not start the resolver");
}

Resolver::~Resolver()
{
	finished_.clear();
	under_way_.clear();
	ares_library_cleanup();
}

/* Selects the addresses that may be used, in their order. */
Resolution
Resolver::screen(const Answer &answer, bool allow_local)
{
	Resolution out;
	out.name.canonical = answer.canonical;
	out.name.ttl = answer.ttl;
	if (answer.reason) {
		out.reason = answer.reason;
		out.detail = answer.detail;
		return out;
	}
	std::vector<std::string> &seen = out.name.addresses;
	for (const sockaddr_storage &storage : answer.addresses) {
		auto *address = reinterpret_cast<const sockaddr *>(&storage);
		std::string text = address_text(address);
		if (text.empty() || std::find(seen.begin(), seen.end(), text) != seen.end())
			continue;
		seen.push_back(text);
		bool local = !is_public(address) || is_own(address);
		if (local && !allow_local)
			out.detail = text;
		else if (out.addresses.size() < kMaxAddresses)
			out.addresses.push_back({std::move(text), local});
	}
	if (out.addresses.empty())
		out.reason = out.detail.empty() ? "dns_failed" : kLocalAddress;
	return out;
}

void
Resolver::resolve(const std::string &host, const std::shared_ptr<Query> &query)
{
	sockaddr_storage numeric;
	if (parse_numeric(host, numeric))
		return query->callback(screen({.addresses = {numeric}}, query->allow_local));
	auto kept = kept_.find(host);
	if (kept != kept_.end() && clock_.now() < kept->second.until)
		return query->callback(screen(kept->second, query->allow_local));
	auto asked = under_way_.find(host);
	if (asked != under_way_.end())
		asked->second->waiting.push_back(query);
	else
		start(host, query);
}

void
Resolver::start(const std::string &host, const std::shared_ptr<Query> &query)
{
	auto owner = std::make_unique<Lookup>(Lookup{*this, host, {query}});
	Lookup &lookup = *owner;
	under_way_.emplace(host, std::move(owner));

	ares_options options{};
	options.flags = ARES_FLAG_NOSEARCH;
	options.timeout = kQueryTimeoutMs;
	options.tries = kQueryTries;
	options.sock_state_cb = socket_changed;
	options.sock_state_cb_data = &lookup;
	int mask = ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
	int status = ares_init_options(&lookup.channel, &options, mask);
	if (status == ARES_SUCCESS && !servers_.empty())
		status = ares_set_servers_ports_csv(lookup.channel, servers_.c_str());
	if (status != ARES_SUCCESS)
		return finish(lookup, {.reason = "dns_failed", .detail = ares_strerror(status)});
	ares_addrinfo_hints hints{};
	hints.ai_family = AF_UNSPEC;
	ares_getaddrinfo(lookup.channel, host.c_str(), nullptr, &hints, answered, &lookup);
}

void
Resolver::answered(void *argument, int status, int, ares_addrinfo *result) noexcept
{
	std::unique_ptr<ares_addrinfo, decltype(&ares_freeaddrinfo)> owner(result, ares_freeaddrinfo);
	/* The resolver is being destroyed, so waiting queries get no answer. */
	if (status == ARES_EDESTRUCTION)
		return;
	Lookup &lookup = *static_cast<Lookup *>(argument);
	Resolver &resolver = lookup.resolver;
	try {
		Answer answer;
		seconds ttl(kMaxTtl);
		/* c-ares also returns this status if each name server answered with a failure. */
		if (status == ARES_ECONNREFUSED && lookup.heard)
			status = ARES_ESERVFAIL;
		/* With these statuses no name server has answered. */
		const bool heard = status != ARES_ETIMEOUT && status != ARES_ECONNREFUSED;
		if (heard)
			resolver.heard_ = resolver.clock_.now();
		if (status == ARES_SUCCESS) {
			for (auto *node = result->nodes; node; node = node->ai_next) {
				if (node->ai_addrlen > sizeof(sockaddr_storage) ||
					answer.addresses.size() == kMaxKeptAddresses)
					continue;
				std::memcpy(&answer.addresses.emplace_back(), node->ai_addr, node->ai_addrlen);
				const int told = std::max(node->ai_ttl, 0); // c-ares makes 2^31 and more negative
				ttl = std::min(ttl, seconds(std::max(told, kMinTtl)));
				answer.ttl = answer.ttl < 0 ? told : std::min(answer.ttl, told);
			}
			for (auto *alias = result->cnames; alias; alias = alias->next)
				if (alias->name)
					answer.canonical = alias->name;
		} else {
			answer.reason = heard ? "dns_failed" : "dns_timeout";
			answer.detail = ares_strerror(status);
			bool sure = status == ARES_ENOTFOUND || status == ARES_ENODATA;
			ttl = sure ? kNoSuchNameFor : kFailureFor;
		}
		answer.until = resolver.clock_.now() + ttl;
		resolver.finish(lookup, std::move(answer));
	} catch (...) {
		resolver.reactor_.fail(std::current_exception());
	}
}

void
Resolver::finish(Lookup &lookup, Answer answer)
{
	keep(lookup.host, answer);
	auto found = under_way_.find(lookup.host);
	finished_.push_back(std::move(found->second));
	under_way_.erase(found);
	for (const std::shared_ptr<Query> &query : lookup.waiting) {
		if (!query->callback)
			continue;
		query->callback(screen(answer, query->allow_local));
	}
}

void
Resolver::keep(const std::string &host, const Answer &answer)
{
	if (kept_.size() >= kMaxNames && !kept_.contains(host)) {
		std::erase_if(kept_,
					  [now = clock_.now()](const auto &one) { return one.second.until <= now; });
		if (kept_.size() >= kMaxNames)
			kept_.erase(kept_.begin());
	}
	kept_[host] = answer;
}

void
Resolver::socket_changed(void *argument, ares_socket_t fd, int readable, int writable)
{
	Lookup &lookup = *static_cast<Lookup *>(argument);
	lookup.resolver.watch(lookup, fd, readable != 0, writable != 0);
}

void
Resolver::watch(Lookup &lookup, int fd, bool readable, bool writable)
{
	reactor_.unwatch(fd);
	if (!readable && !writable)
		return;
	uint32_t events = (readable ? uint32_t(EPOLLIN) : 0) | (writable ? uint32_t(EPOLLOUT) : 0);
	/* The channel closes its sockets, which removes these watches, before the look-up is
	 * destroyed. */
	reactor_.watch(fd, events, [&lookup, fd](uint32_t ready) {
		lookup.heard |= (ready & EPOLLIN) != 0 && (ready & EPOLLERR) == 0;
		ares_process_fd(lookup.channel, ready & ~EPOLLOUT ? fd : ARES_SOCKET_BAD,
						ready & EPOLLOUT ? fd : ARES_SOCKET_BAD);
	});
}

void
Resolver::tick()
{
	finished_.clear();
	/* An answer changes the table, so the loop uses a copy; look-ups live until the next tick. */
	std::vector<Lookup *> lookups;
	for (auto &[host, lookup] : under_way_)
		lookups.push_back(lookup.get());
	for (Lookup *lookup : lookups)
		ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

} // namespace net
