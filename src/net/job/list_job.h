/* Fetches and reads one list of relays. */
#pragma once

#include <string>

#include "net/job/relay_list.h"
#include "net/transport/http_fetch.h"
#include "wire/fetch.h"

namespace net {

/* A copy of wire::Fetch. */
struct ListTask
{
	uint32_t attempt = 0;
	std::string url, path, etag, modified_since;
	size_t max_bytes = 0, max_names = 0;
};

class ListJob final : public HttpFetch::Handler
{
  public:
	ListJob(Transport &transport, const Config &config, ListTask task);

	/* May be called once. */
	void start();
	/* Must be called every 100 ms. */
	void tick();
	bool over() const { return over_; }
	/* The result, valid when the job is over; the message points into the job. */
	wire::Fetched message() const;

  private:
	void on_fetched(const char *reason, std::string detail, HttpAnswer &answer) override;
	void fail(const char *reason, std::string detail);

	const ListTask task_;
	HttpFetch fetch_;
	bool over_ = false;
	wire::FetchOutcome outcome_ = wire::FetchOutcome::Failed;
	int status_ = 0;
	std::string etag_, modified_at_;
	RelayList list_; // `list_.reason` also holds the reason of a failed fetch
};

} // namespace net
