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
	std::chrono::milliseconds timeout{0}; // of all of it; 0: bigbrotr.batch_timeout
};

/* The extension is not there, or not in this version: the worker has no business here. */
struct NotReady
{
	std::string reason;
};

/* From the worker's main function, once it is connected: how sessions of workers are set up. */
void prepare_session();

/* Throws pg::Error or NotReady; then no transaction is open. */
void begin_transaction(const char *activity, const TransactionOptions &options);
/* Throws pg::Error; then abort_transaction() is due. */
void commit_transaction();
/* If even that fails, this process ends. */
void abort_transaction() noexcept;

} // namespace pg
