#include "elements.h"
#include "message.h"

#include <simdjson.h>

namespace nostr {

namespace {

ClientMessageType
client_message_type(const json::String &verb)
{
	static constexpr struct
	{
		std::string_view verb;
		ClientMessageType type;
	} types[] = {
		{"EVENT", ClientMessageType::Event},    {"REQ", ClientMessageType::Req},
		{"CLOSE", ClientMessageType::Close},    {"AUTH", ClientMessageType::Auth},
		{"COUNT", ClientMessageType::Count},    {"NEG-OPEN", ClientMessageType::NegOpen},
		{"NEG-MSG", ClientMessageType::NegMsg}, {"NEG-CLOSE", ClientMessageType::NegClose}};
	for (const auto &known : types)
		if (json::equals(verb, known.verb))
			return known.type;
	return ClientMessageType::Unknown;
}

/* One or more filters, up to the end of the message. */
bool
read_filters(Elements &elements, int &filters)
{
	do {
		if (!elements.skip_object())
			return false;
		filters++;
	} while (elements.cursor().peek() == ',');
	return true;
}

bool
read_client_message(Elements &elements, ClientMessage &message)
{
	std::string payload;
	switch (message.type) {
	case ClientMessageType::Req:
	case ClientMessageType::Count:
		return elements.read_subscription(message.subscription) &&
			   read_filters(elements, message.filters);
	case ClientMessageType::Close:
	case ClientMessageType::NegClose:
		return elements.read_subscription(message.subscription);
	case ClientMessageType::NegOpen:
		return elements.read_subscription(message.subscription) && elements.skip_object() &&
			   elements.read_hex_bytes(payload);
	case ClientMessageType::NegMsg:
		return elements.read_subscription(message.subscription) && elements.read_hex_bytes(payload);
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
	message.filters = 0;

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

std::string_view
reason_prefix(std::string_view text)
{
	size_t end = text.find_first_not_of("abcdefghijklmnopqrstuvwxyz-");
	if (end == text.npos || text[end] != ':')
		return {};
	return text.substr(0, end);
}

std::string
req_message(std::string_view subscription, const Window &window)
{
	std::string out = "[\"REQ\",";
	append_json_string(subscription, out);
	out += ",{";
	auto add = [&out](const char *name, int64_t value) {
		if (out.back() != '{')
			out += ',';
		out += '"';
		out += name;
		out += "\":";
		out += std::to_string(value);
	};
	if (window.since)
		add("since", *window.since);
	if (window.until)
		add("until", *window.until);
	if (window.limit)
		add("limit", *window.limit);
	out += "}]";
	return out;
}

std::string
close_message(std::string_view subscription)
{
	std::string out = "[\"CLOSE\",";
	append_json_string(subscription, out);
	out += ']';
	return out;
}

} // namespace nostr
