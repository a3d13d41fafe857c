/*
 * Inserts rows into one table without the executor, as COPY does: many rows at once into the heap,
 * then into every index (also expression and GIN indexes). Constraints are checked, and WAL and
 * logical decoding are written as usual. If an INSERT on the table does more than this, SQL must do
 * it; see open().
 *
 * The functions call PostgreSQL and may raise an ERROR. They must be called inside pg::call, in a
 * transaction and in a memory context for the batch. After an ERROR the end of the (sub)transaction
 * cleans up.
 */
#pragma once

#include <compare>
#include <cstdint>
#include <span>

#include "pg/border/error.h"

extern "C" {
#include "access/skey.h"
#include "access/tableam.h"
#include "utils/snapmgr.h"
}

namespace archive {

constexpr Oid kTagsType = InvalidOid; // the type tags of the table's schema, not a fixed Oid

struct Column
{
	const char *name;
	Oid type;
	bool identity = false;
};

/* The expected columns and key of a table. */
struct TableShape
{
	const char *name;                // in schema bigbrotr
	std::span<const Column> columns; // the first ones; open() requires that others are nullable
	std::span<const int16_t> key;    // numbers of the primary key's columns, from 1
	const char *counter;             // the only trigger function that may fire on INSERT
};

/* A primary key of two columns. */
struct KeyPair
{
	int64_t first;
	int32_t second;
	auto operator<=>(const KeyPair &) const = default;
};

/* Sets a value of a row to be written. Columns count from 1. */
inline void
set(TupleTableSlot *row, int column, Datum value)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = false;
}

class Table
{
  public:
	/*
	 * Opens and locks the table as INSERT does. Returns false, with nothing left open, if SQL must
	 * write the table: because of another shape, triggers, rules, row security, partitions, another
	 * access method, a deferrable constraint, a missing privilege, or a transaction with a fixed
	 * snapshot.
	 */
	bool open(const TableShape &shape);
	/*
	 * Opens the table for find() and hold() only. find() sees what the snapshot sees and does not
	 * wait. Returns false as open() does. hold() needs a `lock` of RowShareLock.
	 */
	bool open_to_read(const TableShape &shape, Snapshot snapshot, LOCKMODE lock = AccessShareLock);
	void close();

	/* Whether the table's file is empty. False does not mean that the table has a row. */
	bool empty() const;
	/* The value of the identity column for a new row. */
	int64_t next_identity();
	/* Whether the table has the counting trigger; then the caller must count the rows written. */
	bool counted() const { return counted_; }

	/*
	 * Looks the key up among committed rows and rows of this transaction. Waits for another
	 * transaction that is inserting or deleting the key. The row is valid until the next call.
	 * Checks for interrupts.
	 */
	TupleTableSlot *find(const Datum *key);
	/*
	 * Locks the row that find() found until the transaction ends. Waits for others that hold a
	 * conflicting lock. False if the row was deleted.
	 */
	bool hold(LockTupleMode mode);
	/* As find(), for keys in ascending order that are close together. Reads the index from the
	 * first key to the last, unless too many other entries lie between two keys. */
	void find_all(std::span<const KeyPair> keys, bool *found);

	/* Whether write() must be called before row(). */
	bool full() const { return filled_ == kRows; }
	/* A row to fill. Its values must live until write(). */
	TupleTableSlot *row();
	/*
	 * Writes the rows filled since the last call. Raises unique_violation (23505) if a key exists,
	 * possibly after a wait for the transaction that inserts it. All writers must fill rows in the
	 * order of their keys, so that they cannot deadlock.
	 */
	void write();
	/* Makes the written rows visible to later commands of the transaction. */
	void finish();

  private:
	static constexpr int kRows = 64; // written at once: more do not fit into the processor's cache
	/* Number of other entries that find_all() reads before a key. Reading more would cost more than
	 * a descent of the index. */
	static constexpr int kPassed = 32;

	bool open_relation(const TableShape &shape, LOCKMODE lock, AclMode needed);
	bool fits(const TableShape &shape);
	bool others_take_null(const TableShape &shape);
	bool quiet(const TableShape &shape);
	bool open_key(const TableShape &shape);
	bool open_indexes();
	void close_indexes();
	void open_scan(Snapshot snapshot);
	TransactionId writer() const;
	void insert_into(int index, TupleTableSlot *row);

	Relation relation_ = nullptr;
	AttrNumber identity_ = 0;
	Oid sequence_ = InvalidOid;
	bool counted_ = false;

	EState *estate_ = nullptr;
	ResultRelInfo *result_ = nullptr;
	TupleTableSlot *rows_[kRows] = {};
	int made_ = 0, filled_ = 0;
	bool dirty_ = false;

	Relation key_ = nullptr;
	int key_columns_ = 0;
	ScanKeyData keys_[2];
	SnapshotData others_; // dirty snapshot: shows the transaction to wait for
	IndexScanDesc scan_ = nullptr;
	TupleTableSlot *found_ = nullptr;
};

} // namespace archive
