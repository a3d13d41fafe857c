#include "net/transport/connection.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <ctime>
#include <system_error>

#include <netinet/tcp.h>
#include <sys/socket.h>

namespace net {

/* The owner sends pings (heartbeat.h), not libwebsockets. */
static const lws_retry_bo_t no_idle_policy{};

constexpr int kCloseSeconds = 3;

int
connection_callback(lws *wsi, lws_callback_reasons reason, void *user, void *in,
					size_t size) noexcept
{
	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
		ClientHosts::configure(lws_get_vhost(wsi), static_cast<SSL_CTX *>(user));
		return 0;
	}
	auto *connection = wsi ? static_cast<Connection *>(lws_get_opaque_user_data(wsi)) : nullptr;
	if (connection) {
		try {
			if (connection->dispatch(wsi, reason, in, size) != 0)
				return -1;
		} catch (...) {
			Reactor::of(wsi).fail(std::current_exception());
			return -1;
		}
		if (lws_get_opaque_user_data(wsi))
			return 0;
	}
	/* The owner has closed this connection. Every callback is refused, so that libwebsockets closes
	 * the socket. */
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_RECEIVE:
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE:
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP:
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		return -1;
	default:
		return 0;
	}
}

/* Ends a step at `now`, sets its duration, and begins the next step. */
static void
end_step(std::chrono::steady_clock::time_point &step, std::chrono::microseconds &took,
		 std::chrono::steady_clock::time_point now)
{
	took = std::chrono::duration_cast<std::chrono::microseconds>(now - step);
	step = now;
}

std::optional<Connection::Fault>
Connection::open(const nostr::RelayEndpoint &endpoint, const NextHop &next_hop,
				 const Config &config)
{
	std::string host =
		endpoint.host.find(':') == std::string::npos ? endpoint.host : "[" + endpoint.host + "]";
	if (endpoint.port != (endpoint.tls ? 443 : 80))
		host += ":" + std::to_string(endpoint.port);
	if (!config.user_agent.empty())
		headers_ += "User-Agent: " + config.user_agent + "\r\n";

	lws_client_connect_info info{};
	info.context = transport_.reactor.context();
	std::string fault;
	info.vhost =
		endpoint.tls ? transport_.hosts.tls(config.tls_ca_file, fault) : transport_.hosts.plain();
	if (!info.vhost)
		return Fault{"tls_failed", fault};
	info.address = next_hop.address.c_str();
	info.port = next_hop.port;
	info.path = endpoint.path.c_str();
	info.host = host.c_str();
	info.method = method_;
	info.alpn = "http/1.1";
	/* Redirects are not followed, because a redirect could avoid the screening of addresses. */
	info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (endpoint.tls ? LCCSCF_USE_SSL : 0);
	info.ietf_version_or_minus_one = -1;
	info.local_protocol_name = "relay";
	info.opaque_user_data = this;
	info.retry_and_idle_policy = &no_idle_policy;
	step_ = std::chrono::steady_clock::now();
	proxied_ = next_hop.proxy.has_value();
	if (proxied_)
		early_fault_.reason = "proxy_failed";
	wsi_ = lws_client_connect_via_info(&info);
	if (!wsi_)
		return early_fault_;
	if (!proxied_)
		return std::nullopt;
	try {
		tunnel_.emplace(transport_.reactor, lws_get_socket_fd(wsi_),
						ProxyHandshake(*next_hop.proxy, endpoint.host, endpoint.port), *this);
		return std::nullopt;
	} catch (const std::system_error &error) { // no free descriptor
		close();
		return Fault{"proxy_failed", error.what()};
	}
}

Connection::Fault
Connection::silence()
{
	const SSL *ssl = wsi_ && !asked_ ? lws_get_ssl(wsi_) : nullptr;
	if (ssl && tls_started(ssl) != SteadyTime{} && times_.tcp.count() == 0)
		end_step(step_, times_.tcp, tls_started(ssl));
	note_unfinished();
	if (tunnel_ && !tunnel_->answered())
		return {"proxy_failed", "no answer"};
	return {"connect_timeout", "no answer"};
}

void
Connection::close(bool politely)
{
	if (!wsi_)
		return;
	lws *wsi = wsi_;
	wsi_ = nullptr;
	tunnel_.reset();
	released();
	lws_set_opaque_user_data(wsi, nullptr);
	if (politely && open_ && !method_) {
		/* Asks for a callback to write. That callback returns -1, and libwebsockets then sends the
		 * close frame. */
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
		lws_callback_on_writable(wsi);
		lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, kCloseSeconds);
	} else {
		/* The return value is not enough: libwebsockets ignores it while the inflater has data. */
		lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
	}
}

int
Connection::dispatch(lws *wsi, lws_callback_reasons reason, void *in, size_t size)
{
	std::string_view text(static_cast<const char *>(in), in ? size : 0);
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		request_sent(wsi);
		requested(wsi);
		return add_headers(in, size);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		read_head(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		closed(connect_fault(wsi, text));
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_CLOSED_CLIENT_HTTP:
	case LWS_CALLBACK_WSI_DESTROY:
		closed(ended());
		return 0;
	default:
		return handle(wsi, reason, text);
	}
}

