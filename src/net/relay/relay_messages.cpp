/* Gives each message of a relay to the handler of its subscription. */
#include <algorithm>

#include <simdjson.h>

#include "net/relay/relay_client.h"
#include "nostr/negentropy.h"

namespace net {

void
RelayClient::on_message(std::string_view text)
{
	heartbeat_.alive(now());
	host_.messages++;
	dispatch(text);
	owner_.on_handled();
}

void
RelayClient::dispatch(std::string_view text)
{
	nostr::Reject reason = host_.parser.parse(text, host_.message);
	if (reason != nostr::Reject::None)
		return on_unreadable(reason, text);
	switch (host_.message.type) {
	case nostr::MessageType::Event:
		return on_event(text);
	case nostr::MessageType::Eose:
		return on_end_of_stored();
	case nostr::MessageType::Closed:
		return on_subscription_closed();
	case nostr::MessageType::Notice:
		return on_notice();
	case nostr::MessageType::NegMsg:
		return on_neg_message();
	case nostr::MessageType::NegErr:
		return on_neg_error();
	case nostr::MessageType::Auth:
		owner_.on_auth(host_.message.text);
		return owner_.on_ignored();
	case nostr::MessageType::Ok:
		return on_ok();
	case nostr::MessageType::Unknown:
		return owner_.on_ignored();
	default:
		return owner_.on_refused("unexpected_message", text);
	}
}

static bool
inside(const nostr::Window &window, int64_t created_at)
{
	return created_at >= window.since.value_or(0) && created_at <= window.until.value_or(INT64_MAX);
}

void
RelayClient::on_event(std::string_view text)
{
	nostr::Event &event = host_.message.event;
	const std::string &subscription = host_.message.subscription;
	if (Requests::Handler *handler = requests_.find(subscription))
		return handler->on_event(event, text);
	const Requests::Closed *closed = requests_.closed_lately(subscription);
	if (closed && inside(closed->window, event.created_at))
		return owner_.on_late_event(event, subscription);
	owner_.on_ignored();
	if (closed && event.created_at < closed->window.since.value_or(0))
		return; /* the relay ignored `since` of the subscription */
	if (closed)
		return owner_.on_refused("outside_window", text);
	if (!requests_.was_open(subscription))
		owner_.on_stray();
	/* Other subscriptions are answered, so this alone does not end the connection. */
	owner_.on_not_taken("unexpected_subscription", subscription);
}

void
RelayClient::on_end_of_stored()
{
	if (Requests::Handler *handler = requests_.find(host_.message.subscription))
		handler->on_end_of_stored(host_.message.more);
	else
		owner_.on_ignored();
}

void
RelayClient::on_subscription_closed()
{
	const nostr::RelayMessage &message = host_.message;
	if (Requests::Handler *handler = requests_.find(message.subscription)) {
		requests_.close(message.subscription);
		handler->on_closed(message.text);
	} else {
		owner_.on_ignored();
	}
}

void
RelayClient::on_neg_message()
{
	std::string &digits = host_.message.text;
	std::transform(digits.begin(), digits.end(), digits.begin(),
				   [](char c) { return c >= 'A' && c <= 'F' ? char(c + 32) : c; });
	std::string bytes(digits.size() / 2, '\0');
	nostr::from_hex(digits, reinterpret_cast<uint8_t *>(bytes.data()), bytes.size());
	/* Malformed messages are counted even if their subscription is unknown. */
	nostr::negentropy::RecordSet none;
	none.seal();
	std::string reply;
	nostr::negentropy::Fault fault =
		nostr::negentropy::Client(none, 0, SIZE_MAX).read(bytes, reply);
	if (fault != nostr::negentropy::Fault::None)
		owner_.on_refused("bad_neg_msg", nostr::negentropy::fault_text(fault));
	if (Requests::Handler *handler = requests_.find(host_.message.subscription))
		handler->on_neg_message(bytes);
	else
		owner_.on_ignored();
}

void
RelayClient::on_neg_error()
{
	const nostr::RelayMessage &message = host_.message;
	Requests::Handler *handler = requests_.find(message.subscription);
	if (!handler)
		return owner_.on_ignored();
	requests_.close(message.subscription);
	handler->on_neg_error(message.text);
}

void
RelayClient::on_ok()
{
	const nostr::RelayMessage &message = host_.message;
	if (std::erase(authentications_, message.event.id) == 0)
		return owner_.on_ok(message.event.id, message.accepted, message.text);
	if (message.accepted || authentications_.empty())
		owner_.on_authenticated(message.accepted, message.text);
}

void
RelayClient::on_notice()
{
	const std::string &text = host_.message.text;
	owner_.on_notice(text);
	requests_.for_each([&](Requests::Handler &handler) { handler.on_notice(text); });
	owner_.on_ignored();
}

/* A skipped message was not parsed, so its subscription is unknown and all handlers are told. */
void
RelayClient::on_skipped()
{
	heartbeat_.alive(now());
	host_.messages++;
	requests_.for_each([](Requests::Handler &handler) { handler.on_refused_event(""); });
	owner_.on_not_taken("message_too_large", "");
	owner_.on_handled();
}

/* Whether the message is well-formed and only exceeds our limits. Relays with other limits may
 * store such events. */
static bool
is_policy(nostr::Reject reason)
{
	switch (reason) {
	case nostr::Reject::TooLarge:
	case nostr::Reject::TooManyTags:
	case nostr::Reject::BadKind:
	case nostr::Reject::BadTags:
		return true;
	default:
		return false;
	}
}

void
RelayClient::on_unreadable(nostr::Reject reason, std::string_view text)
{
	const nostr::RelayMessage &message = host_.message;
	const char *code = nostr::reject_code(reason);
	/* A lone surrogate escape is a fault of one event; invalid UTF-8 is a fault of the relay. */
	if (reason == nostr::Reject::TooDeep ||
		(reason == nostr::Reject::BadUtf8 && !simdjson::validate_utf8(text.data(), text.size())))
		return fail(code, text);
	Requests::Handler *handler =
		message.type == nostr::MessageType::Event ? requests_.find(message.subscription) : nullptr;
	if (handler)
		handler->on_refused_event(text);
	else if (message.type != nostr::MessageType::Event || !requests_.was_open(message.subscription))
		owner_.on_stray();
	const bool is_stray = message.type == nostr::MessageType::Event && message.subscription.empty();
	if (is_policy(reason) || is_stray) {
		owner_.on_not_taken(code, text);
		if (!handler)
			ignore();
	} else
		owner_.on_refused(code, text);
}

} // namespace net
