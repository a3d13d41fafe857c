/* Base64 (RFC 4648). */
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace nostr {

std::string base64(std::string_view bytes);
/* Decodes text with padding. Nothing if the text is not canonical base64. */
std::optional<std::string> base64_decode(std::string_view text);
/* The alphabet for URLs: "-" and "_" instead of "+" and "/", without padding. */
std::string base64_url(std::string_view bytes);
std::optional<std::string> base64_url_decode(std::string_view text);

} // namespace nostr
