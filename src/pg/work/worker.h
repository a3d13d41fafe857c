/*
 * The service wrapper: what a service must say, and what it gets. Life cycle, database connection,
 * loop, health checks, statistics, logging, settings reload and the net process are here
 * and in worker.cpp, once; a file in workers/ holds only what makes its service that service.
 *
 * Everything below runs in the worker's only thread. Errors are C++ exceptions (pg::Error for
 * PostgreSQL's); one that leaves a callback ends the worker (exit 1), the launcher backs off.
 */
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "pg/border/transaction.h"
#include "wire/link.h"

namespace pg {

enum class Next : uint8_t
{
	Continue,
	Done // the service has nothing more to do until it is started again
};

class Worker;

/* The net process sent what it never may. */
struct NetFault
{
	std::string reason;
};

class Service
{
  public:
	virtual ~Service() = default;

	/* Does the service talk to the network? Then it gets a net process of its own. */
	virtual bool needs_net() const { return false; }
	/* Once, after the database is connected and the extension is known to be there. */
	virtual void start(Worker &) {}
	/* If bigbrotr.warmup is on: once, after start, before the first cycle. */
	virtual void warm_up(Worker &) {}
	/* One cycle: decide what is due and do or hand out it. Sets the delay until the next cycle. */
	virtual Next cycle(Worker &, std::chrono::milliseconds &delay) = 0;
	/* The settings message of the net process: its first one, sent again after a reload. A frame.
	 */
	virtual std::string net_settings() { return {}; }
	/*
	 * A message of the net process that is not Hello, Log or Stats. Throws NetFault if no net
	 * process of this build would send it: the net process is then replaced.
	 */
	virtual void on_message(Worker &, const wire::Frame &) {}
	/* A net process is up (again): it knows nothing. Its settings were sent. */
	virtual void on_net_start(Worker &) {}
	/* The net process is gone: all tasks and unanswered questions with it. */
	virtual void on_net_lost(Worker &) {}
	/* Every bigbrotr.health_check_interval and on demand; throw or return false if unwell. */
	virtual bool healthy(Worker &) { return true; }
	/* Settings were reloaded. */
	virtual void on_reload(Worker &) {}
};

/* What a service may use of the wrapper. */
class Worker
{
  public:
	virtual ~Worker() = default;

	/*
	 * Runs `body` in one transaction with SPI connected, a snapshot pushed and the extension locked
	 * and re-checked; commits. Any exception aborts and goes on to the caller.
	 */
	template <class F>
	void transaction(const char *activity, const TransactionOptions &options, F &&body);
	/*
	 * The same, but what passes by itself does not go on to the caller: after a conflict, a lock
	 * time-out, the transaction's own time-out, a full disk or a lack of memory, `body` runs again
	 * in a new transaction after a short delay, until it commits or the worker is told to end.
	 * `body` must begin anew each time. bigbrotr.services shows what is waited for.
	 */
	template <class F>
	void transaction_with_retries(const char *activity, const TransactionOptions &options,
								  F &&body);

	/* Queues a frame for the net process; dropped if there is none. */
	virtual void send_frame(std::string_view frame) = 0;
	template <class Message> void send(const Message &message)
	{
		send_frame(wire::encode(message));
	}
	virtual bool net_running() const = 0;

	/* To the server log, if bigbrotr.log_level lets it through. At most 1024 bytes are kept. */
	virtual void log(wire::LogLevel level, std::string_view message) = 0;

	/* Custom statistics (service_stats(name) -> custom): adds to a counter or sets a gauge. */
	virtual void count(const char *key, int64_t add) = 0;
	virtual void gauge(const char *key, int64_t value) = 0;

	/* The clock of all decisions: Unix seconds, and a monotonic one for delays. */
	virtual int64_t now() const = 0;
	virtual std::chrono::steady_clock::time_point steady_now() const = 0;

  protected:
	virtual void begin(const char *activity, const TransactionOptions &options) = 0;
	virtual void commit() = 0;
	virtual void abort() noexcept = 0;
	/*
	 * In a catch block, after `attempt` failures: waits until the next attempt is due. Throws the
	 * caught exception again if that is of no use, or what ends the worker.
	 */
	virtual void wait_for_retry(const char *activity, int attempt) = 0;
};

template <class F>
void
Worker::transaction(const char *activity, const TransactionOptions &options, F &&body)
{
	begin(activity, options);
	try {
		body();
		commit();
	} catch (...) {
		abort();
		throw;
	}
}

template <class F>
void
Worker::transaction_with_retries(const char *activity, const TransactionOptions &options, F &&body)
{
	for (int attempt = 1;; attempt++) {
		try {
			return transaction(activity, options, body);
		} catch (...) {
			wait_for_retry(activity, attempt);
		}
	}
}

/* A service by its name; null if there is none. In workers/factories.cpp. */
std::unique_ptr<Service> make_service(std::string_view name);

} // namespace pg
