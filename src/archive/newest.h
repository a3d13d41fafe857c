/*
 * The newest events of authors or with one tag, read from an index in batches as they are wanted:
 * the planner would sort all of them. Each batch goes on in the order of answers where the one
 * before it ended.
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

/* What is read, and how far. Memory of a context, which runs no destructors. */
struct Newest
{
	static constexpr size_t kMostAtOnce = 10000;
	static constexpr Size kBitmapBytes = Size{64} << 20;

	const nostr::Filter *filter; // authors or one tag; perhaps kinds, since and until
	const nostr::Filter *beside; // authors and tags that an event with the tag has, too
	int64_t since, until;        // what is not read yet
	Candidate last;              // where a batch was cut: what stands before it was read
	size_t most;                 // about so many events make a batch
	int64_t weeks;               // of a tag: so many are searched at first if statistics are silent
	double dense;                // of a tag: so many rows were in one period, or are expected
	bool walked;                 // of authors: a walk was tried; of a tag: it did not find enough
	bool ended;

	bool is_narrowed() const { return beside->authors || !beside->tags.empty(); }

	bool wants(int32_t kind) const { return !filter->kinds || nostr::holds(*filter->kinds, kind); }

	/* Was it in no batch? */
	bool is_unread(const Candidate &one) const { return one.created_at <= until && last < one; }

	/* Makes a batch of `found`, in which are all events that are unread and not before `floor`. */
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

/* The next batch, in no order. */
Candidates read_newest_of_authors(Newest &newest);
Candidates read_newest_of_tag(Newest &newest);

/* Rows by the authors of `beside`, of the wanted kinds, from one second to another. There has to be
 * an index on authors. */
TIDBitmap *rows_of_authors(const Newest &newest, int64_t from, int64_t to, Relation events);

/*
 * Reads back in time through all events, so many at most, until enough of them match: fast if many
 * do. A batch that may be empty; nothing is read if there is no index on created_at.
 */
Candidates walk_back(Newest &newest, Relation events, int64_t entries);

/* Is there the index that each of them reads? Without it they raise an ERROR. It stays locked until
 * the transaction ends, so that nobody drops it meanwhile. */
bool has_author_index();
bool has_tag_index();

Relation open_events();

} // namespace archive
