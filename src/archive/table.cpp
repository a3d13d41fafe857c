#include "table.h"

#include "pg/compat.h"
#include "tags.h"

extern "C" {
#include "access/heapam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "catalog/dependency.h"
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
#include "utils/lsyscache.h"
}

namespace archive {

/* Columns: name and type as expected, and further ones that need no value. */
bool
Table::fits(const TableShape &shape)
{
	TupleDesc have = RelationGetDescr(relation_);
	auto wanted = static_cast<int>(shape.columns.size());
	if (have->natts < wanted)
		return false;
	for (int i = 0; i < have->natts; i++) {
		Form_pg_attribute column = TupleDescAttr(have, i);
		if (i >= wanted) {
			if (!column->attisdropped && (column->attnotnull || column->atthasdef ||
										  column->attgenerated || column->attidentity))
				return false;
			continue;
		}
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

/* Nothing happens on INSERT but our own counting. */
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
			get_func_namespace(trigger.tgfoid) != RelationGetNamespace(relation_))
			return false;
		counted_ = true;
	}
	return true;
}

/* The primary key's index, ready to be asked. */
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
	if (!fits(shape) || !quiet(shape) || !open_key(shape)) {
		table_close(relation_, NoLock);
		return false;
	}
	PreventCommandIfReadOnly("bigbrotr.insert_events()");
	PreventCommandIfParallelMode("bigbrotr.insert_events()");
	InitDirtySnapshot(others_);
	open_scan(&others_);
	return true;
}

bool
Table::open_to_read(const TableShape &shape)
{
	if (!open_relation(shape, AccessShareLock, ACL_SELECT))
		return false;
	if (!fits(shape) || !open_key(shape)) {
		table_close(relation_, NoLock);
		return false;
	}
	others_.xmin = others_.xmax = InvalidTransactionId;
	open_scan(GetActiveSnapshot());
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
	if (estate_ != nullptr) {
		ExecCloseIndices(result_);
		FreeExecutorState(estate_);
	}
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

TupleTableSlot *
Table::find(const Datum *key)
{
	for (int i = 0; i < key_columns_; i++)
		keys_[i].sk_argument = key[i];
	for (;;) {
		index_rescan(scan_, keys_, key_columns_, nullptr, 0);
		if (!index_getnext_slot(scan_, ForwardScanDirection, found_))
			return nullptr;
		TransactionId other = TransactionIdIsValid(others_.xmin) ? others_.xmin : others_.xmax;
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

TupleTableSlot *
Table::row()
{
	if (estate_ == nullptr) {
		estate_ = CreateExecutorState();
		result_ = makeNode(ResultRelInfo);
		InitResultRelInfo(result_, relation_, 0, nullptr, 0);
		ExecOpenIndices(result_, false);
	}
	if (filled_ == kRows)
		write();
	if (filled_ == made_)
		rows_[made_++] = table_slot_create(relation_, nullptr);
	TupleTableSlot *slot = rows_[filled_++];
	int columns = RelationGetDescr(relation_)->natts;
	memset(slot->tts_isnull, true, static_cast<size_t>(columns));
	return slot;
}

void
Table::write()
{
	for (int i = 0; i < filled_; i++) {
		ExecStoreVirtualTuple(rows_[i]);
		ExecConstraints(result_, rows_[i], estate_);
		ResetPerTupleExprContext(estate_);
	}
	table_multi_insert(relation_, rows_, filled_, GetCurrentCommandId(true), 0, nullptr);
	for (int i = 0; i < filled_; i++) {
		list_free(pg::compat::insert_index_tuples(result_, rows_[i], estate_));
		ResetPerTupleExprContext(estate_);
		ExecClearTuple(rows_[i]);
	}
	filled_ = 0;
	dirty_ = true;
}

void
Table::flush()
{
	if (filled_ > 0)
		write();
	if (dirty_)
		CommandCounterIncrement();
	dirty_ = false;
}

} // namespace archive
