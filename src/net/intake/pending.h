/* An event between its arrival and the commit of its batch. */
#pragma once

#include <memory>
#include <vector>

#include "net/intake/ledger.h"
#include "nostr/event.h"

namespace net {

struct Pending
{
	struct Source
	{
		int32_t relay_id;
		std::shared_ptr<Ledger> ledger;
		uint64_t step;
		int64_t seen_at;
		bool live;
		/* The id does not cover the signature, so each relay may bring another one. */
		nostr::Signature sig;
	};

	nostr::Event event; // sig is the one to be verified; the body is dropped when the event is sent
	bool in_batch = false;
	std::vector<Source> sources; // one per relay
	size_t charged = 0;          // of the budget, for all of this

	/* Bytes of an event beside its body: this struct, its entries in tables, its sighting. */
	static constexpr size_t kOverhead = 768;
	static constexpr size_t kSourceBytes = sizeof(Source);
	size_t body() const { return event.tags.size() + event.content.size(); }
};

} // namespace net
