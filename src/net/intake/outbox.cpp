#include "net/intake/outbox.h"

namespace net {

/* Account of a claim, a report or a kind of refusal. */
constexpr size_t kSmallBytes = 256;

Outbox::Outbox(Reactor &reactor, Link &link, Committed committed)
	: link_(link), committed_(std::move(committed)), timer_(reactor, [this] {
		  close_open();
		  pump();
	  })
{
}

void
Outbox::event(Pending &pending)
{
	pending.in_batch = true;
	open_.events.push_back(&pending);
	open_.bytes += pending.body();
	open_.charged += pending.body() + Pending::kOverhead; // charged at arrival
	for (const Pending::Source &source : pending.sources)
		see(pending.event.id, source.ledger->relay_id, source.seen_at);
	added();
}

void
Outbox::see(const nostr::Id &id, int32_t relay_id, int64_t seen_at)
{
	open_.sightings.push_back({id, relay_id, seen_at});
	charge_open(kSightingBytes);
}

void
Outbox::sighting(const nostr::Id &id, int32_t relay_id, int64_t seen_at)
{
	see(id, relay_id, seen_at);
	added();
}

void
Outbox::refuse(int32_t relay_id, const char *reason, std::string_view detail)
{
	auto [found, fresh] = open_.refusals.try_emplace({relay_id, reason});
	found->second.count++;
	found->second.detail = detail;
	if (fresh)
		charge_open(kSmallBytes);
	added();
}

void
Outbox::traffic(int32_t relay_id, uint64_t bytes, uint64_t messages, uint32_t pages)
{
	auto [found, fresh] = open_.traffic.try_emplace(relay_id, wire::Traffic{relay_id, 0, 0, 0});
	found->second.bytes += bytes;
	found->second.messages += messages;
	found->second.pages += pages;
	if (fresh)
		charge_open(kSmallBytes);
	added();
}

void
Outbox::claim(int32_t relay_id, const nostr::Claim &claim)
{
	open_.claims.push_back({relay_id, claim});
	charge_open(kSmallBytes);
	added();
}

void
Outbox::report(int32_t relay_id, const Report &report)
{
	open_.reports.emplace_back(relay_id, report);
	charge_open(kSmallBytes);
	added();
}

void
Outbox::charge_open(size_t bytes)
{
	in_flight_ += bytes;
	open_.charged += bytes;
}

void
Outbox::added()
{
	if (open_.events.size() >= kMaxEvents || open_.sightings.size() >= kMaxSightings ||
		open_.bytes >= kMaxBytes || open_.refusals.size() >= kMaxSmall ||
		open_.claims.size() >= kMaxSmall || open_.reports.size() >= kMaxSmall ||
		open_.traffic.size() >= kMaxSmall) {
		close_open();
		pump();
	} else if (!timer_.armed() && sent_.size() < kMaxUnacknowledged) {
		timer_.arm(kMaxAge);
	}
}

void
Outbox::close_open()
{
	timer_.cancel();
	if (open_.charged == 0)
		return;
	closed_.push_back(std::move(open_));
	open_ = {};
}

void
Outbox::pump()
{
	while (!closed_.empty() && sent_.size() < kMaxUnacknowledged) {
		send(closed_.front());
		closed_.pop_front();
	}
}

void
Outbox::send(Parts &parts)
{
	wire::Batch batch;
	Sent sent{++last_batch_, {}, parts.charged};
	batch.number = sent.batch;
	batch.events.reserve(parts.events.size());
	sent.events.reserve(parts.events.size());
	for (const Pending *pending : parts.events) {
		const nostr::Event &event = pending->event;
		batch.events.push_back({&event.id, &event.pubkey, &event.sig, event.created_at, event.kind,
								event.tags, event.content, event.has_nul});
		sent.events.push_back(event.id);
	}
	batch.sightings.reserve(parts.sightings.size());
	for (const Seen &seen : parts.sightings)
		batch.sightings.push_back({&seen.id, seen.relay_id, seen.seen_at});
	for (const auto &[key, refused] : parts.refusals)
		batch.refusals.push_back({key.first, key.second, refused.count, refused.detail});
	for (const auto &[relay_id, traffic] : parts.traffic)
		batch.traffic.push_back(traffic);
	batch.claims = std::move(parts.claims);
	for (const auto &[relay_id, report] : parts.reports)
		batch.reports.push_back({.relay_id = relay_id,
								 .attempt = report.attempt,
								 .phase = report.phase,
								 .reason = report.reason,
								 .detail = report.detail});
	link_.send(batch);
	for (Pending *pending : parts.events) {
		pending->event.tags = {};
		pending->event.content = {};
	}
	sent_.push_back(std::move(sent));
}

void
Outbox::acknowledged(uint64_t batch)
{
	if (sent_.empty() || sent_.front().batch != batch)
		throw LinkError("acknowledgement out of order");
	for (const nostr::Id &id : sent_.front().events)
		committed_(id);
	in_flight_ -= sent_.front().charged;
	sent_.pop_front();
	/* With credit again, what is open waits no longer than it would have. */
	pump();
	if (open_.charged > 0 && !timer_.armed() && sent_.size() < kMaxUnacknowledged)
		timer_.arm(kMaxAge);
}

} // namespace net
