#include "ingest.h"

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "archive/nul.h"
#include "pg/settings.h"
#include "pg/spi.h"

extern "C" {
#include "miscadmin.h"
}

namespace {

constexpr int64_t kDay = 86400;
constexpr int kRetries = 5;

pg::Statement known_statement("SELECT bigbrotr.known_events($1)");
pg::Statement events_statement("SELECT bigbrotr.store_events($1, $2, $3, $4, $5, $6, $7, $8, $9)");
pg::Statement hold_statement("SELECT bigbrotr.hold_relays($1)");
pg::Statement sightings_statement("SELECT relay_id, new FROM bigbrotr.store_sightings($1, $2, $3)");
pg::Statement reject_statement("SELECT bigbrotr.reject_event($1, $2, $3, $4, $5, $6)");
pg::Statement refusals_statement("SELECT bigbrotr.count_refusals($1, $2, $3, $4, $5)");
pg::Statement traffic_statement("SELECT bigbrotr.count_traffic($1, $2, $3, $4, $5, $6, $7)");
pg::Statement claim_statement("SELECT bigbrotr.claim_coverage($1, $2, $3, $4, $5, $6)");
pg::Statement report_statement("SELECT bigbrotr.report_relay($1, $2, $3, $4, $5, $6, $7, $8)");

template <size_t N>
std::string_view
view(const std::array<uint8_t, N> &bytes)
{
	return {reinterpret_cast<const char *>(bytes.data()), N};
}

struct IdHash
{
	size_t operator()(std::string_view id) const
	{
		size_t h; // ids are hashes already
		memcpy(&h, id.data(), sizeof h);
		return h;
	}
};
using IdSet = std::unordered_set<std::string_view, IdHash>;

std::string
exact_json(const wire::Event &e)
{
	nostr::Event event{*e.id,
					   *e.pubkey,
					   *e.sig,
					   e.created_at,
					   e.kind,
					   std::string(e.tags),
					   std::string(e.content),
					   e.has_nul};
	return nostr::to_json(event);
}

/* Adds the new ones' ids, as they stand in `events`, to `stored`. */
void
store_events(std::span<const wire::Event> events, int64_t now, IdSet &stored)
{
	struct Replaced
	{
		std::string tags, content, raw;
	};
	std::unordered_map<size_t, Replaced> replaced;
	for (size_t i = 0; i < events.size(); i++)
		if (events[i].has_nul)
			replaced[i] = {archive::without_nul_escapes(events[i].tags),
						   archive::without_nul(events[i].content), exact_json(events[i])};
	auto or_replaced = [&](size_t i, std::string Replaced::*part,
						   std::optional<std::string_view> otherwise) {
		return events[i].has_nul ? std::optional<std::string_view>(replaced.at(i).*part)
								 : otherwise;
	};

	size_t n = events.size();
	pg::Rows rows = events_statement.run(
		{pg::bytea_array(n, [&](size_t i) { return view(*events[i].id); }),
		 pg::bytea_array(n, [&](size_t i) { return view(*events[i].pubkey); }),
		 pg::int8_array(n, [&](size_t i) { return events[i].created_at; }),
		 pg::int4_array(n, [&](size_t i) { return events[i].kind; }),
		 pg::text_array(n,
						[&](size_t i) { return or_replaced(i, &Replaced::tags, events[i].tags); }),
		 pg::text_array(
			 n, [&](size_t i) { return or_replaced(i, &Replaced::content, events[i].content); }),
		 pg::bytea_array(n, [&](size_t i) { return view(*events[i].sig); }),
		 pg::bytea_array(n, [&](size_t i) { return or_replaced(i, &Replaced::raw, std::nullopt); }),
		 pg::value(now)});
	IdSet returned;
	for (std::string_view id : rows.byteas(0, 1))
		returned.insert(id);
	for (const wire::Event &e : events)
		if (returned.contains(view(*e.id)))
			stored.insert(view(*e.id));
}

/* What a batch adds to the counters of one relay. */
struct Added
{
	int64_t events = 0, sightings = 0, messages = 0, bytes = 0, pages = 0;
};

void
store_sightings(const wire::Batch &batch, int64_t now, IdSet fresh,
				std::unordered_map<int32_t, Added> &added)
{
	const auto &seen = batch.sightings;
	size_t n = seen.size();
	pg::Rows rows =
		sightings_statement.run({pg::bytea_array(n, [&](size_t i) { return view(*seen[i].id); }),
								 pg::int4_array(n, [&](size_t i) { return seen[i].relay_id; }),
								 pg::int8_array(n, [&](size_t i) {
									 return std::clamp(seen[i].seen_at, now - kDay, now);
								 })});
	for (uint64_t row = 0; row < rows.count(); row++)
		added[static_cast<int32_t>(rows.integer(row, 1))].sightings = rows.integer(row, 2);
	for (const wire::Sighting &s : seen) // the first relay to deliver a new event brought it
		if (fresh.erase(view(*s.id)))
			added[s.relay_id].events++;
}

void
count_refusals(const wire::Batch &batch, int64_t now)
{
	const auto &r = batch.refusals;
	size_t n = r.size();
	refusals_statement.run({pg::int4_array(n, [&](size_t i) { return r[i].relay_id; }),
							pg::text_array(n, [&](size_t i) { return r[i].reason; }),
							pg::int8_array(n, [&](size_t i) { return r[i].count; }),
							pg::text_array(n, [&](size_t i) { return r[i].detail; }),
							pg::value(now)});
}

void
count_traffic(const std::unordered_map<int32_t, Added> &added, int64_t now)
{
	std::vector<std::pair<int32_t, Added>> rows(added.begin(), added.end());
	std::sort(rows.begin(), rows.end(), [](auto &a, auto &b) { return a.first < b.first; });
	size_t n = rows.size();
	traffic_statement.run({pg::int4_array(n, [&](size_t i) { return rows[i].first; }),
						   pg::int8_array(n, [&](size_t i) { return rows[i].second.events; }),
						   pg::int8_array(n, [&](size_t i) { return rows[i].second.sightings; }),
						   pg::int8_array(n, [&](size_t i) { return rows[i].second.messages; }),
						   pg::int8_array(n, [&](size_t i) { return rows[i].second.bytes; }),
						   pg::int8_array(n, [&](size_t i) { return rows[i].second.pages; }),
						   pg::value(now)});
}

void
claim(const wire::Claim &c, int64_t settled_until, int64_t now)
{
	int64_t upper = std::min({c.claim.range.upper, settled_until, now});
	if (c.claim.range.lower > upper)
		return;
	claim_statement.run({pg::value(c.relay_id), pg::value(c.claim.range.lower), pg::value(upper),
						 pg::value(std::string_view(nostr::evidence_name(c.claim.evidence))),
						 pg::value(c.claim.events), pg::value(now)});
}

void
report(const wire::RelayReport &r, const BatchPolicy &policy, int64_t now)
{
	const char *event = r.phase == wire::RelayPhase::Connected  ? "connected"
						: r.phase == wire::RelayPhase::CaughtUp ? "caught_up"
																: "ended";
	int64_t pause = r.reason.empty() ? policy.rest_ms(r.relay_id) : int64_t{r.retry_after_ms};
	report_statement.run(
		{pg::value(r.relay_id), pg::value(std::string_view(event)), pg::value(r.reason),
		 pg::value(r.detail), pg::value(pause), pg::value(int64_t{pg::settings::retry_delay_ms}),
		 pg::value(int64_t{pg::settings::retry_delay_max_s} * 1000), pg::value(now)});
}

/* The relays the batch speaks of. */
std::set<int32_t>
relays_of(const wire::Batch &batch)
{
	std::set<int32_t> relays;
	auto add = [&](const auto &list) {
		for (const auto &part : list)
			relays.insert(part.relay_id);
	};
	add(batch.sightings);
	add(batch.refusals);
	add(batch.traffic);
	add(batch.claims);
	add(batch.reports);
	return relays;
}

void
check(const wire::Batch &batch, const BatchPolicy &policy)
{
	for (int32_t relay : relays_of(batch))
		if (!policy.is_ours(relay))
			throw pg::Error(ERRCODE_PROTOCOL_VIOLATION, "the net process spoke of relay " +
															std::to_string(relay) +
															", which was not handed out to it");
	for (const wire::Claim &c : batch.claims)
		if (c.claim.evidence == nostr::Evidence::Dense &&
			c.claim.range.lower != c.claim.range.upper)
			throw pg::Error(ERRCODE_PROTOCOL_VIOLATION,
							"the net process claimed a dense range of more than one second");
}

struct Totals
{
	int64_t events = 0, sightings = 0;
};

/*
 * Everything of the batch in the caller's transaction. `events`: those still to be stored;
 * `stored`: those that were stored before and are new.
 */
Totals
store(const wire::Batch &batch, std::span<const wire::Event> events, IdSet stored,
	  const BatchPolicy &policy, int64_t now)
{
	Totals totals;
	std::unordered_map<int32_t, Added> added;
	std::set<int32_t> ids = relays_of(batch);
	std::vector<int32_t> relays(ids.begin(), ids.end());
	hold_statement.run({pg::int4_array(relays.size(), [&](size_t i) { return relays[i]; })});
	if (!events.empty())
		store_events(events, now, stored);
	totals.events = static_cast<int64_t>(stored.size());
	if (!batch.sightings.empty())
		store_sightings(batch, now, std::move(stored), added);
	if (!batch.refusals.empty())
		count_refusals(batch, now);
	for (const wire::Traffic &t : batch.traffic) {
		Added &a = added[t.relay_id];
		a.messages += static_cast<int64_t>(t.messages);
		a.bytes += static_cast<int64_t>(t.bytes);
		a.pages += t.pages;
	}
	if (!added.empty())
		count_traffic(added, now);
	for (const wire::Claim &c : batch.claims)
		claim(c, policy.settled_until(c.relay_id), now);
	for (const wire::RelayReport &r : batch.reports)
		report(r, policy, now);

	for (const auto &[relay, a] : added)
		totals.sightings += a.sightings;
	return totals;
}

enum class Fault : uint8_t
{
	Data,
	Conflict,
	Other
};

/* Data: this row cannot be stored, others can. Conflict: the same may work in a moment. */
Fault
classify(int sqlstate)
{
	if (sqlstate == ERRCODE_T_R_SERIALIZATION_FAILURE || sqlstate == ERRCODE_T_R_DEADLOCK_DETECTED)
		return Fault::Conflict;
	switch (ERRCODE_TO_CATEGORY(sqlstate)) {
	case ERRCODE_DATA_EXCEPTION:
	case ERRCODE_INTEGRITY_CONSTRAINT_VIOLATION:
	case ERRCODE_PROGRAM_LIMIT_EXCEEDED:
	case ERRCODE_PLPGSQL_ERROR: // a trigger of the user's raised it
		return Fault::Data;
	default:
		return Fault::Other;
	}
}

/* One transaction, again after a deadlock. */
template <class F>
void
with_retries(pg::Worker &worker, const char *activity, bool durable, F body)
{
	for (int attempt = 1;; attempt++) {
		try {
			worker.transaction(activity, durable, body);
			return;
		} catch (const pg::Error &error) {
			if (classify(error.sqlstate()) != Fault::Conflict || attempt == kRetries)
				throw;
			worker.count("conflicts", 1);
		}
		pg::call([&] {
			pg_usleep(1000L * (5 * attempt + MyProcPid % 16)); // two workers: two delays
			CHECK_FOR_INTERRUPTS();
		});
	}
}

int32_t
relay_of(const wire::Batch &batch, const nostr::Id &id)
{
	for (const wire::Sighting &s : batch.sightings)
		if (*s.id == id)
			return s.relay_id;
	return 0;
}

/* Stores the events one by one; those that the database refuses are kept as rejects. */
IdSet
salvage(pg::Worker &worker, const wire::Batch &batch)
{
	IdSet stored;
	for (const wire::Event &event : batch.events) {
		try {
			with_retries(worker, "storing one event", false, [&] {
				store_events({&event, 1}, worker.now(), stored);
			});
		} catch (const pg::Error &error) {
			if (classify(error.sqlstate()) != Fault::Data)
				throw;
			stored.erase(view(*event.id));
			with_retries(worker, "rejecting one event", false, [&] {
				char code[6];
				strlcpy(code, unpack_sql_state(error.sqlstate()), sizeof code);
				int32_t relay = relay_of(batch, *event.id);
				reject_statement.run(
					{pg::bytea(view(*event.id)), relay ? pg::value(relay) : pg::null(INT4OID),
					 pg::value(std::string_view(code)), pg::value(std::string_view(error.what())),
					 pg::bytea(exact_json(event)), pg::value(worker.now())});
			});
			worker.count("events_rejected", 1);
		}
	}
	return stored;
}

} // namespace

