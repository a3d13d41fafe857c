/* What a visit asks on its WebSocket, and how it reads the answers. */
#include <algorithm>

#include "net/job/probe_job.h"

namespace net {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using wire::Outcome;

/* The steps of a conversation, in their order. */
constexpr wire::Step kAsked[] = {wire::Step::Read,  wire::Step::Write,  wire::Step::ReadBack,
								 wire::Step::Count, wire::Step::Search, wire::Step::Negentropy};
/* Time to wait for an answer about a NIP. Most relays that lack the NIP do not answer. */
constexpr std::chrono::milliseconds kNipPatience{3000};
/* Largest number of messages of one visit, and of bytes. */
constexpr int kMaxMessages = 500;
constexpr uint64_t kMaxBytes = 8 << 20;
/* Largest number of events accepted in answer to a question for one event. */
constexpr int kMaxEvents = 20;
/* A search word that no event contains. */
constexpr const char *kNobodysWord = "c3b1e9a27f604d18";

static bool
is_ephemeral(int32_t kind)
{
	return kind >= 20000 && kind < 30000;
}

/* Makes the reason code: "auth-required: who are you" becomes "auth_required". */
static std::string
refusal_code(std::string_view text)
{
	std::string code(nostr::reason_prefix(text).substr(0, wire::kMaxCode));
	std::ranges::replace(code, '-', '_');
	return code.empty() ? "refused" : code;
}

/* The time that the relay took to answer, without delays of this process. */
microseconds
ProbeJob::since_asked() const
{
	const Clock::Time asked = std::max(asked_, socket_->written_at());
	const auto took = duration_cast<microseconds>(host_.transport.clock.now() - asked);
	return socket_->without_our_delay(std::max(microseconds(0), took));
}

void
ProbeJob::skip(Step step, const char *reason)
{
	record_.step(step).reason = reason;
}

/* Asks the next question, or ends the conversation if none is left. */
void
ProbeJob::next()
{
	const auto *last = step_ ? std::ranges::find(kAsked, *step_) + 1 : std::begin(kAsked);
	for (; last != std::end(kAsked); last++)
		if (begin(*last))
			return;
	end_conversation();
}

/* Asks the question of this step. False: this visit has no such question. */
bool
ProbeJob::begin(Step step)
{
	const nostr::Window one{.limit = 1, .kinds = {1}};
	const std::string id = "probe" + std::to_string(int(step));
	std::string question;
	switch (step) {
	case Step::Read:
		question = nostr::req_message(id, one);
		break;
	case Step::Write:
		if (task_.event.empty())
			return false;
		if (nostr::EventParser().parse(task_.event, event_) != nostr::Reject::None) {
			skip(step, "malformed_event"); // the worker sent it
			return false;
		}
		question = "[\"EVENT\"," + task_.event + "]";
		break;
	case Step::ReadBack:
		if (record_.step(Step::Write).outcome != Outcome::Ok)
			return false;
		if (is_ephemeral(event_.kind)) {
			skip(step, "ephemeral");
			return false;
		}
		question = "[\"REQ\",\"" + id + "\",{\"ids\":[\"" +
				   nostr::to_hex(event_.id.data(), event_.id.size()) + "\"]}]";
		break;
	case Step::Count:
		if (!task_.try_nips)
			return false;
		question = "[\"COUNT\",\"" + id + "\",{\"kinds\":[1],\"limit\":1}]";
		break;
	case Step::Search:
		if (!task_.try_nips)
			return false;
		/* A relay that ignores the search word answers with an event. A relay without events proves
		 * nothing. */
		if (events_ == 0) {
			skip(step, "no_events");
			return false;
		}
		question = std::string("[\"REQ\",\"") + id + "\",{\"kinds\":[1],\"limit\":1,\"search\":\"" +
				   kNobodysWord + "\"}]";
		break;
	case Step::Negentropy: {
		if (!task_.try_nips)
			return false;
		/* Negentropy version 1, then one range up to infinity with an empty list of ids. */
		constexpr std::string_view empty_set("\x61\0\0\2\0", 5);
		question = nostr::neg_open_message(id, {.until = 1, .kinds = {1}}, empty_set);
		break;
	}
	default:
		return false;
	}
	step_ = step;
	subscription_ = id;
	asked_ = host_.transport.clock.now();
	socket_->send(std::move(question));
	return true;
}

void
ProbeJob::settle(Outcome outcome, std::string reason, std::string detail)
{
	VisitRecord::Step &step = record_.step(*step_);
	step.outcome = outcome;
	step.reason = std::move(reason);
	step.detail = std::move(detail);
	if (step.microseconds < 0)
		step.microseconds = since_asked().count();
	if (*step_ == Step::Negentropy && outcome == Outcome::Ok)
		socket_->send(nostr::neg_close_message(subscription_));
	/* A relay that did not answer the first question gets no others. */
	if (*step_ == Step::Read && !nostr_)
		return end_conversation();
	next();
}

void
ProbeJob::on_message(std::string_view text)
{
	if (!talking_)
		return;
	nostr::RelayMessage &message = host_.message;
	const nostr::Reject fault = host_.parser.parse(text, message);
	if (++messages_ > kMaxMessages || socket_->bytes_received() > kMaxBytes) {
		settle(Outcome::Failed, "flood", "more messages than a visit may bring");
		if (talking_)
			end_conversation();
		return;
	}
	if (fault != nostr::Reject::None)
		return;
	using Type = nostr::MessageType;
	nostr_ |= message.type == Type::Event || message.type == Type::Eose ||
			  message.type == Type::Closed || message.type == Type::Auth ||
			  message.type == Type::Notice;
	const bool mine = message.subscription == subscription_;
	switch (message.type) {
	case Type::Event:
		return mine ? on_event() : void();
	case Type::Eose:
		return mine ? on_end_of_stored() : void();
	case Type::Closed:
	case Type::NegErr:
		return mine ? on_refusal(message.text) : void();
	case Type::Notice:
		return on_notice();
	case Type::Auth:
		return on_challenge();
	case Type::Ok:
		return on_ok();
	case Type::Count:
		return mine && *step_ == Step::Count ? settle(Outcome::Ok) : void();
	case Type::NegMsg:
		return mine && *step_ == Step::Negentropy ? settle(Outcome::Ok) : void();
	case Type::Unknown:
		break;
	}
}

/* A message that is too large is read and discarded, because an event may be larger than the
 * limit. */
bool
ProbeJob::on_too_large(size_t bytes)
{
	return socket_->bytes_received() + bytes <= kMaxBytes;
}

void
ProbeJob::give_up_message()
{
	socket_->close();
	on_closed("assembly_full", "too many messages of other relays are half received");
}

void
ProbeJob::on_event()
{
	if (*step_ == Step::Read)
		return on_read_event();
	if (*step_ == Step::ReadBack && host_.message.event.id == event_.id) {
		socket_->send(nostr::close_message(subscription_));
		settle(Outcome::Ok);
	} else if (*step_ == Step::Search) {
		socket_->send(nostr::close_message(subscription_));
		settle(Outcome::Failed, "ignored", "the relay shows events that do not match");
	}
}

void
ProbeJob::on_read_event()
{
	events_++;
	if (events_ == 1)
		record_.step(Step::Read).microseconds = since_asked().count();
	record_.limit_ignored |= events_ > 1;
	if (events_ < kMaxEvents)
		return;
	socket_->send(nostr::close_message(subscription_));
	settle(Outcome::Ok);
}

void
ProbeJob::on_end_of_stored()
{
	if (*step_ == Step::ReadBack)
		return settle(Outcome::Failed, "not_found",
					  "the relay took the event and does not show it");
	if (*step_ == Step::Read)
		hinted_ = host_.message.more;
	socket_->send(nostr::close_message(subscription_));
	settle(Outcome::Ok);
}

/* Handles CLOSED and NEG-ERR. */
void
ProbeJob::on_refusal(std::string_view text)
{
	settle(Outcome::Failed, refusal_code(text), std::string(text));
}

void
ProbeJob::on_challenge()
{
	VisitRecord::Step &step = record_.step(Step::Challenge);
	if (step.outcome == Outcome::Ok)
		return;
	step.outcome = Outcome::Ok;
	step.microseconds = duration_cast<microseconds>(host_.transport.clock.now() - opened_).count();
}

/* A relay that lacks a NIP may say so only in a NOTICE. A NOTICE during earlier steps may be a
 * greeting. */
void
ProbeJob::on_notice()
{
	notice_ = host_.message.text;
	if (*step_ == Step::Count || *step_ == Step::Search || *step_ == Step::Negentropy)
		settle(Outcome::Failed, "notice", notice_);
}

void
ProbeJob::on_ok()
{
	const nostr::RelayMessage &message = host_.message;
	if (*step_ != Step::Write || message.event.id != event_.id)
		return;
	if (message.accepted)
		return settle(Outcome::Ok);
	settle(Outcome::Failed, refusal_code(message.text), message.text);
}

/* Ends the step if its answer is overdue. */
void
ProbeJob::give_up_step()
{
	auto patience = host_.config.response_timeout;
	if (*step_ == Step::Count || *step_ == Step::Search || *step_ == Step::Negentropy)
		patience = std::min(patience, kNipPatience);
	const auto waited = host_.transport.clock.now() - asked_;
	if (waited <= patience)
		return;
	/* No answer came, so no delay of this process needs to be subtracted, as since_asked() does. */
	if (VisitRecord::Step &step = record_.step(*step_); step.microseconds < 0)
		step.microseconds = duration_cast<microseconds>(waited).count();
	if (*step_ == Step::Read && events_ > 0)
		return settle(Outcome::Ok);
	if (!notice_.empty())
		return settle(Outcome::Failed, "notice", notice_);
	if (!nostr_)
		return settle(Outcome::Failed, "no_answer",
					  messages_ > 0 ? "a WebSocket opens, and what it says is not Nostr"
									: "a WebSocket opens, and does not answer a question");
	settle(Outcome::Failed, "no_answer", "no answer in time");
}

void
ProbeJob::on_closed(const char *reason, std::string detail)
{
	/* The socket must live until this call returns; it is destroyed together with the job. */
	VisitRecord::Step &step = record_.step(*step_);
	if (*step_ == Step::Read && events_ > 0) {
		step.outcome = Outcome::Ok;
	} else {
		step = {.outcome = Outcome::Failed,
				.reason = reason,
				.detail = std::move(detail),
				.microseconds = since_asked().count()};
	}
	end_conversation();
}

} // namespace net
