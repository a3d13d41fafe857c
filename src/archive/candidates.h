/*
 * Events that may belong to an answer, and the rows of bigbrotr.events from which they come.
 *
 * All functions may raise an ERROR.
 */
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <string_view>

#include "nostr/filter.h"

#include "pg/border/text.h"

extern "C" {
#include "access/tableam.h"
#include "storage/itemptr.h"
}

namespace archive {

struct Candidate
{
	int64_t created_at;
	ItemPointerData tid;
	std::array<uint8_t, 32> event_id;
	int64_t eid; // 0: the row was not read yet

	bool operator<(const Candidate &other) const // the order of answers
	{
		return created_at != other.created_at ? created_at > other.created_at
											  : event_id < other.event_id;
	}
};

/* A list that grows in the current memory context. Any number of events may have the same second,
 * so code that adds to the list must cut it when it is full. */
struct Candidates
{
	static constexpr size_t kMost = 200000; // largest number after cut()

	Candidate *items = nullptr;
	size_t count = 0, space = 0;
	bool was_cut = false;
	Candidate last = {}; // the last event that cut() kept

	bool is_full() const { return count >= 2 * kMost; }

	void add(const Candidate &one)
	{
		if (count == space) {
			space = std::max<size_t>(2 * space, 256);
			size_t bytes = space * sizeof(Candidate);
			items = static_cast<Candidate *>(items == nullptr ? palloc(bytes)
															  : repalloc_huge(items, bytes));
		}
		items[count++] = one;
	}

	template <class F> void keep_if(F good)
	{
		count = static_cast<size_t>(
			std::remove_if(items, items + count, [&](Candidate &one) { return !good(one); }) -
			items);
	}

	/* Keeps the first kMost events in the order of answers. */
	void cut()
	{
		if (count <= kMost)
			return;
		std::nth_element(items, items + kMost - 1, items + count);
		count = kMost;
		was_cut = true;
		last = items[kMost - 1];
	}
};

/* Reads columns of rows of bigbrotr.events. */
class EventReader
{
  public:
	explicit EventReader(Relation events);

	/* Fetches a row; false if the statement's snapshot does not see it. `scan` must be of
	 * events. */
	bool fetch(IndexFetchTableData *scan, ItemPointerData tid);
	/* The values of the fetched row. */
	int64_t created_at() const { return DatumGetInt64(get(created_at_)); }
	int32_t kind() const { return DatumGetInt32(get(kind_)); }
	bool is_by(const std::vector<nostr::PublicKey> &authors) const;
	bool has_tag(const nostr::TagCondition &wanted) const;
	Candidate candidate() const;

	TupleTableSlot *slot() const { return slot_; }
	void end() { ExecDropSingleTupleTableSlot(slot_); }

  private:
	Datum get(AttrNumber column) const
	{
		bool null;
		return slot_getattr(slot_, column, &null);
	}

	TupleTableSlot *slot_;
	AttrNumber eid_, event_id_, created_at_, kind_, pubkey_, tags_;
};

} // namespace archive
