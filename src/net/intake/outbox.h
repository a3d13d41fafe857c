/*
 * What goes to the worker in batches: fills the open batch, closes it when it is full or old
 * enough, sends it when there is credit, and keeps account of the memory of everything under way.
 *
 * Bounds: kMaxUnacknowledged batches are sent and not committed; what waits for credit is
 * bounded by the bytes in flight, past which the sockets are not read (full()).
 */
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "net/core/link.h"
#include "net/core/reactor.h"
#include "net/intake/ledger.h"
#include "net/intake/pending.h"

namespace net {

class Outbox
{
  public:
	static constexpr size_t kMaxEvents = 500;
	static constexpr size_t kMaxSightings = 4000;
	static constexpr size_t kMaxBytes = 2 << 20;
	static constexpr size_t kMaxSmall = 4000; // of each of refusals, traffic, claims, reports
	static constexpr size_t kMaxUnacknowledged = 4;
	static constexpr size_t kSightingBytes = 64;
	static constexpr std::chrono::milliseconds kMaxAge{100};

	/* `committed` gets every event whose batch is acknowledged, and then owns nothing of it. */
	using Committed = std::function<void(const nostr::Id &)>;
	Outbox(Reactor &reactor, Link &link, Committed committed);

	/* The event and the sightings of its sources. The Pending lives until it is committed. */
	void event(Pending &pending);
	void sighting(const nostr::Id &id, int32_t relay_id, int64_t seen_at);
	void refuse(int32_t relay_id, const char *reason, std::string_view detail);
	void traffic(int32_t relay_id, uint64_t bytes, uint64_t messages, uint32_t pages);
	void claim(int32_t relay_id, const nostr::Claim &claim);
	void report(int32_t relay_id, const Report &report);

	/* Throws LinkError if that is not the oldest unacknowledged batch. */
	void acknowledged(uint64_t batch);

	/* Memory of what is under way: charged at arrival, given back at commit or refusal. */
	void charge(size_t bytes) { in_flight_ += bytes; }
	void give_back(size_t bytes) { in_flight_ -= bytes; }
	uint64_t in_flight() const { return in_flight_; }

  private:
	struct Refused
	{
		uint32_t count = 0;
		std::string detail;
	};
	struct Seen
	{
		nostr::Id id;
		int32_t relay_id;
		int64_t seen_at;
	};
	struct Parts
	{
		std::vector<Pending *> events;
		std::vector<Seen> sightings;
		std::map<std::pair<int32_t, std::string_view>, Refused> refusals; // reasons are literals
		std::map<int32_t, wire::Traffic> traffic;
		std::vector<wire::Claim> claims;
		std::vector<std::pair<int32_t, Report>> reports;
		size_t bytes = 0;   // of the events' bodies
		size_t charged = 0; // of the account
	};
	struct Sent
	{
		uint64_t batch;
		std::vector<nostr::Id> events;
		size_t charged;
	};

	void see(const nostr::Id &id, int32_t relay_id, int64_t seen_at);
	void charge_open(size_t bytes);
	void added();
	void close_open();
	void pump();
	void send(Parts &parts);

	Link &link_;
	Committed committed_;
	Timer timer_;
	Parts open_;
	std::deque<Parts> closed_;
	std::deque<Sent> sent_;
	uint64_t last_batch_ = 0;
	uint64_t in_flight_ = 0;
};

} // namespace net
