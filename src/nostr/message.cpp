#include "message.h"

#include <simdjson.h>

#include "elements.h"

namespace nostr {

namespace {

/* NIP-67: an array of hints, or a single string, as some relays send. Other values are ignored. */
bool
read_hints(Elements &elements, RelayMessage &message)
{
	json::Cursor &cursor = elements.cursor();
	auto read_hint = [&] {
		if (cursor.peek() != '"')
			return elements.skip();
		json::String hint;
		if (cursor.string(hint) != Reject::None)
			return false;
		message.more |= json::equals(hint, "more");
		return true;
	};

	if (!elements.next())
		return true;
	if (cursor.peek() != '[')
		return read_hint();
	cursor.take('[');
	if (cursor.take(']'))
		return true;
	do {
		if (!read_hint())
			return false;
	} while (cursor.take(','));
	return cursor.take(']');
}

/* NIP-45: an object such as {"count":12,"approximate":true}. */
bool
read_count(Elements &elements, RelayMessage &message)
{
	json::Cursor &cursor = elements.cursor();
	bool found = false;
	if (!elements.next() || !cursor.take('{') || cursor.take('}'))
		return false;
	do {
		json::String name;
		if (cursor.string(name) != Reject::None || !cursor.take(':'))
			return false;
		bool good;
		if (json::equals(name, "count"))
			found = good = cursor.integer(UINT64_MAX, message.count);
		else if (json::equals(name, "approximate"))
			good = cursor.boolean(message.approximate);
		else
			good = elements.skip();
		if (!good)
			return false;
	} while (cursor.take(','));
	return cursor.take('}') && found;
}

bool
read_ok(Elements &elements, RelayMessage &message)
{
	std::string id;
	return elements.read_string(id, 65) &&
		   from_hex(id, message.event.id.data(), message.event.id.size()) && elements.next() &&
		   elements.cursor().boolean(message.accepted) && elements.read_text(message.text);
}

/* A challenge must be sent back unchanged, so it is not cut. */
bool
read_challenge(Elements &elements, std::string &out)
{
	return elements.read_string(out, Elements::kTextBytes + 1) &&
		   out.size() <= Elements::kTextBytes;
}

MessageType
message_type(const json::String &verb)
{
	static constexpr std::pair<std::string_view, MessageType> types[] = {
		{"EVENT", MessageType::Event},   {"EOSE", MessageType::Eose},
		{"CLOSED", MessageType::Closed}, {"NOTICE", MessageType::Notice},
		{"OK", MessageType::Ok},         {"AUTH", MessageType::Auth},
		{"COUNT", MessageType::Count},   {"NEG-MSG", MessageType::NegMsg},
		{"NEG-ERR", MessageType::NegErr}};
	return json::look_up(verb, types, MessageType::Unknown);
}

/* Reads the rest of any message except EVENT. */
bool
read_message(Elements &elements, RelayMessage &message)
{
	switch (message.type) {
	case MessageType::Eose:
		return elements.read_subscription(message.subscription) && read_hints(elements, message);
	case MessageType::Closed:
	case MessageType::NegErr:
		return elements.read_subscription(message.subscription) && elements.read_text(message.text);
	case MessageType::Notice:
		return elements.read_text(message.text);
	case MessageType::Ok:
		return read_ok(elements, message);
	case MessageType::Auth:
		return read_challenge(elements, message.text);
	case MessageType::Count:
		return elements.read_subscription(message.subscription) && read_count(elements, message);
	case MessageType::NegMsg:
		return elements.read_subscription(message.subscription) &&
			   elements.read_hex_bytes(message.text);
	case MessageType::Event:
	case MessageType::Unknown:
		break;
	}
	return true;
}

} // namespace

Reject
MessageParser::parse(std::string_view frame, RelayMessage &message)
{
	message.type = MessageType::Unknown;
	message.subscription.clear();
	message.text.clear();
	message.accepted = message.approximate = message.more = false;
	message.count = 0;

	if (!simdjson::validate_utf8(frame.data(), frame.size()))
		return Reject::BadUtf8;
	Elements elements(frame, events_.limits_);
	json::String verb;
	if (!elements.read_verb(verb))
		return elements.fault();
	message.type = message_type(verb);
	if (message.type == MessageType::Event) {
		if (!elements.read_subscription(message.subscription)) {
			message.subscription.clear();
			return elements.fault();
		}
		return elements.read_event_and_finish(events_.scratch_, message.event);
	}
	return read_message(elements, message) && elements.finish() ? Reject::None : elements.fault();
}

std::optional<int64_t>
peek_created_at(std::string_view frame)
{
	json::Cursor cursor(frame);
	json::String name;
	if (cursor.take('[')) {
		for (int before_event = 0; before_event < 2; before_event++)
			if (cursor.string(name) != Reject::None || !cursor.take(','))
				return {};
	}
	if (!cursor.take('{'))
		return {};
	std::optional<int64_t> found;
	do {
		if (cursor.string(name) != Reject::None || !cursor.take(':'))
			return found;
		if (!json::equals(name, "created_at")) {
			if (cursor.skip(Limits{}.depth) != Reject::None)
				return found;
			continue;
		}
		uint64_t seconds;
		/* A second created_at: it is unknown which of them the relay sorts by. */
		if (found || !cursor.integer(INT64_MAX, seconds))
			return {};
		found = static_cast<int64_t>(seconds);
	} while (cursor.take(','));
	return found;
}

} // namespace nostr
