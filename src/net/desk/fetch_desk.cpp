#include "net/desk/fetch_desk.h"

namespace net {

void
FetchDesk::handle(const wire::Frame &frame)
{
	std::string fault;
	auto message = wire::decode<wire::FetchToNet>(frame, fault);
	if (!message)
		throw LinkError(fault);
	if (!settled_ && !std::holds_alternative<wire::FetchSettings>(*message))
		throw LinkError("no settings yet");
	std::visit([this](const auto &one) { take(one); }, *message);
}

void
FetchDesk::take(const wire::FetchSettings &settings)
{
	config_ = {};
	config_.allow_local = settings.allow_local_relays;
	config_.connect_timeout = std::chrono::milliseconds(settings.connect_timeout_ms);
	config_.proxies[size_t(nostr::Network::Tor)] = settings.tor_proxy;
	config_.proxies[size_t(nostr::Network::I2p)] = settings.i2p_proxy;
	config_.proxies[size_t(nostr::Network::Loki)] = settings.loki_proxy;
	config_.tls_ca_file = settings.tls_ca_file;
	config_.user_agent = settings.user_agent;
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
