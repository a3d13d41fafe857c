#include "net/job/post_job.h"

namespace net {

constexpr std::chrono::seconds kPostTimeout{15}; // until the head of the answer arrives

PostJob::PostJob(ClientHost &host, const wire::Post &task)
	: attempt_(task.attempt), request_{.url = nostr::parse_web_url(task.url),
									   .accept = "*/*",
									   .headers = "webhook-id: " + std::string(task.id) +
												  "\r\nwebhook-timestamp: " +
												  std::to_string(task.sent_at) +
												  "\r\nwebhook-signature: " +
												  std::string(task.signature) + "\r\n",
									   .content = std::string(task.document),
									   .timeout = kPostTimeout},
	  fetch_(host.transport, host.config, *this)
{
}

void
PostJob::start()
{
	if (!request_.url.ok())
		return fail(request_.url.reason, "the URL is not one of http or https");
	fetch_.start(std::move(request_));
}

void
PostJob::tick()
{
	if (!over_)
		fetch_.tick();
}

void
PostJob::fail(const char *reason, std::string detail)
{
	over_ = true;
	reason_ = reason;
	detail_ = std::move(detail);
}

void
PostJob::on_fetched(const char *reason, std::string detail, HttpAnswer &answer)
{
	over_ = true;
	if (reason)
		return fail(reason, std::move(detail));
	if (answer.status / 100 == 2)
		return;
	fail("http_error", "HTTP status " + std::to_string(answer.status) +
						   (answer.status / 100 == 3 ? "; redirects are not followed" : ""));
}

} // namespace net
