/*
 * Tags as jsonb: an array of non-empty arrays of strings (NIP-01). Anything else is an ERROR
 * (22023), so call this from C-like code, or inside pg::call.
 */
#pragma once

#include <string>
#include <string_view>

#include "pg/compat.h"

extern "C" {
#include "utils/jsonb.h"
}

namespace archive {

/* Walks all tags, item by item. The views live as long as the jsonb. */
class TagReader
{
  public:
	explicit TagReader(Jsonb *tags);

	/* Goes to the next tag, leaving out what was not read of this one; false at the end. */
	bool next_tag();
	/* The next item of this tag; false at its end. The first is its name. */
	bool next_item(std::string_view &item);

	/* Goes to the next tag of this name; false if there is none. */
	bool next_named(std::string_view name);

  private:
	JsonbIterator *iterator_;
	bool inside_ = false; // of a tag
};

/* The tags as they stand in the canonical form, appended. */
void append_canonical_tags(Jsonb *tags, std::string &out);

} // namespace archive
