/*
 * One simulated relay: what it holds, what it answers to a filter, and what is true of it. No
 * sockets here.
 */
#pragma once

#include <string>
#include <unordered_set>
#include <vector>

#include "behaviour.h"
#include "nostr/filter.h"
#include "nostr/negentropy_records.h"
#include "pool.h"

namespace simulator {

/* How one scenario is to be judged by what a stranger could be served. */
enum class Served
{
	Yes,
	Private,      // only after authentication
	BeyondLimits, // served, but the archive's limits refuse it
	Gone,         // served until the relay changed
	Unaskable     // held, but no question brings it: of more events than an answer takes
};

struct Truth
{
	uint32_t number;
	Served served;
	int64_t since; // Unix seconds: served from then on; 0: from the beginning
};

/* An answer: events in the order of sending. */
struct Answer
{
	Numbers events;
	bool more = false; // the relay holds more that match
	bool capped = false;
};

class Relay
{
  public:
	Relay(const Pool &pool, Behaviour behaviour, Numbers events, Numbers late, uint64_t seed);

	const Behaviour &behaviour() const { return behaviour_; }
	Random &random() { return random_; }

	/* `node`: which of the replicas answers. */
	Answer answer(const std::vector<nostr::Filter> &filters, uint32_t node);
	size_t count(const std::vector<nostr::Filter> &filters, uint32_t node);
	/* What it reconciles with, sealed. */
	nostr::negentropy::RecordSet records(const nostr::Filter &filter, uint32_t node);

	/* The first pass is over. Returns what is new and to be sent to open subscriptions. */
	Numbers change(int64_t now);

	std::vector<Truth> truth();

	uint32_t next_node() { return connections_++ % behaviour_.replicas; }
	uint32_t answers = 0;           // so far
	std::vector<uint32_t> troubled; // by trouble: how often

  private:
	struct Held
	{
		uint32_t number;
		uint64_t rank; // for orders that are not those of time
		int64_t since;
	};

	std::unordered_set<uint32_t> askable();
	uint64_t hash(uint32_t number) const;
	void insert(uint32_t number, int64_t since);
	bool on_node(uint32_t number, uint32_t node) const;
	bool hidden(const Stored &event) const;
	bool matches(const nostr::Filter &filter, const Stored &event, uint32_t node) const;
	void select(const nostr::Filter &filter, uint32_t node, const std::vector<int32_t> *kinds,
				Answer &answer);

	const Pool &pool_;
	Behaviour behaviour_;
	Random random_;
	uint64_t salt_;
	std::vector<Held> held_; // oldest first
	Numbers late_, gone_;
	uint32_t connections_ = 0;
};

} // namespace simulator
