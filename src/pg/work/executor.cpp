#include "pg/work/executor.h"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <map>
#include <utility>

#include "pg/border/error.h"
#include "pg/border/spi.h"
#include "pg/border/transaction.h"
#include "pg/work/loop.h"

extern "C" {
#include "executor/executor.h"
#include "mb/pg_wchar.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"

PGDLLEXPORT void bigbrotr_executor_main(Datum segment);
}

namespace pg {
namespace {

constexpr long kFetch = 16;       // rows; even the largest rows fit into memory
constexpr size_t kMaxPlans = 500; // above it, all plans are made again
/* Cost of a second of processor time, in the planner's unit, for what the planner underestimated.
 */
constexpr double kCostOfSecond = 250000;

/* Thrown when the worker has let this executor go, or has ended. */
struct LetGo
{
};

ExecutorSegment *segment;
/* The number of the question that is being answered; 0: none. The signal handler reads it. */
std::atomic<uint64_t> current;
static_assert(std::atomic<uint64_t>::is_always_lock_free);

/* Sum of the planner's estimates for the statements of the current question, including those within
 * functions. */
double cost;
int32_t cost_limit; // 0: no limit
ExecutorStart_hook_type next_start;

void
on_start(QueryDesc *query, int flags)
{
	if (current != 0 && !(flags & EXEC_FLAG_EXPLAIN_ONLY) && query->plannedstmt->planTree) {
		cost += query->plannedstmt->planTree->total_cost;
		if (cost_limit > 0 && cost > cost_limit)
			ereport(ERROR, (errcode(ERRCODE_STATEMENT_TOO_COMPLEX),
							errmsg("the question is too expensive"),
							errdetail("The planner estimates a cost of %.0f, and it may be %d.",
									  cost, cost_limit),
							errhint("Ask for less: a shorter time, fewer kinds or authors.")));
	}
	if (next_start)
		return next_start(query, flags);
	standard_ExecutorStart(query, flags);
}

void
on_sigterm(SIGNAL_ARGS)
{
	told_to_end = true;
	die(PG_SIGNAL_PARAMETERS);
}

/* The signal handler for cancel. A cancel that comes late must not hit the next question. */
void
on_sigusr2(SIGNAL_ARGS)
{
	uint64_t number = current;
	if (number != 0 && pg_atomic_read_u64(&segment->cancelled) == number)
		StatementCancelHandler(PG_SIGNAL_PARAMETERS);
}

/* Processor time of this process in seconds. */
double
processor_time()
{
	timespec time{};
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
	return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
}

std::string_view
cut(const std::string &text)
{
	return {text.data(), static_cast<size_t>(pg_encoding_mbcliplen(
							 PG_UTF8, text.data(), static_cast<int>(text.size()), wire::kMaxPath))};
}

class Executor
{
  public:
	explicit Executor(dsm_segment *memory)
		: batch_(AllocSetContextCreate(TopMemoryContext, "bigbrotr batch", ALLOCSET_DEFAULT_SIZES)),
		  wait_event_(compat::wait_event("BigbrotrExecutor"))
	{
		shm_mq_set_sender(segment->answers(), MyProc);
		answers_ = shm_mq_attach(segment->answers(), memory, nullptr);
		/* From now on the worker regards this executor as ready. */
		shm_mq_set_receiver(segment->questions(), MyProc);
		questions_ = shm_mq_attach(segment->questions(), memory, nullptr);
	}

	[[noreturn]] void run() // throws LetGo, pg::Error
	{
		for (;;) {
			answer(next());
			MemoryContextReset(batch_);
		}
	}

  private:
	/* The next question, valid until the next call. */
	SqlQuestion next()
	{
		Size size;
		void *bytes;
		shm_mq_result result;
		while ((result = call([&] { return shm_mq_receive(questions_, &size, &bytes, true); })) ==
			   SHM_MQ_WOULD_BLOCK)
			wait();
		if (result == SHM_MQ_DETACHED)
			throw LetGo{};
		if (ConfigReloadPending) {
			ConfigReloadPending = false;
			call([] { ProcessConfigFile(PGC_SIGHUP); });
		}
		try {
			return wire::Reader::message<SqlQuestion>(
				std::string_view(static_cast<char *>(bytes), size).substr(wire::kHead));
		} catch (const wire::Fault &fault) {
			throw Error(ERRCODE_INTERNAL_ERROR, fault.what);
		}
	}

