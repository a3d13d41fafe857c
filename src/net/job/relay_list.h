/*
 * Reads a list of relays that a web server sent: either JSON with a path to the names, or text with
 * one name a line, where a line that begins with # is a comment. The database decides whether a
 * name is valid.
 *
 * A path is "$" followed by any number of the steps  .name  ."name"  .*  [*]  [7]. A path means
 * what PostgreSQL's jsonpath means in lax mode: a member of an array is that member of each
 * element, and a value that is no array counts as an array of one. PostgreSQL does not evaluate the
 * path itself, because it would have to parse megabytes of a stranger's JSON; PostgreSQL gets only
 * the names.
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
	uint32_t other_values = 0;      // values at the path that are not strings
	bool cut = false;               // the list has more than `max_names` names
};

/* The caller bounds the size of `text`. An empty path means text with one name a line. */
RelayList read_relay_list(std::string_view text, std::string_view path, size_t max_names);

} // namespace net
