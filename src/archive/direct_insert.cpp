#include "direct_insert.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "pg/spi.h"
#include "table.h"
#include "tags.h"

namespace archive {

namespace {

constexpr Column kEventColumns[] = {
	{"eid", INT8OID, true}, {"created_at", INT8OID}, {"inserted_at", INT8OID}, {"kind", INT4OID},
	{"event_id", BYTEAOID}, {"pubkey", BYTEAOID},    {"sig", BYTEAOID},        {"tags", kTagsType},
	{"content", TEXTOID},   {"raw", BYTEAOID},
};
constexpr int16_t kEventKey[] = {5};
constexpr TableShape kEvents = {"events", kEventColumns, kEventKey, "count_events"};

constexpr Column kSightingColumns[] = {
	{"eid", INT8OID}, {"relay_id", INT4OID}, {"seen_at", INT8OID}};
constexpr int16_t kSightingKey[] = {1, 2};
constexpr TableShape kSightings = {"sightings", kSightingColumns, kSightingKey, "count_sightings"};

constexpr Column kRejectColumns[] = {{"event_id", BYTEAOID}};
constexpr int16_t kRejectKey[] = {1};
constexpr TableShape kRejects = {"event_rejects", kRejectColumns, kRejectKey, nullptr};

// As bigbrotr.hold_relays() does it, without a function's price.
pg::Statement relays_statement("SELECT r.relay_id FROM bigbrotr.relays AS r "
							   "WHERE r.relay_id = ANY ($1) ORDER BY r.relay_id FOR KEY SHARE");
pg::Statement facts_statement("SELECT bigbrotr.record_facts($1)");
pg::Statement count_statement("INSERT INTO bigbrotr.statistics_deltas (subject, keys, counts) "
							  "VALUES ($1, $2, $3)");

constexpr int64_t kDay = 86400;
constexpr int32_t kDeletion = 5, kVanish = 62; // kinds whose events say something about others

/* Like the server's own, but with the short header that a row has in the end. Inside pg::call. */
Datum
varlena(std::string_view bytes)
{
	if (bytes.size() + VARHDRSZ_SHORT > VARATT_SHORT_MAX)
		return pg::detail::varlena(bytes);
	auto *out = static_cast<char *>(palloc(bytes.size() + VARHDRSZ_SHORT));
	SET_VARSIZE_SHORT(out, bytes.size() + VARHDRSZ_SHORT);
	memcpy(VARDATA_SHORT(out), bytes.data(), bytes.size());
	return PointerGetDatum(out);
}

int64_t
eid_of(TupleTableSlot *row)
{
	bool is_null;
	return DatumGetInt64(slot_getattr(row, 1, &is_null));
}

/* An event of the batch, or one that a sighting names. */
struct Stored
{
	std::string_view id;
	int64_t eid = 0; // 0: not in the archive
	bool fresh = false;
};

void
set(TupleTableSlot *row, int column, Datum value)
{
	row->tts_values[column - 1] = value;
	row->tts_isnull[column - 1] = false;
}

/* Indexes of a list, in the order that `key` gives; the first of equal ones first. */
template <class List, class Key>
std::vector<uint32_t>
ordered(const List &list, Key key)
{
	std::vector<uint32_t> order(list.size());
	std::iota(order.begin(), order.end(), 0);
	std::stable_sort(order.begin(), order.end(),
					 [&](uint32_t a, uint32_t b) { return key(list[a]) < key(list[b]); });
	return order;
}

class Counts
{
  public:
	void add(int64_t key) { counts_[key]++; }
	/* As bigbrotr.count_events() and count_sightings() do it. */
	void append_to_statistics(std::string_view subject) const
	{
		if (counts_.empty())
			return;
		auto key = counts_.begin(), count = key;
		count_statement.run(
			{pg::value(subject),
			 pg::int8_array(counts_.size(), [&](size_t) { return (key++)->first; }),
			 pg::int8_array(counts_.size(), [&](size_t) { return (count++)->second; })});
	}
	const std::map<int64_t, int64_t> &all() const { return counts_; }

  private:
	std::map<int64_t, int64_t> counts_;
};

class DirectInsert
{
  public:
	bool run(std::span<const Event> events, std::span<const Sighting> sightings, int64_t now,
			 Inserted &inserted)
	{
		// Both at once: who deletes events locks out sightings, and must find ours or none.
		bool open = pg::call([&] {
			if (!events_.open(kEvents))
				return false;
			if (sightings_.open(kSightings))
				return true;
			events_.close();
			return false;
		});
		if (!open)
			return false;
		write_events(events, now, inserted);
		write_sightings(sightings, inserted);
		pg::call([&] {
			sightings_.close();
			events_.close();
		});
		record_facts();
		count();
		return true;
	}

  private:
	void write_events(std::span<const Event> events, int64_t now, Inserted &inserted)
	{
		batch_.reserve(events.size());
		for (uint32_t i : ordered(events, [](const Event &e) { return e.id; })) {
			const Event &event = events[i];
			if (!batch_.empty() && batch_.back().id == event.id)
				continue;
			Stored &stored = batch_.emplace_back(look_up(event.id));
			if (stored.eid != 0)
				continue;
			stored.fresh = true;
			stored.eid = write(event, now);
			inserted.events.insert(event.id);
			if (event.kind == kDeletion || event.kind == kVanish)
				facts_.push_back(stored.eid);
			kinds_.add(event.kind);
			days_.add(event.created_at / kDay * kDay);
		}
		pg::call([&] { events_.flush(); });
	}

