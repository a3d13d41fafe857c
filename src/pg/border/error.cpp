#include "pg/border/error.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace pg::detail {

/* As much as there is room for, and never half a character. */
template <size_t N>
static void
copy(char (&to)[N], const char *from)
{
	int length = pg_mbcliplen(from, static_cast<int>(strlen(from)), N - 1);
	memcpy(to, from, length);
	to[length] = '\0';
}

void
ErrorText::set(int code, const char *what)
{
	sqlstate = code;
	copy(message, what);
}

void
ErrorText::set(const Error &error)
{
	set(error.sqlstate(), error.what());
	copy(detail, error.detail().c_str());
	copy(hint, error.hint().c_str());
	copy(context, error.context().c_str());
}

void
raise(const ErrorText &text)
{
	ereport(ERROR, (errcode(text.sqlstate), errmsg_internal("%s", text.message),
					text.detail[0] ? errdetail_internal("%s", text.detail) : 0,
					text.hint[0] ? errhint("%s", text.hint) : 0,
					text.context[0] ? errcontext("%s", text.context) : 0));
	pg_unreachable();
}

/* Copying an error may itself run out of memory; that must not jump either. */
static ErrorData *
copy_pending(MemoryContext context)
{
	Handlers saved;
	sigjmp_buf here;
	if (sigsetjmp(here, 0) != 0)
		return nullptr;
	PG_exception_stack = &here;
	MemoryContextSwitchTo(context);
	return CopyErrorData();
}

static std::string
text_of(const char *text)
{
	return text ? text : "";
}

void
throw_pending(MemoryContext context)
{
	ErrorData *data = copy_pending(context);
	FlushErrorState();
	MemoryContextSwitchTo(context);
	if (data == nullptr)
		throw std::bad_alloc();
	Error error(data->sqlerrcode, text_of(data->message), text_of(data->detail),
				text_of(data->hint), text_of(data->context));
	FreeErrorData(data);
	throw error;
}

} // namespace pg::detail
