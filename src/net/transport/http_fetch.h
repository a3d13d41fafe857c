/*
 * Fetches one document: GET, at most three redirects, gzip. Each hop is judged and screened as a
 * relay is, so that no redirect leads to where a relay must not be. Time and size are bounded.
 * Or sends one: POST, of whose answer the head alone is read, also if that is a redirect.
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
	std::string etag, modified_since; // of the copy that is there; empty: none
	std::string headers;              // more of them, each with its end of line
	std::string content;              // JSON that is sent by POST; empty: it is a GET
	size_t max_body = 64 << 10;       // bytes, inflated
	int max_redirects = kMaxRedirects;
	std::chrono::milliseconds timeout{0}; // of all hops together
};

struct HttpAnswer
{
	int status = 0; // of the last hop; 0: there was no answer
	std::string final_url;
	int redirects = 0;
	HttpExchange::Headers headers; // of the last hop
	std::string body;              // inflated; what came of it, if the fetch failed
};

class HttpFetch final : public Dialer::Handler, public HttpExchange::Handler
{
  public:
	class Handler
	{
	  public:
		virtual ~Handler() = default;
		/* May one more connection go to this place (ConnectFacts)? */
		virtual bool may_fetch_from(const std::string &) { return true; }
		/* The last call, from tick(); the fetch may be destroyed. `reason` is null if the answer is
		 * whole, whatever its status; else a reason code: those of the dialer,
		 * "connection_lost", "too_large", "bad_encoding", "too_many_redirects", "bad_redirect",
		 * "document_timeout". */
		virtual void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) = 0;
	};

	HttpFetch(Transport &transport, const Config &config, Handler &handler)
		: transport_(transport), config_(config), handler_(handler)
	{
	}

	/* Once; the URL must be accepted. */
	void start(HttpRequest request);
	/* Time-outs, and the call of the handler: to be called every 100 ms or so. */
	void tick();
	/* How long it took until the answer was whole or the fetch failed. */
	std::chrono::microseconds took() const { return took_; }

  private:
	void dial();
	void finish(const char *reason, std::string detail = "");
	void redirect(std::string_view location);

	bool may_connect(const std::string &place) override { return handler_.may_fetch_from(place); }
	Connection &new_connection(Connection::Handler &dialer) override;
	void on_connected(const ConnectFacts &facts) override;
	void on_failed(const char *reason, std::string detail, const ConnectFacts &facts) override;
	void on_open() override {} // the dialer's
	void on_body(std::string_view piece) override;
	void on_end() override;
	void on_closed(const char *reason, std::string detail) override
	{
		finish(reason, std::move(detail));
	}

	Transport &transport_;
	const Config &config_;
	Handler &handler_;
	HttpRequest request_; // its URL: of the current hop
	Clock::Time started_{};
	std::chrono::microseconds took_{0};
	std::unique_ptr<HttpExchange> exchange_;
	std::optional<Dialer> dialer_; // while it connects
	std::optional<Inflater> inflater_;
	HttpAnswer answer_;
	bool over_ = false;
	bool told_ = false; // the handler
	const char *reason_ = nullptr;
	std::string detail_;
};

} // namespace net
