/* What a relay says, and what follows from it. */
#include <simdjson.h>

#include "net/relay/session.h"

namespace net {

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
	case nostr::MessageType::Auth:
	case nostr::MessageType::Unknown:
		return ignore();
	default:
		return refuse("unexpected_message", text);
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
	} else if (!live_open_ || subscription != kLiveSubscription) {
		ignore();
		return refuse("unexpected_subscription", subscription);
	}
	if (sent_.contains(event.id)) {
		if (subscription != page_id_)
			ignore();
		return;
	}
	sent_.insert(event.id);
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
	if (live_open_ && message.subscription == kLiveSubscription) {
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
	shared_.intake.outbox().refuse(relay_id_, reason, wire::printable(detail.substr(0, 100)));
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

} // namespace net
