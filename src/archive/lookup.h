/*
 * Finds rows of a table by an index, for functions that are called for each row of a statement. The
 * first call opens relations, slot and scan. They stay open until the memory of the call site is
 * freed at the end of the statement, or until the transaction ends.
 *
 * The index is found by its columns, not by its name. Without a valid index, an SQL statement finds
 * the same rows more slowly.
 *
 * All functions may raise an ERROR, so they must not be called inside pg::boundary or while a C++
 * object must be destroyed.
 */
#pragma once

#include <cstdint>
#include <span>

#include "pg/border/compat.h"

extern "C" {
#include "access/relscan.h"
#include "access/skey.h"
#include "access/xact.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "utils/relcache.h"
#include "utils/resowner.h"
}

namespace archive {

/* A column of the index, and the operator that compares it with a given value. */
struct LookupKey
{
	const char *column; // column, or function of _bigbrotr with `arguments`
	std::span<const char *const> arguments;
	Oid type, family;
	StrategyNumber strategy;
	RegProcedure compare;
};

struct LookupShape
{
	const char *table;                    // in schema bigbrotr
	std::span<const LookupKey> keys;      // compared with the first values given
	std::span<const char *const> columns; // columns that accept() reads, NOT NULL
	const char *statement;                // finds rows by all given values; qualified names
	std::span<const Oid> types;           // types of the values
	SPIPlanPtr *plan;                     // plan of the statement, kept for the session
};

/* Whether this statement may use the index, by the planner's conditions. */
bool usable(Relation index, Oid access_method);

/* Whether the node calls this function of _bigbrotr with these columns of the table. */
bool is_call(Relation table, const Node *node, const char *function,
			 std::span<const char *const> columns);

/* The first index of the table for which fits(index) is true; null if there is none. */
template <class F>
Relation
open_index(Relation table, F fits)
{
	if (table->rd_rel->relkind != RELKIND_RELATION)
		return nullptr;
	ListCell *cell;
	foreach (cell, RelationGetIndexList(table)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		if (fits(index))
			return index;
		index_close(index, AccessShareLock);
	}
	return nullptr;
}

/* The index on just these columns, ascending; null if there is none. */
struct OrderColumn
{
	const char *name;
	Oid family;
};
Relation open_ordered_index(Relation table, std::span<const OrderColumn> columns);

class Lookup
{
  public:
	static constexpr int kColumns = 2, kKeys = 3;

	/* Look-up number n of `count` at this call site. The call site must not use fn_extra
	 * otherwise. */
	static Lookup &of(FmgrInfo *function, int n, int count, const LookupShape &shape);

	/* Whether there is a row with these values for which accept(lookup) is true. */
	template <class F> bool any(const Datum *values, F accept)
	{
		if (!open())
			return any_by_statement(values);
		ResourceOwner before = begin(values);
		bool found = false;
		while (!found && next())
			found = accept(*this);
		end(before);
		return found;
	}

	/* Column n of the shape, in the row found. */
	Datum column(int n) const;

  private:
	bool open();
	void close();
	static void close_all(XactEvent, void *);
	ResourceOwner begin(const Datum *values);
	bool next();
	void end(ResourceOwner before);
	bool any_by_statement(const Datum *values);

	Lookup *following_, **link_; // list of all look-ups of this session
	const LookupShape *shape_;
	MemoryContext memory_;
	ResourceOwner owner_; // owner of the open resources; null: closed
	MemoryContextCallback callback_;
	Relation table_, index_; // index_ is null if there is no suitable index
	IndexScanDesc scan_;
	TupleTableSlot *slot_;
	AttrNumber columns_[kColumns];
	ScanKeyData keys_[kKeys];
};

} // namespace archive
