/*
 * The border between PostgreSQL's errors (siglongjmp) and C++'s (unwinding). Neither may cross the
 * other's frames: an ERROR skips destructors, and an exception that reaches the server ends the
 * process.
 *
 *   C++ -> PostgreSQL   pg::call([&] { return SPI_execute(…); })     an ERROR becomes a pg::Error
 *   PostgreSQL -> C++   pg::boundary([&] { …; return datum; })       an exception becomes an ERROR
 *
 * An error of the server passes through unchanged, with the names of table and constraint,
 * positions and its context lines, which are not added again.
 *
 * After a pg::Error the transaction cannot continue: the code that opened the transaction must
 * abort it before anything else uses the database.
 */
#pragma once

#include <csetjmp>
#include <exception>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>

#include "pg/border/compat.h"

namespace pg {

namespace detail {

/* The server's record of an error, in its own memory context. */
struct ServerError
{
	MemoryContext context;
	ErrorData *data; // in `context`

	ServerError(MemoryContext context, ErrorData *data) : context(context), data(data) {}
	ServerError(const ServerError &) = delete;
	~ServerError();
};

} // namespace detail

/* An error with PostgreSQL's fields: caught from the server, or thrown by our code. */
class Error : public std::exception
{
  public:
	Error(int sqlstate, std::string message, std::string detail = {}, std::string hint = {})
		: sqlstate_(sqlstate), message_(std::move(message)), detail_(std::move(detail)),
		  hint_(std::move(hint))
	{
	}
	explicit Error(std::shared_ptr<detail::ServerError> server);

	int sqlstate() const { return sqlstate_; } // encoded by MAKE_SQLSTATE
	const char *what() const noexcept override { return message_.c_str(); }
	const std::string &detail() const { return detail_; }
	const std::string &hint() const { return hint_; }
	/* Null if our code threw the error. */
	const std::shared_ptr<detail::ServerError> &server() const { return server_; }

  private:
	int sqlstate_;
	std::string message_, detail_, hint_;
	std::shared_ptr<detail::ServerError> server_;
};

namespace detail {

/*
 * The content of an exception in the server's memory, so that the exception can be destroyed before
 * ereport() jumps. The content lives in the memory context that was current at construction.
 */
class Failure
{
  public:
	void set(int sqlstate, const char *message) noexcept;
	/* Takes the content of the current exception. Must be called in a catch block. */
	void set_caught() noexcept;

	[[noreturn]] void raise() const;
	/* Null if memory was too short for the error. */
	const ErrorData *data() const { return data_; }
	/* Whether the error has its context lines already. */
	bool has_context() const { return from_server_; }

  private:
	void set(const Error &error) noexcept;

	MemoryContext context_ = CurrentMemoryContext;
	ErrorData *data_ = nullptr;
	bool from_server_ = false;
};

/* Removes the server's pending error from its stack and throws it. */
[[noreturn]] void throw_pending(MemoryContext context);

/* Restores the server's error handling when a guarded block ends by return or exception. */
struct Handlers
{
	sigjmp_buf *stack = PG_exception_stack;
	ErrorContextCallback *contexts = error_context_stack;
	~Handlers()
	{
		PG_exception_stack = stack;
		error_context_stack = contexts;
	}
};

} // namespace detail

/*
 * Runs `body`, which calls PostgreSQL. An ERROR in it becomes a thrown pg::Error. `body` may have
 * only trivially destructible locals, because an ERROR skips their destructors.
 */
template <class F>
auto
call(F &&body) -> decltype(body())
{
	MemoryContext context = CurrentMemoryContext;
	{
		detail::Handlers saved;
		sigjmp_buf here;
		if (sigsetjmp(here, 0) == 0) {
			PG_exception_stack = &here;
			return body();
		}
	}
	detail::throw_pending(context);
}

/* Runs `body`, which is C++ code. An exception that leaves it becomes an ERROR. `body` may capture
 * only by reference. */
template <class F>
auto
boundary(F body) -> decltype(body())
{
	static_assert(std::is_trivially_destructible_v<F>); // ereport() skips ~F
	detail::Failure failure;
	try {
		return body();
	} catch (...) {
		failure.set_caught();
	}
	failure.raise(); // after the catch block, so that the exception is freed
}

} // namespace pg
