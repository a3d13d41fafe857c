#include "net/job/page_job.h"

namespace net {

/* Events of one page. */
constexpr int kMaxPageEvents = 50000;
/* How long a page may take, in response time-outs, if it comes drop by drop. */
constexpr int kPageTimeouts = 60;
/* A page that comes late finds room or not: relays that do not answer must not hold it for others.
 */
constexpr std::chrono::seconds kPromiseKept{2};

PageJob::PageJob(JobContext &context, nostr::TimeRange range)
	: context_(context), pager_(range, context.client.host().config.page_limit)
{
	if (pager_.done())
		end("", "");
}

bool
PageJob::ask()
{
	RelayClient &client = context_.client;
	if (client.blocked()) {
		end("stalled", "does not read");
		return true;
	}
	Budget &budget = context_.intake.budget();
	size_t worst = std::min(size_t(*pager_.window().limit) * context_.learned.event_bytes,
							budget.largest_page());
	if (!budget.reserve(worst))
		return false;
	promised_ = worst;
	events_ = bytes_ = 0;
	id_ = client.new_id('p');
	asked_at_ = client.host().transport.clock.unix_seconds();
	since_ = progress_ = client.now();
	notice_.clear();
	context_.learned.pacer.asked(since_);
	client.ask(id_, pager_.window(), *this);
	return true;
}

void
PageJob::tick()
{
	if (result_ || id_.empty())
		return;
	Clock::Time now = context_.client.now();
	if (now - since_ > kPromiseKept)
		give_back(SIZE_MAX);
	auto limit = context_.client.host().config.response_timeout;
	if (now - progress_ > limit)
		end("stalled", notice_);
	else if (now - since_ > limit * kPageTimeouts)
		end("stalled", "a page drop by drop");
}

void
PageJob::on_event(nostr::Event &event, std::string_view text)
{
	progress_ = context_.client.now();
	if (pager_.page_events() >= kMaxPageEvents)
		return end("flood", "a page without end");
	if (!pager_.on_event(event.id, event.created_at)) {
		/* Above the window: the relay does not do what it was asked, so an otherwise empty
		 * page of it proves nothing. Below: it has gone past the end of the range. */
		if (event.created_at > pager_.window().until.value_or(INT64_MAX))
			pager_.on_refused(std::nullopt);
		return context_.client.refuse("outside_window", text);
	}
	if (promised_ == 0 && context_.intake.budget().full())
		return overrun();
	pass_on(event);
}

/* The page is larger than what was promised to it, and there is no room left: it is dropped, proves
 * nothing, and is asked again when there is room. What it brought so far counts as known then. */
void
PageJob::overrun()
{
	learn();
	pager_.drop_page();
	close_page();
}

/* What the event takes of the budget comes out of what was promised to the page. */
void
PageJob::pass_on(nostr::Event &event)
{
	events_++;
	bytes_ += event.tags.size() + event.content.size() + Pending::kOverhead;
	Budget &budget = context_.intake.budget();
	uint64_t before = budget.in_flight();
	context_.pass_on(event);
	give_back(budget.in_flight() - std::min(before, budget.in_flight()));
}

void
PageJob::give_back(size_t bytes)
{
	bytes = std::min(bytes, promised_);
	promised_ -= bytes;
	context_.intake.budget().release(bytes);
}

/* Sizes that grow are believed at once, sizes that shrink in time. */
void
PageJob::learn()
{
	if (events_ == 0)
		return;
	size_t mean = bytes_ / events_ + 1, &learned = context_.learned.event_bytes;
	learned = std::max(mean, (learned * 3 + mean) / 4);
}

void
PageJob::on_refused_event(std::string_view text)
{
	progress_ = context_.client.now();
	pager_.on_refused(nostr::peek_created_at(text));
}

void
PageJob::on_end_of_stored(bool finish)
{
	std::vector<nostr::Claim> proven;
	for (nostr::Claim &claim : pager_.on_end_of_page(finish)) {
		/* Nobody knows yet what the seconds to come will hold. */
		claim.range.upper = std::min(claim.range.upper, asked_at_);
		if (claim.range.lower <= claim.range.upper)
			proven.push_back(claim);
	}
	context_.ledger->end_step(std::move(proven));
	context_.learned.pacer.answered();
	context_.pages++;
	learn();
	close_page();
	if (pager_.done())
		end("", "");
}

void
PageJob::close_page()
{
	give_back(SIZE_MAX);
	context_.client.close(id_);
	id_.clear();
}

void
PageJob::on_closed(std::string_view text)
{
	std::string_view prefix = nostr::reason_prefix(text);
	const char *reason = prefix == "auth-required"  ? "auth_required"
						 : prefix == "rate-limited" ? "rate_limited"
													: "closed_by_relay";
	end(reason, text);
}

void
PageJob::on_notice(std::string_view text)
{
	notice_ = text;
}

void
PageJob::end(const char *reason, std::string_view detail)
{
	result_ = Result{reason, std::string(detail)};
}

} // namespace net
