#include "net/transport/dialer.h"

#include <cstring>

#include "net/transport/screening.h"
#include "nostr/address.h"

namespace net {

using std::chrono::duration_cast;
using std::chrono::microseconds;

/* A connection through a proxy may take longer by this factor, because overlay networks are
 * slow. */
constexpr int kProxyPatience = 3;

Dialer::~Dialer()
{
	if (query_)
		query_->callback = nullptr;
}

void
Dialer::start(std::string_view text)
{
	started_ = transport_.clock.now();
	nostr::RelayUrl url = nostr::normalise_relay_url(text);
	if (!url.ok())
		return fail(url.reason, std::string(text));
	start(nostr::relay_endpoint(url.url), url.network);
}

void
Dialer::start(const nostr::RelayEndpoint &endpoint, nostr::Network network)
{
	started_ = transport_.clock.now();
	endpoint_ = endpoint;
	network_ = network;
	if (is_blocked_port(endpoint_.port))
		return fail("blocked_port", std::to_string(endpoint_.port));
	std::string host = endpoint_.host;
	next_hop_.port = endpoint_.port;
	if (nostr::is_overlay(network)) {
		nostr::ProxyUrl proxy = nostr::parse_proxy_url(config_.proxies[size_t(network)]);
		if (proxy.fault)
			return fail("no_proxy", nostr::network_name(network));
		host = proxy.host;
		next_hop_ = {.address = "", .port = proxy.port, .proxy = proxy.kind};
	}
	query_ = std::make_shared<Resolver::Query>();
	/* The operator chose the proxy, so its address may be local. */
	query_->allow_local = config_.allow_local || proxied();
	query_->callback = [this](const Resolution &resolution) { resolved(resolution); };
	transport_.resolver.resolve(host, query_);
}

std::chrono::milliseconds
Dialer::time_limit() const
{
	return config_.connect_timeout * (proxied() ? kProxyPatience : 1);
}

void
Dialer::resolved(const Resolution &resolution)
{
	query_ = nullptr;
	facts_.dns = duration_cast<microseconds>(transport_.clock.now() - started_);
	if (!proxied())
		facts_.name = resolution.name;
	if (resolution.reason && proxied()) {
		facts_.unfinished = facts_.dns;
		return fail("proxy_failed", "the host of the proxy: " + resolution.detail);
	}
	if (resolution.reason)
		return fail(resolution.reason, resolution.detail);
	if (!proxied())
		for (const Resolution::Address &address : resolution.addresses)
			facts_.addresses.push_back(address.text);
	untried_.assign(resolution.addresses.begin(), resolution.addresses.end());
	connect_next();
}

void
Dialer::connect_next()
{
	while (!untried_.empty()) {
		Clock::Time now = transport_.clock.now();
		if (now - started_ > time_limit())
			break;
		facts_.address = std::move(untried_.front().text);
		facts_.local = untried_.front().local && network_ == nostr::Network::Clearnet;
		facts_.place = proxied() ? endpoint_.host : nostr::counted_host(facts_.address);
		untried_.pop_front();
		if (facts_.local && !config_.allow_local) {
			fault_ = {kLocalAddress, facts_.address};
			continue;
		}
		if (!handler_.may_connect(facts_.place)) {
			fault_ = {kAddressFull, facts_.place};
			continue;
		}
		/* The remaining time is divided evenly among the remaining addresses. */
		attempt_until_ = now + (started_ + time_limit() - now) / int64_t(untried_.size() + 1);
		connection_ = &handler_.new_connection(*this);
		next_hop_.address = facts_.address;
		auto fault = connection_->open(endpoint_, next_hop_, config_);
		if (!fault)
			return;
		note_attempt();
		fault_ = std::move(*fault);
	}
	connection_ = nullptr;
	fail(fault_.reason, fault_.detail);
}

void
Dialer::note_attempt()
{
	const Connection::Times &times = connection_->times();
	facts_.tcp = times.tcp;
	facts_.tls = times.tls;
	facts_.upgrade = times.upgrade;
	facts_.unfinished = times.unfinished;
	facts_.head = connection_->head();
	facts_.certificate = connection_->certificate();
}

void
Dialer::on_open()
{
	note_attempt();
	ConnectFacts facts = std::move(facts_);
	/* The handler may destroy this dialer during the call. */
	connection_ = nullptr;
	handler_.on_connected(facts);
}

void
Dialer::on_closed(const char *reason, std::string detail)
{
	note_attempt();
	/* If the handshake was refused, the address was right, so the detail need not name it. */
	bool asked = strcmp(reason, "handshake_failed") == 0;
	fault_ = {reason, asked ? std::move(detail) : at_address(detail)};
	connect_next();
}

std::string
Dialer::at_address(const std::string &detail) const
{
	/* Details are shown to anybody, and the address of the proxy is nobody's business. */
	std::string out = proxied() ? "through the proxy"
								: facts_.address + " port " + std::to_string(next_hop_.port);
	return detail.empty() ? out : out + ": " + detail;
}

void
Dialer::fail(const char *reason, std::string detail)
{
	if (query_)
		query_->callback = nullptr;
	fault_ = {reason, std::move(detail)};
	failed_ = true;
}

void
Dialer::tick()
{
	Clock::Time now = transport_.clock.now();
	if (resolving() && now - started_ > time_limit()) {
		facts_.dns = duration_cast<microseconds>(now - started_);
		if (proxied())
			facts_.unfinished = facts_.dns;
		fail(proxied() ? "proxy_failed" : "dns_timeout",
			 proxied() ? "the host of the proxy: no answer of a name server" : "");
	}
	if (connection_ && !failed_ && now >= attempt_until_) {
		fault_ = connection_->silence();
		fault_.detail = at_address(fault_.detail);
		connection_->close();
		note_attempt();
		connect_next();
	}
	if (!failed_)
		return;
	failed_ = false;
	ConnectFacts facts = std::move(facts_);
	handler_.on_failed(fault_.reason, std::move(fault_.detail), facts);
}

} // namespace net
