#include "workers/synchronizer/ingest.h"

#include <algorithm>

#include "archive/block_list.h"
#include "archive/insert.h"
#include "pg/border/spi.h"
#include "workers/synchronizer/comparisons.h"
#include "workers/synchronizer/settings.h"

namespace {

constexpr int64_t kDay = 86400;

pg::Statement retract_statement("SELECT _bigbrotr.retract_coverage($1, $2, $3, $4, false, $5)");
pg::Statement
	report_statement("SELECT _bigbrotr.report_relay($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)");

pg::Statement lock_statement("SELECT _bigbrotr.lock_relays($1)");
pg::Statement left_out_statement("SELECT _bigbrotr.note_left_out($1, $2)");
pg::Statement reader_statement("SELECT _bigbrotr.note_reader($1, $2)");

using nostr::view;

std::vector<archive::VerifiedEvent>
events_of(const wire::Batch &batch)
{
	std::vector<archive::VerifiedEvent> events;
	events.reserve(batch.events.size());
	for (const wire::DeliveredEvent &e : batch.events)
		events.push_back({view(*e.id), view(*e.pubkey), view(*e.sig), e.created_at, e.kind, e.tags,
						  e.content, e.has_nul});
	return events;
}

std::vector<archive::NewSighting>
sightings_of(const wire::Batch &batch, int64_t now)
{
	std::vector<archive::NewSighting> sightings;
	sightings.reserve(batch.sightings.size());
	for (const wire::Sighting &s : batch.sightings)
		sightings.push_back({view(*s.event.id), s.relay_id, std::clamp(s.seen_at, now - kDay, now),
							 s.event.kind, s.event.created_at});
	return sightings;
}

/* Whether all relays are leased. A lease keeps its relay from being deleted; a relay whose lease
 * has ended may be gone. */
bool
all_leased(const std::vector<archive::NewSighting> &sightings, const RelayBook &book)
{
	return std::all_of(sightings.begin(), sightings.end(),
					   [&](const archive::NewSighting &s) { return book.find(s.relay_id)->open; });
}

/* Notes the events left out, so that an event that a relay offers in a comparison of sets is not
 * asked for again. */
void
note_left_out(std::vector<archive::NewSighting> sightings, const archive::IdSet &left_out)
{
	std::erase_if(sightings,
				  [&](const archive::NewSighting &s) { return !left_out.contains(s.id); });
	left_out_statement.run(
		{pg::int4_array(sightings.size(), [&](size_t i) { return sightings[i].relay_id; }),
		 pg::bytea_array(sightings.size(), [&](size_t i) { return sightings[i].id; })});
}

void
insert(const wire::Batch &batch, const RelayBook &book, int64_t now, Ingested &result)
{
	std::vector<archive::NewSighting> sightings = sightings_of(batch, now);
	archive::Inserted inserted = archive::insert_verified_events(
		events_of(batch), sightings, now,
		all_leased(sightings, book) ? archive::RelayLocks::Held : archive::RelayLocks::Unknown);
	archive::note_missing(inserted.blocked);
	result.events = static_cast<int64_t>(inserted.events.size());
	result.rejected = static_cast<int64_t>(inserted.rejected.size());
	result.left_out = static_cast<int64_t>(inserted.left_out.size());
	if (!inserted.left_out.empty())
		note_left_out(sightings, inserted.left_out);
	for (const archive::RelaySightings &s : inserted.sightings) {
		result.traffic[s.relay_id].sightings = s.count;
		result.sightings += s.count;
	}
	for (size_t i = 0; i < sightings.size(); i++) {
		const archive::NewSighting &s = sightings[i];
		// A new event counts for the relay that delivered it first.
		if (inserted.events.erase(s.id))
			result.traffic[s.relay_id].events++;
		if (inserted.missing.contains(s.id)) {
			result.missing.push_back(*batch.sightings[i].event.id);
			result.doubted.insert(s.relay_id);
		}
	}
}

void
count_traffic(const wire::Batch &batch, TrafficMap &traffic)
{
	for (const wire::RelayTraffic &t : batch.traffic) {
		Traffic &relay = traffic[t.relay_id];
		relay.messages += static_cast<int64_t>(t.messages);
		relay.bytes += static_cast<int64_t>(t.bytes);
		relay.pages += t.pages;
		relay.delivered += t.delivered;
		relay.repeated += t.repeated;
	}
	// Claims without events are not counted: they cover the time before the oldest event.
	for (const wire::RelayClaim &c : batch.claims)
		if (c.claim.events > 0)
			traffic[c.relay_id].seconds += c.claim.range.upper - c.claim.range.lower + 1;
	for (const wire::RelayRefusal &r : batch.refusals) {
		Refused &refused = traffic[r.relay_id].refusals[std::string(r.reason)];
		refused.count += r.count;
		refused.detail = r.detail;
	}
}

/*
 * The claims of the batch, by relay. A second reading agrees if neither this batch nor an earlier
 * one found a new event in the claimed range.
 */
ClaimMap
claims_of(const wire::Batch &batch, const RelayBook &book, const Ingested &result, int64_t now)
{
	ClaimMap claims;
	for (const wire::RelayClaim &c : batch.claims) {
		const HandedRelay &relay = *book.find(c.relay_id);
		if (!relay.open || relay.claims_held || result.doubted.contains(c.relay_id))
			continue;
		const Reading &reading = *relay.answered_by(c);
		nostr::Claim claim = settled(c, relay, now);
		bool missed =
			reading.missed(c.claim.range) ||
			std::any_of(result.misses.begin(), result.misses.end(), [&](const Miss &miss) {
				return miss.relay_id == c.relay_id && &relay.asked[miss.reading] == &reading &&
					   c.claim.range.lower <= miss.created_at &&
					   miss.created_at <= c.claim.range.upper;
			});
		// What a connection both audits and confirms is one observation.
		bool also_confirmed =
			reading.range.purpose == wire::Purpose::Audit &&
			std::any_of(relay.asked.begin(), relay.asked.end(), [&](const Reading &other) {
				return other.range.purpose == wire::Purpose::Confirm &&
					   other.range.filter_id == reading.range.filter_id &&
					   other.range.lower <= reading.range.upper &&
					   reading.range.lower <= other.range.upper;
			});
		bool independent = (reading.range.purpose == wire::Purpose::Confirm ||
							reading.range.purpose == wire::Purpose::Audit) &&
						   !also_confirmed && !needs_wait(c);
		add_claim(claims[c.relay_id], {.filter_id = c.filter_id,
									   .reader = c.reader,
									   .claim = claim,
									   .agrees = independent && !missed,
									   .asked_at = relay.asked_at});
	}
	return claims;
}

void
retract(const wire::RelayRetract &r, int64_t now)
{
	retract_statement.run(
		{pg::value(r.relay_id), pg::value(r.retract.range.lower), pg::value(r.retract.range.upper),
		 pg::value(std::string_view(nostr::doubt_facts(r.retract.doubt).code)), pg::value(now)});
}

/* A copy of the relay that includes the results of this batch in its readings. */
HandedRelay
judged(const HandedRelay &relay, int32_t relay_id, const wire::Batch &batch, const Ingested &result)
{
	HandedRelay copy = relay;
	add_to_readings(copy, relay_id, batch, result.misses);
	return copy;
}

/* Seconds until a relay that ended without a failure is opened again. */
int64_t
rest_s(const HandedRelay &relay)
{
	return relay.stopping ? relay.pause_s : synchronizer_settings.interval_s;
}

void
report(const wire::RelayReport &r, const HandedRelay &relay, const std::string &owner, int64_t now)
{
	bool connected =
		r.phase == wire::RelayPhase::Connected || r.phase == wire::RelayPhase::SignedIn;
	const char *event = connected                               ? "connected"
						: r.phase == wire::RelayPhase::CaughtUp ? "caught_up"
																: "ended";
	if (connected)
		reader_statement.run(
			{pg::value(r.relay_id), pg::value(static_cast<int32_t>(reader_of(r)))});
	int64_t pause_ms = r.reason.empty() ? rest_s(relay) * 1000 : int64_t{r.retry_after_ms};
	report_statement.run(
		{pg::value(std::string_view(owner)), pg::value(r.relay_id),
		 pg::value(std::string_view(event)), pg::value(r.reason), pg::value(r.detail),
		 pg::value(pause_ms), pg::value(static_cast<int32_t>(r.page_limit)),
		 pg::value(static_cast<int32_t>(r.pace_ms)),
		 pg::value(int64_t{synchronizer_settings.retry_delay_ms}),
		 pg::value(int64_t{synchronizer_settings.retry_delay_max_s} * 1000), pg::value(now)});
}

/*
 * The relays whose waiting counts and claims are written with this batch. They are written before
 * the reports, so that whoever sees the new phase of a relay also sees what the relay delivered
 * until then.
 */
std::vector<int32_t>
relays_to_write(const wire::Batch &batch, const RelayBook &book, const Books &books,
				const Ingested &result)
{
	std::set<int32_t> relays;
	for (const wire::RelayReport &r : batch.reports)
		if (book.find(r.relay_id)->attempt == r.attempt)
			relays.insert(r.relay_id);
	for (const wire::RelayRetract &r : batch.retracts)
		relays.insert(r.relay_id);
	for (const Miss &miss : result.misses)
		relays.insert(miss.relay_id);
	for (const auto &[relay, claims] : result.claims)
		if (books.claims.waiting(relay) + claims.size() >= ClaimBook::kMany)
			relays.insert(relay);
	return {relays.begin(), relays.end()};
}

/* Locks the relays whose status a report may change, before other rows about relays are locked. */
void
lock_reported(const std::vector<wire::RelayReport> &reports)
{
	if (!reports.empty())
		lock_statement.run(
			{pg::int4_array(reports.size(), [&](size_t i) { return reports[i].relay_id; })});
}

/* Stores the whole batch in the caller's transaction. */
Ingested
store(const wire::Batch &batch, const Leases &leases, const RelayBook &book, const Books &books,
	  int64_t now)
{
	leases.hold();
	Ingested result;
	result.misses = find_misses(batch, book);
	insert(batch, book, now, result);
	drop_unmatched(result.misses, book);
	count_traffic(batch, result.traffic);
	result.claims = claims_of(batch, book, result, now);
	result.written = relays_to_write(batch, book, books, result);
	lock_reported(batch.reports);
	books.traffic.write(result.written, result.traffic, now);
	for (int32_t relay : result.written)
		if (!result.doubted.contains(relay))
			books.claims.write(relay, result.claims, now);
	for (const wire::RelayRetract &r : batch.retracts)
		retract(r, now);
	withdraw(result.misses, book, now);
	withdraw_strays(batch, book, now);
	for (const wire::Compared &c : batch.compared)
		note(c, now);
	std::set<int32_t> recorded;
	for (const wire::RelayReport &r : batch.reports)
		if (const HandedRelay &relay = *book.find(r.relay_id); relay.attempt == r.attempt) {
			if (r.phase != wire::RelayPhase::Connected && r.phase != wire::RelayPhase::SignedIn &&
				relay.live_since == 0 && recorded.insert(r.relay_id).second)
				record_audits(r.relay_id, judged(relay, r.relay_id, batch, result),
							  r.phase == wire::RelayPhase::Ended, now, result.audited);
			report(r, relay, leases.owner(), now);
		}
	return result;
}

} // namespace

