#include "workers/synchronizer/ingest.h"

#include <algorithm>

#include "archive/insert.h"
#include "pg/border/spi.h"
#include "workers/synchronizer/settings.h"

namespace {

constexpr int64_t kDay = 86400;

pg::Statement claim_statement("SELECT _bigbrotr.claim_coverage($1, $2, $3, $4, $5, $6)");
pg::Statement
	report_statement("SELECT _bigbrotr.report_relay($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");

using nostr::view;

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

/* The lease keeps a relay from being deleted; one that has ended may be gone. */
bool
all_leased(const std::vector<archive::Sighting> &sightings, const RelayBook &book)
{
	return std::all_of(sightings.begin(), sightings.end(),
					   [&](const archive::Sighting &s) { return book.find(s.relay_id)->open; });
}

void
insert(const wire::Batch &batch, const RelayBook &book, int64_t now, Ingested &result)
{
	std::vector<archive::Sighting> sightings = sightings_of(batch, now);
	archive::Inserted inserted = archive::insert_verified_events(
		events_of(batch), sightings, now,
		all_leased(sightings, book) ? archive::Relays::Held : archive::Relays::Unknown);
	result.events = static_cast<int64_t>(inserted.events.size());
	result.rejected = inserted.rejected;
	for (const archive::RelaySightings &s : inserted.sightings) {
		result.traffic[s.relay_id].sightings = s.count;
		result.sightings += s.count;
	}
	for (size_t i = 0; i < sightings.size(); i++) {
		const archive::Sighting &s = sightings[i];
		// The first relay to deliver a new event brought it.
		if (inserted.events.erase(s.id))
			result.traffic[s.relay_id].events++;
		if (inserted.missing.contains(s.id)) {
			result.missing.push_back(*batch.sightings[i].id);
			result.doubted.insert(s.relay_id);
		}
	}
}

void
count_traffic(const wire::Batch &batch, TrafficMap &traffic)
{
	for (const wire::Traffic &t : batch.traffic) {
		Traffic &relay = traffic[t.relay_id];
		relay.messages += static_cast<int64_t>(t.messages);
		relay.bytes += static_cast<int64_t>(t.bytes);
		relay.pages += t.pages;
	}
	for (const wire::Refusal &r : batch.refusals) {
		Refused &refused = traffic[r.relay_id].refusals[std::string(r.reason)];
		refused.count += r.count;
		refused.detail = r.detail;
	}
}

/* What coverage calls it. Empty: it has no word for that. */
std::string_view
proof_of(const nostr::Claim &claim, const HandedRelay &relay)
{
	if (claim.evidence == nostr::Evidence::Partial)
		return claim.range.lower == claim.range.upper ? "dense" : "";
	return relay.asked_from(claim.range.lower) ? "exhausted" : "paged";
}

/* Nothing that had not settled when it was asked for is proven, and nothing that is to come. */
void
claim(const wire::Claim &c, const HandedRelay &relay, int64_t now)
{
	int64_t upper = std::min({c.claim.range.upper, relay.asked_at - kSettling, now});
	std::string_view proof = proof_of(c.claim, relay);
	if (c.claim.range.lower > upper || c.filter_id != 0 || proof.empty())
		return;
	claim_statement.run({pg::value(c.relay_id), pg::value(c.claim.range.lower), pg::value(upper),
						 pg::value(proof), pg::value(c.claim.events), pg::value(now)});
}

/* How long a relay is left alone that ends without a failure. */
int64_t
rest_s(const HandedRelay &relay)
{
	return relay.stopping ? relay.pause_s : synchronizer_settings.interval_s;
}

void
report(const wire::RelayReport &r, const HandedRelay &relay, const std::string &owner, int64_t now)
{
	const char *event = r.phase == wire::RelayPhase::Connected  ? "connected"
						: r.phase == wire::RelayPhase::CaughtUp ? "caught_up"
																: "ended";
	int64_t pause_ms = r.reason.empty() ? rest_s(relay) * 1000 : int64_t{r.retry_after_ms};
	report_statement.run(
		{pg::value(std::string_view(owner)), pg::value(r.relay_id),
		 pg::value(std::string_view(event)), pg::value(r.reason), pg::value(r.detail),
		 pg::value(pause_ms), pg::value(static_cast<int32_t>(r.page_limit)),
		 pg::value(static_cast<int32_t>(r.pace_ms)),
		 pg::value(int64_t{synchronizer_settings.retry_delay_ms}),
		 pg::value(int64_t{synchronizer_settings.retry_delay_max_s} * 1000), pg::value(now)});
}

/* Everything of the batch in the caller's transaction. */
Ingested
store(const wire::Batch &batch, const Leases &leases, const RelayBook &book,
	  const TrafficBook &counters, int64_t now)
{
	leases.hold();
	Ingested result;
	insert(batch, book, now, result);
	count_traffic(batch, result.traffic);
	for (const wire::Claim &c : batch.claims) {
		const HandedRelay &relay = *book.find(c.relay_id);
		if (relay.open && !relay.claims_held && !result.doubted.contains(c.relay_id))
			claim(c, relay, now);
	}
	for (const wire::RelayReport &r : batch.reports)
		if (book.find(r.relay_id)->attempt == r.attempt)
			result.written.push_back(r.relay_id);
	std::sort(result.written.begin(), result.written.end());
	result.written.erase(std::unique(result.written.begin(), result.written.end()),
						 result.written.end());
	// Before the reports: who sees a relay in its new phase sees what it brought until then.
	counters.write(result.written, result.traffic, now);
	for (const wire::RelayReport &r : batch.reports)
		if (const HandedRelay &relay = *book.find(r.relay_id); relay.attempt == r.attempt)
			report(r, relay, leases.owner(), now);
	return result;
}

} // namespace

Ingested
ingest(pg::Worker &worker, const wire::Batch &batch, const Leases &leases, const RelayBook &book,
	   const TrafficBook &counters)
{
	// Events can be fetched again; what says that they need not be must never outlive them: it
	// commits after them, in order, and durably.
	pg::TransactionOptions options{.durable = !batch.claims.empty() || !batch.reports.empty()};
	Ingested result;
	worker.transaction_with_retries("storing a batch", options, [&] {
		result = store(batch, leases, book, counters, worker.now());
	});
	worker.count("batches", 1);
	worker.count("events_new", result.events);
	worker.count("sightings_new", result.sightings);
	if (result.rejected > 0)
		worker.count("events_rejected", result.rejected);
	return result;
}
