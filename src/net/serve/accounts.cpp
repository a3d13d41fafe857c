#include "net/serve/accounts.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace net {
namespace {

using namespace std::chrono_literals;

constexpr double kKilobyte = 1024;
constexpr double kFull = std::numeric_limits<double>::infinity(); // no limit: it is never used up

/* One bucket of a budget. */
struct Limit
{
	const char *name, *parameters; // as the header RateLimit-Policy names them
	double per_minute;             // 0: no limit
	double least;                  // that one more request needs
};

std::array<Limit, 3>
limits_of(const wire::VisitorBudget &budget)
{
	return {Limit{"requests", "", double(budget.requests_per_minute), 1},
			Limit{"bytes", ";qu=\"content-bytes\"", budget.kilobytes_per_minute * kKilobyte, 1},
			Limit{"cost", ";qu=\"planner-cost\"", double(budget.cost_per_minute), 1}};
}

/* Seconds until the bucket holds `wanted`; at most a day. */
int
seconds_until(const Limit &limit, double left, double wanted)
{
	constexpr double kDay = 86400;
	return int(std::min(std::ceil((wanted - left) * 60 / limit.per_minute), kDay));
}

} // namespace

Holder
holder_of(const Visitor &visitor)
{
	return {visitor.key, visitor.key ? Address{} : counted_address(visitor.address)};
}

int64_t
Holdings::of(const Visitor &visitor) const
{
	auto found = held_.find(holder_of(visitor));
	return found == held_.end() ? 0 : found->second;
}

void
Holdings::add(const Visitor &visitor, int64_t number)
{
	auto found = held_.try_emplace(holder_of(visitor), 0).first;
	found->second += number;
	if (found->second == 0)
		held_.erase(found);
}

Accounts::Account *
Accounts::account(const Visitor &visitor, const wire::VisitorBudget &budget)
{
	const auto limits = limits_of(budget);
	if (std::ranges::all_of(limits, [](const Limit &limit) { return limit.per_minute == 0; }))
		return nullptr;
	Holder holder = holder_of(visitor);
	if (accounts_.size() >= kMaxAccounts && !accounts_.contains(holder))
		tidy();
	/* If the table is full, new visitors share one account, because they cannot be told apart. */
	if (accounts_.size() >= kMaxAccounts && !accounts_.contains(holder))
		holder = {};
	const auto now = clock_.now();
	Account &account =
		accounts_.try_emplace(holder, Account{.left = {kFull, kFull, kFull}, .at = now})
			.first->second;
	const double minutes = std::chrono::duration<double>(now - account.at).count() / 60;
	for (size_t i = 0; i < limits.size(); i++) {
		const double most = limits[i].per_minute;
		account.left[i] = most > 0 ? std::min(most, account.left[i] + minutes * most) : kFull;
	}
	account.at = now;
	return &account;
}

Accounts::Verdict
Accounts::take(const Visitor &visitor, const wire::VisitorBudget &budget)
{
	Account *account = this->account(visitor, budget);
	if (!account)
		return {};
	const auto limits = limits_of(budget);
	for (size_t i = 0; i < limits.size(); i++)
		if (account->left[i] < limits[i].least)
			return {.used_up = limits[i].name,
					.seconds =
						std::max(1, seconds_until(limits[i], account->left[i], limits[i].least))};
	account->left[kRequests]--;
	return {};
}

void
Accounts::charge(const Visitor &visitor, const wire::VisitorBudget &budget, int64_t bytes,
				 int64_t cost)
{
	Account *account = this->account(visitor, budget);
	if (!account)
		return;
	account->left[kBytes] -= double(bytes);
	account->left[kCost] -= double(cost);
}

Fields
Accounts::headers(const Visitor &visitor, const wire::VisitorBudget &budget)
{
	const Account *account = this->account(visitor, budget);
	if (!account)
		return {};
	const auto limits = limits_of(budget);
	std::string policy, state;
	for (size_t i = 0; i < limits.size(); i++) {
		const Limit &limit = limits[i];
		if (limit.per_minute == 0)
			continue;
		const std::string name = (policy.empty() ? "\"" : ", \"") + std::string(limit.name) + "\"";
		policy +=
			name + ";q=" + std::to_string(int64_t(limit.per_minute)) + ";w=60" + limit.parameters;
		state += name + ";r=" + std::to_string(int64_t(std::max(account->left[i], 0.0))) +
				 ";t=" + std::to_string(seconds_until(limit, account->left[i], limit.per_minute));
	}
	return {{"RateLimit-Policy", policy}, {"RateLimit", state}};
}

/* Drops accounts that were not used for a minute. These are full again, unless a debt was larger
 * than the budget of one minute; the rest of such a debt is forgotten. */
void
Accounts::tidy()
{
	if (clock_.now() - tidied_ < 1s)
		return;
	tidied_ = clock_.now();
	std::erase_if(accounts_, [&](auto &item) { return clock_.now() - item.second.at >= 60s; });
}

} // namespace net