	Stored look_up(std::string_view id)
	{
		return pg::call([&] {
			Datum key = varlena(id);
			TupleTableSlot *row = events_.find(&key);
			return Stored{id, row ? eid_of(row) : 0};
		});
	}

	int64_t write(const Event &event, int64_t now)
	{
		Datum tags = packed_tags(event.tags);
		return pg::call([&] {
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

	/* A sighting that is not there yet, of an event that is. */
	struct NewSighting
	{
		int64_t eid;
		int32_t relay_id;
		int64_t seen_at;
	};

	void write_sightings(std::span<const Sighting> sightings, Inserted &inserted)
	{
		std::vector<NewSighting> found = find_new(sightings);
		if (found.empty()) // a resend: nothing to lock
			return;
		std::vector<int64_t> relays = lock_relays(found);
		for (const NewSighting &seen : found)
			if (std::binary_search(relays.begin(), relays.end(), int64_t{seen.relay_id})) {
				write(seen);
				relays_.add(seen.relay_id);
			}
		pg::call([&] { sightings_.flush(); });
		for (const auto &[relay, count] : relays_.all())
			inserted.sightings.push_back({static_cast<int32_t>(relay), count});
	}

	/* In the order of events' ids and relays. */
	std::vector<NewSighting> find_new(std::span<const Sighting> sightings)
	{
		std::vector<NewSighting> found;
		auto key = [](const Sighting &s) { return std::pair(s.id, s.relay_id); };
		auto next = batch_.begin(); // as sorted as the sightings
		Stored event;
		const Sighting *previous = nullptr;
		for (uint32_t i : ordered(sightings, key)) {
			const Sighting &seen = sightings[i];
			if (previous != nullptr && key(*previous) == key(seen))
				continue;
			if (previous == nullptr || previous->id != seen.id) {
				while (next != batch_.end() && next->id < seen.id)
					++next;
				event = next != batch_.end() && next->id == seen.id ? *next : look_up(seen.id);
			}
			previous = &seen;
			if (event.eid != 0 && (event.fresh || !is_stored(event.eid, seen.relay_id)))
				found.push_back({event.eid, seen.relay_id, seen.seen_at});
		}
		return found;
	}

	bool is_stored(int64_t eid, int32_t relay_id)
	{
		return pg::call([&] {
			Datum key[] = {Int64GetDatum(eid), Int32GetDatum(relay_id)};
			return sightings_.find(key) != nullptr;
		});
	}

	/* Those that exist, sorted; they stay until the end of the transaction. */
	static std::vector<int64_t> lock_relays(const std::vector<NewSighting> &sightings)
	{
		std::vector<int32_t> wanted;
		for (const NewSighting &s : sightings)
			if (wanted.empty() || wanted.back() != s.relay_id)
				wanted.push_back(s.relay_id);
		std::sort(wanted.begin(), wanted.end());
		wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
		pg::Rows rows = relays_statement.run(
			{pg::int4_array(wanted.size(), [&](size_t i) { return wanted[i]; })});
		std::vector<int64_t> locked;
		for (uint64_t row = 0; row < rows.count(); row++)
			locked.push_back(rows.integer(row, 1));
		return locked;
	}

	void write(const NewSighting &seen)
	{
		pg::call([&] {
			TupleTableSlot *row = sightings_.row();
			set(row, 1, Int64GetDatum(seen.eid));
			set(row, 2, Int32GetDatum(seen.relay_id));
			set(row, 3, Int64GetDatum(seen.seen_at));
		});
	}

	void record_facts()
	{
		if (!facts_.empty())
			facts_statement.run(
				{pg::int8_array(facts_.size(), [&](size_t i) { return facts_[i]; })});
	}

	void count()
	{
		if (events_.counted()) {
			kinds_.append_to_statistics("kind");
			days_.append_to_statistics("day");
		}
		if (sightings_.counted())
			relays_.append_to_statistics("relay");
	}

	Table events_, sightings_;
	std::vector<Stored> batch_;  // sorted by id
	std::vector<int64_t> facts_; // eids
	Counts kinds_, days_, relays_;
};

/* All that a batch needs until it is written; an abort of the subtransaction frees it as well. */
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
insert_directly(std::span<const Event> events, std::span<const Sighting> sightings, int64_t now,
				Inserted &inserted)
{
	return in_batch_memory([&] { return DirectInsert().run(events, sightings, now, inserted); });
}

bool
look_up_directly(std::span<const std::string_view> ids, std::vector<uint8_t> &known)
{
	Table events, rejects;
	known.resize(ids.size());
	return pg::call([&] {
		if (!events.open_to_read(kEvents))
			return false;
		if (!rejects.open_to_read(kRejects)) {
			events.close();
			return false;
		}
		bool any_rejects = !rejects.empty();
		for (size_t i = 0; i < ids.size(); i++) {
			Datum key = varlena(ids[i]);
			known[i] =
				events.find(&key) != nullptr || (any_rejects && rejects.find(&key) != nullptr);
		}
		rejects.close();
		events.close();
		return true;
	});
}

} // namespace archive
