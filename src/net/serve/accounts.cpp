#include "net/serve/accounts.h"

#include <algorithm>
#include <cmath>

namespace net {
namespace {

using namespace std::chrono_literals;

constexpr double kKilobyte = 1024;

/* One bucket of a budget. */
struct Limit
{
	const char *name, *parameters; // of the header RateLimit-Policy
	double per_minute;             // 0: no limit
	double least;                  // that must be there for one more request
};

std::array<Limit, 3>
limits_of(const wire::Budget &budget)
{
	return {Limit{"requests", "", double(budget.requests_per_minute), 1},
			Limit{"bytes", ";qu=\"content-bytes\"", budget.kilobytes_per_minute * kKilobyte, 1},
			Limit{"cost", ";qu=\"planner-cost\"", double(budget.cost_per_minute), 1}};
}

/* Seconds until a bucket has so much. */
int
seconds_until(const Limit &limit, double left, double wanted)
{
	constexpr double kDay = 86400;
	return int(std::min(std::ceil((wanted - left) * 60 / limit.per_minute), kDay));
}

} // namespace

Accounts::Account &
Accounts::account(const Visitor &visitor, const wire::Budget &budget)
{
	Holder holder{visitor.key, visitor.key ? Address{} : counted_address(visitor.address)};
	if (accounts_.size() >= kMaxAccounts && !accounts_.contains(holder))
		tidy();
	/* Where so many come that they cannot be told apart, all others share one account. */
	if (accounts_.size() >= kMaxAccounts && !accounts_.contains(holder))
		holder = {};
	const auto limits = limits_of(budget);
	const auto now = clock_.now();
	auto [found, fresh] = accounts_.try_emplace(holder, Account{.requests = limits[0].per_minute,
																.bytes = limits[1].per_minute,
																.cost = limits[2].per_minute,
																.at = now});
	Account &account = found->second;
	const double minutes = std::chrono::duration<double>(now - account.at).count() / 60;
	auto fill = [&](double &left, const Limit &limit) {
		/* What was taken while there was no limit is no debt. */
		left = limit.per_minute == 0
				   ? 0
				   : std::min(limit.per_minute, left + minutes * limit.per_minute);
	};
	fill(account.requests, limits[0]);
	fill(account.bytes, limits[1]);
	fill(account.cost, limits[2]);
	account.at = now;
	return account;
}

Accounts::Verdict
Accounts::take(const Visitor &visitor, const wire::Budget &budget)
{
	Account &account = this->account(visitor, budget);
	const auto limits = limits_of(budget);
	const double left[] = {account.requests, account.bytes, account.cost};
	for (size_t i = 0; i < limits.size(); i++)
		if (limits[i].per_minute > 0 && left[i] < limits[i].least)
			return {.used_up = limits[i].name,
					.seconds = std::max(1, seconds_until(limits[i], left[i], limits[i].least))};
	account.requests--;
	return {};
}

void
Accounts::charge(const Visitor &visitor, const wire::Budget &budget, int64_t bytes, int64_t cost)
{
	Account &account = this->account(visitor, budget);
	account.bytes -= double(bytes);
	account.cost -= double(cost);
}

Fields
Accounts::headers(const Visitor &visitor, const wire::Budget &budget)
{
	const Account &account = this->account(visitor, budget);
	const double left[] = {account.requests, account.bytes, account.cost};
	const auto limits = limits_of(budget);
	std::string policy, state;
	for (size_t i = 0; i < limits.size(); i++) {
		const Limit &limit = limits[i];
		if (limit.per_minute == 0)
			continue;
		const std::string name = (policy.empty() ? "\"" : ", \"") + std::string(limit.name) + "\"";
		policy +=
			name + ";q=" + std::to_string(int64_t(limit.per_minute)) + ";w=60" + limit.parameters;
		state += name + ";r=" + std::to_string(int64_t(std::max(left[i], 0.0))) +
				 ";t=" + std::to_string(seconds_until(limit, left[i], limit.per_minute));
	}
	if (policy.empty())
		return {};
	return {{"RateLimit-Policy", policy}, {"RateLimit", state}};
}

/* Drops what has not been used for a minute: such an account is full again, unless its debt was
 * more than the budget of one minute. That debt is forgotten. */
void
Accounts::tidy()
{
	if (clock_.now() - tidied_ < 1s)
		return;
	tidied_ = clock_.now();
	std::erase_if(accounts_, [&](auto &item) { return clock_.now() - item.second.at >= 60s; });
}

} // namespace net
