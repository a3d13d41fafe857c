/* Any bytes as one event: what is accepted must have its id and come back from its own JSON. */
#include "nostr/event.h"

#include <cstdlib>

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static nostr::EventParser parser;
	static nostr::Event event, again;
	std::string_view json(reinterpret_cast<const char *>(data), size);
	if (parser.parse(json, event) != nostr::Reject::None)
		return 0;
	if (nostr::compute_id(event) != event.id)
		abort();
	std::string text = nostr::to_json(event);
	if (parser.parse(text, again) != nostr::Reject::None || nostr::to_json(again) != text ||
		again.content != event.content || again.has_nul != event.has_nul)
		abort();
	return 0;
}
