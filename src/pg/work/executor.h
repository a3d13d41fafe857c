/*
 * An executor: a process that answers the SQL of one worker, one question at a time, read-only and
 * with limits of time and cost. It connects as the role that its service names, and ends when the
 * worker ends or lets it go. An executor runs statements without knowing their meaning.
 *
 * Worker and executor share a memory segment with a queue for each direction. The executor answers
 * with whole frames of wire/serve.h: Rows, then CallEnd. The worker passes them on unchanged.
 */
#pragma once

#include "pg/border/compat.h"
#include "wire/serve.h"

extern "C" {
#include "port/atomics.h"
#include "storage/dsm.h"
}

namespace pg {

struct SqlQuestion
{
	static constexpr uint16_t kType = 1;
	uint64_t number = 0; // not 0; its answers have this number too
	int32_t timeout_ms = 0;
	int32_t cost_limit = 0; // limit for the planner's estimate of all its statements; 0: none
	/* Parameters have type text. The columns are an item and its position, as text; or there is one
	 * column of type refcursor, which names the cursor of such rows. */
	std::string_view sql;
	std::vector<wire::Argument> arguments;

	static void fields(auto &c, auto &m)
	{
		c.number(m.number);
		c.number(m.timeout_ms, 1, INT32_MAX, "time limit out of range");
		c.number(m.cost_limit, 0, INT32_MAX, "cost limit out of range");
		c.utf8(m.sql, wire::kMaxFrame);
		c.list(m.arguments);
	}
};

/* The shared memory segment of worker and executor. */
struct ExecutorSegment
{
	static constexpr size_t kQuestions = 64 << 10; // bytes of the queue
	static constexpr size_t kAnswers = 256 << 10;

	/* Written by the worker before the executor exists. */
	Oid database, role;
	char name[NAMEDATALEN]; // "bigbrotr api.1"
	/* The question to cancel. The worker writes it and then sends SIGUSR2. */
	pg_atomic_uint64 cancelled;

	static constexpr size_t head() { return MAXALIGN(sizeof(ExecutorSegment)); }
	static constexpr size_t size() { return head() + kQuestions + kAnswers; }
	shm_mq *questions()
	{
		return reinterpret_cast<shm_mq *>(reinterpret_cast<char *>(this) + head());
	}
	shm_mq *answers()
	{
		return reinterpret_cast<shm_mq *>(reinterpret_cast<char *>(this) + head() + kQuestions);
	}
};

} // namespace pg
