#include "lookup.h"

extern "C" {
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_am_d.h"
#include "nodes/primnodes.h"
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

Lookup *lookups = nullptr; // the look-ups of this session

bool
is_column(Relation table, int number, const char *name)
{
	return number > 0 &&
		   strcmp(NameStr(TupleDescAttr(RelationGetDescr(table), number - 1)->attname), name) == 0;
}

/* Whether the index holds every row that a look-up may want. A partial index does if it leaves out
 * only rows with a null key. */
bool
covers_all(Relation table, Relation index, const LookupKey &key)
{
	List *predicate = RelationGetIndexPredicate(index);
	if (predicate == NIL)
		return true;
	const auto *condition = static_cast<const Node *>(linitial(predicate));
	if (list_length(predicate) != 1 || !IsA(condition, NullTest))
		return false;
	const auto *test = reinterpret_cast<const NullTest *>(condition);
	return test->nulltesttype == IS_NOT_NULL && !key.arguments.empty() &&
		   is_call(table, reinterpret_cast<const Node *>(test->arg), key.column, key.arguments);
}

bool
fits(Relation table, Relation index, const LookupShape &shape)
{
	const FormData_pg_index *form = index->rd_index;
	if (!usable(index, BTREE_AM_OID) || form->indnkeyatts < static_cast<int>(shape.keys.size()) ||
		!covers_all(table, index, shape.keys[0]))
		return false;
	List *expressions = RelationGetIndexExpressions(index);
	int expression = 0;
	for (size_t i = 0; i < shape.keys.size(); i++) {
		const LookupKey &key = shape.keys[i];
		if (index->rd_opfamily[i] != key.family || index->rd_opcintype[i] != key.type)
			return false;
		int16 number = form->indkey.values[i];
		if (number == 0
				? key.arguments.empty() ||
					  !is_call(table,
							   static_cast<const Node *>(list_nth(expressions, expression++)),
							   key.column, key.arguments)
				: !key.arguments.empty() || !is_column(table, number, key.column))
			return false;
	}
	return true;
}

bool
is_ordered_by(Relation table, Relation index, std::span<const OrderColumn> columns)
{
	const FormData_pg_index *form = index->rd_index;
	if (!usable(index, BTREE_AM_OID) || RelationGetIndexPredicate(index) != NIL ||
		form->indnkeyatts != static_cast<int>(columns.size()))
		return false;
	for (size_t i = 0; i < columns.size(); i++)
		if (!is_column(table, form->indkey.values[i], columns[i].name) ||
			index->rd_opfamily[i] != columns[i].family || index->rd_indoption[i] != 0)
			return false;
	return true;
}

} // namespace

bool
usable(Relation index, Oid access_method)
{
	const FormData_pg_index *form = index->rd_index;
	return form->indisvalid && form->indisready && form->indislive &&
		   index->rd_rel->relam == access_method &&
		   (!form->indcheckxmin ||
			TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
								  TransactionXmin));
}

bool
is_call(Relation table, const Node *node, const char *function,
		std::span<const char *const> columns)
{
	if (!IsA(node, FuncExpr))
		return false;
	const auto *call = reinterpret_cast<const FuncExpr *>(node);
	if (strcmp(get_func_name(call->funcid), function) != 0 ||
		get_func_namespace(call->funcid) != get_namespace_oid("_bigbrotr", false) ||
		list_length(call->args) != static_cast<int>(columns.size()))
		return false;
	for (int i = 0; i < list_length(call->args); i++) {
		const auto *argument = static_cast<const Node *>(list_nth(call->args, i));
		if (!IsA(argument, Var) ||
			!is_column(table, reinterpret_cast<const Var *>(argument)->varattno,
					   columns[static_cast<size_t>(i)]))
			return false;
	}
	return true;
}

Relation
open_ordered_index(Relation table, std::span<const OrderColumn> columns)
{
	return open_index(table, [&](Relation index) { return is_ordered_by(table, index, columns); });
}

Lookup &
Lookup::of(FmgrInfo *function, int n, int count, const LookupShape &shape)
{
	if (function->fn_extra == nullptr) {
		static bool registered = false;
		if (!registered)
			RegisterXactCallback(close_all, nullptr);
		registered = true;
		function->fn_extra = MemoryContextAllocZero(function->fn_mcxt, count * sizeof(Lookup));
	}
	Lookup &lookup = static_cast<Lookup *>(function->fn_extra)[n];
	if (lookup.shape_ == nullptr) {
		lookup.shape_ = &shape;
		lookup.memory_ = function->fn_mcxt;
		lookup.callback_.func = [](void *arg) {
			auto *gone = static_cast<Lookup *>(arg);
			gone->close();
			*gone->link_ = gone->following_;
			if (gone->following_ != nullptr)
				gone->following_->link_ = gone->link_;
		};
		lookup.callback_.arg = &lookup;
		lookup.following_ = lookups;
		lookup.link_ = &lookups;
		if (lookups != nullptr)
			lookups->link_ = &lookup.following_;
		lookups = &lookup;
		MemoryContextRegisterResetCallback(function->fn_mcxt, &lookup.callback_);
	}
	return lookup;
}

