#include "net/transport/http_exchange.h"

#include "nostr/web_url.h"

namespace net {

int
HttpExchange::handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes)
{
	switch (reason) {
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
		/* The body is to be read now; it comes by the next callback. */
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
