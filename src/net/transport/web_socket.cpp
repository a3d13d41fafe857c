#include "net/transport/web_socket.h"

#include <charconv>
#include <cstring>
#include <ctime>
#include <system_error>

#include "net/transport/deflate.h"

namespace net {

/* The owner sends pings (heartbeat.h), not libwebsockets. */
static const lws_retry_bo_t no_idle_policy{};

/* A buffer that grew past this for one message is not kept for the next. */
constexpr size_t kKeptBuffer = 32 << 10;
constexpr int kCloseSeconds = 3;

int
web_socket_callback(lws *wsi, lws_callback_reasons reason, void *user, void *in,
					size_t size) noexcept
{
	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
		ClientHosts::configure(lws_get_vhost(wsi), static_cast<SSL_CTX *>(user));
		return 0;
	}
	auto *connection = wsi ? static_cast<WebSocket *>(lws_get_opaque_user_data(wsi)) : nullptr;
	if (connection) {
		try {
			if (connection->handle(wsi, reason, in, size) != 0)
				return -1;
		} catch (...) {
			Reactor::of(wsi).fail(std::current_exception());
			return -1;
		}
		if (lws_get_opaque_user_data(wsi))
			return 0;
	}
	/* The owner has let go of this socket: refuse every callback, so that libwebsockets closes it.
	 */
	switch (reason) {
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
	case LWS_CALLBACK_CLIENT_RECEIVE:
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
	case LWS_CALLBACK_CLIENT_WRITEABLE:
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		return -1;
	default:
		return 0;
	}
}

WebSocket::~WebSocket()
{
	close();
}

/* Returns how long the step took that ends `now`, and begins the next. */
static void
end_step(std::chrono::steady_clock::time_point &step, std::chrono::microseconds &took,
		 std::chrono::steady_clock::time_point now)
{
	took = std::chrono::duration_cast<std::chrono::microseconds>(now - step);
	step = now;
}

std::optional<WebSocket::Fault>
WebSocket::open(const nostr::RelayEndpoint &relay, const Route &route, const Config &config)
{
	std::string host =
		relay.host.find(':') == std::string::npos ? relay.host : "[" + relay.host + "]";
	if (relay.port != (relay.tls ? 443 : 80))
		host += ":" + std::to_string(relay.port);
	max_message_ = config.max_message_bytes;
	user_agent_ = config.user_agent;

	lws_client_connect_info info{};
	info.context = transport_.reactor.context();
	std::string fault;
	info.vhost =
		relay.tls ? transport_.hosts.tls(config.tls_ca_file, fault) : transport_.hosts.plain();
	if (!info.vhost)
		return Fault{"tls_failed", fault};
	info.address = route.address.c_str();
	info.port = route.port;
	info.path = relay.path.c_str();
	info.host = host.c_str();
	info.alpn = "http/1.1";
	/* A redirect would get around the screening of addresses. */
	info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (relay.tls ? LCCSCF_USE_SSL : 0);
	info.ietf_version_or_minus_one = -1;
	info.local_protocol_name = "relay";
	info.opaque_user_data = this;
	info.retry_and_idle_policy = &no_idle_policy;
	step_ = std::chrono::steady_clock::now();
	proxied_ = route.proxy.has_value();
	if (proxied_)
		early_fault_.reason = "proxy_failed";
	wsi_ = lws_client_connect_via_info(&info);
	if (!wsi_)
		return early_fault_;
	if (!proxied_)
		return std::nullopt;
	try {
		tunnel_.emplace(transport_.reactor, lws_get_socket_fd(wsi_),
						ProxyHandshake(*route.proxy, relay.host, relay.port), *this);
		return std::nullopt;
	} catch (const std::system_error &error) { // too many descriptors
		close();
		return Fault{"proxy_failed", error.what()};
	}
}

WebSocket::Fault
WebSocket::silence() const
{
	if (tunnel_ && !tunnel_->answered())
		return {"proxy_failed", "no answer"};
	return {"connect_timeout", "no answer"};
}

void
WebSocket::send(std::string text)
{
	unsent_.push_back(std::move(text));
	if (wsi_ && open_)
		lws_callback_on_writable(wsi_);
}

