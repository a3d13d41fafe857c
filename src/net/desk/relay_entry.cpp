#include "net/desk/relay_entry.h"

namespace net {

RelayEntry::RelayEntry(ClientHost &host, Intake &intake, Link &link, PageQueue &queue,
					   int32_t relay_id)
	: host_(host), intake_(intake), link_(link), queue_(queue), relay_id_(relay_id),
	  ledger_(std::make_shared<Ledger>(relay_id, intake.outbox()))
{
}

void
RelayEntry::open(const wire::RelayOpen &task)
{
	stop();
	live_.reset();
	page_.reset();
	attempt_ = task.attempt;
	live_wanted_ = task.live;
	ranges_.clear();
	add_ranges(task.ranges);
	if (task.page_limit > 0)
		learned_.page_limit = int(std::min<uint32_t>(task.page_limit, INT32_MAX));
	learned_.pacer.set_pause(std::max(learned_.pacer.pause(), Pacer::Pause(task.pace_ms)));
	client_ = std::make_unique<RelayClient>(host_, *this);
	context_.emplace(JobContext{*client_, intake_, ledger_, learned_});
	accounted_bytes_ = 0;
	client_->start(task.url);
}

void
RelayEntry::add_ranges(const std::vector<wire::Range> &ranges)
{
	ranges_.insert(ranges_.end(), ranges.begin(), ranges.end());
}

void
RelayEntry::more(const std::vector<wire::Range> &ranges)
{
	add_ranges(ranges);
	if (state() == RelayClient::State::Open && !page_)
		next_range();
}

/* The ledger holds the report back until all before it is in a batch. */
void
RelayEntry::say(wire::RelayPhase phase, const char *reason, std::string detail)
{
	ledger_->end_step(Report{
		.attempt = attempt_,
		.phase = phase,
		.reason = reason,
		.detail = std::move(detail),
		.retry_after_ms = uint32_t(std::chrono::milliseconds(client_->retry_after()).count()),
		.page_limit = uint32_t(learned_.page_limit),
		.pace_ms = uint32_t(learned_.pacer.pause().count())});
}

void
RelayEntry::on_open()
{
	say(wire::RelayPhase::Connected);
	/* First, so that nothing new is missed while the old is paged. */
	subscribe_live();
	next_range();
}

void
RelayEntry::subscribe_live()
{
	if (live_wanted_ && !live_)
		live_.emplace(*context_);
}

void
RelayEntry::next_range()
{
	page_.reset();
	while (!page_ && !ranges_.empty()) {
		const wire::Range &range = ranges_.front();
		page_.emplace(*context_, nostr::TimeRange{range.lower, range.upper}, range.max_pages);
		ranges_.pop_front();
		if (page_->result())
			page_.reset();
	}
	if (page_)
		queue_page();
	else
		all_paged();
}

void
RelayEntry::all_paged()
{
	account();
	say_caught_up();
	if (!live_)
		finish("", "");
}

/* Live events that were dropped are still to be read: the worker decides when. */
void
RelayEntry::say_caught_up()
{
	say(wire::RelayPhase::CaughtUp, context_->dropped ? "no_memory" : "");
	context_->dropped = false;
}

void
RelayEntry::queue_page()
{
	if (queued_ || !page_ || !page_->waiting() ||
		!learned_.pacer.ready(host_.transport.clock.now()))
		return;
	queued_ = true;
	queue_.push_back(relay_id_);
}

bool
RelayEntry::ask_page()
{
	if (state() == RelayClient::State::Open && page_ && page_->waiting()) {
		if (!page_->ask())
			return false;
		advance();
	}
	queued_ = false;
	return true;
}

void
RelayEntry::on_handled()
{
	messages_++;
	advance();
}

/* The jobs may have ended, or one of them wants to ask. */
void
RelayEntry::advance()
{
	if (state() != RelayClient::State::Open)
		return;
	if (live_ && live_->result()) {
		link_.log(wire::LogLevel::Debug, relay_id_, "no live events: " + live_->result()->detail);
		live_.reset();
		if (!page_)
			return finish("", "");
	}
	if (!page_ || !page_->result())
		return queue_page();
	Result result = *page_->result();
	if (*result.reason)
		cut(result.reason, result.detail);
	else
		next_range();
}

void
RelayEntry::on_late_event(nostr::Event &event)
{
	if (page_)
		page_->on_late_event();
	if (!context_->pass_on_unasked(event))
		on_ignored();
}

void
RelayEntry::on_notice(std::string_view text)
{
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
		cut("flood", "messages that nobody asked for");
}

void
RelayEntry::on_ended(const char *reason, std::string_view detail)
{
	intake_.outbox().refuse(relay_id_, reason, detail.substr(0, 100));
	finish(reason, detail);
}

void
RelayEntry::tick()
{
	if (state() == RelayClient::State::Ended) {
		/* Only here, where none of them is at work. */
		live_.reset();
		page_.reset();
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
	if (live_)
		live_->tick();
	if (page_)
		page_->tick();
	else if (context_->dropped && !intake_.budget().full())
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
							  .pages = context_->pages});
	accounted_bytes_ = bytes;
	messages_ = 0;
	guard_.excuse(context_->pages);
	context_->pages = 0;
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
	std::string kept(detail.substr(0, wire::kMaxDetail)); // `detail` may lie in what ends here
	client_->end(*reason == 0);
	say(wire::RelayPhase::Ended, reason, std::move(kept));
}

} // namespace net
