/* Any bytes as tags and content of an event of any kind: what is found is bounded, is there once,
 * and is what the normaliser makes of it. The first two bytes are the kind; then come the length of
 * the tags and the tags, as JSON or packed, and the rest is the content. */
#include "nostr/relay_mentions.h"

#include <simdjson.h>

#include <cstdlib>
#include <set>

#include "nostr/packed_tags.h"

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static nostr::RelayMentions finder;
	if (size < 4)
		return 0;
	std::string_view bytes(reinterpret_cast<const char *>(data), size);
	int32_t kind = data[0] << 8 | data[1];
	size_t length = static_cast<size_t>(data[2]) << 8 | data[3];
	std::string_view tags = bytes.substr(4, length);
	std::string_view content = bytes.substr(4 + tags.size());
	if (!simdjson::validate_utf8(content.data(), content.size()))
		content = {};
	std::string packed(nostr::packed_size_bound(tags.size()), '\0');
	size_t packed_size;
	if (simdjson::validate_utf8(tags.data(), tags.size()) &&
		nostr::pack_tags(tags, packed.data(), packed_size) == nostr::TagsFault::None)
		tags = std::string_view(packed).substr(0, packed_size);

	std::set<std::pair<nostr::MentionPlace, std::string>> seen;
	auto mentions = finder.of(kind, tags, content);
	if (mentions.size() > nostr::RelayMentions::kMostMentions)
		abort();
	for (const nostr::RelayMention &mention : mentions) {
		const nostr::RelayUrl &relay = mention.relay;
		if (relay.ok() && nostr::normalise_relay_url(relay.url).url != relay.url)
			abort();
		if (relay.ok() != mention.name.empty() ||
			!seen.emplace(mention.place, relay.ok() ? relay.url : "!" + mention.name).second)
			abort();
	}
	return 0;
}
