/* The target of a request: path and query, decoded (RFC 3986). */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

struct Target
{
	static constexpr size_t kMaxParameters = 50;

	std::vector<std::string> path; // its segments: "/a/b%2Fc" are "a" and "b/c"; "/" is empty
	std::vector<std::pair<std::string, std::string>> query; // in the order of the target
};

/* Nothing if an escape is malformed, text is not UTF-8 or has U+0000, or there are too many
 * parameters. */
std::optional<Target> parse_target(std::string_view target);

/* The text with everything escaped that is not unreserved. */
std::string percent_encode(std::string_view text);

} // namespace net
