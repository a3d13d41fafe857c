/*
 * One transaction of a worker, as the server's main loop would run it: time-outs armed, extension
 * locked and checked, SPI connected, activity and statistics reported.
 */
#pragma once

#include <chrono>
#include <string>

namespace pg {

struct TransactionOptions
{
	bool durable = true; // false: synchronous_commit is off
	bool read_only = false;
	std::chrono::milliseconds timeout{0}; // for the whole transaction; 0: bigbrotr.batch_timeout
};

/* Thrown if the extension is missing or has another version. The worker must end. */
struct NotReady
{
	std::string reason;
};

/* Sets up a worker's session. Must be called once by the worker's main function, after it has
 * connected. */
void prepare_session();

/* Throws pg::Error or NotReady; then no transaction is open. */
void begin_transaction(const char *activity, const TransactionOptions &options);
/* Throws pg::Error; then the caller must call abort_transaction(). */
void commit_transaction();
/* Ends this process with FATAL if the abort itself fails. */
void abort_transaction() noexcept;

} // namespace pg
