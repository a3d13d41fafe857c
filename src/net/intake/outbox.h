/*
 * Collects batches for the worker, with events, sightings and statements about relays, and counts
 * their memory.
 */
#pragma once

#include <map>
#include <string>
#include <vector>

#include "net/core/clock.h"
#include "net/core/link.h"
#include "net/intake/budget.h"
#include "net/intake/delays.h"
#include "net/intake/pending.h"
#include "net/intake/result_stream.h"
#include "net/intake/statements.h"

namespace net {

class Outbox final : public Statements
{
  public:
	static constexpr size_t kMaxEvents = 500;
	static constexpr size_t kMaxSightings = 4000;
	static constexpr size_t kMaxBytes = 2 << 20;
	static constexpr size_t kMaxSmall = 4000; // for each other kind of part
	static constexpr size_t kSightingBytes = 72;

	/* Is told the content of a batch that was acknowledged. */
	class Owner
	{
	  public:
		virtual ~Owner() = default;
		virtual void on_sighting_committed(const nostr::Id &id, int32_t relay_id) = 0;
		/* The owner may destroy the Pending of this event. */
		virtual void on_event_committed(const nostr::Id &id) = 0;
	};
	Outbox(Reactor &reactor, Link &link, const Clock &clock, Owner &owner);

	/* Adds the event and the sightings of its sources. The Pending must live until it is
	 * committed. */
	void event(Pending &pending);
	void sighting(const nostr::Event &event, int32_t relay_id, const Receipt &receipt);
	void refuse(int32_t relay_id, const char *reason, std::string_view detail);
	void traffic(const wire::RelayTraffic &traffic);
	void compared(const wire::Compared &compared);
	void claim(const wire::RelayClaim &claim) override;
	void retract(const wire::RelayRetract &retract) override;
	void report(int32_t relay_id, const Report &report) override;

	/* For sightings added before this call, on_sighting_committed() is not called. */
	void forget_sightings();

	/* Throws LinkError if `batch` is not the oldest unacknowledged batch. */
	void acknowledged(uint64_t batch) { batches_.acknowledged(batch); }

	Budget &budget() { return budget_; }
	const Budget &budget() const { return budget_; }
	/* Of live events: from their arrival to the acknowledgement of their batch. */
	const Delays &delays() const { return delays_; }

  private:
	struct Refused
	{
		uint32_t count = 0;
		std::string detail;
	};
	struct QueuedSighting
	{
		nostr::Id id;
		int64_t created_at;
		int32_t kind, relay_id;
		Receipt receipt;
	};
	struct Parts
	{
		std::vector<Pending *> events;
		std::vector<QueuedSighting> sightings;
		std::map<std::pair<int32_t, std::string_view>, Refused> refusals; // reasons are literals
		std::map<int32_t, wire::RelayTraffic> traffic;
		std::vector<wire::RelayClaim> claims;
		std::vector<wire::RelayRetract> retracts;
		std::vector<std::pair<wire::Compared, std::string>> compared; // each with its detail
		std::vector<std::pair<int32_t, Report>> reports;
		size_t bytes = 0;   // of the bodies of events
		size_t charged = 0; // counted in the budget, without the events
		bool forgotten = false;

		bool empty() const { return charged == 0; }
		bool full() const
		{
			return events.size() >= kMaxEvents || sightings.size() >= kMaxSightings ||
				   bytes >= kMaxBytes || refusals.size() >= kMaxSmall ||
				   traffic.size() >= kMaxSmall || claims.size() >= kMaxSmall ||
				   retracts.size() >= kMaxSmall || compared.size() >= kMaxSmall ||
				   reports.size() >= kMaxSmall;
		}
	};

	void see(const nostr::Event &event, int32_t relay_id, const Receipt &receipt);
	void charge(size_t bytes);
	void send(uint64_t number, Parts &parts);
	void committed(const Parts &parts);

	Link &link_;
	const Clock &clock_;
	Owner &owner_;
	Budget budget_;
	Delays delays_;
	ResultStream<Parts> batches_;
};

} // namespace net
