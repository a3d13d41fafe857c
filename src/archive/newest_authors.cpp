/*
 * If the authors are many, a first scan goes back in time through the events of all authors: it
 * soon finds those of authors who write much. Then one scan visits each author and kind in turn,
 * newest event first, and leaves it as soon as enough newer events are known: a feed of a thousand
 * authors costs about one descent of the index for each author and kind.
 *
 * The functions may raise an ERROR: they own no C++ object that has a destructor.
 */
#include "bytes.h"
#include "newest.h"
#include "pg/border/text.h"

extern "C" {
#include "access/relscan.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/transam.h"
#include "catalog/pg_am_d.h"
#include "catalog/pg_opfamily_d.h"
#include "utils/fmgroids.h"
#include "utils/snapmgr.h"
}

namespace archive {

namespace {

struct Column
{
	const char *name;
	Oid family;
};
constexpr Column kByAuthor[] = {{"pubkey", BYTEA_BTREE_FAM_OID},
								{"kind", INTEGER_BTREE_FAM_OID},
								{"created_at", INTEGER_BTREE_FAM_OID}};
constexpr Column kByTime[] = {{"created_at", INTEGER_BTREE_FAM_OID}};

bool
fits(Relation index, std::span<const Column> columns)
{
	const FormData_pg_index *form = index->rd_index;
	if (index->rd_rel->relam != BTREE_AM_OID || !form->indisvalid || !form->indisready ||
		form->indnkeyatts != static_cast<int>(columns.size()) ||
		RelationGetIndexPredicate(index) != NIL ||
		(form->indcheckxmin &&
		 !TransactionIdPrecedes(HeapTupleHeaderGetXmin(index->rd_indextuple->t_data),
								TransactionXmin)))
		return false;
	for (size_t i = 0; i < columns.size(); i++) {
		AttrNumber column = form->indkey.values[i];
		if (column == 0 || index->rd_opfamily[i] != columns[i].family ||
			index->rd_indoption[i] != 0 ||
			strcmp(get_attname(form->indrelid, column, false), columns[i].name) != 0)
			return false;
	}
	return true;
}

Relation
open_index(Relation events, std::span<const Column> columns)
{
	ListCell *cell;
	foreach (cell, RelationGetIndexList(events)) {
		Relation index = index_open(lfirst_oid(cell), AccessShareLock);
		if (fits(index, columns))
			return index;
		index_close(index, AccessShareLock);
	}
	return nullptr;
}

/* So many entries of all authors are read first: if the authors are loud, these are enough. 0: not
 * worth it. */
int64_t
walk_length(const nostr::Filter &filter)
{
	constexpr size_t kUsualKinds = 8, kFew = 64, kMost = 5000;
	size_t descents = filter.authors->size() * (filter.kinds ? filter.kinds->size() : kUsualKinds);
	return descents < kFew ? 0 : static_cast<int64_t>(std::min(descents, kMost));
}

bool
is_wanted(const nostr::Filter &filter, std::string_view author, int32_t kind)
{
	auto less = [](const nostr::PublicKey &key, std::string_view wanted) {
		return nostr::view(key) < wanted;
	};
	auto at = std::lower_bound(filter.authors->begin(), filter.authors->end(), author, less);
	return at != filter.authors->end() && nostr::view(*at) == author &&
		   (!filter.kinds || std::binary_search(filter.kinds->begin(), filter.kinds->end(), kind));
}

/* Reads back in time until enough events are found, but so many entries at most. */
Candidates
walk(Newest &newest, Relation events, Relation index, int64_t length)
{
	IndexScanDesc scan = pg::compat::begin_index_scan(events, index, GetActiveSnapshot(), 1);
	ScanKeyData key;
	ScanKeyInit(&key, 1, BTLessEqualStrategyNumber, F_INT8LE, Int64GetDatum(newest.until));
	index_rescan(scan, &key, 1, nullptr, 0);
	EventReader row(events);
	int64_t enough_at = PG_INT64_MIN;
	Candidates found;
	for (; length > 0; length--) {
		CHECK_FOR_INTERRUPTS();
		if (!index_getnext_slot(scan, BackwardScanDirection, row.slot())) {
			newest.ended = true;
			break;
		}
		int64_t time = row.created_at();
		newest.ended = time < newest.since;
		newest.until = time;
		if (newest.ended || time < enough_at)
			break;
		if (!is_wanted(*newest.filter, row.pubkey(), row.kind()))
			continue;
		found.add(row.candidate());
		if (found.count == newest.most)
			enough_at = time;
	}
	row.end();
	index_endscan(scan);
	/* The second in which it has stopped is not complete. */
	if (!newest.ended)
		found.keep_if([&](const Candidate &one) { return one.created_at > newest.until; });
	return found;
}

class Reader
{
  public:
	Reader(const Newest &newest, Relation events, Relation index)
		: newest_(newest), index_(index), floor_(newest.since)
	{
		scan_ = pg::compat::begin_index_scan(events, index, GetActiveSnapshot(), 3);
		scan_->xs_want_itup = true;
		times_ = static_cast<int64_t *>(palloc(newest.most * sizeof(int64_t)));
	}

