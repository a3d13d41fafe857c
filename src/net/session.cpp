#include "net/session.h"

#include <simdjson.h>

namespace net {

using std::chrono::milliseconds;

/* Subscription of what is new. */
constexpr std::string_view kLive = "live";
/* Messages of ours that the relay does not take. */
constexpr size_t kMaxUnsent = 64;

Session::Session(Shared &shared, std::shared_ptr<Ledger> ledger, const wire::RelayTask &task)
	: shared_(shared), ledger_(std::move(ledger)), relay_id_(task.relay_id), url_(task.url),
	  started_(shared.clock.now()), live_wanted_(task.live),
	  ranges_(task.ranges.begin(), task.ranges.end())
{
	start();
}

Session::~Session()
{
	if (query_)
		query_->callback = nullptr;
}

void
Session::start()
{
	nostr::RelayUrl url = nostr::normalise_relay_url(url_);
	if (!url.ok())
		return cut(url.reason, url_);
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
		std::string address = std::move(addresses_.front());
		addresses_.pop_front();
		Clock::Time now = shared_.clock.now();
		/* What is left of the time is shared by what is left to be tried. */
		attempt_until_ = now + (started_ + shared_.config.connect_timeout - now) /
								   int64_t(addresses_.size() + 1);
		connection_ = std::make_unique<RelayConnection>(shared_.reactor, shared_.clock,
														shared_.assembly, *this);
		if (connection_->open(endpoint_, address, shared_.config))
			return;
	}
	cut(reason, detail);
}

void
Session::on_open()
{
	state_ = State::Open;
	alive_ = progress_ = shared_.clock.now();
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
	connection_->send(nostr::req_message(kLive, {.since = {}, .until = {}, .limit = 1}));
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
	progress_ = shared_.clock.now();
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
Session::on_message(std::string_view text)
{
	alive_ = shared_.clock.now();
	ping_sent_ = false;
	messages_++;
	shared_.messages++;
	nostr::RelayMessage &message = shared_.message;
	nostr::Reject reason = shared_.parser.parse(text, message);
	if (reason != nostr::Reject::None)
		return on_refused(reason, text);
	switch (message.type) {
	case nostr::MessageType::Event:
		return on_event(text);
	case nostr::MessageType::Eose:
		return on_end_of_stored();
	case nostr::MessageType::Closed:
		return on_subscription_closed();
	case nostr::MessageType::Notice:
		shared_.link.log(wire::LogLevel::Debug, relay_id_, "notice: " + message.text);
		if (pager_)
			notice_ = message.text;
		return ignore();
	default:
		return ignore();
	}
}

static bool
inside(const nostr::Window &window, int64_t created_at)
{
	return created_at >= window.since.value_or(0) && created_at <= window.until.value_or(INT64_MAX);
}

void
Session::on_event(std::string_view text)
{
	nostr::Event &event = shared_.message.event;
	const std::string &subscription = shared_.message.subscription;
	if (pager_ && subscription == page_id_) {
		progress_ = alive_;
		if (pager_->page_events() >= kMaxPageEvents)
			return cut("flood", "a page without end");
		if (!pager_->on_event(event.id, event.created_at)) {
			/* Above the window: the relay does not do what it was asked, so an otherwise empty
			 * page of it proves nothing. Below: it has gone past the end of the range. */
			if (event.created_at > pager_->window().until.value_or(INT64_MAX))
				pager_->on_refused(std::nullopt);
			return refuse("outside_window", text);
		}
	} else if (!last_page_id_.empty() && subscription == last_page_id_) {
		ignore();
		if (!inside(last_window_, event.created_at))
			return refuse("outside_window", text);
	} else if (!live_open_ || subscription != kLive) {
		ignore();
		return refuse("unexpected_subscription", subscription);
	}
	shared_.intake.submit(event, ledger_, shared_.clock.unix_seconds());
}

void
Session::on_end_of_stored()
{
	nostr::RelayMessage &message = shared_.message;
	if (!pager_ || message.subscription != page_id_)
		return ignore();
	last_window_ = pager_->window();
	last_page_id_ = page_id_;
	std::vector<nostr::Claim> proven;
	for (nostr::Claim &claim : pager_->on_end_of_page(message.finish)) {
		/* Nobody knows yet what the seconds to come will hold. */
		claim.range.upper = std::min(claim.range.upper, page_asked_at_);
		if (claim.range.lower <= claim.range.upper)
			proven.push_back(claim);
	}
	ledger_->end_step(std::move(proven));
	pages_++;
	account();
	connection_->send(nostr::close_message(page_id_));
	next_page();
}

void
Session::on_subscription_closed()
{
	const nostr::RelayMessage &message = shared_.message;
	if (live_open_ && message.subscription == kLive) {
		live_open_ = false;
		live_wanted_ = false;
		shared_.link.log(wire::LogLevel::Debug, relay_id_, "no live events: " + message.text);
		if (!pager_)
			finish("", "");
		return;
	}
	if (!pager_ || message.subscription != page_id_)
		return ignore();
	std::string_view prefix = nostr::reason_prefix(message.text);
	const char *reason = prefix == "auth-required"  ? "auth_required"
						 : prefix == "rate-limited" ? "rate_limited"
													: "closed_by_relay";
	cut(reason, message.text);
}

void
Session::on_refused(nostr::Reject reason, std::string_view text)
{
	const nostr::RelayMessage &message = shared_.message;
	const char *code = nostr::reject_code(reason);
	/* A lone surrogate escape is a fault of one event; broken bytes are one of the relay. */
	if (reason == nostr::Reject::TooDeep ||
		(reason == nostr::Reject::BadUtf8 && !simdjson::validate_utf8(text.data(), text.size())))
		return cut(code, text);
	if (pager_ && message.type == nostr::MessageType::Event && message.subscription == page_id_) {
		progress_ = alive_;
		pager_->on_refused(nostr::peek_created_at(text));
	}
	refuse(code, text);
}

void
Session::refuse(const char *reason, std::string_view detail)
{
	shared_.intake.outbox().refuse(relay_id_, reason, printable(detail.substr(0, 100)));
	refused_++;
	if (refused_ + int(ledger_->refused_later) >= kMaxRefused)
		cut("too_many_invalid", reason);
}

void
Session::ignore()
{
	if (++ignored_ > kMaxIgnored && state_ != State::Ended)
		cut("flood", "messages that nobody asked for");
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
	alive_ = progress_ = shared_.clock.now();
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
	if (ping_sent_ && now - alive_ > kPingAfter + limit)
		return cut("connection_lost", "no answer to a ping");
	if (!ping_sent_ && now - alive_ > kPingAfter) {
		ping_sent_ = true;
		connection_->ping();
	}
	if (messages_ > 0)
		account();
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
		connection_->close();
	}
	ledger_->end_step(Report{wire::RelayPhase::Ended, reason, printable(detail)});
}

} // namespace net
