#include "nostr/relay_request.h"

#include <utility>

#include <simdjson.h>

#include "nostr/elements.h"

namespace nostr {

namespace {

ClientMessageType
client_message_type(const json::String &verb)
{
	static constexpr std::pair<std::string_view, ClientMessageType> types[] = {
		{"EVENT", ClientMessageType::Event},    {"REQ", ClientMessageType::Req},
		{"CLOSE", ClientMessageType::Close},    {"AUTH", ClientMessageType::Auth},
		{"COUNT", ClientMessageType::Count},    {"NEG-OPEN", ClientMessageType::NegOpen},
		{"NEG-MSG", ClientMessageType::NegMsg}, {"NEG-CLOSE", ClientMessageType::NegClose}};
	return json::look_up(verb, types, ClientMessageType::Unknown);
}

bool
read_filter(Elements &elements, std::vector<std::string_view> &filters)
{
	if (!elements.next() || elements.cursor().peek() != '{')
		return false;
	const char *begin = elements.cursor().position();
	if (!elements.skip())
		return false;
	filters.emplace_back(begin, elements.cursor().position() - begin);
	return true;
}

/* Reads one or more filters, up to the end of the message. */
bool
read_filters(Elements &elements, std::vector<std::string_view> &filters)
{
	do {
		if (!read_filter(elements, filters))
			return false;
	} while (elements.cursor().peek() == ',');
	return true;
}

bool
read_client_message(Elements &elements, ClientMessage &message)
{
	switch (message.type) {
	case ClientMessageType::Req:
	case ClientMessageType::Count:
		return elements.read_subscription(message.subscription) &&
			   read_filters(elements, message.filters);
	case ClientMessageType::Close:
	case ClientMessageType::NegClose:
		return elements.read_subscription(message.subscription);
	case ClientMessageType::NegOpen:
		return elements.read_subscription(message.subscription) &&
			   read_filter(elements, message.filters) && elements.read_hex_bytes(message.payload);
	case ClientMessageType::NegMsg:
		return elements.read_subscription(message.subscription) &&
			   elements.read_hex_bytes(message.payload);
	case ClientMessageType::Event:
	case ClientMessageType::Auth:
	case ClientMessageType::Unknown:
		break;
	}
	return true;
}

} // namespace

Reject
parse_client_message(std::string_view frame, ClientMessage &message, Limits limits)
{
	message.type = ClientMessageType::Unknown;
	message.subscription.clear();
	message.filters.clear();
	message.payload.clear();

	if (!simdjson::validate_utf8(frame.data(), frame.size()))
		return Reject::BadUtf8;
	Elements elements(frame, limits);
	json::String verb;
	if (!elements.read_verb(verb))
		return elements.fault();
	message.type = client_message_type(verb);
	if (message.type == ClientMessageType::Event || message.type == ClientMessageType::Auth) {
		std::string scratch;
		return elements.read_event_and_finish(scratch, message.event);
	}
	return read_client_message(elements, message) && elements.finish() ? Reject::None
																	   : elements.fault();
}

} // namespace nostr
