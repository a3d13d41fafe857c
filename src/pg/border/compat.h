/*
 * PostgreSQL's headers and all differences between the supported majors. Must be included after all
 * standard and own headers, because PostgreSQL redefines printf, snprintf, _, Max, Min, ERROR …
 */
#pragma once

#include <string_view>

extern "C" {
#include "postgres.h"

/* The scripts read the limits from this line. */
#if PG_VERSION_NUM < 140000 || PG_VERSION_NUM >= 200000
#error "bigbrotr needs PostgreSQL 14 to 19"
#endif

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "catalog/dependency.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "executor/executor.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/tidbitmap.h"
#include "storage/latch.h"
#include "storage/lock.h"
#include "storage/lwlock.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "storage/shm_mq.h"
#include "storage/sinvaladt.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
#include "utils/wait_event.h"
#if PG_VERSION_NUM >= 180000
#include "storage/waiteventset.h"
#endif
}

/* With -fvisibility=hidden, the empty PGDLLEXPORT of 14 and 15 would hide the magic block. */
#if PG_VERSION_NUM < 160000
#undef PGDLLEXPORT
#define PGDLLEXPORT __attribute__((visibility("default")))
#endif

/* The head of a function that SQL calls by this name: declares, exports and defines it. */
#define SQL_FUNCTION(name)                                                                         \
	extern "C" {                                                                                   \
	PG_FUNCTION_INFO_V1(name);                                                                     \
	PGDLLEXPORT Datum name(PG_FUNCTION_ARGS);                                                      \
	}                                                                                              \
	Datum name(PG_FUNCTION_ARGS)

/* The arguments with which a signal handler calls another one: the parameters of SIGNAL_ARGS. */
#if PG_VERSION_NUM >= 190000
#define PG_SIGNAL_PARAMETERS postgres_signal_arg, pg_siginfo
#else
#define PG_SIGNAL_PARAMETERS postgres_signal_arg
#endif

