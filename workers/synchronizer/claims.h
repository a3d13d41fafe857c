/*
 * What the net process claims, put together here and written to bigbrotr.coverage every few
 * seconds: page after page makes one range longer, and a row that is replaced with each page has
 * thousands of versions while one old snapshot is open. A claim that a crash loses is read again;
 * one that is written later than its events is never wrong.
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
	bool agrees = false;  // another connection had read it, and nothing was new
	int64_t asked_at = 0; // Unix seconds
};

/* By relay_id, in the order in which they came. */
using ClaimMap = std::unordered_map<int32_t, std::vector<PendingClaim>>;

/* Makes the last claim longer where the new one says the same of the seconds next to it. */
void add_claim(std::vector<PendingClaim> &claims, const PendingClaim &claim);

class ClaimBook
{
  public:
	/* So many claims of one relay are to be written at once. */
	static constexpr size_t kMany = 100;

	/* Inside a transaction: writes what waits of this relay, and `more` of it. */
	void write(int32_t relay, const ClaimMap &more, int64_t now) const;
	/* Inside a transaction: writes all. */
	void write_all(int64_t now) const;
	size_t waiting(int32_t relay) const;

	/* After the commit. */
	void add(const ClaimMap &more);
	void written(const std::vector<int32_t> &relays);
	void all_written() { waiting_.clear(); }
	/* They are not believed any more. */
	void forget(int32_t relay) { waiting_.erase(relay); }

  private:
	ClaimMap waiting_;
};
