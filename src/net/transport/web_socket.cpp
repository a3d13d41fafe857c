#include "net/transport/web_socket.h"

#include <cstring>

#include <openssl/ssl.h>

#include "net/transport/deflate.h"

namespace net {

/* libwebsockets' own pings would end connections that are not read for a while. */
static const lws_retry_bo_t no_idle_policy{};

/* A buffer that grew past this for one message is not kept for the next. */
constexpr size_t kKeptBuffer = 32 << 10;
constexpr int kCloseSeconds = 3;

int
web_socket_callback(lws *wsi, lws_callback_reasons reason, void *, void *in, size_t size) noexcept
{
	if (reason == LWS_CALLBACK_OPENSSL_LOAD_EXTRA_CLIENT_VERIFY_CERTS) {
		/* 200 idle relays are the normal case: no TLS buffers for them. */
		SSL_CTX_set_mode(static_cast<SSL_CTX *>(in), SSL_MODE_RELEASE_BUFFERS);
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
	/* Nobody's any more: whatever comes, it shall go. */
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

bool
WebSocket::open(const nostr::RelayEndpoint &relay, const std::string &address, const Config &config)
{
	std::string host =
		relay.host.find(':') == std::string::npos ? relay.host : "[" + relay.host + "]";
	if (relay.port != (relay.tls ? 443 : 80))
		host += ":" + std::to_string(relay.port);
	max_message_ = config.max_message_bytes;
	user_agent_ = config.user_agent;

	lws_client_connect_info info{};
	info.context = reactor_.context();
	info.vhost = reactor_.client_host(config.tls_ca_file);
	info.address = address.c_str();
	info.port = relay.port;
	info.path = relay.path.c_str();
	info.host = host.c_str();
	info.alpn = "http/1.1";
	/* A redirect would lead past the screening of addresses. */
	info.ssl_connection = LCCSCF_HTTP_NO_FOLLOW_REDIRECT | (relay.tls ? LCCSCF_USE_SSL : 0);
	info.ietf_version_or_minus_one = -1;
	info.local_protocol_name = "relay";
	info.opaque_user_data = this;
	info.retry_and_idle_policy = &no_idle_policy;
	wsi_ = lws_client_connect_via_info(&info);
	return wsi_ != nullptr;
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
	drop_buffer();
	lws_set_opaque_user_data(wsi, nullptr);
	if (politely && open_) {
		/* The close frame goes out with the refusal to write anything else. */
		lws_close_reason(wsi, LWS_CLOSE_STATUS_NORMAL, nullptr, 0);
		lws_callback_on_writable(wsi);
		lws_set_timeout(wsi, PENDING_TIMEOUT_CLOSE_SEND, kCloseSeconds);
	} else {
		/* Not only by a return value: that is ignored while the inflater is drained. */
		lws_set_timeout(wsi, PENDING_TIMEOUT_KILLED_BY_PARENT, LWS_TO_KILL_ASYNC);
	}
}

void
WebSocket::read(bool on)
{
	if (wsi_ && open_)
		lws_rx_flow_control(wsi_, on ? 1 : 0);
}

int
WebSocket::handle(lws *wsi, lws_callback_reasons reason, void *in, size_t size)
{
	std::string_view text(static_cast<const char *>(in), in ? size : 0);
	switch (reason) {
	case LWS_CALLBACK_CLIENT_APPEND_HANDSHAKE_HEADER:
		asked_ = true;
		return add_headers(in, size);
	case LWS_CALLBACK_CLIENT_ESTABLISHED:
		open_ = true;
		tune_deflate(wsi);
		handler_.on_open();
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE:
		receive(wsi, text);
		return 0;
	case LWS_CALLBACK_CLIENT_RECEIVE_PONG:
		handler_.on_life();
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
		connect_failed(wsi, text);
		return 0;
	case LWS_CALLBACK_CLIENT_CLOSED:
	case LWS_CALLBACK_WSI_DESTROY:
		closed("connection_lost", peer_close_);
		return 0;
	default:
		return 0;
	}
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
	/* The announced rest counts too: what is too large at its head is not read to its end. */
	if (buffer_.size() + piece.size() + lws_remaining_packet_payload(wsi) > max_message_)
		return cut("frame_too_large", "more than " + std::to_string(max_message_) + " bytes");
	if (!lws_is_final_fragment(wsi))
		return keep(piece);
	if (incomplete_since_ == Clock::Time{})
		return handler_.on_message(piece);
	keep(piece);
	incomplete_since_ = {};
	assembly_.bytes -= buffer_.size();
	std::string whole = std::move(buffer_);
	buffer_.clear();
	handler_.on_message(whole);
	if (wsi_ && whole.capacity() <= kKeptBuffer) {
		whole.clear();
		buffer_ = std::move(whole);
	}
}

void
WebSocket::keep(std::string_view piece)
{
	if (incomplete_since_ == Clock::Time{})
		incomplete_since_ = clock_.now();
	buffer_ += piece;
	assembly_.bytes += piece.size();
}

void
WebSocket::drop_buffer()
{
	assembly_.bytes -= buffer_.size();
	buffer_ = {};
	incomplete_since_ = {};
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

void
WebSocket::connect_failed(lws *wsi, std::string_view text)
{
	if (asked_) {
		unsigned status = lws_http_client_http_response(wsi);
		std::string detail(text);
		if (status > 0)
			detail = "HTTP status " + std::to_string(status);
		return closed("handshake_failed", detail);
	}
	/* TLS begins when TCP is up. */
	closed(lws_get_ssl(wsi) ? "tls_failed" : "connection_refused", text);
}

void
WebSocket::cut(const char *reason, std::string_view detail)
{
	close();
	handler_.on_closed(reason, detail);
}

void
WebSocket::closed(const char *reason, std::string_view detail)
{
	if (!wsi_)
		return;
	lws_set_opaque_user_data(wsi_, nullptr);
	wsi_ = nullptr;
	drop_buffer();
	handler_.on_closed(reason, detail);
}

} // namespace net
