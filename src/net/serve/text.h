/* Functions on text that several parts of the server need. */
#pragma once

#include <string>
#include <string_view>

namespace net {

/* The text without spaces and tabs at its ends. */
std::string_view trimmed(std::string_view text);
/* SHA-256, in hexadecimal digits. */
std::string sha256_hex(std::string_view text);
/* A hash of sixteen hexadecimal digits; the same in every process. */
std::string digest(std::string_view text);

} // namespace net
