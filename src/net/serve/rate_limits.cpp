#include "net/serve/rate_limits.h"

#include <algorithm>
#include <cmath>

namespace net {

double
RateLimits::left(const Bucket &bucket) const
{
	const std::chrono::duration<double> passed = clock_.now() - bucket.at;
	return std::min<double>(per_minute_, bucket.left + passed.count() * per_minute_ / 60);
}

RateLimits::Verdict
RateLimits::take(const Address &address)
{
	if (per_minute_ == 0)
		return {};
	if (buckets_.size() >= kMaxAddresses && !buckets_.contains(counted_address(address)))
		tidy();
	/* Where so many addresses come that nobody can be told apart, all others share one bucket. */
	const bool crowded =
		buckets_.size() >= kMaxAddresses && !buckets_.contains(counted_address(address));
	auto [found, fresh] = buckets_.try_emplace(crowded ? Address{} : counted_address(address),
											   Bucket{double(per_minute_), clock_.now()});
	Bucket &bucket = found->second;
	const double there = left(bucket);
	const double per_second = per_minute_ / 60.0;
	if (there < 1)
		return {.allowed = false,
				.remaining = 0,
				.seconds = std::max(1, int(std::ceil((1 - there) / per_second)))};
	bucket = {there - 1, clock_.now()};
	return {.allowed = true,
			.remaining = int(bucket.left),
			.seconds = int(std::ceil((per_minute_ - bucket.left) / per_second))};
}

void
RateLimits::tidy()
{
	std::erase_if(buckets_, [&](auto &item) { return left(item.second) >= per_minute_; });
}

} // namespace net
