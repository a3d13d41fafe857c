/* One GET or POST and its answer (HTTP/1.1). It is open when the head of the answer is there. */
#pragma once

#include "net/transport/connection.h"

namespace net {

class HttpExchange final : public Connection
{
  public:
	class Handler : public Connection::Handler
	{
	  public:
		/* A piece of the body, as it was sent, without the framing of chunks. */
		virtual void on_body(std::string_view piece) = 0;
		/* The answer is whole. on_closed() follows, unless the handler closes the exchange. */
		virtual void on_end() = 0;
	};

	/* `headers` of the request, beside Host and User-Agent, each with its end of line. With a
	 * `content` it is a POST, and its length is one of the headers. */
	HttpExchange(Transport &transport, Connection::Handler &opener, std::string headers,
				 std::string_view content = {})
		: Connection(transport, opener, content.empty() ? "GET" : "POST", std::move(headers)),
		  content_(content)
	{
	}
	~HttpExchange() override { close(); }

	/* Sets the handler that is called from now on; to be called during on_open(). */
	void handle_by(Handler &handler) { handler_ = body_ = &handler; }

	/* Headers of the answer that matter to it, "" for those that it lacks. */
	struct Headers
	{
		std::string location, content_type, content_encoding, etag, last_modified, allow_origin;
	};
	const Headers &headers() const { return headers_; }

  private:
	void requested(lws *wsi) override;
	int handle(lws *wsi, lws_callback_reasons reason, std::string_view bytes) override;
	Fault ended() const override { return {"connection_lost", "the answer was cut off"}; }

	Handler *body_ = nullptr; // while it is open
	std::string content_;     // of the request; empty: there is none, or it is written
	Headers headers_;
};

} // namespace net
