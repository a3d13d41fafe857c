#include "direct_insert.h"

#include <algorithm>

#include "nostr/facts.h"

#include "batch.h"
#include "direct_sightings.h"
#include "event_lock.h"
#include "news.h"
#include "pg/border/spi.h"
#include "shapes.h"
#include "streak.h"
#include "tags.h"

extern "C" {
#include "access/xact.h"
}

namespace archive {

namespace {

pg::Statement facts_statement("SELECT _bigbrotr.record_facts($1)");

constexpr int64_t kDay = 86400;

Streak all_new; // batches of this session

/* A text or bytea with the short header that it has in a row. Must be called inside pg::call. */
Datum
varlena(std::string_view bytes)
{
	if (bytes.size() + VARHDRSZ_SHORT > VARATT_SHORT_MAX)
		return pg::text_datum(bytes);
	auto *out = static_cast<char *>(palloc(bytes.size() + VARHDRSZ_SHORT));
	SET_VARSIZE_SHORT(out, bytes.size() + VARHDRSZ_SHORT);
	memcpy(VARDATA_SHORT(out), bytes.data(), bytes.size());
	return PointerGetDatum(out);
}

/* An event of the batch. */
struct Stored
{
	std::string_view id;
	int64_t eid = 0; // 0: not in the archive
	bool is_new = false;
};

class DirectInsert
{
  public:
	bool run(std::span<const VerifiedEvent> events, std::span<const NewSighting> sightings,
			 int64_t now, bool check_existing, RelayLocks relays, Inserted &inserted,
			 std::vector<uint8_t> &known)
	{
		bool open = pg::call([&] {
			if (!events_.open(kEvents))
				return false;
			if (sightings_.open())
				return true;
			events_.close();
			return false;
		});
		if (!open)
			return false;
		bool deletions_shut_out = shut_out_deletions();
		write_events(events, now, check_existing, inserted);
		const std::vector<uint32_t> order = ordered_by_id(sightings);
		hold_events_of(sightings, order, deletions_shut_out);
		write_sightings(sightings, order, check_existing, relays, known);
		for (const auto &[relay, count] : sightings_.relays().all())
			inserted.sightings.push_back({static_cast<int32_t>(relay), count});
		pg::call([&] {
			sightings_.close();
			events_.close();
		});
		record_facts();
		count();
		return true;
	}

  private:
	void write_events(std::span<const VerifiedEvent> events, int64_t now, bool check_existing,
					  Inserted &inserted)
	{
		batch_.reserve(events.size());
		inserted.events.reserve(events.size());
		if (check_existing)
			all_new.end();
		bool look = !all_new.holds();
		for (uint32_t i : ordered_by_id(events)) {
			const VerifiedEvent &event = events[i];
			if (!batch_.empty() && batch_.back().id == event.id)
				continue;
			Stored &stored = batch_.emplace_back(event.id);
			if (look)
				stored.eid = look_up(event.id);
			if (stored.eid != 0)
				continue;
			stored.eid = ask_for(event, now);
			stored.is_new = true;
			new_eids_.push_back(stored.eid);
			inserted.events.insert(event.id);
			if (event.kind == nostr::kDeletion || event.kind == nostr::kVanish)
				facts_.push_back(stored.eid);
			kinds_.add(event.kind);
			days_.add(event.created_at / kDay * kDay);
		}
		pg::call([&] {
			events_.write();
			events_.finish();
		});
		if (!batch_.empty())
			all_new.add(inserted.events.size() == batch_.size());
	}

	int64_t look_up(std::string_view id)
	{
		return pg::call([&] {
			Datum key = varlena(id);
			TupleTableSlot *row = events_.find(&key);
			return row ? eid_of(row) : 0;
		});
	}

	int64_t ask_for(const VerifiedEvent &event, int64_t now)
	{
		Datum tags = packed_tags(event.tags);
		return pg::call([&] {
			if (events_.full())
				events_.write();
			int64_t eid = events_.next_identity();
			TupleTableSlot *row = events_.row();
			set(row, 1, Int64GetDatum(eid));
			set(row, 2, Int64GetDatum(event.created_at));
			set(row, 3, Int64GetDatum(now));
			set(row, 4, Int32GetDatum(event.kind));
			set(row, 5, varlena(event.id));
			set(row, 6, varlena(event.pubkey));
			set(row, 7, varlena(event.sig));
			set(row, 8, tags);
			set(row, 9, varlena(event.content));
			set(row, 10, varlena(event.raw));
			return eid;
		});
	}

