/*
 * Which relays a worker has handed out to its net process, and what each of them was asked. It
 * knows no SQL and decides nothing.
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
	uint32_t attempt = 0;   // which opening: what is said of another one is void
	bool open = true;       // its end was not reported yet
	int64_t opened_at = 0;  // Unix seconds, as all times here
	int64_t asked_at = 0;   // when `asked` was made
	int64_t live_since = 0; // when it had read all of `asked`; 0: it has not
	bool more = false;      // there are further gaps than `asked`
	bool stopping = false;  // it was told to close
	int64_t pause_s = 0;    // if so: how long it is left alone then
	bool sign_in = false;   // if it asks who reads
	int signatures = 0;     // made for this opening
	wire::ReadAs reader = wire::ReadAs::Anonymous;
	bool unasked = false;     // it is to be asked for the first time, now that the reader is known
	bool claims_held = false; // nothing that it claims is believed until it is opened again
	std::vector<Reading> asked;
	/* What was read for the first time in this opening: another one must confirm it. */
	std::vector<nostr::TimeRange> first_read;

	/* The reading that a claim answers; null: it was not asked for. */
	Reading *answered_by(const wire::Claim &claim);
	const Reading *answered_by(const wire::Claim &claim) const;
	void ask(std::vector<Reading> readings, bool is_more, int64_t now);

  private:
	void add_first_read(nostr::TimeRange range);
};

class RelayBook
{
  public:
	using Relays = std::unordered_map<int32_t, HandedRelay>;

	/* A new opening. */
	HandedRelay &open(int32_t relay_id, int64_t now);
	/* Null: the net process never heard of the relay. */
	const HandedRelay *find(int32_t relay_id) const;
	HandedRelay *find(int32_t relay_id);
	void end(HandedRelay &relay);
	/* There is another net process, which knows nothing. */
	void clear();

	int32_t open_count() const { return open_count_; }
	/* All relays since the net process started, the ended ones among them. */
	const Relays &relays() const { return relays_; }

  private:
	Relays relays_;
	uint32_t attempts_ = 0;
	int32_t open_count_ = 0;
};
