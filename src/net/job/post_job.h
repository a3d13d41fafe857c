/* Sends one document by HTTP. A redirect counts as a failure, so that the document goes only to the
 * place that the administrator named. */
#pragma once

#include <string>

#include "net/relay/relay_client.h"
#include "net/transport/http_fetch.h"
#include "wire/publish.h"

namespace net {

class PostJob final : public HttpFetch::Handler
{
  public:
	PostJob(ClientHost &host, const wire::Post &task);

	/* May be called once. */
	void start();
	/* Must be called every 100 ms. */
	void tick();
	bool over() const { return over_; }
	/* The result, valid when the job is over; the message points into the job. */
	wire::Posted message() const
	{
		return {.attempt = attempt_, .reason = reason_, .detail = detail_};
	}

  private:
	void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) override;
	void fail(const char *reason, std::string detail);

	const uint32_t attempt_;
	HttpRequest request_;
	HttpFetch fetch_;
	bool over_ = false;
	const char *reason_ = "";
	std::string detail_;
};

} // namespace net
