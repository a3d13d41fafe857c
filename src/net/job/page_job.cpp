#include "net/job/page_job.h"

#include <algorithm>

namespace net {

using std::chrono::seconds;

/* How long a page may take, in response time-outs, if it comes drop by drop. */
constexpr int kPageTimeouts = 60;
/* A page that comes late finds room or not: relays that do not answer must not hold it for others.
 */
constexpr seconds kPromiseKept{2};
/* How often a relay may say in a row that it is asked too fast. */
constexpr int kMaxComplaints = 5;
/* A relay that complained by a notice may answer all the same; after this time it will not. */
constexpr seconds kAfterNotice{2};

PageJob::PageJob(JobContext &context, nostr::TimeRange range, uint32_t max_pages)
	: context_(context), pager_(range, limit()), pages_left_(max_pages)
{
	if (pager_.done())
		end("", "");
}

/* As many events as the setting says, as the relay can bear, and as there may be memory for. */
int
PageJob::limit() const
{
	const Learned &learned = context_.learned;
	int limit = context_.client.host().config.page_limit;
	if (learned.page_limit > 0)
		limit = std::min(limit, learned.page_limit);
	size_t fitting = context_.intake.budget().largest_page() / learned.event_bytes;
	return int(std::clamp(fitting, size_t(1), size_t(std::max(limit, 1))));
}

bool
PageJob::ask()
{
	RelayClient &client = context_.client;
	if (client.blocked()) {
		end("stalled", "does not read");
		return true;
	}
	pager_.set_limit(limit());
	Budget &budget = context_.intake.budget();
	size_t worst = std::min(size_t(limit()) * context_.learned.event_bytes, budget.largest_page());
	if (!budget.reserve(worst))
		return false;
	promised_ = worst;
	events_ = bytes_ = 0;
	slowed_ = false;
	id_ = client.new_id('p');
	asked_at_ = client.host().transport.clock.unix_seconds();
	since_ = progress_ = client.now();
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
	auto limit = context_.client.host().config.response_timeout;
	if (now - since_ > kPromiseKept)
		give_back(SIZE_MAX);
	if (slowed_ && now - progress_ > kAfterNotice && complaints_ <= kMaxComplaints)
		drop_page();
	else if (now - progress_ > limit)
		stalled(notice_);
	else if (now - since_ > limit * kPageTimeouts)
		stalled("a page drop by drop");
}

/* The next connection asks for less. */
void
PageJob::stalled(std::string_view detail)
{
	if (complaints_ > 0)
		return end("rate_limited", detail);
	int &learned = context_.learned.page_limit;
	learned = std::max(limit() / 2, std::min(limit(), Learned::kLeastLimit));
	end("stalled", detail);
}

void
PageJob::on_event(nostr::Event &event, std::string_view text)
{
	progress_ = context_.client.now();
	/* It sends more than it was asked for. If that comes in order, it is cut here. */
	if (pager_.page_events() >= 2 * *pager_.window().limit)
		return pager_.in_order() ? prove(pager_.on_cut()) : end("flood", "a page without end");
	if (!pager_.on_event(event.id, event.created_at)) {
		/* Above the window: the relay does not do what it was asked, so an otherwise empty
		 * page of it proves nothing. Below: it has gone past the end of the range. */
		if (event.created_at > pager_.window().until.value_or(INT64_MAX))
			pager_.on_refused(std::nullopt);
		return context_.client.refuse("outside_window", text);
	}
	/* The page is larger than what was promised to it, and there is no room left: it is dropped,
	 * proves nothing, and is asked again. What it brought so far counts as known then. */
	if (promised_ == 0 && context_.intake.budget().full()) {
		learn();
		return drop_page();
	}
	pass_on(event);
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
	prove(pager_.on_end_of_page(finish));
}

void
PageJob::prove(std::vector<nostr::Claim> claims)
{
	std::vector<wire::Claim> proven;
	for (nostr::Claim &claim : claims) {
		/* Nobody knows yet what the seconds to come will hold. */
		claim.range.upper = std::min(claim.range.upper, asked_at_);
		if (claim.range.lower <= claim.range.upper)
			proven.push_back({.relay_id = context_.ledger->relay_id, .claim = claim});
	}
	context_.ledger->end_step(std::move(proven));
	Learned &learned = context_.learned;
	learned.pacer.answered();
	/* A limit that a stall has halved grows back while pages are answered. */
	if (learned.page_limit > 0)
		learned.page_limit = std::min(learned.page_limit + learned.page_limit / 64 + 1,
									  context_.client.host().config.page_limit);
	context_.pages++;
	complaints_ = 0;
	notice_.clear();
	learn();
	context_.client.close(id_);
	forget_page();
	if (pager_.done() || (pages_left_ > 0 && --pages_left_ == 0))
		end("", "");
}

/* The same page is to be asked again. */
void
PageJob::drop_page()
{
	pager_.drop_page();
	context_.client.close(id_);
	forget_page();
}

void
PageJob::forget_page()
{
	give_back(SIZE_MAX);
	id_.clear();
}

void
PageJob::on_closed(std::string_view text)
{
	std::string_view prefix = nostr::reason_prefix(text);
	if (prefix == "rate-limited") {
		notice_ = text;
		complain();
		if (complaints_ > kMaxComplaints)
			return end("rate_limited", text);
		pager_.drop_page();
		return forget_page();
	}
	end(prefix == "auth-required" ? "auth_required" : "closed_by_relay", text);
}

/* Does a notice say that the relay is asked too fast? No text is agreed on. */
static bool
is_complaint(std::string_view text)
{
	std::string lower(text);
	std::transform(lower.begin(), lower.end(), lower.begin(),
				   [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
	for (const char *words : {"rate-limit", "rate limit", "ratelimit", "too many", "slow down"})
		if (lower.find(words) != lower.npos)
			return true;
	return false;
}

void
PageJob::on_notice(std::string_view text)
{
	if (id_.empty())
		return;
	notice_ = text;
	if (!slowed_ && is_complaint(text)) {
		slowed_ = true;
		complain();
	}
}

void
PageJob::complain()
{
	complaints_++;
	context_.learned.pacer.slower(context_.client.now());
}

void
PageJob::end(const char *reason, std::string_view detail)
{
	result_ = Result{reason, std::string(detail)};
}

} // namespace net
