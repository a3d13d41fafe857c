/* What must hold whatever the fuzzer brings. */
#pragma once

#include <cstdlib>

inline void
require(bool held)
{
	if (!held)
		abort();
}
