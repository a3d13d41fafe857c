/*
 * How much each visitor may still ask: buckets of requests, bytes and cost that fill up evenly
 * within a minute.
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

/* Who asks: the holder of a key, otherwise an address. */
struct Visitor
{
	uint32_t key = 0; // 0: none
	Address address{};
};

class Accounts
{
  public:
	static constexpr size_t kMaxAccounts = 100000;

	explicit Accounts(const Clock &clock) : clock_(clock) {}

	/* What of a budget is used up first. */
	struct Verdict
	{
		const char *used_up = nullptr; // "requests", "bytes" or "cost"; null: nothing
		int seconds = 0;               // until something is allowed again
	};
	/* Takes one request. */
	Verdict take(const Visitor &visitor, const wire::Budget &budget);
	/* Takes what an answer has cost. The account may go below zero; then nothing is allowed until
	 * it has filled up again. */
	void charge(const Visitor &visitor, const wire::Budget &budget, int64_t bytes, int64_t cost);
	/* Headers that say so (draft-ietf-httpapi-ratelimit-headers-10). */
	Fields headers(const Visitor &visitor, const wire::Budget &budget);
	/* Visitors that something is kept of. */
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
		Clock::Time at;             // when that was left
	};
	using Holder = std::pair<uint32_t, Address>; // one of them is zeros

	/* Null: the budget has no limit, so that nothing is kept of the visitor. */
	Account *account(const Visitor &visitor, const wire::Budget &budget);
	void tidy();

	const Clock &clock_;
	std::map<Holder, Account> accounts_;
	Clock::Time tidied_{};
};

} // namespace net
