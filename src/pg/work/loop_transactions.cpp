/*
 * The transactions of a service, and what the loop does while one of them waits for a retry.
 */
#include "pg/work/loop.h"

#include <algorithm>

#include "pg/border/error.h"
#include "pg/cycle/settings.h"

extern "C" {
#include "utils/timestamp.h"
}

namespace pg {

using std::chrono::milliseconds;

/* Time between two calls of Service::renew(), and time until the next attempt after an obstacle. */
static constexpr std::chrono::seconds kRenewal{20}, kNextAttempt{1};

void
Loop::begin(const char *activity, const TransactionOptions &options)
{
	out_of_time_ =
		steady_now() +
		(options.timeout.count() > 0 ? options.timeout : milliseconds(settings::batch_timeout_ms));
	current_task = activity;
	begin_transaction(activity, options);
}

void
Loop::commit()
{
	commit_transaction();
	current_task = nullptr;
	pg_atomic_write_u64(&slot_.last_success, GetCurrentTimestamp());
	end_obstruction();
}

void
Loop::abort() noexcept
{
	abort_transaction();
	current_task = nullptr;
}

void
Loop::wait_for_retry(const char *activity, int attempt)
{
	Obstacle obstacle = Obstacle::None;
	try {
		try {
			throw;
		} catch (const std::bad_alloc &) {
			throw Error(ERRCODE_OUT_OF_MEMORY, "out of memory");
		}
	} catch (const Error &error) {
		obstacle = obstacle_of(error, steady_now() >= out_of_time_);
		if (obstacle != Obstacle::None)
			be_obstructed(activity, obstacle, error);
	} catch (...) {
	}
	if (obstacle == Obstacle::None) {
		end_obstruction();
		throw;
	}
	auto due = steady_now() + delay_before_retry(obstacle, attempt);
	for (;;) {
		serve_interrupts();
		renew_if_due();
		report_obstruction();
		auto left = std::chrono::ceil<milliseconds>(due - steady_now());
		if (left.count() <= 0 && !paused_)
			return;
		long timeout = left.count() <= 0 ? 1000 : std::min<long>(left.count(), 1000);
		call([&] {
			WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, timeout,
					  wait_event_);
		});
	}
}

/* Does not call transaction(), whose commit would end the obstruction that the loop waits for. */
void
Loop::renew_if_due()
{
	if (steady_now() < next_renewal_)
		return;
	const TransactionOptions options{.durable = false, .timeout = kPatience};
	const auto out_of_time = steady_now() + options.timeout;
	try {
		begin_transaction("renewing leases", options);
		try {
			service_->renew(*this);
			commit_transaction();
		} catch (...) {
			abort_transaction();
			throw;
		}
		next_renewal_ = steady_now() + kRenewal;
	} catch (const Error &error) {
		if (obstacle_of(error, steady_now() >= out_of_time) == Obstacle::None)
			throw;
		next_renewal_ = steady_now() + kNextAttempt;
	}
}

void
Loop::be_obstructed(const char *activity, Obstacle obstacle, const Error &error)
{
	if (!obstruction_)
		obstruction_ = {.since = steady_now(), .activity = {}, .obstacle = {}};
	count(obstacle == Obstacle::Conflict ? "conflicts" : "retries", 1);
	obstruction_->activity = activity;
	obstruction_->obstacle = words_for(obstacle, error);
	update_waiting();
}

/* Updates the health, because health checks do not run during the wait. */
void
Loop::report_obstruction()
{
	uint64 asked;
	bool healthy = slot_.health != Health::Unhealthy;
	bool lasting = !paused_ && steady_now() - obstruction_->since >= kPatience;
	if (health_is_due(asked) || (lasting && healthy))
		set_health(healthy && !lasting ? Health::Healthy : Health::Unhealthy, asked,
				   obstruction_->activity + " waits for " + obstruction_->obstacle);
}

void
Loop::end_obstruction()
{
	if (!obstruction_)
		return;
	obstruction_.reset();
	update_waiting();
	if (slot_.health == Health::Unhealthy)
		next_health_ = steady_now();
}

} // namespace pg
