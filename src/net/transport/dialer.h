/*
 * Makes an open connection (a WebSocket or an HTTP response) from a URL: checks the URL, resolves
 * its host, tries one address after the other (TCP, TLS, request), and measures the steps. A host
 * of an overlay network is reached through the network's proxy; then only the proxy's name is
 * resolved.
 */
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "net/core/config.h"
#include "net/transport/connection.h"
#include "net/transport/resolver.h"

namespace net {

/* The result of opening. Durations are zero for steps that did not end, except `dns`;
 * `unfinished` is the duration of the step that failed. */
struct ConnectFacts
{
	std::vector<std::string> addresses; // allowed addresses of the name, in the order of trying
	NameFacts name;                     // answer of the name servers; empty with a proxy
	std::string address;                // the address of the connection, or the last one tried
	/* The address, of IPv6 its /64 network; with a proxy: the relay's host. */
	std::string place;
	bool local = false;               // the name is public, but only allow_local allows `address`
	std::chrono::microseconds dns{0}; // until the answer, or until it was given up
	std::chrono::microseconds tcp{0}; // from here on about `address`; includes a proxy's tunnel
	std::chrono::microseconds tls{0};
	std::chrono::microseconds upgrade{0};    // from the request to the response head
	std::chrono::microseconds unfinished{0}; // the step during which the opening failed
	AnswerHead head;                         // response of `address`
	std::optional<CertificateFacts> certificate;
};

/* The place has as many connections as allowed. */
constexpr const char *kAddressFull = "address_full";

class Dialer final : public Connection::Handler
{
  public:
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* Whether one more connection may go to this place (see ConnectFacts). */
		virtual bool may_connect(const std::string &) { return true; }
		/*
		 * Creates a connection, which the dialer opens and whose calls it gets. The handler owns
		 * the connection and destroys the one before. If the handler destroys the dialer early, it
		 * must close the connection.
		 */
		virtual Connection &new_connection(Connection::Handler &dialer) = 0;
		/* The newest connection is open. The handler must call handle_by() and may destroy the
		 * dialer. */
		virtual void on_connected(const ConnectFacts &facts) = 0;
		/* No connection was opened. `reason`: a code such as "dns_failed", "local_address" or
		 * "tls_failed". */
		virtual void on_failed(const char *reason, std::string detail,
							   const ConnectFacts &facts) = 0;
	};

	/* `config` is read again at each step. */
	Dialer(Transport &transport, const Config &config, Handler &handler)
		: transport_(transport), config_(config), handler_(handler)
	{
	}
	~Dialer() override;

	/* Must be called once. The handler gets one call later, from the event loop or from tick(). */
	void start(std::string_view url);
	void start(const nostr::RelayEndpoint &endpoint, nostr::Network network);
	/* Checks timeouts; must be called about every 100 ms. May call the handler. */
	void tick();
	/* Whether the name is being resolved. */
	bool resolving() const { return query_ && query_->callback; }

  private:
	void resolved(const Resolution &resolution);
	void connect_next();
	void note_attempt();
	std::string at_address(const std::string &detail) const;
	bool proxied() const { return next_hop_.proxy.has_value(); }
	std::chrono::milliseconds time_limit() const;
	void fail(const char *reason, std::string detail);

	void on_open() override;
	void on_closed(const char *reason, std::string detail) override;

	Transport &transport_;
	const Config &config_;
	Handler &handler_;
	nostr::RelayEndpoint endpoint_;
	nostr::Network network_ = nostr::Network::Clearnet;
	NextHop next_hop_;
	Clock::Time started_{};
	Clock::Time attempt_until_{};
	std::shared_ptr<Resolver::Query> query_;
	std::deque<Resolution::Address> untried_;
	Connection *connection_ = nullptr; // owned by the handler; null: none is being opened
	ConnectFacts facts_;
	/* The last fault, which is reported when no address is left. */
	Connection::Fault fault_;
	bool failed_ = false; // the handler must still be told
};

} // namespace net
