/* How many requests each address may make: a bucket that fills up evenly within a minute. */
#pragma once

#include <map>

#include "net/core/clock.h"
#include "net/serve/addresses.h"

namespace net {

class RateLimits
{
  public:
	static constexpr size_t kMaxAddresses = 100000;

	explicit RateLimits(const Clock &clock) : clock_(clock) {}

	/* 0: no limit. */
	void set(int per_minute) { per_minute_ = per_minute; }
	int per_minute() const { return per_minute_; }

	struct Verdict
	{
		bool allowed = true;
		int remaining = 0; // requests that may follow at once
		int seconds = 0;   // until the bucket is full, or until the next request is allowed
	};
	Verdict take(const Address &address);
	/* Drops the full buckets. */
	void tidy();

  private:
	struct Bucket
	{
		double left;
		Clock::Time at; // when that many were left
	};
	double left(const Bucket &bucket) const;

	const Clock &clock_;
	int per_minute_ = 0;
	std::map<Address, Bucket> buckets_;
};

} // namespace net
