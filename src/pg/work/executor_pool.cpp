#include "pg/work/executor_pool.h"

#include <algorithm>
#include <csignal>
#include <utility>

#include "pg/border/error.h"
#include "pg/cycle/preload.h"
#include "pg/cycle/service_entry.h"

extern "C" {
#include "storage/ipc.h"
#include "utils/acl.h"
#include "utils/resowner.h"
}

namespace pg {

using namespace std::chrono_literals;
using Clock = std::chrono::steady_clock;

static constexpr auto kFirstDelay = 1s; // after an executor that ended early; it doubles
static constexpr auto kMaxDelay = 60s;
static constexpr auto kSoon = 5s;
static constexpr auto kNextAttempt = 10s; // after an executor could not be started

ExecutorPool *ExecutorPool::pool_;

ExecutorPool::ExecutorPool(Worker &worker, std::string name) : name_(std::move(name))
{
	const char *role = find_service(worker.name())->executor_role;
	worker.transaction_with_retries("looking up a role", {.read_only = true}, [&] {
		role_ = call([&] { return get_role_oid(role, false); });
	});
	Assert(pool_ == nullptr);
	pool_ = this;
	call([] { before_shmem_exit(at_exit, 0); });
}

ExecutorPool::~ExecutorPool()
{
	cancel_all();
	pool_ = nullptr;
	for (auto &process : processes_)
		if (process)
			let_go(*process);
}

/* Cancels open questions when FATAL ends the worker: then no destructor runs, and the server
 * detaches the segments. */
void
ExecutorPool::at_exit(int, Datum)
{
	if (pool_)
		pool_->cancel_all();
}

void
ExecutorPool::cancel_all()
{
	for (int place = 0; place < places(); place++)
		if (processes_[place] && processes_[place]->question != 0)
			cancel(place);
}

/* Lets an executor go: it ends when its queues are detached. */
void
ExecutorPool::let_go(Process &process)
{
	shm_mq_detach(process.questions);
	shm_mq_detach(process.answers);
	dsm_detach(process.memory);
	pfree(process.handle);
}

static void
describe(BackgroundWorker &worker, const std::string &name, dsm_handle memory)
{
	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_ConsistentState;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = UInt32GetDatum(memory);
	set_main(worker, "bigbrotr_core", "bigbrotr_executor_main");
	strlcpy(worker.bgw_type, name.c_str(), sizeof worker.bgw_type);
	strlcpy(worker.bgw_name, name.c_str(), sizeof worker.bgw_name);
}

/* Registers an executor and attaches to its queues. False if no background worker is free. Must be
 * called inside a transaction, which frees the segment after an error. */
bool
ExecutorPool::open(Process &process, const std::string &name)
{
	return call([&] {
		MemoryContext previous = MemoryContextSwitchTo(TopMemoryContext);
		process.memory = dsm_create(ExecutorSegment::size(), 0);
		ExecutorSegment *segment = process.segment();
		segment->database = MyDatabaseId;
		segment->role = role_;
		strlcpy(segment->name, name.c_str(), sizeof segment->name);
		pg_atomic_init_u64(&segment->cancelled, 0);
		shm_mq_set_sender(shm_mq_create(segment->questions(), ExecutorSegment::kQuestions), MyProc);
		shm_mq_set_receiver(shm_mq_create(segment->answers(), ExecutorSegment::kAnswers), MyProc);
		BackgroundWorker description = {};
		describe(description, name, dsm_segment_handle(process.memory));
		bool registered = RegisterDynamicBackgroundWorker(&description, &process.handle);
		if (registered) {
			process.questions = shm_mq_attach(segment->questions(), process.memory, process.handle);
			process.answers = shm_mq_attach(segment->answers(), process.memory, process.handle);
			dsm_pin_mapping(process.memory); // the segment must outlive the transaction
		} else
			dsm_detach(process.memory);
		MemoryContextSwitchTo(previous);
		return registered;
	});
}

/* Starts an executor. Returns what prevents that; empty: nothing. */
std::string
ExecutorPool::start(Worker &worker, int place)
{
	std::string name = name_ + "." + std::to_string(place + 1);
	auto process = std::make_unique<Process>();
	bool registered = false;
	try {
		worker.transaction("starting an executor", {.read_only = true},
						   [&] { registered = open(*process, name); });
	} catch (const Error &error) {
		if (ERRCODE_TO_CATEGORY(error.sqlstate()) != ERRCODE_INSUFFICIENT_RESOURCES)
			throw;
		return error.what(); // of shared memory
	}
	if (!registered)
		return "no background worker is free; raise max_worker_processes (now " +
			   std::to_string(max_worker_processes) + ")";
	process->started = worker.steady_now();
	processes_[place] = std::move(process);
	return {};
}

/* Removes an executor that has ended by itself. */
void
ExecutorPool::take_out(Worker &worker, int place)
{
	auto now = worker.steady_now();
	bool soon = now - processes_[place]->started < kSoon;
	delay_ =
		!soon ? 0ms : std::clamp<std::chrono::milliseconds>(delay_ * 2, kFirstDelay, kMaxDelay);
	start_at_ = now + delay_;
	let_go(*processes_[place]);
	processes_[place] = nullptr;
	worker.count("executors_lost", 1);
	worker.log(wire::LogLevel::Warning, "executor " + std::to_string(place + 1) +
											" has ended; another one starts after " +
											std::to_string(delay_.count()) + " ms");
}

void
ExecutorPool::tend(Worker &worker, int wanted)
{
	auto now = worker.steady_now();
	for (int place = 0; place < places(); place++) {
		auto &process = processes_[place];
		if (!process)
			continue;
		push(*process);
		pid_t pid;
		if (process->question == 0 && place >= wanted) {
			let_go(*process);
			process = nullptr;
		} else if (process->question == 0 &&
				   GetBackgroundWorkerPid(process->handle, &pid) == BGWH_STOPPED)
			take_out(worker, place);
	}
	processes_.resize(std::max(places(), wanted));
	while (places() > wanted && !processes_.back())
		processes_.pop_back();
	auto running = std::count_if(processes_.begin(), processes_.begin() + wanted,
								 [](const auto &process) { return process != nullptr; });
	if (running < wanted && start_at_ == Clock::time_point::max())
		start_at_ = now;
	if (now < start_at_)
		return;
	start_at_ = Clock::time_point::max();
	for (int place = 0; place < wanted; place++) {
		if (processes_[place])
			continue;
		std::string obstacle = start(worker, place);
		if (!obstacle.empty()) {
			start_at_ = now + kNextAttempt;
			if (!std::exchange(is_short_, true))
				worker.log(wire::LogLevel::Warning, std::to_string(running) + " of " +
														std::to_string(wanted) +
														" executors run: " + obstacle);
			return;
		}
		running++;
	}
	is_short_ = false;
}

int
ExecutorPool::ready() const
{
	return static_cast<int>(
		std::count_if(processes_.begin(), processes_.end(),
					  [](const auto &process) { return process && process->connected(); }));
}

std::optional<int>
ExecutorPool::idle() const
{
	for (int place = 0; place < places(); place++)
		if (const auto &process = processes_[place];
			process && process->question == 0 && !process->lost && process->connected())
			return place;
	return std::nullopt;
}

void
ExecutorPool::ask(int place, const SqlQuestion &question)
{
	Process &process = *processes_[place];
	/* The number of an earlier question that was cancelled may still be here. */
	pg_atomic_write_u64(&process.segment()->cancelled, 0);
	process.question = question.number;
	process.unsent = wire::encode(question);
	push(process);
}

/* Puts a question into the queue. A question that is larger than the queue goes in parts: the
 * executor wakes this process after it has read a part. */
void
ExecutorPool::push(Process &process)
{
	if (process.unsent.empty())
		return;
	if (call([&] { return compat::send_some(process.questions, process.unsent); }) !=
		SHM_MQ_WOULD_BLOCK)
		process.unsent.clear(); // hear() finds out if the executor has ended
}

ExecutorPool::Heard
ExecutorPool::hear(int place, std::string_view &frame)
{
	Process &process = *processes_[place];
	Size size;
	void *bytes;
	switch (call([&] { return shm_mq_receive(process.answers, &size, &bytes, true); })) {
	case SHM_MQ_WOULD_BLOCK:
		return Heard::Nothing;
	case SHM_MQ_DETACHED:
		process.question = 0;
		process.lost = true; // tend() removes the executor
		process.unsent.clear();
		return Heard::Lost;
	case SHM_MQ_SUCCESS:
		break;
	}
	frame = {static_cast<char *>(bytes), size};
	if (wire::type_of(frame) != wire::CallEnd::kType)
		return Heard::Rows;
	process.question = 0;
	return Heard::End;
}

void
ExecutorPool::cancel(int place)
{
	Process &process = *processes_[place];
	pg_atomic_write_u64(&process.segment()->cancelled, process.question);
	pg_memory_barrier();
	pid_t pid;
	if (GetBackgroundWorkerPid(process.handle, &pid) == BGWH_STARTED)
		kill(pid, SIGUSR2);
}

} // namespace pg
