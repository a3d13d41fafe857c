#include "net/transport/http_exchange.h"

#include "nostr/web_url.h"

namespace net {

void
HttpExchange::requested(lws *wsi)
{
	if (content_.empty())
		return;
	lws_client_http_body_pending(wsi, 1);
	lws_callback_on_writable(wsi);
}

int
HttpExchange::handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes)
{
	switch (reason) {
	case LWS_CALLBACK_CLIENT_HTTP_WRITEABLE: {
		if (content_.empty())
			return 0;
		const size_t size = content_.size();
		content_.insert(0, LWS_PRE, '\0');
		auto *start = reinterpret_cast<unsigned char *>(content_.data()) + LWS_PRE;
		/* libwebsockets keeps the bytes that the socket does not take at once. */
		const int written = lws_write(wsi, start, size, LWS_WRITE_HTTP_FINAL);
		content_.clear();
		lws_client_http_body_pending(wsi, 0);
		return written < 0 ? -1 : 0;
	}
	case LWS_CALLBACK_ESTABLISHED_CLIENT_HTTP:
		read_head(wsi);
		headers_ = {
			.location = header_text(wsi, WSI_TOKEN_HTTP_LOCATION, nostr::kMaxWebUrl),
			.content_type = header_text(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE),
			.content_encoding = header_text(wsi, WSI_TOKEN_HTTP_CONTENT_ENCODING),
			.etag = header_text(wsi, WSI_TOKEN_HTTP_ETAG),
			.last_modified = header_text(wsi, WSI_TOKEN_HTTP_LAST_MODIFIED),
			.allow_origin = header_text(wsi, WSI_TOKEN_HTTP_ACCESS_CONTROL_ALLOW_ORIGIN),
		};
		opened();
		handler_->on_open();
		return 0;
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP: {
		/* Reads a piece of the body, which the next callback delivers. */
		char room[LWS_PRE + Reactor::kReadSize];
		char *start = room + LWS_PRE;
		int size = Reactor::kReadSize;
		return lws_http_client_read(wsi, &start, &size) < 0 ? -1 : 0;
	}
	case LWS_CALLBACK_RECEIVE_CLIENT_HTTP_READ:
		body_->on_body(bytes);
		return 0;
	case LWS_CALLBACK_COMPLETED_CLIENT_HTTP:
		body_->on_end();
		return 0;
	default:
		return 0;
	}
}

} // namespace net
