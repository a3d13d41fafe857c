/* Any bytes as packed tags, which are read within their bounds, and as tags in JSON: what is packed
 * comes back in the canonical form, which packs into the same bytes. */
#include "nostr/packed_tags.h"

#include <cstdlib>

#include "nostr/filter.h"

namespace {

bool
pack(std::string_view json, std::string &out)
{
	out.resize(nostr::packed_size_bound(json.size()));
	size_t size;
	if (nostr::pack_tags(json, out.data(), size) != nostr::TagsFault::None)
		return false;
	if (size > out.size())
		abort();
	out.resize(size);
	return true;
}

} // namespace

extern "C" int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static std::string json, packed, again;
	std::string_view bytes(reinterpret_cast<const char *>(data), size);
	json.clear();
	nostr::append_tags_json(bytes, json);

	nostr::TagReader reader(bytes);
	nostr::PackedItem item;
	while (reader.next_tag())
		if (reader.next_item(item))
			nostr::tag_key('e', item);

	if (!pack(bytes, packed))
		return 0;
	json.clear();
	if (!nostr::append_tags_json(packed, json) || !pack(json, again) || again != packed)
		abort();
	return 0;
}
