/*
 * One transaction of a worker, as the server's own main loop would run it: time-out armed,
 * extension locked and checked, SPI connected, activity and statistics reported.
 */
#pragma once

#include <string>

namespace pg {

/* The extension is not there, or not in this version: the worker has no business here. */
struct NotReady
{
	std::string reason;
};

/* Throws pg::Error or NotReady; then no transaction is open. */
void begin_transaction(const char *activity, bool durable);
/* Throws pg::Error; then abort_transaction() is due. */
void commit_transaction();
/* If even that fails, this process ends. */
void abort_transaction() noexcept;

} // namespace pg
