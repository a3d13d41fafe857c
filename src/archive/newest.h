/*
 * The events that match a filter, newest first, read from an index in batches as they are wanted:
 * the planner would sort all of them. A batch has all events of some time, the next one older
 * events.
 *
 * All functions may raise an ERROR.
 */
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>

#include "nostr/filter.h"

#include "pg/border/text.h"

extern "C" {
#include "storage/itemptr.h"
}

namespace archive {

struct Candidate
{
	int64_t created_at;
	ItemPointerData tid;
	std::array<uint8_t, 32> event_id;
	int64_t eid;

	bool operator<(const Candidate &other) const // the order of answers
	{
		return created_at != other.created_at ? created_at > other.created_at
											  : event_id < other.event_id;
	}
};

/* A list in the memory context that is current when it grows. */
struct Candidates
{
	Candidate *items = nullptr;
	size_t count = 0, space = 0;

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
};

/* What is read, and how far. Memory of a context, which runs no destructors. */
struct Newest
{
	static constexpr size_t kMostAtOnce = 10000;

	const nostr::Filter *filter;
	int64_t since, until; // what is not read yet
	size_t most;          // about so many events make a batch
	int64_t periods;      // of tags: so many weeks are read at once, unless statistics say more
	bool walked;          // of authors: the first batch was read
	bool ended;
};

/* The next batch, in no order; moves `until` and sets `ended`. */
Candidates read_newest_of_authors(Newest &newest);
Candidates read_newest_of_tags(Newest &newest);

/* Is there the index that each of them reads? Without it they raise an ERROR. */
bool has_author_index();
bool has_tag_index();

Relation open_events();

/* Reads columns of rows of events. */
class EventReader
{
  public:
	explicit EventReader(Relation events);

	/* Fetches a row; false if the statement does not see it. `scan` is of events. */
	bool fetch(IndexFetchTableData *scan, ItemPointerData tid);
	/* What the row in the slot says. */
	int64_t created_at() const { return DatumGetInt64(get(created_at_)); }
	int32_t kind() const { return DatumGetInt32(get(kind_)); }
	std::string_view pubkey() const { return pg::view(DatumGetByteaPP(get(pubkey_))); }
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
	AttrNumber eid_, event_id_, created_at_, kind_, pubkey_;
};

} // namespace archive
