#include "net/relay/session.h"

namespace net {

using std::chrono::milliseconds;

/* Messages of ours that the relay does not take. */
constexpr size_t kMaxUnsent = 64;

Session::Session(Shared &shared, std::shared_ptr<Ledger> ledger, const wire::RelayTask &task)
	: shared_(shared), ledger_(std::move(ledger)), relay_id_(task.relay_id),
	  started_(shared.clock.now()), live_wanted_(task.live),
	  ranges_(task.ranges.begin(), task.ranges.end())
{
	start(task.url);
}

Session::~Session()
{
	if (query_)
		query_->callback = nullptr;
}

void
Session::start(std::string_view text)
{
	nostr::RelayUrl url = nostr::normalise_relay_url(text);
	if (!url.ok())
		return cut(url.reason, text);
	if (url.network != nostr::Network::Clearnet && url.network != nostr::Network::Local)
		return cut("unsupported_network", nostr::network_name(url.network));
	endpoint_ = nostr::relay_endpoint(url.url);
	query_ = std::make_shared<Resolver::Query>();
	query_->allow_local = shared_.config.allow_local;
	query_->callback = [this](const Resolution &resolution) { resolved(resolution); };
	shared_.resolver.resolve(endpoint_.host, query_);
}

void
Session::resolved(const Resolution &resolution)
{
	if (resolution.reason)
		return cut(resolution.reason, resolution.detail);
	addresses_.assign(resolution.addresses.begin(), resolution.addresses.end());
	connect_next("connection_refused", "");
}

/* The reason is that of the attempt before: it counts if there is nothing left to be tried. */
void
Session::connect_next(const char *reason, std::string_view detail)
{
	state_ = State::Connecting;
	while (!addresses_.empty()) {
		Clock::Time now = shared_.clock.now();
		if (now - started_ > shared_.config.connect_timeout)
			break;
		std::string address = std::move(addresses_.front());
		addresses_.pop_front();
		/* What is left of the time is shared by what is left to be tried. */
		attempt_until_ = now + (started_ + shared_.config.connect_timeout - now) /
								   int64_t(addresses_.size() + 1);
		connection_ =
			std::make_unique<WebSocket>(shared_.reactor, shared_.clock, shared_.assembly, *this);
		if (connection_->open(endpoint_, address, shared_.config))
			return;
	}
	cut(reason, detail);
}

void
Session::on_open()
{
	state_ = State::Open;
	alive_ = progress_ = counted_since_ = shared_.clock.now();
	ledger_->end_step(Report{wire::RelayPhase::Connected, "", ""});
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
Session::more(const wire::RelayTask &task)
{
	live_wanted_ = task.live;
	ranges_.insert(ranges_.end(), task.ranges.begin(), task.ranges.end());
	if (state_ != State::Open)
		return;
	subscribe_live();
	if (!pager_)
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
	ledger_->end_step(Report{wire::RelayPhase::CaughtUp, "", ""});
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
Session::on_closed(const char *reason, std::string_view detail)
{
	if (state_ == State::Connecting)
		return connect_next(reason, detail);
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
	case State::Resolving:
		if (now - started_ > shared_.config.connect_timeout)
			cut("dns_timeout", "");
		break;
	case State::Connecting:
		if (now >= attempt_until_) {
			connection_->close();
			connect_next("connect_timeout", "");
		}
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
	shared_.intake.outbox().refuse(relay_id_, reason, printable(detail.substr(0, 100)));
	finish(reason, detail);
}

void
Session::finish(const char *reason, std::string_view detail)
{
	if (state_ == State::Ended)
		return;
	state_ = State::Ended;
	if (connection_) {
		account();
		connection_->close(*reason == 0);
	}
	ledger_->end_step(Report{wire::RelayPhase::Ended, reason, printable(detail)});
}

} // namespace net
