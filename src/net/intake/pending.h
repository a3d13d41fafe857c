/* An event between its arrival and the commit of its batch. */
#pragma once

#include <memory>
#include <vector>

#include "net/core/clock.h"
#include "net/intake/ledger.h"
#include "nostr/event.h"

namespace net {

/* When and how an event came from a relay. */
struct Receipt
{
	int64_t seen_at; // Unix seconds
	Clock::Time at;
	bool live; // unasked: no page waits for the event
};

struct Pending
{
	struct Source
	{
		int32_t relay_id;
		std::shared_ptr<Ledger> ledger;
		uint64_t step;
		Receipt receipt;
		/* The id does not cover the signature, so relays may deliver different signatures. */
		nostr::Signature sig;
	};

	nostr::Event event; // sig is the next to verify; the body is dropped once the event was sent
	bool in_batch = false;
	std::vector<Source> sources; // one per relay
	size_t charged = 0;          // bytes counted in the budget for this struct and its event

	/* Memory of an event besides its body: this struct, its table entries, its sighting. */
	static constexpr size_t kOverhead = 768;
	static constexpr size_t kSourceBytes = sizeof(Source);
	size_t body() const { return event.tags.size() + event.content.size(); }
};

} // namespace net
