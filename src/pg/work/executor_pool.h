/*
 * The executors of a worker (executor.h): starts them, gives them questions, reads their answers,
 * and replaces executors that end. No function waits. All must be called outside of transactions.
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
	/* `name` of the processes: "bigbrotr api" gives "bigbrotr api.1" and so on. Executors connect
	 * as the role that the service's entry names. A worker has at most one pool. Throws
	 * pg::Error. */
	ExecutorPool(Worker &worker, std::string name);
	ExecutorPool(const ExecutorPool &) = delete;
	/* Cancels open questions and lets all executors go. */
	~ExecutorPool();

	/*
	 * Must be called in each turn of the worker's loop. Starts executors until there are `wanted`,
	 * and lets idle ones go if there are more. If no process or no shared memory is free, logs a
	 * warning; the existing executors then do the work.
	 */
	void tend(Worker &worker, int wanted);
	/* The next time at which tend() has work without being woken. */
	std::chrono::steady_clock::time_point next_deadline() const { return start_at_; }

	/* Executors are numbered by places, from 0 to places() - 1. */
	int places() const { return static_cast<int>(processes_.size()); }
	/* Number of executors that are connected. */
	int ready() const;
	/* An executor that can answer a question now. */
	std::optional<int> idle() const;

	/* Gives an idle executor a question. */
	void ask(int place, const SqlQuestion &question);

	enum class Heard : uint8_t
	{
		Nothing, // no frame yet
		Rows,    // `frame` is a whole frame, valid until the next call
		End,     // `frame` is the last frame of the answer: the executor is idle now
		Lost     // the executor has ended without completing the answer
	};
	/* Reads from an executor that was asked. An executor waits while its answer is not read. */
	Heard hear(int place, std::string_view &frame);

	/* Cancels the question of an executor; End follows. */
	void cancel(int place);

  private:
	struct Process
	{
		BackgroundWorkerHandle *handle = nullptr;
		dsm_segment *memory = nullptr;
		shm_mq_handle *questions = nullptr, *answers = nullptr;
		std::chrono::steady_clock::time_point started{};
		uint64_t question = 0; // 0: idle
		std::string unsent;    // rest of a question that did not fit into the queue
		bool lost = false;     // the executor has detached its queues

		ExecutorSegment *segment() const
		{
			return static_cast<ExecutorSegment *>(dsm_segment_address(memory));
		}
		bool connected() const { return shm_mq_get_receiver(segment()->questions()) != nullptr; }
	};

	static ExecutorPool *pool_; // the pool of this process

	std::string start(Worker &worker, int place);
	bool open(Process &process, const std::string &name);
	void take_out(Worker &worker, int place);
	void cancel_all();
	static void let_go(Process &process);
	static void push(Process &process);
	static void at_exit(int, Datum);

	std::string name_;
	Oid role_ = InvalidOid;
	std::vector<std::unique_ptr<Process>> processes_; // by place; null: empty place
	std::chrono::steady_clock::time_point start_at_ = std::chrono::steady_clock::time_point::max();
	std::chrono::milliseconds delay_{0};
	bool is_short_ = false; // the warning was logged
};

} // namespace pg
