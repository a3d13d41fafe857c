/*
 * What the net process says is not believed blindly: it reads what hostile relays send, and may be
 * theirs by now. Each batch is looked through before anything of it is stored.
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
	 * Throws pg::NetFault if the batch speaks of a relay that was not handed out, claims what was
	 * not asked, or has a forged event among those that are verified again: one in
	 * bigbrotr.verify_sample, which the net process cannot foresee.
	 */
	void run(const wire::Batch &batch, const RelayBook &book);

  private:
	void verify_some(const wire::Batch &batch);

	std::mt19937_64 random_;
	std::unique_ptr<nostr::Verifier> verifier_;
	uint64_t unverified_ = 0; // events that pass until the next one is verified
};
