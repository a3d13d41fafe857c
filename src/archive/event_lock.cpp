#include "event_lock.h"

#include "batch.h"
#include "pg/border/spi.h"
#include "shapes.h"

extern "C" {
#include "access/xact.h"
#include "catalog/namespace.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
}

namespace archive {

namespace {

pg::Statement eids_statement("SELECT ARRAY(SELECT coalesce((SELECT e.eid FROM bigbrotr.events AS e "
							 "WHERE e.event_id = a.id), 0) "
							 "FROM unnest($1) WITH ORDINALITY AS a (id, n) ORDER BY a.n)");

/* The table whose lock shows writers that a deletion is running. Must be called inside pg::call. */
Oid
lock_relation()
{
	return RangeVarGetRelid(
		makeRangeVar(const_cast<char *>("_bigbrotr"), const_cast<char *>("deletion_progress"), -1),
		NoLock, false);
}

/*
 * Finds the eids with the latest snapshot. If `rows` is not null, locks each row in that mode.
 * Returns false and does nothing if only SQL can read the table.
 */
bool
find_events(std::span<const std::string_view> ids, const LockTupleMode *rows,
			std::vector<int64_t> &eids)
{
	struct Key
	{
		std::string_view id;
	};
	std::vector<Key> keys;
	keys.reserve(ids.size());
	for (std::string_view id : ids)
		keys.push_back({id});
	std::vector<uint32_t> order = ordered_by_id(keys);
	eids.assign(ids.size(), 0);
	Table events;
	return pg::call([&] {
		PushActiveSnapshot(GetLatestSnapshot());
		bool open = events.open_to_read(kEvents, GetActiveSnapshot(), RowShareLock);
		if (open) {
			for (uint32_t i : order) {
				Datum key = pg::text_datum(ids[i]);
				TupleTableSlot *row = events.find(&key);
				pfree(DatumGetPointer(key));
				if (row == nullptr)
					continue;
				int64_t eid = eid_of(row);
				if (rows == nullptr || events.hold(*rows))
					eids[i] = eid;
			}
			events.close();
		}
		PopActiveSnapshot();
		return open;
	});
}

std::vector<int64_t>
find_by_statement(std::span<const std::string_view> ids)
{
	pg::Rows rows =
		eids_statement.run({pg::bytea_array(ids.size(), [&](size_t i) { return ids[i]; })});
	return rows.bigints(0, 1);
}

} // namespace

bool
shut_out_deletions()
{
	return pg::call([] {
		return !IsolationUsesXactSnapshot() &&
			   ConditionalLockRelationOid(lock_relation(), RowShareLock);
	});
}

std::vector<int64_t>
hold_events(std::span<const std::string_view> ids)
{
	const LockTupleMode mode = LockTupleKeyShare;
	std::vector<int64_t> eids;
	bool alone = shut_out_deletions();
	if (find_events(ids, alone ? nullptr : &mode, eids))
		return eids;
	if (!alone) // without direct access, waits for the whole deletion instead of locking rows
		pg::call([] { LockRelationOid(lock_relation(), RowShareLock); });
	return find_by_statement(ids);
}

std::vector<int64_t>
take_events(std::span<const std::string_view> ids)
{
	if (IsolationUsesXactSnapshot())
		throw pg::Error(ERRCODE_INVALID_TRANSACTION_STATE,
						"events cannot be deleted in a transaction with a fixed snapshot",
						"It does not see the sightings that were archived since it began.",
						"Use the isolation level READ COMMITTED.");
	if (ids.empty())
		return {};
	pg::call([] { LockRelationOid(lock_relation(), ExclusiveLock); });
	const LockTupleMode mode = LockTupleExclusive;
	std::vector<int64_t> eids;
	if (!find_events(ids, &mode, eids))
		eids = find_by_statement(ids);
	return eids;
}

} // namespace archive
