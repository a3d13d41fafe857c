#include "net/desk/publish_desk.h"

namespace net {

/* Bytes of one message of a relay: answers are short. */
constexpr size_t kMaxMessage = 256 << 10;

void
PublishDesk::handle(const wire::Frame &frame)
{
	std::visit([this](const auto &message) { take(message); },
			   desk_message<wire::PublishToNet, wire::PublishSettings>(frame, has_settings_));
}

void
PublishDesk::take(const wire::PublishSettings &settings)
{
	has_settings_ = true;
	Config &config = host_.config;
	set_dialling(config, settings.dial);
	config.response_timeout = std::chrono::milliseconds(settings.response_timeout_ms);
	config.max_message_bytes = kMaxMessage;
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
