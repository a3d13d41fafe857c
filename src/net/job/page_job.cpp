#include "net/job/page_job.h"

#include <algorithm>
#include <utility>

namespace net {

using std::chrono::seconds;

/* How often a relay may say in a row that it is asked too fast. */
constexpr int kMaxComplaints = 5;
/* A relay that answers a control question with nothing may be asked too fast, or may have another
 * reason. So the pause does not grow beyond this one. */
constexpr seconds kSilentPause{1};
/* If no tick came for this time, the process had been stopped, and relays may have dropped data
 * that the process did not read. */
constexpr seconds kStopped{5};

/* A second reading of a range uses another way than the first reading. */
nostr::Pager::Way
PageJob::way_of(const wire::Range &range)
{
	return is_second(range) ? nostr::Pager::Way::Windows : nostr::Pager::Way::Pages;
}

PageJob::PageJob(JobContext &context, FilterReading &filter, const wire::Range &range)
	: context_(context), filter_(filter), range_(range),
	  pager_({range.lower, range.upper}, context.page_limit(), filter.conditions, filter.habits,
			 way_of(range)),
	  ticked_(context.client.now())
{
	if (pager_.done())
		finish();
}

bool
PageJob::waiting()
{
	questions_.remove_if([](const OpenQuestion &question) { return question.over(); });
	if (result_ || context_.in_flight >= context_.learned.width)
		return false;
	if (next_ && !pager_.answer(next_->number))
		next_.reset();
	if (!next_) {
		pager_.set_limit(context_.page_limit());
		next_ = pager_.next();
	}
	return next_.has_value();
}

bool
PageJob::ask()
{
	if (!waiting())
		return true;
	if (context_.client.blocked()) {
		on_failed("stalled", "does not read");
		return true;
	}
	Budget &budget = context_.intake.budget();
	size_t worst = std::min(size_t(*next_->window.limit) * context_.learned.event_bytes,
							budget.largest_page());
	if (!budget.reserve(worst))
		return false;
	auto question = *std::exchange(next_, std::nullopt);
	questions_.emplace_back(context_, static_cast<OpenQuestion::Asker &>(*this),
							std::move(question), worst);
	asked_at_ = std::min(asked_at_, questions_.back().asked_at());
	return true;
}

/* After a stop, what the sockets hold may be read before the next tick. */
void
PageJob::note_stop()
{
	const Clock::Time now = context_.client.now();
	if (now - std::exchange(ticked_, now) > kStopped)
		pager_.doubt(nostr::Doubt::Backpressure);
}

void
PageJob::tick()
{
	note_stop();
	for (OpenQuestion &question : questions_)
		if (!result_)
			question.tick();
	if (!result_)
		advance();
}

std::optional<wire::Range>
PageJob::split()
{
	if (result_ || range_.max_pages > 0)
		return std::nullopt;
	const auto older = pager_.split();
	if (!older)
		return std::nullopt;
	wire::Range range = range_;
	range.lower = older->lower;
	range.upper = older->upper;
	range.expected = 0; // the half that contained these events is unknown
	return range;
}

void
PageJob::on_answered(OpenQuestion &question)
{
	note_stop();
	context_.complaints = 0;
	context_.notice.clear();
	context_.learned.answered();
	if (const nostr::Answer *answer = pager_.answer(question.number())) {
		nostr::TimeRange shown{question.window().since.value_or(0),
							   std::min(question.window().until.value_or(INT64_MAX), asked_at_)};
		if (const auto events = answer->shown(shown); !events.empty())
			shown.lower = events.back().created_at + 1;
		if (!answer->was_cut() && shown.lower <= shown.upper)
			context_.remember({.id = question.id(),
							   .filter_id = range_.filter_id,
							   .shown = shown,
							   .settled = asked_at_ - kSettled});
	}
	if (question.is_page()) {
		context_.pages++;
		pages_++;
	}
	const int silences = filter_.habits.silences;
	claim(pager_.end(question.number()));
	if (filter_.habits.silences > silences && context_.learned.pacer.learned() < kSilentPause)
		slow_down();
	advance();
}

void
PageJob::claim(const std::vector<nostr::Claim> &claims)
{
	for (const nostr::Claim &claim : claims)
		events_ += claim.events;
	context_.claim(range_, asked_at_, claims);
}

void
PageJob::retract(nostr::TimeRange range, nostr::Doubt doubt, int64_t found)
{
	context_.retract(range_.filter_id,
					 {.range = range, .doubt = doubt, .found = std::max<int64_t>(found, 0)});
}

void
PageJob::on_closed(OpenQuestion &question, std::string_view text)
{
	std::string_view prefix = nostr::reason_prefix(text);
	if (prefix == "rate-limited") {
		complain(text);
		pager_.drop(question.number());
		if (context_.complaints > kMaxComplaints)
			end("rate_limited", text);
	} else if (question.is_page())
		end(prefix == "auth-required" ? "auth_required" : "closed_by_relay", text);
	else
		on_unanswered(question);
}

void
PageJob::on_unanswered(OpenQuestion &question)
{
	claim(pager_.fail(question.number()));
	advance();
}

/* After a stall, the next connection asks for smaller pages. */
void
PageJob::on_failed(const char *reason, std::string_view detail)
{
	if (reason != std::string_view("stalled"))
		return end(reason, detail);
	const std::string_view why = detail.empty() ? std::string_view(context_.notice) : detail;
	if (context_.complaints > 0)
		return end("rate_limited", why);
	context_.ask_for_less();
	end("stalled", why);
}

/* Whether a notice says that the relay is asked too fast. No standard defines the text of a notice,
 * so known phrases are searched for. */
static bool
is_complaint(std::string_view text)
{
	std::string lower(text);
	std::transform(lower.begin(), lower.end(), lower.begin(),
				   [](unsigned char c) { return c >= 'A' && c <= 'Z' ? c + 32 : c; });
	for (const char *words :
		 {"rate-limit", "rate limit", "ratelimit", "too many req", "too many sub", "too many mess",
		  "too many quer", "too many con", "slow down"})
		if (lower.find(words) != lower.npos)
			return true;
	return false;
}

/* A notice names no question, so all open questions are told. */
void
PageJob::on_notice(std::string_view text)
{
	const bool asked = std::any_of(questions_.begin(), questions_.end(),
								   [](const OpenQuestion &question) { return !question.over(); });
	if (!asked || result_)
		return;
	pager_.doubt(nostr::Doubt::Notice);
	for (OpenQuestion &question : questions_)
		question.noticed();
	if (!is_complaint(text))
		return;
	for (OpenQuestion &question : questions_)
		question.slowed();
	complain(text);
	if (context_.complaints > kMaxComplaints)
		end("rate_limited", text);
}

void
PageJob::complain(std::string_view text)
{
	context_.complaints++;
	context_.notice = text;
	slow_down();
}

void
PageJob::slow_down()
{
	context_.learned.width = 1;
	context_.learned.pacer.slower(context_.client.now());
}

void
PageJob::progress()
{
	for (OpenQuestion &question : questions_)
		question.progress();
}

void
PageJob::advance()
{
	context_.repeated += uint32_t(pager_.repeated() - repeated_);
	repeated_ = pager_.repeated();
	const bool enough = range_.max_pages > 0 && pages_ >= range_.max_pages;
	if (!result_ && (enough || pager_.done()))
		finish();
}

void
PageJob::finish()
{
	if (range_.expected > events_ && pager_.done())
		retract({range_.lower, range_.upper}, nostr::Doubt::Smaller, range_.expected - events_);
	end("", "");
}

void
PageJob::end(const char *reason, std::string_view detail)
{
	result_ = Result{reason, std::string(detail)};
	for (OpenQuestion &question : questions_)
		question.close();
}

} // namespace net
