#include "net/intake/outbox.h"

namespace net {

/* Memory of a claim, a report or a kind of refusal, in bytes. */
constexpr size_t kSmallBytes = 256;

Outbox::Outbox(Reactor &reactor, Link &link, const Clock &clock, Owner &owner)
	: link_(link), clock_(clock), owner_(owner),
	  batches_(
		  reactor, [this](uint64_t number, Parts &parts) { send(number, parts); },
		  [this](const Parts &parts) { this->committed(parts); })
{
}

void
Outbox::event(Pending &pending)
{
	pending.in_batch = true;
	Parts &open = batches_.open();
	open.events.push_back(&pending);
	open.bytes += pending.body();
	for (const Pending::Source &source : pending.sources)
		see(pending.event, source.relay_id, source.receipt);
	batches_.added();
}

void
Outbox::see(const nostr::Event &event, int32_t relay_id, const Receipt &receipt)
{
	batches_.open().sightings.push_back(
		{event.id, event.created_at, event.kind, relay_id, receipt});
	charge(kSightingBytes);
}

void
Outbox::sighting(const nostr::Event &event, int32_t relay_id, const Receipt &receipt)
{
	see(event, relay_id, receipt);
	batches_.added();
}

void
Outbox::refuse(int32_t relay_id, const char *reason, std::string_view detail)
{
	auto [found, fresh] = batches_.open().refusals.try_emplace({relay_id, reason});
	found->second.count++;
	found->second.detail = detail;
	if (fresh)
		charge(kSmallBytes);
	batches_.added();
}

void
Outbox::traffic(const wire::RelayTraffic &traffic)
{
	auto [found, fresh] = batches_.open().traffic.try_emplace(traffic.relay_id);
	wire::RelayTraffic &sum = found->second;
	sum.relay_id = traffic.relay_id;
	sum.bytes += traffic.bytes;
	sum.messages += traffic.messages;
	sum.pages += traffic.pages;
	sum.questions += traffic.questions;
	sum.delivered += traffic.delivered;
	sum.repeated += traffic.repeated;
	if (fresh)
		charge(kSmallBytes);
	batches_.added();
}

void
Outbox::claim(const wire::RelayClaim &claim)
{
	batches_.open().claims.push_back(claim);
	charge(kSmallBytes);
	batches_.added();
}

void
Outbox::retract(const wire::RelayRetract &retract)
{
	batches_.open().retracts.push_back(retract);
	charge(kSmallBytes);
	batches_.added();
}

void
Outbox::compared(const wire::Compared &compared)
{
	batches_.open().compared.emplace_back(compared, compared.detail);
	charge(kSmallBytes);
	batches_.added();
}

void
Outbox::report(int32_t relay_id, const Report &report)
{
	batches_.open().reports.emplace_back(relay_id, report);
	charge(kSmallBytes);
	batches_.added();
}

void
Outbox::charge(size_t bytes)
{
	budget_.charge(bytes);
	batches_.open().charged += bytes;
}

void
Outbox::send(uint64_t number, Parts &parts)
{
	wire::Batch batch;
	batch.number = number;
	batch.events.reserve(parts.events.size());
	for (const Pending *pending : parts.events) {
		const nostr::Event &event = pending->event;
		batch.events.push_back({&event.id, &event.pubkey, &event.sig, event.created_at, event.kind,
								event.tags, event.content, event.has_nul});
	}
	batch.sightings.reserve(parts.sightings.size());
	for (const QueuedSighting &seen : parts.sightings)
		batch.sightings.push_back({{&seen.id, seen.created_at, seen.kind},
								   seen.relay_id,
								   seen.receipt.seen_at,
								   seen.receipt.live});
	for (const auto &[key, refused] : parts.refusals)
		batch.refusals.push_back({key.first, key.second, refused.count, refused.detail});
	for (const auto &[relay_id, traffic] : parts.traffic)
		batch.traffic.push_back(traffic);
	batch.claims = parts.claims;
	batch.retracts = parts.retracts;
	for (const auto &[compared, detail] : parts.compared) {
		batch.compared.push_back(compared);
		batch.compared.back().detail = detail;
	}
	for (const auto &[relay_id, report] : parts.reports)
		batch.reports.push_back({.relay_id = relay_id,
								 .attempt = report.attempt,
								 .phase = report.phase,
								 .reason = report.reason,
								 .detail = report.detail,
								 .retry_after_ms = report.retry_after_ms,
								 .page_limit = report.page_limit,
								 .pace_ms = report.pace_ms});
	link_.send(batch);
	/* When a batch was sent, only the ids of its events are still needed. */
	for (Pending *pending : parts.events) {
		pending->event.tags = {};
		pending->event.content = {};
	}
}

void
Outbox::committed(const Parts &parts)
{
	budget_.give_back(parts.charged);
	const Clock::Time now = clock_.now();
	for (const QueuedSighting &seen : parts.sightings)
		if (seen.receipt.live)
			delays_.add(now - seen.receipt.at);
	if (!parts.forgotten)
		for (const QueuedSighting &seen : parts.sightings)
			owner_.on_sighting_committed(seen.id, seen.relay_id);
	for (const Pending *pending : parts.events) {
		budget_.give_back(pending->charged);
		owner_.on_event_committed(nostr::Id(pending->event.id)); // a copy: the event gets deleted
	}
}

void
Outbox::forget_sightings()
{
	batches_.for_each([](Parts &parts) { parts.forgotten = true; });
}

} // namespace net
