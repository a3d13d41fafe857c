/*
 * How much each visitor may still ask: an account has buckets of requests, bytes and cost, which
 * fill up evenly within a minute.
 */
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <utility>

#include "net/core/clock.h"
#include "net/serve/addresses.h"
#include "wire/serve.h"

namespace net {

/* The sender of a request: the holder of a key, otherwise an address. */
struct Visitor
{
	uint32_t key = 0; // 0: none
	Address address{};
};

using Holder = std::pair<uint32_t, Address>; // key and counted address; one of them is zero
Holder holder_of(const Visitor &visitor);

/* What each visitor holds of something that all visitors share. */
class Holdings
{
  public:
	int64_t of(const Visitor &visitor) const;
	/* `number` is negative if the visitor gives something back. */
	void add(const Visitor &visitor, int64_t number);

  private:
	std::map<Holder, int64_t> held_; // without zeros
};

class Accounts
{
  public:
	static constexpr size_t kMaxAccounts = 100000;

	explicit Accounts(const Clock &clock) : clock_(clock) {}

	/* The bucket that is used up first. */
	struct Verdict
	{
		const char *used_up = nullptr; // "requests", "bytes" or "cost"; null: nothing
		int seconds = 0;               // until the next request is allowed
	};
	/* Takes one request. */
	Verdict take(const Visitor &visitor, const wire::VisitorBudget &budget);
	/* Subtracts the cost of an answer. The account may become negative; then nothing is allowed
	 * until it has filled up again. */
	void charge(const Visitor &visitor, const wire::VisitorBudget &budget, int64_t bytes,
				int64_t cost);
	/* The headers RateLimit-Policy and RateLimit (draft-ietf-httpapi-ratelimit-headers-10). */
	Fields headers(const Visitor &visitor, const wire::VisitorBudget &budget);
	/* Number of accounts. */
	size_t size() const { return accounts_.size(); }

  private:
	enum Bucket : size_t
	{
		kRequests,
		kBytes,
		kCost,
	};
	struct Account
	{
		std::array<double, 3> left; // by Bucket
		Clock::Time at;             // time of these values
	};
	/* Null if the budget has no limits, so that the visitor needs no account. */
	Account *account(const Visitor &visitor, const wire::VisitorBudget &budget);
	void tidy();

	const Clock &clock_;
	std::map<Holder, Account> accounts_;
	Clock::Time tidied_{};
};

} // namespace net
