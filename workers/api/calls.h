/*
 * The calls that the net process makes from requests. Calls wait for an executor in their order,
 * and the executor's messages go back to the net process. Executors only read, so the call that
 * notes a job runs in this worker.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "pg/work/executor_pool.h"
#include "pg/work/worker.h"
#include "wire/serve.h"
#include "workers/api/routes.h"

class CallQueue
{
  public:
	using Clock = std::chrono::steady_clock;

	/* The names of the executors begin with the worker's name. Throws pg::Error. */
	CallQueue(const RouteBook &routes, pg::Worker &worker)
		: routes_(routes), pool_(worker, "bigbrotr " + std::string(worker.name()))
	{
	}

	void take(pg::Worker &worker, const wire::CallRoute &message);
	void take(pg::Worker &, const wire::RowsTaken &message);
	void take(pg::Worker &worker, const wire::CallCancel &message);

	/* Must be called when the net process has ended, which ends all its calls. */
	void forget_all();
	/* Must be called when the routes have changed. Ends the waiting calls, which refer to the old
	 * routes. */
	void end_waiting(pg::Worker &worker);
	/* Does all work that is due. Returns the latest time of the next call. */
	Clock::time_point turn(pg::Worker &worker);
	/* Number of executors that can answer. */
	int ready() const { return pool_.ready(); }

  private:
	struct Call
	{
		uint64_t number = 0; // number that the net process gave the call
		uint16_t route = 0;
		int32_t cost_limit = 0;                              // 0: no limit
		std::vector<std::pair<bool, std::string>> arguments; // whether it is given, and the value
		Clock::time_point deadline{};
		bool is_slow = false; // it was cancelled once because it was slow
	};

	/* A call that an executor is running. */
	struct Running
	{
		Call call;
		Clock::time_point since{};
		Clock::time_point full_since{}; // when the client stopped taking pieces; the epoch: never
		size_t pieces = 0;              // pieces that were sent and not taken
		bool has_rows = false;          // rows were sent
		/* What happens to the call when its executor ends it. */
		enum class Fate : uint8_t
		{
			Tell,      // the net process gets the end
			Repeat,    // the call waits again, because it had to make room
			Cancelled, // the net process gets the end, but no rows: the client has gone
			Unread,    // the net process gets an error: the client does not read
			Forget     // nothing: the net process has got the end, or was lost
		} fate = Fate::Tell;
	};
	using RunningCalls = std::map<int, Running>; // by index of the executor

	RunningCalls::iterator find(uint64_t number);
	void end(pg::Worker &worker, uint64_t number, std::string_view sqlstate,
			 std::string_view message, std::string_view detail, std::string_view hint,
			 int64_t cost = 0);
	void note(pg::Worker &worker, const wire::CallRoute &message);
	void end_changed(pg::Worker &worker, uint64_t number);
	void end_out_of_time(pg::Worker &worker, uint64_t number, int64_t cost);
	void cancel(int place, Running &running, Running::Fate fate);
	bool hear(pg::Worker &worker, int place, Running &running);
	void take_end(pg::Worker &worker, std::string_view frame, Running &running);
	void end_late_calls(pg::Worker &worker);
	size_t slow_calls(Clock::time_point now) const;
	size_t places_for_slow() const;
	void start_calls(pg::Worker &worker);
	void ask(pg::Worker &worker, int place, Call call);
	void make_room(pg::Worker &worker);
	Clock::time_point next_turn(pg::Worker &worker) const;

	const RouteBook &routes_;
	pg::ExecutorPool pool_;
	std::deque<Call> waiting_;
	RunningCalls running_;
	uint64_t last_number_ = 0;
};
