/*
 * When something that failed is started again: a worker by the launcher, a net process by its
 * worker.
 */
#pragma once

#include <algorithm>
#include <chrono>

#include "pg/cycle/settings.h"

namespace pg {

inline constexpr std::chrono::milliseconds kMaxBackOff = std::chrono::minutes{5};

/* After running for so long, a failure counts as the first one again. */
inline constexpr std::chrono::milliseconds kHealthyRun = std::chrono::seconds{60};

/* The delay after a failure that was preceded by `failures` others. */
inline std::chrono::milliseconds
back_off(int failures)
{
	std::chrono::milliseconds delay{settings::restart_delay_ms};
	while (failures-- > 0 && delay < kMaxBackOff)
		delay *= 2;
	return std::min(delay, kMaxBackOff);
}

} // namespace pg