void
WebSocket::ping()
{
	ping_due_ = true;
	if (wsi_ && open_)
		lws_callback_on_writable(wsi_);
}

void
WebSocket::close(bool politely)
{
	if (!wsi_)
		return;
	lws *wsi = wsi_;
	wsi_ = nullptr;
	tunnel_.reset();
	drop_buffer();
	lws_set_opaque_user_data(wsi, nullptr);
	if (politely && open_) {
		/* Ask for one more callback to write: it returns -1, and libwebsockets then sends the
		 * close frame. */
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
		lws_callback_on_writable(wsi);
		lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, kCloseSeconds);
	} else {
		/* A return value alone is not enough: it is ignored while the inflater is drained. */
		lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
	}
}

int
WebSocket::handle(lws *wsi, lws_callback_reasons reason, void *in, size_t size)
{
	std::string_view text(static_cast<const char *>(in), in ? size : 0);
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		request_sent(wsi);
		return add_headers(in, size);
	case LWS_CALLBACK_CLIENT_FILTER_PRE_ESTABLISH:
		read_date(wsi);
		return 0;
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		open_ = true;
		end_step(step_, times_.upgrade, std::chrono::steady_clock::now());
		tune_deflate(wsi);
		handler_->on_open();
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		receive(wsi, text);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		handler_->on_life();
		return 0;
	case LWS_CALLBACK_CLIENT_WRITEABLE:
		return write_one(wsi);
	case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE:
		if (size >= 2) {
			peer_close_ = "close " + std::to_string(uint8_t(text[0]) << 8 | uint8_t(text[1]));
			if (size > 2)
				peer_close_ += " " + std::string(text.substr(2));
		}
		return 0;
	case LWS_CALLBACK_CLIENT_CONNECTION_ERROR:
		closed(connect_fault(wsi, text));
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		closed({"connection_lost", peer_close_});
		return 0;
	default:
		return 0;
	}
}

/* TCP and TLS are up. */
void
WebSocket::request_sent(lws *wsi)
{
	asked_ = true;
	SSL *ssl = lws_get_ssl(wsi);
	if (ssl && tls_started(ssl) != SteadyTime{})
		end_step(step_, times_.tcp, tls_started(ssl));
	end_step(step_, ssl ? times_.tls : times_.tcp, std::chrono::steady_clock::now());
}

int
WebSocket::add_headers(void *in, size_t size)
{
	if (user_agent_.empty())
		return 0;
	auto **cursor = static_cast<char **>(in);
	std::string line = "User-Agent: " + user_agent_ + "\r\n";
	if (line.size() >= size)
		return 0;
	memcpy(*cursor, line.data(), line.size());
	*cursor += line.size();
	return 0;
}

void
WebSocket::receive(lws *wsi, std::string_view piece)
{
	bytes_ += piece.size();
	if (lws_frame_is_binary(wsi))
		return cut("binary_frame", "");
	/* The announced rest counts too: a message may be too large at its head. */
	if (skipping_ ||
		buffer_.size() + piece.size() + lws_remaining_packet_payload(wsi) > max_message_)
		return skip(wsi, piece);
	if (!lws_is_final_fragment(wsi))
		return keep(piece);
	if (incomplete_since_ == Clock::Time{})
		return handler_->on_message(piece);
	keep(piece);
	incomplete_since_ = {};
	account_buffer(0);
	std::string whole = std::move(buffer_);
	buffer_.clear();
	handler_->on_message(whole);
	if (wsi_ && whole.capacity() <= kKeptBuffer) {
		whole.clear();
		buffer_ = std::move(whole);
	}
}

void
WebSocket::keep(std::string_view piece)
{
	if (incomplete_since_ == Clock::Time{})
		incomplete_since_ = transport_.clock.now();
	buffer_ += piece;
	account_buffer(buffer_.capacity());
}

