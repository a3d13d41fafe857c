/*
 * The border between PostgreSQL's errors (siglongjmp) and C++'s (unwinding). Neither may cross the
 * other's frames: an ERROR skips destructors, an exception that reaches the server ends it.
 *
 *   C++ -> PostgreSQL   pg::call([&] { return SPI_execute(…); })     an ERROR becomes a pg::Error
 *   PostgreSQL -> C++   pg::boundary([&] { …; return datum; })       an exception becomes an ERROR
 *
 * After a pg::Error the transaction is dead: whoever opened it must abort it before anything else
 * touches the database.
 */
#pragma once

#include <csetjmp>
#include <exception>
#include <new>
#include <string>
#include <type_traits>
#include <utility>

#include "pg/border/compat.h"

namespace pg {

/* An error with PostgreSQL's parts: caught from the server, or thrown by us for it. */
class Error : public std::exception
{
  public:
	Error(int sqlstate, std::string message, std::string detail = {}, std::string hint = {},
		  std::string context = {})
		: sqlstate_(sqlstate), message_(std::move(message)), detail_(std::move(detail)),
		  hint_(std::move(hint)), context_(std::move(context))
	{
	}

	int sqlstate() const { return sqlstate_; } // as MAKE_SQLSTATE packs it
	const char *what() const noexcept override { return message_.c_str(); }
	const std::string &detail() const { return detail_; }
	const std::string &hint() const { return hint_; }
	const std::string &context() const { return context_; }

  private:
	int sqlstate_;
	std::string message_, detail_, hint_, context_;
};

namespace detail {

/* An exception's content in plain memory, so that the exception is gone before ereport() jumps. */
struct ErrorText
{
	int sqlstate = ERRCODE_INTERNAL_ERROR;
	char message[1024], detail[1024], hint[512], context[1024];

	/* Not all of it is zeroed: that would take longer than most of what runs under a boundary. */
	ErrorText() { message[0] = detail[0] = hint[0] = context[0] = '\0'; }
	void set(int code, const char *what);
	void set(const Error &error);
};

[[noreturn]] void raise(const ErrorText &text);
/* Takes the server's pending error off its stack and throws it. */
[[noreturn]] void throw_pending(MemoryContext context);

/* Puts the server's error handling back as it was, however the guarded code is left. */
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

/* Runs `body`, which is C++; an exception out of it becomes an ERROR. Captures by reference only.
 */
template <class F>
auto
boundary(F body) -> decltype(body())
{
	static_assert(std::is_trivially_destructible_v<F>); // ereport skips ~F
	detail::ErrorText text;
	try {
		return body();
	} catch (const Error &error) {
		text.set(error);
	} catch (const std::bad_alloc &) {
		text.set(ERRCODE_OUT_OF_MEMORY, "out of memory");
	} catch (const std::exception &error) {
		text.set(ERRCODE_INTERNAL_ERROR, error.what());
	} catch (...) {
		text.set(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
	}
	detail::raise(text); // after the last catch: inside, the exception would leak
}

} // namespace pg
