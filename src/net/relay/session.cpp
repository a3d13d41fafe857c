#include "net/relay/session.h"

namespace net {

using std::chrono::milliseconds;

/* Messages of ours that the relay does not take. */
constexpr size_t kMaxUnsent = 64;

Session::Session(Shared &shared, std::shared_ptr<Ledger> ledger, const wire::RelayOpen &task)
	: shared_(shared), ledger_(std::move(ledger)), relay_id_(task.relay_id), attempt_(task.attempt),
	  live_wanted_(task.live)
{
	add_ranges(task.ranges);
	dialer_.emplace(shared_.transport, shared_.config, *this);
	dialer_->start(task.url);
}

void
Session::on_failed(const char *reason, std::string detail, const ConnectFacts &)
{
	dialer_.reset();
	cut(reason, detail);
}

void
Session::on_connected(std::unique_ptr<WebSocket> socket, const ConnectFacts &)
{
	dialer_.reset();
	connection_ = std::move(socket);
	connection_->handle_by(*this);
	state_ = State::Open;
	alive_ = progress_ = counted_since_ = shared_.clock.now();
	ledger_->end_step(Report{attempt_, wire::RelayPhase::Connected, "", ""});
	if (!shared_.reading)
		connection_->read(false);
	/* First, so that nothing new is missed while the old is paged. */
	subscribe_live();
	next_page();
}

void
Session::subscribe_live()
{
	if (!live_wanted_ || live_open_)
		return;
	live_open_ = true;
	connection_->send(
		nostr::req_message(kLiveSubscription, {.since = {}, .until = {}, .limit = 1}));
}

void
Session::add_ranges(const std::vector<wire::Range> &ranges)
{
	for (const wire::Range &range : ranges)
		ranges_.push_back({range.lower, range.upper});
}

void
Session::more(const wire::RelayMore &task)
{
	add_ranges(task.ranges);
	if (state_ == State::Open && !pager_)
		next_page();
}

void
Session::next_page()
{
	if (pager_ && pager_->done())
		pager_.reset();
	if (!pager_) {
		if (ranges_.empty())
			return all_paged();
		pager_.emplace(ranges_.front(), shared_.config.page_limit);
		ranges_.pop_front();
	}
	if (connection_->unsent() > kMaxUnsent)
		return cut("stalled", "does not read");
	page_id_ = "p" + std::to_string(++page_number_);
	page_asked_at_ = shared_.clock.unix_seconds();
	progress_ = page_since_ = shared_.clock.now();
	notice_.clear();
	connection_->send(nostr::req_message(page_id_, pager_->window()));
}

void
Session::all_paged()
{
	account();
	ledger_->end_step(Report{attempt_, wire::RelayPhase::CaughtUp, "", ""});
	if (!live_open_)
		finish("", "");
}

void
Session::on_life()
{
	alive_ = shared_.clock.now();
	ping_sent_ = false;
}

void
Session::on_closed(const char *reason, std::string detail)
{
	cut(reason, detail);
}

void
Session::read(bool on)
{
	if (state_ != State::Open)
		return;
	connection_->read(on);
	alive_ = progress_ = page_since_ = shared_.clock.now();
}

void
Session::tick()
{
	Clock::Time now = shared_.clock.now();
	switch (state_) {
	case State::Connecting:
		dialer_->tick();
		break;
	case State::Open:
		if (ledger_->refused_later >= uint32_t(kMaxRefused))
			return cut("too_many_invalid", "bad_signature");
		reset_counts(now);
		if (messages_ > 0)
			account();
		if (shared_.reading)
			check_silence(now);
		break;
	case State::Ended:
		break;
	}
}

void
Session::check_silence(Clock::Time now)
{
	milliseconds limit = shared_.config.response_timeout;
	Clock::Time incomplete = connection_->incomplete_since();
	if (incomplete != Clock::Time{} && now - std::max(incomplete, progress_) > limit)
		return cut("stalled", "a message without end");
	if (pager_ && now - progress_ > limit)
		return cut("stalled", notice_);
	if (pager_ && now - page_since_ > limit * kPageTimeouts)
		return cut("stalled", "a page drop by drop");
	if (ping_sent_ && now - alive_ > kPingAfter + limit)
		return cut("connection_lost", "no answer to a ping");
	if (!ping_sent_ && now - alive_ > kPingAfter) {
		ping_sent_ = true;
		connection_->ping();
	}
}

/* A subscription may last for weeks: only what comes densely is a flood. */
void
Session::reset_counts(Clock::Time now)
{
	if (now - counted_since_ < kCountedFor)
		return;
	counted_since_ = now;
	ignored_ = refused_ = 0;
	ledger_->refused_later = 0;
}

void
Session::account()
{
	uint64_t bytes = connection_ ? connection_->bytes_received() : 0;
	shared_.intake.outbox().traffic(relay_id_, bytes - accounted_bytes_, messages_, pages_);
	accounted_bytes_ = bytes;
	messages_ = 0;
	pages_ = 0;
}

void
Session::stop()
{
	finish("", "");
}

void
Session::give_up_message()
{
	cut("assembly_full", "");
}

void
Session::cut(const char *reason, std::string_view detail)
{
	if (state_ == State::Ended)
		return;
	shared_.intake.outbox().refuse(relay_id_, reason, wire::printable(detail.substr(0, 100)));
	finish(reason, detail);
}

void
Session::finish(const char *reason, std::string_view detail)
{
	if (state_ == State::Ended)
		return;
	state_ = State::Ended;
	dialer_.reset();
	if (connection_) {
		account();
		connection_->close(*reason == 0);
	}
	ledger_->end_step(Report{attempt_, wire::RelayPhase::Ended, reason, wire::printable(detail)});
}

} // namespace net
