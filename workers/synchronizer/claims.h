/*
 * Collects the claims of the net process and writes them to bigbrotr.coverage every few seconds.
 * Each page makes a range longer; if a row were replaced for each page, it would have thousands of
 * versions while an old snapshot is open. If a crash loses a claim, its range is read again. A
 * claim that is written later than its events is never wrong.
 */
#pragma once

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "wire/archive.h"

struct PendingClaim
{
	uint32_t filter_id = 0;
	wire::ReadAs reader = wire::ReadAs::Anonymous;
	nostr::Claim claim;
	bool agrees = false;  // another connection had read the range, and nothing was new
	int64_t asked_at = 0; // Unix seconds
};

/* Claims by relay_id, in the order in which they came. */
using ClaimMap = std::unordered_map<int32_t, std::vector<PendingClaim>>;

/* Extends the last claim if the new claim says the same of the seconds just below it. */
void add_claim(std::vector<PendingClaim> &claims, const PendingClaim &claim);

class ClaimBook
{
  public:
	/* A relay with this many claims is written at once. */
	static constexpr size_t kMany = 100;

	/* Must be called inside a transaction. Writes the waiting claims of this relay and those in
	 * `more`. */
	void write(int32_t relay, const ClaimMap &more, int64_t now) const;
	/* Must be called inside a transaction. Writes all waiting claims. */
	void write_all(int64_t now) const;
	size_t waiting(int32_t relay) const;

	/* These three must be called after the commit, because a transaction may be repeated. */
	void add(const ClaimMap &more);
	void written(const std::vector<int32_t> &relays);
	void all_written() { waiting_.clear(); }
	/* Drops the waiting claims of a relay that is no longer believed. */
	void forget(int32_t relay) { waiting_.erase(relay); }

  private:
	ClaimMap waiting_;
};
