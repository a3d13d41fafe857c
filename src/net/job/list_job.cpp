#include "net/job/list_job.h"

#include <algorithm>

#include "nostr/ascii.h"

namespace net {

constexpr std::chrono::seconds kListTimeout{60}; // for all redirects and the whole answer
/* NIP-05: "The endpoint MUST NOT return any HTTP redirects", and fetchers must ignore redirects. */
constexpr std::string_view kNip05Path = "/.well-known/nostr.json";

ListJob::ListJob(Transport &transport, const Config &config, ListTask task)
	: task_(std::move(task)), fetch_(transport, config, *this)
{
}

void
ListJob::start()
{
	nostr::WebUrl url = nostr::parse_web_url(task_.url);
	if (!url.ok())
		return fail(url.reason, "the URL is not one of http or https");
	const std::string_view path = url.endpoint.path;
	const bool nip05 = path.substr(0, path.find('?')) == kNip05Path;
	fetch_.start({.url = std::move(url),
				  .accept = task_.path.empty() ? "text/plain" : "application/json",
				  .etag = task_.etag,
				  .modified_since = task_.modified_since,
				  .max_body = task_.max_bytes,
				  .max_redirects = nip05 ? 0 : kMaxRedirects,
				  .timeout = kListTimeout});
}

void
ListJob::tick()
{
	if (!over_)
		fetch_.tick();
}

void
ListJob::fail(const char *reason, std::string detail)
{
	over_ = true;
	list_ = {};
	list_.reason = reason;
	list_.detail = std::move(detail);
}

void
ListJob::on_fetched(const char *reason, std::string detail, HttpAnswer &answer)
{
	constexpr int kOk = 200, kNotModified = 304;
	over_ = true;
	status_ = answer.status;
	if (reason)
		return fail(reason, std::move(detail));
	const bool conditional = !task_.etag.empty() || !task_.modified_since.empty();
	/* The server would not recognise a header that was cut or altered. */
	auto fitting = [](const std::string &header) {
		return header.size() <= wire::kMaxDetail && std::ranges::all_of(header, nostr::is_printable)
				   ? header
				   : std::string();
	};
	if (status_ == kNotModified && conditional) {
		outcome_ = wire::FetchOutcome::Unchanged;
		return;
	}
	if (status_ != kOk)
		return fail("http_error", "HTTP status " + std::to_string(status_));
	list_ = read_relay_list(answer.body, task_.path, task_.max_names);
	if (list_.reason)
		return fail(list_.reason, std::move(list_.detail));
	outcome_ = wire::FetchOutcome::Read;
	etag_ = fitting(answer.headers.etag);
	modified_at_ = fitting(answer.headers.last_modified);
}

wire::Fetched
ListJob::message() const
{
	wire::Fetched message{.attempt = task_.attempt,
						  .outcome = outcome_,
						  .http_status = status_,
						  .reason = list_.reason ? list_.reason : "",
						  .detail = list_.detail,
						  .etag = etag_,
						  .modified_at = modified_at_,
						  .other_values = list_.other_values,
						  .cut = list_.cut};
	for (const std::string &name : list_.names)
		message.names.push_back({name});
	return message;
}

} // namespace net
