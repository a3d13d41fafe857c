/*
 * Errors of functions that parse users' input: the message has a reason code, the detail a
 * sentence, and the hint names the function that returns the reason instead of an error.
 */
#pragma once

#include <algorithm>
#include <array>
#include <string_view>

#include "nostr/event.h"
#include "pg/border/error.h"

namespace archive {

/* A sentence about a reason code; empty if the code is unknown. */
std::string explanation(std::string_view reason);

/* Raises "invalid <what>: <reason>" with SQLSTATE 22P02. */
[[noreturn]] void refuse(const char *what, const char *reason, const char *reason_function);

[[noreturn]] void refuse_event(nostr::Reject reason);

/* The bytes of a bytea argument. Its size must be `size`, otherwise SQLSTATE 22023 is raised. */
std::string_view bytes_argument(Datum datum, const char *name, size_t size);

template <size_t N>
std::array<uint8_t, N>
array_argument(Datum datum, const char *name)
{
	std::array<uint8_t, N> out;
	std::string_view bytes = bytes_argument(datum, name, N);
	std::copy(bytes.begin(), bytes.end(), out.begin());
	return out;
}

/* The result of a function that returns a reason: NULL if `reason` is null. May raise an ERROR. */
Datum reason_result(FunctionCallInfo fcinfo, const char *reason);

} // namespace archive
