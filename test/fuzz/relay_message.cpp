/*
 * Any bytes as a frame. To get behind the id check, which no fuzzer guesses, an event that is only
 * refused for its id is put back into the frame with the right one.
 */
#include "nostr/relay_request.h"
#include "require.h"

using nostr::MessageType;
using nostr::Reject;

namespace {

void
check_event(const nostr::RelayMessage &message, nostr::MessageParser &parser)
{
	static nostr::RelayMessage again;
	nostr::Event event = message.event;
	event.id = nostr::compute_id(event);
	std::string frame = "[\"EVENT\",";
	nostr::append_json_string(message.subscription, frame);
	frame += ',' + nostr::to_json(event) + ']';
	Reject reason = parser.parse(frame, again);
	if (reason == Reject::TooLarge) // its shortest spelling may be longer than what came
		return;
	require(reason == Reject::None && again.subscription == message.subscription);
	require(again.event.content == event.content && again.event.tags == event.tags);
	require(again.event.has_nul == event.has_nul);
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static nostr::MessageParser parser;
	static nostr::RelayMessage message;
	static nostr::ClientMessage client;
	std::string_view frame(reinterpret_cast<const char *>(data), size);

	Reject reason = parser.parse(frame, message);
	if (message.type == MessageType::Event &&
		(reason == Reject::None || reason == Reject::IdMismatch))
		check_event(message, parser);
	if (reason == Reject::None) {
		if (message.type == MessageType::Event)
			require(nostr::compute_id(message.event) == message.event.id);
		if (message.type != MessageType::NegMsg)
			require(message.text.size() <= 1000);
		require(message.subscription.size() <= 256);
	}

	reason = nostr::parse_client_message(frame, client);
	if (reason == Reject::None && client.type == nostr::ClientMessageType::Event)
		require(nostr::compute_id(client.event) == client.event.id);
	return 0;
}
