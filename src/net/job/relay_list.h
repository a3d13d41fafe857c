/*
 * Reads a list of relays that a web server sent: JSON and a path to the names in it, or text with
 * one name a line, where # begins a comment line. What a name is worth is judged by the database.
 *
 * A path is "$" and then any of  .name  ."name"  .*  [*]  [7]  one after the other. It means what
 * it means to PostgreSQL's jsonpath in its lax mode: a member of an array is that of its elements,
 * and what is no array counts as an array of one. PostgreSQL does not evaluate it because it would
 * have to parse megabytes of a stranger for that; so it gets the names and nothing else.
 */
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace net {

struct RelayList
{
	const char *reason = nullptr; // null: it was read; else "web_page", "bad_charset", "not_json",
								  // "too_deep", "too_many_values", "bad_path"
	std::string detail;
	std::vector<std::string> names; // UTF-8 without U+0000, at most wire::kMaxListName bytes each
	uint32_t other_values = 0;      // that the path leads to and that are no strings
	bool cut = false;               // there were more names than `max_names`
};

/* `text` is bounded by the caller. An empty path: one name a line. */
RelayList read_relay_list(std::string_view text, std::string_view path, size_t max_names);

} // namespace net