void
add_to_readings(HandedRelay &relay, int32_t relay_id, const wire::Batch &batch,
				const std::vector<Miss> &misses)
{
	for (const Miss &miss : misses)
		if (miss.relay_id == relay_id)
			relay.asked[miss.reading].add_miss(miss.created_at);
	for (const wire::RelayClaim &c : batch.claims)
		if (c.relay_id == relay_id) {
			Reading &reading = *relay.answered_by(c);
			reading.add_claim(c.claim);
			if (reading.range.purpose != wire::Purpose::Again)
				relay.add_read(c.claim.range);
		}
}

Ingested
ingest(pg::Worker &worker, const wire::Batch &batch, const Leases &leases, const RelayBook &book,
	   const Books &books)
{
	// The batch commits here, completely or not at all. A crash may lose events, which are fetched
	// again. A claim never survives a crash without its events, because it is written in the same
	// transaction or in a later one, and the WAL keeps that order.
	pg::TransactionOptions options{.durable = !batch.retracts.empty() || !batch.reports.empty()};
	Ingested result;
	worker.transaction_with_retries("storing a batch", options, [&] {
		result = store(batch, leases, book, books, worker.now());
	});
	worker.count("batches", 1);
	worker.count("events_new", result.events);
	worker.count("sightings_new", result.sightings);
	if (result.rejected > 0)
		worker.count("events_rejected", result.rejected);
	if (result.left_out > 0)
		worker.count("events_left_out", result.left_out);
	for (const auto &[evidence, audited] : result.audited) {
		worker.count(("audited_" + evidence).c_str(), audited.shown);
		worker.count(("missed_" + evidence).c_str(), audited.missed);
	}
	return result;
}
