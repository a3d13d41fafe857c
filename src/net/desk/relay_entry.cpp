#include "net/desk/relay_entry.h"

#include <cstring>
#include <utility>

namespace net {

/* Time to wait for a challenge, which a relay sends right after the handshake or after the first
 * question. */
constexpr std::chrono::seconds kChallengeWait{3};
/* Challenges beyond this number on one connection are not answered. */
constexpr int kMaxChallenges = 10;

RelayEntry::RelayEntry(ClientHost &host, Intake &intake, Link &link, PageQueue &queue,
					   int32_t relay_id)
	: host_(host), intake_(intake), link_(link), queue_(queue), relay_id_(relay_id),
	  ledger_(std::make_shared<Ledger>(relay_id, intake.outbox()))
{
}

/* Whether somebody on the way can change what a relay with this URL sends. Overlay networks have
 * their own encryption. */
static bool
is_exposed(std::string_view url)
{
	return !nostr::relay_endpoint(url).tls &&
		   nostr::normalise_relay_url(url).network == nostr::Network::Clearnet;
}

void
RelayEntry::open(const wire::RelayOpen &task)
{
	stop();
	live_.reset();
	reading_.reset();
	attempt_ = task.attempt;
	ledger_->begin();
	/* The subscription to new events would take the only one that the relay allows. */
	live_wanted_ = task.live && task.subscriptions != 1;
	if (task.page_limit > 0)
		learned_.page_limit = int(std::min<uint32_t>(task.page_limit, INT32_MAX));
	learned_.set_manners(host_.config.manners, task.subscriptions);
	learned_.pacer.set_pause(std::max(learned_.pacer.learned(), Pacer::Pause(task.pace_ms)));
	client_ = std::make_unique<RelayClient>(host_, *this);
	context_.emplace(JobContext{*client_, intake_, ledger_, learned_});
	if (is_exposed(task.url))
		context_->doubts |= nostr::Doubt::Unencrypted;
	reading_.emplace(*context_, link_, attempt_);
	reading_->set_filters(task.filters);
	reading_->add(task.ranges);
	caught_up_ = false;
	may_sign_in_ = task.sign_in;
	challenges_ = 0;
	sign_in_since_ = challenge_until_ = {};
	asked_ = !task.sign_in;
	accounted_bytes_ = 0;
	client_->start(task.url);
}

void
RelayEntry::more(const wire::RelayMore &task)
{
	/* The worker sent this message before it knew that the relay had been signed in to, so the
	 * worker will ask again. */
	if (task.reader != context_->reader)
		return;
	reading_->add(task.ranges);
	caught_up_ = false;
	asked_ = true;
	advance();
}

/* The ledger delays this report until all earlier events and claims are in a batch. */
void
RelayEntry::say(wire::RelayPhase phase, const char *reason, std::string detail)
{
	if (context_)
		context_->retract_dropped();
	ledger_->end_step(Report{
		.attempt = attempt_,
		.phase = phase,
		.reason = reason,
		.detail = std::move(detail),
		.retry_after_ms = uint32_t(std::chrono::milliseconds(client_->retry_after()).count()),
		.page_limit = uint32_t(learned_.page_limit),
		.pace_ms = uint32_t(learned_.pacer.learned().count())});
}

void
RelayEntry::on_open()
{
	if (may_sign_in_)
		challenge_until_ = host_.transport.clock.now() + kChallengeWait;
	else
		say_connected();
	/* The live subscription comes first, so that no new event is missed while history is read. */
	subscribe_live();
	advance();
}

void
RelayEntry::say_connected()
{
	challenge_until_ = {};
	say(context_->reader == wire::ReadAs::SignedIn ? wire::RelayPhase::SignedIn
												   : wire::RelayPhase::Connected);
}

void
RelayEntry::subscribe_live()
{
	if (live_wanted_ && !live_)
		live_.emplace(*context_, *reading_);
}

void
RelayEntry::all_paged()
{
	account();
	caught_up_ = true;
	say_caught_up();
	if (!live_)
		finish("", "");
}

/* Tells the worker whether live events were dropped; the worker decides when they are read
 * again. */
void
RelayEntry::say_caught_up()
{
	say(wire::RelayPhase::CaughtUp, context_->dropped ? "no_memory" : "");
	context_->dropped = false;
}

void
RelayEntry::queue_page()
{
	if (queued_ || !learned_.pacer.ready(host_.transport.clock.now()) || !reading_->waiting())
		return;
	queued_ = true;
	queue_.push_back(relay_id_);
}

bool
RelayEntry::ask_page()
{
	if (state() == RelayClient::State::Open && !reading_->ask())
		return false;
	queued_ = false;
	advance();
	return true;
}

void
RelayEntry::on_handled()
{
	messages_++;
	advance();
}

/* Must be called after anything that may end a job or let a job ask. */
void
RelayEntry::advance()
{
	if (state() != RelayClient::State::Open)
		return;
	if (live_ && live_->result()) {
		link_.log(wire::LogLevel::Debug, relay_id_, "no live events: " + live_->result()->detail);
		live_.reset();
		if (asked_ && reading_->done())
			return finish("", "");
	}
	if (const Result *failure = reading_->failure())
		return failed(*failure);
	reading_->advance();
	if (const Result *failure = reading_->failure())
		return failed(*failure);
	if (!reading_->done())
		queue_page();
	else if (asked_ && !caught_up_)
		all_paged();
}

void
RelayEntry::on_late_event(nostr::Event &event, const std::string &subscription)
{
	if (!reading_->wants(event))
		return on_refused("outside_filter", subscription);
	if (!context_->sent.contains(event.id))
		reading_->on_late_event(event, subscription);
	if (!context_->pass_on_unasked(event))
		on_ignored();
}

/* If the relay demands authentication, waits for the challenge and then asks again. */
void
RelayEntry::failed(const Result &failure)
{
	if (!may_sign_in_ || context_->reader == wire::ReadAs::SignedIn ||
		strcmp(failure.reason, "auth_required") != 0)
		return cut(failure.reason, failure.detail);
	/* The challenge may come before or after this refusal. */
	if (sign_in_since_ == Clock::Time{})
		sign_in_since_ = host_.transport.clock.now();
}

void
RelayEntry::on_auth(std::string_view challenge)
{
	/* Before authentication the relay may show only some of its events, and may have done so before
	 * it asked. */
	if (context_->reader == wire::ReadAs::Anonymous) {
		context_->doubts |= nostr::Doubt::Auth;
		if (const auto claimed = std::exchange(context_->claimed, std::nullopt))
			context_->retract(0, {.range = *claimed, .doubt = nostr::Doubt::Auth});
	}
	if (!may_sign_in_ || challenge.size() > nostr::kMaxChallenge || challenges_ == kMaxChallenges)
		return;
	challenges_++;
	sign_in_since_ = host_.transport.clock.now();
	link_.send(wire::SignIn{.relay_id = relay_id_, .attempt = attempt_, .challenge = challenge});
}

void
RelayEntry::sign_in(const wire::SignedIn &answer)
{
	if (state() == RelayClient::State::Open)
		client_->authenticate(*answer.id, answer.event);
}

void
RelayEntry::on_authenticated(bool accepted, std::string_view text)
{
	sign_in_since_ = {};
	if (context_->reader == wire::ReadAs::SignedIn)
		return;
	if (!accepted)
		return cut("auth_refused", text);
	/* The relay may show more events after authentication, so everything is asked again. */
	reading_->drop();
	context_->reader = wire::ReadAs::SignedIn;
	context_->doubts.bits &= ~nostr::Doubts(nostr::Doubt::Auth).bits;
	asked_ = caught_up_ = false;
	say_connected();
	live_.reset();
	subscribe_live();
}

void
RelayEntry::on_notice(std::string_view text)
{
	reading_->on_notice(text);
	link_.log(wire::LogLevel::Debug, relay_id_, "notice: " + std::string(text));
}

void
RelayEntry::on_refused(const char *reason, std::string_view detail)
{
	intake_.outbox().refuse(relay_id_, reason, detail.substr(0, 100));
	if (!guard_.refuse(host_.transport.clock.now()))
		cut("too_many_invalid", reason);
}

void
RelayEntry::on_not_taken(const char *reason, std::string_view detail)
{
	intake_.outbox().refuse(relay_id_, reason, detail.substr(0, 100));
}

bool
RelayEntry::may_skip(size_t bytes)
{
	return guard_.skip(host_.transport.clock.now(), bytes);
}

void
RelayEntry::on_ignored()
{
	if (!guard_.ignore(host_.transport.clock.now()))
		cut("flood", "messages that were not asked for");
}

void
RelayEntry::on_ended(const char *reason, std::string_view detail)
{
	intake_.outbox().refuse(relay_id_, reason, detail.substr(0, 100));
	reading_->on_ended();
	if (strcmp(reason, "frame_too_large") == 0)
		context_->ask_for_less();
	finish(reason, detail);
}

void
RelayEntry::tick()
{
	if (state() == RelayClient::State::Ended) {
		/* Jobs are destroyed only here, because no job is on the call stack now. */
		live_.reset();
		reading_.reset();
		context_.reset();
		client_.reset();
		return;
	}
	if (uint32_t forged = std::exchange(ledger_->refused_later, 0);
		forged > 0 && !guard_.refuse(host_.transport.clock.now(), forged))
		return cut("too_many_invalid", "bad_signature");
	if (messages_ > 0)
		account();
	client_->tick();
	if (state() != RelayClient::State::Open)
		return;
	const Clock::Time now = host_.transport.clock.now();
	if (sign_in_since_ != Clock::Time{} && now - sign_in_since_ > host_.config.response_timeout)
		return cut("auth_required", "no answer to AUTH");
	if (challenge_until_ != Clock::Time{} && sign_in_since_ == Clock::Time{} &&
		now > challenge_until_)
		say_connected();
	if (live_)
		live_->tick();
	reading_->tick();
	if (asked_ && reading_->done() && context_->dropped && !intake_.budget().full())
		say_caught_up();
	advance();
}

void
RelayEntry::account()
{
	uint64_t bytes = client_->bytes_received();
	intake_.outbox().traffic({.relay_id = relay_id_,
							  .bytes = bytes - accounted_bytes_,
							  .messages = messages_,
							  .pages = context_->pages,
							  .questions = context_->questions,
							  .delivered = context_->delivered,
							  .repeated = context_->repeated});
	accounted_bytes_ = bytes;
	messages_ = 0;
	guard_.excuse(context_->questions);
	context_->pages = context_->questions = context_->delivered = context_->repeated = 0;
}

void
RelayEntry::stop()
{
	if (state() != RelayClient::State::Ended)
		finish("", "");
}

void
RelayEntry::cut(const char *reason, std::string_view detail)
{
	if (state() != RelayClient::State::Ended)
		on_ended(reason, detail);
}

void
RelayEntry::finish(const char *reason, std::string_view detail)
{
	if (client_->bytes_received() > 0)
		account();
	std::string kept(detail.substr(
		0, wire::kMaxDetail)); // `detail` may point into an object that is destroyed here
	client_->end(*reason == 0);
	say(wire::RelayPhase::Ended, reason, std::move(kept));
}

} // namespace net
