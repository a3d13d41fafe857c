/*
 * Values of type bigbrotr.tags: a varlena of packed tags (nostr/packed_tags.h). Indexes and scans
 * read a value for every row, so reading allocates no memory.
 */
#pragma once

#include <string>
#include <string_view>

#include "nostr/filter.h"

#include "bytes.h"

namespace archive {

/* Oid of the type. The type is in the schema of the table with the column. May raise an ERROR. */
Oid tags_type(Oid schema);

/*
 * Packs tags given as JSON (valid UTF-8) into a palloc'd value. Throws pg::Error: 22P02 for invalid
 * JSON, 22023 for JSON that does not have the form of tags (NIP-01).
 */
Datum packed_tags(std::string_view json);

/* Appends the tags in the canonical form. Throws pg::Error. */
void append_tags_json(Datum tags, std::string &out);

/* ---- The functions below may raise an ERROR, also if the bytes are not packed tags. */

/* Valid as long as the memory context of the call. */
inline std::string_view
tags_view(Datum datum)
{
	return view(PG_DETOAST_DATUM_PACKED(datum));
}

[[noreturn]] void refuse_corrupt_tags();

/*
 * Calls visit(name, value) for each tag until it returns true; returns false if it never does. If a
 * tag has no value, value.bytes.data() is nullptr.
 */
template <class F>
bool
any_tag(std::string_view tags, F visit)
{
	nostr::TagReader reader(tags);
	while (reader.next_tag()) {
		nostr::PackedItem name, value;
		if (reader.next_item(name)) {
			reader.next_item(value);
			if (visit(name, value))
				return true;
		}
	}
	if (reader.corrupt())
		refuse_corrupt_tags();
	return false;
}

/* Calls visit(letter, value) for each tag that filters can match. */
template <class F>
bool
any_indexed_tag(std::string_view tags, F visit)
{
	return any_tag(tags, [&](const nostr::PackedItem &name, const nostr::PackedItem &value) {
		return nostr::is_indexed_name(name.bytes) && value.bytes.data() != nullptr &&
			   visit(name.bytes[0], value);
	});
}

/* Upper bound of the number of indexed tags, because each takes at least four bytes. */
inline size_t
most_indexed_tags(std::string_view tags)
{
	return tags.size() / 4;
}

/* Finds the value of the first tag with this name; false if there is none or it has no value. */
inline bool
first_value(std::string_view tags, const nostr::PackedItem &name, nostr::PackedItem &found)
{
	found = {};
	any_tag(tags, [&](const nostr::PackedItem &this_name, const nostr::PackedItem &value) {
		bool here = this_name == name;
		if (here)
			found = value;
		return here;
	});
	return found.bytes.data() != nullptr;
}

} // namespace archive
