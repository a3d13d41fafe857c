/*
 * Reads a relay's description of itself (NIP-11). A field with a wrong type is recorded as a fault;
 * the document is kept as it is.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace net {

struct RelayDescription
{
	struct Fault
	{
		std::string field; // name of the field: "limitation.max_limit"
		/* "not_a_string", "not_an_integer", "not_a_boolean", "not_an_object", "not_an_array",
		 * "not_a_key", "null" */
		const char *fault;
	};

	const char *reason = nullptr; // null: it is an object; else "not_json", "not_an_object",
								  // "too_deep", "too_large", "web_page"
	std::string detail;
	std::string json; // canonical: sorted keys, no whitespace, U+FFFD for U+0000
	std::vector<Fault> faults;
};

/* The caller bounds the size of `text`. `json` is at most `most` bytes long. */
RelayDescription read_relay_document(std::string_view text, size_t most);

} // namespace net
