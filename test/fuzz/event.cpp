/* Any bytes as one event: what is accepted must have its id and come back from its own JSON, and
 * its tags from their packed form. */
#include "nostr/event.h"

#include <cstdlib>

#include "nostr/packed_tags.h"

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
	if (!event.has_nul) {
		static std::string packed, tags;
		packed.resize(nostr::packed_size_bound(event.tags.size()));
		size_t bytes;
		if (nostr::pack_tags(event.tags, packed.data(), bytes) != nostr::TagsFault::None)
			abort();
		tags.clear();
		if (!nostr::append_tags_json({packed.data(), bytes}, tags) || tags != event.tags)
			abort();
	}
	return 0;
}