	/*
	 * Replaces batch_ by the events of the sightings, so that nobody can delete these events before
	 * the transaction ends. An event that another transaction is inserting counts as not archived:
	 * to wait for that transaction could cause a deadlock, because this one holds new events.
	 */
	void hold_events_of(std::span<const NewSighting> sightings, const std::vector<uint32_t> &order,
						bool deletions_shut_out)
	{
		std::vector<Stored> held;
		std::vector<std::string_view> ids; // of events that must be looked up
		std::vector<size_t> places;        // and their places in `held`
		auto own = batch_.begin();
		for (uint32_t i : order) {
			std::string_view id = sightings[i].id;
			if (!held.empty() && held.back().id == id)
				continue;
			while (own != batch_.end() && own->id < id)
				++own;
			bool in_batch = own != batch_.end() && own->id == id;
			if (!in_batch || !deletions_shut_out) {
				ids.push_back(id);
				places.push_back(held.size());
			}
			held.push_back(in_batch ? *own : Stored{id});
		}
		std::vector<int64_t> eids;
		if (!ids.empty())
			eids = hold_events(ids);
		for (size_t i = 0; i < ids.size(); i++)
			held[places[i]].eid = eids[i];
		batch_ = std::move(held);
	}

	void write_sightings(std::span<const NewSighting> sightings, const std::vector<uint32_t> &order,
						 bool check_existing, RelayLocks relays, std::vector<uint8_t> &known)
	{
		known.assign(sightings.size(), false);
		std::vector<SightingRow> seen;
		seen.reserve(sightings.size());
		auto event = batch_.begin(); // batch_ has the events of the sightings, sorted by id
		for (uint32_t i : order) {
			const NewSighting &sighting = sightings[i];
			if (event->id != sighting.id)
				++event;
			known[i] = event->eid != 0;
			if (known[i])
				seen.push_back(
					{{event->eid, sighting.relay_id}, i, sighting.seen_at, event->is_new});
		}
		sightings_.write(std::move(seen), check_existing, relays);
	}

	void record_facts()
	{
		if (!facts_.empty())
			facts_statement.run(
				{pg::int8_array(facts_.size(), [&](size_t i) { return facts_[i]; })});
	}

	void count()
	{
		static const Counts none;
		append_to_statistics(events_.counted() ? kinds_ : none, events_.counted() ? days_ : none,
							 sightings_.counted() ? sightings_.relays() : none);
		announce(new_eids_);
		if (events_.counted())
			append_to_finder_queue(std::move(new_eids_));
	}

	Table events_;
	SightingWriter sightings_;
	std::vector<Stored> batch_; // sorted by id: events of the batch, then events of the sightings
	std::vector<int64_t> facts_, new_eids_; // eids
	Counts kinds_, days_;
};

/*
 * Runs `body` in a memory context for the rows, slots and arrays of one batch. An abort of the
 * subtransaction frees that context too. Memory that is allocated after a statement ran belongs to
 * SPI and lives until SPI_finish.
 */
template <class F>
auto
in_batch_memory(F body) -> decltype(body())
{
	MemoryContext previous = CurrentMemoryContext;
	MemoryContext batch = pg::call([&] {
		MemoryContext context =
			AllocSetContextCreate(CurTransactionContext, "bigbrotr batch", ALLOCSET_DEFAULT_SIZES);
		MemoryContextSwitchTo(context);
		return context;
	});
	auto result = body();
	pg::call([&] {
		MemoryContextSwitchTo(previous);
		MemoryContextDelete(batch);
	});
	return result;
}

} // namespace

bool
insert_directly(std::span<const VerifiedEvent> events, std::span<const NewSighting> sightings,
				int64_t now, bool check_existing, RelayLocks relays, Inserted &inserted,
				std::vector<uint8_t> &known)
{
	Assert(GetCurrentTransactionNestLevel() > 1);
	return in_batch_memory([&] {
		return DirectInsert().run(events, sightings, now, check_existing, relays, inserted, known);
	});
}

bool
look_up_directly(std::span<const std::string_view> ids, std::vector<Standing> &standings)
{
	const TableShape *const shapes[] = {&kEvents, &kRejects, &kBlockedEvents};
	Table tables[std::size(shapes)];
	standings.assign(ids.size(), Standing::Unknown);
	return pg::call([&] {
		size_t open = 0;
		while (open < std::size(shapes) &&
			   tables[open].open_to_read(*shapes[open], GetActiveSnapshot()))
			open++;
		const bool all = open == std::size(shapes);
		for (size_t t = 0; all && t < std::size(shapes); t++) {
			if (tables[t].empty())
				continue;
			for (size_t i = 0; i < ids.size(); i++) {
				Datum key = varlena(ids[i]);
				if (standings[i] == Standing::Unknown && tables[t].find(&key) != nullptr)
					standings[i] = t == 0 ? Standing::Archived : Standing::KeptOut;
			}
		}
		while (open > 0)
			tables[--open].close();
		return all;
	});
}

} // namespace archive
