/*
 * _bigbrotr.newest: the newest events of some authors or with one tag, in the order of answers.
 */
#include "bytes.h"
#include "filter_argument.h"
#include "newest.h"

extern "C" {
#include "access/table.h"
#include "access/tableam.h"
#include "catalog/namespace.h"
#include "utils/snapmgr.h"
}

namespace archive {

Relation
open_events()
{
	return table_open(get_relname_relid("events", get_namespace_oid("bigbrotr", false)),
					  AccessShareLock);
}

namespace {

/* State of a call site between two rows. */
struct CallSite
{
	Newest newest;
	MemoryContext memory; // memory of the batch
	Candidates batch;
	size_t next;
};

void
read_batch(CallSite &call)
{
	MemoryContextReset(call.memory);
	MemoryContext before = MemoryContextSwitchTo(call.memory);
	call.batch = call.newest.filter->authors ? read_newest_of_authors(call.newest)
											 : read_newest_of_tag(call.newest);
	MemoryContextSwitchTo(before);
	std::sort(call.batch.items, call.batch.items + call.batch.count);
	call.next = 0;
}

/* The filters live in the current memory context. */
CallSite *
begin(Datum feed, int64_t most, Datum beside)
{
	nostr::Filter filter = condition_argument(pg::call([&] { return DatumGetJsonbP(feed); }));
	nostr::Filter other = condition_argument(pg::call([&] { return DatumGetJsonbP(beside); }));
	if (filter.tags.size() + (filter.authors ? 1 : 0) != 1 || filter.ids || filter.search)
		throw pg::Error(ERRCODE_INVALID_PARAMETER_VALUE, "invalid filter",
						"Here a filter has either authors or one tag, and may have kinds, since "
						"and until.",
						"bigbrotr.query_events takes any filter.");
	if (other.ids || other.kinds || other.since || other.until || other.search ||
		(filter.authors && (other.authors || !other.tags.empty())))
		throw pg::Error(
			ERRCODE_INVALID_PARAMETER_VALUE, "invalid filter beside another one",
			"Beside a filter with a tag stand authors and tags; beside one with authors "
			"stands nothing.",
			"bigbrotr.query_events takes any filter.");
	CallSite *call = nullptr;
	MemoryContextCallback *callback = nullptr;
	pg::call([&] {
		call = static_cast<CallSite *>(palloc0(sizeof(CallSite)));
		callback = static_cast<MemoryContextCallback *>(palloc0(sizeof(MemoryContextCallback)));
		call->memory =
			AllocSetContextCreate(CurrentMemoryContext, "bigbrotr newest", ALLOCSET_DEFAULT_SIZES);
	});
	call->newest = {
		.filter = new nostr::Filter(std::move(filter)),
		.beside = new nostr::Filter(std::move(other)),
		.since = 0,
		.until = PG_INT64_MAX,
		.last = {.created_at = PG_INT64_MAX, .tid = {}, .event_id = {}, .eid = 0},
		.most = static_cast<size_t>(
			std::clamp<int64_t>(most, 1, static_cast<int64_t>(Newest::kMostAtOnce))),
		.weeks = 4,
		.dense = 0,
		.walked = false,
		.ended = false,
	};
	callback->func = [](void *arg) {
		delete static_cast<CallSite *>(arg)->newest.filter;
		delete static_cast<CallSite *>(arg)->newest.beside;
	};
	callback->arg = call;
	MemoryContextRegisterResetCallback(CurrentMemoryContext, callback);
	call->newest.since = call->newest.filter->since.value_or(0);
	call->newest.until = call->newest.filter->until.value_or(PG_INT64_MAX);
	call->newest.ended =
		call->newest.filter->matches_nothing() || call->newest.beside->matches_nothing();
	return call;
}

} // namespace

} // namespace archive

SQL_FUNCTION(bigbrotr_newest)
{
	if (SRF_IS_FIRSTCALL()) {
		FuncCallContext *first = SRF_FIRSTCALL_INIT();
		MemoryContext before = MemoryContextSwitchTo(first->multi_call_memory_ctx);
		first->user_fctx = pg::boundary([&] {
			return archive::begin(PG_GETARG_DATUM(0), PG_GETARG_INT64(1), PG_GETARG_DATUM(2));
		});
		MemoryContextSwitchTo(before);
	}
	FuncCallContext *context = SRF_PERCALL_SETUP();
	auto &call = *static_cast<archive::CallSite *>(context->user_fctx);
	while (call.next == call.batch.count && !call.newest.ended)
		archive::read_batch(call);
	if (call.next == call.batch.count)
		SRF_RETURN_DONE(context);
	SRF_RETURN_NEXT(context, Int64GetDatum(call.batch.items[call.next++].eid));
}
