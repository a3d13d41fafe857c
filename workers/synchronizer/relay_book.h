/*
 * The relays that the worker has handed out to its net process, and what each relay was asked. This
 * code uses no SQL and makes no decisions.
 */
#pragma once

#include <cstdint>
#include <string>
#include <unordered_map>
#include <vector>

#include "workers/synchronizer/reading.h"

struct HandedRelay
{
	std::string url;
	uint32_t attempt = 0;   // number of this opening; messages about others are void
	bool open = true;       // the end of the opening was not reported yet
	int64_t opened_at = 0;  // all times here are Unix seconds
	int64_t asked_at = 0;   // when `asked` was set
	int64_t live_since = 0; // when all of `asked` was read; 0: not yet
	bool more = false;      // more gaps exist than `asked` holds
	bool stopping = false;  // the relay was told to close
	int64_t pause_s = 0;    // seconds until the next opening, if `stopping`
	bool sign_in = false;   // sign in if the relay demands it
	int signatures = 0;     // signatures made for this opening
	wire::ReadAs reader = wire::ReadAs::Anonymous;
	bool unasked = false;     // the first task must be sent, now that the reader is known
	bool claims_held = false; // claims are ignored until the next opening
	std::vector<Reading> asked;
	/* Ranges that were read in this opening, for the first time or to confirm them. Only another
	 * opening can say more about them. */
	std::vector<nostr::TimeRange> read_here;
	bool audited = false; // a claim was audited in this opening

	/* The reading that a claim answers; null if the claim answers none. */
	Reading *answered_by(const wire::RelayClaim &claim);
	const Reading *answered_by(const wire::RelayClaim &claim) const;
	void ask(std::vector<Reading> readings, bool is_more, int64_t now);
	/* Another reader begins: what the connection has shown counts for the former one. */
	void forget_readings();
	void add_read(nostr::TimeRange range);
};

class RelayBook
{
  public:
	using Relays = std::unordered_map<int32_t, HandedRelay>;

	/* Begins a new opening. */
	HandedRelay &open(int32_t relay_id, int64_t now);
	/* Null if the relay was not handed out to this net process. */
	const HandedRelay *find(int32_t relay_id) const;
	HandedRelay *find(int32_t relay_id);
	void end(HandedRelay &relay);
	/* Now is this Unix second, and the clock showed a later one before. */
	void clock_set_back(int64_t now);
	/* Forgets everything, because a new net process knows no relay. */
	void clear();

	int32_t open_count() const { return open_count_; }
	/* All relays handed out to this net process, including ended ones. */
	const Relays &relays() const { return relays_; }

  private:
	Relays relays_;
	uint32_t attempts_ = 0;
	int32_t open_count_ = 0;
};
