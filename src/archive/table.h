/*
 * Inserts rows into one table without the executor, as COPY does: many at once into the heap, then
 * into every index (expression and GIN indexes too), with constraints checked, WAL and logical
 * decoding as usual. A table on which an INSERT does more than that is left to SQL: see open().
 *
 * The functions call PostgreSQL and may raise an ERROR: only inside pg::call, in a transaction and
 * a memory context of the batch's own. After an ERROR the (sub)transaction's end cleans up.
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

constexpr Oid kTagsType = InvalidOid; // the type tags of the table's schema: no fixed number

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
	std::span<const Column> columns; // the first ones; open() demands that others take null
	std::span<const int16_t> key;    // columns of the primary key, from 1
	const char *counter;             // the only trigger function that may fire on INSERT
};

/* A primary key of two columns. */
struct KeyPair
{
	int64_t first;
	int32_t second;
	auto operator<=>(const KeyPair &) const = default;
};

/* A value of a row to be written; columns count from 1. */
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
	 * Opens and locks the table as INSERT does. False, with nothing left open, if the table must be
	 * written by SQL: another shape, triggers, rules, row security, partitions, another access
	 * method, a deferrable constraint, a missing privilege, or a transaction with a fixed snapshot.
	 */
	bool open(const TableShape &shape);
	/*
	 * Opens the table for find() and hold() only: find() sees what the snapshot sees and does not
	 * wait. False as above. hold() needs a `lock` of RowShareLock.
	 */
	bool open_to_read(const TableShape &shape, Snapshot snapshot, LOCKMODE lock = AccessShareLock);
	void close();

	/* Is the table's file empty? False does not mean that there is a row. */
	bool empty() const;
	/* The value of the identity column for a new row. */
	int64_t next_identity();
	/* Does the table have the counting trigger, so that the caller must count the rows written? */
	bool counted() const { return counted_; }

	/*
	 * Looks the key up among committed rows and rows of this transaction, and waits for another
	 * transaction that is inserting or deleting the key. The row is valid until the next call.
	 * Checks for interrupts.
	 */
	TupleTableSlot *find(const Datum *key);
	/*
	 * Locks the row that find() found until the transaction ends; waits for others that hold it in
	 * a way that excludes this one. False if the row is gone.
	 */
	bool hold(LockTupleMode mode);
	/* find() for keys in ascending order that are close together: reads the index from the first to
	 * the last, as long as not too many other entries lie between two of them. */
	void find_all(std::span<const KeyPair> keys, bool *found);

	/* Must write() be called before row()? */
	bool full() const { return filled_ == kRows; }
	/* A row to fill. The values must live until write(). */
	TupleTableSlot *row();
	/*
	 * Writes the rows filled since the last call; unique_violation (23505) if a key exists,
	 * possibly after a wait for the transaction that inserts it. All writers must fill rows in the
	 * order of their keys, so that they cannot deadlock.
	 */
	void write();
	/* Makes the written rows visible to later commands. */
	void finish();

  private:
	static constexpr int kRows = 64; // written at once: more do not fit into the processor's cache
	/* find_all() reads so many other entries before a key: more would cost more than a descent. */
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
	SnapshotData others_; // dirty snapshot: the transaction to wait for
	IndexScanDesc scan_ = nullptr;
	TupleTableSlot *found_ = nullptr;
};

} // namespace archive
