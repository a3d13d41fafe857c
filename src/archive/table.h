/*
 * Rows into one table without the executor, as COPY does it: many at once into the heap, then into
 * every index (also expression and GIN ones), constraints checked, WAL and logical decoding as
 * usual. Whatever else may hang on an INSERT is left to SQL: see open().
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
#include "access/genam.h"
#include "access/skey.h"
#include "access/tableam.h"
#include "executor/executor.h"
#include "utils/rel.h"
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

/* What the code that fills a table's rows takes for granted. */
struct TableShape
{
	const char *name;                // in schema bigbrotr
	std::span<const Column> columns; // the first ones; on INSERT further ones must take null
	std::span<const int16_t> key;    // columns of the primary key, from 1
	const char *counter;             // the only trigger function that may hang on INSERT
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
	 * Locks the table as INSERT does. False, and nothing is left open, if only SQL does it right:
	 * another shape, triggers, rules, row security, partitions, another access method, a
	 * constraint that is checked later, a missing privilege, or a transaction whose snapshot does
	 * not move.
	 */
	bool open(const TableShape &shape);
	/*
	 * For find() and hold() alone: find() sees what the snapshot sees and does not wait. False
	 * likewise. hold() needs a `lock` of RowShareLock.
	 */
	bool open_to_read(const TableShape &shape, Snapshot snapshot, LOCKMODE lock = AccessShareLock);
	void close();

	/* Whether there never was a row, as far as a look at the file's size can tell. */
	bool empty() const;
	/* The value of the identity column for a new row. */
	int64_t next_identity();
	/* Whether the rows written are to be counted: as the trigger would do it. */
	bool counted() const { return counted_; }

	/*
	 * Looks the key up in what is committed and in what we wrote, and waits for whoever is
	 * writing or deleting it. The row is valid until the next call. Like all that is called for
	 * each row, it gives way to interrupts.
	 */
	TupleTableSlot *find(const Datum *key);
	/*
	 * Locks the row that find() found until the transaction ends; waits for others that hold it in
	 * a way that excludes this one. False if the row is gone.
	 */
	bool hold(LockTupleMode mode);
	/* The same for keys in ascending order that are close to each other: reads what lies between.
	 */
	void find_all(std::span<const KeyPair> keys, bool *found);

	/* Whether the rows asked for have to be written before the next one. */
	bool full() const { return filled_ == kRows; }
	/* A row to fill. The values must live until write(). */
	TupleTableSlot *row();
	/*
	 * Writes the rows asked for; an error (23505) if a key is taken, maybe by somebody who had to
	 * be waited for. In the order of their keys: then two writers wait for each other, but never in
	 * a circle.
	 */
	void write();
	/* Makes what was written visible to what follows. */
	void finish();

  private:
	static constexpr int kRows = 64; // written at once: more do not fit into the processor's cache

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
	SnapshotData others_; // whom to wait for
	IndexScanDesc scan_ = nullptr;
	TupleTableSlot *found_ = nullptr;
};

} // namespace archive
