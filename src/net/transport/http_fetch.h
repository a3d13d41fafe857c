/*
 * Fetches one document: GET, at most three redirects, gzip. Each hop is checked and screened like a
 * relay, so that no redirect leads to a forbidden address. Time and size are bounded. It can also
 * send a document by POST; then only the head of the response is read, and redirects are not
 * followed.
 */
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "net/transport/dialer.h"
#include "net/transport/http_exchange.h"
#include "net/transport/inflater.h"
#include "nostr/web_url.h"

namespace net {

constexpr int kMaxRedirects = 3;

struct HttpRequest
{
	nostr::WebUrl url;
	std::string accept;               // value of the header Accept
	std::string etag, modified_since; // validators of an existing copy; empty: none
	std::string headers;              // more headers, each with its line end
	std::string content;              // JSON to send by POST; empty: GET
	size_t max_body = 64 << 10;       // limit of the inflated body, bytes
	int max_redirects = kMaxRedirects;
	std::chrono::milliseconds timeout{0}; // for all hops together
};

struct HttpAnswer
{
	int status = 0; // of the last hop; 0: no response
	std::string final_url;
	int redirects = 0;
	HttpExchange::Headers headers; // of the last hop
	std::string body;              // inflated; if the fetch failed, the part received
};

class HttpFetch final : public Dialer::Handler, public HttpExchange::Handler
{
  public:
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* The last call, from tick(); the fetch may be destroyed. `reason` is null if the response
		 * is complete, whatever its status. Otherwise it is a reason code: one of the dialer's,
		 * "connection_lost", "too_large", "bad_encoding", "too_many_redirects", "bad_redirect" or
		 * "document_timeout". */
		virtual void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) = 0;
	};

	HttpFetch(Transport &transport, const Config &config, Handler &handler)
		: transport_(transport), config_(config), handler_(handler)
	{
	}

	/* Must be called once. The URL must be an accepted one. */
	void start(HttpRequest request);
	/* Checks timeouts and calls the handler; must be called about every 100 ms. */
	void tick();
	/* Time until the response was complete or the fetch failed. */
	std::chrono::microseconds took() const { return took_; }

  private:
	void dial();
	void finish(const char *reason, std::string detail = "");
	void redirect(std::string_view location);

	Connection &new_connection(Connection::Handler &dialer) override;
	void on_connected(const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;
	void on_open() override {} // the dialer handles it
	void on_body(std::string_view piece) override;
	void on_end() override;
	void on_closed(const char *reason, std::string detail) override
	{
		finish(reason, std::move(detail));
	}

	Transport &transport_;
	const Config &config_;
	Handler &handler_;
	HttpRequest request_; // `url` is that of the current hop
	Clock::Time started_{};
	std::chrono::microseconds took_{0};
	std::unique_ptr<HttpExchange> exchange_;
	std::optional<Dialer> dialer_; // exists while connecting
	std::optional<Inflater> inflater_;
	HttpAnswer answer_;
	bool over_ = false;
	bool told_ = false; // the handler was called
	const char *reason_ = nullptr;
	std::string detail_;
};

} // namespace net