	void answer(const SqlQuestion &question)
	{
		wire::CallEnd end{.call = question.number};
		std::string message, detail, hint;
		char sqlstate[6] = "";
		const double begin = processor_time();
		try {
			send_rows(question);
		} catch (const Error &error) {
			strlcpy(sqlstate, unpack_sql_state(error.sqlstate()), sizeof sqlstate);
			message = error.what();
			detail = error.detail();
			hint = error.hint();
		} catch (const NotReady &problem) {
			strlcpy(sqlstate, "55000", sizeof sqlstate);
			message = problem.reason;
		}
		current = 0;
		/* A client reads the estimate of a refused question, of which little or nothing ran. */
		if (strcmp(sqlstate, "54001") != 0)
			cost = std::max(cost, (processor_time() - begin) * kCostOfSecond);
		end.cost = static_cast<int64_t>(std::min(std::max(cost, 0.0), 1e15));
		end.sqlstate = sqlstate;
		end.message = cut(message);
		end.detail = cut(detail);
		end.hint = cut(hint);
		if (sending_)
			push(); // an ERROR came in the middle of a frame
		send(wire::encode(end));
	}

	void send_rows(const SqlQuestion &question)
	{
		std::string sql(question.sql); // null-terminated for the server's functions
		cost = 0;
		cost_limit = question.cost_limit;
		current = question.number;
		begin_transaction(sql.c_str(), {.read_only = true,
										.timeout = std::chrono::milliseconds(question.timeout_ms)});
		try {
			/* begin_transaction() drops cancel requests that came before it, so the number of the
			 * cancelled question is compared once more. */
			if (pg_atomic_read_u64(&segment->cancelled) == question.number)
				throw Error(ERRCODE_QUERY_CANCELED, "canceling statement due to user request");
			if (Portal rows = rows_of(open(sql, question.arguments)))
				fetch(rows, question.number);
			commit_transaction();
		} catch (...) {
			abort_transaction();
			throw;
		}
	}

	Portal open(const std::string &sql, const std::vector<wire::Argument> &arguments)
	{
		std::vector<Datum> values;
		std::string nulls;
		for (const wire::Argument &argument : arguments) {
			values.push_back(argument.given ? value(argument.value).datum : 0);
			nulls += argument.given ? ' ' : 'n';
		}
		SPIPlanPtr plan = plan_of(sql, static_cast<int>(values.size()));
		return call(
			[&] { return SPI_cursor_open(nullptr, plan, values.data(), nulls.c_str(), true); });
	}

	SPIPlanPtr plan_of(const std::string &sql, int parameters)
	{
		if (auto found = plans_.find(sql); found != plans_.end())
			return found->second;
		if (plans_.size() >= kMaxPlans) {
			for (const auto &[text, plan] : plans_)
				call([plan = plan] { SPI_freeplan(plan); });
			plans_.clear();
		}
		std::vector<Oid> types(static_cast<size_t>(parameters), TEXTOID);
		SPIPlanPtr plan = call([&] {
			SPIPlanPtr made = SPI_prepare(sql.c_str(), parameters, types.data());
			if (made == nullptr)
				elog(ERROR, "could not prepare \"%s\": %s", sql.c_str(),
					 SPI_result_code_string(SPI_result));
			SPI_keepplan(made);
			return made;
		});
		plans_[sql] = plan;
		return plan;
	}

	/* The cursor of the rows: the portal itself, or the cursor that its only row names. Null:
	 * none. */
	static Portal rows_of(Portal portal)
	{
		if (TupleDescAttr(portal->tupDesc, 0)->atttypid != REFCURSOROID)
			return portal;
		return call([&] {
			SPI_cursor_fetch(portal, true, 1);
			char *name = SPI_processed == 0
							 ? nullptr
							 : SPI_getvalue(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1);
			return name == nullptr ? nullptr : SPI_cursor_find(name);
		});
	}

