#include "net/transport/http_fetch.h"

#include "nostr/ascii.h"

namespace net {

constexpr int kMovedPermanently = 301, kFound = 302, kSeeOther = 303, kTemporaryRedirect = 307,
			  kPermanentRedirect = 308;

void
HttpFetch::start(HttpRequest request)
{
	request_ = std::move(request);
	started_ = transport_.clock.now();
	dial();
}

void
HttpFetch::dial()
{
	answer_.final_url = request_.url.url;
	dialer_.emplace(transport_, config_, *this);
	dialer_->start(request_.url.endpoint, request_.url.network);
}

Connection &
HttpFetch::new_connection(Connection::Handler &dialer)
{
	std::string headers = "Accept: " + request_.accept + "\r\nAccept-Encoding: gzip\r\n";
	if (!request_.etag.empty())
		headers += "If-None-Match: " + request_.etag + "\r\n";
	if (!request_.modified_since.empty())
		headers += "If-Modified-Since: " + request_.modified_since + "\r\n";
	headers += request_.headers;
	if (!request_.content.empty())
		headers += "Content-Type: application/json\r\nContent-Length: " +
				   std::to_string(request_.content.size()) + "\r\n";
	exchange_ =
		std::make_unique<HttpExchange>(transport_, dialer, std::move(headers), request_.content);
	return *exchange_;
}

void
HttpFetch::on_connected(const ConnectFacts &)
{
	answer_.status = exchange_->head().status;
	answer_.headers = exchange_->headers();
	if (!request_.content.empty())
		return finish(nullptr);
	switch (answer_.status) {
	case kMovedPermanently:
	case kFound:
	case kSeeOther:
	case kTemporaryRedirect:
	case kPermanentRedirect:
		return redirect(answer_.headers.location);
	default:
		break;
	}
	std::string encoding = answer_.headers.content_encoding;
	nostr::ascii_lower(encoding);
	if (encoding == "gzip" || encoding == "x-gzip")
		inflater_.emplace();
	else if (!encoding.empty() && encoding != "identity")
		return finish("bad_encoding", "an encoding that was not asked for: " + encoding);
	exchange_->handle_by(*this);
}

void
HttpFetch::redirect(std::string_view location)
{
	nostr::WebUrl next = nostr::resolve_web_url(request_.url, location);
	if (location.empty() || !next.ok())
		return finish("bad_redirect", std::string(location));
	if (++answer_.redirects > request_.max_redirects)
		return finish("too_many_redirects", "to " + next.url);
	exchange_->close();
	request_.url = std::move(next);
	/* The validators belong to the copy from the first URL only. */
	request_.etag.clear();
	request_.modified_since.clear();
	dial();
}

void
HttpFetch::on_failed(const char *reason, std::string detail, const ConnectFacts &)
{
	finish(reason, std::move(detail));
}

void
HttpFetch::on_body(std::string_view piece)
{
	using Result = Inflater::Result;
	Result result = Result::Good;
	if (inflater_)
		result = inflater_->inflate(piece, answer_.body, request_.max_body);
	else if (answer_.body.size() + piece.size() > request_.max_body)
		result = Result::TooLarge;
	else
		answer_.body += piece;
	if (result == Result::TooLarge)
		finish("too_large", "more than " + std::to_string(request_.max_body) + " bytes");
	else if (result == Result::Malformed)
		finish("bad_encoding", "malformed gzip data");
}

void
HttpFetch::on_end()
{
	if (inflater_ && inflater_->unfinished())
		return finish("bad_encoding", "gzip data without end");
	finish(nullptr);
}

void
HttpFetch::finish(const char *reason, std::string detail)
{
	if (over_)
		return;
	over_ = true;
	took_ =
		std::chrono::duration_cast<std::chrono::microseconds>(transport_.clock.now() - started_);
	reason_ = reason;
	detail_ = std::move(detail);
	if (exchange_)
		exchange_->close();
}

void
HttpFetch::tick()
{
	if (dialer_ && !over_)
		dialer_->tick();
	if (!over_ && transport_.clock.now() - started_ > request_.timeout)
		finish("document_timeout", exchange_ && answer_.status > 0
									   ? "the answer did not end in time"
									   : "no answer in time");
	if (!over_ || told_)
		return;
	told_ = true;
	dialer_.reset();
	handler_.on_fetched(reason_, std::move(detail_), answer_);
}

} // namespace net
