/*
 * If there are many authors, a first scan reads back in time through the events of all authors,
 * which soon finds the events of those who write much. Then one scan visits each author and kind in
 * turn, newest event first, and leaves it as soon as enough newer events are known. So a feed of a
 * thousand authors costs about one descent of the index for each author and kind.
 *
 * The functions may raise an ERROR, so they own no C++ object that has a destructor.
 */
#include "lookup.h"
#include "newest.h"
#include "pg/border/text.h"

extern "C" {
#include "access/table.h"
#include "catalog/pg_opfamily_d.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

constexpr OrderColumn kByAuthor[] = {{"pubkey", BYTEA_BTREE_FAM_OID},
									 {"kind", INTEGER_BTREE_FAM_OID},
									 {"created_at", INTEGER_BTREE_FAM_OID}};

/* If the filter has more kinds, the scan looks for the kinds that the author has. */
constexpr size_t kFewKinds = 16;

bool
has_few_kinds(const nostr::Filter &filter)
{
	return filter.kinds && filter.kinds->size() <= kFewKinds;
}

/* Number of events of all authors to read first, which is enough if the authors write much; 0: this
 * is not worthwhile. */
int64_t
walk_length(const nostr::Filter &filter)
{
	constexpr size_t kUsualKinds = 8, kFew = 64, kMost = 5000;
	size_t descents =
		filter.authors->size() * (has_few_kinds(filter) ? filter.kinds->size() : kUsualKinds);
	return descents < kFew ? 0 : static_cast<int64_t>(std::min(descents, kMost));
}

Relation
open_author_index(Relation events)
{
	Relation index = open_ordered_index(events, kByAuthor);
	if (index == nullptr)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr.events has no index on (pubkey, kind, created_at)"),
						errdetail("The newest events of authors are read from it."),
						errhint("CREATE INDEX CONCURRENTLY ON bigbrotr.events (pubkey, kind, "
								"created_at);")));
	return index;
}

class AuthorScan
{
  public:
	AuthorScan(const Newest &newest, Relation events, Relation index)
		: newest_(newest), index_(index), row_(events), floor_(newest.since)
	{
		scan_ = pg::compat::begin_index_scan(events, index, GetActiveSnapshot(), 3);
		scan_->xs_want_itup = true;
		times_ = static_cast<int64_t *>(palloc(newest.most * sizeof(int64_t)));
	}

	void read()
	{
		for (const nostr::PublicKey &author : *newest_.filter->authors) {
			Datum key = pg::text_datum(nostr::view(author));
			if (!has_few_kinds(*newest_.filter))
				read_all_kinds(key);
			else
				for (int32_t kind : *newest_.filter->kinds)
					read_kind(key, kind);
			pfree(DatumGetPointer(key));
		}
	}

	/* All events since this time were found. */
	int64_t floor() const { return is_full() ? floor_ : newest_.since; }

	Candidates end()
	{
		fetch();
		row_.end();
		index_endscan(scan_);
		return found_;
	}

  private:
	void read_kind(Datum author, int32_t kind)
	{
		find(author, BTEqualStrategyNumber, F_INT4EQ, kind, newest_.until);
		while (step() && offer()) {
		}
	}

	/* Visits the author's kinds from the highest to the lowest. Entries that are too new, too old
	 * or of unwanted kinds are skipped one by one; if there are many, another descent of the index
	 * skips them. */
	void read_all_kinds(Datum author)
	{
		constexpr int kPassed = 32;
		for (int32_t below = 65536; below > 0; below = wanted_below(below)) {
			find(author, BTLessStrategyNumber, F_INT4LT, below, PG_INT64_MAX);
			bool too_new = false;
			for (int passed = 0; passed < kPassed; passed++) {
				if (!step())
					return;
				int32_t kind = DatumGetInt32(key(2));
				bool wanted = newest_.wants(kind);
				too_new = wanted && created_at() > newest_.until;
				bool taken = wanted && !too_new && offer();
				if (taken || (wanted && kind != below))
					passed = 0;
				below = kind;
			}
			if (too_new)
				read_kind(author, below);
		}
	}

	/* All wanted kinds below this one are below the result. */
	int32_t wanted_below(int32_t kind) const
	{
		const auto &kinds = newest_.filter->kinds;
		if (!kinds)
			return kind;
		auto next = std::lower_bound(kinds->begin(), kinds->end(), kind);
		return next == kinds->begin() ? 0 : *(next - 1) + 1;
	}

