/* One GET or POST request with its response (HTTP/1.1). The connection counts as open when the head
 * of the response has arrived. */
#pragma once

#include "net/transport/connection.h"

namespace net {

class HttpExchange final : public Connection
{
  public:
	class Handler : public Connection::Handler
	{
	  public:
		/* A piece of the body, as it was sent, but without chunk framing. */
		virtual void on_body(std::string_view piece) = 0;
		/* The response is complete. on_closed() follows, unless the handler closes the exchange. */
		virtual void on_end() = 0;
	};

	/* `headers`: headers besides Host and User-Agent, each with its line end. If `content` is not
	 * empty, the request is a POST, and `headers` must contain its length. */
	HttpExchange(Transport &transport, Connection::Handler &opener, std::string headers,
				 std::string_view content = {})
		: Connection(transport, opener, content.empty() ? "GET" : "POST", std::move(headers)),
		  content_(content)
	{
	}
	~HttpExchange() override { close(); }

	/* Sets the handler of all later calls. Must be called during on_open(). */
	void handle_by(Handler &handler) { handler_ = body_ = &handler; }

	/* Headers of the response; "" if missing. */
	struct Headers
	{
		std::string location, content_type, content_encoding, etag, last_modified, allow_origin;
	};
	const Headers &headers() const { return headers_; }

  private:
	void requested(lws *wsi) override;
	int handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes) override;
	Fault ended() const override { return {"connection_lost", "the answer was cut off"}; }

	Handler *body_ = nullptr; // set while the exchange is open
	std::string content_;     // of the request; empty: none, or already sent
	Headers headers_;
};

} // namespace net
