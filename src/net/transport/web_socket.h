/*
 * One outgoing WebSocket: connects to a numeric address in the name of a host, checks the host's
 * certificate, puts messages together. Knows nothing of Nostr.
 */
#pragma once

#include <deque>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/core/config.h"
#include "net/core/reactor.h"
#include "nostr/relay_url.h"

namespace net {

class WebSocket
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
		/* Pong or anything else that shows life without being a message. */
		virtual void on_life() = 0;
		/* The last call. `reason` is a reason code, such as "tls_failed" or "frame_too_large". */
		virtual void on_closed(const char *reason, std::string_view detail) = 0;
	};

	/* Bytes in half-received messages of all connections. */
	struct Assembly
	{
		size_t bytes = 0;
	};

	WebSocket(Reactor &reactor, const Clock &clock, Assembly &assembly, Handler &handler)
		: reactor_(reactor), clock_(clock), assembly_(assembly), handler_(handler)
	{
	}
	~WebSocket();
	WebSocket(const WebSocket &) = delete;

	/* False if it failed at once; then on_closed is not called. */
	bool open(const nostr::RelayEndpoint &relay, const std::string &address, const Config &config);
	void send(std::string text);
	void ping();
	/* No call of the handler after this. `politely`: with a close frame, if there is time for it.
	 */
	void close(bool politely = false);
	/* Reading is on after open(). */
	void read(bool on);

	/* Messages not yet taken by the peer's side of the network. */
	size_t unsent() const { return unsent_.size(); }
	/* Since when the current message is incomplete; zero if none is. */
	Clock::Time incomplete_since() const { return incomplete_since_; }
	/* Bytes of it. */
	size_t incomplete() const { return incomplete_since_ == Clock::Time{} ? 0 : buffer_.size(); }
	uint64_t bytes_received() const { return bytes_; }

  private:
	friend int web_socket_callback(lws *, lws_callback_reasons, void *, void *, size_t) noexcept;
	int handle(lws *wsi, lws_callback_reasons reason, void *in, size_t size);
	void receive(lws *wsi, std::string_view piece);
	int write_one(lws *wsi);
	int add_headers(void *in, size_t size);
	void connect_failed(lws *wsi, std::string_view text);
	void cut(const char *reason, std::string_view detail);
	void closed(const char *reason, std::string_view detail);
	void keep(std::string_view piece);
	void drop_buffer();

	Reactor &reactor_;
	const Clock &clock_;
	Assembly &assembly_;
	Handler &handler_;

	lws *wsi_ = nullptr;
	bool open_ = false;
	bool asked_ = false; // the request was sent: TCP and TLS are up
	size_t max_message_ = 0;
	std::string user_agent_;
	std::string peer_close_; // code and text of the peer's close frame
	std::deque<std::string> unsent_;
	bool ping_due_ = false;
	std::string buffer_;
	Clock::Time incomplete_since_{};
	uint64_t bytes_ = 0;
};

int web_socket_callback(lws *wsi, lws_callback_reasons reason, void *, void *in,
						size_t size) noexcept;

} // namespace net
