/*
 * The border between PostgreSQL's errors (siglongjmp) and C++'s (unwinding). Neither may cross the
 * other's frames: an ERROR skips destructors, an exception that reaches the server ends it.
 *
 *   C++ -> PostgreSQL   pg::call([&] { return SPI_execute(…); })     an ERROR becomes a pg::Error
 *   PostgreSQL -> C++   pg::boundary([&] { …; return datum; })       an exception becomes an ERROR
 *
 * An error of the server passes through unchanged: with the names of table and constraint,
 * positions and its context lines, which are not added a second time.
 *
 * After a pg::Error the transaction is dead: the code that opened it must abort it before anything
 * else touches the database.
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

/* The server's own record of an error, in a memory context of its own. */
struct ServerError
{
	MemoryContext context;
	ErrorData *data; // in `context`

	ServerError(MemoryContext context, ErrorData *data) : context(context), data(data) {}
	ServerError(const ServerError &) = delete;
	~ServerError();
};

} // namespace detail

/* An error with PostgreSQL's parts: caught from the server, or thrown by us for it. */
class Error : public std::exception
{
  public:
	Error(int sqlstate, std::string message, std::string detail = {}, std::string hint = {})
		: sqlstate_(sqlstate), message_(std::move(message)), detail_(std::move(detail)),
		  hint_(std::move(hint))
	{
	}
	explicit Error(std::shared_ptr<detail::ServerError> server);

	int sqlstate() const { return sqlstate_; } // as MAKE_SQLSTATE packs it
	const char *what() const noexcept override { return message_.c_str(); }
	const std::string &detail() const { return detail_; }
	const std::string &hint() const { return hint_; }
	/* Null if the error is ours. */
	const std::shared_ptr<detail::ServerError> &server() const { return server_; }

  private:
	int sqlstate_;
	std::string message_, detail_, hint_;
	std::shared_ptr<detail::ServerError> server_;
};

namespace detail {

/*
 * An exception's content in the server's memory, so that the exception is gone before ereport()
 * jumps. It lives in the memory context that was current where the Failure was made.
 */
class Failure
{
  public:
	void set(int sqlstate, const char *message) noexcept;
	/* In a catch block: the exception that was caught. */
	void set_caught() noexcept;

	[[noreturn]] void raise() const;
	/* Null if there was no memory for the error. */
	const ErrorData *data() const { return data_; }
	/* Does the error have its context lines already? */
	bool has_context() const { return from_server_; }

  private:
	void set(const Error &error) noexcept;

	MemoryContext context_ = CurrentMemoryContext;
	ErrorData *data_ = nullptr;
	bool from_server_ = false;
};

/* Takes the server's pending error off its stack and throws it. */
[[noreturn]] void throw_pending(MemoryContext context);

/* Restores the server's error handling when the guarded block is left by return or exception. */
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
 * Runs `body`, which calls PostgreSQL; an ERROR in it becomes a thrown pg::Error. `body` may hold
 * only trivially destructible locals: the guard protects the frames above it, not objects in it.
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

/* Runs `body`, which is C++; an exception that leaves it becomes an ERROR. `body` may capture by
 * reference only. */
template <class F>
auto
boundary(F body) -> decltype(body())
{
	static_assert(std::is_trivially_destructible_v<F>); // ereport skips ~F
	detail::Failure failure;
	try {
		return body();
	} catch (...) {
		failure.set_caught();
	}
	failure.raise(); // after the catch block: inside, the exception would leak
}

} // namespace pg