/* One event that is too large must not end the connection: it is read and discarded. */
void
WebSocket::skip(lws *wsi, std::string_view piece)
{
	if (!skipping_) {
		drop_buffer();
		skipping_ = true;
		skippable_ = 0;
		incomplete_since_ = transport_.clock.now();
	}
	if (piece.size() > skippable_) {
		size_t more = piece.size() - skippable_ + lws_remaining_packet_payload(wsi);
		if (!handler_->on_too_large(more))
			return cut("frame_too_large", "more than " + std::to_string(max_message_) + " bytes");
		skippable_ += more;
	}
	skippable_ -= piece.size();
	if (!lws_is_final_fragment(wsi))
		return;
	skipping_ = false;
	incomplete_since_ = {};
	handler_->on_skipped();
}

void
WebSocket::drop_buffer()
{
	account_buffer(0);
	buffer_ = {};
	incomplete_since_ = {};
}

/* Sets the bytes accounted for the half-received message. */
void
WebSocket::account_buffer(size_t bytes)
{
	transport_.half_received += bytes - accounted_;
	accounted_ = bytes;
}

int
WebSocket::write_one(lws *wsi)
{
	unsigned char frame[LWS_PRE + 512];
	if (ping_due_) {
		ping_due_ = false;
		if (lws_write(wsi, frame + LWS_PRE, 0, LWS_WRITE_PING) < 0)
			return -1;
	} else if (!unsent_.empty()) {
		std::string text = std::move(unsent_.front());
		unsent_.pop_front();
		text.insert(0, LWS_PRE, '\0');
		auto *start = reinterpret_cast<unsigned char *>(text.data()) + LWS_PRE;
		if (lws_write(wsi, start, text.size() - LWS_PRE, LWS_WRITE_TEXT) < 0)
			return -1;
	}
	if (!unsent_.empty() || ping_due_)
		lws_callback_on_writable(wsi);
	return 0;
}

static std::string
status_text(int status)
{
	return "HTTP status " + std::to_string(status) +
		   (status >= 200 && status < 300 ? ": a web server answers there, not a relay" : "");
}

/* Of a failure that is not about certificates, libwebsockets says "lib(0)::reason(1)", newer ones
 * what OpenSSL thinks of the first bytes that came. */
static std::string
tls_text(std::string_view text)
{
	const bool foreign =
		text.find("lib(0)") != text.npos || text.find("wrong version number") != text.npos;
	return foreign ? "the TLS handshake failed; what listens there may not speak TLS"
				   : std::string(text);
}

WebSocket::Fault
WebSocket::connect_fault(lws *wsi, std::string_view text)
{
	if (asked_) {
		read_refusal(wsi);
		return {"handshake_failed",
				http_status_ > 0 ? status_text(http_status_) : std::string(text)};
	}
	SSL *ssl = lws_get_ssl(wsi);
	if (!ssl)
		return {proxied_ ? "proxy_failed" : "connection_refused", std::string(text)};
	/* TLS begins when TCP is up. */
	if (tls_started(ssl) != SteadyTime{})
		end_step(step_, times_.tcp, tls_started(ssl));
	return {"tls_failed", tls_text(text)};
}

void
WebSocket::read_refusal(lws *wsi)
{
	http_status_ = int(lws_http_client_http_response(wsi));
	char text[16];
	int size = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_RETRY_AFTER);
	uint32_t seconds = 0;
	if (size > 0 && std::from_chars(text, text + size, seconds).ptr == text + size)
		retry_after_ = std::chrono::seconds(seconds);
}

/* The one format that HTTP still allows to be sent (RFC 9110). */
void
WebSocket::read_date(lws *wsi)
{
	char text[40];
	tm date{};
	if (lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_DATE) <= 0)
		return;
	const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S GMT", &date);
	if (end && *end == 0)
		date_ = timegm(&date);
}

void
WebSocket::cut(const char *reason, std::string detail)
{
	close();
	handler_->on_closed(reason, std::move(detail));
}

void
WebSocket::closed(Fault fault)
{
	if (!wsi_) {
		early_fault_ = std::move(fault);
		return;
	}
	lws_set_opaque_user_data(wsi_, nullptr);
	wsi_ = nullptr;
	tunnel_.reset();
	drop_buffer();
	handler_->on_closed(fault.reason, std::move(fault.detail));
}

} // namespace net
