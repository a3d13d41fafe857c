/*
 * The calls that the net process makes of requests: they wait for an executor, in their order; what
 * the executors say goes back. Executors only read: the call that notes a job is run here.
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

	/* Executors are named after the worker. Throws pg::Error. */
	CallQueue(const RouteBook &routes, pg::Worker &worker)
		: routes_(routes), pool_(worker, "bigbrotr " + std::string(worker.name()))
	{
	}

	void take(pg::Worker &worker, const wire::Call &message);
	void take(pg::Worker &, const wire::RowsTaken &message);
	void take(pg::Worker &worker, const wire::CallCancel &message);

	/* The net process is gone, and its calls with it. */
	void forget_all();
	/* The routes are others now; calls that wait were made of the old ones. */
	void end_waiting(pg::Worker &worker);
	/* Passes on, starts and ends what is due; when that must be done again at the latest. */
	Clock::time_point turn(pg::Worker &worker);
	/* Executors that can answer. */
	int ready() const { return pool_.ready(); }

  private:
	struct Call
	{
		uint64_t number = 0; // the net process's
		uint16_t route = 0;
		int32_t cost_limit = 0;                              // 0: none
		std::vector<std::pair<bool, std::string>> arguments; // whether given, and the value
		Clock::time_point deadline{};
		bool is_slow = false; // it was taken off an executor for that
	};

	/* What an executor is busy with. */
	struct Running
	{
		Call call;
		Clock::time_point since{};
		Clock::time_point full_since{}; // since the client has taken no piece; not full: the epoch
		size_t pieces = 0;              // sent and not taken
		bool has_rows = false;          // some were sent
		/* What becomes of the call when its executor ends it: */
		enum class Fate : uint8_t
		{
			Tell,   // the net process is told
			Repeat, // it waits again: it had to make room
			Forget  // nothing: the net process has its end, or is gone
		} fate = Fate::Tell;
	};
	using RunningCalls = std::map<int, Running>; // by the place of the executor

	RunningCalls::iterator find(uint64_t number);
	void end(pg::Worker &worker, uint64_t number, std::string_view sqlstate,
			 std::string_view message, std::string_view detail, std::string_view hint,
			 int64_t cost = 0);
	void note(pg::Worker &worker, const wire::Call &message);
	void end_cancelled(pg::Worker &worker, uint64_t number);
	void end_changed(pg::Worker &worker, uint64_t number);
	void end_out_of_time(pg::Worker &worker, uint64_t number, int64_t cost);
	void give_up(int place, Running &running);
	bool hear(pg::Worker &worker, int place, Running &running);
	void pass_on_end(pg::Worker &worker, std::string_view frame);
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
