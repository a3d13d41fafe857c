#include "table.h"

#include "tags.h"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_opfamily_d.h"
#include "catalog/pg_trigger.h"
#include "catalog/pg_type_d.h"
#include "commands/sequence.h"
#include "commands/trigger.h"
#include "mb/pg_wchar.h"
#include "nodes/makefuncs.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/fmgroids.h"
}

namespace archive {

/* Whether the first columns have the expected names and types. */
bool
Table::fits(const TableShape &shape)
{
	TupleDesc have = RelationGetDescr(relation_);
	auto wanted = static_cast<int>(shape.columns.size());
	if (have->natts < wanted)
		return false;
	for (int i = 0; i < wanted; i++) {
		Form_pg_attribute column = TupleDescAttr(have, i);
		const Column &want = shape.columns[static_cast<size_t>(i)];
		Oid type = want.type == kTagsType ? tags_type(RelationGetNamespace(relation_)) : want.type;
		if (column->attisdropped || strcmp(NameStr(column->attname), want.name) != 0 ||
			column->atttypid != type || column->atttypmod != -1 || column->attgenerated ||
			(column->attidentity != '\0') != want.identity)
			return false;
		if (want.identity)
			identity_ = column->attnum;
	}
	return true;
}

/* Whether each column beyond the expected ones is nullable and has no default, identity or
 * generation expression. */
bool
Table::others_take_null(const TableShape &shape)
{
	TupleDesc have = RelationGetDescr(relation_);
	for (auto i = static_cast<int>(shape.columns.size()); i < have->natts; i++) {
		Form_pg_attribute column = TupleDescAttr(have, i);
		if (!column->attisdropped && (column->attnotnull || column->atthasdef ||
									  column->attgenerated || column->attidentity))
			return false;
	}
	return true;
}

/* Whether an INSERT fires no rule and no trigger except our counting trigger. */
bool
Table::quiet(const TableShape &shape)
{
	if (relation_->rd_rules != nullptr || relation_->rd_rel->relispartition ||
		SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return false;
	const TriggerDesc *triggers = relation_->trigdesc;
	for (int i = 0; triggers != nullptr && i < triggers->numtriggers; i++) {
		const Trigger &trigger = triggers->triggers[i];
		if (!TRIGGER_FOR_INSERT(trigger.tgtype) || trigger.tgenabled == TRIGGER_DISABLED ||
			trigger.tgenabled == TRIGGER_FIRES_ON_REPLICA)
			continue;
		if (counted_ || strcmp(get_func_name(trigger.tgfoid), shape.counter) != 0 ||
			get_func_namespace(trigger.tgfoid) != get_namespace_oid("_bigbrotr", true))
			return false;
		counted_ = true;
	}
	return true;
}

/* Opens the index of the primary key and prepares its scan keys. */
bool
Table::open_key(const TableShape &shape)
{
	Oid oid = pg::compat::primary_key_index(relation_);
	if (!OidIsValid(oid))
		return false;
	key_ = index_open(oid, AccessShareLock);
	key_columns_ = static_cast<int>(shape.key.size());
	bool good = key_->rd_index->indnkeyatts == key_columns_ && key_->rd_index->indisvalid &&
				key_->rd_index->indimmediate;
	for (int i = 0; good && i < key_columns_; i++) {
		int16_t number = shape.key[static_cast<size_t>(i)];
		Oid type = shape.columns[static_cast<size_t>(number - 1)].type;
		Oid family = type == BYTEAOID ? BYTEA_BTREE_FAM_OID : INTEGER_BTREE_FAM_OID;
		good = key_->rd_index->indkey.values[i] == number && key_->rd_opfamily[i] == family &&
			   key_->rd_opcintype[i] == type;
		ScanKeyInit(&keys_[i], static_cast<AttrNumber>(i + 1), BTEqualStrategyNumber,
					type == BYTEAOID  ? F_BYTEAEQ
					: type == INT8OID ? F_INT8EQ
									  : F_INT4EQ,
					0);
	}
	if (!good)
		index_close(key_, NoLock);
	return good;
}

bool
Table::open_relation(const TableShape &shape, LOCKMODE lock, AclMode needed)
{
	relation_ = table_openrv_extended(
		makeRangeVar(const_cast<char *>("bigbrotr"), const_cast<char *>(shape.name), -1), lock,
		true);
	if (relation_ == nullptr)
		return false;
	if (relation_->rd_rel->relkind == RELKIND_RELATION && !relation_->rd_rel->relrowsecurity &&
		relation_->rd_tableam == GetHeapamTableAmRoutine() &&
		pg_class_aclmask(RelationGetRelid(relation_), GetUserId(), needed, ACLMASK_ALL) == needed)
		return true;
	table_close(relation_, NoLock);
	return false;
}

/* Opens the indexes that must be written; false if one of them defers its check. */
bool
Table::open_indexes()
{
	estate_ = CreateExecutorState();
	result_ = makeNode(ResultRelInfo);
	InitResultRelInfo(result_, relation_, 0, nullptr, 0);
	ExecOpenIndices(result_, false);
	bool good = true;
	for (int i = 0; i < result_->ri_NumIndices; i++) {
		Form_pg_index index = result_->ri_IndexRelationDescs[i]->rd_index;
		good = good && index->indimmediate && !index->indisexclusion;
	}
	if (!good)
		close_indexes();
	return good;
}

void
Table::close_indexes()
{
	ExecCloseIndices(result_);
	FreeExecutorState(estate_);
}

void
Table::open_scan(Snapshot snapshot)
{
	scan_ = pg::compat::begin_index_scan(relation_, key_, snapshot, key_columns_);
	found_ = table_slot_create(relation_, nullptr);
}

bool
Table::open(const TableShape &shape)
{
	if (IsolationUsesXactSnapshot() || GetDatabaseEncoding() != PG_UTF8 ||
		!open_relation(shape, RowExclusiveLock, ACL_INSERT | ACL_SELECT))
		return false;
	if (fits(shape) && others_take_null(shape) && quiet(shape) && open_key(shape)) {
		if (open_indexes()) {
			PreventCommandIfReadOnly("INSERT");
			PreventCommandIfParallelMode("INSERT");
			InitDirtySnapshot(others_);
			open_scan(&others_);
			return true;
		}
		index_close(key_, NoLock);
	}
	table_close(relation_, NoLock);
	return false;
}

bool
Table::open_to_read(const TableShape &shape, Snapshot snapshot, LOCKMODE lock)
{
	if (!open_relation(shape, lock, ACL_SELECT))
		return false;
	if (!fits(shape) || !open_key(shape)) {
		table_close(relation_, NoLock);
		return false;
	}
	others_.xmin = others_.xmax = InvalidTransactionId;
	open_scan(snapshot);
	return true;
}

void
Table::close()
{
	ExecDropSingleTupleTableSlot(found_);
	index_endscan(scan_);
	index_close(key_, NoLock);
	for (int i = 0; i < made_; i++)
		ExecDropSingleTupleTableSlot(rows_[i]);
	if (estate_ != nullptr)
		close_indexes();
	table_close(relation_, NoLock);
}

bool
Table::empty() const
{
	return RelationGetNumberOfBlocks(relation_) == 0;
}

int64_t
Table::next_identity()
{
	if (!OidIsValid(sequence_))
		sequence_ = pg::compat::identity_sequence(relation_, identity_);
	return nextval_internal(sequence_, false);
}

/* The transaction that is inserting or deleting the row found last; invalid if there is none. */
TransactionId
Table::writer() const
{
	return TransactionIdIsValid(others_.xmin) ? others_.xmin : others_.xmax;
}

TupleTableSlot *
Table::find(const Datum *key)
{
	for (int i = 0; i < key_columns_; i++)
		keys_[i].sk_argument = key[i];
	for (;;) {
		CHECK_FOR_INTERRUPTS();
		index_rescan(scan_, keys_, key_columns_, nullptr, 0);
		if (!index_getnext_slot(scan_, ForwardScanDirection, found_))
			return nullptr;
		TransactionId other = writer();
		if (!TransactionIdIsValid(other))
			return found_;
		ItemPointerData tid = found_->tts_tid;
		ExecClearTuple(found_);
		if (others_.speculativeToken)
			SpeculativeInsertionWait(other, others_.speculativeToken);
		else
			XactLockTableWait(other, relation_, &tid, XLTW_InsertIndex);
	}
}

bool
Table::hold(LockTupleMode mode)
{
	Assert(CheckRelationLockedByMe(relation_, RowShareLock, true));
	TM_FailureData failure;
	ItemPointerData tid = found_->tts_tid;
	return table_tuple_lock(relation_, &tid, scan_->xs_snapshot, found_, GetCurrentCommandId(true),
							mode, LockWaitBlock, TUPLE_LOCK_FLAG_FIND_LAST_VERSION,
							&failure) == TM_Ok;
}

void
Table::find_all(std::span<const KeyPair> keys, bool *found)
{
	memset(found, false, keys.size());
	ScanKeyData between[2];
	ScanKeyInit(&between[0], 1, BTGreaterEqualStrategyNumber, F_INT8GE,
				Int64GetDatum(keys.front().first));
	ScanKeyInit(&between[1], 1, BTLessEqualStrategyNumber, F_INT8LE,
				Int64GetDatum(keys.back().first));
	scan_->xs_want_itup = true; // the key is read from the index, so most rows are not fetched
	index_rescan(scan_, between, 2, nullptr, 0);
	List *busy = NIL; // keys whose row another transaction is inserting or deleting
	size_t next = 0;
	bool more = true;
	for (int passed = 0; next < keys.size() && passed <= kPassed; passed++) {
		more = index_getnext_tid(scan_, ForwardScanDirection) != nullptr;
		if (!more)
			break;
		CHECK_FOR_INTERRUPTS();
		bool null;
		KeyPair at = {DatumGetInt64(index_getattr(scan_->xs_itup, 1, scan_->xs_itupdesc, &null)),
					  DatumGetInt32(index_getattr(scan_->xs_itup, 2, scan_->xs_itupdesc, &null))};
		for (; next < keys.size() && keys[next] < at; next++)
			passed = 0;
		if (next == keys.size() || keys[next] != at || !index_fetch_heap(scan_, found_))
			continue;
		found[next] = true;
		if (TransactionIdIsValid(writer()))
			busy = lappend_int(busy, static_cast<int>(next));
	}
	scan_->xs_want_itup = false;
	auto look_up = [&](size_t i) {
		Datum key[] = {Int64GetDatum(keys[i].first), Int32GetDatum(keys[i].second)};
		found[i] = find(key) != nullptr;
	};
	ListCell *cell;
	foreach (cell, busy)
		look_up(static_cast<size_t>(lfirst_int(cell)));
	for (; more && next < keys.size(); next++)
		look_up(next);
}

TupleTableSlot *
Table::row()
{
	Assert(!full());
	CHECK_FOR_INTERRUPTS();
	if (filled_ == made_)
		rows_[made_++] = table_slot_create(relation_, nullptr);
	TupleTableSlot *slot = rows_[filled_++];
	int columns = RelationGetDescr(relation_)->natts;
	memset(slot->tts_isnull, true, static_cast<size_t>(columns));
	return slot;
}

/* Inserts into one index. Waits for a transaction that is inserting or deleting the same key;
 * raises unique_violation if the key then exists. */
void
Table::insert_into(int index, TupleTableSlot *row)
{
	Relation relation = result_->ri_IndexRelationDescs[index];
	IndexInfo *info = result_->ri_IndexRelationInfo[index];
	GetPerTupleExprContext(estate_)->ecxt_scantuple = row;
	if (info->ii_Predicate != NIL && info->ii_PredicateState == nullptr)
		info->ii_PredicateState = ExecPrepareQual(info->ii_Predicate, estate_);
	if (info->ii_ReadyForInserts &&
		ExecQual(info->ii_PredicateState, GetPerTupleExprContext(estate_))) {
		Datum values[INDEX_MAX_KEYS];
		bool nulls[INDEX_MAX_KEYS];
		FormIndexDatum(info, row, estate_, values, nulls);
		index_insert(relation, values, nulls, &row->tts_tid, relation_,
					 relation->rd_index->indisunique ? UNIQUE_CHECK_YES : UNIQUE_CHECK_NO, false,
					 info);
	}
	ResetPerTupleExprContext(estate_);
}

void
Table::write()
{
	if (filled_ == 0)
		return;
	for (int i = 0; i < filled_; i++) {
		ExecStoreVirtualTuple(rows_[i]);
		ExecConstraints(result_, rows_[i], estate_);
		ResetPerTupleExprContext(estate_);
	}
	table_multi_insert(relation_, rows_, filled_, GetCurrentCommandId(true), 0, nullptr);
	dirty_ = true;
	for (int index = 0; index < result_->ri_NumIndices; index++)
		for (int i = 0; i < filled_; i++)
			insert_into(index, rows_[i]);
	for (int i = 0; i < filled_; i++)
		ExecClearTuple(rows_[i]);
	filled_ = 0;
}

void
Table::finish()
{
	if (dirty_)
		CommandCounterIncrement();
	dirty_ = false;
}

} // namespace archive
