/*
 * The events that simulated relays hold: made and signed once, shared by all relays, in groups that
 * each make one difficulty. Deterministic for a seed but for the time they end at.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "corpus_text.h"
#include "nostr/event.h"
#include "nostr/keys.h"

namespace simulator {

using corpus::Random;

struct Stored
{
	nostr::Id id;
	uint32_t author; // index of its key
	int32_t kind;
	int64_t created_at;
	std::string body; // the event's JSON
};

using Numbers = std::vector<uint32_t>; // events, by their place in the pool

/* Private kinds, which relays hide from strangers. */
inline bool
is_private(int32_t kind)
{
	return kind == 4 || kind == 1059;
}

class Pool
{
  public:
	/* `now`: Unix seconds; the newest event of a first pass is twenty minutes older. */
	Pool(uint64_t seed, int64_t now);

	const Stored &operator[](uint32_t number) const { return events_[number]; }
	size_t size() const { return events_.size(); }
	int64_t now() const { return now_; }
	const nostr::PublicKey &author(uint32_t index) const { return signers_[index]->pubkey(); }

	Numbers notes;                    // 400 days of several kinds, oldest first
	Numbers recent;                   // the last three days
	std::vector<Numbers> hidden_runs; // 700 private events in a row each
	std::vector<Numbers> mixed;       // one second each: 450 notes and 350 private events
	std::vector<Numbers> dense;       // one second each: 700 to 1,500 notes
	Numbers crowded;                  // 20,000 events of one second, 160 pairs of kind and author
	std::vector<Numbers> uneven;      // one second each: 10 large events or 100 small ones
	std::vector<Numbers> late;        // dated minutes, hours, two days, a month, a year back
	Numbers odd_times;                // dated 0, 1, tomorrow, in milliseconds, 2^63-1
	Numbers beyond_limits;            // valid, but of a kind above 65535, too large, too many tags
	Numbers expired;                  // with an expiration that is past
	Numbers other_notes;              // what a relay holds that replaces another one
	Numbers fresh;                    // dated now
	uint32_t pinned = 0;              // an old note

  private:
	uint32_t make(int64_t created_at, int32_t kind, size_t content = 0,
				  const std::string &tags = "[]");
	uint32_t make_by(uint32_t author, int64_t created_at, int32_t kind, size_t content,
					 const std::string &tags);
	int32_t common_kind();

	Random random_;
	int64_t now_;
	std::vector<std::unique_ptr<nostr::Signer>> signers_;
	std::vector<Stored> events_;
};

/* Seconds that `Pool::late[i]` lies back. */
inline constexpr int64_t kLateBy[] = {1200, 3600, 86400, 2 * 86400, 30 * 86400, 365 * 86400};

} // namespace simulator
