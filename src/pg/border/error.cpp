#include "pg/border/error.h"

#include <new>

namespace pg {

static std::string
text_of(const char *text)
{
	return text ? text : "";
}

Error::Error(std::shared_ptr<detail::ServerError> server)
	: sqlstate_(server->data->sqlerrcode), message_(text_of(server->data->message)),
	  detail_(text_of(server->data->detail)), hint_(text_of(server->data->hint)),
	  server_(std::move(server))
{
}

namespace detail {

ServerError::~ServerError()
{
	if (context != nullptr)
		MemoryContextDelete(context);
}

/* Copies the text; null if it is empty or memory is short. Never raises an ERROR, because it runs
 * while an exception is being handled. */
static char *
copy(MemoryContext context, const char *text)
{
	if (text == nullptr || text[0] == '\0')
		return nullptr;
	size_t size = strlen(text) + 1;
	void *to = MemoryContextAllocExtended(context, size, MCXT_ALLOC_NO_OOM | MCXT_ALLOC_HUGE);
	return to ? static_cast<char *>(memcpy(to, text, size)) : nullptr;
}

static ErrorData *
new_data(MemoryContext context, int sqlstate, const char *message)
{
	auto *data = static_cast<ErrorData *>(MemoryContextAllocExtended(
		context, sizeof(ErrorData), MCXT_ALLOC_NO_OOM | MCXT_ALLOC_ZERO));
	if (data == nullptr)
		return nullptr;
	data->elevel = ERROR;
	data->sqlerrcode = sqlstate;
	data->message = copy(context, message);
	return data;
}

void
Failure::set(int sqlstate, const char *message) noexcept
{
	data_ = new_data(context_, sqlstate, message);
}

void
Failure::set_caught() noexcept
{
	try {
		throw;
	} catch (const Error &error) {
		set(error);
	} catch (const std::bad_alloc &) {
		set(ERRCODE_OUT_OF_MEMORY, "out of memory");
	} catch (const std::exception &error) {
		set(ERRCODE_INTERNAL_ERROR, error.what());
	} catch (...) {
		set(ERRCODE_INTERNAL_ERROR, "unknown C++ exception");
	}
}

/* Moves the server's record out of the error. */
void
Failure::set(const Error &error) noexcept
{
	if (const auto &server = error.server(); server && server->context != nullptr) {
		from_server_ = true;
		data_ = server->data;
		MemoryContextSetParent(std::exchange(server->context, nullptr), context_);
		return;
	}
	set(error.sqlstate(), error.what());
	if (data_ == nullptr)
		return;
	data_->detail = copy(context_, error.detail().c_str());
	data_->hint = copy(context_, error.hint().c_str());
}

void
Failure::raise() const
{
	if (data_ == nullptr)
		ereport(ERROR, (errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory")));
	if (from_server_)
		ReThrowError(data_);
	ThrowErrorData(data_);
	pg_unreachable();
}

/* Copies the pending error. This may run out of memory, which raises another ERROR, caught here. */
static ErrorData *
copy_pending(MemoryContext &kept)
{
	Handlers saved;
	sigjmp_buf here;
	if (sigsetjmp(here, 0) != 0)
		return nullptr;
	PG_exception_stack = &here;
	/* A child of TopMemoryContext, because the current context may be deleted with the
	 * transaction. */
	kept = AllocSetContextCreate(TopMemoryContext, "bigbrotr error", ALLOCSET_SMALL_SIZES);
	MemoryContextSwitchTo(kept);
	return CopyErrorData();
}

void
throw_pending(MemoryContext context)
{
	MemoryContext kept = nullptr;
	ErrorData *data = copy_pending(kept);
	FlushErrorState();
	MemoryContextSwitchTo(context);
	if (data == nullptr) {
		if (kept != nullptr)
			MemoryContextDelete(kept);
		throw std::bad_alloc();
	}
	throw Error(std::make_shared<ServerError>(kept, data));
}

} // namespace detail
} // namespace pg
