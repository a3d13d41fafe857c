/*
 * The tags of stored events, read off the binary jsonb: indexes and scans do this for every row, so
 * it allocates nothing and takes whatever is no tag for none. (TagReader in tags.h sees all items
 * and is strict.)
 */
#pragma once

#include "nostr/filter.h"

#include "pg/compat.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace archive {

/*
 * Calls visit(name, value) for each tag until it says true; false if it never did. A tag without
 * value has one whose data() is null.
 */
template <class F>
bool
any_tag(const Jsonb *tags, F visit)
{
	const JsonbContainer *all = &tags->root;
	if (!JsonContainerIsArray(all))
		return false;
	uint32_t count = JsonContainerSize(all), offset = 0;
	const char *base = reinterpret_cast<const char *>(&all->children[count]);
	for (uint32_t i = 0; i < count; i++) {
		JEntry entry = all->children[i];
		if (JBE_ISCONTAINER(entry)) {
			auto *tag = reinterpret_cast<const JsonbContainer *>(base + INTALIGN(offset));
			uint32_t items = JsonContainerSize(tag);
			if (JsonContainerIsArray(tag) && items > 0 && JBE_ISSTRING(tag->children[0])) {
				std::string_view name(reinterpret_cast<const char *>(&tag->children[items]),
									  getJsonbLength(tag, 0)),
					value;
				if (items > 1 && JBE_ISSTRING(tag->children[1]))
					value = {name.end(), getJsonbLength(tag, 1)};
				if (visit(name, value))
					return true;
			}
		}
		JBE_ADVANCE_OFFSET(offset, entry);
	}
	return false;
}

/* The same for those that filters look at, as nostr::IndexedTag. */
template <class F>
bool
any_indexed_tag(const Jsonb *tags, F visit)
{
	return any_tag(tags, [&](std::string_view name, std::string_view value) {
		return nostr::is_indexed_name(name) && value.data() != nullptr &&
			   visit(nostr::IndexedTag{name[0], value});
	});
}

/* What tells addressable events of one author and kind apart: empty without a d tag, or if the
 * first has no value. */
inline std::string_view
first_d_value(const Jsonb *tags)
{
	std::string_view found;
	any_tag(tags, [&](std::string_view name, std::string_view value) {
		if (name == "d")
			found = value;
		return name == "d";
	});
	return found;
}

} // namespace archive
