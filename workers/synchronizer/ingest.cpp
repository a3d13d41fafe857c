#include "workers/synchronizer/ingest.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "archive/insert.h"
#include "pg/border/settings.h"
#include "pg/border/spi.h"

namespace {

constexpr int64_t kDay = 86400;

pg::Statement hold_statement("SELECT bigbrotr.hold_relays($1)");
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

/* What a batch adds to the counters of one relay. */
struct Added
{
	int64_t events = 0, sightings = 0, messages = 0, bytes = 0, pages = 0;
};

std::vector<archive::Event>
events_of(const wire::Batch &batch)
{
	std::vector<archive::Event> events;
	events.reserve(batch.events.size());
	for (const wire::Event &e : batch.events)
		events.push_back({view(*e.id), view(*e.pubkey), view(*e.sig), e.created_at, e.kind, e.tags,
						  e.content, e.has_nul});
	return events;
}

std::vector<archive::Sighting>
sightings_of(const wire::Batch &batch, int64_t now)
{
	std::vector<archive::Sighting> sightings;
	sightings.reserve(batch.sightings.size());
	for (const wire::Sighting &s : batch.sightings)
		sightings.push_back({view(*s.id), s.relay_id, std::clamp(s.seen_at, now - kDay, now)});
	return sightings;
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
			throw pg::NetFault{"it spoke of relay " + std::to_string(relay) +
							   ", which was not handed out to it"};
	for (const wire::Claim &c : batch.claims)
		if (c.claim.evidence == nostr::Evidence::Dense &&
			c.claim.range.lower != c.claim.range.upper)
			throw pg::NetFault{"it claimed a dense range of more than one second"};
}

struct Totals
{
	int64_t events = 0, sightings = 0, rejected = 0;
};

/* Everything of the batch in the caller's transaction. */
Totals
store(const wire::Batch &batch, const BatchPolicy &policy, int64_t now)
{
	std::set<int32_t> ids = relays_of(batch);
	std::vector<int32_t> relays(ids.begin(), ids.end());
	hold_statement.run({pg::int4_array(relays.size(), [&](size_t i) { return relays[i]; })});
	std::vector<archive::Sighting> sightings = sightings_of(batch, now);
	archive::Inserted inserted = archive::insert_events(events_of(batch), sightings, now);
	Totals totals{static_cast<int64_t>(inserted.events.size()), 0, inserted.rejected};
	std::unordered_map<int32_t, Added> added;
	for (const archive::RelaySightings &s : inserted.sightings) {
		added[s.relay_id].sightings = s.count;
		totals.sightings += s.count;
	}
	for (const archive::Sighting &s :
		 sightings) // the first relay to deliver a new event brought it
		if (inserted.events.erase(s.id))
			added[s.relay_id].events++;
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
	return totals;
}

} // namespace

std::vector<uint8_t>
known_events(pg::Worker &worker, std::span<const nostr::Id> ids)
{
	std::vector<uint8_t> known;
	std::vector<std::string_view> views;
	views.reserve(ids.size());
	for (const nostr::Id &id : ids)
		views.push_back(view(id));
	worker.transaction_with_retries("looking up events", {.read_only = true},
									[&] { known = archive::known_events(views); });
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
	worker.transaction_with_retries("storing a batch", {.durable = durable},
									[&] { totals = store(batch, policy, worker.now()); });
	worker.count("batches", 1);
	worker.count("events_new", totals.events);
	worker.count("sightings_new", totals.sightings);
	if (totals.rejected > 0)
		worker.count("events_rejected", totals.rejected);
}
