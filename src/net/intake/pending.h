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
		std::shared_ptr<Ledger> ledger;
		uint64_t step;
		int64_t seen_at;
	};

	nostr::Event event; // its body is dropped when the batch is sent
	bool in_batch = false;
	std::vector<Source> sources; // one per relay

	/* What an event costs beside its body: this struct, its places in tables, its sighting. */
	static constexpr size_t kOverhead = 768;
	size_t body() const { return event.tags.size() + event.content.size(); }
};

} // namespace net
