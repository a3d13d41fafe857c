#include "net/desk/fetch_desk.h"

namespace net {

void
FetchDesk::handle(const wire::Frame &frame)
{
	std::visit([this](const auto &message) { take(message); },
			   desk_message<wire::FetchToNet, wire::FetchSettings>(frame, settled_));
}

void
FetchDesk::take(const wire::FetchSettings &settings)
{
	config_ = {};
	set_dialling(config_, settings.dial);
	settled_ = true;
}

void
FetchDesk::take(const wire::Fetch &fetch)
{
	if (jobs_.size() >= wire::kMaxFetches)
		throw LinkError("too many lists at a time");
	jobs_.push_back(
		std::make_unique<ListJob>(transport_, config_,
								  ListTask{.attempt = fetch.attempt,
										   .url = std::string(fetch.url),
										   .path = std::string(fetch.path),
										   .etag = std::string(fetch.etag),
										   .modified_since = std::string(fetch.modified_since),
										   .max_bytes = size_t(fetch.max_bytes),
										   .max_names = size_t(fetch.max_names)}));
	jobs_.back()->start();
}

void
FetchDesk::tick()
{
	for (auto &job : jobs_) {
		job->tick();
		if (!job->over())
			continue;
		fetches_++;
		link_.send(job->message());
	}
	std::erase_if(jobs_, [](const auto &job) { return job->over(); });
}

std::vector<wire::Gauge>
FetchDesk::gauges() const
{
	return {{"fetches_under_way", int64_t(jobs_.size())}, {"fetches", fetches_}};
}

} // namespace net