namespace pg::compat {

inline void
reserve_setting_prefix(const char *prefix)
{
#if PG_VERSION_NUM >= 150000
	MarkGUCPrefixReserved(prefix);
#else
	EmitWarningsOnPlaceholders(prefix);
#endif
}

/* The wait event that pg_stat_activity shows while one of our processes waits. */
inline uint32
wait_event(const char *name)
{
#if PG_VERSION_NUM >= 170000
	return WaitEventExtensionNew(name);
#else
	(void) name;
	return PG_WAIT_EXTENSION;
#endif
}

/* Makes a set-returning function return the rows that it puts into its tuple store. */
inline void
begin_rows(FunctionCallInfo fcinfo)
{
#if PG_VERSION_NUM >= 150000
	InitMaterializedSRF(fcinfo, 0);
#else
	auto *result = reinterpret_cast<ReturnSetInfo *>(fcinfo->resultinfo);
	if (result == nullptr || !IsA(result, ReturnSetInfo) ||
		!(result->allowedModes & SFRM_Materialize))
		ereport(ERROR, (errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("set-valued function called in context that cannot accept a set")));
	MemoryContext previous = MemoryContextSwitchTo(result->econtext->ecxt_per_query_memory);
	TupleDesc columns;
	if (get_call_result_type(fcinfo, nullptr, &columns) != TYPEFUNC_COMPOSITE)
		elog(ERROR, "return type must be a row type");
	result->returnMode = SFRM_Materialize;
	result->setResult = tuplestore_begin_heap(true, false, work_mem);
	result->setDesc = columns;
	MemoryContextSwitchTo(previous);
#endif
}

inline bool
owns(Oid catalog, Oid object)
{
#if PG_VERSION_NUM >= 160000
	return object_ownercheck(catalog, object, GetUserId());
#else
	return catalog == DatabaseRelationId ? pg_database_ownercheck(object, GetUserId())
										 : pg_extension_ownercheck(object, GetUserId());
#endif
}

inline Oid
identity_sequence(Relation relation, AttrNumber column)
{
#if PG_VERSION_NUM >= 170000
	return getIdentitySequence(relation, column, false);
#else
	return getIdentitySequence(RelationGetRelid(relation), column, false);
#endif
}

/* The index of the primary key; none if the key is deferrable. */
inline Oid
primary_key_index(Relation relation)
{
#if PG_VERSION_NUM >= 180000
	return RelationGetPrimaryKeyIndex(relation, false);
#else
	return RelationGetPrimaryKeyIndex(relation);
#endif
}

inline IndexScanDesc
begin_index_scan(Relation table, Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 190000
	return index_beginscan(table, index, snapshot, nullptr, keys, 0, 0);
#elif PG_VERSION_NUM >= 180000
	return index_beginscan(table, index, snapshot, nullptr, keys, 0);
#else
	return index_beginscan(table, index, snapshot, keys, 0);
#endif
}

inline IndexScanDesc
begin_bitmap_scan(Relation index, Snapshot snapshot, int keys)
{
#if PG_VERSION_NUM >= 180000
	return index_beginscan_bitmap(index, snapshot, nullptr, keys);
#else
	return index_beginscan_bitmap(index, snapshot, keys);
#endif
}

inline IndexFetchTableData *
begin_index_fetch(Relation table)
{
#if PG_VERSION_NUM >= 190000
	return table_index_fetch_begin(table, 0);
#else
	return table_index_fetch_begin(table);
#endif
}

/* Calls visit(tid) for each row of a bitmap. If the bitmap has only whole pages, it may call
 * visit(tid) for rows that do not exist. May raise an ERROR. */
template <class F>
void
each_of_bitmap(TIDBitmap *bitmap, F visit)
{
	auto visit_rows = [&](BlockNumber page, const OffsetNumber *rows, int count) {
		for (int i = 0; i < count; i++) {
			ItemPointerData tid;
			ItemPointerSet(&tid, page, rows[i]);
			visit(tid);
		}
	};
	OffsetNumber all[MaxHeapTuplesPerPage];
	for (int i = 0; i < MaxHeapTuplesPerPage; i++)
		all[i] = static_cast<OffsetNumber>(i + 1);
#if PG_VERSION_NUM >= 180000
	TBMPrivateIterator *iterator = tbm_begin_private_iterate(bitmap);
	OffsetNumber rows[MaxHeapTuplesPerPage];
	for (TBMIterateResult page; tbm_private_iterate(iterator, &page);)
		if (page.lossy)
			visit_rows(page.blockno, all, MaxHeapTuplesPerPage);
		else
			visit_rows(page.blockno, rows,
					   tbm_extract_page_tuple(&page, rows, MaxHeapTuplesPerPage));
	tbm_end_private_iterate(iterator);
#else
	TBMIterator *iterator = tbm_begin_iterate(bitmap);
	while (const TBMIterateResult *page = tbm_iterate(iterator))
		if (page->ntuples < 0)
			visit_rows(page->blockno, all, MaxHeapTuplesPerPage);
		else
			visit_rows(page->blockno, page->offsets, page->ntuples);
	tbm_end_iterate(iterator);
#endif
}

#if PG_VERSION_NUM >= 190000
using JsonbBuilder = JsonbInState;
#else
struct JsonbBuilder
{
	JsonbParseState *parseState;
	JsonbValue *result; /* the value after the last token */
};
#endif

inline void
push_jsonb(JsonbBuilder *builder, JsonbIteratorToken token, JsonbValue *value = nullptr)
{
#if PG_VERSION_NUM >= 190000
	pushJsonbValue(builder, token, value);
#else
	builder->result = pushJsonbValue(&builder->parseState, token, value);
#endif
}

inline WaitEventSet *
create_wait_event_set(int events)
{
#if PG_VERSION_NUM >= 170000
	return CreateWaitEventSet(nullptr, events);
#else
	return CreateWaitEventSet(TopMemoryContext, events);
#endif
}

/* Sends as much as fits into the queue, and notifies the receiver at once. */
inline shm_mq_result
send_some(shm_mq_handle *queue, std::string_view message)
{
#if PG_VERSION_NUM >= 150000
	return shm_mq_send(queue, message.size(), message.data(), true, true);
#else
	return shm_mq_send(queue, message.size(), message.data(), true);
#endif
}

/* The process that runs a transaction; 0 for a prepared transaction. A prepared transaction keeps
 * the backend number and the local id of the session that prepared it. Another session may have
 * that backend number by now, but then its local id differs. */
inline pid_t
process_of(const VirtualTransactionId &id)
{
#if PG_VERSION_NUM >= 170000
	PGPROC *process =
		id.procNumber == INVALID_PROC_NUMBER ? nullptr : ProcNumberGetProc(id.procNumber);
	const bool runs = process && process->vxid.lxid == id.localTransactionId;
#else
	PGPROC *process = id.backendId == InvalidBackendId ? nullptr : BackendIdGetProc(id.backendId);
	const bool runs = process && process->lxid == id.localTransactionId;
#endif
	return runs ? process->pid : 0;
}

} // namespace pg::compat
