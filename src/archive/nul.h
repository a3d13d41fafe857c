/*
 * U+0000 is legal in an event, but neither text nor tags can hold it: U+FFFD stands for it in the
 * columns, and the exact JSON is kept beside them.
 */
#pragma once

#include <string>
#include <string_view>

namespace archive {

/* `text` with U+FFFD for each NUL byte. */
std::string without_nul(std::string_view text);

/* JSON text with U+FFFD for each escape \u0000 (a backslash that is itself escaped does not begin
 * one). */
std::string without_nul_escapes(std::string_view json);

} // namespace archive
