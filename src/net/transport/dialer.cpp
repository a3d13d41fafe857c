#include "net/transport/dialer.h"

#include <cstring>

#include "net/transport/screening.h"

namespace net {

using std::chrono::duration_cast;
using std::chrono::microseconds;

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
	if (url.network != nostr::Network::Clearnet && url.network != nostr::Network::Local)
		return fail("unsupported_network", nostr::network_name(url.network));
	endpoint_ = nostr::relay_endpoint(url.url);
	if (is_blocked_port(endpoint_.port))
		return fail("blocked_port", std::to_string(endpoint_.port));
	query_ = std::make_shared<Resolver::Query>();
	query_->allow_local = config_.allow_local;
	query_->callback = [this](const Resolution &resolution) { resolved(resolution); };
	transport_.resolver.resolve(endpoint_.host, query_);
}

void
Dialer::resolved(const Resolution &resolution)
{
	query_ = nullptr;
	facts_.dns = duration_cast<microseconds>(transport_.clock.now() - started_);
	if (resolution.reason)
		return fail(resolution.reason, resolution.detail);
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
		if (now - started_ > config_.connect_timeout)
			break;
		facts_.address = std::move(untried_.front().text);
		facts_.local = untried_.front().local;
		untried_.pop_front();
		if (!handler_.may_connect(facts_.address)) {
			fault_ = {kAddressFull, facts_.address};
			continue;
		}
		/* What is left of the time is shared by what is left to be tried. */
		attempt_until_ =
			now + (started_ + config_.connect_timeout - now) / int64_t(untried_.size() + 1);
		socket_ = std::make_unique<WebSocket>(transport_, *this);
		auto fault = socket_->open(endpoint_, facts_.address, config_);
		if (!fault)
			return;
		note_attempt();
		fault_ = std::move(*fault);
	}
	fail(fault_.reason, fault_.detail);
}

void
Dialer::note_attempt()
{
	const WebSocket::Times &times = socket_->times();
	facts_.tcp = times.tcp;
	facts_.tls = times.tls;
	facts_.upgrade = times.upgrade;
	facts_.http_status = socket_->http_status();
	facts_.retry_after = socket_->retry_after();
	facts_.date = socket_->date();
}

void
Dialer::on_open()
{
	note_attempt();
	ConnectFacts facts = std::move(facts_);
	/* The handler may destroy this dialer. */
	handler_.on_connected(std::move(socket_), facts);
}

void
Dialer::on_closed(const char *reason, std::string detail)
{
	note_attempt();
	/* After the handshake's question the address is known to be the right one. */
	bool asked = strcmp(reason, "handshake_failed") == 0;
	fault_ = {reason, asked ? std::move(detail) : at_address(detail)};
	connect_next();
}

std::string
Dialer::at_address(const std::string &detail) const
{
	std::string out = facts_.address + " port " + std::to_string(endpoint_.port);
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
	if (resolving() && now - started_ > config_.connect_timeout)
		fail("dns_timeout", "");
	if (socket_ && !failed_ && now >= attempt_until_) {
		socket_->close();
		note_attempt();
		fault_ = {"connect_timeout", at_address("no answer")};
		connect_next();
	}
	if (!failed_)
		return;
	failed_ = false;
	ConnectFacts facts = std::move(facts_);
	handler_.on_failed(fault_.reason, std::move(fault_.detail), facts);
}

} // namespace net
