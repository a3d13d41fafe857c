/*
 * The interface between a service and the frame. The frame provides life cycle, database
 * connection, loop, health checks, statistics, logging, reload of settings and the net process. A
 * folder in workers/ holds only what is particular to its service.
 *
 * All callbacks run in the worker's only thread. Errors are C++ exceptions (pg::Error for
 * PostgreSQL's). If an exception leaves a callback, the worker ends (exit 1), and the launcher
 * starts it again after a back-off.
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
	/* Settings that are read only at the start; if they change, the net process is replaced. */
	std::string fixed;
	std::string tls_ca_file; // read only at the start; "": the system's certificates
	std::vector<std::string> geoip_files = {}; // read only at the start
	/* Descriptors that the service keeps open; the net process gets copies as 4, 5, … They are used
	 * only at the start. */
	std::vector<int> descriptors = {};
};

/* The value of the User-Agent header: name, version and bigbrotr.contact. */
std::string user_agent();
/* Settings that all net processes with outgoing connections share. */
wire::DialSettings dial_settings(std::string_view user_agent);

/* The settings of a net process with outgoing connections. `settings`: the settings message of its
 * desk, in which this function sets `dial`. */
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
 * Thrown if the net process sent a message that no net process of this build sends. The net process
 * is ended and replaced. A transaction in which this is thrown is rolled back.
 */
struct NetFault
{
	std::string reason; // "it spoke of relay 7, which was not handed out to it"
	/* the message is not one of this desk; false: its content cannot be true */
	bool malformed = false;
};

/* Decodes the message of a frame as one of the types of `Messages`; throws NetFault otherwise. */
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

	/* Called once, when the database is connected and the extension was checked. */
	virtual void start(Worker &) {}
	/* Called once after start() and before the first cycle, if bigbrotr.warmup is on. */
	virtual void warm_up(Worker &) {}
	/* Does the work that is due, or gives it to the net process. Sets the delay until the next
	 * cycle. */
	virtual Next cycle(Worker &, std::chrono::milliseconds &delay) = 0;
	/*
	 * Called last in each turn of the loop, after a message, the worker's latch or a time has woken
	 * the loop. Returns the latest time of the next turn.
	 */
	virtual std::chrono::steady_clock::time_point turn(Worker &)
	{
		return std::chrono::steady_clock::time_point::max();
	}
	/* Whether the service has work for its net process; if not, the process is not started or is
	 * ended. */
	virtual bool needs_net() const { return true; }
	/* The settings of the net process, which it gets at its start and after a reload. */
	virtual NetSettings net_settings() const { return {}; }
	/* Takes a message other than Hello, Log and Stats. Throws NetFault. */
	virtual void on_message(Worker &, const wire::Frame &) {}
	/* A net process has started; it has got its settings, and no tasks. */
	virtual void on_net_start(Worker &) {}
	/* The net process has ended, so its tasks and questions are lost. */
	virtual void on_net_lost(Worker &) {}
	/*
	 * Called inside a transaction every 20 seconds while no cycle can run: while the service is
	 * paused, or while one of its transactions waits for a retry. Renews what would expire
	 * meanwhile, and does nothing else: the service may be in the middle of any other callback.
	 */
	virtual void renew(Worker &) {}
	/* Called every bigbrotr.health_check_interval and on demand. Throws or returns false if the
	 * service is unhealthy. */
	virtual bool healthy(Worker &) { return true; }
	/* Settings were reloaded. */
	virtual void on_reload(Worker &) {}
};

/* The functions that the frame offers to a service. */
class Worker
{
  public:
	virtual ~Worker() = default;

	/*
	 * Runs `body` in one transaction and commits. SPI is connected, a snapshot is pushed, and the
	 * extension is locked and checked. An exception aborts the transaction and goes to the caller.
	 */
	template <class F>
	void transaction(const char *activity, const TransactionOptions &options, F &&body);
	/*
	 * As transaction(), with retries after temporary failures: after a conflict, a lock time-out,
	 * the transaction's own time-out, a request to cancel, a full disk or a lack of memory, `body`
	 * runs again in a new transaction after a short delay, until it commits or the worker must end.
	 * `body` must not rely on its previous run. bigbrotr.services shows what the worker waits for.
	 */
	template <class F>
	void transaction_with_retries(const char *activity, const TransactionOptions &options,
								  F &&body);
	/*
	 * As transaction(), for work that can wait: after a failure that transaction_with_retries()
	 * would repeat, returns false after the delay before a retry.
	 */
	template <class F>
	bool transaction_or_later(const char *activity, const TransactionOptions &options, F &&body);

	/* Queues a frame for the net process. The frame is dropped if there is no net process. */
	virtual void send_frame(std::string_view frame) = 0;
	template <class Message> void send(const Message &message)
	{
		send_frame(wire::encode(message));
	}
	virtual bool net_running() const = 0;
	/* Must be called when Service::net_settings() has changed. In the next turn of the loop the net
	 * process gets the new settings, or is replaced. */
	virtual void renew_net_settings() = 0;

	/* "synchronizer"; for the second worker of the service, "synchronizer.2". */
	virtual std::string_view name() const = 0;

	/* Writes to the server log if bigbrotr.log_level allows it. Lines after the first are a detail.
	 * At most 1,024 bytes of the first line and 16 kB of the others are written. */
	virtual void log(wire::LogLevel level, std::string_view message) = 0;

	/* Custom statistics (service_stats(name) -> custom): count() adds to a counter, gauge() sets a
	 * value. */
	virtual void count(const char *key, int64_t add) = 0;
	virtual void gauge(const char *key, int64_t value) = 0;

	/* Sets what bigbrotr.services shows as waiting_for; empty: nothing. */
	virtual void show_waiting(std::string_view what) = 0;

	/* The clocks of all decisions: Unix seconds, and a monotonic clock for delays. */
	virtual int64_t now() const = 0;
	virtual std::chrono::steady_clock::time_point steady_now() const = 0;

  protected:
	virtual void begin(const char *activity, const TransactionOptions &options) = 0;
	virtual void commit() = 0;
	virtual void abort() noexcept = 0;
	/*
	 * Must be called in a catch block, after `attempt` failures. Waits until the next attempt is
	 * due. Rethrows the caught exception if a retry cannot help. Throws Terminated if the worker
	 * must end.
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

template <class F>
bool
Worker::transaction_or_later(const char *activity, const TransactionOptions &options, F &&body)
{
	try {
		transaction(activity, options, body);
		return true;
	} catch (...) {
		wait_for_retry(activity, 1);
		return false;
	}
}

/* The service with this name; null if there is none. In workers/factories.cpp. */
std::unique_ptr<Service> make_service(std::string_view name);

} // namespace pg
