/*
 * From a URL to an open connection (a WebSocket, or an HTTP answer): judges the URL, resolves its
 * host, tries one address after the other (TCP, TLS, request), and measures the steps. Hosts of
 * overlay networks are reached through the proxy of their network: its host is resolved, never
 * theirs.
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

/* How the opening went. Times are zero for steps that were not finished. */
struct ConnectFacts
{
	std::vector<std::string> addresses; // that the name has and that may be used, as they are tried
	NameFacts name;                     // what else its answer said; not of a proxy's
	std::string address;                // the one connected to, or tried last
	std::string place;                  // the address, or the relay's host if a proxy leads there
	bool local = false;                 // `address` is allowed by allow_local only
	std::chrono::microseconds dns{0};
	std::chrono::microseconds tcp{0}; // this and the rest: of `address`; with a proxy's tunnel
	std::chrono::microseconds tls{0};
	std::chrono::microseconds upgrade{0}; // from the request to its answer
	AnswerHead head;                      // of `address`
	std::optional<CertificateFacts> certificate;
};

/* There are as many connections to the place as there may be. */
constexpr const char *kAddressFull = "address_full";

class Dialer final : public Connection::Handler
{
  public:
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* May one more connection go to this place (ConnectFacts)? */
		virtual bool may_connect(const std::string &) { return true; }
		/*
		 * A new connection, to be opened for the dialer, whose calls it gets. The handler owns it
		 * and gets rid of the one before. It closes it if it destroys the dialer before the end.
		 */
		virtual Connection &new_connection(Connection::Handler &dialer) = 0;
		/* The newest connection is open. The dialer has done its work and may be destroyed;
		 * handle_by() comes next. */
		virtual void on_connected(const ConnectFacts &facts) = 0;
		/* The same, with a reason code such as "dns_failed", "local_address" or "tls_failed". */
		virtual void on_failed(const char *reason, std::string detail,
							   const ConnectFacts &facts) = 0;
	};

	/* Uses the settings in `config` at the time of each step. */
	Dialer(Transport &transport, const Config &config, Handler &handler)
		: transport_(transport), config_(config), handler_(handler)
	{
	}
	~Dialer() override;

	/* Once. Calls the handler later, from the event loop or tick(): one call, the last. */
	void start(std::string_view url);
	void start(const nostr::RelayEndpoint &endpoint, nostr::Network network);
	/* Time-outs: to be called every 100 ms or so. May call the handler. */
	void tick();
	/* Is the name's address still being asked for? */
	bool resolving() const { return query_ && query_->callback; }

  private:
	void resolved(const Resolution &resolution);
	void connect_next();
	void note_attempt();
	std::string at_address(const std::string &detail) const;
	bool proxied() const { return route_.proxy.has_value(); }
	std::chrono::milliseconds time_limit() const;
	void fail(const char *reason, std::string detail);

	void on_open() override;
	void on_closed(const char *reason, std::string detail) override;

	Transport &transport_;
	const Config &config_;
	Handler &handler_;
	nostr::RelayEndpoint endpoint_;
	Route route_;
	Clock::Time started_{};
	Clock::Time attempt_until_{};
	std::shared_ptr<Resolver::Query> query_;
	std::deque<Resolution::Address> untried_;
	Connection *connection_ = nullptr; // the handler's; null: none is being opened
	ConnectFacts facts_;
	/* The last fault; reported when no address is left. */
	Connection::Fault fault_;
	bool failed_ = false; // and the handler was not told yet
};

} // namespace net