	void find(Datum author, StrategyNumber strategy, RegProcedure compare, int32_t kind,
			  int64_t until)
	{
		CHECK_FOR_INTERRUPTS();
		ScanKeyData keys[3];
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BYTEAEQ, author);
		ScanKeyInit(&keys[1], 2, strategy, compare, Int32GetDatum(kind));
		ScanKeyInit(&keys[2], 3, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(until));
		index_rescan(scan_, keys, 3, nullptr, 0);
	}

	bool step()
	{
		tid_ = index_getnext_tid(scan_, BackwardScanDirection);
		return tid_ != nullptr;
	}

	Datum key(AttrNumber number) const
	{
		bool null;
		return index_getattr(scan_->xs_itup, number, RelationGetDescr(index_), &null);
	}

	int64_t created_at() const { return DatumGetInt64(key(3)); }

	/* Takes the entry unless enough newer ones are known. False: older entries need not be read. */
	bool offer()
	{
		int64_t time = created_at();
		if (time < floor_)
			return false;
		if (found_.is_full()) {
			fetch();
			found_.cut();
		}
		found_.add({time, *tid_, {}, 0});
		auto later = std::greater<>();
		if (time_count_ < newest_.most) {
			times_[time_count_++] = time;
			std::push_heap(times_, times_ + time_count_, later);
		} else if (time > times_[0]) {
			std::pop_heap(times_, times_ + time_count_, later);
			times_[time_count_ - 1] = time;
			std::push_heap(times_, times_ + time_count_, later);
		}
		if (is_full() && times_[0] > floor_) {
			floor_ = times_[0];
			if (found_.count > 4 * newest_.most)
				found_.keep_if([&](const Candidate &kept) { return kept.created_at >= floor_; });
		}
		return true;
	}

	bool is_full() const { return time_count_ == newest_.most; }

	/* Reads the values that the index does not hold from the rows. */
	void fetch()
	{
		found_.keep_if([&](Candidate &one) {
			if (one.eid == 0) {
				if (one.created_at < floor_ || !row_.fetch(scan_->xs_heapfetch, one.tid))
					return false;
				one = row_.candidate();
			}
			return one.created_at >= floor_ && newest_.is_unread(one);
		});
	}

	const Newest &newest_;
	Relation index_;
	EventReader row_;
	IndexScanDesc scan_;
	ItemPointer tid_ = nullptr;
	int64_t floor_;
	int64_t *times_; // times of the newest `most` events found, as a heap with the oldest first
	size_t time_count_ = 0;
	Candidates found_;
};

} // namespace

bool
has_author_index()
{
	Relation events = open_events();
	Relation index = open_ordered_index(events, kByAuthor);
	if (index != nullptr)
		index_close(index, NoLock);
	table_close(events, NoLock);
	return index != nullptr;
}

TIDBitmap *
rows_of_authors(const Newest &newest, int64_t from, int64_t to, Relation events)
{
	constexpr int kKindsEach = 64;
	Relation index = open_author_index(events);
	TIDBitmap *rows = tbm_create(Newest::kBitmapBytes, nullptr);
	IndexScanDesc kinds = pg::compat::begin_index_scan(events, index, GetActiveSnapshot(), 2);
	kinds->xs_want_itup = true;
	IndexScanDesc scan = pg::compat::begin_bitmap_scan(index, GetActiveSnapshot(), 4);
	ScanKeyData keys[4], below[2];
	ScanKeyInit(&keys[2], 3, BTGreaterEqualStrategyNumber, F_INT8GE, Int64GetDatum(from));
	ScanKeyInit(&keys[3], 3, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(to));
	auto add = [&] {
		CHECK_FOR_INTERRUPTS();
		index_rescan(scan, keys, 4, nullptr, 0);
		index_getbitmap(scan, rows);
	};
	for (const nostr::PublicKey &author : *newest.beside->authors) {
		Datum key = pg::text_datum(nostr::view(author));
		ScanKeyInit(&keys[0], 1, BTEqualStrategyNumber, F_BYTEAEQ, key);
		below[0] = keys[0];
		Datum kind = Int32GetDatum(65536);
		/* The kinds of the author, from the highest on, because within a kind the index is ordered
		 * by time. If there are very many kinds, the last ones are read completely. */
		for (int i = 0; i <= kKindsEach; i++) {
			ScanKeyInit(&below[1], 2, BTLessStrategyNumber, F_INT4LT, kind);
			if (i == kKindsEach) {
				keys[1] = below[1];
				add();
				break;
			}
			index_rescan(kinds, below, 2, nullptr, 0);
			if (index_getnext_tid(kinds, BackwardScanDirection) == nullptr)
				break;
			bool null;
			kind = index_getattr(kinds->xs_itup, 2, RelationGetDescr(index), &null);
			ScanKeyInit(&keys[1], 2, BTEqualStrategyNumber, F_INT4EQ, kind);
			if (newest.wants(DatumGetInt32(kind)))
				add();
		}
		pfree(DatumGetPointer(key));
	}
	index_endscan(scan);
	index_endscan(kinds);
	index_close(index, NoLock);
	return rows;
}

Candidates
read_newest_of_authors(Newest &newest)
{
	Relation events = open_events();
	if (int64_t length = newest.walked ? 0 : walk_length(*newest.filter); length > 0) {
		newest.walked = true;
		Candidates found = walk_back(newest, events, length);
		table_close(events, NoLock);
		return found;
	}
	Relation index = open_author_index(events);
	AuthorScan scan(newest, events, index);
	scan.read();
	Candidates found = scan.end();
	index_close(index, NoLock);
	table_close(events, NoLock);
	newest.finish(found, scan.floor());
	newest.most = std::min(2 * newest.most, Newest::kMostAtOnce);
	return found;
}

} // namespace archive
