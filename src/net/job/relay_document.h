/*
 * Reads a relay's description of itself (NIP-11). What has a wrong type is left out and named;
 * it does not spoil the rest.
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
		std::string field; // "limitation.max_limit"
		/* "not_a_string", "not_an_integer", "not_a_boolean", "not_an_object", "not_an_array",
		 * "not_a_key", "null", "too_many" */
		const char *fault;
	};

	const char *reason = nullptr; // null: it is an object; else "not_json", "not_an_object",
								  // "too_deep", "too_large", "web_page"
	std::string detail;
	std::string json;           // canonical: sorted keys, no whitespace, U+FFFD for U+0000
	std::string extract;        // the fields of NIP-11 whose type is right, but supported_nips
	std::vector<uint16_t> nips; // supported_nips; ascending, none twice
	std::vector<Fault> faults;
	bool has_nul = false; // there was U+0000
};

/* `text` is bounded by the caller; neither result gets longer than `most` bytes. */
RelayDescription read_relay_document(std::string_view text, size_t most);

} // namespace net
