/*
 * One outgoing connection of libwebsockets, from TCP to the head of the answer to its HTTP request:
 * goes to a numeric address in the name of a host, straight or through a proxy, checks the host's
 * certificate, measures the steps. What follows the head is the derived class's.
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

/* What all connections share. */
struct Transport
{
	Reactor &reactor;
	const Clock &clock;
	Resolver &resolver;
	ClientHosts &hosts;
	size_t half_received = 0; // bytes in half-received messages of all connections
};

/* Where to connect to on the way to a host. */
struct Route
{
	std::string address; // numeric
	uint16_t port = 0;
	std::optional<nostr::ProxyKind> proxy; // what is there instead of the host
};

/* Headers of the answer. */
struct AnswerHead
{
	int status = 0;                                  // HTTP status; 0: there was no answer
	std::optional<std::chrono::seconds> retry_after; // Retry-After, if that was a number of seconds
	std::optional<int64_t> date;                     // Date, as a Unix second
	std::string server, powered_by;                  // Server, X-Powered-By
};

class Connection : public Tunnel::Owner
{
  public:
	/* Calls come from the event loop only, never from within a method of the connection. Only
	 * during these calls the handler may destroy the connection. */
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* The answer is the one that was hoped for. */
		virtual void on_open() = 0;
		/* The last call. `reason` is a reason code, such as "tls_failed" or "frame_too_large". */
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
		std::chrono::microseconds tcp{0}, tls{0};
		std::chrono::microseconds upgrade{0}; // from the request to its answer
	};

	~Connection() override { close(); }
	Connection(const Connection &) = delete;

	/* The fault if it failed at once; then on_closed is not called. */
	std::optional<Fault> open(const nostr::RelayEndpoint &endpoint, const Route &route,
							  const Config &config);
	/* While it opens: what is to be said if nothing more comes. Measures the steps up to now. */
	Fault silence();
	/* No call of the handler after this. `politely`: with a close frame, if there is time for it.
	 */
	void close(bool politely = false);

	const Times &times() const { return times_; }
	const AnswerHead &head() const { return head_; }
	/* The certificate that the host showed, good or bad. */
	const std::optional<CertificateFacts> &certificate() const { return certificate_; }

	/* A time that ended with what came last, without the time for which that waited for this
	 * process, which may have had no processor. The kernel counts the wait in ticks of some
	 * milliseconds: a wait of less than a few ticks is not subtracted, and at least the kernel's
	 * round trip time of the connection is left. */
	std::chrono::microseconds without_our_delay(std::chrono::microseconds measured) const;

  protected:
	/* `method` of HTTP; null: a WebSocket handshake. `headers` are more of them for the request. */
	Connection(Transport &transport, Handler &handler, const char *method, std::string headers = "")
		: transport_(transport), handler_(&handler), method_(method), headers_(std::move(headers))
	{
	}

	/* The head of the request is being written: the time to announce a body. */
	virtual void requested(lws *) {}
	/* Callbacks of libwebsockets that the derived class looks after. */
	virtual int handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes) = 0;
	/* The connection is over, by either side. */
	virtual void released() {}
	/* The end that is reported if the peer ends the open connection. */
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
	void closed(Fault fault);

	using SteadyTime = std::chrono::steady_clock::time_point;

	const char *const method_;
	std::string headers_;
	lws *wsi_ = nullptr;
	bool proxied_ = false;
	std::optional<Tunnel> tunnel_; // while a proxy is asked for it
	bool open_ = false;
	bool asked_ = false; // the request was sent: TCP and TLS are up
	SteadyTime step_{};  // when the current step of opening began
	Times times_;
	AnswerHead head_;
	std::optional<CertificateFacts> certificate_;
	Fault early_fault_; // met before open() returned
};

int connection_callback(lws *wsi, lws_callback_reasons reason, void *, void *in,
						size_t size) noexcept;

/* The header of the answer; "" if there is none, or if it is longer than `most` bytes. */
std::string header_text(lws *wsi, lws_token_indexes token, size_t most = 500);
/* The same of a header that libwebsockets has no token for: "x-powered-by:". */
std::string header_text(lws *wsi, std::string_view name, size_t most = 500);

} // namespace net
