/* The target of a request: path and query, decoded (RFC 3986). */
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace net {

struct RequestTarget
{
	static constexpr size_t kMaxParameters = 50;

	std::vector<std::string> path; // segments: "/a/b%2Fc" gives "a" and "b/c"; "/" gives none
	std::vector<std::pair<std::string, std::string>> query; // in the order of the target
};

/* Nothing if an escape is malformed, if the text is not UTF-8 or has U+0000, or if there are too
 * many parameters. */
std::optional<RequestTarget> parse_target(std::string_view target);

/* Escapes all characters but the unreserved ones. */
std::string percent_encode(std::string_view text);

} // namespace net
