#include "workers/synchronizer/quota.h"

#include <algorithm>

static constexpr int64_t kHour = 3600;

void
RelayQuota::count(int32_t relay_id, int64_t events, int64_t now)
{
	Hour &hour = hours_[relay_id];
	if (now - hour.began >= kHour || now < hour.began)
		hour = {.began = now};
	hour.events += events;
}

int64_t
RelayQuota::wait_s(int32_t relay_id, int64_t quota, int64_t now) const
{
	auto hour = hours_.find(relay_id);
	if (quota == 0 || hour == hours_.end() || hour->second.events < quota)
		return 0;
	return std::max<int64_t>(0, hour->second.began + kHour - now);
}
