#include "net/desk/publish_desk.h"

#include <iterator>
#include <utility>

namespace net {

/* Limit of one message of a relay in bytes. Answers to events and events of the wanted kinds are
 * short. */
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

/* Creates the job of a relay, unless a job with that relay_id is running. */
template <class Job, class... Arguments>
static void
begin(std::map<int32_t, Job> &jobs, int32_t relay_id, Arguments &&...arguments)
{
	if (auto earlier = jobs.find(relay_id); earlier != jobs.end() && earlier->second.over())
		jobs.erase(earlier);
	if (!jobs.try_emplace(relay_id, std::forward<Arguments>(arguments)...).second)
		throw LinkError("the relay is connected to already");
}

template <class Job>
static void
sign_in(std::map<int32_t, Job> &jobs, const wire::SignedIn &answer)
{
	auto found = jobs.find(answer.relay_id);
	if (found != jobs.end() && found->second.attempt() == answer.attempt)
		found->second.sign_in(answer);
}

template <class Job>
static void
tick_all(std::map<int32_t, Job> &jobs)
{
	for (auto job = jobs.begin(); job != jobs.end();) {
		job->second.tick();
		job = job->second.over() ? jobs.erase(job) : std::next(job);
	}
}

void
PublishDesk::take(const wire::Publish &task)
{
	begin(jobs_, task.relay_id, host_, link_, task);
}

void
PublishDesk::take(const wire::Listen &task)
{
	begin(listeners_, task.relay_id, host_, link_, verifier_, task);
}

void
PublishDesk::take(const wire::StopListening &message)
{
	if (auto found = listeners_.find(message.relay_id); found != listeners_.end())
		found->second.stop();
}

void
PublishDesk::take(const wire::SignedIn &answer)
{
	sign_in(jobs_, answer);
	sign_in(listeners_, answer);
}

void
PublishDesk::take(const wire::Post &task)
{
	if (posts_.size() >= wire::kMaxPosts)
		throw LinkError("too many documents at a time");
	posts_.push_back(std::make_unique<PostJob>(host_, task));
	posts_.back()->start();
}

void
PublishDesk::tick()
{
	tick_all(jobs_);
	tick_all(listeners_);
	for (auto &post : posts_) {
		post->tick();
		if (post->over())
			link_.send(post->message());
	}
	std::erase_if(posts_, [](const auto &post) { return post->over(); });
}

std::vector<wire::Gauge>
PublishDesk::gauges() const
{
	return {{"connections", int64_t(jobs_.size() + listeners_.size() + posts_.size())},
			{"messages", int64_t(host_.messages)}};
}

} // namespace net