	/* Sends all rows of the cursor, in pieces. */
	void fetch(Portal portal, uint64_t number)
	{
		wire::Rows piece{.call = number};
		std::vector<SPITupleTable *> tables; // tables with rows of the piece
		size_t size = 0;
		auto flush = [&] {
			if (!piece.rows.empty())
				send(wire::encode(piece));
			piece.rows.clear();
			size = 0;
			for (SPITupleTable *table : tables)
				call([&] { SPI_freetuptable(table); });
			tables.clear();
			MemoryContextReset(batch_);
		};
		MemoryContext before = CurrentMemoryContext;
		for (;;) {
			call([&] { SPI_cursor_fetch(portal, true, kFetch); });
			SPITupleTable *table = SPI_tuptable;
			Rows rows(table, SPI_processed);
			MemoryContextSwitchTo(batch_);
			for (uint64_t i = 0; i < rows.count(); i++) {
				piece.rows.push_back(row_of(rows, i));
				size += piece.rows.back().item.size() + piece.rows.back().position.size();
				if (size >= wire::kPieceBytes)
					flush();
			}
			MemoryContextSwitchTo(before);
			tables.push_back(table);
			if (rows.count() == 0)
				return flush();
		}
	}

	static wire::Row row_of(const Rows &rows, uint64_t i)
	{
		wire::Row row{.item = rows.bytes(i, 1), .position = rows.bytes(i, 2)};
		if (row.item.size() > wire::kMaxRow || row.position.size() > wire::kMaxPosition)
			throw Error(ERRCODE_PROGRAM_LIMIT_EXCEEDED, "a row of the answer is too large",
						"It has " + std::to_string(row.item.size()) + " bytes and may have " +
							std::to_string(wire::kMaxRow) + ".",
						"Ask for it in SQL.");
		return row;
	}

	void send(std::string frame)
	{
		frame_ = std::move(frame);
		sending_ = true;
		push();
	}

	/*
	 * Sends frame_ or the rest of it. After an ERROR within shm_mq_send() it would be unknown how
	 * much the queue has taken. So the code waits here, outside of that function.
	 */
	void push()
	{
		for (;;) {
			shm_mq_result result = call([&] { return compat::send_some(answers_, frame_); });
			if (result == SHM_MQ_DETACHED)
				throw LetGo{};
			if (result == SHM_MQ_SUCCESS)
				break;
			wait();
		}
		sending_ = false;
	}

	/* Waits until the queue or a signal wakes this process. An idle executor ends without an error
	 * when it is told to. */
	void wait()
	{
		if (told_to_end && current == 0)
			throw LetGo{};
		call([&] {
			WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH, 0, wait_event_);
			ResetLatch(MyLatch);
			if (!told_to_end || current != 0)
				CHECK_FOR_INTERRUPTS();
		});
	}

	MemoryContext batch_; // for the values of one batch of rows
	uint32 wait_event_;
	shm_mq_handle *questions_, *answers_;
	std::map<std::string, SPIPlanPtr> plans_;
	std::string frame_;
	bool sending_ = false; // frame_ was sent in part
};

void
connect()
{
	SetConfigOption("application_name", segment->name, PGC_SUSET, PGC_S_OVERRIDE);
	BackgroundWorkerInitializeConnectionByOid(segment->database, segment->role, 0);
	prepare_session();
	pgstat_report_appname(segment->name);
	pgstat_report_activity(STATE_IDLE, nullptr);
}

} // namespace
} // namespace pg

void
bigbrotr_executor_main(Datum handle)
{
	using namespace pg;
	pqsignal(SIGTERM, on_sigterm);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	dsm_segment *memory = dsm_attach(DatumGetUInt32(handle));
	if (memory == nullptr)
		proc_exit(0); // the worker has ended
	segment = static_cast<ExecutorSegment *>(dsm_segment_address(memory));
	pqsignal(SIGUSR2, on_sigusr2);
	BackgroundWorkerUnblockSignals();
	next_start = std::exchange(ExecutorStart_hook, on_start);
	connect();
	detail::Failure failure;
	bool let_go = false;
	try {
		Executor(memory).run();
	} catch (const LetGo &) {
		let_go = true;
	} catch (...) {
		failure.set_caught();
	}
	if (!let_go)
		failure.raise();
	proc_exit(0);
}
