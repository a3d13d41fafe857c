/* Times in Nostr's form, as Unix seconds. */
#pragma once

#include <cstdint>

#include "pg/border/compat.h"

extern "C" {
#include "access/xact.h"
#include "utils/timestamp.h"
}

namespace pg {

/* The time at which the transaction began. */
inline int64_t
transaction_time()
{
	return GetCurrentTransactionStartTimestamp() / USECS_PER_SEC +
		   static_cast<int64_t>(POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * SECS_PER_DAY;
}

} // namespace pg