/* False if the table has no suitable index. */
bool
Lookup::open()
{
	if (owner_ != nullptr)
		return index_ != nullptr;
	ResourceOwner before = CurrentResourceOwner;
	MemoryContext memory = MemoryContextSwitchTo(memory_);
	owner_ = ResourceOwnerCreate(TopTransactionResourceOwner, "bigbrotr look-up");
	CurrentResourceOwner = owner_;
	Oid schema = get_namespace_oid("bigbrotr", false);
	table_ = table_open(get_relname_relid(shape_->table, schema), AccessShareLock);
	if (Relation index =
			open_index(table_, [&](Relation one) { return fits(table_, one, *shape_); })) {
		for (size_t i = 0; i < shape_->columns.size(); i++)
			columns_[i] = get_attnum(RelationGetRelid(table_), shape_->columns[i]);
		for (size_t i = 0; i < shape_->keys.size(); i++)
			ScanKeyInit(&keys_[i], static_cast<AttrNumber>(i + 1), shape_->keys[i].strategy,
						shape_->keys[i].compare, 0);
		slot_ = table_slot_create(table_, nullptr);
		scan_ = pg::compat::begin_index_scan(table_, index, GetActiveSnapshot(),
											 static_cast<int>(shape_->keys.size()));
		index_ = index; // set last, so that an ERROR before leaves the look-up closed
	}
	CurrentResourceOwner = before;
	MemoryContextSwitchTo(memory);
	return index_ != nullptr;
}

/* Also works in an aborted (sub)transaction, and after an ERROR during a look-up. */
void
Lookup::close()
{
	if (owner_ == nullptr)
		return;
	ResourceOwner owner = owner_;
	owner_ = nullptr;
	index_ = nullptr;
	for (ResourceReleasePhase phase :
		 {RESOURCE_RELEASE_BEFORE_LOCKS, RESOURCE_RELEASE_LOCKS, RESOURCE_RELEASE_AFTER_LOCKS})
		ResourceOwnerRelease(owner, phase, false, false);
	ResourceOwnerDelete(owner);
}

/* Called at the end of each transaction, committed or aborted. */
void
Lookup::close_all(XactEvent, void *)
{
	for (Lookup *lookup = lookups; lookup != nullptr; lookup = lookup->following_)
		lookup->close();
}

/* Begins a look-up. Until end(), the look-up's resource owner and memory context are current.
 * Returns the previous owner. */
ResourceOwner
Lookup::begin(const Datum *values)
{
	for (size_t i = 0; i < shape_->keys.size(); i++)
		keys_[i].sk_argument = values[i];
	ResourceOwner before = CurrentResourceOwner;
	CurrentResourceOwner = owner_;
	scan_->xs_snapshot = GetActiveSnapshot();
	MemoryContext memory = MemoryContextSwitchTo(memory_);
	index_rescan(scan_, keys_, static_cast<int>(shape_->keys.size()), nullptr, 0);
	MemoryContextSwitchTo(memory);
	return before;
}

bool
Lookup::next()
{
	CHECK_FOR_INTERRUPTS();
	return index_getnext_slot(scan_, ForwardScanDirection, slot_);
}

void
Lookup::end(ResourceOwner before)
{
	ExecClearTuple(slot_);
	CurrentResourceOwner = before;
}

Datum
Lookup::column(int n) const
{
	bool null;
	return slot_getattr(slot_, columns_[n], &null);
}

bool
Lookup::any_by_statement(const Datum *values)
{
	SPI_connect();
	if (*shape_->plan == nullptr) {
		SPIPlanPtr plan = SPI_prepare(shape_->statement, static_cast<int>(shape_->types.size()),
									  const_cast<Oid *>(shape_->types.data()));
		if (plan == nullptr)
			elog(ERROR, "could not prepare \"%s\"", shape_->statement);
		SPI_keepplan(plan);
		*shape_->plan = plan;
	}
	SPI_execute_plan(*shape_->plan, const_cast<Datum *>(values), nullptr, true, 1);
	bool found = SPI_processed > 0;
	SPI_finish();
	return found;
}

} // namespace archive
