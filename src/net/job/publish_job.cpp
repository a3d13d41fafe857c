#include "net/job/publish_job.h"

#include <utility>

#include "nostr/message.h"

namespace net {

/* Pause between two events, so that relays with a rate limit accept all of them. */
constexpr std::chrono::milliseconds kPause{100};
constexpr int kMaxChallenges = 3;
constexpr int kMaxIgnored = 1000;

PublishJob::PublishJob(ClientHost &host, Link &link, const wire::Publish &task)
	: link_(link), relay_id_(task.relay_id), attempt_(task.attempt), client_(host, *this)
{
	for (const wire::OutgoingEvent &one : task.events)
		pending_.push_back({.id = *one.id, .event = std::string(one.event)});
	client_.start(task.url);
}

void
PublishJob::send_next()
{
	if (pending_.empty()) {
		client_.end(true);
		link_.send(wire::ConnectionEnded{.relay_id = relay_id_, .attempt = attempt_});
		return;
	}
	sent_ = true;
	refusal_.clear();
	asked_ = client_.now();
	client_.publish(pending_.front().event);
}

void
PublishJob::answered(bool accepted, std::string_view text)
{
	link_.send(wire::Answered{.relay_id = relay_id_,
							  .attempt = attempt_,
							  .id = &pending_.front().id,
							  .accepted = accepted,
							  .text = text});
	pending_.pop_front();
	sent_ = false;
	refusal_.clear();
	next_ = client_.now() + kPause;
}

void
PublishJob::on_ok(const nostr::Id &id, bool accepted, std::string_view text)
{
	if (!sent_ || pending_.front().id != id)
		return on_ignored();
	/* The challenge may come before or after this refusal. */
	if (!accepted && nostr::reason_prefix(text) == "auth-required" &&
		!std::exchange(pending_.front().refused_once, true)) {
		if (authenticated_)
			return send_next();
		refusal_ = text;
		return;
	}
	answered(accepted, text);
	if (!accepted && nostr::reason_prefix(text) == "rate-limited")
		cut("rate_limited", text);
}

void
PublishJob::on_auth(std::string_view challenge)
{
	if (challenge.size() > nostr::kMaxChallenge || challenges_ == kMaxChallenges)
		return;
	challenges_++;
	link_.send(wire::SignIn{.relay_id = relay_id_, .attempt = attempt_, .challenge = challenge});
}

void
PublishJob::sign_in(const wire::SignedIn &answer)
{
	if (client_.state() == RelayClient::State::Open)
		client_.authenticate(*answer.id, answer.event);
}

void
PublishJob::on_authenticated(bool accepted, std::string_view text)
{
	authenticated_ |= accepted;
	if (refusal_.empty())
		return;
	if (accepted)
		send_next();
	else
		answered(false, text);
}

void
PublishJob::on_ignored()
{
	if (++ignored_ > kMaxIgnored)
		cut("flood", "messages that were not asked for");
}

void
PublishJob::tick()
{
	client_.tick();
	if (client_.state() != RelayClient::State::Open)
		return;
	const Clock::Time now = client_.now();
	if (!sent_ && now >= next_)
		send_next();
	else if (sent_ && now - asked_ > client_.host().config.response_timeout) {
		if (refusal_.empty())
			cut("stalled", "no answer to EVENT");
		else
			answered(false, std::string(refusal_));
	}
}

void
PublishJob::on_ended(const char *reason, std::string_view detail)
{
	link_.send(wire::ConnectionEnded{
		.relay_id = relay_id_, .attempt = attempt_, .reason = reason, .detail = detail});
}

void
PublishJob::cut(const char *reason, std::string_view detail)
{
	if (over())
		return;
	client_.end(false);
	on_ended(reason, detail);
}

} // namespace net
