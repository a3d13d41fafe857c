/* Base64 (RFC 4648). */
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nostr {

std::string base64(std::string_view bytes);
/* With padding; nothing if the text is not base64 in its only spelling. */
std::optional<std::string> base64_decode(std::string_view text);
/* For URLs: "-" and "_" instead of "+" and "/", without padding. */
std::string base64_url(std::string_view bytes);
std::optional<std::string> base64_url_decode(std::string_view text);

} // namespace nostr