std::vector<uint8_t>
known_events(pg::Worker &worker, std::span<const nostr::Id> ids)
{
	std::vector<uint8_t> known;
	worker.transaction("looking up events", false, [&] {
		pg::Rows rows = known_statement.run(
			{pg::bytea_array(ids.size(), [&](size_t i) { return view(ids[i]); })});
		known = rows.booleans(0, 1);
	});
	return known;
}

void
ingest(pg::Worker &worker, const wire::Batch &batch, const BatchPolicy &policy)
{
	check(batch, policy);
	// Events can be fetched again; what says that they need not be must never outlive them: it
	// commits after them, in order, and durably.
	bool durable = !batch.claims.empty() || !batch.reports.empty();
	Totals totals;
	auto run = [&](std::span<const wire::Event> events, const IdSet &stored) {
		with_retries(worker, "storing a batch", durable,
					 [&] { totals = store(batch, events, stored, policy, worker.now()); });
	};
	bool refused = false;
	try {
		run(batch.events, {});
	} catch (const pg::Error &error) {
		if (classify(error.sqlstate()) != Fault::Data || batch.events.empty())
			throw;
		refused = true;
	}
	if (refused)
		run({}, salvage(worker, batch));
	worker.count("batches", 1);
	worker.count("events_new", totals.events);
	worker.count("sightings_new", totals.sightings);
}
