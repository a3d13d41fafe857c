#include "insert.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

#include "batch.h"
#include "block_list.h"
#include "direct_insert.h"
#include "event_lock.h"
#include "nul.h"
#include "pg/border/spi.h"
#include "pg/border/subtransaction.h"
#include "retention.h"

namespace archive {

namespace {

/* The numbers are values of Standing. */
pg::Statement standings_statement(
	"SELECT ARRAY(SELECT CASE "
	"WHEN EXISTS (SELECT FROM bigbrotr.events AS e WHERE e.event_id = a.id) THEN 1::bigint "
	"WHEN EXISTS (SELECT FROM bigbrotr.event_rejects AS r WHERE r.event_id = a.id) "
	"OR EXISTS (SELECT FROM bigbrotr.blocked_events AS b WHERE b.event_id = a.id) THEN 2 ELSE 0 "
	"END FROM unnest($1) WITH ORDINALITY AS a (id, n) ORDER BY a.n)");
pg::Statement rejected_statement(
	"SELECT r.event_id FROM bigbrotr.event_rejects AS r WHERE r.event_id = ANY ($1) "
	"UNION SELECT b.event_id FROM bigbrotr.blocked_events AS b WHERE b.event_id = ANY ($1)");
pg::Statement events_statement("SELECT _bigbrotr.store_events($1, $2, $3, $4, $5, $6, $7, $8, $9)");
pg::Statement
	sightings_statement("SELECT relay_id, new FROM _bigbrotr.store_sightings($1, $2, $3)");
pg::Statement reject_statement("SELECT _bigbrotr.reject_event($1, $2, $3, $4, $5, $6)");

using nostr::to_hex;

std::string
exact_json(const VerifiedEvent &event)
{
	if (!event.raw.empty())
		return std::string(event.raw);
	std::string out = "{\"id\":\"" + to_hex(event.id) + "\",\"pubkey\":\"" + to_hex(event.pubkey) +
					  "\",\"created_at\":" + std::to_string(event.created_at) +
					  ",\"kind\":" + std::to_string(event.kind) + ",\"tags\":";
	out += event.tags;
	out += ",\"content\":";
	nostr::append_json_string(event.content, out);
	return out + ",\"sig\":\"" + to_hex(event.sig) + "\"}";
}

/* Copies of events in which U+FFFD replaces U+0000, which text and tags cannot hold. */
class Storable
{
  public:
	explicit Storable(std::span<const VerifiedEvent> events) : events_(events.begin(), events.end())
	{
		for (VerifiedEvent &event : events_)
			if (event.has_nul) {
				event.raw = keep(exact_json(event));
				event.tags = keep(without_nul_escapes(event.tags));
				event.content = keep(without_nul(event.content));
				event.has_nul = false;
			}
	}
	std::vector<VerifiedEvent> &events() { return events_; }

