/*
 * One outgoing WebSocket: connects to a numeric address in the name of a host, straight or through
 * a proxy, checks the host's certificate, puts messages together. Knows nothing of Nostr.
 */
#pragma once

#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/core/config.h"
#include "net/core/reactor.h"
#include "net/transport/client_hosts.h"
#include "net/transport/tunnel.h"
#include "nostr/relay_url.h"

namespace net {

class Resolver;

/* What all connections share. */
struct Transport
{
	Reactor &reactor;
	const Clock &clock;
	Resolver &resolver;
	ClientHosts &hosts;
	size_t half_received = 0; // bytes in half-received messages of all connections
};

/* Where to connect to on the way to a relay. */
struct Route
{
	std::string address; // numeric
	uint16_t port = 0;
	std::optional<nostr::ProxyKind> proxy; // what is there instead of the relay
};

class WebSocket final : public Tunnel::Owner
{
  public:
	/* Calls come from the event loop only, never from within a method of the connection. */
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		virtual void on_open() = 0;
		/* A whole text message, valid during the call. */
		virtual void on_message(std::string_view text) = 0;
		/*
		 * A message is larger than allowed, and this number of its bytes would be read and
		 * discarded. False: the connection is cut.
		 */
		virtual bool on_too_large(size_t) { return false; }
		/* Such a message was read to its end. */
		virtual void on_skipped() {}
		/* Pong or anything else that shows life without being a message. */
		virtual void on_life() = 0;
		/* The last call. `reason` is a reason code, such as "tls_failed" or "frame_too_large".
		 * Only during on_open() and this call the handler may destroy the connection. */
		virtual void on_closed(const char *reason, std::string detail) = 0;
	};

	struct Fault
	{
		const char *reason = "connection_refused";
		std::string detail;
	};

	/* How long the steps of opening took; zero for those that were not finished. A tunnel belongs
	 * to TCP. */
	struct Times
	{
		std::chrono::microseconds tcp{0}, tls{0}, upgrade{0};
	};

	WebSocket(Transport &transport, Handler &handler) : transport_(transport), handler_(&handler) {}
	~WebSocket() override;
	WebSocket(const WebSocket &) = delete;

	/* The fault if it failed at once; then on_closed is not called. */
	std::optional<Fault> open(const nostr::RelayEndpoint &relay, const Route &route,
							  const Config &config);
	/* While it opens: what is to be said if nothing more comes. */
	Fault silence() const;
	/* Sets the handler that is called from now on. */
	void handle_by(Handler &handler) { handler_ = &handler; }
	void send(std::string text);
	void ping();
	/* No call of the handler after this. `politely`: with a close frame, if there is time for it.
	 */
	void close(bool politely = false);

	/* Messages not yet taken by the peer's side of the network. */
	size_t unsent() const { return unsent_.size(); }
	/* Since when the current message is incomplete, one that is skipped included; zero if none is.
	 */
	Clock::Time incomplete_since() const { return incomplete_since_; }
	/* Bytes of the incomplete message. */
	size_t incomplete() const { return accounted_; }
	uint64_t bytes_received() const { return bytes_; }
	const Times &times() const { return times_; }
	/* HTTP status of the answer that refused the handshake; 0: there was none. */
	int http_status() const { return http_status_; }
	/* Its header Retry-After, if that was a number of seconds. */
	std::optional<std::chrono::seconds> retry_after() const { return retry_after_; }
	/* Unix second that the answer to the handshake said. */
	std::optional<int64_t> date() const { return date_; }

  private:
	friend int web_socket_callback(lws *, lws_callback_reasons, void *, void *, size_t) noexcept;
	int handle(lws *wsi, lws_callback_reasons reason, void *in, size_t size);
	void on_tunnel_open() override { tunnel_.reset(); }
	void on_tunnel_failed(const char *reason, std::string detail) override
	{
		cut(reason, std::move(detail));
	}
	void receive(lws *wsi, std::string_view piece);
	int write_one(lws *wsi);
	int add_headers(void *in, size_t size);
	void request_sent(lws *wsi);
	Fault connect_fault(lws *wsi, std::string_view text);
	void read_refusal(lws *wsi);
	void read_date(lws *wsi);
	void cut(const char *reason, std::string detail);
	void closed(Fault fault);
	void skip(lws *wsi, std::string_view piece);
	void keep(std::string_view piece);
	void drop_buffer();
	void account_buffer(size_t bytes);

	using SteadyTime = std::chrono::steady_clock::time_point;

	Transport &transport_;
	Handler *handler_;

	lws *wsi_ = nullptr;
	bool proxied_ = false;
	std::optional<Tunnel> tunnel_; // while a proxy is asked for it
	bool open_ = false;
	bool asked_ = false; // the request was sent: TCP and TLS are up
	SteadyTime step_{};  // when the current step of opening began
	Times times_;
	int http_status_ = 0;
	std::optional<std::chrono::seconds> retry_after_;
	std::optional<int64_t> date_;
	Fault early_fault_; // met before open() returned
	size_t max_message_ = 0;
	std::string user_agent_;
	std::string peer_close_; // code and text of the peer's close frame
	std::deque<std::string> unsent_;
	bool ping_due_ = false;
	std::string buffer_;
	size_t accounted_ = 0;  // of buffer_, in half_received
	bool skipping_ = false; // the current message is too large
	size_t skippable_ = 0;  // bytes of it that may be discarded
	Clock::Time incomplete_since_{};
	uint64_t bytes_ = 0;
};

int web_socket_callback(lws *wsi, lws_callback_reasons reason, void *, void *in,
						size_t size) noexcept;

} // namespace net