/* The request was sent, so TCP and TLS are established. */
void
Connection::request_sent(lws *wsi)
{
	asked_ = true;
	SSL *ssl = lws_get_ssl(wsi);
	if (ssl && tls_started(ssl) != SteadyTime{})
		end_step(step_, times_.tcp, tls_started(ssl));
	end_step(step_, ssl ? times_.tls : times_.tcp, std::chrono::steady_clock::now());
	if (ssl)
		certificate_ = certificate_facts(ssl);
}

int
Connection::add_headers(void *in, size_t size)
{
	auto **cursor = static_cast<char **>(in);
	if (headers_.size() >= size)
		return 0;
	memcpy(*cursor, headers_.data(), headers_.size());
	*cursor += headers_.size();
	return 0;
}

void
Connection::opened()
{
	open_ = true;
	end_step(step_, times_.upgrade, std::chrono::steady_clock::now());
	times_.upgrade = without_our_delay(times_.upgrade);
}

std::chrono::microseconds
Connection::without_our_delay(std::chrono::microseconds measured) const
{
	using std::chrono::microseconds;
	constexpr std::chrono::milliseconds few_ticks{8};
	tcp_info info{};
	socklen_t size = sizeof info;
	if (!wsi_ || getsockopt(lws_get_socket_fd(wsi_), IPPROTO_TCP, TCP_INFO, &info, &size) != 0)
		return measured;
	const std::chrono::milliseconds waited(info.tcpi_last_data_recv);
	if (waited < few_ticks)
		return measured;
	return std::max(measured - waited, std::min(measured, microseconds(info.tcpi_rtt)));
}

static std::string
status_text(int status)
{
	return "HTTP status " + std::to_string(status) +
		   (status >= 200 && status < 300 ? ": a web server answers there, not a relay" : "");
}

/* The text for a TLS failure. If the failure is not about certificates, libwebsockets reports it as
 * lib(0)::reason(1); newer versions report OpenSSL's guess about the first bytes received. */
static std::string
tls_text(std::string_view text)
{
	const bool foreign =
		text.find("lib(0)") != text.npos || text.find("wrong version number") != text.npos;
	return foreign ? "the TLS handshake failed; what listens there may not speak TLS"
				   : std::string(text);
}

Connection::Fault
Connection::connect_fault(lws *wsi, std::string_view text)
{
	if (asked_) {
		read_head(wsi);
		return {"handshake_failed",
				head_.status > 0 ? status_text(head_.status) : std::string(text)};
	}
	SSL *ssl = lws_get_ssl(wsi);
	if (!ssl)
		return {proxied_ ? "proxy_failed" : "connection_refused", std::string(text)};
	/* The TLS handshake begins when TCP is established. */
	if (tls_started(ssl) != SteadyTime{})
		end_step(step_, times_.tcp, tls_started(ssl));
	certificate_ = certificate_facts(ssl);
	if (certificate_ && !certificate_->fault.empty())
		return {"tls_failed", "the certificate is not valid: " + certificate_->fault};
	return {"tls_failed", tls_text(text)};
}

std::string
header_text(lws *wsi, lws_token_indexes token, size_t most)
{
	std::string text(most + 1, '\0');
	int size = lws_hdr_copy(wsi, text.data(), int(text.size()), token);
	text.resize(size > 0 ? size_t(size) : 0);
	return text;
}

std::string
header_text(lws *wsi, std::string_view name, size_t most)
{
	std::string text(most + 1, '\0');
	int size =
		lws_hdr_custom_copy(wsi, text.data(), int(text.size()), name.data(), int(name.size()));
	text.resize(size > 0 ? size_t(size) : 0);
	return text;
}

/* Parses a date in the only format that HTTP allows to send (RFC 9110). */
static std::optional<int64_t>
http_date(const std::string &text)
{
	tm date{};
	const char *end = strptime(text.c_str(), "%a, %d %b %Y %H:%M:%S GMT", &date);
	if (!end || *end != 0)
		return std::nullopt;
	return timegm(&date);
}

void
Connection::read_head(lws *wsi)
{
	/* libwebsockets reads any number. */
	const auto status = lws_http_client_http_response(wsi);
	head_.status = status >= 100 && status <= 999 ? int(status) : 0;
	if (std::string text = header_text(wsi, WSI_TOKEN_HTTP_RETRY_AFTER, 15); !text.empty()) {
		uint32_t seconds = 0;
		const char *end = text.data() + text.size();
		if (std::from_chars(text.data(), end, seconds).ptr == end)
			head_.retry_after = std::chrono::seconds(seconds);
	}
	if (std::string text = header_text(wsi, WSI_TOKEN_HTTP_DATE, 40); !text.empty())
		head_.date = http_date(text);
	head_.server = header_text(wsi, WSI_TOKEN_HTTP_SERVER);
	head_.powered_by = header_text(wsi, "x-powered-by:");
}

void
Connection::note_unfinished()
{
	if (!open_)
		end_step(step_, times_.unfinished, std::chrono::steady_clock::now());
}

void
Connection::cut(const char *reason, std::string detail)
{
	note_unfinished();
	close();
	handler_->on_closed(reason, std::move(detail));
}

void
Connection::closed(Fault fault)
{
	note_unfinished();
	if (!wsi_) {
		early_fault_ = std::move(fault);
		return;
	}
	lws_set_opaque_user_data(wsi_, nullptr);
	wsi_ = nullptr;
	tunnel_.reset();
	released();
	handler_->on_closed(fault.reason, std::move(fault.detail));
}

} // namespace net