  private:
	std::string_view keep(std::string text) { return texts_.emplace_back(std::move(text)); }
	std::vector<VerifiedEvent> events_;
	std::deque<std::string> texts_;
};

/* Stores the events and adds the ids of new ones, which point into `events`, to `fresh`. */
void
store_events(std::span<const VerifiedEvent> events, int64_t now, IdSet &fresh)
{
	if (events.empty())
		return;
	size_t n = events.size();
	pg::Rows rows =
		events_statement.run({pg::bytea_array(n, [&](size_t i) { return events[i].id; }),
							  pg::bytea_array(n, [&](size_t i) { return events[i].pubkey; }),
							  pg::int8_array(n, [&](size_t i) { return events[i].created_at; }),
							  pg::int4_array(n, [&](size_t i) { return events[i].kind; }),
							  pg::text_array(n, [&](size_t i) { return events[i].tags; }),
							  pg::text_array(n, [&](size_t i) { return events[i].content; }),
							  pg::bytea_array(n, [&](size_t i) { return events[i].sig; }),
							  pg::bytea_array(n,
											  [&](size_t i) {
												  return events[i].raw.empty()
															 ? std::nullopt
															 : std::optional(events[i].raw);
											  }),
							  pg::value(now)});
	IdSet returned;
	for (std::string_view id : rows.byteas(0, 1))
		returned.insert(id);
	for (const VerifiedEvent &event : events)
		if (returned.contains(event.id))
			fresh.insert(event.id);
}

std::vector<RelaySightings>
store_sightings(std::span<const NewSighting> seen)
{
	std::vector<RelaySightings> stored;
	if (seen.empty())
		return stored;
	size_t n = seen.size();
	pg::Rows rows =
		sightings_statement.run({pg::bytea_array(n, [&](size_t i) { return seen[i].id; }),
								 pg::int4_array(n, [&](size_t i) { return seen[i].relay_id; }),
								 pg::int8_array(n, [&](size_t i) { return seen[i].seen_at; })});
	for (uint64_t row = 0; row < rows.count(); row++)
		stored.push_back({static_cast<int32_t>(rows.integer(row, 1)), rows.integer(row, 2)});
	return stored;
}

/* The ids whose events were rejected permanently. The set is valid until SPI_finish. */
IdSet
rejected_events(std::span<const std::string_view> ids)
{
	pg::Rows rows =
		rejected_statement.run({pg::bytea_array(ids.size(), [&](size_t i) { return ids[i]; })});
	IdSet rejected;
	for (uint64_t row = 0; row < rows.count(); row++)
		rejected.insert(rows.bytes(row, 1));
	return rejected;
}

/* Sets `known` for sightings whose events were rejected permanently. */
void
add_rejected(std::span<const NewSighting> seen, std::vector<uint8_t> &known)
{
	std::vector<std::string_view> unknown;
	for (size_t i = 0; i < seen.size(); i++)
		if (!known[i])
			unknown.push_back(seen[i].id);
	if (unknown.empty())
		return;
	IdSet rejected = rejected_events(unknown);
	for (size_t i = 0; i < seen.size() && !rejected.empty(); i++)
		known[i] = known[i] || rejected.contains(seen[i].id);
}

/* Whether the row caused the error, so that other rows can still be stored. */
bool
is_data_fault(const pg::Error &error)
{
	switch (ERRCODE_TO_CATEGORY(error.sqlstate())) {
	case ERRCODE_DATA_EXCEPTION:
	case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
	case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
	case ERRCODE_PLPGSQL_ERROR: // raised by a user's trigger
		return true;
	default:
		return false;
	}
}

/* Runs `body`; false if an event cannot be stored, in which case nothing was changed. */
template <class F>
bool
attempt(F &&body)
{
	try {
		pg::subtransaction(body);
		return true;
	} catch (const pg::Error &error) {
		if (!is_data_fault(error))
			throw;
		return false;
	}
}

/*
 * False if SQL statements must do the work: because the tables do not allow direct access, or
 * because two attempts met a unique violation, when another session inserted the same row. INSERT …
 * ON CONFLICT waits for that session.
 */
bool
try_directly(std::span<const VerifiedEvent> events, std::span<const NewSighting> sightings,
			 int64_t now, RelayLocks relays, Inserted &inserted, std::vector<uint8_t> &known)
{
	for (bool check_existing : {false, true}) {
		bool possible = false;
		bool stored = attempt([&] {
			inserted = {};
			possible =
				insert_directly(events, sightings, now, check_existing, relays, inserted, known);
		});
		if (stored)
			return possible;
	}
	return false;
}

/* `relay_id`: the relay that delivered the event; null: unknown. */
void
reject(const VerifiedEvent &event, pg::Value relay_id, const pg::Error &error, int64_t now)
{
	char code[6];
	strlcpy(code, unpack_sql_state(error.sqlstate()), sizeof code);
	reject_statement.run({pg::bytea(event.id), relay_id, pg::value(std::string_view(code)),
						  pg::value(std::string_view(error.what())), pg::bytea(exact_json(event)),
						  pg::value(now)});
}

/*
 * Stores the sightings of archived events, and sets `known` for them. These events are locked and
 * cannot be deleted. The sighting of an event that another session archives meanwhile is not
 * stored: its event would be locked out of order.
 */
std::vector<RelaySightings>
store_sightings_by_statement(std::span<const NewSighting> sightings, std::vector<uint8_t> &known)
{
	std::vector<std::string_view> ids;
	ids.reserve(sightings.size());
	for (const NewSighting &sighting : sightings)
		ids.push_back(sighting.id);
	std::vector<int64_t> eids = hold_events(ids);
	known.clear();
	std::vector<NewSighting> archived;
	for (size_t i = 0; i < sightings.size(); i++) {
		known.push_back(eids[i] != 0);
		if (known[i])
			archived.push_back(sightings[i]);
	}
	return store_sightings(archived);
}

/* Stores the events one by one, in the order that all writers use. Events that the database refuses
 * go to bigbrotr.event_rejects. */
void
salvage(std::span<const VerifiedEvent> events, std::span<const NewSighting> sightings, int64_t now,
		Inserted &inserted)
{
	std::unordered_map<std::string_view, int32_t> relays;
	for (const NewSighting &sighting : sightings)
		relays.try_emplace(sighting.id, sighting.relay_id);
	for (uint32_t i : ordered_by_id(events)) {
		const VerifiedEvent &event = events[i];
		try {
			IdSet fresh;
			pg::subtransaction([&] { store_events({&event, 1}, now, fresh); });
			inserted.events.merge(fresh);
		} catch (const pg::Error &error) {
			if (!is_data_fault(error))
				throw;
			auto relay = relays.find(event.id);
			reject(event, relay == relays.end() ? pg::null(INT4OID) : pg::value(relay->second),
				   error, now);
			inserted.rejected.insert(event.id);
		}
	}
}

} // namespace

VerifiedEvent
verified(const nostr::Event &event)
{
	return {.id = nostr::view(event.id),
			.pubkey = nostr::view(event.pubkey),
			.sig = nostr::view(event.sig),
			.created_at = event.created_at,
			.kind = event.kind,
			.tags = event.tags,
			.content = event.content,
			.has_nul = event.has_nul};
}

Inserted
insert_verified_events(std::span<const VerifiedEvent> exact, std::span<const NewSighting> sightings,
					   int64_t now, RelayLocks relays, Screening screening)
{
	if (exact.empty() && sightings.empty()) // a batch with only claims waits for no lock on tables
		return {};
	Storable storable(exact);
	std::vector<VerifiedEvent> blocked = leave_out_blocked(storable.events(), now, screening);
	const RetentionRules rules = RetentionRules::load();
	IdSet left_out;
	std::erase_if(storable.events(), [&](const VerifiedEvent &event) {
		return rules.leave_out(event.kind, event.created_at) && (left_out.insert(event.id), true);
	});
	std::span<const VerifiedEvent> events = storable.events();
	Inserted inserted;
	std::vector<uint8_t> known; // for each sighting: whether its event is archived
	if (!try_directly(events, sightings, now, relays, inserted, known)) {
		auto by_statement = [&] {
			inserted = {};
			store_events(events, now, inserted.events);
		};
		if (!attempt(by_statement)) {
			inserted = {};
			salvage(events, sightings, now, inserted);
		}
		inserted.sightings = store_sightings_by_statement(sightings, known);
	}
	add_rejected(sightings, known);
	for (size_t i = 0; i < sightings.size(); i++) {
		const NewSighting &sighting = sightings[i];
		if (!known[i] && !left_out.contains(sighting.id))
			(rules.leave_out(sighting.kind, sighting.created_at) ? left_out : inserted.missing)
				.insert(sighting.id);
	}
	inserted.blocked = std::move(blocked);
	inserted.left_out = std::move(left_out);
	return inserted;
}

Recorded
insert_sightings(std::span<const NewSighting> sightings)
{
	Inserted inserted;
	Recorded recorded;
	if (!try_directly({}, sightings, 0, RelayLocks::Unknown, inserted, recorded.known))
		inserted.sightings = store_sightings_by_statement(sightings, recorded.known);
	add_rejected(sightings, recorded.known);
	recorded.sightings = std::move(inserted.sightings);
	return recorded;
}

std::vector<Standing>
find_standings(std::span<const std::string_view> ids)
{
	std::vector<Standing> standings;
	if (look_up_directly(ids, standings))
		return standings;
	pg::Rows rows =
		standings_statement.run({pg::bytea_array(ids.size(), [&](size_t i) { return ids[i]; })});
	standings.clear();
	for (int64_t standing : rows.bigints(0, 1))
		standings.push_back(static_cast<Standing>(standing));
	return standings;
}

std::vector<uint8_t>
known_events(std::span<const std::string_view> ids)
{
	std::vector<uint8_t> known;
	known.reserve(ids.size());
	for (Standing standing : find_standings(ids))
		known.push_back(standing != Standing::Unknown);
	return known;
}

} // namespace archive
