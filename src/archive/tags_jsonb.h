/*
 * Tags as jsonb, written directly in its binary form: a quarter of what jsonb_in() takes, and the
 * same bytes (a test compares them).
 */
#pragma once

#include <string_view>
#include <vector>

#include "nostr/json.h"

#include "pg/error.h"

namespace archive {

class TagsWriter
{
  public:
	/*
	 * `json`: valid UTF-8. Palloc'd in the current memory context. What is no array of arrays of
	 * strings is left to jsonb_in(): throws pg::Error for what that refuses.
	 */
	Datum write(std::string_view json);

  private:
	bool read(std::string_view json);

	std::vector<nostr::json::String> strings_;
	std::vector<uint32_t> counts_; // of strings, for each tag
	std::string scratch_;
};

} // namespace archive
