/*
 * U+0000 is allowed in an event, but text and tags cannot hold it. In the columns, U+FFFD replaces
 * U+0000, and the exact JSON is stored too.
 */
#pragma once

#include <string>
#include <string_view>

namespace archive {

/* `text` with U+FFFD in place of each NUL byte. */
std::string without_nul(std::string_view text);

/* JSON text with U+FFFD in place of each escape \u0000. A backslash that is itself escaped does not
 * begin an escape. */
std::string without_nul_escapes(std::string_view json);

} // namespace archive
