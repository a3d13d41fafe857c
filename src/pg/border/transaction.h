/*
 * One transaction of a worker, as the server's own main loop would run it: time-out armed,
 * extension locked and checked, SPI connected, activity and statistics reported.
 */
#pragma once

#include <chrono>
#include <string>

namespace pg {

struct TransactionOptions
{
	bool durable = true; // false: synchronous_commit is off
	bool read_only = false;
	std::chrono::milliseconds timeout{0}; // of the whole transaction; 0: bigbrotr.batch_timeout
};

/* The extension is not installed, or in another version: the worker must end. */
struct NotReady
{
	std::string reason;
};

/* Sets a worker's session up. From the worker's main function, once it is connected. */
void prepare_session();

/* Throws pg::Error or NotReady; then no transaction is open. */
void begin_transaction(const char *activity, const TransactionOptions &options);
/* Throws pg::Error; then the caller must call abort_transaction(). */
void commit_transaction();
/* Ends this process with FATAL if the abort itself fails. */
void abort_transaction() noexcept;

} // namespace pg
