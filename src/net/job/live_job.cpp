#include "net/job/live_job.h"

namespace net {

constexpr const char *kSubscription = "live";

LiveJob::LiveJob(JobContext &context, const RelayReading &reading)
	: context_(context), reading_(reading), asked_at_(context.client.now())
{
	context_.client.ask(kSubscription, reading_.live_windows(), *this);
}

void
LiveJob::on_event(nostr::Event &event, std::string_view text)
{
	answered_ = context_.events = true;
	if (!reading_.wants(event))
		return context_.client.refuse("outside_filter", text);
	if (!context_.pass_on_unasked(event))
		context_.client.ignore();
}

void
LiveJob::on_refused_event(std::string_view)
{
}

void
LiveJob::on_end_of_stored(bool)
{
	if (answered_)
		context_.client.ignore();
	answered_ = context_.eose = true;
	context_.learned.without_eose = 0;
}

void
LiveJob::tick()
{
	RelayClient &client = context_.client;
	if (answered_ || result_ || client.now() - asked_at_ <= client.host().config.response_timeout)
		return;
	client.close(kSubscription);
	result_ = Result{"", "no answer"};
}

void
LiveJob::on_closed(std::string_view reason)
{
	result_ = Result{"", std::string(reason)};
}

void
LiveJob::on_notice(std::string_view)
{
}

} // namespace net