	void read()
	{
		for (const nostr::PublicKey &author : *newest_.filter->authors) {
			Datum key = pg::text_datum(nostr::view(author));
			if (!newest_.filter->kinds)
				read_all_kinds(key);
			else
				for (int32_t kind : *newest_.filter->kinds)
					read_kind(key, kind);
			pfree(DatumGetPointer(key));
		}
	}

	/* All entries since floor() were found; is_full(): there may be older ones. */
	int64_t floor() const { return floor_; }
	bool is_full() const { return time_count_ == newest_.most; }

	/* Fetches what the index does not hold, and ends the scan. */
	Candidates fetch(Relation events)
	{
		EventReader row(events);
		found_.keep_if([&](Candidate &one) {
			if (one.created_at < floor_ || !row.fetch(scan_->xs_heapfetch, one.tid))
				return false;
			one = row.candidate();
			return true;
		});
		row.end();
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

	/* Visits the author's kinds from the highest to the lowest. Entries that are too new or too old
	 * are passed over one by one; if they are many, another descent of the index leads past them.
	 */
	void read_all_kinds(Datum author)
	{
		constexpr int kPassed = 32;
		for (int32_t below = 65536;;) {
			find(author, BTLessStrategyNumber, F_INT4LT, below, PG_INT64_MAX);
			bool too_new = false;
			for (int passed = 0; passed < kPassed; passed++) {
				if (!step())
					return;
				int32_t kind = DatumGetInt32(key(2));
				too_new = created_at() > newest_.until;
				bool taken = !too_new && offer();
				if (taken || kind != below)
					passed = 0;
				below = kind;
			}
			if (too_new)
				read_kind(author, below);
		}
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

	/* Takes the entry unless enough newer ones are known; then older ones need not be read. */
	bool offer()
	{
		int64_t time = created_at();
		if (time < floor_)
			return false;
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

	const Newest &newest_;
	Relation index_;
	IndexScanDesc scan_;
	ItemPointer tid_ = nullptr;
	int64_t floor_;
	int64_t *times_; // the newest `most` of what was found, as a heap: the oldest first
	size_t time_count_ = 0;
	Candidates found_;
};

} // namespace

bool
has_author_index()
{
	Relation events = open_events();
	Relation index =
		events->rd_rel->relkind == RELKIND_RELATION ? open_index(events, kByAuthor) : nullptr;
	bool found = index != nullptr;
	if (found)
		index_close(index, AccessShareLock);
	table_close(events, AccessShareLock);
	return found;
}

Candidates
read_newest_of_authors(Newest &newest)
{
	Relation events = open_events();
	int64_t length = newest.walked ? 0 : walk_length(*newest.filter);
	newest.walked = true;
	if (Relation index = length > 0 ? open_index(events, kByTime) : nullptr) {
		Candidates found = walk(newest, events, index, length);
		index_close(index, NoLock);
		table_close(events, NoLock);
		return found;
	}
	Relation index = open_index(events, kByAuthor);
	if (index == nullptr)
		ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
						errmsg("bigbrotr.events has no index on (pubkey, kind, created_at)"),
						errdetail("The newest events of authors are read from it."),
						errhint("CREATE INDEX CONCURRENTLY ON bigbrotr.events (pubkey, kind, "
								"created_at);")));
	Reader reader(newest, events, index);
	reader.read();
	Candidates found = reader.fetch(events);
	index_close(index, NoLock);
	table_close(events, NoLock);
	newest.ended = !reader.is_full() || reader.floor() <= newest.since;
	if (!newest.ended)
		newest.until = reader.floor() - 1;
	newest.most = std::min(2 * newest.most, Newest::kMostAtOnce);
	return found;
}

} // namespace archive
