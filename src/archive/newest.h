/*
 * Reads the newest events of some authors, or with one tag, from an index in batches, because the
 * planner would sort all of them. Each batch continues, in the order of answers, where the one
 * before ended.
 *
 * All functions may raise an ERROR.
 */
#pragma once

#include "nostr/filter.h"

#include "candidates.h"

extern "C" {
#include "nodes/tidbitmap.h"
}

namespace archive {

/* What to read, and how far it was read. The struct lives in a memory context, so no destructor
 * runs. */
struct Newest
{
	static constexpr size_t kMostAtOnce = 10000;
	static constexpr Size kBitmapBytes = Size{64} << 20;

	const nostr::Filter *filter; // authors or one tag; optionally kinds, since and until
	const nostr::Filter *beside; // further authors and tags that the event must have
	int64_t since, until;        // the time not read yet
	Candidate last;              // where a batch was cut: events before it were read
	size_t most;                 // approximate number of events in a batch
	int64_t weeks;               // for a tag: weeks searched first if there are no statistics
	double dense;                // for a tag: rows in one period, found or expected
	bool walked;                 // for authors: a walk was tried; for a tag: it did not find enough
	bool ended;

	bool is_narrowed() const { return beside->authors || !beside->tags.empty(); }

	bool wants(int32_t kind) const { return !filter->kinds || nostr::holds(*filter->kinds, kind); }

	/* Whether no batch contained the event. */
	bool is_unread(const Candidate &one) const { return one.created_at <= until && last < one; }

	/* Makes a batch of `found`. `found` must contain all unread events from `floor` on. */
	void finish(Candidates &found, int64_t floor)
	{
		found.cut();
		bool lacks_some = found.was_cut && found.last.created_at >= floor;
		if (lacks_some)
			last = found.last;
		ended = !lacks_some && floor <= since;
		if (!ended)
			until = lacks_some ? last.created_at : floor - 1;
	}
};

/* The next batch, in no particular order. */
Candidates read_newest_of_authors(Newest &newest);
Candidates read_newest_of_tag(Newest &newest);

/* Rows by the authors of `beside` and of the wanted kinds, between two seconds. There must be an
 * index on authors. */
TIDBitmap *rows_of_authors(const Newest &newest, int64_t from, int64_t to, Relation events);

/*
 * Reads back in time through at most `entries` events of all authors, until enough of them match.
 * This is fast if many match. The batch may be empty; nothing is read if there is no index on
 * created_at.
 */
Candidates walk_back(Newest &newest, Relation events, int64_t entries);

/* Whether the index exists that these functions need; without it they raise an ERROR. The index
 * stays locked until the transaction ends, so that nobody drops it. */
bool has_author_index();
bool has_tag_index();

Relation open_events();

} // namespace archive
