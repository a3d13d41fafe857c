/*
 * Checks each batch of the net process before anything of it is stored. The net process reads data
 * from hostile relays, and a relay may have taken it over.
 */
#pragma once

#include <cstdint>
#include <memory>
#include <random>

#include "wire/archive.h"
#include "workers/synchronizer/relay_book.h"

namespace nostr {
class Verifier;
}

class BatchCheck
{
  public:
	BatchCheck();
	~BatchCheck();

	/*
	 * Throws pg::NetFault if the batch names a relay that was not handed out, claims a range that
	 * was not asked, or contains a forged event. One event in bigbrotr.verify_sample is verified,
	 * at random, so that the net process cannot foresee which one.
	 */
	void run(const wire::Batch &batch, const RelayBook &book);

  private:
	void verify_some(const wire::Batch &batch);

	std::mt19937_64 random_;
	std::unique_ptr<nostr::Verifier> verifier_;
	uint64_t unverified_ = 0; // number of events to skip before the next one is verified
};
