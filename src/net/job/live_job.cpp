#include "net/job/live_job.h"

namespace net {

LiveJob::LiveJob(JobContext &context) : context_(context)
{
	context_.client.ask("live", {.since = {}, .until = {}, .limit = 1}, *this);
}

void
LiveJob::on_event(nostr::Event &event, std::string_view)
{
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
	context_.client.ignore();
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
