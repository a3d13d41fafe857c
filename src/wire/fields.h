/* Fields that several messages have, and their limits. */
#pragma once

#include "codec.h"

namespace wire {

constexpr size_t kMaxUrl = 2048;  // bytes
constexpr size_t kMaxPath = 4096; // bytes

inline void
relay_id_field(auto &c, auto &relay_id)
{
	c.number(relay_id, 1, INT32_MAX, "relay id out of range");
}

/* Inclusive Unix seconds. */
inline void
range_fields(auto &c, auto &range)
{
	c.number(range.lower);
	c.number(range.upper);
	c.demand([&] { return range.lower >= 0 && range.lower <= range.upper; },
			 "time range out of order");
}

} // namespace wire
