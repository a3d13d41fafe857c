#include "net/job/open_question.h"

#include <algorithm>
#include <utility>

namespace net {

using std::chrono::seconds;

/* Limit of the time of a slow answer, in response timeouts. */
constexpr int kAnswerTimeouts = 60;
/* Time for which memory is reserved for an answer. A relay that does not answer must not keep
 * memory from other relays. */
constexpr seconds kPromiseKept{2};
/* A relay may still answer after a notice, and may still send EOSE after a full page. After this
 * time without a message, no answer is expected. */
constexpr seconds kAfterNotice{2};
/* Some relays lose messages that arrive right after the handshake. After this time without an
 * answer the first question is sent a second time. */
constexpr seconds kFirstAnswer{4};
/* A relay that sends events after EOSE is waited for until no event has come for this time. */
constexpr seconds kQuiet{1};
/* A relay that never sends EOSE is given up after this number of answers in a row without an event.
 */
constexpr int kMostSilences = 60;
/* An event dated less than this number of seconds before the question counts as possibly new. */
constexpr int64_t kFresh = 60;

OpenQuestion::OpenQuestion(JobContext &context, Asker &asker, nostr::Pager::Question question,
						   size_t promised)
	: context_(context), asker_(asker), question_(std::move(question)),
	  id_(context.client.new_id('p')), promised_(context.intake.budget(), promised),
	  asked_at_(context.client.host().transport.clock.unix_seconds()), since_(context.client.now()),
	  progress_(since_)
{
	context_.in_flight++;
	context_.questions++;
	context_.learned.pacer.asked(since_);
	if (nostr::Answer *answer = asker_.answer(number()))
		answer->set_fresh(asked_at_ - kFresh);
	context_.client.ask(id_, question_.window, *this);
}

void
OpenQuestion::close()
{
	if (std::exchange(over_, true))
		return;
	promised_.give_back();
	context_.in_flight--;
	context_.client.close(id_);
}

void
OpenQuestion::tick()
{
	if (over_)
		return;
	const Clock::Time now = context_.client.now();
	const auto limit = context_.client.host().config.response_timeout;
	if (now - since_ > kPromiseKept)
		promised_.give_back();
	if (lingers_ && now - progress_ > kQuiet)
		answered();
	else if (slowed_ && now - progress_ > kAfterNotice)
		drop();
	else if (noticed_ && !is_page() && now - progress_ > kAfterNotice)
		unanswered();
	else if (!context_.heard && !context_.repeated_first &&
			 now - since_ > std::min<std::chrono::milliseconds>(kFirstAnswer, limit / 2)) {
		context_.repeated_first = true;
		drop();
	} else if (is_page() && full() && now - progress_ > kAfterNotice) {
		context_.learned.without_eose++;
		answered();
	} else if (context_.learned.no_eose() &&
			   now - progress_ > context_.learned.patience(kAfterNotice))
		ended_by_silence();
	else if (now - progress_ > limit)
		is_page() ? stalled() : unanswered();
	else if (now - since_ > limit * kAnswerTimeouts)
		asker_.on_failed("stalled", "the answer takes too long");
}

void
OpenQuestion::on_event(nostr::Event &event, std::string_view text)
{
	context_.heard = context_.events = true;
	context_.silent_answers = 0;
	context_.learned.waited(context_.client.now() - progress_);
	progress();
	nostr::Answer *answer = asker_.answer(number());
	if (!answer)
		return drop();
	if (is_too_long(*answer))
		return end_here(*answer);
	if (!asker_.wants(event)) {
		answer->doubt(nostr::Doubt::Foreign);
		return context_.client.refuse("outside_filter", text);
	}
	const nostr::SeenEvent seen{event.created_at, event.id, event.kind, event.pubkey};
	if (!answer->add(seen, text.size())) {
		if (event.created_at > question_.window.until.value_or(INT64_MAX) && answer->above() <= 1)
			return context_.client.refuse("outside_window", text);
		/* The relay ignores `since` or `until`. One such event of each answer is refused and
		 * counted, because the relay would be given up for many. */
		context_.client.ignore();
		if (over_ || std::max(answer->above(), answer->below()) <= *question_.window.limit)
			return;
		answer->doubt(nostr::Doubt::Foreign);
		answer->cut();
		return answered();
	}
	/* The page is larger than its reserved memory, and the budget is full. The page is dropped,
	 * proves nothing, and is asked for again. Events that the page brought so far count as known by
	 * then. */
	if (promised_.none() && context_.intake.budget().full()) {
		learn();
		return drop();
	}
	pass_on(event);
}

/* Passes the event on; the memory of the event is taken from what was reserved for the answer. */
void
OpenQuestion::pass_on(nostr::Event &event)
{
	events_++;
	context_.delivered++;
	bytes_ += event.tags.size() + event.content.size() + Pending::kOverhead;
	promised_.spend(
		[&] { context_.pass_on(event, asker_.judges() ? Delivery::Needed : Delivery::Asked); });
}

/* The mean follows larger sizes at once and smaller sizes slowly. */
void
OpenQuestion::learn()
{
	if (events_ == 0)
		return;
	size_t mean = bytes_ / events_ + 1, &learned = context_.learned.event_bytes;
	learned = std::max(mean, (learned * 3 + mean) / 4);
}

void
OpenQuestion::on_refused_event(std::string_view text)
{
	context_.heard = true;
	context_.silent_answers = 0;
	progress();
	nostr::Answer *answer = asker_.answer(number());
	if (!answer)
		return;
	if (is_too_long(*answer))
		return end_here(*answer);
	answer->refuse(nostr::peek_created_at(text));
}

/* The relay sends more events than the limit allows. */
bool
OpenQuestion::is_too_long(const nostr::Answer &answer) const
{
	return answer.raw() >= 2 * *question_.window.limit;
}

/* Cuts an answer that is too long, if its events come in order. */
void
OpenQuestion::end_here(nostr::Answer &answer)
{
	if (!answer.ordered() || answer.repeats() > *question_.window.limit / 2)
		return asker_.on_failed("flood", "a page without end");
	answer.cut();
	answered();
}

void
OpenQuestion::on_end_of_stored(bool more)
{
	context_.heard = context_.eose = true;
	context_.learned.without_eose = 0;
	if (nostr::Answer *answer = asker_.answer(number()); answer && more)
		answer->hint_more();
	if (context_.learned.too_early()) {
		progress();
		lingers_ = true;
	} else
		answered();
}

void
OpenQuestion::answered()
{
	learn();
	context_.learned.pacer.answered();
	/* A stall has halved the limit; each answered page raises the limit again. */
	if (int &limit = context_.learned.page_limit; limit > 0 && is_page())
		limit = std::min(limit + limit / 64 + 1, context_.client.host().config.page_limit);
	close();
	asker_.on_answered(*this);
}

/* A full page counts as an answer even without EOSE. */
bool
OpenQuestion::full() const
{
	const nostr::Answer *answer = asker_.answer(number());
	return answer && answer->raw() >= *question_.window.limit;
}

/* The relay never sends EOSE, so silence ends the answer, which gets a doubt. */
void
OpenQuestion::ended_by_silence()
{
	if (context_.silent_answers++ >= kMostSilences)
		return asker_.on_failed("stalled", "no event comes any more");
	nostr::Answer *answer = asker_.answer(number());
	if (!is_page() && (!answer || answer->raw() == 0))
		return unanswered();
	if (answer)
		answer->doubt(nostr::Doubt::Hole);
	answered();
}

/*
 * A page without EOSE ends the connection. But the relay counts as one that never sends EOSE if it
 * has a page limit of its own, because an earlier connection has stalled or a page was too large,
 * and if this connection has brought events and no EOSE, not even for the live subscription.
 */
void
OpenQuestion::stalled()
{
	if (context_.learned.page_limit == 0 || context_.eose || !context_.events ||
		context_.complaints > 0)
		return asker_.on_failed("stalled", "");
	context_.learned.without_eose = Learned::kNoEose;
	ended_by_silence();
}

/* A relay may refuse a question that is too complex for it with a notice or with silence. Only
 * questions that are not pages end here. */
void
OpenQuestion::unanswered()
{
	close();
	asker_.on_unanswered(*this);
}

void
OpenQuestion::drop()
{
	close();
	asker_.on_dropped(*this);
}

void
OpenQuestion::on_closed(std::string_view reason)
{
	context_.heard = true;
	close();
	asker_.on_closed(*this, reason);
}

} // namespace net
