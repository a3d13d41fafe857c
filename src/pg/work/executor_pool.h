/*
 * The executors of a worker (executor.h): starts them, gives them questions, reads their answers,
 * replaces those that end. Nothing here waits. To be called outside of transactions.
 */
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "pg/work/executor.h"
#include "pg/work/worker.h"

extern "C" {
#include "postmaster/bgworker.h"
}

namespace pg {

class ExecutorPool
{
  public:
	/* `name` of the processes: "bigbrotr api" makes "bigbrotr api.1" and so on. They connect as the
	 * role that the service's entry names. A worker has one pool at most. Throws pg::Error. */
	ExecutorPool(Worker &worker, std::string name);
	ExecutorPool(const ExecutorPool &) = delete;
	/* Cancels what is being answered, and lets all executors go. */
	~ExecutorPool();

	/*
	 * In each turn of the worker's loop: starts executors until there are `wanted`, lets those go
	 * that are too many and idle. Where no process is free, a warning says so, and the executors
	 * that run do the work.
	 */
	void tend(Worker &worker, int wanted);
	/* When tend() has something to do without being woken. */
	std::chrono::steady_clock::time_point next_deadline() const { return start_at_; }

	/* Executors are called by their places, from 0 to places() - 1. */
	int places() const { return static_cast<int>(processes_.size()); }
	/* How many are connected. */
	int ready() const;
	/* One that could answer a question now. */
	std::optional<int> idle() const;

	/* Gives an idle executor a question. */
	void ask(int place, const Question &question);

	enum class Heard : uint8_t
	{
		Nothing, // yet
		Rows,    // `frame` is a whole frame, valid until the next call
		End,     // likewise, and the last one of the answer: the executor is idle now
		Lost     // the executor has ended in the middle of the answer
	};
	/* Of an executor that was asked. An executor whose answer is not read waits. */
	Heard hear(int place, std::string_view &frame);

	/* Cancels the statement of an executor that was asked; End follows. */
	void cancel(int place);

  private:
	struct Process
	{
		BackgroundWorkerHandle *handle = nullptr;
		dsm_segment *memory = nullptr;
		shm_mq_handle *questions = nullptr, *answers = nullptr;
		std::chrono::steady_clock::time_point started{};
		uint64_t question = 0; // 0: idle
		std::string unsent;    // a question that is not in the queue yet
		bool lost = false;     // it has detached its queues

		ExecutorSegment *segment() const
		{
			return static_cast<ExecutorSegment *>(dsm_segment_address(memory));
		}
		bool connected() const { return shm_mq_get_receiver(segment()->questions()) != nullptr; }
	};

	static ExecutorPool *pool_; // of this process

	bool start(Worker &worker, int place); // false: no process is free
	void take_out(Worker &worker, int place);
	void cancel_all();
	static void let_go(Process &process);
	static void push(Process &process);
	static void at_exit(int, Datum);

	std::string name_;
	Oid role_ = InvalidOid;
	std::vector<std::unique_ptr<Process>> processes_; // by place; null: the place is empty
	std::chrono::steady_clock::time_point start_at_ = std::chrono::steady_clock::time_point::max();
	std::chrono::milliseconds delay_{0};
	bool short_of_processes_ = false; // the warning was logged
};

} // namespace pg
