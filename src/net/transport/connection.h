/*
 * One outgoing connection of libwebsockets, from TCP to the head of the HTTP response. It connects
 * to a numeric address in the name of a host, directly or through a proxy, checks the host's
 * certificate, and measures each step. The derived class handles everything after the response
 * head.
 */
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "net/core/clock.h"
#include "net/core/config.h"
#include "net/core/reactor.h"
#include "net/transport/certificate_facts.h"
#include "net/transport/client_hosts.h"
#include "net/transport/tunnel.h"
#include "nostr/relay_url.h"

namespace net {

class Resolver;

/* State that all connections share. */
struct Transport
{
	Reactor &reactor;
	const Clock &clock;
	Resolver &resolver;
	ClientHosts &hosts;
	size_t half_received = 0; // bytes in half-received messages of all connections
};

/* Where to connect to reach a host. */
struct NextHop
{
	std::string address; // numeric
	uint16_t port = 0;
	std::optional<nostr::ProxyKind> proxy; // type of the proxy at `address`; none: the host itself
};

/* Headers of the HTTP response. */
struct AnswerHead
{
	int status = 0;                                  // HTTP status; 0: no response
	std::optional<std::chrono::seconds> retry_after; // Retry-After, if it is a number of seconds
	std::optional<int64_t> date;                     // Date, in Unix seconds
	std::string server, powered_by;                  // Server, X-Powered-By
};

class Connection : public Tunnel::Owner
{
  public:
	/* Calls come only from the event loop, never from within a method of the connection. The
	 * handler may destroy the connection only during these calls. */
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* The server accepted the request: the WebSocket upgrade, or any HTTP response head. */
		virtual void on_open() = 0;
		/* The last call. `reason`: a reason code, such as "tls_failed" or "frame_too_large". */
		virtual void on_closed(const char *reason, std::string detail) = 0;
	};

	struct Fault
	{
		const char *reason = "connection_refused";
		std::string detail;
	};

	/* Durations of the steps of opening; zero for steps that did not end. TCP includes the tunnel
	 * of a proxy. */
	struct Times
	{
		std::chrono::microseconds tcp{0}, tls{0};
		std::chrono::microseconds upgrade{0};    // from the request to the response head
		std::chrono::microseconds unfinished{0}; // the step during which the opening failed
	};

	~Connection() override { close(); }
	Connection(const Connection &) = delete;

	/* Begins to connect. Returns a fault if this fails at once; then on_closed() is not called. */
	std::optional<Fault> open(const nostr::RelayEndpoint &endpoint, const NextHop &next_hop,
							  const Config &config);
	/* The fault to report if opening times out now. Records the durations of the steps so far. */
	Fault silence();
	/* Closes the connection without a callback. `politely`: sends a close frame if possible. */
	void close(bool politely = false);

	const Times &times() const { return times_; }
	const AnswerHead &head() const { return head_; }
	/* The certificate that the host has shown, valid or not. */
	const std::optional<CertificateFacts> &certificate() const { return certificate_; }

	/* Subtracts from `measured` the time for which the last bytes waited in the kernel because this
	 * process had no CPU. The kernel counts in ticks of some milliseconds, so a wait of less than a
	 * few ticks is not subtracted. The result is at least the kernel's round trip time (or
	 * `measured`, if that is shorter). */
	std::chrono::microseconds without_our_delay(std::chrono::microseconds measured) const;

  protected:
	/* `method`: the HTTP method; null: a WebSocket handshake. `headers`: more headers of the
	 * request. */
	Connection(Transport &transport, Handler &handler, const char *method, std::string headers = "")
		: transport_(transport), handler_(&handler), method_(method), headers_(std::move(headers))
	{
	}

	/* The head of the request is being written; a derived class may announce a body now. */
	virtual void requested(lws *) {}
	/* Handles the callbacks of libwebsockets that this class does not handle. */
	virtual int handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes) = 0;
	/* The connection has ended, by either side. */
	virtual void released() {}
	/* The fault to report if the peer closes the open connection. */
	virtual Fault ended() const = 0;

	void opened();
	void read_head(lws *wsi);
	void cut(const char *reason, std::string detail);
	lws *socket() const { return wsi_; }
	bool is_open() const { return open_; }

	Transport &transport_;
	Handler *handler_;

  private:
	friend int connection_callback(lws *, lws_callback_reasons, void *, void *, size_t) noexcept;
	int dispatch(lws *wsi, lws_callback_reasons reason, void *in, size_t size);
	void on_tunnel_open() override { tunnel_.reset(); }
	void on_tunnel_failed(const char *reason, std::string detail) override
	{
		cut(reason, std::move(detail));
	}
	void request_sent(lws *wsi);
	int add_headers(void *in, size_t size);
	Fault connect_fault(lws *wsi, std::string_view text);
	void note_unfinished();
	void closed(Fault fault);

	using SteadyTime = std::chrono::steady_clock::time_point;

	const char *const method_;
	std::string headers_;
	lws *wsi_ = nullptr;
	bool proxied_ = false;
	std::optional<Tunnel> tunnel_; // exists until the proxy has opened the tunnel
	bool open_ = false;
	bool asked_ = false; // the request was sent, so TCP and TLS are established
	SteadyTime step_{};  // start of the current step
	Times times_;
	AnswerHead head_;
	std::optional<CertificateFacts> certificate_;
	Fault early_fault_; // a fault reported before open() returned
};

int connection_callback(lws *wsi, lws_callback_reasons reason, void *, void *in,
						size_t size) noexcept;

/* The value of a response header; "" if it is missing or longer than `most` bytes. */
std::string header_text(lws *wsi, lws_token_indexes token, size_t most = 500);
/* The same for a header without a token in libwebsockets, such as "x-powered-by:". */
std::string header_text(lws *wsi, std::string_view name, size_t most = 500);

} // namespace net
