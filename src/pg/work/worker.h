/*
 * The interface between a service and the frame. The frame does life cycle, database connection,
 * loop, health checks, statistics, logging, reload of settings and the net process; a folder in
 * workers/ holds only what is particular to its service.
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
#include <vector>

#include "pg/border/transaction.h"
#include "wire/fields.h"
#include "wire/link.h"

namespace pg {

enum class Next : uint8_t
{
	Continue,
	Done // the service has nothing more to do until it is started again
};

class Worker;

struct NetSettings
{
	std::string frame; // an encoded message
	/* The part that is read at the start only: if it changes, the net process is replaced. */
	std::string fixed;
	std::string tls_ca_file; // also read at the start only; "": the system's certificates
	std::vector<std::string> geoip_files = {}; // likewise
	/* What the service keeps open for its net process, which gets copies: descriptors 4, 5, …
	 * Also read at the start only. */
	std::vector<int> descriptors = {};
};

/* What relays are told in the User-Agent header: name, version and bigbrotr.contact. */
std::string user_agent();
/* What the settings of all net processes that connect to other hosts have in common. */
wire::DialSettings dial_settings(std::string_view user_agent);

/* The settings of such a net process; `settings` are what is particular to its desk. */
template <class Settings>
NetSettings
dialling_settings(Settings settings, std::string fixed = {})
{
	const std::string agent = user_agent();
	settings.dial = dial_settings(agent);
	return {.frame = wire::encode(settings),
			.fixed = std::move(fixed),
			.tls_ca_file = std::string(settings.dial.tls_ca_file)};
}

/*
 * Thrown when the net process sent what no net process of this build sends: it is killed and
 * replaced. If thrown within a transaction, that transaction is rolled back.
 */
struct NetFault
{
	std::string reason; // "it spoke of relay 7, which was not handed out to it"
	/* Not a message of this desk; otherwise the message is one, but cannot be true. */
	bool malformed = false;
};

/* The message of a frame, one of those that a service takes; throws NetFault if it is none. */
template <class Messages>
Messages
net_message(const wire::Frame &frame)
{
	std::string fault;
	auto message = wire::decode<Messages>(frame, fault);
	if (!message)
		throw NetFault{.reason = fault, .malformed = true};
	return *std::move(message);
}

class Service
{
  public:
	virtual ~Service() = default;

	/* Once, after the database is connected and the extension is known to be there. */
	virtual void start(Worker &) {}
	/* If bigbrotr.warmup is on: once, after start, before the first cycle. */
	virtual void warm_up(Worker &) {}
	/* One cycle: does what is due, or hands it to the net process. Sets the delay until the next
	 * cycle. */
	virtual Next cycle(Worker &, std::chrono::milliseconds &delay) = 0;
	/*
	 * In each turn of the loop, so whenever a message, the worker's latch or a time has woken it,
	 * as the last thing before it sleeps. Returns when the next turn must come at the latest.
	 */
	virtual std::chrono::steady_clock::time_point turn(Worker &)
	{
		return std::chrono::steady_clock::time_point::max();
	}
	/* Whether the service has work for its net process, which otherwise is not started, or ended.
	 */
	virtual bool needs_net() const { return true; }
	/* If the service has a net process: its settings, sent at its start and after a reload. */
	virtual NetSettings net_settings() const { return {}; }
	/* A message of the net process other than Hello, Log and Stats. Throws NetFault. */
	virtual void on_message(Worker &, const wire::Frame &) {}
	/* A net process has started; it has its settings and no tasks. */
	virtual void on_net_start(Worker &) {}
	/* The net process has ended: its tasks and its unanswered questions are lost. */
	virtual void on_net_lost(Worker &) {}
	/* Every bigbrotr.health_check_interval and on demand; throw or return false if unwell. */
	virtual bool healthy(Worker &) { return true; }
	/* Settings were reloaded. */
	virtual void on_reload(Worker &) {}
};

/* What the frame offers to a service. */
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
	 * The same, but temporary failures are retried: after a conflict, a lock time-out, the
	 * transaction's own time-out, a full disk or a lack of memory, `body` runs again in a new
	 * transaction after a short delay, until it commits or the worker is told to end. `body` must
	 * not rely on its previous run. bigbrotr.services shows what the worker waits for.
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
	/* Service::net_settings() has changed: the net process is told, or replaced, in the next turn
	 * of the loop. */
	virtual void renew_net_settings() = 0;

	/* "synchronizer"; of the second worker of the service "synchronizer.2". */
	virtual std::string_view name() const = 0;

	/* To the server log, if bigbrotr.log_level lets it through. At most 1024 bytes are kept. */
	virtual void log(wire::LogLevel level, std::string_view message) = 0;

	/* Custom statistics (service_stats(name) -> custom): adds to a counter or sets a gauge. */
	virtual void count(const char *key, int64_t add) = 0;
	virtual void gauge(const char *key, int64_t value) = 0;

	/* Shows in bigbrotr.services what the service waits for; empty: for nothing. */
	virtual void show_waiting(std::string_view what) = 0;

	/* The clock of all decisions: Unix seconds, and a monotonic one for delays. */
	virtual int64_t now() const = 0;
	virtual std::chrono::steady_clock::time_point steady_now() const = 0;

  protected:
	virtual void begin(const char *activity, const TransactionOptions &options) = 0;
	virtual void commit() = 0;
	virtual void abort() noexcept = 0;
	/*
	 * To be called in a catch block, after `attempt` failures: waits until the next attempt is due.
	 * Rethrows the caught exception if a retry cannot help; throws Terminated if the worker is told
	 * to end.
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
