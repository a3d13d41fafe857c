/*
 * The expected columns and keys of the tables that are read and written directly.
 */
#pragma once

#include "table.h"

namespace archive {

inline constexpr Column kEventColumns[] = {
	{"eid", INT8OID, true}, {"created_at", INT8OID}, {"inserted_at", INT8OID}, {"kind", INT4OID},
	{"event_id", BYTEAOID}, {"pubkey", BYTEAOID},    {"sig", BYTEAOID},        {"tags", kTagsType},
	{"content", TEXTOID},   {"raw", BYTEAOID},
};
inline constexpr int16_t kEventKey[] = {5};
inline constexpr TableShape kEvents = {"events", kEventColumns, kEventKey, "count_changes"};

inline constexpr Column kEventIdColumn[] = {{"event_id", BYTEAOID}};
inline constexpr int16_t kFirstColumn[] = {1};
inline constexpr TableShape kRejects = {"event_rejects", kEventIdColumn, kFirstColumn, nullptr};
inline constexpr TableShape kBlockedEvents = {"blocked_events", kEventIdColumn, kFirstColumn,
											  nullptr};

inline constexpr Column kBlockedAuthorColumns[] = {{"pubkey", BYTEAOID}};
inline constexpr TableShape kBlockedAuthors = {"blocked_authors", kBlockedAuthorColumns,
											   kFirstColumn, nullptr};

inline constexpr Column kRetentionRuleColumns[] = {{"rule_id", INT4OID, true}};
inline constexpr TableShape kRetentionRules = {"retention_rules", kRetentionRuleColumns,
											   kFirstColumn, nullptr};

/* Whether the file of a small table is empty. False does not mean that the table has a row. Must be
 * called inside a transaction with a snapshot pushed. */
inline bool
is_empty(const TableShape &shape)
{
	return pg::call([&] {
		Table table;
		if (!table.open_to_read(shape, GetActiveSnapshot()))
			return false;
		bool empty = table.empty();
		table.close();
		return empty;
	});
}

/* The eid in a row of events. Must be called inside pg::call. */
inline int64_t
eid_of(TupleTableSlot *row)
{
	bool is_null;
	return DatumGetInt64(slot_getattr(row, 1, &is_null));
}

} // namespace archive
