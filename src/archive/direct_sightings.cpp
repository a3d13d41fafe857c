#include "direct_sightings.h"

#include <memory>
#include <tuple>

#include "batch.h"
#include "pg/border/spi.h"
#include "streak.h"

namespace archive {

namespace {

constexpr Column kSightingColumns[] = {
	{"eid", INT8OID}, {"relay_id", INT4OID}, {"seen_at", INT8OID}};
constexpr int16_t kSightingKey[] = {1, 2};
constexpr TableShape kSightings = {"sightings", kSightingColumns, kSightingKey, "count_changes"};

// The statement of _bigbrotr.hold_relays(), without the cost of a function call.
pg::Statement relays_statement("SELECT r.relay_id FROM bigbrotr.relays AS r "
							   "WHERE r.relay_id = ANY ($1) ORDER BY r.relay_id FOR KEY SHARE");

/*
 * Relays deliver events in about the same order each time, so the keys of a batch are often
 * neighbours in the index. Reading past up to kNear other eids is cheaper than another descent of
 * the index.
 */
constexpr int64_t kNear = 4;
constexpr size_t kNeighbours = 4;

Streak all_new; // batches of this session with sightings of known events

/* Locks the relays of the sightings until the end of the transaction. Returns the sorted ids of the
 * relays that exist. */
std::vector<int64_t>
lock_relays(const std::vector<SightingRow> &seen)
{
	std::vector<int32_t> wanted;
	for (const SightingRow &s : seen)
		if (wanted.empty() || wanted.back() != s.key.second)
			wanted.push_back(s.key.second);
	std::sort(wanted.begin(), wanted.end());
	wanted.erase(std::unique(wanted.begin(), wanted.end()), wanted.end());
	pg::Rows rows =
		relays_statement.run({pg::int4_array(wanted.size(), [&](size_t i) { return wanted[i]; })});
	std::vector<int64_t> locked;
	for (uint64_t row = 0; row < rows.count(); row++)
		locked.push_back(rows.integer(row, 1));
	return locked;
}

} // namespace

bool
SightingWriter::open()
{
	return table_.open(kSightings);
}

void
SightingWriter::close()
{
	table_.close();
}

void
SightingWriter::leave_out_stored(std::vector<SightingRow> &seen)
{
	std::vector<KeyPair> keys;
	auto stored = std::make_unique<bool[]>(seen.size());
	for (size_t begin = 0, end = 0; begin < seen.size(); begin = end) {
		keys.clear();
		do
			keys.push_back(seen[end++].key);
		while (end < seen.size() && seen[end].key.first - keys.back().first <= kNear);
		if (keys.size() >= kNeighbours) {
			pg::call([&] { table_.find_all(keys, &stored[begin]); });
			continue;
		}
		for (size_t i = begin; i < end; i++) {
			Datum key[] = {Int64GetDatum(seen[i].key.first), Int32GetDatum(seen[i].key.second)};
			stored[i] = !seen[i].is_new && pg::call([&] { return table_.find(key) != nullptr; });
		}
	}
	size_t kept = 0;
	for (size_t i = 0; i < seen.size(); i++)
		if (!stored[i])
			seen[kept++] = seen[i];
	seen.resize(kept);
}

void
SightingWriter::write(std::vector<SightingRow> seen, bool check_existing, RelayLocks relays)
{
	std::sort(seen.begin(), seen.end(), [](const SightingRow &a, const SightingRow &b) {
		return std::tie(a.key, a.number) < std::tie(b.key, b.number);
	});
	auto same = [](const SightingRow &a, const SightingRow &b) { return a.key == b.key; };
	seen.erase(std::unique(seen.begin(), seen.end(), same), seen.end());
	if (check_existing)
		all_new.end();
	// Sightings of new events do not predict whether the next batch is a resend.
	if (!std::all_of(seen.begin(), seen.end(), [](const SightingRow &s) { return s.is_new; })) {
		size_t asked = seen.size();
		if (!all_new.holds())
			leave_out_stored(seen);
		all_new.add(seen.size() == asked);
	}
	if (seen.empty()) // all sightings are stored already, so no relay needs a lock
		return;
	std::vector<int64_t> locked;
	if (relays == RelayLocks::Unknown)
		locked = lock_relays(seen);
	for (const SightingRow &s : seen) {
		if (relays == RelayLocks::Unknown &&
			!std::binary_search(locked.begin(), locked.end(), int64_t{s.key.second}))
			continue;
		pg::call([&] {
			if (table_.full())
				table_.write();
			TupleTableSlot *row = table_.row();
			set(row, 1, Int64GetDatum(s.key.first));
			set(row, 2, Int32GetDatum(s.key.second));
			set(row, 3, Int64GetDatum(s.seen_at));
		});
		relays_.add(s.key.second);
	}
	pg::call([&] {
		table_.write();
		table_.finish();
	});
}

} // namespace archive
