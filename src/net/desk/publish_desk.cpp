#include "net/desk/publish_desk.h"

namespace net {

/* Bytes of one message of a relay: answers are short. */
constexpr size_t kMaxMessage = 256 << 10;

void
PublishDesk::handle(const wire::Frame &frame)
{
	std::string fault;
	auto message = wire::decode<wire::PublishToNet>(frame, fault);
	if (!message)
		throw LinkError(fault);
	if (!has_settings_ && !std::holds_alternative<wire::PublishSettings>(*message))
		throw LinkError("no settings yet");
	std::visit([this](const auto &one) { take(one); }, *message);
}

void
PublishDesk::take(const wire::PublishSettings &settings)
{
	has_settings_ = true;
	Config &config = host_.config;
	config.allow_local = settings.allow_local_relays;
	config.connect_timeout = std::chrono::milliseconds(settings.connect_timeout_ms);
	config.response_timeout = std::chrono::milliseconds(settings.response_timeout_ms);
	config.max_message_bytes = kMaxMessage;
	config.proxies[size_t(nostr::Network::Tor)] = settings.tor_proxy;
	config.proxies[size_t(nostr::Network::I2p)] = settings.i2p_proxy;
	config.proxies[size_t(nostr::Network::Loki)] = settings.loki_proxy;
	config.tls_ca_file = settings.tls_ca_file;
	config.user_agent = settings.user_agent;
}

void
PublishDesk::take(const wire::Publish &task)
{
	if (auto earlier = jobs_.find(task.relay_id); earlier != jobs_.end() && earlier->second.over())
		jobs_.erase(earlier);
	if (!jobs_.try_emplace(task.relay_id, host_, link_, task).second)
		throw LinkError("the relay is written to already");
}

void
PublishDesk::take(const wire::SignedIn &answer)
{
	auto found = jobs_.find(answer.relay_id);
	if (found != jobs_.end() && found->second.attempt() == answer.attempt)
		found->second.sign_in(answer);
}

void
PublishDesk::tick()
{
	for (auto job = jobs_.begin(); job != jobs_.end();) {
		job->second.tick();
		job = job->second.over() ? jobs_.erase(job) : std::next(job);
	}
}

std::vector<wire::Gauge>
PublishDesk::gauges() const
{
	return {{"connections", int64_t(jobs_.size())}, {"messages", int64_t(host_.messages)}};
}

} // namespace net
